"""Claims that cannot be tested: a clear message, or untestable with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.app import vocabulary_for
from engine.errors import ThesisError
from engine.thesis.reader import parse
from tests.claim_cases import DAYS, ROWS, day, evidence, judged, thesis
from tests.signal_cases import WEEKS, layers, one, signals

N = len(WEEKS)
CLAIM = '\n[[claims]]\nid = "c"\nsays = "So."\n'
KILL = '\n[[kill]]\nid = "k"\nsays = "So."\n'


@pytest.fixture(scope="module")
def minimal(root: Path) -> str:
    return (root / "examples" / "minimal.toml").read_text(encoding="utf-8")


def problems(text: str) -> str:
    """Return every problem of a file, one a line, under the real catalogues."""
    try:
        parse(text, path="thesis.toml", vocabulary=vocabulary_for(Path()))
    except ThesisError as error:
        return "\n".join(str(problem) for problem in error.problems)
    return ""


#: What is added to a good file, and words of the message that must come.
WRONG: list[tuple[str, tuple[str, ...]]] = [
    (
        CLAIM + 'test = "layer_spread"\nlong = "compte"\nshort = "labs"',
        ("unknown layer or leg 'compte'", "did you mean 'compute'?"),
    ),
    (
        CLAIM + 'test = "layer_spread"\nlong = "labs"\nshort = "labs"',
        ("'labs' is compared with itself", "name two different ones"),
    ),
    (
        CLAIM + 'test = "rank_order"\nlayers = ["compute", "compute"]',
        ("'compute' stands here twice",),
    ),
    (
        CLAIM + 'test = "rank_order"\nlayers = ["compute"]',
        ("'layers' needs at least two different layers",),
    ),
    (
        CLAIM + 'test = "spanning_alpha"\na = "barbell"\nagainst = ["barbell"]',
        ("'against' names 'barbell' itself",),
    ),
    (
        CLAIM + 'test = "spanning_alpha"\na = "barbell"\nagainst = ["equal wait"]',
        ("unknown path 'equal wait'", "did you mean 'equal weight'?"),
    ),
    (
        CLAIM + 'test = "hedge_beta"\nlayer = "labs"\nrole = "token_shre"',
        ("unknown role 'token_shre'", "did you mean 'token_share'?"),
    ),
    (
        CLAIM + 'test = "lead_lag"\nrole = "tokens"',
        ("give either 'layer' or 'follower'",),
    ),
    (
        CLAIM + 'test = "lead_lag"\nrole = "tokens"\nlayer = "labs"\nlag = 0',
        ("'lag' must be at least 1",),
    ),
    (
        CLAIM + 'test = "incremental_ratio"\nnumerator = "capex"\n'
        'denominator = "capex"',
        ("'capex' is compared with itself",),
    ),
    (
        CLAIM + 'test = "demand_elasticity"\nprice = "price"\nquantity = "tokens"',
        ("unknown role 'price'",),
    ),
    (
        CLAIM + 'test = "factor_rank_ic"\nfactor = "price_momentm"',
        ("unknown factor of this thesis 'price_momentm'",),
    ),
    (
        CLAIM + 'test = "event_dispersion"\nlayer = "labs"\nwindow = [0, 1]\n'
        'events = ["no-such"]\nothers = ["nor-this"]',
        ("unknown event 'no-such'", "unknown event 'nor-this'"),
    ),
    (
        '\n[baskets]\nmine = ["NVDIA", "AMD"]\n',
        ("unknown ticker 'NVDIA'", "did you mean 'NVDA'?"),
    ),
    ("\n[baskets]\nmine = []\n", ("at least one entry",)),
    (
        '\n[baskets]\ncompute = ["NVDA"]\n',
        ("the basket 'compute' has the name of a layer or a leg",),
    ),
    (KILL, ("give exactly one condition",)),
    (KILL + "drawdown = 30", ("a number below 1, found 30",)),
    (KILL + 'behind = "equal wait"\nby = 0.2', ("did you mean 'equal weight'?",)),
    (KILL + 'role = "tokens"', ("exactly one of 'above', 'below' and 'off_peak'",)),
    (KILL + 'drawdown = 0.3\nclaim = "x"', ("unknown claim 'x'",)),
    (KILL + "drawdown = 0.3\ndraw = 1", ("unknown key 'draw'",)),
    (KILL + "drawdown = 0.3" + KILL + "drawdown = 0.2", ("already taken",)),
]


@pytest.mark.parametrize(("added", "words"), WRONG)
def test_a_wrong_claim_is_named_in_the_file(
    minimal: str, added: str, words: tuple[str, ...]
) -> None:
    assert problems(minimal) == ""
    found = problems(minimal + added)
    for word in words:
        assert word in found, found


SHARE = {"role": "share"}
NEEDY: list[tuple[dict[str, Any], dict[tuple[str, str], Any], str]] = [
    ({"test": "trend", **SHARE}, {}, "no observation of share"),
    ({"test": "trend", **SHARE}, {("share", "cn"): [0.3]}, "0 changes of share"),
    ({"test": "trend", **SHARE}, {("share", "cn"): [0.3] * 9}, "8 changes of share"),
    (
        {"test": "trend", **SHARE},
        {("share", "cn"): [0.3] * N},
        "share does not move, or always alike",
    ),
    (
        {"test": "trend", **SHARE, "change": "log"},
        {("share", "cn"): [0.0] + [0.3] * 30},
        "no logarithm",
    ),
    (
        {"test": "trend", **SHARE},
        {("share", "cn"): [0.1] * N, ("share", "us"): [0.2] * N},
        "known of 2 entities; name one",
    ),
    (
        {"test": "trend", **SHARE},
        {("share", "cn"): [0.1, np.nan] + [0.2, 0.4] * 20},
        "share has no number on 2023-01-13",
    ),
    (
        {"test": "saturation", **SHARE},
        {("share", "cn"): np.linspace(0.1, 0.2, 20) ** 2},
        "24 needed, 12 in each half",
    ),
    (
        {"test": "hedge_beta", "layer": "alpha", **SHARE},
        {("share", "cn"): [0.3] * N},
        "does not vary by itself",
    ),
    (
        {"test": "hedge_beta", "layer": "gamma", **SHARE},
        {("share", "cn"): [0.3] * N},
        "no asset of gamma has a price",
    ),
    (
        {"test": "hedge_beta", "layer": "alpha", "controls": ["QQQ"], **SHARE},
        {("share", "cn"): [0.3] * N},
        "no path is called 'QQQ'",
    ),
    (
        {"test": "lead_lag", "follower": "sales", **SHARE},
        {("share", "cn"): np.linspace(0, 1, N) ** 2},
        "no observation of sales",
    ),
    (
        {"test": "lead_lag", "layer": "alpha", **SHARE},
        {("share", "cn"): [0.3] * N},
        "share or alpha does not vary",
    ),
    (
        {"test": "demand_elasticity", "price": "share", "quantity": "sold"},
        {("share", "v"): [1.0] * N, ("sold", "v"): np.arange(1.0, N + 1)},
        "0 price steps",
    ),
    (
        {"test": "demand_elasticity", "price": "share", "quantity": "sold"},
        {("share", "v"): [1.0] * N, ("sold", "w"): [1.0] * N},
        "no entity has both share and sold",
    ),
    (
        {"test": "demand_elasticity", "price": "share", "quantity": "sold"},
        {
            ("share", "v"): np.exp(np.sin(np.arange(N))),
            ("sold", "v"): np.exp(-np.sin(np.arange(N))),
        },
        "sold follows share exactly",
    ),
    (
        {"test": "incremental_ratio", "numerator": "profit", "denominator": "share"},
        {("profit", "co"): [1.0] * N, ("share", "co"): [0.0] + [5.0] * (N - 1)},
        "share is not above zero throughout",
    ),
    (
        {"test": "incremental_ratio", "numerator": "profit", "denominator": "share"},
        {("profit", "co"): [1.0] * N, ("share", "co"): [5.0] * N},
        "share does not grow",
    ),
    (
        {"test": "rank_order", "layers": ["alpha", "beta"], "role": "share"},
        {("share", "alpha"): [0.5] * 5, ("share", "beta"): [0.3] * 5},
        "5 dates with share of every layer",
    ),
]


@pytest.mark.parametrize(("claim", "told", "reason"), NEEDY)
def test_a_claim_without_its_series_is_untestable(
    claim: dict[str, Any], told: dict[tuple[str, str], Any], reason: str
) -> None:
    known = signals(told or {("other", "x"): [1.0] * 3})
    found = one(claim, known, returns={"SPY": pd.Series(0.0, index=DAYS[1:])})
    assert found.verdict == "untestable"
    assert reason in found.reason


def test_an_error_of_zero_is_no_evidence() -> None:
    """Two layers that earn the same: neither supported nor open, but untestable."""
    same = np.full(ROWS - 1, 0.001)
    spread = {"test": "layer_spread", "long": "alpha", "short": "beta"}
    found = one(spread, layers=layers(same, same))
    assert found.verdict == "untestable"
    assert "no p-value can be computed" in found.reason
    assert "does not differ" in found.reason


def test_a_contrast_whose_sides_share_an_asset_is_untestable() -> None:
    claim = {
        "test": "event_contrast",
        "scope": "event",
        "event": "news-2",
        "long": "alpha",
        "short": "mine",
        "window": (0, 1),
    }
    about = thesis(claim)
    told = about.model_dump(by_alias=True) | {"baskets": {"mine": ("AAA", "CCC")}}
    (found,) = judged(evidence(type(about).model_validate(told)))
    assert (found.verdict, found.reason) == (
        "untestable",
        "AAA would be on both sides",
    )


@pytest.mark.parametrize("at", [20, ROWS - 1])
def test_an_event_without_its_window_is_untestable(at: int) -> None:
    claim = {
        "test": "event_dispersion",
        "layer": "alpha",
        "window": (0, 5),
        "events": tuple(f"news-{n}" for n in range(5)),
        "others": tuple(f"news-{n}" for n in range(5, 10)),
    }
    rows = (at, *range(150, 375, 25))
    (found,) = judged(evidence(thesis(claim, rows=rows)))
    assert found.verdict == "untestable"
    assert found.reason.startswith("news-0: ")


def test_events_on_one_day_are_not_independent() -> None:
    claim = {
        "test": "event_dispersion",
        "layer": "alpha",
        "window": (0, 1),
        "events": tuple(f"news-{n}" for n in range(5)),
        "others": tuple(f"news-{n}" for n in range(5, 10)),
    }
    rows = (150, 175, 200, 225, 250, 150, 300, 325, 350, 375)
    (found,) = judged(evidence(thesis(claim, rows=rows)))
    assert found.verdict == "untestable"
    assert "overlap" in found.reason


def test_a_claim_declared_on_the_last_day_has_nothing_yet() -> None:
    claim = {"test": "trend", "role": "share", "declared": day(ROWS - 1)}
    known = signals({("share", "cn"): np.linspace(0.1, 0.4, N) ** 2})
    found = one(claim, known, sample="out-of-sample")
    assert found.verdict == "untestable"
    assert "share" in found.reason
