"""Whether an account has anything left."""

from __future__ import annotations

import pandas as pd

from engine.errors import DataError


def check_worth(
    nav: float,
    session: pd.Timestamp,
    *,
    name: str = "",
    capital: float = 0.0,
    charges: float = 0.0,
) -> None:
    """Raise `DataError` if nothing is left: weights of nothing mean nothing.

    `name` is the account's, `capital` what it began with and `charges` what its orders
    were charged by then, the account's currency. Charges that are half of the loss or
    more are what is wrong.
    """
    if nav > 0.0:
        return
    whose = f"the account {name!r}" if name else "the account"
    said = f"{whose} is worth {nav:,.2f} on {session.date()}"
    if charges > 0.0 and charges >= (capital - nav) / 2.0:
        raise DataError(
            f"{said}: charges per order have taken {charges:,.2f} of a capital of "
            f"{capital:,.2f}. Raise execution.capital (--capital), or lower 'minimum' "
            "in [[execution.charges]]"
        )
    raise DataError(
        f"{said}: an overdraft bought what then lost more than the account had, or a "
        "short position rose by more. Look for wrong prices around that day"
    )
