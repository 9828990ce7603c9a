"""The rules that an account really met: market rules, and what its thesis set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.costs.rules import ITEMS, Item, market_rules
from engine.market.listing import Line
from engine.thesis.model import Execution

APPLIED_COLUMNS = (
    "rule",
    "markets",
    "symbols",
    "value",
    "unit",
    "effective_from",
    "effective_to",
    "given_by",
    "status",
    "source",
    "note",
)
TABLE, THESIS, DEFAULT = "table", "thesis", "default"
_UNITS = {
    "board lot": "shares",
    "price limit": "of the close before",
    "short sales": "1 allowed, 0 not",
    "withholding": "of the dividend",
}
_ASSUMED = "assumption"
_NO_ROW = "no row in the table of market rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One rule as it was applied to one line, or to all of them."""

    rule: str  # one of `ITEMS` where it is a line's
    value: float
    unit: str
    given_by: str
    status: str
    source: str
    note: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    named: bool = False  # the line is named, not its whole exchange


def applied_rules(
    execution: Execution,
    lines: Sequence[Line],
    start: dt.date,
    end: dt.date,
    *,
    raw: Collection[str],
    base: str,
) -> pd.DataFrame:
    """Return every rule but fees that an account on these lines traded under.

    Parameters
    ----------
    execution : Execution
        What the thesis set; its `lots` and `withholding` go before the table.
    lines : sequence of Line
        Those that were traded.
    start, end : date
        The first and last home session of the account.
    raw : collection of str
        Symbols at raw prices: only they have lots, price limits and dividends in cash.
    base : str
        The account's currency.

    Returns
    -------
    DataFrame
        `APPLIED_COLUMNS`, one row per rule: rows of the table of market rules that
        decided at least one day, the thesis's own in their place (``given_by``), and
        the rates that trades paid beside fees. `markets` and `symbols` are separated by
        blanks and empty for all; dates are ISO text, empty where open. A rule that
        could not apply (a lot at adjusted prices) has no row.
    """
    days = np.arange(np.datetime64(start), np.datetime64(end) + 1)
    met: dict[_Rule, list[Line]] = {}
    for line in lines:
        for rule in _of_line(execution, line, days, raw=line.symbol in raw):
            met.setdefault(rule, []).append(line)
    foreign = sorted({line.currency for line in lines} - {base})
    rows = [_row(rule, []) for rule in _of_account(execution, foreign)] if lines else []
    ordered = sorted(met.items(), key=lambda one: ITEMS.index(one[0].rule))
    rows += [_row(rule, found) for rule, found in ordered]
    return pd.DataFrame(rows, columns=list(APPLIED_COLUMNS))


def _of_line(
    execution: Execution, line: Line, days: np.ndarray, *, raw: bool
) -> Iterator[_Rule]:
    """Yield what decided how one line trades."""
    if raw:
        yield from _lot(execution, line, days[:1])
        yield from _from_table("price limit", line, days)
        yield from _withheld(execution, line, days)
    if execution.short_margin is not None:
        yield from _from_table("short sales", line, days)


def _lot(execution: Execution, line: Line, first: np.ndarray) -> Iterator[_Rule]:
    if execution.fractional:
        yield _own(execution, "fractional", "board lot", 0.0, "fractions trade too")
    elif line.symbol in execution.lots:
        lot = float(execution.lots[line.symbol])
        yield _own(execution, "lots", "board lot", lot, named=True)
    else:
        yield from _from_table("board lot", line, first, usual=1.0)


def _withheld(execution: Execution, line: Line, days: np.ndarray) -> Iterator[_Rule]:
    own = execution.withholding.get(line.mic)
    if own is None:
        yield from _from_table("withholding", line, days, usual=0.0)
    else:
        yield _own(execution, "withholding", "withholding", own)


def _of_account(execution: Execution, foreign: Sequence[str]) -> Iterator[_Rule]:
    """Yield what every trade meets, as far as the thesis asks for it."""
    told = (
        ("slippage", "slippage_bps", "bp of the value"),
        ("half spread", "half_spread_bps", "bp of the value"),
        ("currency spread", "fx_spread_bps", "bp of what is converted"),
        ("impact", "impact", "x daily volatility x root of (trade / daily turnover)"),
        ("largest trade", "max_participation", "of mean daily turnover"),
        ("short margin", "short_margin", "of NAV per unit of short value"),
    )
    for rule, name, unit in told:
        value = getattr(execution, name)
        if value is None or (value == 0.0 and name != "slippage_bps"):
            continue
        if name == "fx_spread_bps" and not foreign:
            continue
        yield _own(execution, name, rule, float(value), unit=unit)
    if execution.short_margin is not None:
        yield _own(execution, "borrow_rate", "borrow", execution.borrow_rate, unit=_FEE)
        for currency, rate in execution.borrow_rates.items():
            rule = f"borrow, {currency}"
            yield _own(execution, "borrow_rates", rule, rate, unit=_FEE)


_FEE = "of the value borrowed, a year"


def _from_table(
    item: Item, line: Line, days: np.ndarray, *, usual: float | None = None
) -> Iterator[_Rule]:
    """Yield the rows of the table that decide on a day, else the usual value."""
    found = market_rules().deciding(item, line, days)
    for row in found:
        yield _Rule(
            rule=item,
            value=row.value,
            unit=_UNITS[item],
            given_by=TABLE,
            status=row.status,
            source=row.source,
            note=row.note,
            since=row.effective_from,
            until=row.effective_to,
            named=bool(row.symbols),
        )
    if usual is not None and not found:
        yield _Rule(
            rule=item,
            value=usual,
            unit=_UNITS[item],
            given_by=DEFAULT,
            status=_ASSUMED,
            source=_NO_ROW,
            named=item == "board lot",
        )


def _own(
    execution: Execution,
    key: str,
    rule: str,
    value: float,
    note: str = "",
    *,
    unit: str = "",
    named: bool = False,
) -> _Rule:
    """Return a rule of the thesis file, or the default that it left."""
    written = key in execution.model_fields_set
    return _Rule(
        rule=rule,
        value=value,
        unit=unit or _UNITS[rule],
        given_by=THESIS if written else DEFAULT,
        status=_ASSUMED,
        source=f"execution.{key}",
        note=note,
        named=named,
    )


def _row(rule: _Rule, lines: Sequence[Line]) -> tuple[object, ...]:
    """Return one row of the table, over the lines that met the rule."""
    return (
        rule.rule,
        " ".join(sorted({line.mic for line in lines})),
        " ".join(line.symbol for line in lines) if rule.named else "",
        rule.value,
        rule.unit,
        "" if rule.since is None else rule.since.isoformat(),
        "" if rule.until is None else rule.until.isoformat(),
        rule.given_by,
        rule.status,
        rule.source,
        rule.note,
    )
