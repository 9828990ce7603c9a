"""Prices as the store holds them: what one source said, as of one vintage."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most, nearest
from engine.interfaces import PriceData
from engine.market.currency import Fixings
from engine.market.listing import Line
from engine.market.market import Finding, Origin, Vintage
from engine.sources.files_table import combined_digest
from engine.sources.price_rows import ACTIONS, FIELDS, PREFIX
from engine.sources.store import Moment, Store
from engine.sources.yahoo_returns import total_return_frame
from engine.sources.yahoo_symbols import fx_symbol, yahoo_symbol

#: The source whose closes are divided by splits only: total returns are computed.
YAHOO = "yahoo"
#: The first day that a line was asked for, as its own value date.
ASKED = PREFIX + "asked"
DIVIDEND = PREFIX + "dividend"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredLine:
    """What the store holds of one line or currency pair.

    `frame` has those of the columns `FIELDS` that are there, on a session index;
    `known_at` (shape (len(frame),)) is when each bar was complete; `actions` has the
    columns ``session, kind, value``. `currency` is that of the prices, and
    `dividend_currency` that of the dividends. `asked_from` is the first day that a
    fetch asked for (None: imported). `rows` are the rows of the store themselves.
    """

    symbol: str
    frame: pd.DataFrame
    known_at: np.ndarray
    actions: pd.DataFrame
    currency: str
    dividend_currency: str
    asked_from: dt.date | None
    rows: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredPrices:
    """Prices of one source from the store; the network is never touched.

    `base` is the study's currency, whose rate is read beside those of the lines.
    `vintage` is a moment (UTC): only what had been stored by then counts.
    """

    store: Store
    source: str = YAHOO
    base: str = "USD"
    vintage: np.datetime64 | None = None

    def load(self, lines: Sequence[Line], start: dt.date, end: dt.date) -> PriceData:
        """Return the bars of the lines from `start` to `end`, and their rates.

        A line that the store does not have, or has in another currency than declared,
        is left out and named in the findings.

        Raises
        ------
        DataError
            The store has none of the lines from this source, or is damaged.
        """
        names = {self._symbol(line): line for line in lines}
        pairs = {
            fx_symbol(currency): currency
            for currency in sorted({self.base, *(line.currency for line in lines)})
            if currency != "USD"
        }
        wanted = [*names, *pairs]
        vintage = vintage_of(self.store, self.vintage)
        held = read_lines(
            self.store, wanted, source=self.source, vintage=vintage.moment
        )
        found: list[Finding] = []
        frames: dict[str, pd.DataFrame] = {}
        for name, line in names.items():
            if name not in held:
                if line.listed is None or line.listed <= end:
                    found.append(self._absent(line.symbol))
                continue
            frame, notes = self._frame(held[name], line, start, end)
            found += notes
            if frame is not None:
                frames[line.symbol] = frame
        if not frames:
            raise DataError(self._nothing(lines, found))
        fixings = {}
        for pair, currency in pairs.items():
            if pair in held:
                fixings[currency] = _fixings(held[pair], start, end)
        return PriceData(
            frames=frames,
            fixings=fixings,
            origin=self._origin(frames, fixings, vintage),
            findings=tuple(found),
        )

    def _symbol(self, line: Line) -> str:
        """Return the name under which the source keeps a line."""
        if self.source == YAHOO:
            return yahoo_symbol(line.symbol, line.mic)
        return line.symbol

    def _frame(
        self, held: StoredLine, line: Line, start: dt.date, end: dt.date
    ) -> tuple[pd.DataFrame | None, list[Finding]]:
        """Return what a study reads of a line, None where it cannot, and why."""
        if held.currency != line.currency:
            return None, [_other_currency(line, held.currency)]
        inside = slice(pd.Timestamp(start), pd.Timestamp(end))
        frame = held.frame.loc[inside]
        if len(frame) == 0:
            return None, [_no_price(line, start, end)]
        session = held.actions["session"]
        until = (session >= frame.index[0]) & (session <= frame.index[-1])
        actions = held.actions[until].reset_index(drop=True)
        found = [*_begins_late(held, line, start), *_foreign(held, line)]
        if self.source == YAHOO:
            frame, notes = total_return_frame(line.symbol, frame, actions)
            found += notes
            # its closes are divided by all splits: none is left to explain a move
            actions = actions[actions["kind"] != "split"]
        return with_actions(frame, actions), found

    def _origin(
        self,
        frames: Mapping[str, pd.DataFrame],
        fixings: Mapping[str, Fixings],
        vintage: Vintage,
    ) -> Origin:
        digests = [(symbol, _digest(frame)) for symbol, frame in frames.items()]
        digests += [
            (one.source, _bytes_digest(one.fixed_utc, one.per_usd))
            for one in fixings.values()
        ]
        return Origin(
            name=YAHOO if self.source == YAHOO else f"store:{self.source}",
            simulated=False,
            digest=combined_digest(digests),
            detail=f"{self.source} in the store, as of {vintage.moment} UTC: "
            f"{len(frames)} lines, {len(fixings)} currencies",
            vintage=vintage,
        )

    def _absent(self, symbol: str) -> Finding:
        bring = "assay data fetch" if self.source == YAHOO else "assay data import"
        return Finding(
            severity="warning",
            where=symbol,
            what=f"the store holds no price of it from {self.source}",
            action=f"left out; bring it with {bring}",
        )

    def _nothing(self, lines: Sequence[Line], found: Sequence[Finding]) -> str:
        """Return the message where there is no line at all."""
        bring = (
            "fetch them with assay data fetch THESIS"
            if self.source == YAHOO
            else "import them with assay data import, or see assay data status"
        )
        if self.vintage is not None:
            moments = [batch.ingested_at for batch in self.store.manifest()]
            first = f"{min(moments):%Y-%m-%d %H:%M}" if moments else ""
            bring = f"its first rows came at {first} UTC" if first else "it is empty"
        elif kept := self._others():
            bring += f"; prices are kept from {at_most(kept)}. " + nearest(
                self.source, kept
            )
        wrong = [f"{one.where}: {one.what}" for one in found if one.severity == "error"]
        why = f" ({at_most(wrong, 3)})" if wrong else ""
        return (
            f"the store in {self.store.folder} has no price from {self.source} of any "
            f"of {len(lines)} lines{self._by()}{why}; {bring}".strip()
        )

    def _others(self) -> list[str]:
        """Return the other sources of which the store has prices."""
        kept = self.store.status()
        priced = kept[kept["series"].str.startswith(PREFIX)]
        return sorted({str(name) for name in priced["source"]} - {self.source})

    def _by(self) -> str:
        return "" if self.vintage is None else f" stored by {_minute(self.vintage)} UTC"


def vintage_of(store: Store, by: np.datetime64 | None) -> Vintage:
    """Return the last moment of ingestion by `by`, and the digest of all until then."""
    moments = [batch.ingested_at.to_datetime64() for batch in store.manifest()]
    until = [moment for moment in moments if by is None or moment <= by]
    last = until[-1] if until else (by or np.datetime64("1970-01-01", "ns"))
    return Vintage(moment=str(last), sha256=store.vintage(last))


def read_lines(
    store: Store,
    symbols: Sequence[str],
    *,
    source: str,
    vintage: Moment | None = None,
) -> dict[str, StoredLine]:
    """Return what the store holds of these lines, as one source said it."""
    series = [PREFIX + name for name in (*FIELDS, *ACTIONS)]
    rows = store.read(
        series=[*series, ASKED], lines=symbols, source=source, vintage=vintage
    )
    return {
        str(symbol): line
        for symbol, own in rows.groupby("line", sort=False)
        if (line := _line(str(symbol), own)) is not None
    }


def with_actions(frame: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns `dividend` and `split` where there are any.

    A dividend or split on a day without a row counts on the next one; one after the
    last row is not known yet. Dividends of one day add up, splits multiply.
    """
    columns = {}
    for kind in ("dividend", "split"):
        own = actions[actions["kind"] == kind]
        place = frame.index.searchsorted(pd.DatetimeIndex(own["session"]))
        inside = place < len(frame)
        if inside.any():
            values = own["value"].to_numpy(np.float64)[inside]
            column = np.zeros(len(frame))
            if kind == "dividend":
                np.add.at(column, place[inside], values)
            else:
                for row, ratio in zip(place[inside], values, strict=True):
                    column[row] = (column[row] or 1.0) * ratio
            columns[kind] = column
    return frame.assign(**columns)


def _line(symbol: str, rows: pd.DataFrame) -> StoredLine | None:
    """Return a line from its rows, None where none of them is a price."""
    name = rows["series"].str.removeprefix(PREFIX)
    kinds = {str(kind): part for kind, part in rows.groupby(name, sort=False)}
    fields = {
        kind: pd.Series(
            kinds[kind]["value"].to_numpy(), kinds[kind]["value_date"].to_numpy()
        )
        for kind in FIELDS
        if kind in kinds
    }
    if not fields:
        return None
    frame = pd.DataFrame(fields)
    frame.index = pd.DatetimeIndex(frame.index, name="session").as_unit("ns")
    priced = rows[name.isin(FIELDS)]
    known = priced.groupby("value_date")["known_at"].max().reindex(frame.index)
    prices = priced[priced["series"] != PREFIX + "volume"]
    acted = rows[name.isin(ACTIONS)].sort_values(["value_date", "series"])
    paid = kinds.get("dividend")
    asked = kinds.get("asked")
    currency = str(prices["unit"].iloc[-1]) if len(prices) else ""
    return StoredLine(
        symbol=symbol,
        frame=frame,
        known_at=known.to_numpy(),
        actions=pd.DataFrame(
            {
                "session": acted["value_date"].to_numpy(),
                "kind": acted["series"].str.removeprefix(PREFIX).to_numpy(),
                "value": acted["value"].to_numpy(),
            }
        ),
        currency=currency,
        dividend_currency=currency if paid is None else str(paid["unit"].iloc[-1]),
        asked_from=None if asked is None else asked["value_date"].min().date(),
        rows=rows,
    )


def _fixings(held: StoredLine, start: dt.date, end: dt.date) -> Fixings:
    """Return a pair's closes with the moment each became known."""
    column = "close" if "close" in held.frame.columns else "adj_close"
    close = held.frame[column]
    inside = (close.index >= pd.Timestamp(start)) & (close.index <= pd.Timestamp(end))
    inside &= (close > 0.0).to_numpy()
    return Fixings(
        currency=held.currency,
        fixed_utc=held.known_at[inside],
        per_usd=close.to_numpy()[inside],
        source=f"stored {held.symbol}",
    )


def _begins_late(held: StoredLine, line: Line, start: dt.date) -> Iterator[Finding]:
    """Yield that a line was never asked for from the study's first day on."""
    if held.asked_from is not None and held.asked_from > start:
        yield Finding(
            severity="warning",
            where=line.symbol,
            what=f"was fetched from {held.asked_from} on, the study reads from {start}",
            action="unknown before; fetch it again without --offline",
            first=start.isoformat(),
            last=held.asked_from.isoformat(),
        )


def _foreign(held: StoredLine, line: Line) -> Iterator[Finding]:
    """Yield that dividends are stated in another currency than the prices."""
    if held.dividend_currency != held.currency:
        yield Finding(
            severity="error",
            where=line.symbol,
            what=f"dividends in {held.dividend_currency} on prices in {held.currency}",
            action="added as if they were in the line's own currency; leave the line "
            "out, or give its prices as a file",
        )


def _other_currency(line: Line, stored: str) -> Finding:
    return Finding(
        severity="error",
        where=line.symbol,
        what=f"stored in {stored or 'no currency'}, the universe says {line.currency}",
        action="left out; correct the universe's currency, or fetch it again",
    )


def _no_price(line: Line, start: dt.date, end: dt.date) -> Finding:
    return Finding(
        severity="warning",
        where=line.symbol,
        what=f"no stored price between {start} and {end}",
        action="left out",
    )


def _minute(moment: np.datetime64) -> str:
    return f"{pd.Timestamp(moment):%Y-%m-%d %H:%M}"


def _digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a frame's columns, days and numbers."""
    return _bytes_digest(
        frame.index.to_numpy().astype("datetime64[ns]"),
        np.ascontiguousarray(frame.to_numpy(np.float64)),
        " ".join(frame.columns),
    )


def _bytes_digest(days: np.ndarray, values: np.ndarray, names: str = "") -> str:
    content = names.encode() + days.tobytes() + values.tobytes()
    return hashlib.sha256(content).hexdigest()
