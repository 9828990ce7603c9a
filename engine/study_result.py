"""What a study found, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from engine.evidence.attribution import Attribution
from engine.evidence.beside import Beside
from engine.evidence.kill import no_kill
from engine.evidence.luck import Luck
from engine.evidence.readings import Readings
from engine.evidence.results import Claims, EventStudy
from engine.evidence.scenarios import ScenarioStudy
from engine.evidence.stress import Stress
from engine.ledger.backtest import Backtest
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.portfolio.results import Decision
from engine.portfolio.scoring import WeightedFactor
from engine.thesis.model import Thesis
from engine.thesis.registration import Registration


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Around:
    """The same backtests from 20 sessions before an event to 120 after it.

    nav : (sessions in the window, paths) growth of 1 from the window's first close,
        rows labelled by home sessions relative to the event's home day zero.
    summary : one row per path with total return, worst drawdown and costs, and its
        rank among its own placebo starts.
    fan : (sessions in the window, quantiles) of the first path's growth, begun on every
        placebo date; no rows where there is none.
    """

    event: str
    nav: pd.DataFrame
    summary: pd.DataFrame
    note: str = ""
    fan: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class StudyResult:
    """Everything a study found; every intermediate value is kept.

    decisions : one per rebalance, in time order.
    backtest : the barbell net of costs. baselines : name -> the same ledger on
        benchmarks (``"SPY"``), ``"equal weight"``, ``"inverse volatility"``, one per
        leg (``"infrastructure alone"``), ``"anti-thesis"``, and one per reading of the
        thesis under the name that it has there.
    performance : one row per path and sample (all, in-sample, out-of-sample), metrics
        as columns with ``<metric>_low`` and ``<metric>_high`` 95 % bounds.
    around : event id -> `Around`. overrides : thesis settings replaced by the caller.
    caveats : sentences that every report prints. schedule : the fees applied.
    kill : one row per kill criterion: when it would have stopped the thesis, and what
        that would have cost or saved.
    stress, scenarios : layer scores if a mechanism fails, and scenarios as states that
        can be seen: assumptions, of which nothing else here knows.
    registration : what the register says of the thesis; its dates then stand in
        `thesis` in place of those that the file asserts. None without one.
    luck : the barbell among random ones. readings : how far the thesis's other
        readings are from it.
    factors : those of the thesis, ready to read again (`engine.explain`).
    beside : the same claims of the placebo and of the anti-thesis.
    sensitivity : the headline event's primary tests under other choices.
    """

    thesis: Thesis
    universe: Universe
    market: Market
    assets: tuple[Line, ...]
    decisions: tuple[Decision, ...]
    backtest: Backtest
    baselines: Mapping[str, Backtest]
    around: Mapping[str, Around]
    performance: pd.DataFrame
    attribution: Attribution
    regression: pd.DataFrame
    events: EventStudy
    claims: Claims
    caveats: tuple[str, ...]
    seed: int
    overrides: Mapping[str, str] = field(default_factory=dict)
    notebook: Callable[[StudyResult], str] | None = None
    kill: pd.DataFrame = field(default_factory=no_kill)
    registration: Registration | None = None
    luck: Luck = field(default_factory=Luck)
    readings: Readings = field(default_factory=Readings)
    stress: Stress = field(default_factory=Stress)
    scenarios: ScenarioStudy = field(default_factory=ScenarioStudy)
    factors: tuple[WeightedFactor, ...] = ()
    beside: Beside = field(default_factory=Beside)
    sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def simulated(self) -> bool:
        """Whether any number comes from a simulation."""
        return self.market.simulated

    def _repr_html_(self) -> str | None:
        """Return the short form that a notebook shows."""
        return self.notebook(self) if self.notebook else None
