"""Weekly tokens of the most used models on OpenRouter, as shares by vendor and origin.

A share here is a share **of the top nine**, not of the router.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most
from engine.interfaces import SignalData
from engine.market.listing import Universe
from engine.market.market import Finding, Origin
from engine.market.signals import COLUMNS, Signals
from engine.sources.files.signals import default_roles, stranger_findings
from engine.sources.files.table import (
    Table,
    combined_digest,
    days_of,
    numbers_of,
    read_csv,
)
from engine.sources.openrouter.checks import LISTED, list_findings

VENDOR_SHARE = "token_share_openrouter_top9"
CHINA_SHARE = "cn_token_share_openrouter_top9"
TOKENS = "tokens_per_week_openrouter_top9"
HHI = "vendor_hhi_openrouter_top9"
CHINA, ROUTER, OTHER = "cn_oss_models", "openrouter", "other"
SOURCE = "openrouter rankings, top nine models"
#: The packaged table: which vendor and which origin a model had, and from when on.
MODELS = Path(__file__).with_name("openrouter_models.csv")
NEEDED = ("week_date", "rank", "model_slug", "total_tokens")
MODEL_COLUMNS = ("model", "since", "until", "vendor", "origin")
#: What a blank `since` and a blank `until` stand for.
ALWAYS = ("1900-01-01", "2099-12-31")
SUNDAY = 6
#: Days after its label at which a week is known: a Sunday ends its week; any other
#: day might begin it.
AFTER_SUNDAY, AFTER_OTHERS = 1, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRouterFile:
    """Observations from a CSV of weekly tokens per model.

    Columns ``week_date, rank, model_slug, total_tokens`` (others are ignored).
    `models` is a table in the form of `MODELS` and replaces it; `until` is the day the
    file should reach (None: not checked).
    """

    path: Path
    models: Path = MODELS
    until: dt.date | None = None

    def load(self, universe: Universe) -> SignalData:
        """Return vendor shares, China's share, tokens and concentration by week.

        Raises
        ------
        DataError
            A file cannot be used; one message with file and row.
        """
        table, known = read_csv(self.path, as_text=True), read_models(self.models)
        listed = attribute(weekly_tokens(table), known)
        rows = observations(listed)
        series = set(rows["series"])
        return SignalData(
            signals=Signals(
                observations=rows,
                roles=default_roles(series),
            ),
            origin=Origin(
                name="openrouter",
                simulated=False,
                digest=combined_digest(
                    [(table.name, table.digest), (known.name, known.digest)]
                ),
                detail=f"{self.path}: {listed['week'].nunique()} weeks",
            ),
            findings=(
                *list_findings(listed, table.name, until=self.until),
                *model_findings(listed, known.name),
                *stranger_findings(rows, universe),
            ),
        )


def weekly_tokens(table: Table) -> pd.DataFrame:
    """Return the file's rows: ``week`` (as labelled), ``rank, model, tokens``.

    Raises `DataError` naming the row for a missing cell, a rank that is no whole
    number from 1, negative tokens, or a model listed twice in a week.
    """
    missing = [column for column in NEEDED if not table.has(column)]
    if missing:
        raise DataError(
            f"{table.name}: no column {at_most(missing)}; needed are "
            f"{', '.join(NEEDED)}"
        )
    for column in NEEDED:
        table.complain(table.cells[column].isna().to_numpy(), f"has no {column}")
    rank, tokens = numbers_of(table, "rank"), numbers_of(table, "total_tokens")
    wrong = (rank < 1) | (rank != np.floor(rank))
    table.complain(wrong, "rank {rank} is no whole number from 1")
    table.complain(tokens < 0, "total_tokens {total_tokens} is negative")
    listed = pd.DataFrame(
        {
            "week": days_of(table, "week_date"),
            "rank": rank,
            "model": table.cells["model_slug"].to_numpy(),
            "tokens": tokens,
        }
    )
    again = listed.duplicated(["week", "model"]).to_numpy()
    table.complain(again, "{model_slug} is listed twice for {week_date}")
    return listed.sort_values(["week", "rank"], kind="stable", ignore_index=True)


def read_models(place: Path) -> Table:
    """Return a table of models, checked; raises `DataError` naming the row.

    A row holds from `since` to `until` (days, blank: open). ``cn`` in `origin` counts
    as Chinese, ``undisclosed`` says that nobody knew.
    """
    table = read_csv(place, as_text=True)
    missing = [column for column in MODEL_COLUMNS if not table.has(column)]
    if missing:
        raise DataError(f"{table.name}: no column {at_most(missing)}")
    for column in ("model", "vendor", "origin"):
        table.complain(table.cells[column].isna().to_numpy(), f"has no {column}")
    for column in ("since", "until"):
        written = table.cells[column]
        days = pd.to_datetime(written, format="%Y-%m-%d", errors="coerce")
        wrong = (days.isna() & written.notna()).to_numpy()
        table.complain(wrong, f"{column} '{{{column}}}' is not a day as in 2025-01-27")
    return table


def attribute(listed: pd.DataFrame, models: Table) -> pd.DataFrame:
    """Return the rows with ``vendor`` and ``origin``, as the table had them that week.

    A model that the table does not have for that week becomes ``other`` with origin
    ``unknown``: its name is never taken for a hint.

    Raises `DataError` where two rows of the table hold for one model and week.
    """
    cells = models.cells
    since = pd.to_datetime(cells["since"].fillna(ALWAYS[0]), format="%Y-%m-%d")
    until = pd.to_datetime(cells["until"].fillna(ALWAYS[1]), format="%Y-%m-%d")
    told = cells[["model", "vendor", "origin"]].assign(since=since, until=until)
    rows = listed.assign(row=np.arange(len(listed)))
    paired = rows.merge(told, on="model", how="inner")
    inside = paired[paired["week"].between(paired["since"], paired["until"])]
    twice = inside[inside.duplicated("row")]
    if len(twice):
        one = twice.iloc[0]
        raise DataError(
            f"{models.name}: two rows hold for {one['model']} on {one['week'].date()}; "
            "end the older with until"
        )
    found = inside.set_index("row")[["vendor", "origin"]].reindex(rows["row"])
    return listed.assign(
        vendor=found["vendor"].fillna(OTHER).to_numpy(),
        origin=found["origin"].fillna("unknown").to_numpy(),
    )


def observations(listed: pd.DataFrame) -> pd.DataFrame:
    """Return the weeks' observations in the columns of `COLUMNS`, in order of known_at.

    Only the nine highest ranks count. In a week with fewer rows tokens are a bound
    and shares and concentration disputed: shares of another list. Where a model is
    unknown, shares and concentration are bounds (its vendor's and China's could only
    be higher). China's share is a bound, not zero, where no Chinese model is listed.
    A vendor that is not listed has no row, and a week without a token has none.
    """
    nine = listed[listed["rank"] <= LISTED]
    total = nine.groupby("week")["tokens"].sum()
    total = total[total > 0]
    nine = nine[nine["week"].isin(total.index)]
    short = nine.groupby("week").size() < LISTED
    unknown = nine["vendor"].eq(OTHER).groupby(nine["week"]).any()
    quality = pd.Series(
        np.where(short, "disputed", np.where(unknown, "bound", "observed")),
        index=total.index,
    )
    vendor = nine.groupby(["week", "vendor"])["tokens"].sum().reset_index()
    share = vendor["tokens"].to_numpy() / total.loc[vendor["week"]].to_numpy()
    named = np.where(vendor["vendor"] == OTHER, 0.0, share)
    chinese = nine["tokens"].where(nine["origin"] == "cn", 0.0)
    china = chinese.groupby(nine["week"]).sum() / total
    hhi = pd.Series(named**2).groupby(vendor["week"]).sum()
    weeks = total.index
    parts = [
        _rows(
            VENDOR_SHARE,
            vendor["vendor"],
            vendor["week"],
            share,
            quality.loc[vendor["week"]],
        ),
        _rows(
            CHINA_SHARE,
            CHINA,
            weeks,
            china,
            quality.where((china > 0) | (quality == "disputed"), "bound"),
        ),
        _rows(
            TOKENS,
            ROUTER,
            weeks,
            total,
            np.where(short, "bound", "observed"),
            unit="tokens",
        ),
        _rows(HHI, ROUTER, weeks, hhi, quality),
    ]
    rows = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    return rows.sort_values("known_at", kind="stable", ignore_index=True)


def _rows(
    series: str,
    entity: str | pd.Series,
    weeks: pd.Index | pd.Series,
    value: pd.Series | np.ndarray,
    quality: pd.Series | np.ndarray,
    *,
    unit: str = "fraction",
) -> pd.DataFrame:
    """Return one series' rows; a week is known `AFTER_SUNDAY` or later."""
    labels = pd.DatetimeIndex(weeks)
    after = np.where(labels.day_of_week == SUNDAY, AFTER_SUNDAY, AFTER_OTHERS)
    return pd.DataFrame(
        {
            "series": series,
            "entity": np.asarray(entity),
            "value_date": labels,
            "known_at": labels + pd.to_timedelta(after, unit="D"),
            "value": np.asarray(value, dtype=np.float64),
            "unit": unit,
            "quality": np.asarray(quality),
            "source": SOURCE,
        }
    ).astype({"value_date": "datetime64[ns]", "known_at": "datetime64[ns]"})


def model_findings(listed: pd.DataFrame, models: str) -> Iterator[Finding]:
    """Yield models that the table does not have, and those nobody owned up to."""
    for origin, severity, what, action in (
        (
            "unknown",
            "warning",
            f"models that {models} does not have for their week",
            f"counted as '{OTHER}', never guessed: the week's shares are bounds; add "
            "them to the table with their vendor, origin and dates",
        ),
        (
            "undisclosed",
            "info",
            "models listed without their maker",
            "not counted as Chinese: China's share is at least what is given",
        ),
    ):
        rows = listed[listed["origin"] == origin]
        if len(rows):
            share = rows["tokens"].sum() / max(listed["tokens"].sum(), 1.0)
            yield Finding(
                severity=severity,
                where=f"openrouter: {origin} models",
                what=f"{rows['model'].nunique()} {what}: "
                f"{at_most(rows['model'].unique())}; in {rows['week'].nunique()} "
                f"weeks, {share:.1%} of all tokens",
                action=action,
                first=str(rows["week"].min().date()),
                last=str(rows["week"].max().date()),
            )
