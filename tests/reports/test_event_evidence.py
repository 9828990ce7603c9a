"""What the report says beside an event's primary test is what the study found."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from engine.study_result import StudyResult
from reports import (
    event_evidence,
    event_figures,
    event_maps,
    event_story,
    numbers,
    tables,
)
from reports.document import Table

EVENT = "deepseek-selloff"


def printed(table: Table | None) -> Table:
    assert table is not None
    return table


def rows_of(table: Table) -> dict[str, list[str]]:
    """First cell -> the others, of rows that head no others."""
    return {
        row[0].text: [cell.text for cell in row[1:]]
        for place, row in enumerate(table.rows)
        if place not in table.groups
    }


def without(result: StudyResult, **parts: pd.DataFrame) -> StudyResult:
    return replace(result, events=replace(result.events, **parts))


def test_every_test_is_printed_and_coarse_ones_are_muted(result: StudyResult) -> None:
    table = printed(event_evidence.tests(result, EVENT))
    frame = result.events.table
    chosen = frame[(frame["event"] == EVENT) & (frame["window"] == (0, 0))]
    one = chosen[chosen["subject"] == "memory"].iloc[0]
    row = table.rows[2]
    assert row[0].text == "Memory"
    for cell, name in zip(
        row[1:],
        (
            "p",
            "placebo_p",
            "placebo_matched_p",
            "adjusted_bmp_p",
            "adjusted_patell_p",
            "grank_p",
            "rank_p",
            "sign_p",
            "bmp_p",
            "patell_p",
            "cross_sectional_p",
            "generalised_sign_p",
        ),
        strict=True,
    ):
        assert cell.text == numbers.p_value(one[name]), name
        if name == "grank_p":  # four firms
            assert cell.tone == "muted"
    assert "480 placebo dates, 210 matched" in table.rows[0][0].text
    said = "GRANK is approximate: from 10 firms on it rejects 3.5 to 8.5% of true nulls"
    assert said in str(table.note)


def test_recovery_prints_when_each_layer_is_back(result: StudyResult) -> None:
    found = rows_of(printed(event_evidence.recovery(result, EVENT)))
    assert list(found) == ["Compute", "Memory", "Cloud", "Application", "Labs"]
    assert found["Compute"][-2:] == ["not in 120", "+17"]
    assert found["Labs"][-2:] == ["stayed above", "not in 120"]
    frame = result.events.recovery
    rose = without(result, recovery=frame.assign(price_reaction=0.01))
    above = rows_of(printed(event_evidence.recovery(rose, EVENT)))
    assert above["Labs"][-2:] == ["stayed above", "stayed above"]
    assert above["Compute"][-2:] == ["not in 120", "+17"]
    wide = without(result, recovery=frame.assign(reaction_spanned_p=0.136))
    table = printed(event_evidence.recovery(wide, EVENT))
    assert rows_of(table)["Compute"][1] == "0.001 (0.136)"
    assert "p in brackets: where returns span holidays" in table.note
    assert "brackets: where" not in printed(event_evidence.recovery(result, EVENT)).note
    minus = numbers.MINUS
    assert found["Compute"][0] == f"{minus}12.0%"
    assert found["Compute"][2] == f"{minus}10.0% ({minus}11.0%)"


def shocked(result: StudyResult, **layers: tuple[float, float]) -> StudyResult:
    """The event with these t over day zero and the first two sessions, p by size."""
    table = result.events.table.copy()
    for place, row in table.iterrows():
        windows = ((0, 0), (0, 1))
        if row["event"] != EVENT or row["window"] not in windows:
            continue
        t = layers.get(row["subject"], (0.5, 0.5))[windows.index(row["window"])]
        new = {"t": t, "car": 0.02 * t, "p": 0.01 if abs(t) > 2 else 0.6}
        table.loc[place, list(new)] = list(new.values())
    return without(result, table=table)


def test_the_story_names_every_layer_that_took_the_shock(result: StudyResult) -> None:
    both = shocked(result, memory=(-2.5, -2.8), compute=(-4.0, -2.2), labs=(-1, -1))
    told = event_story.story(both, EVENT)
    assert told.startswith(
        "Compute and memory took the shock: beyond the benchmark, on day zero compute "
        "−8.0% (t −4.0) and memory −5.0% (t −2.5), over the first two sessions compute "
        "−4.4% (t −2.2) and memory −5.6% (t −2.8); after 20, compute stood lowest "
        "(−10.0%)"
    )
    assert "after 60, labs stood lowest (−6.0%)" in told
    assert "spans holidays" not in told
    assert told.endswith(
        "The price of compute was back at its earlier level by session +17. The price "
        "of memory was not back at its earlier level within 120 sessions."
    )
    nobody = event_story.story(shocked(result), EVENT)
    assert nobody.startswith(
        "No layer fell significantly beyond its benchmark; over the first two sessions "
        "compute fell farthest (−12.0%)"
    )
    rose = without(
        shocked(result, compute=(4.0, 4.0)),
        recovery=result.events.recovery.assign(reaction=0.02),
    )
    assert event_story.story(rose, EVENT).startswith("No layer fell beyond")


def test_the_story_says_what_is_left_where_returns_span_holidays(
    result: StudyResult,
) -> None:
    hit = shocked(result, memory=(-2.5, -2.8))
    table = hit.events.table.copy()
    chosen = (table["event"] == EVENT) & (table["subject"] == "memory")
    table.loc[chosen & (table["window"] == (0, 0)), "spanned_t"] = -1.1
    assert (
        "A return that spans holidays has the error of one session; with the noise of "
        "every home session that it spans, t would be: memory −1.1 over "
        f"[0,{numbers.NO_BREAK}0]."
    ) in event_story.story(without(hit, table=table), EVENT)


def test_a_price_that_rose_is_not_told_as_one_that_did_not_come_back(
    result: StudyResult,
) -> None:
    hit = shocked(result, compute=(-4.0, -4.0), memory=(-3.0, -3.0))
    rose = without(hit, recovery=hit.events.recovery.assign(price_reaction=0.01))
    assert event_story.story(rose, EVENT).endswith(
        "The price of compute fell back to its earlier level by session +17. The price "
        "of memory stayed above its earlier level."
    )


def test_pooled_events_say_whether_they_are_a_law(result: StudyResult) -> None:
    found = rows_of(printed(event_evidence.pooled(result)))
    assert found["Compute"][1:4] == ["7 (6)", "6", "+3.1%"]
    assert found["Compute"][-1] == "yes"
    assert found["Labs"][-1] == ""


def test_other_events_are_named_by_their_numbers(result: StudyResult) -> None:
    found = rows_of(printed(event_evidence.crowding(result, EVENT)))
    minus, space = numbers.MINUS, numbers.NO_BREAK
    assert found == {
        f"Estimation window [{minus}260,{space}{minus}11]": [
            f"1 hbm-controls ({minus}38)"
        ],
        f"Window [+2,{space}+120]": ["3 ai-plus (+119)"],
    }


def test_the_map_has_a_tile_for_every_layer_and_window(result: StudyResult) -> None:
    spec = event_maps.heat_map(result, EVENT)
    assert spec is not None
    tiles = spec["data"]["values"]
    frame = result.events.table
    chosen = frame[(frame["event"] == EVENT) & (frame["kind"] != "asset")]
    assert len(tiles) == len(chosen)
    for tile, row in zip(tiles, tables.records(chosen), strict=True):
        assert tile["v"].startswith(numbers.change(row["car"]))
        assert tile["b"] == (row["p"] < 0.05)
        size = abs(row["t"])
        wanted = (
            0.06 if size <= 1 else 0.18 if size <= 2 else 0.38 if size <= 3 else 0.6
        )
        assert tile["o"] == wanted
    assert len({tile["c"] for tile in tiles}) == 2


def test_the_forest_has_the_effect_it_could_have_found(result: StudyResult) -> None:
    spec = event_figures.forest(result, EVENT)
    frame = result.events.table
    row = frame[
        (frame["event"] == EVENT)
        & (frame["subject"] == "compute")
        & (frame["window"] == (0, 0))
    ].iloc[0]
    (value,) = [
        one for one in spec["hconcat"][0]["data"]["values"] if one["s"] == "Compute"
    ]
    assert value["m"] == pytest.approx(row["detectable"], rel=1e-4)


def test_an_older_run_without_these_tables_still_reports(result: StudyResult) -> None:
    nothing = pd.DataFrame()
    bare = without(result, recovery=nothing, pooled=nothing, crowding=nothing)
    assert event_evidence.recovery(bare, EVENT) is None
    assert event_evidence.pooled(bare) is None
    assert event_evidence.crowding(bare, EVENT) is None
    assert event_story.story(bare, EVENT) == ""
    empty = without(result, table=nothing)
    assert event_evidence.tests(empty, EVENT) is None
    assert event_maps.heat_map(empty, EVENT) is None
