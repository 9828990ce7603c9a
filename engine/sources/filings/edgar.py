"""Capital expenditure from the SEC's company-concept service, dated by first filing."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pandas as pd

from engine.errors import DataError, at_most
from engine.interfaces import SignalData
from engine.market.listing import Universe
from engine.market.market import Finding, Origin
from engine.market.signals import COLUMNS, Signals
from engine.sources.files.signals import stranger_findings
from engine.sources.files.table import combined_digest
from engine.sources.filings.capex_checks import capex_findings
from engine.sources.filings.client import EdgarClient, stated_contact
from engine.sources.filings.facts import (
    Fact,
    Quarter,
    disagreements,
    join,
    read_facts,
    restatements,
)

SERIES = "capex_quarterly"
#: Entity -> central index key.
COMPANIES: Mapping[str, int] = MappingProxyType(
    {
        "microsoft": 789019,
        "alphabet": 1652044,
        "amazon": 1018724,
        "meta": 1326801,
        "oracle": 1341439,
    }
)
#: What companies tag cash paid for capital expenditure with.
CONCEPTS = (
    "PaymentsToAcquirePropertyPlantAndEquipment",
    "PaymentsToAcquireProductiveAssets",
)
#: A filing of a day was accepted by then, New York time; later ones get the next day.
ACCEPTED_BY = dt.time(17, 30)
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgarSignals:
    """Quarterly capital expenditure of US companies, as their filings became public.

    `contact` is a name and an e-mail address; None reads the setting
    ``ASSAY_SEC_CONTACT``. `client` replaces the client made from it.
    """

    contact: str | None = None
    client: EdgarClient | None = None

    def load(self, universe: Universe) -> SignalData:
        """Return every quarter of every company, one row per vintage.

        Raises
        ------
        UsageError
            Nobody said who is asking.
        DataError
            The SEC does not answer, an answer is not of its format, or a company has
            none of the concepts.
        """
        client = self.client or EdgarClient(contact=stated_contact(self.contact))
        parts: list[pd.DataFrame] = []
        found: list[Finding] = []
        used: list[tuple[str, str]] = []
        for entity, key in COMPANIES.items():
            documents = fetch_concepts(client, key)
            used += [
                (f"{key}/{concept}", hashlib.sha256(body).hexdigest())
                for concept, body in documents.items()
            ]
            rows, findings = capex_rows(entity, documents)
            parts.append(rows)
            found += findings
        rows = pd.concat(parts, ignore_index=True)
        rows = rows.sort_values("known_at", kind="stable", ignore_index=True)
        return SignalData(
            signals=Signals(observations=rows, roles={"capex": SERIES}),
            origin=Origin(
                name="edgar",
                simulated=False,
                digest=combined_digest(used),
                detail=f"{client.base}: {len(COMPANIES)} companies, {len(rows)} rows",
            ),
            findings=(
                *found,
                *capex_findings(rows),
                *stranger_findings(rows, universe),
            ),
        )


def fetch_concepts(client: EdgarClient, key: int) -> dict[str, bytes]:
    """Return concept -> document for those of `CONCEPTS` that a company has used.

    Raises `DataError` where it has used none.
    """
    documents = {}
    for concept in CONCEPTS:
        path = f"/api/xbrl/companyconcept/CIK{key:010d}/us-gaap/{concept}.json"
        body = client.fetch(path)
        if body is not None:
            documents[concept] = body
    if not documents:
        raise DataError(
            f"{client.base}: company {key} has none of {at_most(CONCEPTS)}; check its "
            "central index key"
        )
    return documents


def capex_rows(
    entity: str, documents: Mapping[str, bytes]
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Return an entity's observations from its concept documents, and what was found.

    Rows have the columns of `COLUMNS`, ordered by value date and `known_at`: the
    moment by which a filing of that day had been accepted, in UTC.
    """
    where = f"{SERIES}: {entity}"
    by_concept: dict[str, Sequence[Fact]] = {}
    found: list[Finding] = []
    for concept, body in documents.items():
        facts, left_out = read_facts(json.loads(body), where=f"{where}: {concept}")
        by_concept[concept] = facts
        found += [*left_out, *disagreements(facts, where)]
    joined, switches = join(by_concept, where)
    found += [*switches, *restatements(joined, where)]
    if not joined:
        raise DataError(f"{where}: no quarter follows from what was filed")
    rows = [
        _row(entity, vintage) for vintages in joined.values() for vintage in vintages
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {
            "value_date": "datetime64[ns]",
            "known_at": "datetime64[ns]",
            "value": "float64",
        }
    )
    return frame, tuple(found)


def known_at(filed: dt.date) -> pd.Timestamp:
    """Return the moment (UTC, tz-naive) by which a filing of that day was public."""
    local = pd.Timestamp(dt.datetime.combine(filed, ACCEPTED_BY), tz=NEW_YORK)
    return local.tz_convert("UTC").tz_localize(None)


def _row(entity: str, quarter: Quarter) -> dict[str, object]:
    """Return one vintage as an observation."""
    return {
        "series": SERIES,
        "entity": entity,
        "value_date": pd.Timestamp(quarter.end),
        "known_at": known_at(quarter.filed),
        "value": quarter.value,
        "unit": "USD",
        "quality": "observed",
        "source": f"SEC {quarter.form}",
    }
