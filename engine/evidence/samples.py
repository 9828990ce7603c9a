"""In-sample and out-of-sample: which sessions a thesis had seen when it was written."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.evidence.performance import DRAWS, FEWEST_RETURNS, performance_table
from engine.evidence.resampled import Resamples, draw
from engine.market.calendar import SESSIONS_PER_YEAR
from engine.thesis.model import About

ALL, IN_SAMPLE, OUT_OF_SAMPLE = "all", "in-sample", "out-of-sample"

Rows = npt.NDArray[np.bool_]


def samples_of(about: About, sessions: pd.DatetimeIndex) -> dict[str, Rows]:
    """Return which sessions belong to each sample, masks of shape (n,).

    All of them; and where the thesis was declared among them, those before that day and
    those from it on.
    """
    samples = {ALL: np.ones(len(sessions), dtype=bool)}
    declared = pd.Timestamp(about.declared) if about.declared else None
    if declared is not None and sessions[0] < declared <= sessions[-1]:
        samples[IN_SAMPLE] = np.asarray(sessions < declared)
        samples[OUT_OF_SAMPLE] = np.asarray(sessions >= declared)
    return samples


def draws_by_sample(
    returns: Mapping[str, pd.Series], about: About
) -> dict[str, Resamples]:
    """Return the resamples that every interval of a study's paths is made from.

    `returns` are as for `performance_by_sample`. A sample with fewer returns than
    intervals need (`FEWEST_RETURNS`) has none.
    """
    sessions = pd.DatetimeIndex(next(iter(returns.values())).index)
    drawn = {}
    for number, (sample, rows) in enumerate(samples_of(about, sessions).items()):
        if int(rows.sum()) >= FEWEST_RETURNS:
            arrays = [one.to_numpy(dtype=np.float64)[rows] for one in returns.values()]
            rng = np.random.default_rng([about.seed, number])
            drawn[sample] = draw(arrays, DRAWS, rng)
    return drawn


def performance_by_sample(
    returns: Mapping[str, pd.Series],
    benchmark: pd.Series | None,
    about: About,
    drawn: Mapping[str, Resamples],
) -> pd.DataFrame:
    """Return one row per path and sample; every interval from the same resamples.

    Parameters
    ----------
    returns : mapping of path to Series of shape (n,)
        On the same sessions.
    benchmark : Series of shape (n,), optional
    about : About
        The thesis's declaration date, calendar, risk-free rate and seed.
    drawn : mapping of sample to Resamples
        `draws_by_sample` of the same returns.

    Returns
    -------
    DataFrame
        `performance_table` with the columns ``path`` and ``sample`` before it.
    """
    sessions = pd.DatetimeIndex(next(iter(returns.values())).index)
    tables = []
    for number, (sample, rows) in enumerate(samples_of(about, sessions).items()):
        table = performance_table(
            {name: one[rows] for name, one in returns.items()},
            None if benchmark is None else benchmark[rows],
            periods_per_year=SESSIONS_PER_YEAR[about.calendar],
            risk_free=about.risk_free,
            rng=np.random.default_rng([about.seed, number]),
            resamples=drawn.get(sample),
        ).reset_index()
        table.insert(1, "sample", sample)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
