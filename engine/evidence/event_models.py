"""What a normal return is: the models an event can choose among."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.evidence.event_tests import Alpha, Array, MarketModel, market_model
from engine.evidence.windows import Flags
from engine.thesis.model import Event

ModelKind = Literal["market", "market_adjusted", "mean_adjusted", "factors", "dimson"]

#: Windows longer than this take an intercept of zero: an extrapolated one decides the
#: answer of a long window.
LONG_WINDOW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelling:
    """The model of an event.

    ``market``: a constant and the benchmark. ``factors``: `others` beside it.
    ``dimson``: the benchmark at t and t - 1 for every asset; the other models have the
    earlier one for assets that trade on other sessions than the regressor, never a
    later one, which would let the window's future into it (Dimson 1979, Journal of
    Financial Economics 7). ``market_adjusted``: the benchmark itself, slope 1 and no
    intercept. ``mean_adjusted``: a constant alone (Brown and Warner 1985, Journal of
    Financial Economics 14). `log`: logarithmic returns.
    """

    benchmark: str
    kind: ModelKind = "market"
    others: tuple[str, ...] = ()
    log: bool = False

    @classmethod
    def of(cls, event: Event, benchmark: str) -> Modelling:
        """Return the model of an event; `benchmark` counts where it names none."""
        return cls(
            benchmark=event.benchmark or benchmark,
            kind=event.model,
            others=event.regressors,
            log=event.returns == "log",
        )

    @property
    def lagged(self) -> bool:
        """Whether every asset has the benchmark of one session earlier."""
        return self.kind == "dimson"

    @property
    def regressors(self) -> tuple[str, ...]:
        """The benchmark and what stands beside it."""
        return (self.benchmark, *self.others)

    def alpha(self, length: int) -> Alpha:
        """Return the intercept that is primary for a window of so many sessions.

        An adjusted model without intercept has zero, a mean has nothing else.
        """
        if self.kind == "mean_adjusted":
            return "estimated"
        if self.kind == "market_adjusted" or length > LONG_WINDOW:
            return "zero"
        return "estimated"

    def uses(self, lagged: Flags) -> Flags:
        """Return which columns each asset estimates a slope of, (n, 2 f).

        `lagged` : (n, f) whether the model has a regressor of one bar earlier too.
        """
        if self.kind in ("market_adjusted", "mean_adjusted"):
            return np.zeros((len(lagged), 2 * lagged.shape[1]), dtype=bool)
        both = np.stack([np.ones_like(lagged), lagged], axis=2)
        return both.reshape(len(lagged), 2 * lagged.shape[1])


def own_models(
    returns: Array, regressors: Array, uses: Flags, kind: ModelKind
) -> MarketModel:
    """Return the model of each asset on the regressors it uses, the others 0.

    Parameters
    ----------
    returns : ndarray of shape (M, n)
    regressors : ndarray of shape (M, n, K)
    uses : ndarray of shape (n, K)
    kind : str
        ``market_adjusted`` fixes the first slope at 1; its intercept is the mean that
        is left, which counts only where alpha is estimated.
    """
    n, width = uses.shape
    coefficients = np.zeros((n, width + 1))
    inverse = np.zeros((n, width + 1, width + 1))
    residuals = np.full(returns.shape, np.nan)
    variance, observations, df = (np.full(n, np.nan) for _ in range(3))
    if kind == "market_adjusted":
        returns = returns - regressors[..., 0]
        coefficients[:, 1] = 1.0
    for pattern in np.unique(uses, axis=0):
        chosen = np.flatnonzero((uses == pattern).all(axis=1))
        place = np.concatenate([[0], 1 + np.flatnonzero(pattern)])
        part = market_model(returns[:, chosen], regressors[:, chosen][..., pattern])
        coefficients[chosen[:, None], place] = part.coefficients
        inverse[chosen[:, None, None], place[:, None], place] = part.inverse
        residuals[:, chosen] = part.residuals
        variance[chosen], df[chosen] = part.variance, part.df
        observations[chosen] = part.observations
    return MarketModel(
        coefficients=coefficients,
        residuals=residuals,
        variance=variance,
        inverse=inverse,
        observations=observations,
        df=df,
    )
