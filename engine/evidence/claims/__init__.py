"""The registry of claim tests: one module each, listed here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.evidence.claims.context import ClaimTest
from engine.evidence.claims.demand_elasticity import TEST as DEMAND_ELASTICITY
from engine.evidence.claims.event_contrast import TEST as EVENT_CONTRAST
from engine.evidence.claims.event_dispersion import TEST as EVENT_DISPERSION
from engine.evidence.claims.event_sign import TEST as EVENT_SIGN
from engine.evidence.claims.factor_rank_ic import TEST as FACTOR_RANK_IC
from engine.evidence.claims.hedge_beta import TEST as HEDGE_BETA
from engine.evidence.claims.incremental_ratio import TEST as INCREMENTAL_RATIO
from engine.evidence.claims.layer_spread import TEST as LAYER_SPREAD
from engine.evidence.claims.lead_lag import TEST as LEAD_LAG
from engine.evidence.claims.rank_order import TEST as RANK_ORDER
from engine.evidence.claims.saturation import TEST as SATURATION
from engine.evidence.claims.sharpe_difference import TEST as SHARPE_DIFFERENCE
from engine.evidence.claims.signal_threshold import TEST as SIGNAL_THRESHOLD
from engine.evidence.claims.spanning_alpha import TEST as SPANNING_ALPHA
from engine.evidence.claims.trend import TEST as TREND

CLAIM_TESTS: Mapping[str, ClaimTest] = MappingProxyType(
    {
        test.name: test
        for test in (
            DEMAND_ELASTICITY,
            EVENT_CONTRAST,
            EVENT_DISPERSION,
            EVENT_SIGN,
            FACTOR_RANK_IC,
            HEDGE_BETA,
            INCREMENTAL_RATIO,
            LAYER_SPREAD,
            LEAD_LAG,
            RANK_ORDER,
            SATURATION,
            SHARPE_DIFFERENCE,
            SIGNAL_THRESHOLD,
            SPANNING_ALPHA,
            TREND,
        )
    }
)
