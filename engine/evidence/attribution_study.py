"""Where a study's return came from, and which factors move it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engine.evidence.attribution import Attribution, attribute
from engine.evidence.claims.context import one_line_per_firm
from engine.evidence.metrics import per_period
from engine.evidence.regression import factor_regression
from engine.evidence.regression_factors import factors_of
from engine.evidence.samples import Rows, samples_of
from engine.ledger.backtest import Backtest
from engine.market.calendar import SESSIONS_PER_YEAR
from engine.market.listing import Line, Universe
from engine.market.market import Market
from engine.thesis.model import About, Thesis


def study_attribution(
    market: Market,
    universe: Universe,
    thesis: Thesis,
    account: Backtest,
    baselines: Mapping[str, Backtest],
) -> Attribution:
    """Return where the account's return over each baseline came from.

    Over the whole study, each sample, and each calendar year of a study that touches
    more than one.
    """
    home = market.home.sessions
    closes = home.close_utc[home.days.get_indexer(account.nav.index)]
    return attribute(
        account,
        baselines,
        layer_of={s: universe.layer_of(s) for s in account.weights.columns},
        layers=universe.layers,
        lines=market.lines,
        closes=closes,
        periods=periods_of(thesis.about, pd.DatetimeIndex(account.nav.index[1:])),
        sweep=thesis.execution.sweep,
    )


def periods_of(about: About, sessions: pd.DatetimeIndex) -> dict[str, Rows]:
    """Return the samples and the calendar years, as masks of shape (n,)."""
    periods = samples_of(about, sessions)
    years = sessions.year.to_numpy()
    if len(np.unique(years)) > 1:
        periods |= {str(year): years == year for year in np.unique(years)}
    return periods


def study_regression(
    market: Market,
    thesis: Thesis,
    assets: Sequence[Line],
    benchmarks: Sequence[Line],
    account: Backtest,
) -> pd.DataFrame:
    """Return what moves the account's excess return; `factor_regression` has columns.

    `benchmarks` are those with a price, the market first.
    """
    about = thesis.about
    per_year = SESSIONS_PER_YEAR[about.calendar]
    rate = per_period(about.risk_free, per_year)
    returns = account.returns
    return factor_regression(
        returns - rate,
        factors_of(
            market,
            one_line_per_firm(assets),
            benchmarks,
            rate=rate,
            stale_after=thesis.execution.stale_after,
        ),
        periods_per_year=per_year,
        samples=samples_of(about, pd.DatetimeIndex(returns.index)),
    )
