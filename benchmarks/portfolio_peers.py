"""One peer's walk over given decisions; run by benchmarks/portfolio.py in its own venv.

``python portfolio_peers.py PEER problem.npz answer.npz``. For each decision of the
problem: the seconds of the peer's own Ledoit-Wolf estimate, the seconds of its solve on
the covariance that all share, and its weights.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

AVERSION = 5.0
Estimate = Callable[[pd.DataFrame], object]
Solve = Callable[[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray, dict], np.ndarray]


def pyportfolioopt() -> tuple[Estimate, Solve]:
    """PyPortfolioOpt: the same estimator, layer limits as sectors, turnover added."""
    import cvxpy as cp
    from pypfopt import EfficientFrontier, risk_models

    def estimate(returns: pd.DataFrame) -> object:
        shrinkage = risk_models.CovarianceShrinkage(
            returns, returns_data=True, frequency=1
        )
        return shrinkage.ledoit_wolf("constant_correlation")

    def solve(returns, covariance, alpha, held, rules):
        names = list(returns.columns)
        frontier = EfficientFrontier(
            pd.Series(alpha, index=names),
            pd.DataFrame(covariance, index=names, columns=names),
            weight_bounds=(0.0, rules["cap"]),
            solver="CLARABEL",  # its default misses limits by 1e-3 at 500 assets
        )
        layers = dict(zip(names, rules["layer"].tolist(), strict=True))
        low = dict.fromkeys(set(layers.values()), rules["low"])
        high = dict.fromkeys(set(layers.values()), rules["high"])
        frontier.add_sector_constraints(layers, low, high)
        frontier.add_constraint(lambda w: cp.norm1(w - held) <= 2 * rules["turnover"])
        frontier.max_quadratic_utility(risk_aversion=AVERSION)
        return np.asarray(frontier.weights)

    return estimate, solve


def skfolio() -> tuple[Estimate, Solve]:
    """Skfolio: its Ledoit-Wolf (identity target), layers as groups, turnover added."""
    import cvxpy as cp
    from skfolio.moments import BaseCovariance, BaseMu, LedoitWolf
    from skfolio.optimization import MeanRisk, ObjectiveFunction
    from skfolio.prior import EmpiricalPrior

    class GivenMu(BaseMu):
        def __init__(self, value=None):
            self.value = value

        def fit(self, X, y=None):
            self.mu_ = self.value
            return self

    class GivenCovariance(BaseCovariance):
        def __init__(self, value=None):
            super().__init__()
            self.value = value

        def fit(self, X, y=None):
            self.covariance_ = self.value
            return self

    def estimate(returns: pd.DataFrame) -> object:
        return LedoitWolf().fit(returns).covariance_

    def solve(returns, covariance, alpha, held, rules):
        layers = sorted(set(rules["layer"].tolist()))
        model = MeanRisk(
            objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
            risk_aversion=AVERSION / 2.0,
            prior_estimator=EmpiricalPrior(
                mu_estimator=GivenMu(alpha),
                covariance_estimator=GivenCovariance(covariance),
            ),
            min_weights=0.0,
            max_weights=rules["cap"],
            groups=[rules["layer"].tolist()],
            linear_constraints=[
                *(f"{layer} >= {rules['low']}" for layer in layers),
                *(f"{layer} <= {rules['high']}" for layer in layers),
            ],
            add_constraints=lambda w: cp.norm1(w - held) <= 2 * rules["turnover"],
        )
        model.fit(returns)
        return np.asarray(model.weights_)

    return estimate, solve


def riskfolio() -> tuple[Estimate, Solve]:
    """Riskfolio-Lib: no limit on total turnover, so its problem has none."""
    import riskfolio as rp

    def estimate(returns: pd.DataFrame) -> object:
        return rp.ParamsEstimation.covar_matrix(returns, method="ledoit")

    def solve(returns, covariance, alpha, held, rules):
        names = list(returns.columns)
        port = rp.Portfolio(returns=returns)
        port.mu = pd.DataFrame([alpha], columns=names)
        port.cov = pd.DataFrame(covariance, index=names, columns=names)
        port.upperlng = rules["cap"]
        layers = sorted(set(rules["layer"].tolist()))
        member = np.array([rules["layer"] == layer for layer in layers], dtype=float)
        port.ainequality = np.vstack([member, -member])
        bounds = [rules["high"]] * len(layers) + [-rules["low"]] * len(layers)
        port.binequality = np.array(bounds)[:, None]
        found = port.optimization(
            model="Classic", rm="MV", obj="Utility", rf=0.0, l=AVERSION / 2.0, hist=True
        )
        return found["weights"].to_numpy()

    return estimate, solve


PEERS = {
    "PyPortfolioOpt": pyportfolioopt,
    "skfolio": skfolio,
    "Riskfolio-Lib": riskfolio,
}


def walk(peer: str, problem: str, answer: str) -> None:
    """Time a peer on every decision of the problem."""
    warnings.simplefilter("ignore")
    given = np.load(problem)
    returns = pd.DataFrame(given["returns"], columns=given["names"].tolist())
    rules = {key: float(given[key]) for key in ("cap", "low", "high", "turnover")} | {
        "layer": given["layer"]
    }
    estimate, solve = PEERS[peer]()
    seconds, weights = [], []
    for place, end in enumerate(given["ends"]):
        window = returns.iloc[end - 252 : end]
        held = given["held"][place]
        arguments = window, given["covariance"][place], given["alpha"][place], held
        for _ in range(2 if place == 0 else 1):  # the first call imports and warms
            start = time.perf_counter()
            estimate(window)
            middle = time.perf_counter()
            found = solve(*arguments, rules)
            end_time = time.perf_counter()
        seconds.append((middle - start, end_time - middle))
        weights.append(found)
    np.savez(answer, seconds=np.array(seconds), weights=np.array(weights))


if __name__ == "__main__":
    walk(*sys.argv[1:4])
