"""What each verdict was tested against: named, measured, cross-examined."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from engine.evidence.claim_study import study_claims
from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.claims.event_windows import WINDOW_HOLDS
from engine.evidence.event_robust import across_events
from engine.evidence.events import study_events
from engine.evidence.results import ClaimResult
from engine.evidence.verdict import disagreement
from engine.market.listing import Entity, Line, Universe
from tests.claim_cases import DAYS, NEWS, ROWS, closes, evidence, judged, thesis
from tests.markets import market

DOCS = Path(__file__).parents[2] / "docs"
SIGN = {"test": "event_sign", "layer": "alpha", "scope": "event", "event": "news-2"}
FIRMS = tuple(f"F{number:02d}" for number in range(12))


def cells() -> list[dict[str, str]]:
    with (DOCS / "calibration.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def loud(size: float, *, directed: bool) -> ClaimResult:
    """Judge twelve firms that on one day all move by `size`, or half up, half down."""
    rng = np.random.default_rng(8)
    spy = rng.normal(0.0, 0.01, ROWS)
    shared = rng.normal(0.0, 0.007, ROWS)
    prices: dict[str, list[float | None]] = {}
    for place, name in enumerate(FIRMS):
        moves = spy + shared + rng.normal(0.0, 0.012, ROWS)
        sign = 1.0 if directed else (1.6 if place % 2 else -1.0)
        moves[NEWS[2]] += sign * size
        prices[name] = (100.0 * np.cumprod(1.0 + moves)).tolist()
    prices["SPY"] = (100.0 * np.cumprod(1.0 + spy)).tolist()
    known = Universe(
        name="twelve",
        title="",
        layers=("alpha", "beta"),
        entities={
            f.lower(): Entity(id=f.lower(), name=f, kind="listed", layer="alpha")
            for f in FIRMS
        },
        lines={
            f: Line(symbol=f, entity=f.lower(), mic="XNYS", currency="USD")
            for f in FIRMS
        },
        benchmarks={
            "SPY": Line(symbol="SPY", entity="spy", mic="XNYS", currency="USD")
        },
    )
    about = thesis({**SIGN, "window": [0, 0]})
    world = market({"XNYS": prices}, first=DAYS[0].date())
    given = replace(
        evidence(thesis(), world=world, layers=evidence(thesis()).layer_returns),
        thesis=about,
        universe=known,
        assets=tuple(known.lines.values()),
    )
    (one,) = judged(given)
    return one


@pytest.mark.parametrize("name", CLAIM_TESTS)
def test_every_claim_test_names_its_null_and_the_page_has_it(name: str) -> None:
    test = CLAIM_TESTS[name]
    page = (DOCS / "claims.md").read_text(encoding="utf-8")
    assert f"| `{name}` | {test.null} | {test.holds} |" in page
    for words in (test.null, test.holds):
        assert 20 < len(words) < 220
        assert words[0].islower() or words[0] in "p"
        assert not words.endswith(".")


def test_the_size_that_event_verdicts_state_is_that_of_the_table() -> None:
    """18 % for the portfolio test under a jump of 1.5; what stands beside it holds."""
    assert "at 1.5 times its volatility about 18% of true nulls" in WINDOW_HOLDS
    chosen = [r for r in cells() if r["jump"] == "1.5" and r["effect"] == "0.0"]
    assert len(chosen) == 72
    rates = [100.0 * float(r["portfolio"]) for r in chosen]
    assert np.mean(rates) == pytest.approx(18.0, abs=0.5)
    assert 14.5 < min(rates) < max(rates) < 20.5
    for row in chosen:
        assert 0.044 < float(row["adjusted_bmp"]) < 0.056, row
        if int(row["firms"]) >= 10:
            assert float(row["grank"]) < 0.09, row


@pytest.mark.parametrize(
    ("claim", "subject"),
    [
        (SIGN, "alpha"),
        ({**SIGN, "layer": "beta"}, "beta"),
        (
            {
                "test": "event_contrast",
                "long": "alpha",
                "short": "beta",
                "scope": "event",
                "event": "news-2",
            },
            "alpha minus beta",
        ),
    ],
)
def test_the_tests_beside_a_claim_are_those_of_the_event_table(
    claim: dict[str, Any], subject: str
) -> None:
    given = evidence(thesis({**claim, "window": [0, 2]}))
    (one,) = judged(given)
    assert one.finding is not None
    table = study_events(given.market, given.thesis, given.universe, given.assets).table
    row = table[(table["event"] == "news-2") & (table["subject"] == subject)].iloc[0]
    (beside,) = one.finding.robust  # GRANK only from ten firms on
    assert beside.name == "adjusted BMP"
    assert beside.p == pytest.approx(row["adjusted_bmp_p"], rel=1e-9)
    assert f"adjusted BMP p = {beside.p:.3f}" in one.tested


def test_a_loud_day_is_told_from_a_directed_one() -> None:
    """Half the firms rise 16 %, half fall 10 %: the mean moves, but few agree."""
    torn, moved = loud(0.10, directed=False), loud(0.10, directed=True)
    for one in (torn, moved):
        assert one.finding is not None
        assert one.finding.p < 0.01
        assert [each.name for each in one.finding.robust] == ["adjusted BMP", "GRANK"]
        said = "(approximate: at 5% it rejects 3.5 to 8.5% of true nulls)"
        assert one.tested.endswith(said)
        assert one.tested.count("approximate") == 1
    assert torn.verdict == moved.verdict == "supported"
    assert "adjusted BMP (p = " in torn.reason
    assert "loud rather than moved" in torn.reason
    assert moved.finding is not None
    assert disagreement(moved.finding) == ""
    assert "BMP" not in moved.reason


def test_events_of_a_law_are_tested_on_each_other() -> None:
    names = [f"news-{number}" for number in range(5)]
    law = {**SIGN, "event": None, "events": names, "scope": "law", "window": [0, 2]}
    jumpy = closes(jumps={"AAA": 0.04, "BBB": 0.04})
    (one,) = judged(evidence(thesis(law), prices=jumpy))
    assert one.finding is not None
    scaled = one.finding.rows["car"] / one.finding.rows["se"]
    (beside,) = one.finding.robust
    assert beside.name == "BMP over events"
    assert beside.p == pytest.approx(stats.ttest_1samp(scaled, 0.0).pvalue, rel=1e-9)
    assert beside.weak == ""
    (few,) = across_events(np.array([1.0, 2.0, 4.0]))
    assert few.weak == "3 events show little"
    assert across_events(np.array([1.0])) == across_events(np.array([2.0, 2.0])) == ()


def test_a_single_firm_has_no_test_beside_it() -> None:
    prices = closes()
    del prices["XNYS"]["BBB"]
    given = evidence(thesis({**SIGN, "window": [0, 2]}), prices=prices)
    (one,) = judged(given)
    assert one.finding is not None
    assert one.finding.robust == ()
    assert one.tested.endswith("stand beside it")


def test_the_claims_table_names_the_null_of_every_verdict() -> None:
    claims = [
        {**SIGN, "id": "event", "window": [0, 2]},
        {"test": "layer_spread", "long": "alpha", "short": "beta", "id": "spread"},
        {**SIGN, "id": "missing", "layer": "gamma", "window": [0, 2]},
    ]
    table = study_claims(evidence(thesis(*claims))).table.set_index(["claim", "sample"])
    told = table["null"].xs("in-sample", level="sample")
    assert told["event"].startswith("nothing happened to the layer")
    assert told["spread"].startswith("both layers earn the same on average; holds its")
    assert told["missing"] == told["event"].partition("; here")[0]
    assert (table["null"] != "").all()
    assert table.loc[("missing", "in-sample"), "verdict"] == "untestable"


def test_a_disagreement_is_told_either_way() -> None:
    one = loud(0.10, directed=False).finding
    assert one is not None
    assert "not reject: the window may be loud" in disagreement(one)
    calm = replace(one, p=0.30)
    found = tuple(replace(each, p=0.01, weak="") for each in one.robust)
    said = disagreement(replace(calm, robust=found))
    assert said == (
        "adjusted BMP (p = 0.01) and GRANK (p = 0.01, approximate) reject, which the "
        "primary test does not"
    )
    assert disagreement(replace(calm, robust=found[:1])).endswith(
        "rejects, which the primary test does not"
    )
