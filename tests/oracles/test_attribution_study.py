"""The flagship's attribution, computed a second time from price files and trades."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from engine.evidence.attribution import EFFECTS, TOTAL
from engine.ledger.backtest import Backtest
from engine.study_paths import EQUAL_WEIGHT
from engine.study_result import StudyResult
from tests.books import closes_of, marked
from tests.flagship import Record
from tests.tolerances import ATTRIBUTION, IDENTITY

Sums = dict[tuple[str, str], float]


def paths(study: StudyResult) -> dict[str, Backtest]:
    return {study.backtest.name: study.backtest, **study.baselines}


def inside(days: pd.DatetimeIndex, period: str) -> np.ndarray:
    return np.array([period in ("all", str(day.year)) for day in days])


def test_effects_and_costs_sum_to_the_active_return(study: StudyResult) -> None:
    found = study.attribution
    days = pd.DatetimeIndex(study.backtest.nav.index[1:])
    assert set(found.table["against"]) == {EQUAL_WEIGHT, "SPY", "SMH"}
    years = {str(year) for year in days.year}
    assert set(found.table["period"]) == {"all", *years}
    for (name, period), table in found.table.groupby(["against", "period"]):
        rows = inside(days, str(period))
        grown = [
            float(np.prod(1.0 + one.returns.to_numpy()[rows]))
            for one in (study.backtest, study.baselines[str(name)])
        ]
        active = grown[0] - grown[1]
        total = table.iloc[-1]
        parts = table.iloc[:-1]
        effects = parts[list(EFFECTS)].to_numpy(dtype=float)
        assert effects.sum() == pytest.approx(active, abs=ATTRIBUTION)
        assert total["active"] == pytest.approx(active, abs=ATTRIBUTION)
        assert total["return"] == pytest.approx(grown[0] - 1.0, abs=ATTRIBUTION)
        assert parts["other"].abs().max() <= ATTRIBUTION
        money = found.currencies
        money = money[(money["against"] == name) & (money["period"] == period)]
        assert money["effect"].sum() == pytest.approx(total["currency"], abs=1e-12)


def session_by_session(
    study: StudyResult, told: Backtest, record: Record
) -> list[dict[str, Sums]]:
    """Weights and what was earned by layer, one session at a time, from the files."""
    price, rate = marked(told, record)
    layer = {line.symbol: study.universe.layer_of(line.symbol) for line in study.assets}
    money = {line.symbol: line.currency for line in study.assets}
    at = closes_of(told, record)
    fills = defaultdict(list)
    for one in told.trades.itertuples():
        fills[int(np.searchsorted(at, one.filled_utc))].append(one)
    out = []
    for t in range(1, len(told.nav)):
        nav, sums = told.nav.iloc[t - 1], {}
        for name in ("weight", "local", "currency", "trading", "costs"):
            sums[name] = defaultdict(float)
        held = told.holdings.iloc[t - 1]
        for symbol, units in held[held != 0.0].items():
            p0, p1 = price[symbol].iloc[t - 1], price[symbol].iloc[t]
            f0, f1 = rate[money[symbol]].iloc[t - 1], rate[money[symbol]].iloc[t]
            sums["weight"][layer[symbol]] += units * p0 * f0 / nav
            sums["local"][layer[symbol]] += units * (p1 - p0) * f0 / nav
            sums["currency"][layer[symbol]] += units * p1 * (f1 - f0) / nav
        for one in fills[t]:
            f1 = rate[one.currency].iloc[t]
            later = one.units * price[one.asset].iloc[t] * f1
            gained = later - one.units * one.price * one.fx
            if one.side == "sell":
                kept = (one.value - one.slippage - one.tax) / one.fx
                gained += kept * (f1 - one.fx)
            sums["trading"][layer[one.asset]] += gained / nav
            sums["costs"][layer[one.asset]] -= (
                one.slippage + one.tax + one.fx_cost
            ) / nav
        sums["weight"]["cash"] = 1.0 - sum(sums["weight"].values())
        sums["costs"]["cash"] = -told.costs["interest"].iloc[t] / nav
        out.append(sums)
    return out


@pytest.mark.parametrize("period", ["all", "2024"])
def test_the_effects_of_every_layer_by_a_slow_twin(
    study: StudyResult, record: Record, period: str
) -> None:
    own, base = study.backtest, study.baselines[EQUAL_WEIGHT]
    pairs = [session_by_session(study, one, record) for one in (own, base)]
    r, r_b = own.returns.to_numpy(), base.returns.to_numpy()
    rows = np.flatnonzero(inside(own.returns.index, period))
    whole, whole_b = np.prod(1 + r[rows]), np.prod(1 + r_b[rows])
    scale = (whole - whole_b) / np.log(whole / whole_b)
    linked: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for t in rows:
        p, b = pairs[0][t], pairs[1][t]
        gap = r[t] - r_b[t]
        k = scale * (np.log((1 + r[t]) / (1 + r_b[t])) / gap if gap else 1 / (1 + r[t]))
        market = sum(b["local"].values())
        for layer in [*study.universe.layers, "cash"]:
            w, w_b = p["weight"][layer], b["weight"][layer]
            theirs = b["local"][layer] / w_b if w_b else None
            ours = p["local"][layer] / w if w else theirs
            theirs = ours if theirs is None else theirs
            if ours is not None and theirs is not None:
                add = linked[layer]
                add["allocation"] += k * (w - w_b) * (theirs - market)
                add["selection"] += k * w_b * (ours - theirs)
                add["interaction"] += k * (w - w_b) * (ours - theirs)
            for name in ("currency", "trading", "costs"):
                linked[layer][name] += k * (p[name][layer] - b[name][layer])
    table = study.attribution.table
    chosen = (table["against"] == EQUAL_WEIGHT) & (table["period"] == period)
    found = table[chosen].set_index("group").drop(index=TOTAL)
    assert set(found.index) == {*study.universe.layers, "cash"}
    for layer, effects in linked.items():
        for name, value in effects.items():
            assert found.loc[layer, name] == pytest.approx(value, abs=IDENTITY), (
                layer,
                name,
            )


def test_the_flagship_moves_on_something(study: StudyResult) -> None:
    """The twin above would agree on zeros: these are not."""
    table = study.attribution.table
    total = table[(table["group"] == TOTAL) & (table["against"] == EQUAL_WEIGHT)]
    for name in ("allocation", "selection", "interaction", "currency", "costs"):
        assert total[name].abs().max() > 1e-4, name
