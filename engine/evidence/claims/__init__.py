"""The registry of claim tests: one module each, listed here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.evidence.claims.context import ClaimTest
from engine.evidence.claims.event_contrast import TEST as EVENT_CONTRAST
from engine.evidence.claims.event_sign import TEST as EVENT_SIGN
from engine.evidence.claims.layer_spread import TEST as LAYER_SPREAD
from engine.evidence.claims.sharpe_difference import TEST as SHARPE_DIFFERENCE
from engine.evidence.claims.signal_threshold import TEST as SIGNAL_THRESHOLD

CLAIM_TESTS: Mapping[str, ClaimTest] = MappingProxyType(
    {
        test.name: test
        for test in (
            EVENT_CONTRAST,
            EVENT_SIGN,
            LAYER_SPREAD,
            SHARPE_DIFFERENCE,
            SIGNAL_THRESHOLD,
        )
    }
)
