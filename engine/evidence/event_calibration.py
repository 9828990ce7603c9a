"""How often the event tests reject: worlds of firms that share one event date.

In a world, n firms follow the market and have residuals of their own that are
equally correlated, normal or Student's t (of one date together, a multivariate t). No
firm has an intercept. The event does nothing, or moves every firm by the same amount,
or makes residuals more volatile inside the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.evidence.event_battery import TESTS, battery
from engine.evidence.event_models import LONG_WINDOW
from engine.evidence.event_tests import (
    Alpha,
    Array,
    abnormal_returns,
    cumulative,
    market_model,
)

Law = Literal["normal", "t5"]

#: Estimation sessions of a world, and the longest window that follows them.
ESTIMATION, LONGEST = 200, 120
#: Worlds drawn at a time; the draws depend on it.
CHUNK = 200
#: Degrees of freedom of the fat tails.
TAILS = 5
NOMINAL = 0.05
#: Tests of a row, the primary one first.
ROW_TESTS = ("portfolio", *TESTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Firms, the correlation of their residuals, and the law of those."""

    firms: int
    correlation: float
    law: Law

    def seed(self, start: int) -> list[int]:
        """Return the start of the setting's own random numbers."""
        law = 0 if self.law == "normal" else 1
        return [start, self.firms, round(100 * self.correlation), law]


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """A window of `length` sessions, and what the event does in it.

    effect : abnormal return of every firm on day zero. jump : factor of residual
    volatility inside the window.
    """

    length: int
    effect: float = 0.0
    jump: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draw:
    """Worlds: before the event (M, E, n), residuals after it, the market (rows, E)."""

    before: Array
    after: Array
    betas: Array
    market_before: Array
    market_after: Array


def rejection_rates(
    setting: Setting,
    treatments: Sequence[Treatment],
    *,
    worlds: int,
    seed: int,
) -> dict[Treatment, dict[str, float]]:
    """Return the share of worlds in which each test rejects at 5 %, two-sided.

    The same worlds serve every treatment. `worlds` is a multiple of `CHUNK`.
    """
    if worlds < CHUNK or worlds % CHUNK:
        raise ValueError(f"{worlds} worlds are no multiple of {CHUNK}")
    rejected = {one: dict.fromkeys(ROW_TESTS, 0) for one in treatments}
    rng = np.random.default_rng(setting.seed(seed))
    for draw in draws(setting, worlds // CHUNK, rng):
        for one in treatments:
            for name, p in p_values(draw, one).items():
                rejected[one][name] += int((p < NOMINAL).sum())
    return {
        one: {name: count / worlds for name, count in counts.items()}
        for one, counts in rejected.items()
    }


def draws(setting: Setting, chunks: int, rng: np.random.Generator) -> Iterator[Draw]:
    """Yield worlds, `CHUNK` at a time."""
    n, rows = setting.firms, ESTIMATION + LONGEST
    for _ in range(chunks):
        market = rng.normal(0.0, 0.01, (rows, CHUNK))
        common = rng.normal(size=(rows, CHUNK, 1))
        noise = rng.normal(size=(rows, CHUNK, n))
        noise *= np.sqrt(1.0 - setting.correlation)
        noise += np.sqrt(setting.correlation) * common
        if setting.law == "t5":
            mixing = rng.chisquare(TAILS, (rows, CHUNK, 1)) / (TAILS - 2.0)
            noise /= np.sqrt(mixing)  # of variance one
        noise *= rng.uniform(0.01, 0.03, (CHUNK, n))
        betas = rng.uniform(0.5, 1.5, (CHUNK, n))
        before = noise[:ESTIMATION] + betas * market[:ESTIMATION, :, None]
        yield Draw(
            before=before,
            after=noise[ESTIMATION:],
            betas=betas,
            market_before=market[:ESTIMATION],
            market_after=market[ESTIMATION:],
        )


def p_values(draw: Draw, treatment: Treatment) -> Mapping[str, Array]:
    """Return the p-value of each test in each world, shape (E,)."""
    length, (rows, worlds, n) = treatment.length, draw.before.shape
    market = draw.market_after[:length]
    returns = draw.after[:length] * treatment.jump + draw.betas * market[..., None]
    returns[0] += treatment.effect
    alpha: Alpha = "zero" if length > LONG_WINDOW else "estimated"
    one = market_model(draw.before.mean(axis=2), draw.market_before[..., None])
    primary = cumulative(one, returns.mean(axis=2), market[..., None], alpha=alpha)
    x, window_x = (
        np.repeat(part, n, axis=1)[..., None] for part in (draw.market_before, market)
    )
    y = returns.reshape(length, -1)
    model = market_model(draw.before.reshape(rows, -1), x)
    found = cumulative(model, y, window_x, alpha=alpha)
    abnormal = abnormal_returns(model, y, window_x)
    if alpha == "zero":
        abnormal = abnormal + model.coefficients[:, 0]
    shape = (worlds, n)
    beside = battery(
        car=found.car.reshape(shape),
        scaled=found.scaled.reshape(shape),
        df=found.df.reshape(shape),
        residuals=model.residuals.reshape(rows, *shape).swapaxes(0, 1),
        standard=np.sqrt(model.variance).reshape(shape),
        abnormal=abnormal.reshape(length, *shape).swapaxes(0, 1),
        weights=np.full((1, n), 1.0 / n),
    )
    return {"portfolio": primary.p} | {name: beside.p(name)[:, 0] for name in TESTS}
