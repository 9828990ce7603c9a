"""Where a path stands among many others: percentiles, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.evidence import metrics
from engine.evidence.samples import ALL, IN_SAMPLE, samples_of
from engine.market.calendar import SESSIONS_PER_YEAR
from engine.thesis.model import About

#: What paths are ranked by; more is better in each (a drawdown is at most 0).
RANKED = ("total_return", "sharpe", "max_drawdown")
#: Column of a ranking -> the quantile of the other paths that it holds.
QUANTILES: Mapping[str, float] = {
    "lowest": 0.0,
    "q05": 0.05,
    "q25": 0.25,
    "median": 0.5,
    "q75": 0.75,
    "q95": 0.95,
    "highest": 1.0,
}
#: What of each path is kept; nobody is ranked by a volatility.
MEASURED = ("total_return", "volatility", "sharpe", "max_drawdown")
#: Level of the interval of a percentile.
LEVEL = 0.95
_WORDS = {
    "total_return": "total return",
    "sharpe": "Sharpe ratio",
    "max_drawdown": "maximum drawdown",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """One path among S others.

    table : one row per sample and metric of `RANKED`: the path's own ``value``, its
        ``percentile`` (`percentile_among`) with its bounds ``percentile_low`` and
        ``percentile_high`` (`percentile_bounds`), how many others did as ``as_good`` or
        better, the columns of `QUANTILES`, and ``n`` others with a value.
    paths : one row per path and sample, the path itself first: ``path``, ``sample``
        and the metrics of `MEASURED`.
    sessions : (n,) the home sessions of the returns.
    """

    sessions: pd.DatetimeIndex
    table: pd.DataFrame
    paths: pd.DataFrame


def rank_among(
    own: pd.Series, others: np.ndarray, about: About, *, kind: str = "random"
) -> Ranking:
    """Return where a path stands among others in each sample of its thesis.

    Parameters
    ----------
    own : Series of shape (n,)
        Simple returns per home session, named as the path.
    others : ndarray of shape (S, n)
        Those of the other paths, on the same sessions.
    about : About
        Declaration date, calendar and risk-free rate of the thesis.
    kind : str
        Others are called ``"KIND 1"`` and on.

    Raises
    ------
    DataError
        The others have another number of sessions, or a return is missing.
    """
    if others.ndim != 2 or others.shape[1] != len(own):
        raise DataError(
            f"paths of shape {others.shape} do not have the {len(own)} returns of "
            f"{own.name}"
        )
    both = np.vstack([own.to_numpy(dtype=np.float64), others])
    if not np.isfinite(both).all():
        raise DataError(f"a return of {own.name} or of a {kind} path is missing")
    names = [str(own.name), *(f"{kind} {k + 1}" for k in range(len(others)))]
    sessions = pd.DatetimeIndex(own.index)
    rows, paths = [], []
    for sample, mask in samples_of(about, sessions).items():
        measured = _measured(both[:, mask], about)
        measured.insert(0, "sample", sample)
        measured.insert(0, "path", names)
        paths.append(measured)
        rows += [
            {"sample": sample, "metric": name, **_placed(measured[name].to_numpy())}
            for name in RANKED
        ]
    return Ranking(
        sessions=sessions,
        table=pd.DataFrame(rows),
        paths=pd.concat(paths, ignore_index=True),
    )


def percentile_among(value: float, others: np.ndarray) -> float:
    """Return the share of others below a value, of 100; equal ones count half.

    NaN among the others is left out; NaN if the value is, or none is left.
    """
    known = others[np.isfinite(others)]
    if not len(known) or not np.isfinite(value):
        return float("nan")
    below, equal = (known < value).sum(), (known == value).sum()
    return float(100.0 * (below + 0.5 * equal) / len(known))


def percentile_bounds(percentile: float, n: int) -> tuple[float, float]:
    r"""Return the 95 % interval of a percentile that n others were drawn for.

    It bounds what more and more draws would come to, not the path's own luck. NaN for
    a percentile that is not known, or without others.

    Notes
    -----
    With the share p, and z the normal quantile (Wilson 1927, Journal of the American
    Statistical Association 22):

    .. math::
        \frac{p + z^2 / 2n \pm z \sqrt{p (1 - p) / n + z^2 / 4n^2}}{1 + z^2 / n}
    """
    if n < 1 or not np.isfinite(percentile):
        return float("nan"), float("nan")
    z = NormalDist().inv_cdf(0.5 + LEVEL / 2.0)
    p = percentile / 100.0
    middle = p + z**2 / (2.0 * n)
    reach = z * float(np.sqrt(p * (1.0 - p) / n + z**2 / (4.0 * n**2)))
    low, high = ((middle + sign * reach) / (1.0 + z**2 / n) for sign in (-1.0, 1.0))
    return 100.0 * max(low, 0.0), 100.0 * min(high, 1.0)


def ranking_sentences(ranking: Ranking, about: About) -> tuple[str, ...]:
    """Return in words where the path stands, and what its place can and cannot say."""
    name = str(ranking.paths["path"].iloc[0])
    said = [
        _told(name, str(sample), rows)
        for sample, rows in ranking.table.groupby("sample", sort=False)
    ]
    return (
        *said,
        "A percentile near 50 is what luck within the same limits gives; one random "
        "barbell in twenty is above 95. The limits and the universe are everyone's "
        "here: the percentile says nothing of how well those were chosen.",
        *_in_sample(ranking, about),
    )


def _measured(returns: np.ndarray, about: About) -> pd.DataFrame:
    """Return the metrics of paths (S, n), one row each."""
    year = SESSIONS_PER_YEAR[about.calendar]
    rate = metrics.per_period(about.risk_free, year)
    return pd.DataFrame(
        {
            "total_return": [metrics.total_return(one) for one in returns],
            "volatility": [metrics.volatility(one, year) for one in returns],
            "sharpe": [metrics.sharpe_ratio(one - rate, year) for one in returns],
            "max_drawdown": [metrics.max_drawdown(one) for one in returns],
        },
        columns=list(MEASURED),
    )


def _placed(values: np.ndarray) -> dict[str, float]:
    """Return the columns of one row; the first value is the path's own."""
    own, others = float(values[0]), values[1:]
    known = others[np.isfinite(others)]
    found = np.quantile(known, list(QUANTILES.values())) if len(known) else np.nan
    drawn = np.broadcast_to(found, (len(QUANTILES),))
    place = percentile_among(own, others)
    low, high = percentile_bounds(place, len(known))
    return {
        "value": own,
        "percentile": place,
        "percentile_low": low,
        "percentile_high": high,
        "as_good": int((known >= own).sum()),
        **dict(zip(QUANTILES, drawn.tolist(), strict=True)),
        "n": len(known),
    }


def _told(name: str, sample: str, rows: pd.DataFrame) -> str:
    """Return one sentence on one sample."""
    places = [
        f"{_WORDS[row['metric']]} at percentile {row['percentile']:.1f} "
        f"({row['as_good']} of {row['n']} did as well or better)"
        for row in rows.to_dict("records")
    ]
    where = "" if sample == ALL else f" ({sample})"
    return f"The {name}{where} stands in {', in '.join(places)}."


def _in_sample(ranking: Ranking, about: About) -> tuple[str, ...]:
    """Return what must be said of the days that the thesis had seen."""
    if (ranking.table["sample"] == IN_SAMPLE).any():
        return (
            f"Days before {about.declared} are in-sample: the thesis was written with "
            "them in view, which no random barbell was. Only the rows "
            "'out-of-sample' can speak for it.",
        )
    last = ranking.sessions[-1]
    if about.declared is None or pd.Timestamp(about.declared) > last:
        return (
            "All of it is in-sample: the thesis was written with these days in view, "
            "or does not say when, which no random barbell was. A high percentile "
            "confirms nothing.",
        )
    return ()
