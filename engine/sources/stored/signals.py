"""Signals as the store holds them: imported files and fetched filings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most
from engine.interfaces import SignalData
from engine.market.listing import Universe
from engine.market.market import Finding, Origin
from engine.market.signals import COLUMNS, Signals
from engine.sources.files.signals import default_roles, stranger_findings
from engine.sources.store.rows import WITHDRAWN
from engine.sources.store.store import Store
from engine.sources.stored.price_rows import PREFIX
from engine.sources.stored.prices import vintage_of

#: Filings of one company are of several forms, and of one source.
FILED = "SEC "


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredSignals:
    """Every series of the store that is no price.

    `vintage` is a moment (UTC): only what had been stored by then counts.
    """

    store: Store
    vintage: np.datetime64 | None = None

    def load(self, universe: Universe) -> SignalData:
        """Return the observations with all their restatements, as they became known.

        Of two sayings for one moment the one stored last counts, whatever its source.

        Raises
        ------
        DataError
            The store holds no signal, or is damaged.
        """
        vintage = vintage_of(self.store, self.vintage)
        told = self.store.history(vintage=vintage.moment)
        told = told[~told["series"].str.startswith(PREFIX)]
        if told.empty:
            by = "" if self.vintage is None else f" stored by {vintage.moment} UTC"
            raise DataError(
                f"the store in {self.store.folder} holds no signal{by}; bring some by "
                "assay data import FILE or assay data fetch THESIS --signals edgar, or "
                "use --signals reference"
            )
        moment = ["series", "line", "value_date", "known_at"]
        told = told.sort_values([*moment, "ingested_at"], kind="stable")
        told = told.drop_duplicates(moment, keep="last")
        told = told[told["quality"] != WITHDRAWN].rename(columns={"line": "entity"})
        rows = told[list(COLUMNS)].sort_values(
            ["known_at", "series", "entity", "value_date"], ignore_index=True
        )
        series = set(rows["series"])
        return SignalData(
            signals=Signals(
                observations=rows,
                roles=default_roles(series),
            ),
            origin=Origin(
                name="store",
                simulated=False,
                digest=_digest(rows),
                detail=f"the store as of {vintage.moment} UTC: {len(series)} series, "
                f"{len(rows)} observations",
                vintage=vintage,
            ),
            findings=(*stranger_findings(rows, universe), *_mixed(rows)),
        )


def _mixed(rows: pd.DataFrame) -> Iterator[Finding]:
    """Yield the lines of a series that several sources speak of."""
    told = rows[["series", "entity", "source"]].drop_duplicates()
    for key, own in told.groupby(["series", "entity"], sort=True):
        series, entity = (str(part) for part in key)
        names = [str(name) for name in own["source"]]
        if len(names) > 1 and not all(name.startswith(FILED) for name in names):
            yield Finding(
                severity="info",
                where=f"store signals: {series}",
                what=f"{entity} has values from {len(names)} sources: {at_most(names)}",
                action="of one moment the value stored last counts; see assay data "
                "status",
            )


def signal_rows(observations: pd.DataFrame) -> pd.DataFrame:
    """Return observations in the long format as rows for the store."""
    return observations.rename(columns={"entity": "line"})[
        [{"entity": "line"}.get(name, name) for name in COLUMNS]
    ]


def _digest(rows: pd.DataFrame) -> str:
    """Return the SHA-256 of observations, exactly as they are."""
    text = rows.to_csv(
        index=False, float_format="%.17g", date_format="%Y%m%dT%H%M%S.%f"
    )
    return hashlib.sha256(text.encode()).hexdigest()
