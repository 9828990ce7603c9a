"""The catalogue of factors: names in a thesis file -> frozen dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType

from engine.errors import UsageError, at_most, nearest
from engine.interfaces import AssetFactor, StateFactor
from factors.adoption import VendorShare
from factors.capex import CapexGrowth
from factors.concentration import UsageConcentration
from factors.price import PriceDecay
from factors.risk import Volatility
from factors.trend import PriceMomentum
from factors.usage import DollarTokenGap, TokenGrowth, TokenShareMomentum

#: What is known at a moment -> one number per asset.
ASSET_FACTORS: Mapping[str, type[AssetFactor]] = MappingProxyType(
    {
        "price_momentum": PriceMomentum,
        "vendor_share": VendorShare,
        "volatility": Volatility,
    }
)

#: What is known at a moment -> one number for the world, with its past.
STATE_FACTORS: Mapping[str, type[StateFactor]] = MappingProxyType(
    {
        "capex_growth": CapexGrowth,
        "dollar_token_gap": DollarTokenGap,
        "price_decay": PriceDecay,
        "token_growth": TokenGrowth,
        "token_share_momentum": TokenShareMomentum,
        "usage_concentration": UsageConcentration,
    }
)


def create(
    name: str, params: Mapping[str, object] | None = None
) -> AssetFactor | StateFactor:
    """Return the catalogue's factor `name` with its parameters set.

    Raises `UsageError` for an unknown name, an unknown parameter or a value out of
    range, naming the nearest right word.
    """
    kind: type[AssetFactor] | type[StateFactor] | None
    kind = ASSET_FACTORS.get(name) or STATE_FACTORS.get(name)
    if kind is None:
        known = [*ASSET_FACTORS, *STATE_FACTORS]
        hint = nearest(name, known) or f"known are {', '.join(sorted(known))}"
        raise UsageError(f"no factor is called {name!r}; {hint}")
    chosen = dict(params or {})
    allowed = parameters(kind)
    unknown = [key for key in chosen if key not in allowed]
    if unknown:
        hint = nearest(unknown[0], allowed) or f"it takes {at_most(allowed) or 'none'}"
        raise UsageError(f"{name} has no parameter {unknown[0]!r}; {hint}")
    build: Callable[..., AssetFactor | StateFactor] = kind
    return build(**chosen)


def parameters(kind: type) -> dict[str, object]:
    """Return a factor type's parameters and their defaults, in the order written."""
    if not is_dataclass(kind):
        return {}
    return {field.name: field.default for field in fields(kind)}


__all__ = ["ASSET_FACTORS", "STATE_FACTORS", "create", "parameters"]
