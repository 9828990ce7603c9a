"""What allows for a loud window: adjusted BMP and GRANK of one subject; t over events.

The portfolio test takes its error from the estimation window, so it calls a window that
is merely louder an effect. These take their scale from the window itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.evidence.event_battery import battery, pairwise_correlation
from engine.evidence.event_panel import EventPanel, WindowStudy
from engine.evidence.event_ranks import GRANK_FIRMS, GRANK_SIZES
from engine.evidence.event_tests import Array, abnormal_returns
from engine.evidence.inference import two_sided_p
from engine.evidence.results import RobustTest

#: With fewer firms or events a cross-sectional t has little power.
FEW = 5


def signed_weights(panel: EventPanel, members: Sequence[Sequence[str]]) -> Array:
    """Return weights (n,) of equal weights long, and minus equal weights short."""
    weights = np.zeros(len(panel.symbols))
    for side, sign in zip(members, (1.0, -1.0), strict=True):
        if side:
            weights[panel.columns(side)] = sign / len(side)
    return weights


def window_abnormal(panel: EventPanel, at: WindowStudy) -> Array:
    """Return abnormal returns of the window with its primary intercept, (L, n)."""
    rows = panel.rows(at.window)
    found = abnormal_returns(panel.model, panel.returns[rows], panel.regressors[rows])
    if at.alpha == "zero":
        found = found + panel.model.coefficients[:, 0]
    return found


def robust_tests(
    panel: EventPanel, at: WindowStudy, members: Sequence[Sequence[str]]
) -> tuple[RobustTest, ...]:
    """Return adjusted BMP, and GRANK from `GRANK_FIRMS` firms on, of one subject.

    A louder window moves the size of neither. Adjusted BMP keeps to 5 %; GRANK does
    not, whatever the number of firms (`GRANK_SIZES`), and stands beside as approximate.
    Kolari and Pynnonen (2010, Review of Financial Studies 23; 2011, Journal of
    Empirical Finance 18). `members` long and short; without a cross-section, as of one
    firm, there is no such test and nothing is returned.
    """
    weights = signed_weights(panel, members)
    columns = np.flatnonzero(weights != 0.0)
    found = battery(
        car=at.primary.car[columns],
        scaled=at.primary.scaled[columns],
        df=panel.model.df[columns],
        residuals=panel.dated.residuals[:, columns],
        standard=np.sqrt(panel.model.variance[columns]),
        abnormal=window_abnormal(panel, at)[:, columns],
        weights=weights[None, columns],
        # by home session, as residuals of unlike exchanges share time
        correlation=pairwise_correlation(panel.residuals[:, columns]),
    )
    names = {"adjusted BMP": "adjusted_bmp"}
    if len(columns) >= GRANK_FIRMS:
        names["GRANK"] = "grank"
    p = {told: float(found.p(name)[0]) for told, name in names.items()}
    weak = f"{len(columns)} firms show little" if len(columns) < FEW else ""
    return tuple(
        RobustTest(
            name=told,
            p=value,
            weak=weak,
            sizes=GRANK_SIZES if told == "GRANK" else None,
        )
        for told, value in p.items()
        if np.isfinite(value)
    )


def across_events(scaled: Array) -> tuple[RobustTest, ...]:
    """Return the t of standardised reactions (N,) to events that do not overlap.

    Boehmer, Musumeci and Poulsen (1991, Journal of Financial Economics 30), with events
    in place of firms: they share no date, so they are independent. Nothing for fewer
    than two, or where all are equal.
    """
    count = len(scaled)
    spread = float(scaled.std(ddof=1)) if count > 1 else 0.0
    if not spread > 0.0:
        return ()
    t = float(scaled.mean()) / (spread / np.sqrt(count))
    weak = f"{count} events show little" if count < FEW else ""
    p = float(two_sided_p(t, count - 1.0))
    return (RobustTest(name="BMP over events", p=p, weak=weak),)
