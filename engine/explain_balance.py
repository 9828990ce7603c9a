r"""Why a target weight is what it is: what pulls it up and what down, which balance.

At the weights :math:`w` that maximise :math:`\alpha'w - \frac{\gamma}{2} w'\Sigma w -
costs` within limits, no asset can be moved to a gain (Karush 1939; Kuhn and Tucker
1951, Proceedings of the Second Berkeley Symposium). For each asset held,

.. math:: \alpha_i - \gamma (\Sigma w)_i + \sum_k \pm\lambda_k = c_i

where :math:`\lambda_k` are the shadow prices of the limits on it (a minimum of its leg
pulls up, a maximum down; a maximum of cash pulls all assets up) and :math:`c_i` is the
cost rate of buying where it is bought, minus that of selling where it is sold, and in
between where it is left alone. (Where a minimum of cash binds, costs weigh more by its
shadow price.)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.explain_scene import Scene
from engine.portfolio.constraints import CAP, CASH

EXPECTED, RISK, LEFT = "expected return", "charge for risk", "left for costs of trading"
COLUMNS = ["item", "value", "unit"]
#: The objectives whose optimum is explained by these pulls.
_BALANCED = frozenset({"mean_variance"})
#: Limits on sums of weights, by the beginning of their name.
_SUMS = tuple(
    ["barbell.", "portfolio.net"]
    + [f"portfolio.{kind}." for kind in ("layers", "currencies", "countries")]
)


def balance(scene: Scene, asset: str, on: Mapping[str, str]) -> pd.DataFrame:
    """Return what pulls an asset's weight up and down, and what of it is left.

    Columns item, value, unit; the last row is the sum of those above. `on` maps each
    limit with a shadow price to whom it lies on (`engine.explain_steps.limits`). No
    rows where the weights do not follow from such a balance: for another objective, a
    closed form, an asset of no leg or without a risk estimate, or where a limit binds
    that is on no sum of weights (turnover, beta, gross, volatility).
    """
    decision = scene.decision
    alpha, charge = float(decision.alpha[asset]), scene.charge.get(asset, np.nan)
    rows: list[tuple[str, float]] = [(EXPECTED, alpha), (RISK, -float(charge))]
    rows += [
        (name, _pull(name) * price)
        for name, price in decision.prices.items()
        if on[name] != "others"
    ]
    total = sum(value for _, value in rows)
    layer, thesis = scene.result.universe.layer_of(asset), scene.result.thesis
    followed = (
        thesis.portfolio.objective in _BALANCED
        and any(layer in leg.layers for leg in thesis.barbell.values())
        and bool(decision.prices)
        and bool(np.isfinite(total))
    )
    table = pd.DataFrame([*rows, (LEFT, total)] * followed, columns=COLUMNS[:2])
    # plus zero: no minus sign on nothing
    table["value"] = table["value"].astype(np.float64) + 0.0
    return table.assign(unit=f"per {scene.period} sessions and unit of weight")


def _pull(limit: str) -> float:
    """Return the sign with which a limit's shadow price pulls; NaN for another kind."""
    if limit.startswith(CAP):
        return -1.0
    name, _, side = limit.rpartition(" ")
    if name == CASH:
        return 1.0 if side == "maximum" else -1.0
    if name.startswith(_SUMS):
        return 1.0 if side == "minimum" else -1.0
    return np.nan
