"""A thesis that sells short, from the file to the books.

Weights, borrow fees and net asset value are taken again from trades and price files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine
from engine.errors import DataError
from tests import desk
from tests.books import assert_books
from tests.flagship import FLAGSHIP, real_options, record_of_files, record_of_sample
from tests.tolerances import IDENTITY, SOLVER

RULES = """max_short = 0.05
max_gross = 1.2
net = [0.2, 1.0]
"""
TERMS = """short_margin = 1.5
borrow_rate = 0.02
borrow_rates = { HKD = 0.06, KRW = 0.08 }
"""
YEARLY = {"USD": 0.02, "HKD": 0.06, "KRW": 0.08, "CNY": 0.02}


def flagship(folder: Path, **options: object) -> engine.StudyResult:
    """Return the flagship as long-short: legs from nothing on, strong beliefs."""
    text = FLAGSHIP.read_text(encoding="utf-8")
    text = text.replace("[portfolio]\n", f"[portfolio]\n{RULES}")
    text = text.replace("[execution]\n", f"[execution]\n{TERMS}")
    text = text.replace("[0.00, 0.02]", "[0.0, 0.8]")
    text = text.replace("= 0.03\n", "= 0.30\n")
    (folder / "t.toml").write_text(text, encoding="utf-8")
    return engine.run(folder / "t.toml", **options)  # type: ignore[arg-type]


@pytest.fixture(
    params=["sample", pytest.param("real", marks=pytest.mark.shared)],
)
def world(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[engine.StudyResult, object]:
    if request.param == "sample":
        result = flagship(tmp_path)
        return result, record_of_sample(result)
    shared = request.getfixturevalue("shared")
    result = flagship(tmp_path, **real_options(shared))
    return result, record_of_files(shared, result.market.lines.values())


def test_a_long_short_study_keeps_its_limits_and_its_books(
    world: tuple[engine.StudyResult, object],
) -> None:
    result, record = world
    targets = result.backtest.targets
    mic = {line.symbol: line.mic for line in result.assets}
    short = targets.clip(upper=0.0)
    assert (short.sum(axis=1) < -0.01).sum() > 5  # it does sell short
    assert targets.min(axis=None) >= -0.05 - SOLVER
    assert targets.abs().sum(axis=1).max() <= 1.2 + SOLVER
    assert targets.sum(axis=1).min() >= 0.2 - SOLVER
    assert targets.sum(axis=1).max() <= 1.0 + SOLVER
    assert -short.sum(axis=1).min() <= 1 / 1.5 + SOLVER
    never = [name for name in targets if mic[name] in ("XSHG", "XSHE")]
    assert never
    assert targets[never].min(axis=None) >= 0.0
    assert result.backtest.holdings[never].min(axis=None) >= 0.0
    banned = targets.loc["2023-11-06":"2025-03-28"]  # Korea
    korean = [name for name in targets if mic[name] == "XKRX"]
    assert banned[korean].min(axis=None) >= 0.0
    assert_borrow(result)
    assert_books(result.backtest, record, result.thesis.execution)  # type: ignore[arg-type]


def assert_borrow(result: engine.StudyResult) -> None:
    """Fees day by day: yesterday's short values x the currency's rate x the days."""
    done, calendar = result.backtest, result.market.home.sessions
    closes = pd.Series(pd.DatetimeIndex(calendar.close_utc), index=calendar.days)
    years = closes.loc[done.nav.index].diff() / pd.Timedelta(days=365)
    of = {line.symbol: line.currency for line in result.assets}
    expected = pd.Series(0.0, index=done.nav.index)
    for name, units in done.holdings.items():
        rate = done.fx[of[str(name)]] if of[str(name)] != "USD" else 1.0
        owed = (-units).clip(lower=0.0) * done.price[name] * rate
        fee = owed.where(units < 0.0, 0.0).shift(1) * YEARLY[of[str(name)]] * years
        expected += fee.fillna(0.0)
    assert expected.sum() > 100.0
    np.testing.assert_allclose(done.costs["borrow"], expected, rtol=IDENTITY, atol=1e-9)


def test_the_optimiser_expects_what_lenders_are_paid(tmp_path: Path) -> None:
    """Dearer borrowing in the ledger's settings alone makes shorts smaller."""
    sizes = []
    for place, rate in enumerate((0.0, 0.5)):
        folder = tmp_path / str(place)
        folder.mkdir()
        result = short_desk(folder, borrow=rate)
        sizes.append(-float(result.backtest.targets.clip(upper=0.0).sum().sum()))
    assert sizes[0] > 0.2
    assert sizes[1] < 0.5 * sizes[0]


def short_desk(
    folder: Path,
    *,
    borrow: float = 0.0,
    short: float = 0.2,
    margin: float = 1.5,
    change: desk.Change | None = None,
    more: str = "",
) -> engine.StudyResult:
    text = desk.changed(
        ("[0.4, 0.6]", "[0.0, 1.0]"),
        (
            "max_weight = 0.4",
            f"max_weight = 0.4\nmax_short = {short}\nic = 0.3\n{more}",
        ),
        (
            'fees = "exchange"',
            f'fees = "exchange"\nshort_margin = {margin}\nborrow_rate = {borrow}',
        ),
    )
    desk.write_desk(folder, text)
    if change is not None:
        change(folder / "prices")
    return engine.run(folder / "t.toml", prices=folder / "prices")


def runaway(prices: Path) -> None:
    """Whatever the desk is short of in the autumn goes up tenfold within a month."""
    for name in ("NVDA", "000660.KS", "BABA", "0700.HK", "GOOGL"):
        file = prices / f"{name}.csv"
        frame = pd.read_csv(file, index_col="date")
        late = frame.index >= "2023-11-02"
        steps = np.minimum(np.cumsum(late), 12)
        factor = FASTER[name] ** steps
        for column in ("open", "high", "low", "close", "adj_close"):
            frame[column] *= factor
        frame.to_csv(file)


FASTER = {"NVDA": 1.0, "000660.KS": 1.0, "BABA": 1.0, "0700.HK": 1.0, "GOOGL": 1.0}


@pytest.mark.parametrize(("daily", "ruined"), [(1.06, False), (1.5, True)])
def test_a_short_that_runs_away_is_said_and_covered_or_ends_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, daily: float, ruined: bool
) -> None:
    """Beyond its margin a note, and cover at the next decision; beyond NAV an error."""
    plain = tmp_path / "plain"
    plain.mkdir()
    before = short_desk(plain, short=0.35, margin=1.5).backtest
    last = before.targets.loc[:"2023-10-31"].iloc[-1]
    short = str(last.idxmin())
    assert last[short] < -0.2
    monkeypatch.setitem(FASTER, short, daily)
    folder = tmp_path / "runs"
    folder.mkdir()
    if ruined:
        with pytest.raises(DataError, match=r"is worth -[\d,.]+ on 2023-11.*short"):
            short_desk(folder, short=0.35, change=runaway)
        return
    done = short_desk(folder, short=0.35, change=runaway).backtest
    used = -1.5 * done.weights.clip(upper=0.0).sum(axis=1)
    assert used.loc["2023-11"].max() > 1.0
    (note,) = [one for one in done.notes if "grew beyond their margin" in one]
    assert f"first on {used[used > 1.0].index[0].date()}" in note
    # at the next decision the shorts are cut back to what the margin bears
    assert -1.5 * done.targets.clip(upper=0.0).sum(axis=1).max() <= 1.0 + SOLVER
    assert used.iloc[-1] <= 1.0
    covered = done.trades[(done.trades["asset"] == short)]
    assert (covered.loc[covered["decided"] >= "2023-11-30", "side"] == "buy").any()


def test_margin_binds_in_the_optimiser_not_as_an_error_of_the_ledger(
    tmp_path: Path,
) -> None:
    result = short_desk(tmp_path, short=0.4, margin=8.0)
    short = -result.backtest.targets.clip(upper=0.0).sum(axis=1)
    assert short.max() == pytest.approx(1 / 8, abs=1e-5)
    assert any("execution.short_margin" in one.prices for one in result.decisions)
    for name, path in result.baselines.items():
        asked = -8.0 * path.targets.clip(upper=0.0).sum(axis=1)
        assert asked.max() <= 1.0 + SOLVER, name
