"""What a verdict was tested against: each test's null, and where it holds."""

from __future__ import annotations

import pandas as pd

from engine.evidence.claims import CLAIM_TESTS
from engine.study_result import StudyResult
from reports.document import Column, Table, plain

_NOTE = (
    "A small p says that the data would be surprising under the null hypothesis, where "
    "the conditions hold. Measured by simulation: docs/calibration.md."
)


def nulls(result: StudyResult) -> pd.DataFrame:
    """Return one row per claim test that was used: its null, and where it holds."""
    used = {one.test for one in result.claims.results if one.finding is not None}
    rows = [
        {"test": name, "null": test.null, "holds_where": test.holds}
        for name, test in CLAIM_TESTS.items()
        if name in used
    ]
    return pd.DataFrame(rows, columns=["test", "null", "holds_where"])


def tested_against(result: StudyResult) -> Table | None:
    """Return the printed table of the nulls; None where nothing was tested."""
    rows = nulls(result)
    if rows.empty:
        return None
    wide = (
        Column(label="Null hypothesis", align="left", wide=True, weight=2),
        Column(label="Keeps its size where", align="left", wide=True, weight=3),
    )
    return Table(
        id="claims-nulls",
        caption="What each test takes for granted until the data speak against it.",
        columns=(Column(label="Test", align="left"), *wide),
        rows=tuple(
            (plain(str(one.test)), plain(str(one.null)), plain(str(one.holds_where)))
            for one in rows.itertuples()
        ),
        note=_NOTE,
    )
