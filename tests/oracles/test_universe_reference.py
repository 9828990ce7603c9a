"""The flagship universe against the hand-read reference of the documents."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.market.listing import Universe
from universes.loader import load

pytestmark = pytest.mark.shared
#: Kinds that the reference does not tell apart.
OUR_KINDS = {"group", "person"}
RECEIPTS = {"us_adr", "us_otc", "gdr"}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def universe() -> Universe:
    return load("ai-stack")


@pytest.fixture(scope="module")
def entities(shared: Path) -> dict[str, dict[str, str]]:
    rows = read(shared / "reference" / "entities.csv")
    return {row["id"]: row for row in rows if row["role"] == "thesis"}


@pytest.fixture(scope="module")
def lines(shared: Path, entities: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    rows = read(shared / "reference" / "lines.csv")
    return [row for row in rows if row["entity_id"] in entities]


def test_every_thesis_entity_is_there_and_no_other(
    universe: Universe, entities: dict[str, dict[str, str]]
) -> None:
    assert universe.entities.keys() == entities.keys()


def test_layers_legs_and_documents(
    universe: Universe, entities: dict[str, dict[str, str]]
) -> None:
    for entity_id, row in entities.items():
        entity = universe.entities[entity_id]
        secondary = tuple(filter(None, row["layer_secondary"].split(";")))
        assert entity.layer == row["layer"], entity_id
        # an entity of no layer has no exposure, and routers and hubs are no layer
        expected = secondary if entity.layer != "none" else ()
        assert entity.secondary == expected, entity_id
        assert entity.leg == row["barbell_leg"], entity_id
        assert ";".join(entity.documents) == row["supporting_docs"], entity_id
        assert entity.parent == row["parent"], entity_id
        assert entity.kind == row["kind"] or entity.kind in OUR_KINDS, entity_id
        assert entity.reason
        assert entity.reason != row["layer_reason"], entity_id  # our own words


def test_every_line_with_its_exchange_currency_and_ratio(
    universe: Universe, lines: list[dict[str, str]]
) -> None:
    assert universe.lines.keys() == {row["symbol"] for row in lines}
    for row in lines:
        line = universe.lines[row["symbol"]]
        assert (line.entity, line.mic, line.currency, line.kind) == (
            row["entity_id"],
            row["mic"],
            row["currency"],
            row["line_kind"],
        )
        assert line.primary == (row["is_primary"] == "true"), line.symbol
        blank = None if line.kind in RECEIPTS else 1.0
        ratio = float(row["shares_per_receipt"]) if row["shares_per_receipt"] else blank
        assert line.shares_per_receipt == ratio, line.symbol
        assert (line.listed.isoformat() if line.listed else "") == row[
            "first_trade_date"
        ]
        assert ("from memory" in line.note) == (row["symbol_verified"] == "memory")


def test_us_lines(universe: Universe, lines: list[dict[str, str]]) -> None:
    expected = {
        row["symbol"]
        for row in lines
        if row["line_kind"] in {"us_adr", "us_otc"} or row["mic"] in {"XNYS", "XNAS"}
    }
    assert {line.symbol for line in universe.lines.values() if line.us} == expected


def test_the_documents_ticker_is_understood(
    universe: Universe, entities: dict[str, dict[str, str]]
) -> None:
    for entity_id, row in entities.items():
        if row["ticker_in_document"]:
            line = universe.line(row["ticker_in_document"])
            assert line is not None, row["ticker_in_document"]
            assert line.entity == entity_id


def test_every_price_file_is_known(universe: Universe, shared: Path) -> None:
    files = {path.stem for path in (shared / "market" / "prices").glob("*.csv")}
    assets = {symbol for symbol in files if not symbol.endswith("=X")}
    unknown = {symbol for symbol in assets if universe.line(symbol) is None}
    assert unknown == {"MU"}  # a name of ai-placebo
    assert load("ai-placebo").line("MU") is not None
