"""27 January 2025 on real prices: day zero, raw returns, the aligned benchmark."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from engine.evidence.events import study_events
from engine.evidence.results import EventStudy
from engine.evidence.windows import history
from engine.interfaces import SignalData
from engine.market.assemble import assemble
from engine.market.market import Market, Origin
from engine.market.signals import COLUMNS, Signals
from engine.sources.files.folder import FolderPrices
from engine.thesis.model import Thesis
from tests.tolerances import IDENTITY
from universes.loader import load

pytestmark = pytest.mark.shared

SYMBOLS = (
    *("NVDA", "AVGO", "AMD", "0981.HK", "688256.SS", "000660.KS", "005930.KS"),
    *("BABA", "GOOGL", "META", "2513.HK"),
)
THESIS = Thesis.model_validate(
    {
        "thesis": {
            "id": "selloff",
            "title": "The selloff of January 2025",
            "start": dt.date(2023, 1, 3),
            "end": dt.date(2025, 10, 30),
        },
        "barbell": {"infrastructure": {"layers": ["compute", "memory"]}},
        "events": [
            {
                "id": "deepseek-selloff",
                "title": "DeepSeek selloff",
                "at": dt.date(2025, 1, 27),
                "contrasts": [["compute", "labs"], ["infrastructure", "labs"]],
            }
        ],
    }
)


@pytest.fixture(scope="module")
def market(shared: Path) -> Market:
    universe = load("ai-stack")
    lines = [universe.lines[symbol] for symbol in SYMBOLS] + [
        universe.benchmarks["SPY"]
    ]
    start, end = THESIS.about.start, THESIS.about.end
    prices = FolderPrices(shared / "market" / "prices").load(lines, start, end)
    unseen = pd.DataFrame(columns=list(COLUMNS)).astype(
        {"value_date": "datetime64[ns]", "known_at": "datetime64[ns]", "value": float}
    )
    nothing = SignalData(
        signals=Signals(observations=unseen),
        origin=Origin(name="none", simulated=False, digest=""),
    )
    return assemble(
        lines, prices, nothing, home="XNYS", base="USD", start=start, end=end
    )


@pytest.fixture(scope="module")
def study(market: Market) -> EventStudy:
    universe = load("ai-stack")
    assets = [universe.lines[symbol] for symbol in SYMBOLS]
    return study_events(market, THESIS, universe, assets)


def _row(study: EventStudy, subject: str, window: tuple[int, int]) -> pd.Series:
    table = study.table
    rows = table[(table["subject"] == subject) & (table["window"] == window)]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("symbol", "day", "percent"),
    [
        ("NVDA", "2025-01-27", -16.97),
        ("AVGO", "2025-01-27", -17.40),
        ("0981.HK", "2025-01-27", -7.63),
        ("688256.SS", "2025-01-27", -6.69),
        ("000660.KS", "2025-01-31", -9.86),
    ],
)
def test_raw_return_of_day_zero(
    study: EventStudy, symbol: str, day: str, percent: float
) -> None:
    row = _row(study, symbol, (0, 0))
    assert str(row["day_zero"].date()) == day
    assert round(100 * row["return"], 2) == percent
    assert row["kind"] == "asset"


def test_seouls_benchmark_spans_its_holiday(market: Market) -> None:
    """31 January 2025 in Seoul: SPY from its close of the 23rd to that of the 30th."""
    spy = market.bars_of("SPY").price["SPY"]
    close = {day: spy[f"2025-01-{day}"] for day in (22, 23, 30)}
    seoul = history(market, "000660.KS", "SPY")
    at = seoul.sessions.days.get_loc(pd.Timestamp("2025-01-31"))
    now, before = seoul.regressors[at]
    assert now == pytest.approx(close[30] / close[23] - 1.0, abs=IDENTITY)
    assert before == pytest.approx(close[23] / close[22] - 1.0, abs=IDENTITY)
    new_york = history(market, "NVDA", "SPY")
    at = new_york.sessions.days.get_loc(pd.Timestamp("2025-01-27"))
    assert new_york.regressors[at, 0] == pytest.approx(
        spy["2025-01-27"] / spy["2025-01-24"] - 1.0, abs=IDENTITY
    )
    assert not new_york.foreign
    assert seoul.foreign


def test_the_intercept_decides_nvidias_long_window(study: EventStudy) -> None:
    """METHODS.md: -2.7 % with the estimated intercept, +19.3 % without."""
    row = _row(study, "NVDA", (2, 120))
    assert row["alpha"] == "zero"
    assert round(100 * row["car"], 1) == 19.3
    assert round(100 * row["car_other"], 1) == -2.7


def test_nvidia_by_statsmodels(market: Market, study: EventStudy) -> None:
    """The row re-derived from closes, without any of our event code."""
    closes = pd.concat([market.bars_of(s).price[s] for s in ("NVDA", "SPY")], axis=1)
    returns = closes / closes.shift(1) - 1.0
    zero = returns.index.get_loc(pd.Timestamp("2025-01-27"))
    estimation = returns.iloc[zero - 260 : zero - 10]
    ols = sm.OLS(estimation["NVDA"], sm.add_constant(estimation["SPY"])).fit()
    drift = returns.iloc[zero + 2 : zero + 21]
    x = np.array([len(drift), drift["SPY"].sum()])
    car = drift["NVDA"].sum() - x @ ols.params
    error = np.sqrt(len(drift) * ols.scale + x @ ols.cov_params() @ x)
    row = _row(study, "NVDA", (2, 20))
    assert row["car"] == pytest.approx(car, abs=IDENTITY)
    assert row["se"] == pytest.approx(error, abs=IDENTITY)
    assert row["df"] == ols.df_resid == 248


def test_layers_and_contrasts(study: EventStudy) -> None:
    compute, memory = (_row(study, layer, (0, 0)) for layer in ("compute", "memory"))
    assert compute["n"] == 5
    assert compute["t"] < -4.0
    assert str(memory["day_zero"].date()) == "2025-01-31"
    assert "12.7" in memory["note"]
    contrast = _row(study, "compute minus labs", (0, 1))
    assert contrast["kind"] == "contrast"
    assert contrast["n"] == 7
    leg = _row(study, "infrastructure minus labs", (0, 1))
    assert leg["n"] == 9
    # the point of the long window: tens of percent would be needed to see anything
    assert _row(study, "compute minus labs", (2, 120))["detectable"] > 0.3


def test_a_lab_not_yet_listed_is_left_out_with_its_reason(study: EventStudy) -> None:
    left_out = study.left_out.set_index("subject")
    assert left_out.loc["2513.HK", "reason"] == "no prices"
    assert "2 of 3 members" in _row(study, "labs", (0, 0))["note"]
