"""The event table on real files by statsmodels: every asset, layers, contrasts.

Own returns beside the benchmark between its last closes not after the asset's two;
one regression each; the formulas of METHODS.md. Nothing of the engine but calendars.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from engine import app
from engine.evidence.events import study_events
from engine.market.calendar import sessions
from engine.market.listing import Line
from engine.study_result import StudyResult
from tests.flagship import END, FIRST, FLAGSHIP, Record, real_options
from tests.tolerances import IDENTITY

pytestmark = [pytest.mark.shared, pytest.mark.xdist_group("real")]

#: Events of the flagship: a date, the event of the thesis, a moment after a close.
EVENTS = {
    "deepseek-r1": dt.datetime(2025, 1, 20, 0, 0),
    "deepseek-selloff": dt.datetime(2025, 1, 27, 1, 30),
    "h20-licence": dt.datetime(2025, 4, 15, 21, 30),
}
WINDOWS = ((0, 0), (0, 1), (2, 20), (2, 120))
FOREIGN = {"XHKG", "XSHG", "XSHE", "XKRX"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Own:
    """One asset about an event, by own session relative to day zero.

    y : return since the last bar. x : the benchmark beside it, and abroad the one
    before; NaN rows where there is no bar.
    """

    y: pd.Series
    x: pd.DataFrame
    day_zero: pd.Timestamp

    def regression(self) -> object:
        rows = self.y.loc[-260:-11].dropna().index
        return sm.OLS(self.y[rows], sm.add_constant(self.x.loc[rows])).fit()


def beside(line: Line, record: Record, news: dt.datetime) -> Own:
    """Return an asset's own sessions about the news."""
    own = sessions(line.mic, FIRST, END)
    closes = record.closes[line.symbol]
    y = closes / closes.shift(1) - 1.0
    spy = record.price("SPY", pd.DatetimeIndex(closes.index))
    level = pd.Series(spy, index=closes.index)
    x = pd.DataFrame({"now": level / level.shift(1) - 1.0})
    if line.mic in FOREIGN:
        x["before"] = x["now"].shift(1)
    every = pd.DatetimeIndex(own.close_utc)
    zero = int(every.searchsorted(pd.Timestamp(news) + pd.Timedelta(minutes=30)))
    relative = np.arange(len(every)) - zero
    return Own(
        y=y.reindex(every).set_axis(relative),
        x=x.reindex(every).set_axis(relative, axis=0),
        day_zero=own.days[zero],
    )


def abnormal(one: Own, window: tuple[int, int]) -> tuple[float, float, float]:
    """Return CAR, its standard deviation and df by the formulas of METHODS.md."""
    fit = one.regression()
    y = one.y.loc[window[0] : window[1]]
    seen = y.notna()
    x = one.x.loc[window[0] : window[1]][seen].sum()
    length = window[1] - window[0] + 1
    intercept = length if length <= 20 else 0
    total = np.array([intercept, *x])
    car = y.sum() - total @ fit.params.to_numpy()
    spread = total @ fit.normalized_cov_params.to_numpy() @ total
    return float(car), float(np.sqrt(fit.scale * (length + spread))), fit.df_resid


def row(table: pd.DataFrame, event: str, subject: str, window: tuple) -> pd.Series:
    found = table[
        (table["event"] == event)
        & (table["subject"] == subject)
        & (table["window"] == window)
    ]
    assert len(found) == 1, (event, subject, window, len(found))
    return found.iloc[0]


@pytest.mark.parametrize("event", EVENTS)
def test_every_asset_by_statsmodels(
    real_study: StudyResult, real_record: Record, event: str
) -> None:
    table = real_study.events.table
    count = 0
    for line in real_study.assets:
        one = beside(line, real_record, EVENTS[event])
        for window in WINDOWS:
            told = row(table, event, line.symbol, window)
            car, se, df = abnormal(one, window)
            assert told["day_zero"] == one.day_zero
            assert told["car"] == pytest.approx(car, abs=IDENTITY)
            assert told["se"] == pytest.approx(se, abs=IDENTITY)
            assert told["df"] == df
            assert told["t"] == pytest.approx(car / se, rel=1e-9)
            assert told["p"] == pytest.approx(2 * stats.t.sf(abs(car / se), df))
            raw = (1 + one.y.loc[window[0] : window[1]].fillna(0)).prod() - 1
            assert told["return"] == pytest.approx(raw, abs=IDENTITY)
            assert told["alpha"] == ("zero" if window == (2, 120) else "estimated")
            count += 1
    assert count == 4 * 19


def side(study: StudyResult, name: str) -> list[Line]:
    if name in study.thesis.baskets:
        named = study.thesis.baskets[name]
        return [line for line in study.assets if line.symbol in named]
    leg = study.thesis.barbell.get(name)
    layers = leg.layers if leg else (name,)
    return [
        line for line in study.assets if study.universe.layer_of(line.symbol) in layers
    ]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("layer", ["compute", "memory", "cloud", "application", "labs"])
def test_a_layers_car_is_the_mean_of_its_members(
    real_study: StudyResult, real_record: Record, event: str, layer: str
) -> None:
    for window in WINDOWS:
        told = row(real_study.events.table, event, layer, window)
        cars = [
            abnormal(beside(line, real_record, EVENTS[event]), window)[0]
            for line in side(real_study, layer)
        ]
        assert told["n"] == len(cars)
        assert told["car"] == pytest.approx(np.mean(cars), abs=IDENTITY)
        assert told["t"] == pytest.approx(told["car"] / told["se"], rel=1e-9)
        assert told["p"] == pytest.approx(2 * stats.t.sf(abs(told["t"]), told["df"]))


@pytest.mark.parametrize(
    ("claim", "long", "short", "window"),
    [
        ("right-layer", "compute", "labs", (2, 120)),
        ("H04", "infrastructure", "labs", (0, 1)),
        ("H02-dip", "compute", "", (0, 1)),
        ("H02-drift", "compute", "", (2, 120)),
        ("H26", "us_ai", "", (0, 20)),
        ("H26-persistent", "us_ai", "", (0, 120)),
        ("H27-compute", "nvidia", "us_labs", (2, 120)),
    ],
)
def test_claims_about_the_selloff_by_statsmodels(
    real_study: StudyResult,
    real_record: Record,
    claim: str,
    long: str,
    short: str,
    window: tuple[int, int],
) -> None:
    (told,) = [
        one
        for one in real_study.claims.results
        if one.id == claim and one.sample == "in-sample"
    ]
    assert told.finding is not None
    news = EVENTS["deepseek-selloff"]
    means = [
        np.mean(
            [
                abnormal(beside(line, real_record, news), window)[0]
                for line in side(real_study, name)
            ]
        )
        for name in (long, short)
        if name
    ]
    expected = means[0] - (means[1] if short else 0.0)
    assert told.finding.estimate == pytest.approx(expected, abs=IDENTITY)
    assert told.finding.n == 1


# -- one exchange: the layer is one regression, number for number


@pytest.fixture(scope="module")
def american(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    """The flagship on the lines that a US account can buy: nothing but New York."""
    text = FLAGSHIP.read_text(encoding="utf-8").replace(
        'lines   = "primary"', 'lines   = "us"'
    )
    assert 'lines   = "us"' in text
    file = tmp_path_factory.mktemp("us") / "us.toml"
    file.write_text(text, encoding="utf-8")
    return app.inputs_of(file, **real_options(shared))


def mean_of(owns: Sequence[Own]) -> Own:
    return Own(
        y=pd.concat([one.y for one in owns], axis=1).mean(axis=1),
        x=owns[0].x,
        day_zero=owns[0].day_zero,
    )


def test_a_contrast_within_one_exchange_is_one_regression(
    american: app.StudyInputs, real_record: Record
) -> None:
    """Compute minus labs, all in New York: prediction error of the one portfolio."""
    held = american.assets
    assert {line.mic for line in held} <= {"XNYS", "XNAS"}
    table = study_events(
        american.market, american.thesis, american.universe, held
    ).table
    news = EVENTS["deepseek-selloff"]
    layer = {
        name: [
            beside(line, real_record, news)
            for line in held
            if american.universe.layer_of(line.symbol) == name
        ]
        for name in ("compute", "labs", "cloud")
    }
    assert [len(one) for one in layer.values()] == [3, 2, 3]
    long, short = mean_of(layer["compute"]), mean_of(layer["labs"])
    both = Own(y=long.y - short.y, x=long.x, day_zero=long.day_zero)
    for subject, one in (
        ("compute", long),
        ("labs", short),
        ("cloud", mean_of(layer["cloud"])),
        ("compute minus labs", both),
    ):
        for window in WINDOWS:
            told = row(table, "deepseek-selloff", subject, window)
            car, se, df = abnormal(one, window)
            assert told["car"] == pytest.approx(car, abs=IDENTITY), (subject, window)
            assert told["se"] == pytest.approx(se, abs=IDENTITY), (subject, window)
            assert told["df"] == df
            assert told["p"] == pytest.approx(2 * stats.t.sf(abs(car / se), df))
