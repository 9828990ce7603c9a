"""The page of a diary, from entries made by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from typing import Any

import pytest

from engine.runs.diary import Diary, DiaryEntry, long_table, overview
from reports.diary import (
    changes,
    diary_document,
    diary_page,
    returns_note,
    sentence,
    since,
)
from reports.diary_figures import MOST_LETTERS, verdicts
from reports.document import Figure, Table

HOSTILE = "<script>alert(1)</script>"


def entry(
    day: dt.date, words: dict[str, str], *, stamp: str = "", score: float | None = 0.2
) -> DiaryEntry:
    """Return an entry: claim -> its verdict out of sample."""
    return DiaryEntry(
        as_of=day,
        inputs="",
        summary={
            "simulated": bool(stamp),
            "thesis": "t",
            "start": "2024-10-01",
            "counts_from": "2025-02-03",
            "claims": [
                {
                    "id": name,
                    "sample": "out-of-sample",
                    "verdict": f"{stamp}{word}",
                    "reason": "so",
                    "estimate": 0.1,
                    "interval": [-0.1, 0.3],
                    "n": 70,
                }
                for name, word in words.items()
            ],
            "scores": [
                {
                    "sample": "out-of-sample",
                    "score": score,
                    "interval": [None, None] if score is None else [score - 0.5, 0.9],
                    "counted": 3,
                }
            ],
            "performance": [
                {"path": "barbell", "sample": "all", "total_return": 0.25, "n": 90}
            ],
        },
        layers={"compute": 0.6, "labs": 0.3, "cash": 0.1},
        forecasts=[
            {
                "claim": name,
                "probability": 0.8,
                "state": "open",
                "came_true": {"supported": True, "refuted": False}.get(word),
                "why": "so",
            }
            for name, word in words.items()
        ],
    )


def diary(*entries: DiaryEntry, simulated: bool = False, title: str = "T") -> Diary:
    return Diary(
        thesis="t",
        title=title,
        declared=dt.date(2025, 2, 3),
        every="month",
        simulated=simulated,
        entries=entries,
    )


JANUARY, FEBRUARY, MARCH = (dt.date(2025, month, 28) for month in (1, 2, 3))
THREE = diary(
    entry(JANUARY, {"a": "inconclusive", "b": "untestable"}),
    entry(FEBRUARY, {"a": "supported", "b": "inconclusive", "c": "refuted"}),
    entry(MARCH, {"a": "refuted", "b": "inconclusive", "c": "refuted"}),
)


def test_every_change_is_told_once() -> None:
    told = [
        (one.as_of, one.claim, one.before, one.after)
        for one in changes(THREE, "out-of-sample")
    ]
    assert told == [
        (FEBRUARY, "a", "inconclusive", "supported"),
        (FEBRUARY, "b", "untestable", "inconclusive"),
        (MARCH, "a", "supported", "refuted"),
    ]
    assert "had changed 3 times" in sentence(THREE)
    assert "of 3 claims" in sentence(THREE)


def test_a_resolved_probability_stays_resolved() -> None:
    """0.8: true in February, though refuted in March; c did not come true."""
    told = {one.claim: (one.as_of, one.came_true) for one in THREE.resolutions}
    assert told == {"a": (FEBRUARY, True), "c": (FEBRUARY, False)}
    table = overview(THREE).set_index("as_of")
    assert table["resolved"].tolist() == [0, 2, 2]
    assert table["brier"].tolist()[1:] == pytest.approx([(0.04 + 0.64) / 2] * 2)


def test_the_long_table_holds_every_statement() -> None:
    table = long_table(THREE)
    assert table.groupby("kind").size().to_dict() == {
        "verdict": 8,
        "score": 3,
        "weight": 9,
        "return": 3,
        "forecast": 8,
        "Brier score": 2,
        "log score": 2,
    }
    assert "stamp" not in table
    assert set(long_table(diary(*THREE.entries, simulated=True))["stamp"]) == {
        "SIMULATED"
    }


def grown(
    counts_from: str | None, *parts: tuple[str, float], path: str = "barbell"
) -> DiaryEntry:
    """An entry of 28 March 2025, of a study since October, with returns by sample."""
    one = entry(MARCH, {"a": "supported"})
    rows = [
        {"path": name, "sample": sample, "total_return": value + more, "n": 90}
        for sample, value in parts
        for name, more in ((path, 0.0), ("SPY", 5.0))
    ]
    told = {"performance": rows, "counts_from": counts_from}
    return dataclasses.replace(one, summary=one.summary | told)


SPLIT = (("all", 0.5), ("in-sample", 0.2), ("out-of-sample", 0.25))
NAN = math.nan


@pytest.mark.parametrize(
    ("counts_from", "parts", "growth", "state"),
    [
        # declared after the last session, never, among the sessions, before the first
        ("2026-07-06", SPLIT[:1], (0.5, 0.5, NAN), "since the start, in-sample"),
        (None, SPLIT[:1], (0.5, 0.5, NAN), "since the start, in-sample"),
        (
            "2025-02-03",
            SPLIT,
            (0.5, 0.2, 0.25),
            "since the start, in-sample before 2025-02-03",
        ),
        ("2024-10-01", SPLIT[:1], (0.5, NAN, 0.5), "since the start, out-of-sample"),
    ],
)
def test_no_return_is_called_out_of_sample_that_was_seen(
    counts_from: str | None,
    parts: tuple[tuple[str, float], ...],
    growth: tuple[float, ...],
    state: str,
) -> None:
    one = grown(counts_from, *parts)
    assert dataclasses.astuple(one.growth) == pytest.approx(growth, nan_ok=True)
    declared = dt.date.fromisoformat(counts_from) if counts_from else None
    whole = dataclasses.replace(diary(one), declared=declared)
    shown = overview(whole).iloc[0]
    assert tuple(shown[["return_all", "return_in", "return_out"]]) == pytest.approx(
        growth, nan_ok=True
    )
    table = long_table(whole)
    rows = table[(table["kind"] == "return") & (table["name"] == "barbell")]
    assert rows["state"].tolist()[0] == state
    assert len(rows) == len(parts)
    (dates,) = [
        block
        for section in diary_document(whole).sections
        if section.id == "dates"
        for block in section.blocks
    ]
    assert isinstance(dates, Table)
    labels = [column.label for column in dates.columns]
    cells = dict(zip(labels, dates.rows[0], strict=True))
    texts = [cells[name].text for name in ("Return in all", "In-sample")]
    texts.append(cells["Out of sample"].text)
    wanted = ["" if math.isnan(one) else f"+{100 * one:.1f}%" for one in growth]
    assert [text.replace("\N{NO-BREAK SPACE}", "") for text in texts] == wanted
    assert returns_note(whole) in str(dates.note)


def test_the_notes_say_since_when() -> None:
    assert "1 October 2024" in returns_note(THREE)
    assert "before 3 February 2025" in returns_note(THREE)
    never = dataclasses.replace(THREE, declared=None)
    assert returns_note(never).endswith("All of it is in-sample.")
    assert since(never).startswith("In-sample throughout")


def test_a_cell_for_each_verdict_and_none_before_the_claim() -> None:
    spec: Any = verdicts(THREE, "out-of-sample")
    cells = {(one["c"], one["t"]): one["v"] for one in spec["data"]["values"]}
    assert cells["a", "28 Feb 25"] == "Supported"
    assert ("c", "28 Jan 25") not in cells
    assert len(cells) == 8
    assert verdicts(THREE, "in-sample") is None


def test_many_dates_leave_no_room_for_letters() -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=30 * n) for n in range(41)]
    assert len(days) > MOST_LETTERS
    spec: Any = verdicts(
        diary(*(entry(day, {"a": "supported"}) for day in days)), "out-of-sample"
    )
    assert len(spec["layer"]) == 1


def test_the_page_is_whole_and_hostile_names_stay_text() -> None:
    page = diary_page(
        diary(entry(MARCH, {HOSTILE: "supported"}, score=None), title=HOSTILE)
    )
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "No claim could count towards a thesis score" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "SIMULATED" not in page


def test_a_simulated_diary_is_stamped_all_over() -> None:
    told = diary_document(
        diary(entry(MARCH, {"a": "supported"}, stamp="SIMULATED: "), simulated=True)
    )
    assert told.stamp == "SIMULATED"
    figures = [block for block in told.figures if isinstance(block, Figure)]
    assert len(figures) == 3
    assert all("SIMULATED" in json.dumps(one.spec["title"]) for one in figures)
    assert sentence(diary(*THREE.entries, simulated=True)).startswith("SIMULATED: ")


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (None, "counts from no date"),
        (dt.date(2026, 7, 6), "6 July 2026, after all dates"),
        (dt.date(2025, 2, 3), "dates before it are hindsight"),
        (dt.date(2024, 2, 3), "before the first date"),
    ],
)
def test_the_page_says_since_when_the_thesis_counts(
    declared: dt.date | None, words: str
) -> None:
    from dataclasses import replace

    told = diary_document(replace(THREE, declared=declared))
    assert words in told.subtitle[1]


def test_every_figure_is_valid_vega_lite() -> None:
    import altair

    for figure in diary_document(THREE).figures:
        altair.Chart.from_dict(dict(figure.spec), validate=True)
