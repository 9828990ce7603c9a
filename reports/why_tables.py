"""The printed chain behind the largest positions, from last close to profit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from engine.explain_balance import EXPECTED, LEFT, RISK
from engine.explanation import Explanation, values_of
from reports import numbers, words
from reports.document import Cell, Column, Table, heading_row, number, plain
from reports.numbers import Format
from reports.tables import records
from reports.why_known import moment, spaced

Rows = Iterator[tuple[Cell, ...]]
#: A limit of the thesis file -> how a committee calls it.
_NAMED = {
    "portfolio.cash": "Account: cash",
    "portfolio.max_weight": "Itself: largest weight",
    "portfolio.net": "Account: net weight",
}
_GROUPED = {
    "barbell": "Leg",
    "layers": "Layer",
    "currencies": "Currency",
    "countries": "Country",
}


def chain(told: Sequence[Explanation]) -> Table:
    """Return the chain of each position, one position a column, read downwards."""
    rows: list[tuple[Cell, ...]] = []
    groups, shaded = set(), set()
    period = told[0].expectation["unit"].iloc[-1].removeprefix("per ")
    base = told[0].base
    for title, part in (
        ("What was known of it", _price_rows),
        (
            "Its score: factor × weight, reading → what it says, part of the score",
            _score_rows,
        ),
        (f"From score to weight, over {period}; limits: shadow price", _weight_rows),
        (f"What was done and what came of it, {base}", _done_rows),
    ):
        groups.add(len(rows))
        rows.append(heading_row(title, len(told) + 1))
        rows += part(told)
        if part is not _price_rows:
            shaded.add(len(rows) - 1)
    one = told[0]
    return Table(
        id="why-chain",
        caption=f"From what was known on {numbers.day(one.decided)} to profit on "
        f"{numbers.day(one.until)}: the {len(told)} largest positions.",
        columns=(
            Column(label="", align="left", wide=True),
            *[Column(label=f"{each.name}\n{each.asset}") for each in told],
        ),
        rows=tuple(rows),
        groups=frozenset(groups),
        shaded=frozenset(shaded),
        compact=True,
        note=_note(told),
    )


def _note(told: Sequence[Explanation]) -> str:
    balance = (
        "Expected return, charge for risk (risk aversion × covariance with all that is "
        "held) and shadow prices add up to what is left: no more than a trade costs. "
    )
    balanced = balance if any(len(one.balance) for one in told) else ""
    silent = [
        spaced(str(row["factor"]))
        for row in records(told[0].contributions)
        if all(_says_nothing(one, row["factor"]) for one in told)
    ]
    left_out = f"Silent on all of them: {words.joined(silent)}. " if silent else ""
    return (
        "Part of the score: weight × what the factor says / weight of all that spoke. "
        f"{left_out}{balanced}Profit = value at the end − value before − bought + sold "
        "+ dividends + rate on money received − costs, whether this decision or an "
        f"earlier one bought it. Everything: assay explain RUN {told[0].asset} "
        f"{numbers.day(told[0].decided)}."
    )


def _says_nothing(one: Explanation, factor: str) -> bool:
    table = one.contributions
    return bool(table.loc[table["factor"] == factor, "part"].isna().all())


def _price_rows(told: Sequence[Explanation]) -> Rows:
    for item in ("last close", "exchange rate"):
        found = [
            next((row for row in records(one.prices) if row["item"] == item), None)
            for one in told
        ]
        there = [row for row in found if row]
        if not there:
            continue
        sources = words.joined(list(dict.fromkeys(str(row["source"]) for row in there)))
        bases = list(dict.fromkeys(row["basis"] for row in there))
        one_basis = f"{bases[0]}; " if len(bases) == 1 and bases[0] else ""
        yield (
            plain(words.label(item), sub=f"{one_basis}UTC; source: {sources}"),
            *[_priced(row, len(bases) > 1) for row in found],
        )


def _priced(row: dict[str, Any] | None, with_basis: bool) -> Cell:
    if row is None or math.isnan(row["value"]):
        return plain(numbers.MISSING)
    text = f"{numbers.figures(row['value'])} {row['unit'].split(' ')[0]}"
    when = moment(row["known_at"])
    return plain(text, sub=f"{when}; {row['basis']}" if with_basis else when)


def _score_rows(told: Sequence[Explanation]) -> Rows:
    parts = [records(one.contributions) for one in told]
    scores = [values_of(one.expectation) for one in told]
    sizes = [
        abs(row["part"]) for rows in parts for row in rows if row["part"] == row["part"]
    ]
    size = max([*sizes, *[abs(one["score"]) for one in scores]], default=0.0)
    for rows in zip(*parts, strict=True):
        factor, weight = str(rows[0]["factor"]), rows[0]["weight"]
        if all(math.isnan(row["part"]) for row in rows):
            continue
        yield (
            plain(f"{spaced(factor)} × {numbers.decimal(weight)}"),
            *[_part(row, size) for row in rows],
        )
    yield (
        plain("Score (weight that spoke)", "strong"),
        *[_score(one, size) for one in scores],
    )


def _part(row: dict[str, Any], size: float) -> Cell:
    if math.isnan(row["contribution"]):
        return plain(numbers.MISSING, "muted")
    said = f"→ {_signed(row['contribution'])}"
    if math.isnan(row["exposure"]):
        said = f"{numbers.figures(row['reading'])} {said}"
    return _barred(row["part"], _thousandths, size, sub=said)


def _score(one: dict[str, float], size: float) -> Cell:
    covered = numbers.percent(one["coverage"], 0)
    if one["withheld"]:
        return plain("withheld", "muted", sub=covered)
    return _barred(one["score"], _thousandths, size, sub=covered)


def _weight_rows(told: Sequence[Explanation]) -> Rows:
    pulls = [_pulls(one) for one in told]
    size = max((abs(x) for one in pulls for x in one.values() if x == x), default=0.0)
    numbered = [values_of(one.expectation) for one in told]
    for item in _ordered(pulls):
        subs = [""] * len(told)
        if item == EXPECTED:
            subs = [_hundredths(one["volatility"]) for one in numbered]
        yield (
            pull_label(item, numbered[0]["information coefficient"]),
            *[
                _barred(one.get(item, math.nan), _thousandth_percent, size, sub=sub)
                for one, sub in zip(pulls, subs, strict=True)
            ],
        )
    weights = [values_of(one.weights) for one in told]
    yield (
        plain("Weight: held → target", "strong"),
        *[
            plain(
                f"{_hundredths(one['weight held'])} → "
                f"{_hundredths(one['target weight'])}",
                "strong",
            )
            for one in weights
        ],
    )


def _pulls(one: Explanation) -> dict[str, float]:
    """Return what pulls at a weight; where nothing balances, alpha and shadow prices.

    The limit of a single asset is named without it.
    """
    if len(one.balance):
        found = values_of(one.balance)
    else:
        near = one.limits[one.limits["on"].ne("others")]
        found = {EXPECTED: values_of(one.expectation)["alpha"]}
        found |= dict(zip(near["limit"], near["price"], strict=True))
    return {name.removesuffix(f" ({one.asset})"): x for name, x in found.items()}


def _ordered(pulls: Iterable[dict[str, float]]) -> list[str]:
    """Return every item once, what is left last."""
    items = dict.fromkeys(item for one in pulls for item in one)
    return sorted(items, key=lambda item: (item == LEFT, item not in (EXPECTED, RISK)))


def pull_label(item: str, ic: float) -> Cell:
    """Return what pulls at a weight as a committee calls it."""
    if item == EXPECTED:
        return plain(f"Return: {ic:g} × volatility × score")
    if item == RISK:
        return plain("Charge for risk")
    if item == LEFT:
        return plain("Left for costs of trading")
    name, _, side = item.rpartition(" ")
    if side not in ("minimum", "maximum"):
        name, side = item, ""
    if name in _NAMED:
        return plain(f"{_NAMED[name]} {side}".strip())
    head, _, rest = name.removeprefix("portfolio.").partition(".")
    kind = _GROUPED.get(head, "Limit")
    of = rest.removesuffix(".weight") if head in _GROUPED else name
    return plain(f"{kind} {of}: {side}".rstrip(": "))


def _done_rows(told: Sequence[Explanation]) -> Rows:
    yield plain("Traded", sub="units at a price"), *[_traded(one) for one in told]
    yield plain("Cost (of the trade)"), *[_cost(one) for one in told]
    profits = [values_of(one.profit) for one in told]
    for item, label in (
        ("dividends and delisting", "Dividends and delisting"),
        ("rate on money received", "Rate on money received"),
        ("value at the decision", f"Value on {numbers.day(told[0].decided)}"),
        ("value at the end", f"Value on {numbers.day(told[0].until)}"),
    ):
        sign = -1.0 if item == "value at the decision" else 1.0
        if item.startswith("value") or any(round(one[item]) for one in profits):
            yield (
                plain(label),
                *[number(sign * one[item], numbers.count) for one in profits],
            )
    yield (
        plain("Profit, net of costs", "strong"),
        *[
            Cell(
                text=f"{numbers.decimal(made['profit'], 0, signed=True)} "
                f"({numbers.change(made['profit'] / one.nav, 2)})",
                tone="negative" if made["profit"] < 0 else "strong",
            )
            for one, made in zip(told, profits, strict=True)
        ],
    )


def _traded(one: Explanation) -> Cell:
    done = one.trades
    if done.empty:
        return plain("nothing", "muted", sub="order waits" if one.waiting else "")
    moved = _moved(done)
    days = [numbers.day(day) for day in dict.fromkeys(done["session"])]
    said = f"{'bought' if moved > 0 else 'sold'} {numbers.count(abs(moved))}"
    if len(done) > 1:
        return plain(f"{said}, {days[-1]}", sub=f"{len(done)} fills since {days[0]}")
    fill = records(done)[0]
    price = f"{numbers.figures(fill['price'])} {fill['currency']}"
    return plain(
        f"{said}, {days[0]}", sub=f"{numbers.figures(abs(fill['units']))} at {price}"
    )


def _moved(done: pd.DataFrame) -> float:
    """Return what was bought less what was sold, base currency."""
    return sum(
        float(row["value"]) * (1.0 if row["side"] == "buy" else -1.0)
        for row in records(done)
    )


def _cost(one: Explanation) -> Cell:
    paid, traded = float(one.costs["value"].sum()), float(one.trades["value"].sum())
    rate = f" ({numbers.basis_points(paid / traded)})" if traded else ""
    return plain(f"{numbers.count(paid)}{rate}")


def _barred(value: float, show: Format, size: float, *, sub: str = "") -> Cell:
    """Return a number with a bar of its size beside the largest."""
    shown = number(value, show)
    if math.isnan(value) or not size:
        return shown
    return Cell(text=shown.text, tone=shown.tone, sub=sub, bar=value / size)


def _signed(value: float) -> str:
    return numbers.decimal(value, 2, signed=True)


def _thousandths(value: float) -> str:
    return numbers.decimal(value, 3, signed=True)


def _hundredths(value: float) -> str:
    return numbers.percent(value, 2)


def _thousandth_percent(value: float) -> str:
    return numbers.change(value, 3)
