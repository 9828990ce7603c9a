"""A desk to make mistakes at: a small thesis and a small folder of price files.

The prices are drawn from the sample world and written as a researcher's own files, so
the engine takes them for real ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd

import engine
from engine.sources.sample.prices import SamplePrices

#: Two legs of two companies, a lab, two benchmarks; three exchanges, two currencies.
SYMBOLS = ("NVDA", "000660.KS", "BABA", "0700.HK", "GOOGL", "SPY", "SMH")
RATES = ("HKD", "KRW")
FIRST, LAST = dt.date(2022, 1, 1), dt.date(2024, 3, 29)

THESIS = """\
[thesis]
id       = "desk"
title    = "Hold both ends"
declared = 2023-11-01
start    = 2023-07-03
end      = 2024-03-28

[universe]
exclude = ["icbc"]

[[factors]]
name   = "price_momentum"
weight = 1.0

[barbell]
infrastructure = { layers = ["compute", "memory"], weight = [0.4, 0.6] }
distribution   = { layers = ["cloud", "application"], weight = [0.4, 0.6] }

[portfolio]
max_weight = 0.4

[execution]
fees = "exchange"
"""

EVENT = """
[[events]]
id = "{id}"
title = "{id}"
at = {at}
expected.reaction = {{ compute = "-" }}
windows = [[0, 0], [0, 1]]
{more}
"""

CLAIM = """
[[claims]]
id = "{id}"
says = "{id}"
test = "{test}"
{more}
"""

Change = Callable[[Path], object]


def changed(*pairs: tuple[str, str]) -> str:
    """Return the thesis with texts replaced; each must be there."""
    text = THESIS
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def with_event(
    identifier: str = "news", at: str = "2024-01-16", more: str = "", claims: str = ""
) -> str:
    """Return the thesis with an event and claims."""
    return THESIS + EVENT.format(id=identifier, at=at, more=more) + claims


def claim(test: str, more: str, identifier: str = "said") -> str:
    """Return one claim as TOML."""
    return CLAIM.format(id=identifier, test=test, more=more)


def write_desk(
    folder: Path, text: str = THESIS, symbols: tuple[str, ...] = SYMBOLS
) -> Path:
    """Write ``t.toml`` and ``prices/`` into a folder, and return it."""
    (folder / "t.toml").write_text(text, encoding="utf-8")
    prices = folder / "prices"
    prices.mkdir(parents=True)
    for name, content in _files(symbols).items():
        (prices / name).write_text(content, encoding="utf-8")
    return folder


@cache
def _files(symbols: tuple[str, ...]) -> dict[str, str]:
    """Return the price files by name."""
    universe = engine.load_universe("ai-stack")
    lines = [line for line in map(universe.line, symbols) if line is not None]
    layers = {symbol: universe.layer_of(symbol) for symbol in universe.lines}
    drawn = SamplePrices(layers=layers).load(lines, FIRST, LAST)
    files = {
        "folder.toml": '[fx]\npairs = ["HKD=X", "KRW=X"]\nfix = "14:15"\n'
        'timezone = "Europe/Berlin"\n'
    }
    for symbol, frame in drawn.frames.items():
        files[f"{symbol}.csv"] = _csv(frame.round(6))
    for currency in RATES:
        fixings = drawn.fixings[currency]
        days = pd.DatetimeIndex(fixings.fixed_utc).normalize()
        files[f"{currency}=X.csv"] = _csv(
            pd.DataFrame({"close": fixings.per_usd}, index=days)
        )
    return files


def _csv(frame: pd.DataFrame) -> str:
    days = pd.DatetimeIndex(frame.index).strftime("%Y-%m-%d")
    dated = frame.set_axis(days).rename_axis("date")
    return str(dated.to_csv(lineterminator="\n"))


# ---- what can happen to a file -------------------------------------------------------


def cell(name: str, row: int, value: str, column: str = "close") -> Change:
    """Return a change that writes `value` into one cell of a price file."""

    def change(prices: Path) -> None:
        rows = _rows(prices / name)
        place = rows[0].index(column)
        rows[row][place] = value
        _write(prices / name, rows)

    return change


def repeat(name: str, row: int) -> Change:
    """Return a change that writes one row of a price file twice."""

    def change(prices: Path) -> None:
        rows = _rows(prices / name)
        _write(prices / name, [*rows[: row + 1], rows[row], *rows[row + 1 :]])

    return change


def text(name: str, content: str, encoding: str = "utf-8") -> Change:
    """Return a change that replaces a file."""
    return lambda prices: (prices / name).write_text(content, encoding=encoding)


def only(*symbols: str) -> Change:
    """Return a change that removes all other price files."""

    def change(prices: Path) -> None:
        for file in prices.glob("*.csv"):
            if file.stem not in symbols and not file.stem.endswith("=X"):
                file.unlink()

    return change


def without(*symbols: str) -> Change:
    """Return a change that removes price files."""

    def change(prices: Path) -> None:
        for symbol in symbols:
            (prices / f"{symbol}.csv").unlink()

    return change


def between(first: str, last: str, *symbols: str) -> Change:
    """Return a change that keeps only the rows of these days, in all files or some."""

    def change(prices: Path) -> None:
        for file in prices.glob("*.csv"):
            if symbols and file.stem not in symbols:
                continue
            head, *rows = _rows(file)
            _write(file, [head, *(row for row in rows if first <= row[0] <= last)])

    return change


def without_column(column: str) -> Change:
    """Return a change that removes a column from every price file."""

    def change(prices: Path) -> None:
        for file in prices.glob("*.csv"):
            rows = _rows(file)
            if column in rows[0]:
                place = rows[0].index(column)
                _write(file, [row[:place] + row[place + 1 :] for row in rows])

    return change


def _rows(file: Path) -> list[list[str]]:
    return [line.split(",") for line in file.read_text().splitlines()]


def _write(file: Path, rows: list[list[str]]) -> None:
    file.write_text("".join(",".join(row) + "\n" for row in rows))
