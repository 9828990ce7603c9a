"""One line from Yahoo, through the real yfinance client."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import CalendarError, DataError
from engine.market.calendar import sessions
from engine.market.market import Finding
from engine.market.panel import as_sessions
from engine.sources.yahoo.guard import Kind, Refused, Watch, watch
from engine.sources.yahoo.returns import Held, refetch_reason
from engine.sources.yahoo.symbols import FX_ZONE, zone_of

COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Adj Close": "adj_close",
    "Volume": "volume",
}
#: How long after the close a bar counts as settled.
SETTLED_AFTER = np.timedelta64(1, "h")
#: A bar older than this is settled, whatever its calendar says.
SURELY_SETTLED = np.timedelta64(3, "D")
#: Days fetched again before the last one held, to see whether they are unchanged.
OVERLAP = dt.timedelta(days=14)
TIMEOUT_S = 10.0
#: Where Yahoo quotes in hundredths of a currency.
HUNDREDTHS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """A line to fetch: from `start`, or from shortly before what is `held` ends.

    `symbol` is Yahoo's; `mic` is empty for a currency pair.
    """

    symbol: str
    mic: str
    currency: str
    start: dt.date
    held: Held | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fetched:
    """A line as Yahoo gave it, and when.

    `frame` has float64 columns ``open, high, low, close, adj_close, volume`` on a
    session index, as given: divided by all splits, and nothing is corrected. `actions`
    has the columns ``session, kind`` ("dividend", "split" or "capital_gain") and
    ``value``; the dividends are in `dividend_currency`. `whole` says that the frame
    begins at the request's `start`: what is held before is out of date, or there is
    nothing.
    """

    symbol: str
    frame: pd.DataFrame
    actions: pd.DataFrame
    currency: str
    dividend_currency: str
    fetched_utc: np.datetime64
    whole: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A line that did not come, and why."""

    symbol: str
    kind: Kind
    what: str


def utc_now() -> np.datetime64:
    """Return this moment in UTC, ``datetime64[ns]``."""
    return np.datetime64(dt.datetime.now(dt.UTC).replace(tzinfo=None), "ns")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Client:
    """The client that fetches one line at a time; threads may share it.

    `session` is one of curl_cffi or requests. `now` tells the time in UTC.
    """

    session: object
    timeout_s: float = TIMEOUT_S
    now: Callable[[], np.datetime64] = utc_now
    seen: Watch = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", watch(self.session, self.timeout_s))

    def line(self, request: Request) -> Fetched | Missed:
        """Return a line's bars and actions, or why they did not come.

        With something held, only what is new is asked for, unless a new split or a
        change of unit puts the past in doubt: then all of it.
        """
        held = request.held
        last = None if held is None else held.close.last_valid_index()
        if held is None or last is None:
            return self._ask(request, request.start)
        begin = max(request.start, pd.Timestamp(str(last)).date() - OVERLAP)
        fresh = self._ask(request, begin)
        if isinstance(fresh, Missed) or begin == request.start:
            return fresh
        ratios = fresh.actions[fresh.actions["kind"] == "split"]
        reason = refetch_reason(held, fresh.frame, ratios.set_index("session")["value"])
        if not reason:
            return replace(fresh, whole=False)
        again = self._ask(request, request.start)
        if isinstance(again, Missed):
            return again
        note = Finding(
            severity="info",
            where=request.symbol,
            what=reason,
            action="its whole history was fetched again",
        )
        return replace(again, findings=(note, *again.findings))

    def _ask(self, request: Request, begin: dt.date) -> Fetched | Missed:
        """Return the line from `begin`, or what kind of answer came instead."""
        try:
            return self._fetch(request, begin)
        except Refused as error:
            return _missed(request, error.kind, str(error))
        except CalendarError as error:
            return _missed(request, "calendar", str(error))
        except OSError as error:  # requests' and curl_cffi's are, both
            late = isinstance(error, TimeoutError) or "Timeout" in type(error).__name__
            if late:
                what = f"no answer from Yahoo within {self.timeout_s:g} s"
                return _missed(request, "timeout", what)
            said = str(error).partition(" See https://curl.se")[0]
            return _missed(request, "network", f"Yahoo cannot be reached: {said}")

    def _fetch(self, request: Request, begin: dt.date) -> Fetched:
        table, quoted = self._history(request, begin)
        asked_at = self.now()
        if quoted != request.currency:
            raise Refused("currency", _other_currency(quoted, request.currency))
        frame, late = settled(
            request.symbol, _frame(request.symbol, table), request.mic, asked_at
        )
        if len(frame) == 0:
            raise Refused("no_data", f"Yahoo has no closed session since {begin}")
        actions = _actions(table)
        foreign = self.seen.dividend_currencies - {request.currency}
        return Fetched(
            symbol=request.symbol,
            frame=frame,
            actions=actions[actions["session"] <= frame.index[-1]].reset_index(
                drop=True
            ),
            currency=quoted,
            dividend_currency=", ".join(sorted(foreign)) or quoted,
            fetched_utc=asked_at,
            whole=True,
            findings=late,
        )

    def _history(self, request: Request, begin: dt.date) -> tuple[pd.DataFrame, str]:
        """Return yfinance's table and the currency it is quoted in."""
        yfinance = client_library()
        self.seen.forget()
        ticker = yfinance.Ticker(request.symbol, session=self.session)
        if zone := zone_of(request.mic):
            ticker._tz = zone  # else yfinance asks Yahoo for it, line by line
        try:
            # No `end`: yfinance keeps answers about the past, failed ones too.
            table = ticker.history(
                start=begin.isoformat(),
                interval="1d",
                auto_adjust=False,
                actions=True,
                repair=False,
                timeout=self.timeout_s,
            )
            quoted = ticker.history_metadata["currency"]
        except yfinance.exceptions.YFRateLimitError as error:
            raise Refused("rate_limit", "Yahoo limits how often we ask") from error
        except yfinance.exceptions.YFException as error:
            raise self._refused(str(error)) from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            if self.seen.status >= 400:
                raise self._refused(str(error)) from error
            raise Refused(
                "garbled", f"Yahoo's JSON lacks what it should hold: {error!r}"
            ) from error
        if len(table) == 0:
            raise Refused("no_data", f"Yahoo has no prices since {begin}")
        return table, str(quoted)

    def _refused(self, said: str) -> Refused:
        """Return why yfinance gave up."""
        if self.seen.status >= 400:
            status = self.seen.status
            return Refused("server", f"Yahoo refuses to answer (HTTP {status})")
        return Refused("no_data", f"Yahoo has no prices; perhaps delisted ({said})")


@functools.cache
def client_library() -> Any:
    """Return yfinance, set up to raise its errors and to keep nothing on disk.

    Its SQLite files of cookies and time zones lock when several threads or processes
    fetch at once, and save two requests of a whole fetch. Where no folder can be,
    yfinance does without them.
    """
    with warnings.catch_warnings():  # it adds a filter of its own to the process
        import yfinance  # half a second: only where something is fetched
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # it raises, that is all
    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(os.path.join(os.devnull, "none"))
    return yfinance


def settled(
    symbol: str, frame: pd.DataFrame, mic: str, now: np.datetime64
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Return the bars whose session closed an hour before `now`, and what was dropped.

    A currency pair's day ends at midnight in London, and so does a day without a
    session at its end in UTC.

    Raises
    ------
    CalendarError
        The exchange's calendar does not cover a recent bar.
    """
    days = frame.index.to_numpy()
    recent = np.flatnonzero(days > now - SURELY_SETTLED)
    if len(recent) == 0:
        return frame, ()
    ends = _ends(pd.DatetimeIndex(days[recent]), mic)
    open_rows = recent[ends + SETTLED_AFTER > now]
    if len(open_rows) == 0:
        return frame, ()
    first = pd.Timestamp(days[open_rows[0]]).date().isoformat()
    note = Finding(
        severity="info",
        where=symbol,
        what=f"the session of {first} had not been closed for an hour",
        action="its bar is left out; fetch again later",
        first=first,
    )
    return frame.drop(index=frame.index[open_rows]), (note,)


def _ends(days: pd.DatetimeIndex, mic: str) -> np.ndarray:
    """Return the UTC moments at which the bars of these days end."""
    midnight = days + pd.Timedelta(days=1)
    if not mic:
        local = midnight.tz_localize(FX_ZONE).tz_convert(None)
        return local.as_unit("ns").to_numpy()
    ends = midnight.as_unit("ns").to_numpy().copy()
    own = sessions(mic, days[0].date(), days[-1].date())
    place = np.searchsorted(own.days.to_numpy(), days.to_numpy())
    for row, at in enumerate(place):
        if at < len(own) and own.days[at] == days[row]:
            ends[row] = own.close_utc[at]
    return ends


def _frame(symbol: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return the bars that have a close, on a session index, as they were given."""
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking:
        raise Refused("garbled", f"Yahoo's answer lacks {', '.join(lacking)}")
    days = pd.DatetimeIndex(table.index).tz_localize(None)
    try:
        days = as_sessions(days, where=symbol)
    except DataError as error:
        raise Refused("garbled", str(error)) from error
    frame = table[list(COLUMNS)].rename(columns=COLUMNS).astype(np.float64)
    frame = frame.set_axis(days, axis=0)
    kept: pd.DataFrame = frame.loc[np.isfinite(frame["close"].to_numpy())]
    return kept


def _actions(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per dividend, split and capital gain, by ex-day."""
    days = pd.DatetimeIndex(table.index).tz_localize(None).normalize().as_unit("ns")
    parts = []
    for column, kind in (
        ("Dividends", "dividend"),
        ("Stock Splits", "split"),
        ("Capital Gains", "capital_gain"),
    ):
        if column in table.columns:
            values = table[column].to_numpy(np.float64)
            rows = np.flatnonzero((values != 0.0) & ~np.isnan(values))
            parts.append(
                pd.DataFrame(
                    {"session": days[rows], "kind": kind, "value": values[rows]}
                )
            )
    table = pd.concat(parts, ignore_index=True)
    table["kind"] = table["kind"].astype("str")
    return table.sort_values(["session", "kind"], kind="stable", ignore_index=True)


def _other_currency(quoted: str, declared: str) -> str:
    """Return the message for a line in another currency than declared."""
    if HUNDREDTHS.get(quoted) == declared:
        return f"Yahoo quotes it in {quoted}, hundredths of the {declared} declared"
    return (
        f"Yahoo quotes it in {quoted}, the universe declares {declared}; correct the "
        "universe's currency, or the symbol"
    )


def _missed(request: Request, kind: Kind, what: str) -> Missed:
    return Missed(symbol=request.symbol, kind=kind, what=f"{request.symbol}: {what}")
