"""What the fake study says beside its claims, and of its first event's choices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.evidence.beside import BESIDE_COLUMNS, Beside
from engine.evidence.event_sensitivity import AS_STATED, SENSITIVITY_COLUMNS
from engine.evidence.results import Claims

#: choice, variant, car and p of compute over [0, +1]; the first is as stated.
CHOICES = (
    (AS_STATED, AS_STATED, -0.05, 0.01),
    ("without", "NVDA", -0.04, 0.20),
    ("without", "AVGO", -0.06, 0.02),
    ("day zero", "-1 session", -0.02, 0.04),
    ("day zero", "+1 session", 0.01, 0.60),
    ("estimation", "[-136, -11]", -0.07, 0.001),
    ("model", "mean_adjusted", -0.045, 0.03),
)


def fake_sensitivity(event: str) -> pd.DataFrame:
    """Compute as in `CHOICES`; labs never significant; memory could not be studied."""
    rows = [
        (event, "compute", (0, 1), choice, variant, car, 0.02, car / 0.02, p, 4, "")
        for choice, variant, car, p in CHOICES
    ]
    rows += [
        (event, "labs", (0, 1), choice, variant, 0.01, 0.02, 0.5, 0.6, 2, "")
        for choice, variant, _, _ in CHOICES
    ]
    nothing = (np.nan,) * 4
    rows.append((event, "memory", (0, 1), AS_STATED, AS_STATED, *nothing, 0, "no"))
    return pd.DataFrame(rows, columns=list(SENSITIVITY_COLUMNS))


def fake_beside(claims: Claims) -> Beside:
    """The placebo supports the first claim, the anti-thesis nothing."""
    rows = []
    for rank, one in enumerate(claims.results):
        found = one.finding
        told = {"claim": one.id, "says": one.says, "test": one.test}
        for against in ("thesis", "placebo", "anti-thesis"):
            asked = found is not None and (against != "placebo" or rank < 3)
            verdict = one.verdict if against == "thesis" else "inconclusive"
            if against == "placebo" and rank == 0:
                verdict = "supported"
            rows.append(
                told
                | {
                    "sample": one.sample,
                    "against": against,
                    "asked_of": "" if against == "thesis" else "MU (1 of 2)",
                    "estimate": found.estimate if found and asked else np.nan,
                    "low": one.interval[0] if asked else np.nan,
                    "high": one.interval[1] if asked else np.nan,
                    "level": one.level if asked else np.nan,
                    "unit": found.unit if found and asked else "",
                    "p": found.p if found and asked else np.nan,
                    "q": one.q if asked else np.nan,
                    "n": found.n if found and asked else 0,
                    "detectable": found.detectable if found and asked else np.nan,
                    "verdict": verdict if asked else "",
                    "reason": "so" if asked else "the placebo has no firm of labs",
                }
            )
    return Beside(
        table=pd.DataFrame(rows, columns=list(BESIDE_COLUMNS)),
        placebo="others",
        firms=("MU",),
        left_out={"TSM": "no price", "SMH": "a benchmark of the thesis"},
    )
