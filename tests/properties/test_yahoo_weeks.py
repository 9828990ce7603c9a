"""A year of weekly fetches: the store is what Yahoo says, and remembers."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.market.calendar import sessions
from engine.market.listing import Line
from engine.sources.store import Store
from engine.sources.stored_prices import YAHOO, StoredPrices, read_lines
from engine.sources.yahoo_fetch import Client
from engine.sources.yahoo_returns import total_return_index
from engine.sources.yahoo_store import Kept, YahooPrices
from tests.yahoo_server import Quote, forget_everything, loopback_session, serve

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:yfinance")

START, END = dt.date(2023, 1, 3), dt.date(2023, 12, 29)
WEEKS = 52
LINES = [
    Line(symbol=name, entity=name.lower(), mic="XNAS", currency="USD")
    for name in ("PAYS", "SPLITS", "PLAIN")
]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    forget_everything()
    yield
    forget_everything()


@dataclass
class Company:
    """A line as it traded, and what Yahoo says of it on a day."""

    days: list[dt.date]
    traded: np.ndarray
    paid: np.ndarray
    split: np.ndarray
    late: dict[dt.date, dt.date] = field(default_factory=dict)
    gone: dict[dt.date, dt.date] = field(default_factory=dict)
    wrong: dict[dt.date, tuple[dt.date, float]] = field(default_factory=dict)

    def told(self, today: dt.date) -> Quote:
        """All past prices divided by every split until today; late bars are absent."""
        until = sum(day <= today for day in self.days)
        split, days = self.split[:until], self.days[:until]
        later = np.concatenate([np.cumprod(split[::-1])[::-1][1:], [1.0]])
        closes, paid = self.traded[:until] / later, self.paid[:until] / later
        shown: dict[dt.date, float | None] = {}
        for day, close in zip(days, closes, strict=True):
            absent = today < self.late.get(day, day) or today >= self.gone.get(
                day, dt.date.max
            )
            corrected, factor = self.wrong.get(day, (day, 1.0))
            shown[day] = (
                None if absent else close * (factor if today < corrected else 1)
            )
        given = np.array([np.nan if c is None else c for c in shown.values()])
        adjusted = total_return_index(given, paid)
        return Quote(
            bars=shown,
            adjusted={
                day: float(one)
                for day, one in zip(days, adjusted, strict=True)
                if one == one
            },
            dividends={d: float(p) for d, p in zip(days, paid, strict=True) if p},
            splits={d: (r, 1.0) for d, r in zip(days, split, strict=True) if r != 1},
        )


def company(name: str, rng: np.random.Generator) -> Company:
    days = [day.date() for day in sessions("XNYS", START, END).days]
    n = len(days)
    traded = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, n)))
    paid, split = np.zeros(n), np.ones(n)
    if name == "PAYS":
        paid[rng.choice(np.arange(5, n), 8, replace=False)] = 0.4
    if name == "SPLITS":
        for at, ratio in zip(
            rng.choice(np.arange(5, n), 2, False), (4.0, 0.5), strict=True
        ):
            split[at] = ratio
            traded[at:] /= ratio
    made = Company(days=days, traded=traded, paid=paid, split=split)
    quiet = [k for k in range(10, n - 10) if not paid[k - 1 : k + 2].any()]
    for k in rng.choice(quiet, 12, replace=False):
        seen_again = days[k] + dt.timedelta(days=8)
        choice = int(rng.integers(3))
        if choice == 0:
            made.late[days[k]] = seen_again
        elif choice == 1:
            made.gone[days[k]] = seen_again
        else:
            made.wrong[days[k]] = (seen_again, 1.01)
    return made


@pytest.mark.parametrize("seed", [1, 2])
def test_the_store_follows_yahoo_and_remembers(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = {line.symbol: company(line.symbol, rng) for line in LINES}
    store = Store(tmp_path / "store")
    then: list[tuple[str, dict[str, pd.DataFrame]]] = []
    with serve({}) as yahoo, loopback_session(yahoo) as session:
        for week in range(1, WEEKS + 1):
            today = START + dt.timedelta(weeks=week)
            yahoo.quotes = {name: one.told(today) for name, one in world.items()}
            forget_everything()
            client = _client(session, today)
            source = YahooPrices(store=store, client=client)
            source.gather(LINES, START, END)
            if week % 6 == 0:
                given = source.stored.load(LINES, START, END)
                assert given.origin.vintage is not None
                then.append((given.origin.vintage.moment, dict(given.frames)))
        asked = len(yahoo.charts)
        fresh = Store(tmp_path / "fresh")
        YahooPrices(store=fresh, client=client).gather(LINES, START, END)
        _same(store, fresh)
        # most weeks cost one request a line; a dividend or split costs one more
        assert asked < 1.2 * WEEKS * len(LINES)
    for moment, frames in then:
        vintage = np.datetime64(moment, "ns")
        again = StoredPrices(store=store, vintage=vintage).load(LINES, START, END)
        for name, frame in frames.items():
            pd.testing.assert_frame_equal(again.frames[name], frame, rtol=0, atol=0)


def test_an_old_correction_is_seen_by_a_whole_fetch(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    one = company("PLAIN", rng)
    today = END + dt.timedelta(days=3)
    one.wrong = {one.days[100]: (dt.date(2024, 6, 1), 1.01)}
    store, line = Store(tmp_path / "store"), [LINES[2]]
    with serve({"PLAIN": one.told(today)}) as yahoo, loopback_session(yahoo) as session:
        source = YahooPrices(store=store, client=_client(session, today))
        source.gather(line, START, END)
        yahoo.quotes = {"PLAIN": one.told(dt.date(2024, 7, 1))}
        forget_everything()
        assert source.gather(line, START, END).stored == {}
        assert source.gather(line, START, END, whole=True).stored == {
            "PLAIN": Kept(rows=5, changed=1, withdrawn=0)
        }
        fresh = Store(tmp_path / "fresh")
        YahooPrices(store=fresh, client=source.client).gather(line, START, END)
        _same(store, fresh, line)


def _client(session: object, today: dt.date) -> Client:
    at_night = np.datetime64(today, "ns") + np.timedelta64(23, "h")
    client = Client(session=session)
    return dataclasses.replace(client, session=session, now=lambda: at_night)


def _same(store: Store, fresh: Store, lines: list[Line] = LINES) -> None:
    names = [line.symbol for line in lines]
    held = read_lines(store, names, source=YAHOO)
    new = read_lines(fresh, names, source=YAHOO)
    assert held.keys() == new.keys() == set(names)
    for name in names:
        pd.testing.assert_frame_equal(held[name].frame, new[name].frame, rtol=0, atol=0)
        pd.testing.assert_frame_equal(
            held[name].actions, new[name].actions, rtol=0, atol=0
        )
