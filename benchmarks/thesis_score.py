"""Theses made of noise: many worlds at once, and how often their score covers zero.

Each world has `claims` laws that are empty: daily series with mean zero that share one
common factor. A law's statistic is the mean of its series; the score's correlation R is
what `null_correlation` tends to as its draws grow: the joint covariance under the
stationary bootstrap in closed form (Politis and Romano 1994, lemma 1), so that no world
needs a draw.

    python benchmarks/thesis_score.py

writes ``docs/thesis_score_coverage.csv`` (some ten minutes).
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtr

from engine.evidence.score import BLOCK_SESSIONS, QUALITY

WORLDS_AT_ONCE = 250


def lag_weights(sessions: int, block: float) -> np.ndarray:
    """Return the weight of each circular lag under the stationary bootstrap, (T,)."""
    lags = np.arange(sessions)
    stay = (1.0 - 1.0 / block) ** lags
    back = np.where(lags > 0, (1.0 - 1.0 / block) ** (sessions - lags), 0.0)
    return np.asarray((1.0 - lags / sessions) * stay + lags / sessions * back)


def bootstrap_correlation(x: np.ndarray, block: float) -> np.ndarray:
    """Return the correlations of means under the bootstrap, (worlds, k, k).

    `x` has shape (worlds, T, k). Circular covariances of all lags at once through the
    Fourier transform.
    """
    sessions = x.shape[1]
    spectrum = np.fft.rfft(x - x.mean(axis=1, keepdims=True), axis=1)
    kernel = np.fft.rfft(lag_weights(sessions, block)).real
    twice = np.full(len(kernel), 2.0)
    twice[0] = 1.0
    if sessions % 2 == 0:
        twice[-1] = 1.0
    weighted = spectrum * (kernel * twice)[None, :, None]
    covariance = (np.swapaxes(weighted.conj(), 1, 2) @ spectrum).real
    spread = np.sqrt(np.einsum("wkk->wk", covariance))
    return np.asarray(covariance / (spread[:, :, None] * spread[:, None, :]))


def noise(
    rng: np.random.Generator,
    worlds: int,
    sessions: int,
    claims: int,
    correlation: float,
    df: float = np.inf,
) -> np.ndarray:
    """Return correlated noise, (worlds, T, k); Student's t where `df` is finite."""

    def draw(columns: int) -> np.ndarray:
        size = (worlds, sessions, columns)
        if np.isfinite(df):
            return np.asarray(rng.standard_t(df, size))
        return np.asarray(rng.standard_normal(size))

    common = np.sqrt(correlation) * draw(1)
    return np.asarray(common + np.sqrt(1.0 - correlation) * draw(claims))


def total_z(x: np.ndarray, block: float = BLOCK_SESSIONS) -> np.ndarray:
    """Return Z = w'z / sqrt(w'Rw) of each world, weights cycling through `QUALITY`."""
    _, sessions, claims = x.shape
    weights = np.resize(list(QUALITY.values()), claims)
    t = x.mean(axis=1) / (x.std(axis=1, ddof=1) / np.sqrt(sessions))
    z = np.sign(t) * -ndtri(stdtr(sessions - 1, -np.abs(t)))
    inside = bootstrap_correlation(x, block)
    spread = np.sqrt(np.einsum("i,wij,j->w", weights, inside, weights))
    return np.asarray(z @ weights / spread)


def coverage(
    seed: int,
    *,
    worlds: int,
    sessions: int,
    claims: int,
    correlation: float,
    df: float = np.inf,
) -> float:
    """Return the share of worlds whose 95 % interval of the score covers zero."""
    rng = np.random.default_rng([seed, sessions, claims, round(100 * correlation)])
    covered = 0
    for done in range(0, worlds, WORLDS_AT_ONCE):
        count = min(WORLDS_AT_ONCE, worlds - done)
        z = total_z(noise(rng, count, sessions, claims, correlation, df))
        covered += int((np.abs(z) < 1.96).sum())
    return covered / worlds


WORLDS, SEED = 10_000, 5
TABLE = Path(__file__).resolve().parents[1] / "docs" / "thesis_score_coverage.csv"


def table(worlds: int = WORLDS) -> pd.DataFrame:
    """Return one row per cell: how often the interval covers a truth of zero."""
    cells = itertools.product((250, 875), (1, 10, 28), (0.0, 0.25, 0.5), (np.inf, 5.0))
    rows = []
    for sessions, claims, correlation, df in cells:
        share = coverage(
            SEED,
            worlds=worlds,
            sessions=sessions,
            claims=claims,
            correlation=correlation,
            df=df,
        )
        rows.append(
            {
                "sessions": sessions,
                "claims": claims,
                "correlation": correlation,
                "returns": "normal" if np.isinf(df) else f"t({df:g})",
                "worlds": worlds,
                "covers_zero": round(share, 4),
            }
        )
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    table().to_csv(TABLE, index=False, lineterminator="\n")
