"""Sessions of the exchanges, with their opens and closes in UTC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Exchanges that share another's sessions (exchange_calendars has no XSHE or XNAS).
SAME_SESSIONS = {"XNAS": "XNYS", "OTCM": "XNYS", "ARCX": "XNYS", "XSHE": "XSHG", "XKOS": "XKRX"}


def calendar_of(mic: str) -> str:
    """Return the MIC whose sessions `mic` follows."""
    return SAME_SESSIONS.get(mic, mic)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sessions:
    """Trading days of one exchange.

    `days` is a session index of length T; `open_utc` and `close_utc` are
    ``datetime64[ns]`` arrays of shape (T,), in UTC.
    """

    mic: str
    days: pd.DatetimeIndex
    open_utc: np.ndarray
    close_utc: np.ndarray

    def __len__(self) -> int:
        return len(self.days)

    def closed_by(self, moment: np.datetime64) -> int:
        """Return how many sessions have closed at or before `moment` (UTC)."""
        return int(np.searchsorted(self.close_utc, moment, side="right"))

    def first(self, count: int) -> Sessions:
        """Return the first `count` sessions, without copying."""
        return Sessions(
            mic=self.mic,
            days=self.days[:count],
            open_utc=self.open_utc[:count],
            close_utc=self.close_utc[:count],
        )
