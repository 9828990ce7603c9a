"""Random barbells and a reading for the fake study, measured as a real one's are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engine.evidence.luck import Luck
from engine.evidence.ranking import rank_among
from engine.evidence.readings import Readings, path_differences
from engine.evidence.samples import draws_by_sample
from engine.ledger.backtest import Backtest
from engine.thesis.model import About

READING = "cloud below"
DRAWN = 200


def fake_luck(backtest: Backtest, about: About) -> Luck:
    """Return the barbell among draws that are its own returns with noise."""
    rng = np.random.default_rng(11)
    own = backtest.returns
    noise = rng.normal(0.0, 0.004, (DRAWN, len(own)))
    ranking = rank_among(own, own.to_numpy() + noise, about)
    whole = ranking.paths["sample"] == "all"
    spent = {"turnover": (0.5, 4.0), "costs": (0.0009, 0.0090)}
    paths = ranking.paths.assign(
        **{
            name: np.where(ranking.paths["path"] == "barbell", own_value, usual)
            for name, (own_value, usual) in spent.items()
        }
    )
    paths.loc[~whole, list(spent)] = np.nan
    return Luck(
        ranking=replace(ranking, paths=paths), unbound=("portfolio.max_turnover",)
    )


def fake_readings(
    backtest: Backtest, baselines: Mapping[str, Backtest], about: About
) -> Readings:
    """Return a reading whose returns are the mean of the barbell's and a leg's."""
    returns = {"barbell": backtest.returns} | {
        name: one.returns for name, one in baselines.items()
    }
    both = returns["barbell"] + returns["distribution alone"]
    returns[READING] = 0.5 * both
    drawn = draws_by_sample(returns, about)
    table = path_differences(returns, [READING], about, drawn, against="barbell")
    return Readings(differences=table)
