"""A small TOML file that says how files are meant, where they cannot say it."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import field as with_default
from pathlib import Path

from engine.errors import DataError, UsageError, nearest
from engine.market.calendar import known_mics
from engine.market.listing import Line
from engine.market.signals import QUALITIES
from engine.sources.files.prices import PRICES
from engine.sources.files.table import read_bytes, read_text

LAYOUTS = ("long", "wide")
FIELDS = (*PRICES, "volume")
DECIMALS = (".", ",")
#: Words that a separator may be written as.
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
#: What a publication lag is counted in, in hours.
HOURS = {"h": 1, "d": 24, "w": 168}
LAG = re.compile(r"(\d{1,5})\s*([hdw])")
#: Columns that a mapping may name by the file's own header.
MAPPED = (
    "date",
    "symbol",
    *FIELDS,
    "dividend",
    "split",
    "series",
    "entity",
    "value_date",
    "known_at",
    "value",
    "unit",
    "quality",
    "source",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """What a user says of files; every key is optional.

    `columns` maps one of `MAPPED` to the file's header, `symbols` and `entities` the
    file's names to the universe's, and `lines` has lines that the universe lacks.
    """

    layout: str = ""
    field: str = ""
    symbol: str = ""
    date_format: str = ""
    decimal: str = ""
    separator: str = ""
    sheet: str = ""
    header: int = 0
    lag: dt.timedelta | None = None
    series: str = ""
    entity: str = ""
    unit: str = ""
    quality: str = ""
    zero: str = ""
    source: str = ""
    columns: Mapping[str, str] = with_default(default_factory=dict)
    symbols: Mapping[str, str] = with_default(default_factory=dict)
    entities: Mapping[str, str] = with_default(default_factory=dict)
    lines: Mapping[str, Line] = with_default(default_factory=dict)


#: Key -> the words it allows.
CHOICES = {
    "layout": LAYOUTS,
    "field": FIELDS,
    "decimal": DECIMALS,
    "quality": QUALITIES,
    "zero": QUALITIES,
    "separator": (*SEPARATORS, *SEPARATORS.values()),
}
KEYS = tuple(one.name for one in fields(FileMapping))
TABLES = ("columns", "symbols", "entities", "lines")
LINE_KEYS = ("mic", "currency")


def read_mapping(place: Path) -> FileMapping:
    """Return the mapping that a TOML file writes.

    Raises
    ------
    DataError
        The file cannot be read or is no TOML; a key is unknown (the nearest is
        named), or its value is of another type or none of the words it allows.
    """
    text = read_text(place, read_bytes(place))
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{place.name}: not valid TOML: {error}") from error
    return mapping_of(told, where=place.name)


def mapping_of(told: Mapping[str, object], *, where: str) -> FileMapping:
    """Return a mapping from what a TOML file holds, checked; raises `DataError`."""
    values: dict[str, object] = {}
    for key, value in told.items():
        if key not in KEYS:
            hint = nearest(key, KEYS) or f"known are {', '.join(KEYS)}"
            raise DataError(f"{where}: unknown key {key!r}; {hint}")
        values[key] = _value(key, value, where)
    return FileMapping(**values)  # type: ignore[arg-type]


def read_lag(text: str, *, where: str) -> dt.timedelta:
    """Return a publication lag such as ``45d``; raises `UsageError` for another form.

    ``h`` counts hours, ``d`` days, ``w`` weeks.
    """
    told = LAG.fullmatch(text.strip().lower())
    if told is None:
        raise UsageError(
            f"{where}: {text!r} is no publication lag; write a whole number of hours, "
            "days or weeks, as in '12h', '45d' or '2w'"
        )
    return dt.timedelta(hours=int(told[1]) * HOURS[told[2]])


def _value(key: str, value: object, where: str) -> object:
    """Return one key's value in its own type."""
    if key == "lines":
        return _lines(value, where)
    if key in TABLES:
        return _words_of(key, value, where)
    if key == "header":
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise DataError(f"{where}: header = {value!r} is no row, counted from 1")
        return value
    if not isinstance(value, str) or not value:
        raise DataError(f'{where}: {key} = {value!r} is no text; write {key} = "..."')
    if key == "lag":
        try:
            return read_lag(value, where=f"{where}: lag")
        except UsageError as error:
            raise DataError(str(error)) from error
    if key in CHOICES and value not in CHOICES[key]:
        words = ", ".join(repr(word) for word in CHOICES[key])
        hint = nearest(value, CHOICES[key])
        raise DataError(
            f"{where}: {key} = {value!r} is none of {words}. {hint}".rstrip()
        )
    return SEPARATORS.get(value, value) if key == "separator" else value


def _words_of(key: str, value: object, where: str) -> dict[str, str]:
    """Return a table of texts; those of ``[columns]`` are columns that are known."""
    if not isinstance(value, dict) or not all(
        isinstance(one, str) and one for one in value.values()
    ):
        raise DataError(
            f"{where}: [{key}] is a table of texts, as in "
            + ('date = "Datum"' if key == "columns" else '"their name" = "ours"')
        )
    for name in value if key == "columns" else ():
        if name not in MAPPED:
            hint = nearest(name, MAPPED)
            raise DataError(
                f"{where}: [columns] knows no {name!r}; "
                f"{hint or 'known are ' + ', '.join(MAPPED)}"
            )
    return {str(name): one for name, one in value.items()}


def _lines(value: object, where: str) -> dict[str, Line]:
    """Return the lines of ``[lines.SYMBOL]``, each with its exchange and currency."""
    if not isinstance(value, dict):
        raise DataError(f"{where}: lines is a table of tables: [lines.SYMBOL]")
    found = {}
    for symbol, told in value.items():
        here = f"{where}: [lines.{symbol}]"
        if not isinstance(told, dict):
            raise DataError(f"{here}: is a table with mic and currency")
        for key in told:
            if key not in LINE_KEYS:
                hint = nearest(key, LINE_KEYS) or "known are mic, currency"
                raise DataError(f"{here}: unknown key {key!r}; {hint}")
        mic, currency = told.get("mic"), told.get("currency")
        if mic not in known_mics():
            raise DataError(
                f"{here}: mic = {mic!r} is none of {', '.join(known_mics())}"
            )
        if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
            raise DataError(
                f"{here}: currency = {currency!r} is no currency as in 'USD'"
            )
        found[symbol] = Line(symbol=symbol, entity=symbol, mic=mic, currency=currency)
    return found
