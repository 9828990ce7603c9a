"""Prices as rows of the store: one series per column, each row known at its close."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.market.calendar import covered, sessions

#: Before the name of every series of prices; no signal begins with it.
PREFIX = "price."
FIELDS = ("open", "high", "low", "close", "adj_close", "volume")
ACTIONS = ("dividend", "split", "capital_gain")
#: What is in no currency.
PLAIN_UNITS = {"volume": "shares", "split": "new per old"}
ROW_COLUMNS = ["series", "line", "value_date", "known_at", "value", "unit"]
_DAY = np.timedelta64(1, "D")


def session_ends(days: pd.DatetimeIndex, mic: str) -> np.ndarray:
    """Return the UTC moments at which the bars of these days are complete.

    Shape (n,), ``datetime64[ns]``: the close of the exchange's session; the end of the
    day in UTC where the exchange has no session or no calendar for it.
    """
    ends = days.as_unit("ns").to_numpy() + _DAY
    reach = covered(mic)
    known = (days >= pd.Timestamp(reach[0])) & (days <= pd.Timestamp(reach[1]))
    if not known.any():
        return ends
    inside = days[known]
    own = sessions(mic, inside.min().date(), inside.max().date())
    place = own.days.get_indexer(days)
    ends[place >= 0] = own.close_utc[place[place >= 0]]
    return ends


def price_rows(
    symbol: str,
    frame: pd.DataFrame,
    *,
    unit: str,
    known_at: np.ndarray,
    actions: pd.DataFrame | None = None,
    actions_known_at: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the rows of the store that say a line's bars and actions.

    Parameters
    ----------
    symbol : the line, or a currency pair such as ``HKD=X``.
    frame : DataFrame on a session index, with any of the columns `FIELDS`; NaN = none.
    unit : the currency of the prices; of a pair, that which one dollar buys.
    known_at : ndarray of shape (len(frame),), when each bar was complete (UTC).
    actions : DataFrame with columns ``session, kind`` (one of `ACTIONS`), ``value``.
    actions_known_at : ndarray of shape (len(actions),).

    Returns
    -------
    DataFrame
        The columns of `ROW_COLUMNS`; series are ``price.close`` and so on.
    """
    parts = []
    for name in (name for name in FIELDS if name in frame.columns):
        values = frame[name].to_numpy(np.float64)
        there = ~np.isnan(values)
        parts.append(
            _rows(
                symbol,
                name,
                frame.index.to_numpy()[there],
                known_at[there],
                values[there],
                unit,
            )
        )
    if actions is not None and actions_known_at is not None:
        for kind in ACTIONS:
            own = (actions["kind"] == kind).to_numpy()
            days = actions["session"].to_numpy()[own]
            values = actions["value"].to_numpy(np.float64)[own]
            parts.append(_rows(symbol, kind, days, actions_known_at[own], values, unit))
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _rows(
    symbol: str,
    name: str,
    days: np.ndarray,
    known_at: np.ndarray,
    values: np.ndarray,
    unit: str,
) -> pd.DataFrame:
    """Return the rows of one series of a line."""
    table = {
        "series": PREFIX + name,
        "line": symbol,
        "value_date": days.astype("datetime64[ns]"),
        "known_at": known_at.astype("datetime64[ns]"),
        "value": values,
        "unit": PLAIN_UNITS.get(name, unit),
    }
    return pd.DataFrame(table, columns=ROW_COLUMNS)
