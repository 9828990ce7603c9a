"""Weekly token lists, and the shares that others publish from them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pandas as pd

from engine.errors import at_most
from engine.market.market import Finding
from engine.sources.files.signals import stranger_findings
from engine.sources.imports.cells import read_days, read_numbers, said_days, with_days
from engine.sources.imports.names import Names
from engine.sources.imports.sheet import Sheet
from engine.sources.imports.signals import SignalFile, read_signals, start_findings
from engine.sources.imports.words import counted
from engine.sources.openrouter.checks import list_findings
from engine.sources.openrouter.lists import (
    CHINA,
    CHINA_SHARE,
    MODELS,
    NEEDED,
    attribute,
    model_findings,
    observations,
    read_models,
    weekly_tokens,
)

#: A column of published shares, in percent.
SHARE = re.compile(r"(\w*share\w*)_(?:pct|percent)")
#: What a published list of shares calls the one whose share it is.
OWNERS = ("author", "vendor")


def is_weekly_list(sheet: Sheet) -> bool:
    """Return whether a sheet lists models with their tokens by week."""
    return sheet.has(*NEEDED)


def share_column(sheet: Sheet) -> str:
    """Return the column of published weekly shares, or an empty text."""
    found = [column for column in sheet.columns if SHARE.fullmatch(column)]
    return found[0] if sheet.has("week_date") and len(found) == 1 else ""


def read_weekly_list(
    sheet: Sheet, names: Names, lag: dt.timedelta | None
) -> SignalFile:
    """Return shares, tokens and concentration from weekly tokens per model."""
    days, written = read_days(sheet, "week_date", names.mapping.date_format)
    sheet = read_numbers(
        with_days(sheet, "week_date", days),
        ["rank", "total_tokens"],
        names.mapping.decimal,
    )
    models = read_models(MODELS)
    listed = attribute(weekly_tokens(sheet.table()), models)
    rows = observations(listed)
    says = [
        "OpenRouter's weekly list of models: vendor shares, China's share, tokens and "
        f"concentration of the top nine, by the table {models.name}",
        f"weeks are {written}, {said_days(days)}",
        "a week labelled with a Sunday is known the next day, any other seven days "
        "later" + ("; the lag given is not used" if lag else ""),
    ]
    return SignalFile(
        rows=rows,
        says=(*sheet.says, *says),
        findings=(
            _of_the_top_nine(sheet.name),
            *list_findings(listed, sheet.name),
            *model_findings(listed, models.name),
            *_unlisted_findings(rows, sheet.name),
            *stranger_findings(rows, names.universe),
            *start_findings(rows, sheet.name),
        ),
    )


def read_shares(
    sheet: Sheet, names: Names, lag: dt.timedelta | None, source: str
) -> SignalFile:
    """Return published weekly shares, in percent, as a series of their own.

    Raises `DataError` as `read_signals`: such a file does not say when it was known.
    """
    read = read_signals(_in_long_format(sheet, names), names, lag, source)
    return replace(read, findings=(_of_the_top_nine(sheet.name), *read.findings))


def _in_long_format(sheet: Sheet, names: Names) -> Sheet:
    """Return published shares as a sheet in the long format, as fractions."""
    column = share_column(sheet)
    told = SHARE.fullmatch(column)
    owner = next((name for name in OWNERS if sheet.has(name)), "")
    what = told[1] if told else column
    series = names.mapping.series or (f"{owner}_{what}" if owner else what)
    sheet = read_numbers(sheet, [column], names.mapping.decimal)
    values = sheet.cells[column]
    entity, how = _owners(sheet, owner, names)
    cells = pd.DataFrame(
        {
            "series": series,
            "entity": entity,
            "value_date": sheet.cells["week_date"],
            # exact in decimals: 54.73 percent are 0.5473
            "value": [float(Decimal(repr(one)).scaleb(-2)) for one in values.tolist()],
            "unit": "fraction",
        },
        index=sheet.cells.index,
    )
    rest = [
        sheet.heads[one]
        for one in sheet.columns
        if one not in (column, owner, "week_date")
    ]
    return replace(
        sheet,
        cells=cells,
        heads={"value": sheet.heads[column], "value_date": sheet.heads["week_date"]},
        says=(
            *sheet.says,
            f"published weekly shares: {sheet.heads[column]} in percent, stored as "
            f"fractions in the series {series}, apart from shares computed from tokens",
            how,
            *([f"columns not stored: {at_most(rest)}"] if rest else []),
        ),
    )


def _unlisted_findings(rows: pd.DataFrame, name: str) -> Iterator[Finding]:
    """Yield the weeks without a Chinese model among the nine."""
    china = rows[(rows["series"] == CHINA_SHARE) & (rows["value"] == 0.0)]
    if len(china):
        days = sorted(str(day.date()) for day in china["value_date"])
        yield Finding(
            severity="warning",
            where=f"{name}: {CHINA_SHARE}",
            what=f"no Chinese model among the nine in {counted(len(days), 'week')}: "
            f"{at_most(days)}",
            action="0 of quality bound: not in the top nine is not zero; no factor "
            "reads it",
            first=days[0],
            last=days[-1],
        )


def _of_the_top_nine(name: str) -> Finding:
    """Return what the shares of a weekly list are shares of."""
    return Finding(
        severity="info",
        where=name,
        what="shares are of the most used models that the list names, not of all",
        action="compare them with themselves only",
    )


def _owners(sheet: Sheet, owner: str, names: Names) -> tuple[list[str], str]:
    """Return whose each share is, and how that was told."""
    if names.mapping.entity:
        return [names.mapping.entity] * len(sheet.cells), "entity: by the mapping"
    if not owner:
        return [CHINA] * len(sheet.cells), f"entity: {CHINA}"
    models = read_models(MODELS).cells
    by_author = models["vendor"].groupby(models["model"].str.split("/").str[0])
    vendors = {
        author: own.iloc[0] for author, own in by_author if own.eq(own.iloc[0]).all()
    }
    told = {
        author: names.mapping.entities.get(author, vendors.get(author, author))
        for author in sheet.cells[owner].dropna().unique()
    }
    renamed = [f"{old} = {new}" for old, new in told.items() if old != new]
    how = f"entity: {sheet.heads[owner]}, by the packaged table of models"
    said = f"{how} ({at_most(renamed, 8)})" if renamed else how
    return [told.get(name, "") for name in sheet.cells[owner]], said
