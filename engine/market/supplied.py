"""What a source supplies, before any calendar is laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from engine.market.currency import Fixings
from engine.market.market import Finding, Origin
from engine.market.signals import Signals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceData:
    """What a price source gives.

    `frames` maps a symbol to a frame on a session index with any of the float columns
    ``open, high, low, close, adj_close, volume``; `fixings` maps a currency to its
    rates against the dollar.
    """

    frames: Mapping[str, pd.DataFrame]
    fixings: Mapping[str, Fixings]
    origin: Origin
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignalData:
    """What a signal source gives; `signals.roles` holds the source's defaults."""

    signals: Signals
    origin: Origin
    findings: tuple[Finding, ...] = ()
