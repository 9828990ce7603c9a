"""Frames with what their shares paid: prices as traded beside what they earned."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError
from engine.market.bars import build_bars, check_frame, ex_closes, is_raw
from engine.market.calendar import Sessions
from engine.market.listing import Line
from engine.sources.files import FolderPrices
from tests.markets import sessions

DAYS = pd.bdate_range("2024-03-04", periods=5)  # Monday to Friday


def frame(**columns: list[float]) -> pd.DataFrame:
    index = DAYS.as_unit("ns").rename("session")
    return pd.DataFrame(columns, index=index, dtype=np.float64)


def own() -> Sessions:
    return sessions("XNYS", DAYS)


def test_what_makes_a_frame_raw_is_its_columns() -> None:
    close = [10.0] * 5
    assert is_raw(frame(close=close, dividend=[0.0] * 5))
    assert is_raw(frame(close=close, split=[0.0] * 5, adj_close=close))
    assert not is_raw(frame(close=close, adj_close=close))
    assert not is_raw(frame(adj_close=close, dividend=[0.0] * 5))
    assert build_bars(own(), {"A": frame(close=close)}).raw is None


def test_raw_closes_earn_with_dividends_reinvested_from_the_first_bar_on() -> None:
    """100 pays 10 and is 90: nothing earned; 2 for 1 and 49.5: 10 % earned."""
    close = [100.0, 90.0, 45.0, 49.5, 49.5]
    told = frame(close=close, dividend=[0, 10, 0, 0, 0], split=[0, 0, 2, 0, 0])
    bars = build_bars(own(), {"A": told})
    assert bars.price["A"].tolist() == pytest.approx([100, 100, 100, 110, 110])
    assert bars.raw is not None
    assert bars.raw.close["A"].tolist() == close
    assert bars.raw.dividend["A"].tolist() == [0, 10, 0, 0, 0]
    assert bars.raw.split["A"].tolist() == [1, 1, 2, 1, 1]


def test_adjusted_closes_earn_where_the_file_has_them() -> None:
    told = frame(close=[10.0] * 5, adj_close=[1, 2, 3, 4, 5], dividend=[0.0] * 5)
    bars = build_bars(own(), {"A": told})
    assert bars.price["A"].tolist() == [1, 2, 3, 4, 5]
    assert bars.raw is not None
    assert bars.raw.close["A"].tolist() == [10.0] * 5


def test_opens_are_on_both_bases() -> None:
    told = frame(
        close=[10, 8, 8, 8, 8], open=[10, 7, 8, 8, 8], dividend=[0, 2, 0, 0, 0]
    )
    bars = build_bars(own(), {"A": told})
    assert bars.raw is not None
    assert bars.raw.open["A"].iloc[1] == 7.0
    assert bars.open["A"].iloc[1] == pytest.approx(7.0 * 10.0 / 8.0)


def test_a_dividend_off_a_session_belongs_to_the_next_one() -> None:
    """Wednesday is no session of this exchange."""
    there = sessions("XNYS", DAYS.delete(2))
    told = frame(close=[10.0] * 5, dividend=[0, 0, 0.5, 0, 0], split=[0, 0, 2, 3, 0])
    bars = build_bars(there, {"A": told})
    assert bars.raw is not None
    assert bars.raw.dividend["A"].tolist() == [0, 0, 0.5, 0]
    assert bars.raw.split["A"].tolist() == [1, 1, 6, 1]


def test_turnover_is_close_times_volume() -> None:
    told = frame(close=[10.0] * 5, adj_close=[9.0] * 5, volume=[1, 2, 3, 4, np.nan])
    bars = build_bars(own(), {"A": told, "B": frame(adj_close=[1.0] * 5)})
    assert bars.turnover is not None
    assert bars.turnover["A"].tolist()[:4] == [10, 20, 30, 40]
    assert bars.turnover.isna().sum().to_dict() == {"A": 1, "B": 5}


def test_the_close_before_goes_through_what_happens_without_a_bar() -> None:
    close = np.array([[100.0], [np.nan], [np.nan], [24.0]])
    dividend = np.array([[0.0], [0.0], [1.0], [0.0]])
    split = np.array([[1.0], [4.0], [1.0], [1.0]])
    before, after = ex_closes(close, dividend, split)
    assert before[1:, 0].tolist() == [25.0, 24.0, 24.0]
    assert after[1:, 0].tolist() == [100.0, 25.0, 24.0, 24.0]


def test_a_folder_can_hold_raw_prices(tmp_path: Path) -> None:
    told = frame(close=[10, 9, 9, 9, 9], dividend=[0, 1, 0, 0, 0])
    told.rename_axis("Date").to_csv(tmp_path / "A.csv")
    line = Line(symbol="A", entity="a", mic="XNYS", currency="USD")
    source = FolderPrices(tmp_path)
    loaded = source.load([line], dt.date(2024, 3, 1), dt.date(2024, 3, 8))
    assert is_raw(loaded.frames["A"])
    assert loaded.frames["A"]["dividend"].tolist() == [0, 1, 0, 0, 0]
    told.assign(dividend=-1.0).rename_axis("Date").to_csv(tmp_path / "A.csv")
    with pytest.raises(DataError, match=r"A.csv, row 2: dividend -1.0 is negative"):
        source.load([line], dt.date(2024, 3, 1), dt.date(2024, 3, 8))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"dividend": [0, 10, 0, 0, 0]},
            r"2024-03-05 has a dividend that is not below",
        ),
        ({"dividend": [0, -1, 0, 0, 0]}, r"a dividend that is no amount"),
        ({"split": [0, 0, -2, 0, 0]}, r"2024-03-06 has a split that is no ratio"),
        ({"split": [0, 0, 10, 0, 0]}, r"a split that its close did not follow"),
    ],
)
def test_what_raw_closes_cannot_have_had(
    columns: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        check_frame("A", frame(close=[10.0] * 5, **columns))


def test_a_real_split_passes() -> None:
    check_frame("A", frame(close=[100, 101, 10.2, 10, 10], split=[0, 0, 10, 0, 0]))
    check_frame("A", frame(close=[10, 10, 8.3, 8, 8], split=[0, 0, 1.2, 0, 0]))


def test_a_dividend_on_the_day_of_a_split_is_per_new_share() -> None:
    close, dividend, split = (
        np.array([[value, other]]).T
        for value, other in ((100.0, 45.0), (0.0, 5.0), (1.0, 2.0))
    )
    before, _ = ex_closes(close, dividend, split)
    assert before[1, 0] == 100.0 / 2.0 - 5.0
