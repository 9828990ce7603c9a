"""What the factors say, as one score per asset in [-1, 1]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from engine.errors import UsageError
from engine.interfaces import Absent, AssetFactor, StateFactor
from engine.market.market import Known
from engine.portfolio.results import Scorecard
from engine.thesis.model import Scoring

#: A state factor is standardised on at least this many observations, the newest one
#: counted.
MIN_PAST = 8
#: Winsorising limit, in median absolute deviations scaled to a normal's deviation.
WINSOR_MADS = 3.0
#: 1 / the 0.75 quantile of the standard normal: makes the MAD estimate its deviation.
MAD_TO_SIGMA = 1.4826
#: A z-score counts up to this many deviations, which map to +-1.
ZSCORE_LIMIT = 3.0
#: A spread below this share of the values' size is rounding, not information.
NO_SPREAD = 1e-12
_DAY = np.timedelta64(1, "D")

Panel = TypeVar("Panel", pd.Series, pd.DataFrame)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedFactor:
    """A factor with its weight in the score.

    `exposure` maps layer -> effect in [-1, 1] of a rising value; a state factor needs
    it, an asset factor takes none.
    """

    name: str
    weight: float
    factor: AssetFactor | StateFactor
    exposure: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        """Raise `UsageError` for a weight or an exposure outside its range."""
        if not self.weight > 0:
            raise UsageError(
                f"factor {self.name}: weight {self.weight} must be above 0"
            )
        for layer, effect in (self.exposure or {}).items():
            if not -1.0 <= effect <= 1.0:
                raise UsageError(
                    f"factor {self.name}: exposure {layer} = {effect} must lie in "
                    "[-1, 1]"
                )


def score(
    known: Known,
    factors: Sequence[WeightedFactor],
    assets: Sequence[str],
    exposures: pd.DataFrame,
    scoring: Scoring,
) -> Scorecard:
    """Return the score of every asset from what is known, and how it came about.

    Parameters
    ----------
    known : Known
        Everything known at the moment of the decision.
    factors : sequence of K factors
    assets : sequence of N symbols
    exposures : DataFrame (assets x layers)
        Layer vectors, rows summing to 1, or to 0 for an asset of no layer.
    scoring : Scoring
        ``normalise``, ``within``, ``half_life`` and ``coverage_floor`` of the thesis.

    Returns
    -------
    Scorecard
        The composite is the mean over the factors present for the asset, weighted by
        their weights. Coverage is the share of all factor weight that is present;
        below the floor (and where nothing is present) the score is 0 and withheld.

    Notes
    -----
    An asset factor is winsorised, then mapped to [-1, 1] by rank or z-score across the
    universe or the asset's primary layer (`normalise`). A state factor is standardised
    on its own past (`standardise_latest`) and reaches an asset through exposure x
    layer vector: it is present, with effect 0, for an asset none of whose layers it
    names, and says nothing of an asset without a layer. Both are multiplied by
    ``0.5 ** (age in days / half_life)``, which pulls old news to 0 = neutral.
    """
    names = pd.Index(list(assets))  # made once: an index of strings is slow to make
    layers = np.nan_to_num(_aligned(exposures, names).to_numpy(np.float64))
    group = _groups(layers, scoring.within)
    labels = _distinct(item.name for item in factors)
    contributions = np.full((len(names), len(factors)), np.nan)
    absent: dict[str, str] = {}
    for column, (label, item) in enumerate(zip(labels, factors, strict=True)):
        effect = (
            _state_column(known, item, layers, list(exposures.columns), scoring)
            if isinstance(item.factor, StateFactor)
            else _asset_column(known, item.factor, names, group, scoring)
        )
        if isinstance(effect, Absent):
            absent[label] = effect.reason
        else:
            contributions[:, column] = effect
    weights = np.array([item.weight for item in factors], dtype=np.float64)
    value, coverage = composite(contributions, weights)
    withheld = (coverage < scoring.coverage_floor - NO_SPREAD) | (coverage <= 0.0)
    return Scorecard(
        score=pd.Series(np.where(withheld, 0.0, value), index=names, name="score"),
        contributions=pd.DataFrame(contributions, index=names, columns=labels),
        coverage=pd.Series(coverage, index=names, name="coverage"),
        withheld=pd.Series(withheld, index=names, name="withheld"),
        factor_weights=pd.Series(weights, index=labels, name="weight"),
        absent=absent,
    )


def layer_scores(card: Scorecard, exposures: pd.DataFrame) -> pd.DataFrame:
    """Return one row per layer: score, coverage, scored and withheld assets.

    Columns ``score`` (mean over the assets with a score, weighted by exposure to the
    layer), ``coverage`` (the same mean over all its assets), ``n`` (assets with a
    score that touch the layer) and ``withheld`` (those without one). NaN for a layer
    that no asset touches.
    """
    aligned = _aligned(exposures, card.score.index)
    weight = np.nan_to_num(aligned.to_numpy(np.float64))
    withheld = card.withheld.to_numpy(dtype=bool)
    scored = np.where(withheld[:, None], 0.0, weight)
    return pd.DataFrame(
        {
            "score": _mean_by_layer(scored, card.score.to_numpy()),
            "coverage": _mean_by_layer(weight, card.coverage.to_numpy()),
            "n": (scored > 0).sum(axis=0),
            "withheld": ((weight > 0) & withheld[:, None]).sum(axis=0),
        },
        index=exposures.columns.rename("layer"),
    )


def composite(
    contributions: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean over what is present and the share present, (N,) each.

    `contributions` has shape (N, K) with NaN for what is absent; the mean is 0 where
    nothing is present.
    """
    present = np.where(np.isfinite(contributions), weights, 0.0)
    total = present.sum(axis=1)
    value = (present * np.nan_to_num(contributions)).sum(axis=1)
    mean = np.divide(value, total, out=np.zeros_like(value), where=total > 0)
    whole = weights.sum()
    return mean, total / whole if whole > 0 else np.zeros_like(total)


def winsorise(values: np.ndarray) -> np.ndarray:
    """Return values pulled to within 3 scaled MADs of their median.

    The MAD is scaled by 1.4826, so the limit is 3 standard deviations of a normal
    sample. Values of which more than half are equal have MAD 0 and stay as they are.
    """
    median = np.median(values)
    reach = WINSOR_MADS * MAD_TO_SIGMA * np.median(np.abs(values - median))
    if reach <= NO_SPREAD * max(1.0, abs(median)):
        return values
    return np.asarray(np.clip(values, median - reach, median + reach))


def normalise(values: np.ndarray, method: str) -> np.ndarray:
    """Return finite values of shape (n,) mapped to [-1, 1].

    ``"rank"``: ranks (ties averaged) spread evenly over [-1, 1]. ``"zscore"``: clipped
    to [-3, 3] and divided by 3 (deviation with ddof 1). Winsorised first. One value,
    or values without spread, are 0.
    """
    count = len(values)
    if count < 2:
        return np.zeros(count)
    bounded = winsorise(values)
    if np.ptp(bounded) <= NO_SPREAD * np.abs(bounded).max():
        return np.zeros(count)
    if method == "rank":
        return np.asarray((2.0 * _average_rank(bounded) - count - 1.0) / (count - 1.0))
    z = (bounded - bounded.mean()) / bounded.std(ddof=1)
    return np.asarray(np.clip(z / ZSCORE_LIMIT, -1.0, 1.0))


def standardise_latest(past: np.ndarray) -> float | Absent:
    """Return the last value's z-score among all values up to it, clipped to [-1, 1].

    Mean and deviation (ddof 1) are those of the whole past, the last value counted.
    Absent with fewer than 8 observations, the last one counted, or without spread.
    """
    if len(past) < MIN_PAST:
        return Absent(reason=f"{len(past)} of {MIN_PAST} observations")
    if np.ptp(past) <= NO_SPREAD * np.abs(past).max():
        return Absent(reason=f"{len(past)} observations, all the same")
    z = (past[-1] - past.mean()) / past.std(ddof=1)
    return float(np.clip(z, -1.0, 1.0))


def decay(age_days: np.ndarray, scoring: Scoring) -> np.ndarray:
    """Return ``0.5 ** (age / half_life)``, 1 for what is new, NaN for no age."""
    half_lives = np.maximum(age_days, 0.0) / scoring.half_life_days
    return np.asarray(0.5**half_lives)


def _asset_column(
    known: Known,
    factor: AssetFactor,
    names: pd.Index,
    group: np.ndarray,
    scoring: Scoring,
) -> np.ndarray | Absent:
    """Return an asset factor's decayed values, shape (N,), NaN where nothing known."""
    reading = factor.read(known, names.to_list())
    if isinstance(reading, Absent):
        return reading
    values = _aligned(reading.values, names).to_numpy(np.float64)
    known_at = _aligned(reading.known_at, names).to_numpy("datetime64[ns]")
    present = np.isfinite(values) & ~np.isnat(known_at)
    if not present.any():
        return Absent(reason="no value for any asset")
    column = np.full(len(names), np.nan)
    for label in np.unique(group[present]):
        chosen = present & (group == label)
        column[chosen] = normalise(values[chosen], scoring.normalise)
    faded: np.ndarray = column * decay(_age_days(known, known_at), scoring)
    return faded


def _state_column(
    known: Known,
    item: WeightedFactor,
    layers: np.ndarray,
    layer_names: list[str],
    scoring: Scoring,
) -> np.ndarray | Absent:
    """Return what a state factor means to each asset, shape (N,), NaN for no layer."""
    assert isinstance(item.factor, StateFactor)
    if not item.exposure:
        return Absent(reason="no exposure says which layers a rising value helps")
    reading = item.factor.history(known)
    if isinstance(reading, Absent):
        return reading
    past = reading.values.dropna()  # noqa: PD011 -- a field
    latest = standardise_latest(past.to_numpy(dtype=np.float64))
    if isinstance(latest, Absent):
        return latest
    last_known = past.index.to_numpy(dtype="datetime64[ns]")[-1:]
    faded = latest * decay(_age_days(known, last_known), scoring)[0]
    effects = np.array([item.exposure.get(name, 0.0) for name in layer_names])
    return np.where(layers.sum(axis=1) > 0, faded * (layers @ effects), np.nan)


def _aligned(panel: Panel, names: pd.Index) -> Panel:
    """Return the rows of `names`, NaN for a missing one."""
    return panel if panel.index.equals(names) else panel.reindex(names)


def _age_days(known: Known, known_at: np.ndarray) -> np.ndarray:
    """Return how many days ago each value became known, NaN for NaT."""
    return np.divide(known.moment - known_at, _DAY)


def _groups(layers: np.ndarray, within: str) -> np.ndarray:
    """Return a group number per asset: its primary layer, or 0 for one group.

    The primary layer is the largest exposure; -1 collects assets without a layer.
    """
    if within == "universe" or layers.shape[1] == 0:
        return np.zeros(len(layers), dtype=np.int64)
    return np.where(layers.sum(axis=1) > 0, layers.argmax(axis=1), -1)


def _average_rank(values: np.ndarray) -> np.ndarray:
    """Return ranks 1..n with ties averaged."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + up_to + 1) / 2.0)


def _mean_by_layer(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the weighted mean of `values` (N,) per column of `weight` (N, L)."""
    total = weight.sum(axis=0)
    mean = np.full(len(total), np.nan)
    np.divide(weight.T @ values, total, out=mean, where=total > 0)
    return mean


def _distinct(names: Iterable[str]) -> list[str]:
    """Return the names, a repeated one with its count behind it."""
    seen: dict[str, int] = {}
    labels = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        labels.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return labels
