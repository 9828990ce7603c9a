"""Rank tests in time: what a window did among all that the same firms did before it.

Shapes as in `event_battery`: leading axes are worlds, K estimation rows, L window rows,
n firms, S subjects with signed weights.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from engine.evidence.event_tests import Array

Ranks = npt.NDArray[np.int32]

#: Windows of so few sessions are ranked among residuals without sorting again.
FEW_SESSIONS = 8
#: Below so many firms the generalised rank test is shown and not relied upon.
GRANK_FIRMS = 10
#: Least and greatest share of true nulls that it rejects at 5 % from there on, over all
#: cells of docs/calibration.csv: by firms, correlation, window, tails and volatility.
GRANK_SIZES = (0.035, 0.085)


def ranks(values: Array) -> Ranks:
    """Return the rank in time, 1 to T, of each value (..., T, n); 0 for NaN.

    Equal values are ranked in their order, not averaged: returns are continuous.
    """
    rows = np.ascontiguousarray(values.swapaxes(-1, -2))  # time last sorts fast
    *others, length = rows.shape
    order = rows.argsort(axis=-1)  # NaN last
    order += length * np.arange(math.prod(others)).reshape(*others, 1)
    found = np.empty(rows.shape, dtype=np.int32)
    found.reshape(-1)[order] = np.arange(1, length + 1, dtype=np.int32)
    seen = np.isfinite(rows)
    if not seen.all():
        found[~seen] = 0
    return found.swapaxes(-1, -2)


def joint_ranks(residuals: Array, ranked: Ranks, abnormal: Array) -> Array:
    r"""Return :math:`K_{it}/(T_i + 1) - 1/2` of residuals and window together.

    `residuals` (..., K, n) with their own `ranks`, `abnormal` (..., L, n); the result
    is (..., K + L, n), NaN where there is nothing to rank. Corrado and Zivney (1992),
    Journal of Financial and Quantitative Analysis 27.
    """
    rows, window = (part.swapaxes(-1, -2) for part in (residuals, abnormal))
    if window.shape[-1] > FEW_SESSIONS:
        both = np.concatenate([rows, window], axis=-1).swapaxes(-1, -2)
        found = ranks(both).swapaxes(-1, -2)
    else:
        found = _between(rows, ranked.swapaxes(-1, -2), window)
    nothing = found == 0
    total = found.shape[-1] - count_true(nothing)
    centred = found / (total[..., None] + 1.0)
    centred -= 0.5
    if nothing.any():
        centred[nothing] = np.nan
    return np.asarray(centred.swapaxes(-1, -2))


def _between(rows: Array, own: Ranks, window: Array) -> Ranks:
    """Return ranks (..., n, K + L) of rows that are ranked and a few more sessions."""
    length = rows.shape[-1]
    found = np.empty((*rows.shape[:-1], length + window.shape[-1]), dtype=np.int32)
    before, after = found[..., :length], found[..., length:]
    before[...] = own
    after[...] = ranks(window.swapaxes(-1, -2)).swapaxes(-1, -2)
    known = length - count_true(own == 0)
    over = np.zeros(rows.shape, dtype=np.int8)
    for session in range(window.shape[-1]):
        above = rows > window[..., session, None]  # False for NaN
        over += above.view(np.int8)
        there = after[..., session] > 0
        after[..., session] += np.where(there, known - count_true(above), 0).astype(
            np.int32
        )
    before += over
    return found


def rank_statistic(centred: Array, weights: Array, length: int) -> Array:
    r"""Return Corrado's statistic over the last `length` rows, shape (..., S).

    :math:`\sum_t d_t / (\sqrt L\, s_d)` with :math:`d_t` the subject's mean centred
    rank on row t, :math:`s_d` its root mean square over all rows. With signs of ranks
    in place of ranks, Corrado and Zivney's sign test. The time series holds whatever
    the firms have in common, so a shared date is allowed for. Standard normal.

    References
    ----------
    Corrado (1989), Journal of Financial Economics 23; Campbell and Wasley (1993),
    Journal of Financial Economics 33, for windows of several sessions.
    """
    d, known = _weighted_rows(centred, weights)
    inside = slice(d.shape[-1] - length, None)
    squares = np.einsum("...t,...t->...", d, d)
    if known is None:
        count, total = float(length), float(d.shape[-1])
    else:
        count, total = known[..., inside].sum(axis=-1), known.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = squares / total
        found = d[..., inside].sum(axis=-1) / np.sqrt(count * variance)
    return np.where(variance > 0.0, found, np.nan)


def generalised_rank(
    residuals: Array, ranked: Ranks, window: Array, weights: Array
) -> tuple[Array, Array]:
    r"""Return the generalised rank t (GRANK) and its degrees of freedom, (..., S).

    Parameters
    ----------
    residuals, ranked : ndarray of shape (..., K, n)
        Of the estimation window, and their `ranks`.
    window : ndarray of shape (..., S, n)
        What each firm did over the whole window, as one more of its residuals: its
        SCAR over the subject's cross-sectional standard deviation of SCARs, times its
        residual standard deviation. Where all firms share the date, that deviation
        lacks what they have in common, the rank comes out too extreme, and the window
        is to be multiplied by :math:`\sqrt{1 - \bar r}` as well.
    weights : ndarray of shape (S, n)

    Notes
    -----
    Ranks among T = K + 1 rows. :math:`Z = \bar U_0 / s_{\bar U}`,
    :math:`t = Z \sqrt{(T - 2)/(T - 1 - Z^2)}` on T - 2 degrees of freedom. Ranks of few
    firms are coarse: see `GRANK_FIRMS`.

    References
    ----------
    Kolari and Pynnonen (2011), Journal of Empirical Finance 18.
    """
    rows, own = residuals.swapaxes(-1, -2), ranked.swapaxes(-1, -2)
    count = rows.shape[-1] - count_true(own == 0)
    gaps = bool((count < rows.shape[-1]).any())
    squares, total = (np.empty(window.shape[:-1]) for _ in range(2))
    now = np.empty_like(squares)
    for place, weight in enumerate(weights):  # few subjects, many rows
        chosen = slice(None) if weight.all() else np.flatnonzero(weight)
        size = count[..., chosen] + 2.0
        above = rows[..., chosen, :] > window[..., place, chosen, None]
        among = (own[..., chosen, :] + above) / size[..., None]
        if gaps:
            among[own[..., chosen, :] == 0] = np.nan
            among -= 0.5
        d, known = _weighted_rows(among.swapaxes(-1, -2), weight[None, chosen])
        if not gaps:
            d -= 0.5 * weight.sum()  # half a rank of every firm
        squares[..., place] = np.einsum("...t,...t->...", d, d)[..., 0]
        total[..., place] = 1.0 + (
            rows.shape[-1] if known is None else known.sum(axis=-1)[..., 0]
        )
        rank = (size - 1.0 - count_true(above)) / size - 0.5
        now[..., place] = rank @ weight[chosen]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = now / np.sqrt((squares + now**2) / total)
        t = z * np.sqrt((total - 2.0) / (total - 1.0 - z**2))
    defined = np.isfinite(window).any(axis=-1)
    return np.where(defined, t, np.nan), total - 2.0


def count_true(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return how many flags are set along the last axis; eight at a time."""
    bits = np.bitwise_count(np.packbits(flags, axis=-1))
    return np.asarray(bits.sum(axis=-1, dtype=np.int64))


def _weighted_rows(values: Array, weights: Array) -> tuple[Array, Array | None]:
    r"""Return the weighted sums (..., S, T) of rows, and whether each has any firm.

    None for the second where nothing is missing. A row (..., T, n) that lacks firms is
    scaled by :math:`\sqrt{w'w / \sum_{present} w_i^2}`, so that all rows vary alike
    (:math:`\sqrt{n_t}` for a layer: Corrado and Zivney 1992).
    """
    rows = values.swapaxes(-1, -2)
    d = np.asarray(weights @ rows)
    if np.isfinite(d).all():
        return d, None
    seen = np.isfinite(rows)
    present = (weights**2) @ seen.astype(np.float64)
    total = (weights**2).sum(axis=-1)[:, None]
    known = present > 1e-12 * total
    d = weights @ np.where(seen, rows, 0.0)
    d *= np.sqrt(total / np.where(known, present, 1.0))
    return np.where(known, d, 0.0), known
