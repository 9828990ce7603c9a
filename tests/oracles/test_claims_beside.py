"""The claims of a placebo and of the anti-thesis, each by a second route."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine import app
from engine.evidence.beside import (
    ANTI,
    PLACEBO,
    THESIS,
    Beside,
    Placebo,
    study_beside,
    tally,
)
from engine.evidence.claim_study import measure_claim, study_claims
from engine.evidence.claims.context import Evidence, basket_returns
from engine.evidence.event_sensitivity import AS_STATED
from engine.evidence.events import study_events
from engine.evidence.opposite import NoCounterpart, both_sides, opposite
from engine.evidence.results import Measurement
from engine.market.listing import Entity, Line, Universe
from engine.study_result import StudyResult
from engine.thesis.model import Leg, Thesis
from tests.claim_cases import DAYS, ROWS, closes, evidence, thesis
from tests.flagship import FLAGSHIP
from tests.markets import market
from tests.signal_cases import signals
from tests.tolerances import IDENTITY

LEGS = {
    "ends": Leg(layers=("alpha",), weight=(0.4, 0.9)),
    "middle": Leg(layers=("beta",), weight=(0.0, 0.2)),
}
SIGN = {"id": "sign", "test": "event_sign", "layer": "alpha", "window": [0, 2]}
EVENT = {"scope": "event", "event": "news-2"}
CONTRAST = {"id": "contrast", "test": "event_contrast", "window": [0, 2]}
SIDES = {"long": "alpha", "short": "beta"}
SPREAD = {"id": "spread", "test": "layer_spread"}
SHARPE = {
    "id": "sharpe",
    "test": "sharpe_difference",
    "a": "barbell",
    "b": "ends alone",
}


def barbell(*claims: dict[str, Any]) -> Thesis:
    about = thesis(*claims)
    return about.model_copy(
        update={"barbell": LEGS, "baskets": {"own": ("AAA",), "mixed": ("AAA", "CCC")}}
    )


def given(*claims: dict[str, Any], **changes: Any) -> Evidence:
    """The small world with legs and baskets, and a signal of forty weeks."""
    weekly = signals({("token_share", "x"): np.linspace(0.1, 0.5, 40) ** 2})
    found = evidence(barbell(*claims), signals=weekly, **changes)
    names = [*found.universe.layers, *LEGS, *found.thesis.baskets]
    returns = basket_returns(
        found.market,
        {name: found.members(name) for name in names},
        found.home,
        stale_after=5,
    )
    return replace(found, layer_returns=returns)


def held(found: Evidence, placebo: Placebo | None = None) -> Beside:
    return study_beside(found, study_claims(found), placebo)


def cell(beside: Beside, claim: str, against: str) -> pd.Series:
    table = beside.table
    rows = table[
        (table["claim"] == claim)
        & (table["against"] == against)
        & (table["sample"] == "in-sample")
    ]
    assert len(rows) == 1
    return rows.iloc[0]


# -- the anti-thesis


@pytest.mark.parametrize("claim", [CONTRAST | SIDES | EVENT, SPREAD | SIDES])
def test_two_sides_exchanged_are_what_the_exchanged_claim_measures(
    claim: dict[str, Any],
) -> None:
    found = given(claim)
    turned = given(claim | {"long": "beta", "short": "alpha"})
    wanted = measure_claim(turned.thesis.claims[0], turned, "in-sample")
    assert isinstance(wanted, Measurement)
    row = cell(held(found), claim["id"], ANTI)
    assert row["estimate"] == pytest.approx(wanted.estimate, abs=IDENTITY)
    assert row["p"] == pytest.approx(wanted.p, abs=IDENTITY)
    assert row["asked_of"] == "beta and alpha exchanged"
    # one claim in the column: q is p, and the interval is Student's at 90 %
    assert row["q"] == pytest.approx(wanted.p, abs=IDENTITY)
    half = stats.t.ppf(0.95, wanted.df) * wanted.se
    assert row["high"] - row["low"] == pytest.approx(2 * half, rel=1e-9)


def test_one_layer_gives_way_to_the_other_side() -> None:
    """Alpha for the middle: the event study's own row of beta."""
    found = given(SIGN | EVENT)
    table = study_events(
        found.market, found.thesis, found.universe, found.assets
    ).table.query("event == 'news-2' and subject == 'beta'")
    row = cell(held(found), "sign", ANTI)
    assert row["asked_of"] == "middle instead of alpha"
    assert row["estimate"] == pytest.approx(table["car"].iloc[0], abs=IDENTITY)
    assert row["p"] == pytest.approx(table["p"].iloc[0], abs=IDENTITY)


def test_a_side_of_several_legs_is_one_portfolio() -> None:
    """Two ends of a layer each, and a third as the middle: labs for both ends."""
    legs = {
        "low": Leg(layers=("alpha",), weight=(0.4, 0.6)),
        "high": Leg(layers=("beta",), weight=(0.4, 0.6)),
        "between": Leg(layers=("gamma",), weight=(0.0, 0.1)),
    }
    found = given(SIGN | EVENT)
    known = replace(found, thesis=found.thesis.model_copy(update={"barbell": legs}))
    both = both_sides(known)
    assert set(both.members("the ends")) == {"AAA", "BBB", "CCC", "HHH"}
    claim = known.thesis.claims[0].model_copy(update={"layer": "gamma"})
    other = opposite(claim, both)
    assert not isinstance(other, NoCounterpart)
    assert other.instead == "the ends instead of gamma"
    measured = measure_claim(other.claim, both, "in-sample")
    everyone = Leg(layers=("alpha", "beta"), weight=(0.0, 1.0))
    one = known.thesis.model_copy(update={"barbell": {"all": everyone}})
    asked = claim.model_copy(update={"layer": "all"})
    wanted = measure_claim(asked, replace(known, thesis=one), "in-sample")
    assert isinstance(measured, Measurement)
    assert isinstance(wanted, Measurement)
    assert measured.estimate == pytest.approx(wanted.estimate, abs=IDENTITY)
    # and its daily basket is the mean of the four, rebalanced each day
    view = both.market.home
    mean = view.returns()[["AAA", "BBB", "CCC", "HHH"]].mean(axis=1)
    basket = both.layer_returns["the ends"].iloc[5:]
    assert basket.to_numpy() == pytest.approx(mean.reindex(basket.index), abs=1e-9)


def test_the_portfolio_gives_way_to_the_anti_thesis() -> None:
    rng = np.random.default_rng(5)
    names = ("barbell", "anti-thesis", "ends alone")
    paths = {n: pd.Series(rng.normal(5e-4, 0.01, ROWS - 1), DAYS[1:]) for n in names}
    row = cell(held(given(SHARPE, returns=paths)), "sharpe", ANTI)

    def ratio(name: str) -> float:
        daily = paths[name]
        return float(daily.mean() / daily.std() * np.sqrt(252))

    wanted = ratio("anti-thesis") - ratio("ends alone")
    assert row["estimate"] == pytest.approx(wanted, rel=1e-2)
    assert row["asked_of"] == "the anti-thesis instead of the barbell"


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (SHARPE | {"a": "SPY", "b": "QQQ"}, "neither the portfolio nor a layer"),
        ({"test": "trend", "role": "token_share"}, "neither the portfolio nor a layer"),
        (SPREAD | {"long": "alpha", "short": "own"}, "alpha and own stand on the same"),
        (SIGN | {"layer": "mixed"} | EVENT, "mixed stands on neither side"),
        ({"test": "rank_order", "layers": ["alpha", "own"]}, "on the same side"),
    ],
)
def test_what_cannot_be_turned_round_says_why(
    claim: dict[str, Any], reason: str
) -> None:
    row = cell(held(given(claim | {"id": "c"})), "c", ANTI)
    assert row["verdict"] == ""
    assert reason in row["reason"]
    assert np.isnan(row["estimate"])


def test_an_order_is_turned_round_by_sides() -> None:
    claim = {"id": "c", "test": "rank_order", "layers": ["alpha", "own", "beta"]}
    found = given(claim)
    other = opposite(found.thesis.claims[0], both_sides(found))
    assert not isinstance(other, NoCounterpart)
    assert other.claim.params["layers"] == ("beta", "alpha", "own")


def test_without_a_middle_there_is_no_anti_thesis() -> None:
    found = evidence(thesis(SIGN | EVENT))
    assert "no anti-thesis" in cell(held(found), "sign", ANTI)["reason"]


# -- the placebo


def others(*, priced: bool = True) -> Placebo:
    """DDD and EEE in alpha, FFF in beta without a price; other draws than the study."""
    lines = {
        s: Line(symbol=s, entity=s.lower(), mic="XNYS", currency="USD", primary=True)
        for s in ("DDD", "EEE", "FFF")
    }
    layers = {"DDD": "alpha", "EEE": "alpha", "FFF": "beta"}
    known = Universe(
        name="others",
        title="Others",
        layers=("alpha", "beta"),
        entities={
            s.lower(): Entity(id=s.lower(), name=s, kind="listed", layer=layer)
            for s, layer in layers.items()
        },
        lines=lines,
        benchmarks={},
    )
    prices = closes(seed=3)["XNYS"]
    rng = np.random.default_rng(11)
    for symbol in ("DDD", "EEE"):
        moves = rng.normal(0.001, 0.02, ROWS)
        prices[symbol] = (50 * np.cumprod(1 + moves)).tolist()
    kept = {s: prices[s] for s in ("SPY", "DDD", "EEE")}
    return Placebo(
        universe=known,
        assets=(lines["DDD"], lines["EEE"]) if priced else (),
        market=market({"XNYS": kept}, first=DAYS[0].date()) if priced else None,
        left_out={"FFF": "no price"},
    )


def test_the_placebo_answers_by_its_own_prices() -> None:
    """Its firms' market model by least squares, from prices alone."""
    found, placebo = given(SIGN | EVENT), others()
    row = cell(held(found, placebo), "sign", PLACEBO)
    assert row["asked_of"] == "DDD, EEE"
    assert placebo.market is not None
    prices = placebo.market.home.price
    returns = prices[["DDD", "EEE"]].pct_change().mean(axis=1).to_numpy()
    spy = prices["SPY"].pct_change().to_numpy()
    zero = int(np.flatnonzero(prices.index == DAYS[240])[0])
    before = slice(zero - 100, zero - 10)
    slope, constant = np.polyfit(spy[before], returns[before], 1)
    inside = slice(zero, zero + 3)
    wanted = (returns[inside] - constant - slope * spy[inside]).sum()
    assert row["estimate"] == pytest.approx(wanted, abs=1e-10)
    # and the thesis's own column is its own
    own = cell(held(found, placebo), "sign", THESIS)
    measured = measure_claim(found.thesis.claims[0], found, "in-sample")
    assert isinstance(measured, Measurement)
    assert own["estimate"] == measured.estimate != row["estimate"]


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (SHARPE, "too few for a portfolio"),
        ({"test": "trend", "role": "token_share"}, "about signals alone"),
        (SIGN | {"layer": "own"} | EVENT, "own is a basket of the thesis's own firms"),
        (
            SIGN | {"layer": "beta"} | EVENT,
            "no price of the placebo's firms of beta: FFF",
        ),
        (SIGN | {"layer": "gamma"} | EVENT, "the placebo has no firm of gamma"),
    ],
)
def test_what_the_placebo_cannot_be_asked_says_why(
    claim: dict[str, Any], reason: str
) -> None:
    row = cell(held(given(claim | {"id": "c"}), others()), "c", PLACEBO)
    assert row["verdict"] == ""
    assert reason in row["reason"]


def test_a_placebo_without_any_price_invents_nothing() -> None:
    beside = held(given(SIGN | EVENT), others(priced=False))
    row = cell(beside, "sign", PLACEBO)
    assert "no price of the placebo's firms of alpha: DDD, EEE" in row["reason"]
    assert np.isnan(row["estimate"])
    assert beside.firms == ()


def test_a_universe_without_a_placebo_says_so() -> None:
    row = cell(held(given(SIGN | EVENT)), "sign", PLACEBO)
    assert row["reason"] == "the universe names no placebo"


def test_the_tally_counts_shared_claims_and_a_mirrored_pair_once() -> None:
    told = [
        # claim, thesis, placebo
        ("a", "supported", "supported"),
        ("b", "supported", "inconclusive"),
        ("c", "inconclusive", "supported"),
        ("d", "refuted", "refuted"),
        ("e", "inconclusive", "supported"),  # mirrors d
        ("f", "supported", None),  # no counterpart
    ]
    rows = [
        {"claim": claim, "sample": "in-sample", "against": against, "verdict": verdict}
        | {"p": 0.5 if verdict else np.nan}
        for claim, own, other in told
        for against, verdict in ((THESIS, own), (PLACEBO, other or ""))
    ]
    claims = thesis(
        *({**SIGN, **EVENT, "id": name} for name in "abcd"),
        {**SIGN, **EVENT, "id": "e", "mirrors": "d"},
        {**SIGN, **EVENT, "id": "f"},
    ).claims
    found = tally(Beside(table=pd.DataFrame(rows)), PLACEBO, claims)
    assert (found.asked, found.supported, found.of_thesis, found.both) == (4, 3, 2, 1)


# -- the flagship


@pytest.mark.xdist_group("sample")
def test_the_placebo_column_is_the_flagship_moved_onto_the_placebo(
    sample_study: StudyResult, tmp_path: Path
) -> None:
    """The same events studied by a thesis whose universe is the placebo."""
    text = FLAGSHIP.read_text(encoding="utf-8")
    for old, new in (
        ('name    = "ai-stack"', 'name    = "ai-placebo"'),
        ('exclude = ["icbc"]', 'exclude = ["chip_fund"]'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path / "moved.toml"
    file.write_text(text, encoding="utf-8")
    inputs = app.inputs_of(file)
    symbols = {line.symbol for line in inputs.assets}
    assert symbols == set(sample_study.beside.firms)
    assert sample_study.beside.left_out == {"SMH": "a benchmark of the thesis"}
    table = study_events(
        inputs.market, inputs.thesis, inputs.universe, inputs.assets
    ).table.set_index(["event", "subject", "window"])
    for claim, key in {
        "H02-dip": ("deepseek-selloff", "compute", (0, 1)),
        "H02-drift": ("deepseek-selloff", "compute", (2, 120)),
        "cloud-below": ("deepseek-selloff", "cloud", (0, 1)),
        "H08": ("alibaba-september-quarter", "cloud", (0, 1)),
    }.items():
        row = cell(sample_study.beside, claim, PLACEBO)
        wanted = table.loc[[key]].iloc[0]
        assert row["estimate"] == pytest.approx(wanted["car"], abs=IDENTITY), claim
        assert row["p"] == pytest.approx(wanted["p"], abs=IDENTITY), claim


@pytest.mark.xdist_group("sample")
@pytest.mark.parametrize("against", [PLACEBO, ANTI])
def test_q_is_benjamini_and_hochberg_within_the_column(
    sample_study: StudyResult, against: str
) -> None:
    table = sample_study.beside.table
    mirrors = {one.id for one in sample_study.thesis.claims if one.mirrors}
    column = table[
        (table["against"] == against)
        & (table["sample"] == "in-sample")
        & table["p"].notna()
        & ~table["claim"].isin(mirrors)
    ]
    assert len(column) >= 6
    wanted = stats.false_discovery_control(column["p"], method="bh")
    assert column["q"].to_numpy() == pytest.approx(wanted, rel=1e-9)


@pytest.mark.xdist_group("sample")
def test_the_headline_event_as_stated_is_the_event_study(
    sample_study: StudyResult,
) -> None:
    varied = sample_study.sensitivity
    assert set(varied["event"]) == {"deepseek-selloff"}
    key = ["event", "subject", "window"]
    stated = varied[varied["variant"] == AS_STATED].set_index(key)
    table = sample_study.events.table
    wanted = table[table["kind"] != "asset"].set_index(key).loc[stated.index]
    assert len(stated) == 10 * 4  # five layers, five contrasts; four windows
    for name in ("car", "se", "p"):
        assert stated[name].to_numpy() == pytest.approx(
            wanted[name].to_numpy(), abs=IDENTITY
        )


@pytest.mark.shared
@pytest.mark.xdist_group("real")
def test_of_the_real_files_only_micron_is_a_control(
    real_study: StudyResult, shared: Path
) -> None:
    """H03 on MU alone, by least squares from the two price files."""
    beside = real_study.beside
    assert beside.firms == ("MU",)
    lost = {name for name, why in beside.left_out.items() if why == "no price"}
    assert lost == {"TSM", "ASML", "INTC", "ORCL", "1398.HK"}
    row = cell(beside, "H03", PLACEBO)
    assert row["asked_of"] == "MU"
    files = {
        name: pd.read_csv(
            shared / "market" / "prices" / f"{name}.csv",
            parse_dates=["date"],
            index_col="date",
        )["adj_close"].dropna()
        for name in ("MU", "SPY")
    }
    both = pd.DataFrame(files).dropna().pct_change()
    zero = both.index.get_loc(pd.Timestamp("2024-12-02"))
    first, last = real_study.thesis.event("hbm-controls").estimation
    before = both.iloc[zero + first : zero + last + 1]
    slope, constant = np.polyfit(before["SPY"], before["MU"], 1)
    inside = both.iloc[zero - 1 : zero + 6]
    wanted = (inside["MU"] - constant - slope * inside["SPY"]).sum()
    assert row["estimate"] == pytest.approx(wanted, abs=1e-10)
    compute = cell(beside, "H02-dip", PLACEBO)
    assert "no price of the placebo's firms of compute: TSM" in compute["reason"]
