"""The registry of claim tests: one module each, listed here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.evidence.claims import (
    event_contrast,
    event_sign,
    layer_spread,
    sharpe_difference,
    signal_threshold,
)
from engine.evidence.claims.context import ClaimTest

CLAIM_TESTS: Mapping[str, ClaimTest] = MappingProxyType(
    {
        test.name: test
        for test in (
            event_contrast.TEST,
            event_sign.TEST,
            layer_spread.TEST,
            sharpe_difference.TEST,
            signal_threshold.TEST,
        )
    }
)
