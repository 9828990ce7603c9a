"""Markets for the ledger's benchmark: one clock and dollars, or five exchanges."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from engine.costs.charges import schedule_for
from engine.ledger.tape import Tape, record
from engine.market.bars import Bars, RawBars
from engine.market.calendar import Sessions
from engine.market.currency import Currencies, Fixings
from engine.market.homeview import build_home_view
from engine.market.listing import Line
from engine.market.market import Market, Origin
from engine.market.signals import COLUMNS, Signals
from engine.thesis.model import Charge, Execution

#: Open and close in UTC, the currency and its rate, how lines are called.
VENUES = {
    "XNYS": ("14:30", "21:00", "USD", 1.0, "N{:03d}"),
    "XHKG": ("01:30", "08:00", "HKD", 7.8, "{:04d}.HK"),
    "XSHG": ("01:30", "07:00", "CNY", 7.1, "6{:05d}.SS"),
    "XSHE": ("01:30", "07:00", "CNY", 7.1, "0{:05d}.SZ"),
    "XKRX": ("00:00", "06:30", "KRW", 1350.0, "{:06d}.KS"),
}
PLAIN = Execution(capital=1e6, slippage_bps=10.0, fees="none")
EVERYTHING = Execution(
    capital=1e8,
    slippage_bps=5.0,
    half_spread_bps=5.0,
    fees="exchange",
    fx_spread_bps=5.0,
    cash_rate=0.03,
    overdraft_rate=0.06,
    cash_rates={"HKD": 0.02, "CNY": 0.01, "KRW": 0.02},
    impact=0.7,
    max_participation=0.2,
    short_margin=1.5,
    borrow_rate=0.02,
    charges=(Charge(item="commission", markets=tuple(VENUES), rate=1e-4, minimum=5.0),),
)


def paths(rng: np.random.Generator, sessions: int, assets: int) -> np.ndarray:
    """Return closing prices (T, N) of a random walk."""
    moves = rng.normal(0.0002, 0.01, (sessions, assets))
    prices: np.ndarray = 100.0 * np.exp(np.cumsum(moves, axis=0))
    return prices


def plain_tape(price: np.ndarray) -> Tape:
    """Return one exchange in dollars, all lines traded every day, 10 bps."""
    days = pd.bdate_range("2005-01-03", periods=len(price))
    names = [f"A{number:03d}" for number in range(price.shape[1])]
    close = pd.DataFrame(price, index=_index(days), columns=names)
    lines = [Line(symbol=s, entity=s, mic="XNYS", currency="USD") for s in names]
    bars = Bars(
        sessions=_sessions("XNYS", days),
        price=close,
        open=close * np.nan,
        flat=close.isna(),
    )
    return _tape({"XNYS": bars}, lines, Currencies(fixings={}), PLAIN)


def full_tape(rng: np.random.Generator, sessions: int, assets: int) -> Tape:
    """Return five exchanges at raw prices with everything that can happen on them."""
    days = pd.bdate_range("2019-06-05", periods=sessions)
    bars, lines, fixings = {}, [], {}
    for mic, (_, _, currency, rate, name) in VENUES.items():
        count = assets // len(VENUES)
        names = [name.format(number) for number in range(count)]
        lines += [Line(symbol=s, entity=s, mic=mic, currency=currency) for s in names]
        kept = days[rng.random(sessions) > 0.03]  # its own holidays
        if mic == "XNYS":
            kept = days
        bars[mic] = _raw_bars(rng, mic, kept, names)
        if currency != "USD":
            walk = rate * np.exp(np.cumsum(rng.normal(0, 0.003, sessions)))
            fixings[currency] = Fixings(
                currency=currency,
                fixed_utc=(_index(days) - pd.Timedelta("10:45:00")).to_numpy(),
                per_usd=walk,
            )
    return _tape(bars, lines, Currencies(fixings=fixings), EVERYTHING)


def _raw_bars(
    rng: np.random.Generator, mic: str, days: pd.DatetimeIndex, names: list[str]
) -> Bars:
    """Return bars with dividends four times a year, a split now and then, gaps."""
    shape = (len(days), len(names))
    earned = paths(rng, *shape)
    dividend, split = np.zeros(shape), np.ones(shape)
    ex = np.arange(60, len(days), 63)
    dividend[ex] = 0.002 * earned[ex]
    became = rng.random(shape) < 1 / 2520
    split[became] = 2.0
    close = earned / np.cumprod(split, axis=0)
    close[rng.random(shape) < 0.01] = np.nan

    def panel(values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=_index(days), columns=names)

    return Bars(
        sessions=_sessions(mic, days),
        price=panel(earned * np.where(np.isnan(close), np.nan, 1.0)),
        open=panel(np.full(shape, np.nan)),
        flat=panel(np.zeros(shape)) > 0.0,
        turnover=panel(_turnover(rng, shape) * VENUES[mic][3]),
        raw=RawBars(
            close=panel(close),
            open=panel(np.full(shape, np.nan)),
            dividend=panel(dividend / np.cumprod(split, axis=0)),
            split=panel(split),
        ),
    )


def _turnover(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return dollars traded a day: 30 million in the median line, log-normal."""
    size = 3e7 * np.exp(rng.normal(0.0, 1.0, shape[1]))
    return size * rng.uniform(0.5, 2.0, shape)


def _index(days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return days.as_unit("ns").rename("session")


def _sessions(mic: str, days: pd.DatetimeIndex) -> Sessions:
    opens, closes, *_ = VENUES[mic]
    index = _index(days)
    return Sessions(
        mic=mic,
        days=index,
        open_utc=(index + pd.Timedelta(f"{opens}:00")).to_numpy(),
        close_utc=(index + pd.Timedelta(f"{closes}:00")).to_numpy(),
    )


def _tape(
    bars: dict[str, Bars], lines: list[Line], rates: Currencies, terms: Execution
) -> Tape:
    """Return the tape of a market without signals, home in New York."""
    origin = Origin(name="benchmark", simulated=True, digest="")
    by_calendar = _by_calendar(bars)
    home = bars["XNYS"].sessions
    market = Market(
        lines={line.symbol: line for line in lines},
        bars=by_calendar,
        home=build_home_view(home, by_calendar, lines, rates, "USD"),
        currencies=rates,
        signals=Signals(observations=pd.DataFrame(columns=list(COLUMNS))),
        coverage=pd.DataFrame(),
        findings=(),
        prices_origin=origin,
        signals_origin=origin,
    )
    return record(
        market,
        lines,
        execution=terms,
        base="USD",
        schedule=schedule_for(terms),
        start=dt.date(2000, 1, 1),
        end=dt.date(2100, 1, 1),
    )


def _by_calendar(bars: dict[str, Bars]) -> dict[str, Bars]:
    """Return bars by calendar: Shanghai and Shenzhen share one, side by side."""
    if "XSHE" not in bars:
        return bars
    first, other = bars["XSHG"], bars["XSHE"]
    days = first.sessions.days

    def joined(one: pd.DataFrame, two: pd.DataFrame, blank: object) -> pd.DataFrame:
        return pd.concat([one, two.reindex(days, fill_value=blank)], axis=1)

    assert first.raw is not None
    assert other.raw is not None
    assert first.turnover is not None
    assert other.turnover is not None
    both = Bars(
        sessions=first.sessions,
        price=joined(first.price, other.price, np.nan),
        open=joined(first.open, other.open, np.nan),
        flat=joined(first.flat, other.flat, False),
        turnover=joined(first.turnover, other.turnover, np.nan),
        raw=RawBars(
            close=joined(first.raw.close, other.raw.close, np.nan),
            open=joined(first.raw.open, other.raw.open, np.nan),
            dividend=joined(first.raw.dividend, other.raw.dividend, 0.0),
            split=joined(first.raw.split, other.raw.split, 1.0),
        ),
    )
    return {mic: both if mic == "XSHG" else one for mic, one in bars.items()
            if mic != "XSHE"}  # fmt: skip
