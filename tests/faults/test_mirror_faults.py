"""Claims that name a mirror which is none: an error at its line, and their own q."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import app
from engine.errors import ThesisError
from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.inference import benjamini_hochberg
from engine.evidence.results import Untestable
from engine.evidence.verdict import judge
from engine.thesis.mirrors import SIDES
from engine.thesis.vocabulary import parameters
from tests.unit.test_verdict import measured, thesis

HEAD = """\
[thesis]
id = "m"
title = "M"
declared = 2025-02-03
start = 2025-01-02
end = 2025-09-30
[barbell.infrastructure]
layers = ["compute", "memory"]
[barbell.distribution]
layers = ["cloud", "application"]
[[events]]
id = "one"
title = "One"
at = 2025-01-27
[[events]]
id = "two"
title = "Two"
at = 2025-03-10
"""
EVENT = {"test": "event_sign", "scope": "event", "event": "one", "layer": "compute"}
EVENT |= {"window": [2, 20]}
SPREAD = {"test": "layer_spread", "long": "compute", "short": "cloud"}
ORDER = {"test": "rank_order", "layers": ["compute", "cloud"]}
SHARE = {"test": "signal_threshold", "role": "token_share", "above": 0.5}
TURNED = {"long": "cloud", "short": "compute"}
DOWN = {"sign": "-"}


def text(*claims: dict[str, object]) -> str:
    lines = [HEAD]
    for claim in claims:
        lines.append('[[claims]]\nsays = "So."\n')
        for key, value in claim.items():
            told = str(value) if isinstance(value, dt.date) else repr(value)
            lines.append(f"{key} = {told.replace(chr(39), chr(34))}\n")
    return "".join(lines)


def pair(
    first: dict[str, object], second: dict[str, object] | None = None, **more: object
) -> list[dict[str, object]]:
    """Return a claim, and one that mirrors it with other keys."""
    return [
        {"id": "a", **first},
        {"id": "b", "mirrors": "a", **first, **(second or {}), **more},
    ]


LEGAL = {
    "the opposite sign of an event": pair(EVENT, DOWN),
    "the opposite sign of a spread": pair(SPREAD, DOWN),
    "the two sides exchanged": pair(SPREAD, TURNED),
    "sides of a contrast": pair(
        {"test": "event_contrast", "scope": "event", "event": "one"}
        | {"window": [0, 1], "long": "compute", "short": "cloud"},
        TURNED,
    ),
    "sides of a Sharpe ratio": pair(
        {"test": "sharpe_difference", "a": "barbell", "b": "SPY"},
        {"a": "SPY", "b": "barbell"},
    ),
    "a default written out": pair(ORDER, {"sessions": 5, "sign": "-"}),
    "another least effect, quality and document": pair(
        EVENT, DOWN, min_effect=0.05, quality="filing", document="004"
    ),
    "each names the other": [
        {"id": "a", "mirrors": "b", **EVENT},
        {"id": "b", "mirrors": "a", **EVENT, **DOWN},
    ],
    "other days on one side of the event": pair(
        EVENT, DOWN, declared=dt.date(2025, 4, 1)
    ),
    "one event or a list of one": pair(
        EVENT, {**DOWN, "event": None, "events": ["one"]}
    ),
}
ILLEGAL: dict[str, tuple[list[dict[str, object]], str]] = {
    "another test": (
        [{"id": "a", **SPREAD}, {"id": "b", "mirrors": "a", **EVENT}],
        "its test is 'layer_spread', not 'event_sign'",
    ),
    "the same sign": (pair(SPREAD), "both ask for the same sign of the same thing"),
    "turned twice": (
        pair(SPREAD, TURNED | DOWN),
        "'long', 'short' are exchanged and the sign as well",
    ),
    "another layer": (pair(EVENT, DOWN, layer="cloud"), "'layer' differs"),
    "another window": (pair(EVENT, DOWN, window=[2, 120]), "'window' differs"),
    "another event": (pair(EVENT, DOWN, event="two"), "'events' differs"),
    "another block": (pair(ORDER, DOWN, sessions=10), "'sessions' differs"),
    "another scope": (pair(EVENT, DOWN, scope="law"), "an event, the other a law"),
    "another sample": (
        pair(SPREAD, DOWN, declared=dt.date(2025, 4, 1)),
        "declared on different days",
    ),
    "another side of the event": (
        pair(EVENT, DOWN, declared=dt.date(2025, 1, 20)),
        "declared on different days",
    ),
    "a condition": (pair(SHARE, DOWN), "has no p-value that two claims could share"),
    "a chain": (
        [*pair(EVENT, DOWN), {"id": "c", "mirrors": "b", **EVENT}],
        "the claim 'b' is already one of a mirrored pair, with 'a'",
    ),
    "two of one": (
        [*pair(EVENT, DOWN), {"id": "c", "mirrors": "a", **EVENT, **DOWN}],
        "the claim 'a' is already one of a mirrored pair, with 'b'",
    ),
    "itself": ([{"id": "b", "mirrors": "b", **EVENT}], "mirrors itself"),
    "nobody": ([{"id": "b", "mirrors": "zz", **EVENT}], "unknown claim 'zz'"),
}


def read(folder: Path, claims: list[dict[str, object]]) -> app.Document:
    path = folder / "t.toml"
    kept = [{k: v for k, v in one.items() if v is not None} for one in claims]
    path.write_text(text(*kept), encoding="utf-8")
    return app.read_thesis(path)


@pytest.mark.parametrize("claims", LEGAL.values(), ids=LEGAL)
def test_one_measurement_of_two_claims_is_a_mirror(
    tmp_path: Path, claims: list[dict[str, object]]
) -> None:
    assert len(read(tmp_path, claims).thesis.claims) == 2


@pytest.mark.parametrize(("claims", "words"), ILLEGAL.values(), ids=ILLEGAL)
def test_what_is_no_mirror_is_refused_at_its_line(
    tmp_path: Path, claims: list[dict[str, object]], words: str
) -> None:
    with pytest.raises(ThesisError) as caught:
        read(tmp_path, claims)
    (problem,) = caught.value.problems
    assert words in problem.message
    assert problem.hint
    lines = (tmp_path / "t.toml").read_text().splitlines()
    at = [n for n, line in enumerate(lines, 1) if line.startswith("mirrors")]
    assert problem.line == at[-1]


def test_the_flagship_s_mirrors_are_legal() -> None:
    flagship = app.read_thesis(Path(__file__).parents[2] / "examples/open_weights.toml")
    named = {one.id: one.mirrors for one in flagship.thesis.claims if one.mirrors}
    assert named == {"H27-bubble": "H27-compute", "cloud-above": "cloud-below"}


def test_every_test_with_two_sides_says_whether_they_can_be_exchanged() -> None:
    """incremental_ratio is no difference; spanning_alpha has no second side."""
    two = {
        name: pair
        for name, test in CLAIM_TESTS.items()
        for pair in (("long", "short"), ("a", "b"))
        if set(pair) <= {one.name for one in parameters(test.params)}
    }
    assert two == dict(SIDES)


# ---- whatever a thesis says: a q-value of one's own test -----------------------------


def test_an_unrelated_claim_takes_over_no_q() -> None:
    """p of 0.886 was once printed as refuted with q < 0.001."""
    about = thesis({"id": "a"}, {"id": "b", "mirrors": "a", "sign": "-"}, {"id": "c"})
    ts = [9.0, 0.1434, 1.0]
    found = [
        (one, measured(one, t, seed=row))
        for row, (one, t) in enumerate(zip(about.claims, ts, strict=True))
    ]
    results = judge(about, "in-sample", found)
    p = [one.p for _, one in found]
    assert p[1] == pytest.approx(0.886, abs=5e-4)
    assert [one.q for one in results] == pytest.approx(benjamini_hochberg(p))
    assert [one.verdict for one in results][1] == "inconclusive"


@pytest.mark.parametrize(
    "mirrors", [("b", "c", "a"), ("b", "a", "a"), (None, "a", "b"), (None, "a", "a")]
)
def test_chains_and_crowds_share_no_more_than_a_pair(
    mirrors: tuple[str | None, ...],
) -> None:
    """One measurement, three claims: two are a pair, the third counts by itself."""
    about = thesis(
        *(
            {"id": name, "mirrors": other, "sign": sign}
            for name, other, sign in zip("abc", mirrors, "+-+", strict=True)
        )
    )
    results = judge(
        about, "in-sample", [(one, measured(one, 2.2)) for one in about.claims]
    )
    alone = measured(about.claims[0], 2.2).p
    assert [one.q for one in results] == pytest.approx([alone] * 3)
    assert all(np.isfinite(one.interval).all() for one in results)


def test_a_pair_of_which_one_cannot_be_tested_leaves_the_other_its_own_q() -> None:
    about = thesis({"id": "a"}, {"id": "b", "mirrors": "a", "sign": "-"})
    for row in (0, 1):
        found = [
            (one, Untestable(reason="no") if at == row else measured(one, 2.2))
            for at, one in enumerate(about.claims)
        ]
        results = judge(about, "in-sample", found)
        assert results[row].verdict == "untestable"
        assert np.isnan(results[row].q)
        assert results[1 - row].q == pytest.approx(found[1 - row][1].p)


def test_a_pair_that_differs_by_rounding_is_told_of_spans_alike() -> None:
    """The second of a pair counts by the p of the first, whatever its last digit."""
    about = thesis({"id": "a"}, {"id": "b", "mirrors": "a", "sign": "-"}, {"id": "c"})
    first, second = (
        replace(measured(one, 2.8), spanned_p=0.4) for one in about.claims[:2]
    )
    second = replace(second, p=second.p * (1.0 + 4e-16))
    assert second.p != first.p
    other = replace(measured(about.claims[2], 2.8, seed=1), p=first.p)
    found = list(zip(about.claims, (first, second, other), strict=True))
    results = judge(about, "in-sample", found)
    wider = float(benjamini_hochberg([0.4, other.p])[0])
    for one in results[:2]:
        assert f"q = {wider:.3f}" in one.reason
        assert "0.400" in one.reason
