"""The fees of a thesis: the packaged table with the thesis's own charges on top."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.costs.fees import FeeRow, FeeSchedule, collide, schedule
from engine.errors import DataError
from engine.thesis.model import Charge, Execution


def schedule_for(execution: Execution) -> FeeSchedule:
    """Return the fees of a thesis: the packaged ones, with its own charges on top.

    A charge replaces the rows of its item in its markets. Raises `DataError` where two
    charges of one item are in force in one market on the same day, or a maximum lies
    below its minimum.
    """
    base = schedule(execution.fees)
    if not execution.charges:
        return base
    own: list[FeeRow] = []
    for charge in execution.charges:
        row = _own(charge)
        for other in own:
            if collide(row, other):
                raise DataError(
                    f"execution.charges: {row.item!r} of {' '.join(row.mics)} is given "
                    "twice for the same days; end one before the other begins"
                )
        own.append(row)
    own = [replace(row, replaces=_replaced(row, base)) for row in own]
    kept = []
    for packaged in base.rows:
        taken = {mic for row in own if row.item == packaged.item for mic in row.mics}
        left = tuple(mic for mic in packaged.mics if mic not in taken)
        if left:
            kept.append(replace(packaged, mics=left))
    return FeeSchedule(name=f"{base.name}, with the thesis's own", rows=(*kept, *own))


def _replaced(row: FeeRow, base: FeeSchedule) -> tuple[str, ...]:
    """Return the markets in which a charge stands in for one of the table."""
    packaged = [other.mics for other in base.rows if other.item == row.item]
    return tuple(mic for mic in row.mics if any(mic in mics for mics in packaged))


def _own(charge: Charge) -> FeeRow:
    """Return one charge of a thesis as a row."""
    most = math.inf if charge.maximum is None else charge.maximum
    if most < charge.minimum:
        raise DataError(
            f"execution.charges: {charge.item!r} is at least {charge.minimum:g} and at "
            f"most {most:g}; write the smaller number as 'minimum'"
        )
    return FeeRow(
        mics=charge.markets,
        item=charge.item,
        rate=charge.rate,
        side=charge.side,
        effective_from=charge.effective_from,
        effective_to=charge.effective_to,
        basis="trade",
        status="the thesis's own",
        source=charge.source,
        note="",
        per_share=charge.per_share,
        minimum=charge.minimum,
        maximum=most,
        own=True,
    )
