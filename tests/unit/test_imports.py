"""The same prices in every house's columns are understood as the same rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.imports import read_files
from engine.sources.files import FolderPrices
from engine.sources.imports import Understood, understand
from engine.sources.imports_mapping import mapping_of
from tests.clean_prices import clean_frame
from universes.loader import load

UNIVERSE = load("ai-stack")
FIELDS = ["open", "high", "low", "close", "volume"]


def read(place: Path, **told: object) -> Understood:
    file = understand(place, universe=UNIVERSE, mapping=mapping_of(told, where="m"))
    assert file.usable, file.findings
    return file


@pytest.fixture
def frame() -> pd.DataFrame:
    """Rounded, for Excel's writers keep 16 digits of 17."""
    return clean_frame("XNYS", np.random.default_rng(3)).rename_axis("date").round(9)


def save(place: Path, text: str) -> Path:
    place.write_text(text, encoding="utf-8")
    return place


def panel(file: Understood, field: str) -> pd.DataFrame:
    rows = file.rows[file.rows["series"] == f"price.{field}"]
    return rows.set_index(["value_date", "line"])["value"].unstack()  # noqa: PD010


def assert_holds(file: Understood, symbol: str, frame: pd.DataFrame) -> None:
    """Assert that the rows of a line are the frame, to the last digit."""
    own = file.rows[file.rows["line"] == symbol]
    assert set(own["series"]) == {f"price.{name}" for name in frame}
    for name in frame:
        held = panel(file, name)[symbol].dropna()
        assert held.index.equals(frame.index.as_unit(held.index.unit))
        assert (held.to_numpy() == frame[name].to_numpy()).all(), name


def told(file: Understood) -> str:
    return "\n".join(file.says)


# Columns of houses


def test_plain_and_yahoo_columns(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "NVDA.csv")
    file = read(tmp_path / "NVDA.csv")
    assert_holds(file, "NVDA", frame)
    names = {name: name.replace("_", " ").title() for name in frame}
    yahoo = frame.rename(columns=names).rename_axis("Date")
    yahoo.to_csv(tmp_path / "AMD.csv", date_format="%Y-%m-%d 00:00:00-05:00")
    same = read(tmp_path / "AMD.csv")
    assert_holds(same, "AMD", frame)
    assert "Yahoo's columns" in told(same)
    assert (same.rows["known_at"] == file.rows["known_at"]).all()


def test_dividends_and_splits_are_rows_and_nought_is_none(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    acted = frame.assign(**{"Dividends": 0.0, "Stock Splits": 0.0})
    acted.iloc[5, 6] = 0.25
    acted.iloc[9, 7] = 10.0
    acted.to_csv(tmp_path / "NVDA.csv")
    file = read(tmp_path / "NVDA.csv")
    rows = file.rows.set_index("series")
    paid, split = rows.loc["price.dividend"], rows.loc["price.split"]
    assert (paid["value"], paid["unit"], paid["value_date"]) == (
        0.25,
        "USD",
        frame.index[5],
    )
    assert (split["value"], split["unit"], split["value_date"]) == (
        10.0,
        "new per old",
        frame.index[9],
    )
    assert "with dividend, split (0 means none)" in told(file)


def test_a_dividend_that_is_not_recorded_is_missed(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    """The frame pays twice: with a column of dividends each must stand in it."""
    share = (frame["adj_close"] / frame["close"]).pct_change().fillna(0.0).round(6)
    paid = share / (1 + share) * frame["close"].shift(1)
    for name, dividends in (("NVDA", paid.fillna(0.0)), ("AMD", paid * 0.0)):
        frame.assign(Dividends=dividends).to_csv(tmp_path / f"{name}.csv")
    missed = [
        one.where
        for name in ("NVDA", "AMD")
        for one in read(tmp_path / f"{name}.csv").findings
        if "rises without a dividend on 2 days" in one.what
    ]
    assert missed == ["AMD"]


@pytest.mark.parametrize("tickers", [("NVDA",), ("NVDA", "0700.HK")])
def test_what_yfinance_s_download_writes(
    tmp_path: Path, frame: pd.DataFrame, tickers: tuple[str, ...]
) -> None:
    """Fields above tickers, the name of the index below both, as its to_csv does."""
    both = pd.concat({name: frame * n for n, name in enumerate(tickers, 1)}, axis=1)
    both = both.swaplevel(axis=1).rename_axis(columns=["Price", "Ticker"])
    both = both.rename(columns=lambda name: name.replace("_", " ").title(), level=0)
    both.rename_axis(index="Date").to_csv(tmp_path / "download.csv")
    file = read(tmp_path / "download.csv")
    assert "yfinance's own columns" in told(file)
    for n, name in enumerate(tickers, 1):
        assert_holds(file, name, frame * n)
    text = (tmp_path / "download.csv").read_text("utf-8")
    assert text.startswith("Price,Open")
    broken = save(tmp_path / "broken.csv", text.replace("Price,Open", "Price,High", 1))
    (error,) = understand(broken, universe=UNIVERSE).findings
    assert "do not name every field of every ticker once" in error.what


def test_stooq_in_bulk(tmp_path: Path, frame: pd.DataFrame) -> None:
    parts = [
        pd.DataFrame(
            {
                "<TICKER>": name,
                "<PER>": "D",
                "<DATE>": frame.index.strftime("%Y%m%d"),
                "<TIME>": "000000",
                **{f"<{field.upper()}>": frame[field] for field in FIELDS[:4]},
                "<VOL>": frame["volume"],
                "<OPENINT>": 0,
            }
        )
        for name in ("NVDA.US", "700.HK")
    ]
    pd.concat(parts).to_csv(tmp_path / "world.txt", index=False)
    file = read(tmp_path / "world.txt")
    both = frame[FIELDS].assign(adj_close=frame["close"])
    assert_holds(file, "NVDA", both)
    assert_holds(file, "0700.HK", both)
    assert "closes are adjusted for splits and dividends already" in told(file)
    assert "columns not stored: <PER>, <TIME>, <OPENINT>" in told(file)
    units = file.rows.groupby("line")["unit"].unique().map(set).to_dict()
    assert units == {"NVDA": {"USD", "shares"}, "0700.HK": {"HKD", "shares"}}


def test_stooq_s_own_page(tmp_path: Path, frame: pd.DataFrame) -> None:
    plain = frame[FIELDS].rename(columns=str.title).rename_axis("Date")
    plain.to_csv(tmp_path / "nvda_us_d.csv")
    file = read(tmp_path / "nvda_us_d.csv")
    assert_holds(file, "NVDA", frame[FIELDS].assign(adj_close=frame["close"]))
    assert "each is stored as close and as adj_close" in told(file)
    assert not [one for one in file.findings if "dividends are missing" in one.what]
    plain.to_csv(tmp_path / "NVDA.csv")
    other = read(tmp_path / "NVDA.csv")
    assert_holds(other, "NVDA", frame[FIELDS])
    assert "if they are Stooq's" in told(other)
    assert [one for one in other.findings if "dividends are missing" in one.what]


def test_rates_of_stooq_are_no_adjusted_closes(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    rates = frame[FIELDS].rename(columns=str.title).rename_axis("Date")
    rates.to_csv(tmp_path / "usdhkd_d.csv")
    file = understand(tmp_path / "usdhkd_d.csv", universe=UNIVERSE)
    (stranger,) = file.findings
    assert '[symbols] "usdhkd_d" = "HKD=X"' in stranger.action
    assert "[lines" not in stranger.action
    known = read(tmp_path / "usdhkd_d.csv", symbols={"usdhkd_d": "HKD=X"})
    assert set(known.rows["line"]) == {"HKD=X"}
    assert "price.adj_close" not in set(known.rows["series"])


# Layouts


def test_many_symbols_in_a_column(tmp_path: Path, frame: pd.DataFrame) -> None:
    both = pd.concat([frame.assign(Ticker="NVDA"), (frame * 2).assign(Ticker="amd")])
    both.to_csv(tmp_path / "all.csv")
    file = read(tmp_path / "all.csv")
    assert_holds(file, "NVDA", frame)
    assert_holds(file, "AMD", frame * 2)
    assert "2 symbols" in told(file)


@pytest.mark.parametrize(
    ("name", "mapping", "field", "warned"),
    [
        ("prices.csv", {}, "close", True),
        ("adj_close.csv", {}, "adj_close", False),
        ("Adj Close.csv", {}, "adj_close", False),
        ("prices.csv", {"field": "adj_close"}, "adj_close", False),
    ],
)
def test_a_wide_table_says_its_field_or_is_read_as_closes(
    tmp_path: Path,
    frame: pd.DataFrame,
    name: str,
    mapping: dict[str, object],
    field: str,
    warned: bool,
) -> None:
    wide = pd.DataFrame({"NVDA": frame["close"], "700 HK": frame["adj_close"]})
    wide.iloc[3, 0] = np.nan
    wide.to_csv(tmp_path / name)
    file = read(tmp_path / name, **mapping)
    assert_holds(
        file, "NVDA", frame[["close"]].drop(frame.index[3]).set_axis([field], axis=1)
    )
    assert_holds(file, "0700.HK", frame[["adj_close"]].set_axis([field], axis=1))
    assert f"every number is {field}" in told(file)
    warnings = [one for one in file.findings if "which field" in one.what]
    assert bool(warnings) == warned


def test_the_newest_day_first(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.iloc[::-1].to_csv(tmp_path / "NVDA.csv")
    assert_holds(read(tmp_path / "NVDA.csv"), "NVDA", frame)


def test_symbols_of_a_column_in_any_case_are_one_line(tmp_path: Path) -> None:
    place = save(
        tmp_path / "all.csv",
        "date,symbol,close\n2025-01-24,nvda,142.62\n2025-01-27,NVDA,118.42\n",
    )
    file = read(place)
    assert set(file.rows["line"]) == {"NVDA"}
    assert file.rows["value"].tolist() == [142.62, 118.42]
    assert "long: a row per day and symbol, 1 symbol" in file.says


def test_a_symbol_that_nobody_knows_is_named_with_the_nearest(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    wide = pd.DataFrame({"NVDA": frame["close"], "BIDUU": frame["close"]})
    wide.to_csv(tmp_path / "close.csv")
    file = read(tmp_path / "close.csv")
    assert set(file.rows["line"]) == {"NVDA"}
    (stranger,) = [one for one in file.findings if "BIDUU" in one.what]
    assert stranger.severity == "warning"
    assert "did you mean 'BIDU'?" in stranger.action
    known = read(tmp_path / "close.csv", symbols={"biduu": "BIDU"})
    assert set(known.rows["line"]) == {"NVDA", "BIDU"}


def test_a_symbol_that_only_the_mapping_says_is_the_one_named(tmp_path: Path) -> None:
    place = save(tmp_path / "nvda2.csv", "date,close\n2025-01-27,118.42\n")
    file = read(place, symbols={"nvda2": "NVDX"})
    (stranger,) = file.findings
    assert stranger.what == (
        '[symbols] "nvda2" = "NVDX" in the mapping: \'NVDX\' is no line, benchmark or '
        "alias of universe ai-stack"
    )
    assert "did you mean 'NVDA'?" in stranger.action


def test_exchange_rates_beside_prices_in_one_wide_table(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    (tmp_path / "folder.toml").write_text(
        '[fx]\nfix = "14:15"\ntimezone = "Europe/Berlin"\n', encoding="utf-8"
    )
    wide = pd.DataFrame(
        {"0700.HK": frame["close"], "hkd=x": 7.8 + frame["close"] / 1e5}
    )
    wide.to_csv(tmp_path / "close.csv")
    file = read(tmp_path / "close.csv")
    rates = file.rows[file.rows["line"] == "HKD=X"]
    assert (rates["value"].to_numpy() == wide["hkd=x"].to_numpy()).all()
    assert set(rates["unit"]) == {"HKD"}
    assert str(rates["known_at"].iloc[0]) == "2024-01-02 13:15:00"
    assert not any("exchange rate" in one.what for one in file.findings)


# Kinds of files


def test_excel_parquet_and_text_hold_the_same(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    places = [
        tmp_path / f"{n}/NVDA{end}"
        for n, end in enumerate((".csv", ".tsv", ".xlsx", ".parquet"))
    ]
    for place in places:
        place.parent.mkdir()
    frame.to_csv(places[0])
    frame.to_csv(places[1], sep="\t")
    frame.to_excel(places[2])
    frame.to_parquet(places[3])
    files = [read(place) for place in places]
    for file in files:
        assert_holds(file, "NVDA", frame)
        pd.testing.assert_frame_equal(file.rows, files[0].rows, check_exact=True)
    assert "separated by tab" in told(files[1])
    assert "sheet 'Sheet1'" in told(files[2])


def test_an_index_without_a_name_holds_the_days(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    """So pandas writes a frame that nobody named."""
    bare = frame.rename_axis(None)
    bare.to_csv(tmp_path / "NVDA.csv")
    bare.set_axis(bare.index.strftime("%Y-%m-%d")).to_parquet(tmp_path / "AMD.parquet")
    assert_holds(read(tmp_path / "NVDA.csv"), "NVDA", frame)
    assert_holds(read(tmp_path / "AMD.parquet"), "AMD", frame)


def test_parquet_of_other_types(tmp_path: Path, frame: pd.DataFrame) -> None:
    other = pd.DataFrame(
        {
            "date": [day.date() for day in frame.index],
            "close": [Decimal(str(value)) for value in frame["close"]],
            "volume": frame["volume"].astype("int32").to_numpy(),
            "symbol": pd.Categorical(["NVDA"] * len(frame)),
        }
    )
    other.to_parquet(tmp_path / "prices.parquet")
    file = read(tmp_path / "prices.parquet")
    assert_holds(file, "NVDA", frame[["close", "volume"]])
    other.assign(close=True).to_parquet(tmp_path / "NVDA.parquet")
    truth = understand(tmp_path / "NVDA.parquet", universe=UNIVERSE)
    assert "row 1: close 'True' is not a number" in truth.findings[0].what


def test_the_first_of_several_sheets_unless_told(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    place = tmp_path / "house.xlsx"
    with pd.ExcelWriter(place) as book:
        pd.DataFrame({"NVDA": frame["close"]}).to_excel(book, sheet_name="Close")
        pd.DataFrame({"NVDA": frame["adj_close"]}).to_excel(
            book, sheet_name="Adj Close"
        )
    first = read(place)
    assert_holds(first, "NVDA", frame[["close"]])
    assert "sheet 'Close' (the first; not read: Adj Close)" in told(first)
    other = read(place, sheet="Adj Close")
    assert_holds(other, "NVDA", frame[["adj_close"]])
    assert "every number is adj_close (by the sheet's name)" in told(other)


def test_a_decimal_comma_is_detected_and_said(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    frame.to_csv(tmp_path / "NVDA.csv", sep=";", decimal=",", date_format="%d.%m.%Y")
    file = read(tmp_path / "NVDA.csv")
    assert_holds(file, "NVDA", frame)
    assert "a decimal comma" in told(file)
    assert "separated by semicolon" in told(file)
    assert "day.month.year" in told(file)


@pytest.mark.parametrize(
    ("cells", "values", "decimal"),
    [
        (["115,0000", "1.115,5"], [115.0, 1115.5], ""),
        (["115,0000", 1.234], [115.0, 1.234], ""),
        (["115,0000", 115], [115.0, 115.0], ""),
        ([1.234, 1e-05], [1.234, 1e-05], ","),
        (["1,234", 0.1], [1.234, 0.1], ","),
        (["1,234", 0.1], [1234.0, 0.1], "."),
        (["1,234.5", 0.1], [1234.5, 0.1], ""),
    ],
)
def test_texts_of_a_workbook_are_numbers_as_in_a_text_file(
    tmp_path: Path, cells: list[object], values: list[float], decimal: str
) -> None:
    """What the workbook keeps as a number is that number, whatever the texts say."""
    days = pd.DatetimeIndex(["2025-01-24", "2025-01-27"])
    pd.DataFrame({"date": days, "close": cells}).to_excel(
        tmp_path / "NVDA.xlsx", index=False
    )
    mapping = mapping_of({"decimal": decimal} if decimal else {}, where="m")
    file = understand(tmp_path / "NVDA.xlsx", universe=UNIVERSE, mapping=mapping)
    assert file.rows["value"].tolist() == values
    if cells[0] == "115,0000":
        assert "a decimal comma: '115,0000' allows no other reading" in told(file)


def test_decimals_of_parquet_are_not_read_by_the_mapping_s_sign(tmp_path: Path) -> None:
    days = pd.DatetimeIndex(["2025-01-24", "2025-01-27"])
    cells = [Decimal("1.234"), Decimal("12.5")]
    pd.DataFrame({"date": days, "close": cells}).to_parquet(tmp_path / "NVDA.parquet")
    mapping = mapping_of({"decimal": ","}, where="m")
    file = understand(tmp_path / "NVDA.parquet", universe=UNIVERSE, mapping=mapping)
    assert file.rows["value"].tolist() == [1.234, 12.5]


@pytest.mark.parametrize("first", [[], [["About"]], [["Prices", "A"]]])
def test_a_first_sheet_without_a_table_names_the_others(
    tmp_path: Path, frame: pd.DataFrame, first: list[list[str]]
) -> None:
    with pd.ExcelWriter(tmp_path / "house.xlsx") as book:
        pd.DataFrame(first).to_excel(
            book, sheet_name="Cover", index=False, header=False
        )
        pd.DataFrame({"NVDA": frame["close"]}).to_excel(book, sheet_name="Close")
    (found,) = understand(tmp_path / "house.xlsx", universe=UNIVERSE).findings
    assert 'say sheet = "Close"' in found.what + found.action
    assert "it has Cover, Close" in found.what + found.action


def test_thousands_may_be_grouped(tmp_path: Path) -> None:
    text = 'date,close,volume\n2025-01-27,"1,118.5","1,234,567"\n'
    file = read(save(tmp_path / "NVDA.csv", text))
    assert file.rows["value"].tolist() == [1118.5, 1234567.0]
    german = "date;close;volume\n2025-01-27;1.118,5;1.234.567\n"
    again = read(save(tmp_path / "AMD.csv", german))
    assert again.rows["value"].tolist() == [1118.5, 1234567.0]


@pytest.mark.parametrize(
    ("written", "order"),
    [
        ("25/01/2025", "day/month/year (row 2, '25/01/2025', allows no other order)"),
        ("01-25-2025", "month-day-year (row 2, '01-25-2025', allows no other order)"),
        ("25.01.2025", "day.month.year"),
        ("2025/1/25", "year/month/day"),
        ("25-Jan-2025", "day-month-year (27-Jan-2025)"),
        ("Jan 25, 2025", "Jan 27, 2025"),
        ("20250125", "year, month, day without signs"),
    ],
)
def test_days_are_read_by_the_order_that_they_allow(
    tmp_path: Path, written: str, order: str
) -> None:
    text = f"date;close\n{written};1.5\n"
    file = read(save(tmp_path / "NVDA.csv", text))
    assert str(file.rows["value_date"].iloc[0].date()) == "2025-01-25"
    assert f"days are {order}" in told(file)


@pytest.mark.parametrize(
    ("order", "day"), [("%d/%m/%Y", "2025-04-03"), ("%m/%d/%Y", "2025-03-04")]
)
def test_an_ambiguous_day_is_read_as_the_mapping_says(
    tmp_path: Path, order: str, day: str
) -> None:
    place = save(tmp_path / "NVDA.csv", "date,close\n03/04/2025,1.5\n")
    file = read(place, date_format=order)
    assert str(file.rows["value_date"].iloc[0].date()) == day


# Prices as a whole


def test_a_price_that_no_session_makes_stores_nothing(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    wrong = frame.copy()
    prices = ["open", "high", "low", "close", "adj_close"]
    wrong.loc[wrong.index[100] :, prices] *= 0.1
    wrong.to_csv(tmp_path / "NVDA.csv")
    file = understand(tmp_path / "NVDA.csv", universe=UNIVERSE)
    assert not file.usable
    assert "a split of 10:1" in file.findings[0].what
    assert read_files([tmp_path]).refused


def test_what_is_imported_is_what_a_folder_gives(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    frame.to_csv(tmp_path / "NVDA.csv")
    line = UNIVERSE.lines["NVDA"]
    given = FolderPrices(tmp_path).load(
        [line], frame.index[0].date(), frame.index[-1].date()
    )
    assert_holds(read(tmp_path / "NVDA.csv"), "NVDA", given.frames["NVDA"])
