r"""The tests beside the portfolio test, for many subjects and worlds at once.

A subject is a row of signed weights w over n firms: equal weights that sum to 1 over
its long side and to -1 over its short side, if it has one. A layer has no short side,
and every statistic is then the published one; a contrast gets the same statistic of two
samples. Leading axes, written ``...``, are worlds or events that are tested at once. K
is the number of estimation rows, which stand for dates, L of window rows; a firm that
lacks an observation is NaN there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from engine.evidence.event_ranks import (
    Ranks,
    count_true,
    generalised_rank,
    joint_ranks,
    rank_statistic,
    ranks,
)
from engine.evidence.event_tests import Array
from engine.evidence.inference import two_sided_p


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Battery:
    """Test statistics of S subjects, each of shape (..., S); NaN where undefined.

    `correlation` is the members' mean residual correlation, within sides. Standard
    normal: `patell`, `adjusted_patell`, `rank`, `sign`, `generalised_sign`. Student's t
    on `df` = firms minus sides: `cross_sectional`, `bmp`, `adjusted_bmp`. `grank`: on
    `grank_df`.
    """

    correlation: Array
    cross_sectional: Array
    patell: Array
    adjusted_patell: Array
    bmp: Array
    adjusted_bmp: Array
    rank: Array
    sign: Array
    generalised_sign: Array
    grank: Array
    df: Array
    grank_df: Array

    def p(self, name: str) -> Array:
        """Return the two-sided p-values of one of the tests, shape (..., S)."""
        if name in ("cross_sectional", "bmp", "adjusted_bmp"):
            freedom = self.df
        else:
            freedom = self.grank_df if name == "grank" else np.asarray(np.inf)
        usable = np.where(freedom >= 1.0, freedom, np.nan)
        return two_sided_p(getattr(self, name), usable)


#: The tests of a battery, in the order in which they are shown.
TESTS = tuple(
    one.name
    for one in fields(Battery)
    if one.name not in ("correlation", "df", "grank_df")
)


def battery(
    *,
    car: Array,
    scaled: Array,
    df: Array,
    residuals: Array,
    standard: Array,
    abnormal: Array,
    weights: Array,
    correlation: Array | None = None,
    ranked: Ranks | None = None,
) -> Battery:
    """Return every test of every subject.

    Parameters
    ----------
    car, scaled : ndarray of shape (..., n)
        Cumulative abnormal returns over the window, and the same over the standard
        deviation of their prediction errors (SCAR).
    df : ndarray of shape (..., n)
        Degrees of freedom of each firm's model.
    residuals : ndarray of shape (..., K, n)
        Estimation residuals, one row per date.
    standard : ndarray of shape (..., n)
        Residual standard deviations of the firms.
    abnormal : ndarray of shape (..., L, n)
        Abnormal returns of each session of the window.
    weights : ndarray of shape (S, n)
    correlation : ndarray of shape (..., n, n), optional
        Of the residuals; `pairwise_correlation` where not given.
    ranked : ndarray of shape (..., K, n), optional
        `ranks` of the residuals, where several windows share them.
    """
    r = pairwise_correlation(residuals) if correlation is None else correlation
    sides = _Sides.of(weights)
    within, spread = sides.dependence(r)
    z = sides.difference(scaled)
    independent = (weights**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        inflation = np.sqrt(np.where(spread > 0.0, spread, np.nan) / independent)
        patell = z / np.sqrt(_known(df / (df - 2.0)) @ (weights**2).T)
        deviation = sides.deviation(scaled)
        bmp = z / (deviation * np.sqrt(independent))
        cross = sides.difference(car) / (sides.deviation(car) * np.sqrt(independent))
        shrink = np.sqrt(1.0 - within)
        own = ranks(residuals) if ranked is None else ranked
        centred = joint_ranks(residuals, own, abnormal)
        rank = rank_statistic(centred, weights, abnormal.shape[-2])
        np.sign(centred, out=centred)
        window = (shrink / deviation)[..., None] * (scaled * standard)[..., None, :]
        grank, grank_df = generalised_rank(residuals, own, window, weights)
        return Battery(
            correlation=within,
            cross_sectional=cross,
            patell=patell,
            adjusted_patell=patell / inflation,
            bmp=bmp,
            adjusted_bmp=bmp * shrink / inflation,
            rank=rank,
            sign=rank_statistic(centred, weights, abnormal.shape[-2]),
            generalised_sign=generalised_sign(
                car,
                count_true((residuals > 0.0).swapaxes(-1, -2))
                / np.isfinite(residuals).sum(axis=-2),
                weights,
            ),
            grank=grank,
            df=sides.freedom,
            grank_df=grank_df,
        )


def pairwise_correlation(residuals: Array) -> Array:
    """Return correlations (..., n, n) of residuals (..., K, n), pairwise complete.

    NaN for a pair with fewer than three common rows.
    """
    seen = np.isfinite(residuals)
    if seen.all():
        e = residuals - residuals.mean(axis=-2, keepdims=True)
        cross = e.swapaxes(-1, -2) @ e
        size = np.sqrt(np.einsum("...ii->...i", cross))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(cross / size[..., :, None] / size[..., None, :])
    known = seen.astype(np.float64)
    e = np.where(seen, residuals, 0.0)
    count = known.swapaxes(-1, -2) @ known
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (e.swapaxes(-1, -2) @ known) / count
        cross = (e.swapaxes(-1, -2) @ e) / count - mean * mean.swapaxes(-1, -2)
        variance = ((e**2).swapaxes(-1, -2) @ known) / count - mean**2
        found = cross / np.sqrt(variance * variance.swapaxes(-1, -2))
    return np.where(count >= 3.0, found, np.nan)


def generalised_sign(car: Array, positive: Array, weights: Array) -> Array:
    r"""Return Cowan's generalised sign statistic, shape (..., S).

    :math:`(n^+ - n \hat p)/\sqrt{n \hat p (1 - \hat p)}`, with :math:`\hat p` the mean
    over a side's firms of `positive` (..., n), the share of estimation residuals above
    zero. Standard normal for independent firms, which a shared date denies.

    References
    ----------
    Cowan (1992), Review of Quantitative Finance and Accounting 2.
    """
    sides = _Sides.of(weights)
    excess = sides.difference((car > 0.0).astype(np.float64) - positive)
    variance = np.zeros_like(excess)
    for member, count in ((sides.long, sides.n_long), (sides.short, sides.n_short)):
        share = _known(positive) @ member.T / np.maximum(count, 1.0)
        variance = variance + share * (1.0 - share) / np.maximum(count, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(excess / np.sqrt(np.where(variance > 0.0, variance, np.nan)))


def skewness_adjusted_t(values: Array) -> Array:
    r"""Return the skewness-adjusted t of buy-and-hold abnormal returns, firms last.

    :math:`\sqrt n (S + \hat\gamma S^2 / 3 + \hat\gamma / (6 n))` with S the mean over
    the standard deviation and :math:`\hat\gamma` the skewness
    :math:`\sum (x - \bar x)^3 / (n s^3)`. For display only: it takes firms as
    independent, which a shared date denies. NaN for fewer than three firms.

    References
    ----------
    Lyon, Barber and Tsai (1999), Journal of Finance 54.
    """
    n = values.shape[-1]
    if n < 3:
        return np.full(values.shape[:-1], np.nan)
    mean = values.mean(axis=-1)
    s = values.std(axis=-1, ddof=1)
    s = np.where(s > 0.0, s, np.nan)
    ratio = mean / s
    skew = ((values - mean[..., None]) ** 3).sum(axis=-1) / (n * s**3)
    return np.asarray(np.sqrt(n) * (ratio + skew * ratio**2 / 3.0 + skew / (6.0 * n)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sides:
    """The two sides of S subjects as membership, each (S, n), and their sizes (S,)."""

    weights: Array
    long: Array
    short: Array
    n_long: Array
    n_short: Array

    @classmethod
    def of(cls, weights: Array) -> _Sides:
        long, short = ((weights * sign > 0.0).astype(float) for sign in (1.0, -1.0))
        return cls(
            weights=weights,
            long=long,
            short=short,
            n_long=long.sum(axis=-1),
            n_short=short.sum(axis=-1),
        )

    @property
    def freedom(self) -> Array:
        """Firms minus sides."""
        sides = (self.n_long > 0.0) + (self.n_short > 0.0).astype(float)
        return np.asarray(self.n_long + self.n_short - sides)

    def difference(self, values: Array) -> Array:
        """Return the long side's mean minus the short side's."""
        return np.asarray(_known(values) @ self.weights.T)

    def deviation(self, values: Array) -> Array:
        """Return the standard deviation about each side's mean, pooled."""
        known = _known(values)
        squares = np.zeros((*known.shape[:-1], len(self.weights)))
        for member, count in ((self.long, self.n_long), (self.short, self.n_short)):
            mean = known @ member.T / np.maximum(count, 1.0)
            apart = known[..., None, :] - mean[..., None]
            squares += (apart**2 * member).sum(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = squares / np.where(self.freedom > 0.0, self.freedom, np.nan)
        return np.where(variance > 0.0, np.sqrt(variance), np.nan)

    def dependence(self, correlation: Array) -> tuple[Array, Array]:
        """Return the mean correlation within sides, and w'Rw by block means."""
        n = correlation.shape[-1]
        known = np.isfinite(correlation) & ~np.eye(n, dtype=bool)
        values, seen = np.where(known, correlation, 0.0), known.astype(np.float64)
        inside = np.zeros((*correlation.shape[:-2], len(self.weights)))
        spread = np.zeros_like(inside)
        for member, count in ((self.long, self.n_long), (self.short, self.n_short)):
            if not count.any():
                continue
            own = _block_mean(values, seen, member, member)
            many, some = np.maximum(count - 1.0, 0.0), count > 0.0
            inside += np.where(many > 0.0, many * own, 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                part = (1.0 + np.where(many > 0.0, many * own, 0.0)) / count
            spread += np.where(some, part, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = inside / np.where(self.freedom > 0.0, self.freedom, np.nan)
        both = (self.n_short > 0.0) & (self.n_long > 0.0)
        if both.any():
            across = _block_mean(values, seen, self.long, self.short)
            spread = spread - np.where(both, 2.0 * across, 0.0)
        return inside, spread


def _block_mean(values: Array, seen: Array, left: Array, right: Array) -> Array:
    """Return the mean of what is seen of a matrix between two sides, (..., S)."""
    total = ((left @ values) * right).sum(axis=-1)
    count = ((left @ seen) * right).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 0.0, total / count, np.nan)


def _known(values: Array) -> Array:
    """Return values with 0 for NaN: firms outside a subject weigh nothing."""
    return np.where(np.isfinite(values), values, 0.0)
