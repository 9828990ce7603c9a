"""What the reports say of luck, of other readings, and of the rules applied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.evidence.luck import Luck
from engine.evidence.readings import Readings
from engine.study_paths import EQUAL_WEIGHT
from engine.study_result import StudyResult
from engine.thesis.model import Charge, Execution, Thesis
from reports import luck, numbers, readings, record_tables, rule_tables, tables
from reports.document import Document, Figure, Table, Text
from reports.sections import document
from tests.reports.fake_luck import DRAWN, READING
from tests.reports.fake_result import DECLARED


def _ranking(result: StudyResult) -> pd.DataFrame:
    assert result.luck.ranking is not None
    return result.luck.ranking.table


def _declared(result: StudyResult, **settings: object) -> StudyResult:
    about = result.thesis.about.model_copy(update=settings)
    thesis: Thesis = result.thesis.model_copy(update={"about": about})
    return replace(result, thesis=thesis)


def _set(result: StudyResult, execution: Execution) -> StudyResult:
    thesis = result.thesis.model_copy(update={"execution": execution})
    return replace(result, thesis=thesis)


def test_the_sentence_has_both_percentiles_of_the_headline_s_sample(
    result: StudyResult,
) -> None:
    """Out-of-sample lasts long enough here; the other sample stands behind it."""
    assert luck.sample_of(result) == "out-of-sample"
    assert result.luck.ranking is not None
    said = luck.place_sentence(result, result.luck.ranking)
    table = _ranking(result).set_index(["sample", "metric"])
    for metric in ("total_return", "sharpe"):
        row = table.loc[("out-of-sample", metric)]
        low, high = row["percentile_low"], row["percentile_high"]
        told = f"percentile {row['percentile']:.0f} ({low:.0f} to {high:.0f})"
        assert told in said
        other = table.loc[("in-sample", metric), "percentile"]
        assert f"{other:.0f}" in said.split("In-sample they are")[1]
    assert f"among {DRAWN} random barbells (out-of-sample)" in said
    assert said.count("within what a draw alone gives") == 2


@pytest.mark.parametrize(
    ("low", "high", "meant"),
    [(96.0, 99.0, "above"), (90.0, 97.0, "within"), (1.0, 4.0, "below")],
)
def test_a_place_is_called_skill_only_beyond_the_error_of_the_draws(
    result: StudyResult, low: float, high: float, meant: str
) -> None:
    assert result.luck.ranking is not None
    table = _ranking(result).assign(percentile_low=low, percentile_high=high)
    ranking = replace(result.luck.ranking, table=table)
    said = luck.place_sentence(result, ranking)
    assert said.count(f"{meant} what a draw alone gives") == 2


def test_a_metric_without_a_place_is_left_out(result: StudyResult) -> None:
    """A path that never moves has no Sharpe ratio."""
    assert result.luck.ranking is not None
    table = _ranking(result).copy()
    table.loc[table["metric"] == "sharpe", ["value", "percentile"]] = np.nan
    ranking = replace(result.luck.ranking, table=table)
    said = luck.place_sentence(result, ranking)
    assert numbers.MISSING not in said
    assert "Sharpe" not in said
    assert "its total return of" in said


def test_the_note_says_what_is_not_kept_and_what_is_paid(result: StudyResult) -> None:
    assert result.luck.ranking is not None
    said = luck.limits_sentence(result, result.luck.ranking)
    assert "do not keep portfolio.max_turnover" in said
    assert "pay 90 bp of NAV a year" in said
    assert "the barbell 9 bp: that alone lifts its place" in said
    assert "in-sample" not in said
    seen = _declared(result, declared=None)
    assert "All of it is in-sample" in luck.limits_sentence(seen, result.luck.ranking)
    assert result.thesis.about.declared == DECLARED


def _panels(figure: Figure) -> list[Mapping[str, Any]]:
    panels: list[Mapping[str, Any]] = figure.spec["hconcat"]
    return panels


def test_the_figure_counts_every_draw_and_marks_both_paths(
    result: StudyResult, report: Document
) -> None:
    figure = next(one for one in report.figures if one.id == "luck")
    assert result.luck.ranking is not None
    paths = result.luck.ranking.paths
    paths = paths[paths["sample"] == "out-of-sample"]
    told = result.performance
    equal = told[
        (told["sample"] == "out-of-sample") & (told["path"] == EQUAL_WEIGHT)
    ].iloc[0]
    panels = _panels(figure)
    for panel, metric in zip(panels, ("total_return", "sharpe"), strict=True):
        bars = panel["layer"][0]["data"]["values"]
        values = paths[metric].iloc[1:]
        assert sum(one["n"] for one in bars) == DRAWN
        for one in bars:
            inside = values.between(one["x"] - 1e-4, one["x2"] + 1e-4).sum()
            assert inside >= one["n"] > 0
        marks = [
            layer["data"]["values"][0]["x"]
            for layer in panel["layer"][1:]
            if layer["mark"]["type"] == "rule"
        ]
        wanted = sorted([equal[metric], paths[metric].iloc[0]])
        assert marks == pytest.approx(wanted, rel=1e-4)
        low, high = panel["layer"][0]["encoding"]["x"]["scale"]["domain"]
        assert all(low - 1e-4 <= one <= high + 1e-4 for one in [*marks, *values])


@pytest.mark.parametrize(
    ("own", "equal", "rows", "sides"),
    [
        (0.2, 0.3, [1, 0], ["right", "right"]),
        (0.9, 0.7, [0, 1], ["left", "left"]),
        (0.1, 0.9, [0, 1], ["right", "left"]),
        (0.9, 0.1, [1, 0], ["right", "left"]),
        (0.5, 0.5, [1, 0], ["right", "right"]),
    ],
)
def test_names_of_marks_keep_apart(
    own: float, equal: float, rows: list[int], sides: list[str]
) -> None:
    marks = [("barbell", own), (EQUAL_WEIGHT, equal)]
    found = luck._arranged(marks, 0.0, 1.0)
    assert [one[2] for one in found] == rows
    assert [one[3] for one in found] == sides
    alone = luck._arranged(marks[:1], 0.0, 1.0)
    assert len(alone) == 1


def test_without_draws_a_note_says_why(result: StudyResult) -> None:
    why = "The barbell is not ranked among random ones: it decides nothing."
    silent = replace(result, luck=Luck(note=why))
    (block,) = [one for one in luck.blocks(silent) if one]
    assert block == Text(text=why, role="note")
    assert not any(one.id == "luck" for one in document(silent, {}).figures)
    assert tables.tables(silent)["random_barbells"].empty
    assert [one for one in luck.blocks(replace(result, luck=Luck())) if one] == []


def test_the_run_folder_has_every_draw(result: StudyResult) -> None:
    kept = tables.tables(result)
    drawn = kept["random_barbells"]
    assert set(drawn.columns) == {
        "path", "sample", "total_return", "volatility", "sharpe", "max_drawdown",
        "turnover", "costs",
    }  # fmt: skip
    assert (drawn["sample"] == "all").sum() == DRAWN + 1
    assert set(kept["random_places"]["metric"]) == {
        "total_return", "sharpe", "max_drawdown",
    }  # fmt: skip


def test_a_reading_is_told_with_its_differences(result: StudyResult) -> None:
    said = readings.sentence(result, READING)
    table = result.readings.differences
    rows = table[table["sample"] == "out-of-sample"].set_index("metric")
    sharpe, growth = rows.loc["sharpe"], rows.loc["total_return"]
    assert "(compute, memory and cloud in infrastructure; application in dis" in said
    difference = numbers.decimal(sharpe["difference"], signed=True)
    assert f"(difference {difference}, 95% interval" in said
    if "a year" not in said:
        assert numbers.points(growth["difference"]) in said
    sure = sharpe["low"] > 0.0 or sharpe["high"] < 0.0
    assert ("it matters which reading is meant" in said) is bool(sure)
    shown = document(result, {})
    texts = [
        block.text
        for section in shown.sections
        for block in section.blocks
        if isinstance(block, Text)
    ]
    assert said in texts


def test_a_sure_difference_is_called_one(result: StudyResult) -> None:
    table = result.readings.differences.assign(low=0.1, high=0.4)
    told = replace(result, readings=Readings(differences=table))
    assert "it matters which reading is meant" in readings.sentence(told, READING)
    blank = replace(
        result, readings=Readings(differences=table.assign(low=np.nan, high=np.nan))
    )
    assert "interval" not in readings.sentence(blank, READING)
    note = "The reading “x” cannot be held: so."
    unheld = replace(result, readings=Readings(notes=(note,)))
    assert readings.blocks(unheld) == [Text(text=note)]
    assert readings.blocks(replace(result, readings=Readings())) == [None]


def _printed(table: Table | None) -> Table:
    assert table is not None
    return table


def test_the_rules_say_who_gave_them(result: StudyResult) -> None:
    """The fake study has no raw prices: no lots, and the note says so."""
    plain_table = _printed(rule_tables.rules(result))
    assert [row[0].text for row in plain_table.rows] == ["Slippage, of the value"]
    assert plain_table.rows[0][4].text == "assumption, the default"
    assert not plain_table.shaded
    assert "All 3 traded lines have adjusted prices" in plain_table.note
    assert "a minimum commission" in plain_table.note
    charge = Charge(item="commission", markets=("XHKG",), minimum=50.0, rate=0.001)
    own = _set(
        result,
        Execution(
            slippage_bps=3.0, impact=0.7, max_participation=0.1, charges=(charge,)
        ),
    )
    table = _printed(rule_tables.rules(own))
    shown = {
        row[0].text.split(",")[0]: (row[1].text, row[4].text) for row in table.rows
    }
    assert shown["Slippage"] == ("3.0 bp", "the thesis")
    assert shown["Impact"] == ("0.7", "the thesis")
    assert shown["Largest trade"] == ("10%", "the thesis")
    assert table.shaded == frozenset(range(len(table.rows)))
    assert "minimum commission" not in table.note
    fees = _printed(record_tables.fees(own))
    (row,) = [one for one in fees.rows if one[1].text == "commission"]
    assert (row[2].text, row[2].sub) == ("0.1%", "at least 50")
    assert row[5].text == "the thesis's own"


def test_raw_lines_have_lots_and_withholding(result: StudyResult) -> None:
    covered = result.market.coverage.assign(basis="raw")
    raw = replace(result, market=replace(result.market, coverage=covered))
    lots = Execution(lots={"9988.HK": 50}, withholding={"XNAS": 0.3})
    table = _printed(rule_tables.rules(_set(raw, lots)))
    rows = {
        (row[0].text.split(",")[0], row[2].text, row[2].sub): row for row in table.rows
    }
    assert rows[("Board lot", "XHKG", "9988.HK")][1].text == "50"
    assert rows[("Board lot", "XHKG", "9988.HK")][4].text == "the thesis"
    assert rows[("Board lot", "XNAS", "NVDA, AVGO")][1].text == "1"
    assert rows[("Withholding", "XNAS", "")][1].text == "30%"
    assert rows[("Withholding", "XHKG", "")][4].text == "table, partly verified"
    assert "adjusted prices" not in table.note


def test_nothing_traded_has_no_rules(result: StudyResult) -> None:
    idle = replace(result.backtest, trades=result.backtest.trades.iloc[:0])
    assert rule_tables.rules(replace(result, backtest=idle)) is None


def test_the_alternative_text_names_what_is_drawn(report: Document) -> None:
    figure = next(one for one in report.figures if one.id == "luck")
    assert re.search(r"Two histograms of 200 random barbells", figure.description)
