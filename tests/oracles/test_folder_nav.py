"""NAV again from a run's CSV tables alone, with the standard library."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from pathlib import Path

import pytest

from engine.runs.archive import table_text
from engine.study_result import StudyResult
from reports.tables import tables
from tests.tolerances import IDENTITY

NAMES = (
    *("nav", "holdings", "prices", "cash", "rates", "coverage", "costs"),
    "session_costs",
)
Rows = list[dict[str, str]]


def rows(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text)))


def number(text: str) -> float:
    return float(text) if text else math.nan


def test_nav_follows_from_units_prices_rates_and_cash(study: StudyResult) -> None:
    found = tables(study)
    told = {
        name: rows(table_text(found[name], simulated=study.simulated)) for name in NAMES
    }
    check_nav(told)
    check_costs(told)


@pytest.mark.xdist_group("sample")
def test_the_folder_has_the_same_tables(sample_run: tuple[Path, StudyResult]) -> None:
    folder = sample_run[0] / "tables"
    told = {name: rows((folder / f"{name}.csv").read_text("utf-8")) for name in NAMES}
    check_nav(told)
    check_costs(told)


def check_nav(told: dict[str, Rows]) -> None:
    currency = {row["symbol"]: row["currency"] for row in told["coverage"]}
    held = [name for name in told["holdings"][0] if name in currency]
    money = [name for name in told["cash"][0] if name not in ("session", "stamp")]
    assert len(told["nav"]) > 700
    assert len(held) > 10
    assert len({currency[name] for name in held}) > 2  # or rates would prove nothing
    every = zip(
        *(told[name] for name in ("nav", "holdings", "prices", "cash", "rates")),
        strict=True,
    )
    for nav, units, price, cash, rate in every:
        days = {one["session"] for one in (nav, units, price, cash, rate)}
        assert len(days) == 1
        worth = sum(number(cash[one]) * number(rate[one]) for one in money)
        for name in held:
            if number(units[name]) != 0.0:
                own = number(units[name]) * number(price[name])
                worth += own * number(rate[currency[name]])
        expected = number(nav["barbell"])
        assert abs(worth - expected) <= IDENTITY * expected, nav["session"]


def check_costs(told: dict[str, Rows]) -> None:
    """A year's costs are those of its sessions."""
    paid: dict[tuple[str, str], float] = defaultdict(float)
    for row in told["session_costs"]:
        for kind, amount in row.items():
            if kind not in ("session", "stamp"):
                paid[row["session"][:4], kind] += number(amount)
    assert {(row["year"], row["kind"]) for row in told["costs"]} == set(paid)
    for row in told["costs"]:
        assert number(row["paid"]) == pytest.approx(
            paid[row["year"], row["kind"]], rel=1e-9, abs=1e-6
        )
