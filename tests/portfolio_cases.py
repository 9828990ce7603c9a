"""Small worlds for the tests of the portfolio: prices without a calendar or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engine.interfaces import Absent, AssetReading, StateReading
from engine.market.calendar import Sessions
from engine.market.homeview import HomeView
from engine.market.listing import Line
from engine.market.market import Known
from engine.market.signals import COLUMNS, Signals
from engine.portfolio.constraints import Limits
from engine.portfolio.rules import Position, Rules, limits_at, traits
from engine.thesis.model import Leg, Thesis

LAYERS = ("compute", "memory", "cloud", "labs")


CURRENCY = {"XNYS": "USD", "XHKG": "HKD", "XSHG": "CNY", "XKRX": "KRW"}


def lines(
    symbols: Sequence[str], mics: Sequence[str] | None = None
) -> tuple[Line, ...]:
    return tuple(
        Line(symbol=symbol, entity=symbol, mic=mic, currency=CURRENCY[mic])
        for symbol, mic in zip(symbols, mics or ["XNYS"] * len(symbols), strict=True)
    )


def known(
    returns: np.ndarray, symbols: Sequence[str], age: Mapping[str, int] | None = None
) -> Known:
    """Return a world of dollar prices; a NaN return is a session without a close."""
    count = len(returns)
    days = pd.bdate_range("2020-01-01", periods=count, name="session").as_unit("ns")
    close = (days + pd.Timedelta(hours=21)).to_numpy(dtype="datetime64[ns]")
    fresh = np.isfinite(returns)
    price = 100.0 * np.cumprod(1.0 + np.where(fresh, returns, 0.0), axis=0)
    price = np.where(np.cumsum(fresh, axis=0) > 0, price, np.nan)
    ages = pd.DataFrame(0.0, index=days, columns=list(symbols))
    for symbol, sessions in (age or {}).items():
        ages[symbol] = float(sessions)
    home = HomeView(
        sessions=Sessions(mic="XNYS", days=days, open_utc=close, close_utc=close),
        price=pd.DataFrame(price, index=days, columns=list(symbols)),
        age=ages,
        fresh=pd.DataFrame(fresh, index=days, columns=list(symbols)),
        fx=pd.DataFrame({"USD": np.ones(count)}, index=days),
        currency=pd.Series("USD", index=list(symbols)),
        base="USD",
    )
    return Known(
        moment=close[-1],
        home=home,
        bars={},
        signals=Signals(observations=pd.DataFrame(columns=list(COLUMNS))),
        lines={line.symbol: line for line in lines(symbols)},
    )


def thesis(barbell: Mapping[str, Mapping[str, object]], **portfolio: object) -> Thesis:
    return Thesis.model_validate(
        {
            "thesis": {
                "id": "case",
                "title": "A case",
                "start": "2020-01-02",
                "end": "2021-12-30",
            },
            "barbell": barbell,
            "portfolio": {"min_history": 60, **portfolio},
        }
    )


def limits(
    layers: Sequence[str],
    legs: Mapping[str, tuple[tuple[str, ...], tuple[float, float]]],
    *,
    held: Sequence[float] | None = None,
    tradeable: Sequence[bool] | None = None,
    forced: Sequence[bool] | None = None,
    held_out: Mapping[str, str] | None = None,
    max_weight: float = 0.10,
    cash: tuple[float, float] = (0.0, 1.0),
    max_turnover: float | None = None,
    layer_limits: Mapping[str, tuple[float, float]] | None = None,
    mics: Sequence[str] | None = None,
    betas: Sequence[float] | None = None,
    **more: object,
) -> Limits:
    """Return limits over assets A00, A01, ... of these layers."""
    count = len(layers)
    assets = [f"A{place:02d}" for place in range(count)]
    weights = np.zeros(count) if held is None else np.array(held, dtype=np.float64)
    return limits_at(
        Rules(
            legs={
                name: Leg(layers=leg_layers, weight=weight)
                for name, (leg_layers, weight) in legs.items()
            },
            layers=layer_limits or {},
            max_weight=max_weight,
            cash=cash,
            max_turnover=max_turnover,
            **more,
        ),
        assets,
        traits(
            lines(assets, mics),
            dict(zip(assets, layers, strict=True)),
            None if betas is None else np.array(betas, dtype=np.float64),
        ),
        Position(
            held=weights,
            cash=1.0 - float(weights.sum()),
            tradeable=np.ones(count, bool)
            if tradeable is None
            else np.array(tradeable, dtype=bool),
            forced=np.zeros(count, bool)
            if forced is None
            else np.array(forced, dtype=bool),
            held_out=held_out or {},
        ),
    )


class Across:
    """An asset factor with given values, all known `age_days` ago."""

    def __init__(self, values: Mapping[str, float], age_days: float = 0.0) -> None:
        self.values = pd.Series(dict(values), dtype=np.float64)
        self.age = pd.Timedelta(days=age_days)

    def read(self, known: Known, assets: Sequence[str]) -> AssetReading | Absent:
        values = self.values.reindex(list(assets))
        moment = pd.Timestamp(known.moment) - self.age
        return AssetReading(
            values=values, known_at=pd.Series(moment, index=values.index)
        )


class Over:
    """A state factor with a given past, one value a week, the last `age_days` ago."""

    def __init__(self, past: Sequence[float], age_days: float = 0.0) -> None:
        self.past = list(past)
        self.age = pd.Timedelta(days=age_days)

    def history(self, known: Known) -> StateReading | Absent:
        last = pd.Timestamp(known.moment) - self.age
        index = pd.date_range(end=last, periods=len(self.past), freq="7D")
        return StateReading(values=pd.Series(self.past, index=index.as_unit("ns")))


class Silent:
    """A factor of either kind that cannot speak."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def read(self, known: Known, assets: Sequence[str]) -> AssetReading | Absent:
        return Absent(reason=self.reason)
