"""Yahoo's prices into the store: only what is due, each line as it arrives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most
from engine.interfaces import PriceData
from engine.market.calendar import covered, sessions
from engine.market.listing import Line
from engine.market.market import Finding
from engine.sources.files_prices import FixTime
from engine.sources.price_rows import PREFIX, price_rows, session_ends
from engine.sources.store import Store
from engine.sources.store_rows import WITHDRAWN
from engine.sources.stored_prices import (
    ASKED,
    DIVIDEND,
    YAHOO,
    StoredLine,
    StoredPrices,
    read_lines,
)
from engine.sources.yahoo import (
    Arrival,
    Progress,
    default_session,
    fetch,
    no_progress,
)
from engine.sources.yahoo_fetch import (
    SETTLED_AFTER,
    Client,
    Fetched,
    Missed,
    Request,
    utc_now,
)
from engine.sources.yahoo_guard import TRANSIENT
from engine.sources.yahoo_patience import Patience
from engine.sources.yahoo_returns import Held
from engine.sources.yahoo_symbols import FX_ZONE, fx_symbol, yahoo_symbol

#: A pair's close is the rate at the end of its day in London.
FX_FIX = FixTime(fix=dt.time(23, 59), zone=FX_ZONE, pairs=(), stated=True)
#: Longer than any holiday of any exchange.
LONGEST_BREAK = dt.timedelta(days=20)
KEY = ["series", "value_date", "known_at"]
CLOSE = PREFIX + "close"
#: A line whose bars end earlier by more than this is named.
ENDED = pd.Timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What of a line was new to the store.

    Of the `rows` that are new, `changed` are closes that said another number before,
    and `withdrawn` take back what is not said any more.
    """

    rows: int
    changed: int
    withdrawn: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """What a fetch came to.

    `asked` lines and currency pairs were wanted. `stored` has those that were fetched,
    with what was new to the store; those in `missed` are not to be had, and the rest
    was up to date. `findings` are about the fetch itself.
    """

    asked: int
    stored: Mapping[str, Kept]
    missed: tuple[Missed, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class YahooPrices:
    """Prices from Yahoo by way of the store: what is due is fetched, then all is read.

    `base` is the study's currency. `client` replaces the one made of `session`.
    """

    store: Store
    base: str = "USD"
    session: Callable[[], object] = default_session
    patience: Patience = field(default_factory=Patience)
    progress: Progress = no_progress
    client: Client | None = None

    def load(self, lines: Sequence[Line], start: dt.date, end: dt.date) -> PriceData:
        """Return the bars of the lines from `start` to `end`, and their rates.

        Raises as `gather` and `StoredPrices.load` do.
        """
        self.gather(lines, start, end)
        return self.stored.load(lines, start, end)

    @property
    def stored(self) -> StoredPrices:
        """The source that reads what has been fetched."""
        return StoredPrices(store=self.store, base=self.base)

    def gather(
        self,
        lines: Sequence[Line],
        start: dt.date,
        end: dt.date,
        *,
        whole: bool = False,
    ) -> Gathered:
        """Bring the store up to date for these lines, their rates, and this period.

        A line that the store has up to `end`, or to its last settled session, is not
        asked for. Each line is stored when it arrives, whole or not at all. With
        `whole` every history is asked for again, which finds old corrections, too.

        Raises
        ------
        DataError
            Yahoo did not answer for some lines, so that asking again may bring them.
        KeyboardInterrupt
            Ctrl-C. What arrived before either is kept.
        """
        wanted = requests_for(lines, self.base, start)
        held = read_lines(self.store, [one.symbol for one in wanted], source=YAHOO)
        now = utc_now() if self.client is None else self.client.now()
        due = [
            _continued(one, held.get(one.symbol), whole=whole)
            for one in wanted
            if whole or not is_current(one, held.get(one.symbol), end, now)
        ]
        stored: dict[str, Kept] = {}

        def keep(arrival: Arrival, done: int, total: int) -> None:
            if isinstance(arrival, Fetched) and arrival.symbol not in stored:
                request = next(one for one in due if one.symbol == arrival.symbol)
                before = held.get(arrival.symbol)
                rows = rows_of(arrival, request, before)
                batch = self.store.append(rows, source=YAHOO)
                stored[arrival.symbol] = Kept(
                    rows=batch.rows if batch else 0,
                    changed=_changed(rows, before),
                    withdrawn=int((rows["quality"] == WITHDRAWN).sum()),
                )
            self.progress(arrival, done, total)

        if not due:
            return Gathered(asked=len(wanted), stored={}, missed=(), findings=())
        harvest = fetch(
            self.client or Client(session=self.session()),
            due,
            patience=self.patience,
            rng=np.random.default_rng(),  # spreads the waits of several processes
            progress=keep,
        )
        self.store.gc()
        if harvest.interrupted is not None:
            raise harvest.interrupted
        _check_complete(harvest.missed, len(wanted))
        notes = [note for one in harvest.arrived for note in one.findings]
        left_out = [_left_out(one) for one in harvest.missed]
        return Gathered(
            asked=len(wanted),
            stored=stored,
            missed=harvest.missed,
            findings=(*left_out, *notes, *_endings(harvest.arrived, due, end, now)),
        )


def requests_for(lines: Sequence[Line], base: str, start: dt.date) -> list[Request]:
    """Return one request per line and per currency other than the dollar."""
    wanted = {}
    for line in lines:
        symbol = yahoo_symbol(line.symbol, line.mic)
        wanted[symbol] = Request(
            symbol=symbol, mic=line.mic, currency=line.currency, start=start
        )
    for currency in sorted({base, *(line.currency for line in lines)} - {"USD"}):
        pair = fx_symbol(currency)
        wanted[pair] = Request(symbol=pair, mic="", currency=currency, start=start)
    return list(wanted.values())


def is_current(
    request: Request, held: StoredLine | None, end: dt.date, now: np.datetime64
) -> bool:
    """Return whether the store has a line from the request's start to `end`.

    Sessions that have not been closed for an hour at `now` are not awaited.
    """
    if held is None or held.asked_from is None or held.asked_from > request.start:
        return False
    last = last_settled(request.mic, min(end, pd.Timestamp(now).date()), now)
    return last is not None and held.frame.index[-1] >= last


def last_settled(mic: str, end: dt.date, now: np.datetime64) -> pd.Timestamp | None:
    """Return the last day up to `end` whose bar is settled; None where nobody knows.

    `mic` is empty for currency pairs, which have a bar on every weekday.
    """
    begin = end - LONGEST_BREAK
    if not mic:
        days = pd.bdate_range(begin, end).as_unit("ns")
        midnight = (days + pd.Timedelta(days=1)).tz_localize(FX_ZONE).tz_convert(None)
        closes = midnight.as_unit("ns").to_numpy()
    else:
        if end > covered(mic)[1]:
            return None
        own = sessions(mic, max(begin, covered(mic)[0]), end)
        days, closes = own.days, own.close_utc
    settled = days[closes + SETTLED_AFTER <= now]
    return settled[-1] if len(settled) else None


def rows_of(
    fetched: Fetched, request: Request, held: StoredLine | None
) -> pd.DataFrame:
    """Return the rows of the store that say what arrived of a line.

    What is held of the days that the answer covers, and the answer does not say any
    more, is withdrawn. The first day asked for is a row of its own.
    """
    days = pd.DatetimeIndex(fetched.frame.index)
    acted = pd.DatetimeIndex(fetched.actions["session"])
    rows = price_rows(
        fetched.symbol,
        fetched.frame,
        unit=fetched.currency,
        known_at=_known_at(days, request.mic),
        actions=fetched.actions,
        actions_known_at=_known_at(acted, request.mic),
    )
    paid = (rows["series"] == DIVIDEND).to_numpy()
    rows["unit"] = np.where(paid, fetched.dividend_currency, rows["unit"])
    rows = rows.assign(quality="observed")
    since = request.start if fetched.whole else days[0].date()
    gone = _withdrawn(rows, held, since, days[-1])
    return pd.concat([rows, gone, _asked(request)], ignore_index=True)


def _known_at(days: pd.DatetimeIndex, mic: str) -> np.ndarray:
    """Return when the bars of these days are complete, UTC."""
    return session_ends(days, mic) if mic else FX_FIX.moments(days)


def _withdrawn(
    rows: pd.DataFrame, held: StoredLine | None, since: dt.date, until: pd.Timestamp
) -> pd.DataFrame:
    """Return rows that take back what is held of a period and not among `rows`."""
    if held is None:
        return rows.iloc[:0]
    before = held.rows[held.rows["value_date"].between(pd.Timestamp(since), until)]
    before = before[before["series"] != ASKED]
    told = pd.MultiIndex.from_frame(rows[KEY])
    gone = before[~pd.MultiIndex.from_frame(before[KEY]).isin(told)]
    return gone[list(rows.columns)].assign(value=0.0, quality=WITHDRAWN)


def _changed(rows: pd.DataFrame, held: StoredLine | None) -> int:
    """Return how many closes that are held are said with another value."""
    if held is None:
        return 0
    both = rows.merge(held.rows, on=KEY, suffixes=("", "_before"))
    both = both[(both["series"] == CLOSE) & (both["quality"] != WITHDRAWN)]
    return int((both["value"] != both["value_before"]).sum())


def _endings(
    arrived: Sequence[Fetched],
    due: Sequence[Request],
    end: dt.date,
    now: np.datetime64,
) -> Iterator[Finding]:
    """Yield the lines whose bars end well before the period, or now, does."""
    mics = {one.symbol: one.mic for one in due}
    for one in arrived:
        last = one.frame.index[-1]
        settled = last_settled(
            mics[one.symbol], min(end, pd.Timestamp(now).date()), now
        )
        if settled is not None and settled - last > ENDED:
            yield Finding(
                severity="warning",
                where=one.symbol,
                what=f"Yahoo's bars end on {last.date()}, before {settled.date()}",
                action="delisted, suspended, or a feed that has ended; see its page",
                last=str(last.date()),
            )


def _asked(request: Request) -> pd.DataFrame:
    """Return the row that says from which day on a line was asked for."""
    day = pd.Timestamp(request.start).as_unit("ns")
    row = {
        "series": ASKED,
        "line": request.symbol,
        "value_date": day,
        "known_at": day,
        "value": 1.0,
        "unit": "",
        "quality": "observed",
    }
    return pd.DataFrame([row])


def _continued(request: Request, held: StoredLine | None, *, whole: bool) -> Request:
    """Return the request for what is new, where the past is held from its start on."""
    if held is None or held.asked_from is None or held.asked_from > request.start:
        return request
    if whole:
        return replace(request, start=held.asked_from)
    splits = held.actions[held.actions["kind"] == "split"].set_index("session")
    have = Held(
        close=held.frame["close"],
        splits=splits["value"],
        adj_close=held.frame.get("adj_close"),
    )
    return replace(request, start=held.asked_from, held=have)


def _check_complete(missed: Sequence[Missed], asked: int) -> None:
    """Raise `DataError` if lines are missing that another try may bring."""
    late = [one for one in missed if one.kind in TRANSIENT]
    rest = [one for one in missed if one.kind == "not_asked"]
    if late or rest:
        why = _reasons(late)
        more = f"; {len(rest)} more were then not asked for" if rest else ""
        raise DataError(
            f"{len(late) + len(rest)} of {asked} lines did not come: {why}{more}. "
            "What came is kept; try again in some minutes, or use what is held with "
            "--offline"
        )


def _reasons(missed: Sequence[Missed]) -> str:
    """Return why lines did not come, each reason once with its lines."""
    lines: dict[str, list[str]] = {}
    for one in missed:
        what = one.what.removeprefix(f"{one.symbol}: ")
        lines.setdefault(what, []).append(one.symbol)
    return at_most((f"{at_most(names, 3)}: {what}" for what, names in lines.items()), 3)


def _left_out(missed: Missed) -> Finding:
    """Return the finding for a line that Yahoo does not have as it was asked for."""
    wrong = missed.kind in ("currency", "calendar")
    return Finding(
        severity="error" if wrong else "warning",
        where=missed.symbol,
        what=missed.what.removeprefix(f"{missed.symbol}: "),
        action="not stored"
        if wrong
        else "not stored; check the symbol on Yahoo's site",
    )
