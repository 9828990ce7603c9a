"""Spanning, order, factor and dispersion claims against a second route."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from engine.evidence.claims.event_dispersion import permutation_p, pooled_difference
from engine.evidence.claims.rank_order import rank_correlations
from engine.evidence.results import ClaimResult
from tests.claim_cases import DAYS, NEWS, ROWS, closes, evidence, judged, thesis
from tests.signal_cases import claim_and_span, jackknife_hac, layers, one, signals
from tests.tolerances import IDENTITY

SPAN = {"test": "spanning_alpha", "a": "barbell", "against": ["SPY", "SMH"]}
ORDER = {"test": "rank_order", "layers": ["alpha", "beta"]}
IC = {"test": "factor_rank_ic", "factor": "score", "sessions": 5}
#: Ten events, 25 sessions apart: odd ones move alpha in some tests, even ones do not.
ROWS_OF_NEWS = tuple(range(150, 400, 25))
KINDS = (
    tuple(f"news-{n}" for n in range(0, 10, 2)),
    tuple(f"news-{n}" for n in range(1, 10, 2)),
)
SPREAD = {
    "test": "event_dispersion",
    "layer": "alpha",
    "window": [0, 0],
    "events": list(KINDS[0]),
    "others": list(KINDS[1]),
}


def rule(n: int) -> int:
    return int(4 * (n / 100) ** (2 / 9))


def paths(rng: np.random.Generator, alpha: float = 0.0) -> dict[str, pd.Series]:
    spy, smh = rng.normal(0.0003, 0.01, (2, ROWS - 1))
    own = rng.normal(0.0, 0.01, ROWS - 1)
    barbell = alpha + 0.6 * spy + 0.3 * smh + 0.3 * own
    told = {"barbell": barbell, "SPY": spy, "SMH": smh}
    return {name: pd.Series(r, index=DAYS[1:]) for name, r in told.items()}


def test_spanning_alpha_by_statsmodels() -> None:
    told = paths(np.random.default_rng(1))
    given = evidence(thesis(SPAN, risk_free=0.03), returns=told)
    (found,) = judged(given)
    assert found.finding is not None
    rate = 1.03 ** (1 / 252) - 1
    x = sm.add_constant(np.column_stack([told["SPY"], told["SMH"]]) - rate)
    n = ROWS - 1
    second = jackknife_hac(told["barbell"].to_numpy() - rate, x, rule(n))
    assert found.finding.n == n
    assert found.finding.estimate == pytest.approx(252 * second.params[0], rel=1e-9)
    assert found.finding.se == pytest.approx(252 * second.bse[0], rel=1e-9)


def test_spanning_alpha_finds_what_was_planted_and_says_what_is_missing() -> None:
    rng = np.random.default_rng(2)
    assert one(SPAN, returns=paths(rng, alpha=0.001)).verdict == "supported"
    assert one(SPAN, returns=paths(rng, alpha=-0.001)).verdict == "refuted"
    told = paths(rng)
    mixed = {**told, "barbell": 0.5 * told["SPY"] + 0.5 * told["SMH"]}
    assert "is a mix of SPY, SMH" in one(SPAN, returns=mixed).reason
    lacking = one({**SPAN, "against": ["SPX"]}, returns=told)
    assert "no path is called 'SPX'" in lacking.reason


def test_rank_correlations_are_scipys() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 4, (200, 5)).astype(float)  # many ties
    mine = rank_correlations(values)
    for row, found in zip(values, mine, strict=True):
        if np.ptp(row) == 0:
            assert found == 0.0
            continue
        expected = stats.spearmanr(row, [5, 4, 3, 2, 1]).statistic
        # Spearman's with ties divides by both deviations
        assert found == pytest.approx(expected, abs=IDENTITY)


def test_rank_order_by_hand() -> None:
    rng = np.random.default_rng(4)
    told = layers(*rng.normal(0, 0.01, (2, ROWS - 1)))
    found = one(ORDER, layers=told).finding
    assert found is not None
    blocks = (ROWS - 1) // 5
    wins = []
    for block in range(blocks):
        part = (1 + told.iloc[5 * block : 5 * block + 5]).prod()
        wins.append(1.0 if part["alpha"] > part["beta"] else -1.0)
    second = sm.OLS(np.array(wins), np.ones(blocks)).fit(
        cov_type="HAC", cov_kwds={"maxlags": rule(blocks), "use_correction": True}
    )
    assert found.n == blocks
    assert found.estimate == pytest.approx(np.mean(wins), abs=IDENTITY)
    assert found.se == pytest.approx(second.bse[0], rel=1e-9)


def test_rank_order_of_a_signal_and_of_what_is_always_so() -> None:
    rng = np.random.default_rng(5)
    claim = {**ORDER, "role": "margin"}
    high, low = 0.5 + rng.normal(0, 0.1, 60), 0.3 + rng.normal(0, 0.1, 60)
    known = signals({("margin", "alpha"): high, ("margin", "beta"): low})
    assert one(claim, known).verdict == "supported"
    known = signals({("margin", "alpha"): low, ("margin", "beta"): high})
    assert one(claim, known).verdict == "refuted"
    known = signals({("margin", "alpha"): high + 5, ("margin", "beta"): low})
    assert "every block has the same order" in one(claim, known).reason
    known = signals({("margin", "alpha"): high})
    assert one(claim, known).reason == "no observation of margin of beta"


def decisions(rng: np.random.Generator, skill: float, given: Any) -> tuple[Any, ...]:
    """Decisions every ten sessions, whose scores know the future by `skill`."""
    price = given.market.home.price
    firms = [line.symbol for line in given.assets]
    out = []
    for row in range(20, ROWS - 20, 10):
        after = price[firms].iloc[row + 6] / price[firms].iloc[row + 1] - 1
        noise = pd.Series(rng.normal(0, after.std(), len(firms)), index=firms)
        score = skill * after + (1 - skill) * noise
        card = SimpleNamespace(
            score=score,
            withheld=pd.Series(False, index=firms),
            contributions=pd.DataFrame({"momentum": score}),
        )
        out.append(SimpleNamespace(session=price.index[row], scorecard=card))
    return tuple(out)


def wide_world(claim: dict[str, Any]) -> Any:
    """The small world with its four assets six times over: 24 firms."""
    given = evidence(thesis(claim))
    view = given.market.home
    rng = np.random.default_rng(8)
    names = [f"X{n}" for n in range(24)]
    prices = pd.DataFrame(
        100 * np.cumprod(1 + rng.normal(0, 0.02, (len(view.price), 24)), axis=0),
        index=view.price.index,
        columns=names,
    )
    home = SimpleNamespace(price=prices, sessions=view.sessions)
    market = SimpleNamespace(home=home, signals=given.market.signals)
    assets = tuple(SimpleNamespace(symbol=name) for name in names)
    return replace(given, market=market, assets=assets)  # type: ignore[arg-type]


def test_factor_rank_ic_is_the_mean_of_spearmans() -> None:
    given = wide_world(IC)
    made = decisions(np.random.default_rng(9), 0.3, given)
    given = replace(given, decisions=made)
    test, claim, params, span = claim_and_span(given)
    found = test.measure(claim, params, given, span)
    price = given.market.home.price
    slow = []
    for decision in made:
        row = price.index.get_loc(decision.session)
        after = price.iloc[row + 6] / price.iloc[row + 1] - 1
        slow.append(stats.spearmanr(decision.scorecard.score, after).statistic)
    assert found.n == len(slow)
    assert found.estimate == pytest.approx(np.mean(slow), abs=IDENTITY)
    second = sm.OLS(np.array(slow), np.ones(len(slow))).fit(
        cov_type="HAC", cov_kwds={"maxlags": rule(len(slow)), "use_correction": True}
    )
    assert found.se == pytest.approx(second.bse[0], rel=1e-9)
    assert found.estimate > 0.2
    named = replace(params, factor="momentum")
    assert "no factor 'momentum'" in test.measure(claim, named, given, span).reason


def test_a_state_factor_ranks_no_assets() -> None:
    about = thesis({**IC, "factor": "capex_growth"})
    spec = {"name": "capex_growth", "weight": 1.0, "exposure": {"alpha": 1.0}}
    told = about.model_dump(by_alias=True) | {"factors": [spec]}
    given = replace(evidence(about), thesis=type(about).model_validate(told))
    (found,) = judged(given)
    assert found.verdict == "untestable"
    assert "is a state factor" in found.reason


def test_overlapping_returns_of_a_factor_get_more_lags() -> None:
    claim = {**IC, "sessions": 60}
    given = wide_world(claim)
    given = replace(given, decisions=decisions(np.random.default_rng(9), 0.0, given))
    test, found_claim, params, span = claim_and_span(given)
    found = test.measure(found_claim, params, given, span)
    assert "Newey-West standard error, 5 lags" in found.assumptions


def dispersion(size: float, seed: int = 3, **claim: Any) -> ClaimResult:
    """Alpha jumps by +-size on the even events alone."""
    prices = closes(seed)
    for symbol in ("AAA", "BBB"):
        path = np.array(prices["XNYS"][symbol])
        for number, row in enumerate(ROWS_OF_NEWS[::2]):
            path[row:] *= 1 + size * (-1) ** number
        prices["XNYS"][symbol] = path.tolist()
    about = thesis({**SPREAD, **claim}, rows=ROWS_OF_NEWS)
    return judged(evidence(about, prices=prices))[0]


def test_dispersion_is_the_pooled_t_of_absolute_reactions() -> None:
    found = dispersion(0.0).finding
    assert found is not None
    rows = found.rows
    kinds = [
        (rows["car"] / rows["se"]).abs()[rows["kind"] == kind].to_numpy()
        for kind in ("events", "others")
    ]
    second = stats.ttest_ind(*kinds, equal_var=True)
    assert found.estimate == pytest.approx(kinds[0].mean() - kinds[1].mean())
    assert found.estimate / found.se == pytest.approx(second.statistic, rel=1e-9)
    assert found.p == pytest.approx(second.pvalue, rel=1e-9)


def test_dispersion_finds_news_that_matters_whatever_its_sign() -> None:
    assert dispersion(0.05).verdict == "supported"
    assert dispersion(0.05, sign="-").verdict == "refuted"
    few = dispersion(0.0, events=["news-0"])
    assert few.verdict == "untestable"
    assert "5 events of each kind needed" in few.reason


def test_permutation_p_counts_every_split() -> None:
    rng = np.random.default_rng(1)
    a, b = np.abs(rng.normal(size=5)) + 0.5, np.abs(rng.normal(size=6))
    both = np.concatenate([a, b])
    seen = abs(a.mean() - b.mean())
    hits = total = 0
    for chosen in itertools.combinations(range(11), 5):
        rest = np.delete(both, chosen)
        hits += abs(both[list(chosen)].mean() - rest.mean()) >= seen - 1e-12
        total += 1
    assert permutation_p(a, b) == pytest.approx(hits / total)
    assert permutation_p(np.ones(12), np.zeros(12)) is None


@pytest.mark.parametrize("events", [5, 8])
def test_dispersion_rejects_nothing_at_its_nominal_rate(events: int) -> None:
    """Of Student's t(60) reactions, 5 % of 4,000 is 200: bounds are 4 deviations."""
    rng = np.random.default_rng(events)
    z = np.abs(rng.standard_t(60, (4000, 2, events)))
    rejected = 0
    for first, second in z:
        difference, se = pooled_difference(first, second)
        p = 2 * stats.t.sf(abs(difference / se), 2 * events - 2)
        rejected += p < 0.05
    assert 145 <= rejected <= 255


@pytest.mark.parametrize("name", ["spanning_alpha", "rank_order"])
def test_an_empty_claim_about_returns_is_rejected_at_its_rate(name: str) -> None:
    """5 % of 400 worlds is 20; the bounds are 3.2 standard deviations each way."""
    rng = np.random.default_rng(17)
    claim = SPAN if name == "spanning_alpha" else ORDER
    given = evidence(thesis(claim), returns=paths(rng))
    test, told, params, span = claim_and_span(given)
    rejected = 0
    for _ in range(400):
        empty = replace(
            given,
            returns=paths(rng),
            layer_returns=layers(*rng.normal(0, 0.01, (2, ROWS - 1))),
        )
        rejected += test.measure(told, params, empty, span).p < 0.05
    assert 6 <= rejected <= 34


def test_an_empty_factor_is_rejected_at_its_nominal_rate() -> None:
    """5 % of 100 worlds is 5; the upper bound is 3.7 standard deviations away."""
    rng = np.random.default_rng(18)
    given = wide_world(IC)
    test, claim, params, span = claim_and_span(given)
    rejected = 0
    for _ in range(100):
        empty = replace(given, decisions=decisions(rng, 0.0, given))
        rejected += test.measure(claim, params, empty, span).p < 0.05
    assert 1 <= rejected <= 13


def test_events_are_told_apart_by_kind() -> None:
    assert len(NEWS) == 5
    bad = {**SPREAD, "others": ["news-0"]}
    with pytest.raises(ValueError, match="repeats 'news-0'"):
        one(bad)
