"""The hindsight audit counted again: days, signs and returns by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine
from engine.evidence.hindsight import asset_audit, expected_signs
from engine.market.calendar import sessions
from reports import hindsight_tables
from tests.register_cases import edited, registered_at, write_thesis
from tests.reports.fake_result import fake_result

#: Documents name Nvidia first on 9 December 2025, SMIC on 6 July 2026.
END = dt.date(2026, 3, 31)
TEXT = edited("end = 2025-09-30", f"end = {END}")
TEXT = edited("declared = 2025-02-03", "declared = 2026-01-05", TEXT)
TEXT = edited(
    "windows = [[0, 1]]",
    "windows = [[0, 0], [0, 1], [2, 5], [2, 20]]\n"
    'expected.reaction = { compute = "-", memory = "+" }\n'
    'expected.drift = { cloud = "+" }',
    TEXT,
)
OWN = """
[[events]]
id = "late"
title = "Known when it was declared"
at = 2025-10-15
declared = 2025-06-02
windows = [[0, 0]]
expected.reaction = { compute = "+" }
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> engine.StudyResult:
    folder = tmp_path_factory.mktemp("thesis")
    return engine.run(write_thesis(folder, TEXT + OWN))


def audited(result: engine.StudyResult) -> dict[tuple[str, str], tuple[float, float]]:
    rows = hindsight_tables.audit(result).to_dict("records")
    return {
        (row["what"], row["of"]): (row["in_sample"], row["out_of_sample"])
        for row in rows
    }


def test_sessions_are_those_of_the_calendar(result: engine.StudyResult) -> None:
    before = len(sessions("XNYS", dt.date(2025, 1, 3), dt.date(2026, 1, 4)))
    after = len(sessions("XNYS", dt.date(2026, 1, 5), END))
    assert audited(result)["sessions", ""] == (before, after)


def test_returns_of_the_two_samples_compound_to_the_whole(
    result: engine.StudyResult,
) -> None:
    for path in ("barbell", "SPY"):
        before, after = audited(result)["total_return", path]
        whole = result.performance.set_index(["path", "sample"])["total_return"]
        assert (1 + before) * (1 + after) - 1 == pytest.approx(whole[path, "all"])


def test_expected_signs_by_hand(result: engine.StudyResult) -> None:
    """Three signs of the first event, one of the event with a date of its own."""
    table = result.events.table
    cars = table[table["kind"] == "layer"].set_index(["event", "subject", "window"])[
        "car"
    ]
    came = [
        cars["release", "compute", (0, 0)] < 0,
        cars["release", "memory", (0, 0)] > 0,
        cars["release", "cloud", (2, 20)] > 0,
    ]
    signs = expected_signs(result.thesis, result.events)
    inside, outside = signs["in-sample"], signs["out-of-sample"]
    assert (inside.events, inside.told, inside.came) == (1, 3, sum(came))
    own = cars["late", "compute", (0, 0)] > 0
    assert (outside.events, outside.told, outside.came) == (1, 1, int(own))


def test_an_asset_before_and_after_its_own_documents(
    result: engine.StudyResult,
) -> None:
    """Nvidia's closes in dollars, from the market's own bars."""
    table = hindsight_tables.assets(result).set_index("asset")
    row = table.loc["NVDA"]
    stated = result.universe.entities["nvidia"].declared
    assert stated is not None
    assert row["stated"] == stated != result.thesis.about.declared
    close = result.market.home.price["NVDA"].loc["2025-01-02" : str(END)]
    days = close.index[1:]
    turn = int((days < pd.Timestamp(stated)).sum())
    assert (row["sessions_before"], row["sessions_after"]) == (turn, len(days) - turn)
    assert row["return_before"] == pytest.approx(close.iloc[turn] / close.iloc[0] - 1)
    assert row["return_after"] == pytest.approx(close.iloc[-1] / close.iloc[turn] - 1)
    held = result.backtest.weights["NVDA"]
    late = held.index >= pd.Timestamp(stated)
    assert row["weight_after"] == pytest.approx(held[late].mean())
    assert row["weight_before"] == pytest.approx(held[~late].mean())


def test_claims_are_counted_by_sample(result: engine.StudyResult) -> None:
    table = result.claims.table
    for number, sample in enumerate(("in-sample", "out-of-sample")):
        own = table[table["sample"] == sample]
        for word in ("supported", "refuted", "inconclusive", "untestable"):
            told = audited(result)[f"claims {word}", ""][number]
            assert told == (own["verdict"] == word).sum()


def test_the_flagship_is_in_sample_and_its_pages_say_so(root: Path) -> None:
    """The study ends on 30 June 2026, the thesis was declared on 6 July."""
    from reports.sections import document

    found = engine.run(
        root / "examples" / "open_weights.toml", start="2025-06-02", end="2026-06-30"
    )
    rows = audited(found)
    assert rows["sessions", ""][1] == 0
    assert np.isnan(rows["total_return", "barbell"][1])
    assert rows["events", ""] == (17, 0)
    page = document(found, {})
    assert "in-sample before 6 July 2026" in page.footer
    assert (
        "In-sample throughout: declared after the fact, on 6 July 2026."
        in (page.subtitle[1])
    )
    table = next(one for one in page.tables if one.id == "hindsight")
    assert table.columns[1].label == "In-sample, before 2026-07-06"
    apart = next(one for one in page.tables if one.id == "hindsight-assets")
    named = {row[1].text for row in apart.rows}
    assert {"2025-12-09", "2026-01-02"} <= named
    assert "2026-07-06" not in named


def test_without_any_date_all_is_before(result: engine.StudyResult) -> None:
    fake = fake_result()
    about = fake.thesis.about.model_copy(update={"declared": None})
    table = asset_audit(
        fake.thesis.model_copy(update={"about": about}),
        fake.universe,
        fake.market,
        fake.assets,
        fake.backtest.weights,
    )
    dated = table["stated"].notna()
    assert not dated.all()
    assert (table.loc[~dated, "sessions_after"] == 0).all()
    assert table.loc[~dated, "return_after"].isna().all()


def test_a_registered_thesis_is_split_at_its_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    registered_at(monkeypatch, "2025-03-03T15:00", path)
    found = engine.run(path)
    after = len(sessions("XNYS", dt.date(2025, 3, 4), dt.date(2025, 9, 30)))
    assert audited(found)["sessions", ""][1] == after
    write_thesis(tmp_path, edited("max_weight = 0.2", "max_weight = 0.15"))
    edited_since = engine.run(path)
    assert audited(edited_since)["sessions", ""][1] == 0
    table = hindsight_tables.hindsight(edited_since)
    assert table.columns[2].label == "Out-of-sample: none"
    assert "9999" not in str(hindsight_tables.assets(edited_since).to_dict())
