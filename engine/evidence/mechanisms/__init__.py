"""The registry of mechanisms: one module each, listed here.

A module says its formula, gives its inputs as a dataclass of numbers and a function
from them to an `Outcome`. To add one, write such a module and name it here; a thesis
can then use it as the `kind` of a ``[[mechanisms]]`` table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.evidence.mechanisms.growth_parts import MARKET, SHARE
from engine.evidence.mechanisms.hbm_ceiling import KIND as HBM_CEILING
from engine.evidence.mechanisms.mechanism import Kind
from engine.evidence.mechanisms.supply_leg import KIND as SUPPLY_LEG
from engine.evidence.mechanisms.workload_mix import KIND as WORKLOAD_MIX

MECHANISMS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (HBM_CEILING, SUPPLY_LEG, MARKET, SHARE, WORKLOAD_MIX)}
)
