"""The same claims beside the thesis: on firms it did not choose, and turned round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from engine.evidence.claim_study import SAMPLES, measure_claim
from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.claims.context import Evidence, basket_returns, members
from engine.evidence.opposite import (
    NoCounterpart,
    accounts_named,
    both_sides,
    layers_named,
    mirrored,
    opposite,
)
from engine.evidence.results import (
    ClaimResult,
    Claims,
    Measurement,
    Sample,
    Untestable,
)
from engine.evidence.verdict import judge
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.thesis.model import Claim, Thesis

Against = Literal["thesis", "placebo", "anti-thesis"]
THESIS: Against = "thesis"
PLACEBO: Against = "placebo"
ANTI: Against = "anti-thesis"
BESIDE_COLUMNS = (
    "claim",
    "says",
    "test",
    "sample",
    "against",  # thesis, placebo or anti-thesis
    "asked_of",  # the firms, or what stands in place of what
    "estimate",
    "low",
    "high",
    "level",
    "unit",
    "p",
    "q",
    "n",
    "detectable",
    "verdict",  # empty where the claim has no counterpart
    "reason",
)

Counterpart = tuple[Claim, Measurement | Untestable, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placebo:
    """Firms that the thesis did not choose, in its layers.

    `assets` are those that its source has a price of, one line each; `left_out` says
    of every other line why it is not among them. `market` is None where there is no
    price at all. It has the prices of the placebo and of the benchmarks, and the same
    signals.
    """

    universe: Universe
    assets: tuple[Line, ...]
    market: Market | None
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """Every claim three times: of the thesis, of its placebo and of its opposite.

    table : one row per claim, sample and `against`, columns `BESIDE_COLUMNS`.
    placebo : the placebo's name, empty without one. firms, left_out : its lines with a
    price, and the others with the reason. digest : that of its prices.
    """

    table: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(BESIDE_COLUMNS))
    )
    placebo: str = ""
    firms: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


def study_beside(
    evidence: Evidence, claims: Claims, placebo: Placebo | None = None
) -> Beside:
    """Return the thesis's claims beside those of its placebo and of the anti-thesis.

    The tests, samples and corrections are the same; q-values and intervals are taken
    within each column, over the claims that could be measured there. A claim without a
    counterpart says why. The placebo's portfolio is not decided: what a claim says of
    the portfolio has no counterpart on it.
    """
    turned = both_sides(evidence)
    other = on_placebo(evidence, placebo) if placebo is not None else None
    known = {(one.id, one.sample): one for one in claims.results}
    rows: list[dict[str, object]] = []
    for sample in SAMPLES:
        own = [c for c in evidence.thesis.claims if (c.id, sample) in known]
        columns: dict[Against, dict[str, Counterpart | str]] = {
            PLACEBO: {
                c.id: _of_placebo(c, evidence, other, placebo, sample) for c in own
            },
            ANTI: {c.id: _opposite(c, turned, known[c.id, sample]) for c in own},
        }
        judged = {
            name: _judged(evidence.thesis, sample, column)
            for name, column in columns.items()
        }
        for claim in own:
            rows.append(_row(known[claim.id, sample], THESIS, ""))
            for name, column in columns.items():
                found = column[claim.id]
                if isinstance(found, str):
                    rows.append(_without(known[claim.id, sample], name, found))
                else:
                    rows.append(_row(judged[name][claim.id], name, found[2]))
    return Beside(
        table=pd.DataFrame(rows, columns=list(BESIDE_COLUMNS)),
        placebo=placebo.universe.name if placebo else "",
        firms=tuple(line.symbol for line in placebo.assets) if placebo else (),
        left_out=placebo.left_out if placebo else {},
        digest=placebo.market.prices_origin.digest
        if placebo and placebo.market
        else "",
    )


def on_placebo(evidence: Evidence, placebo: Placebo) -> Evidence | None:
    """Return the evidence of the placebo's firms; None where nothing has a price.

    Accounts are the benchmarks alone.
    """
    if placebo.market is None:
        return None
    thesis, universe = evidence.thesis, placebo.universe
    names = [*universe.layers, *thesis.barbell]
    baskets = {name: members(name, thesis, universe, placebo.assets) for name in names}
    return Evidence(
        market=placebo.market,
        thesis=thesis,
        universe=universe,
        assets=placebo.assets,
        returns={
            name: path
            for name, path in evidence.returns.items()
            if name in thesis.about.benchmarks
        },
        layer_returns=basket_returns(
            placebo.market,
            baskets,
            evidence.home,
            stale_after=thesis.execution.stale_after,
        ),
        rng_seed=evidence.rng_seed,
    )


def _of_placebo(
    claim: Claim,
    evidence: Evidence,
    other: Evidence | None,
    placebo: Placebo | None,
    sample: Sample,
) -> Counterpart | str:
    """Return a claim as the placebo's firms answer it, or why they cannot."""
    params, thesis = claim.params, evidence.thesis
    if placebo is None:
        return "the universe names no placebo"
    if CLAIM_TESTS[claim.test].of_portfolio or accounts_named(params):
        return "the placebo's firms are too few for a portfolio within the same limits"
    names = layers_named(params)
    if not names or (params.get("role") and claim.test == "rank_order"):
        return "it is about signals alone, and the placebo has the same"
    own = [name for name in names if name in thesis.baskets]
    if own:
        return f"{own[0]} is a basket of the thesis's own firms"
    usual = placebo.universe.assets()
    for name in names:
        there = members(name, thesis, placebo.universe, usual)
        if not there:
            return f"the placebo has no firm of {name}"
        if other is None or not other.members(name):
            return f"no price of the placebo's firms of {name}: {', '.join(there)}"
    found = measure_claim(claim, other, sample) if other is not None else None
    if other is None or found is None:
        return "its event is in the other sample"
    firms = dict.fromkeys(s for name in names for s in other.members(name))
    asked = sum(len(members(n, thesis, placebo.universe, usual)) for n in names)
    of = "" if len(firms) == asked else f" ({len(firms)} of {asked})"
    return claim, found, ", ".join(firms) + of


def _opposite(claim: Claim, turned: Evidence, known: ClaimResult) -> Counterpart | str:
    """Return a claim turned round, or why it cannot be."""
    other = opposite(claim, turned)
    if isinstance(other, NoCounterpart):
        return other.reason
    if other.mirror:
        found = known.finding
        return (
            other.claim,
            Untestable(reason=known.reason) if found is None else mirrored(found),
            other.instead,
        )
    measured = measure_claim(other.claim, turned, known.sample)
    if measured is None:
        return "its event is in the other sample"
    return other.claim, measured, other.instead


def _judged(
    thesis: Thesis, sample: Sample, column: Mapping[str, Counterpart | str]
) -> dict[str, ClaimResult]:
    """Return the verdicts of one column, corrected for how many it has."""
    found = [(one[0], one[1]) for one in column.values() if not isinstance(one, str)]
    return {one.id: one for one in judge(thesis, sample, found)}


def _row(one: ClaimResult, against: Against, asked_of: str) -> dict[str, object]:
    found = one.finding
    nothing = float("nan")
    return {
        "claim": one.id,
        "says": one.says,
        "test": one.test,
        "sample": one.sample,
        "against": against,
        "asked_of": asked_of,
        "estimate": found.estimate if found else nothing,
        "low": one.interval[0],
        "high": one.interval[1],
        "level": one.level,
        "unit": found.unit if found else "",
        "p": found.p if found else nothing,
        "q": one.q,
        "n": found.n if found else 0,
        "detectable": found.detectable if found else nothing,
        "verdict": one.verdict,
        "reason": one.reason,
    }


def _without(one: ClaimResult, against: Against, reason: str) -> dict[str, object]:
    nothing = dict.fromkeys(
        ("estimate", "low", "high", "level", "p", "q", "detectable"), float("nan")
    )
    row = _row(one, against, "") | nothing
    return row | {"unit": "", "n": 0, "verdict": "", "reason": reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Of the claims that a column could test, how many it and the thesis support.

    `both`: claims supported in both. Conditions, which have no p-value, do not count,
    and two claims that mirror each other count once.
    """

    asked: int
    supported: int
    of_thesis: int
    both: int


def tally(beside: Beside, against: Against, claims: Sequence[Claim]) -> Tally:
    """Return how often the placebo or the anti-thesis supports what it was asked."""
    table = beside.table[beside.table["p"].notna()]
    first = _pairs(table, claims)
    key = [table["claim"].map(lambda name: first.get(name, name)), table["sample"]]
    said = (table["verdict"] == "supported").groupby([*key, table["against"]]).any()
    both = said.unstack("against").reindex(columns=[THESIS, against]).dropna()  # noqa: PD010
    mine, theirs = (both[name].to_numpy(dtype=bool) for name in (THESIS, against))
    return Tally(
        asked=len(both),
        supported=int(theirs.sum()),
        of_thesis=int(mine.sum()),
        both=int((mine & theirs).sum()),
    )


def _pairs(table: pd.DataFrame, claims: Sequence[Claim]) -> dict[str, str]:
    """Return one name for both of two mirrored claims whose p-values are the same."""
    p = {
        str(name): rows.set_index(["sample", "against"])["p"].sort_index()
        for name, rows in table.groupby("claim")
    }
    first: dict[str, str] = {}
    for claim in claims:
        pair = (claim.id, claim.mirrors)
        if claim.mirrors not in p or claim.id not in p or set(pair) & set(first):
            continue
        mine, theirs = p[claim.id], p[claim.mirrors]
        if mine.index.equals(theirs.index) and np.allclose(mine, theirs, rtol=1e-9):
            first |= {claim.id: claim.id, claim.mirrors: claim.id}
    return first
