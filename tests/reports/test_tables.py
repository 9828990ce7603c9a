"""Tables: raw numbers for the run folder, and what is printed from them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.evidence.beside import Beside
from engine.evidence.kill import no_kill
from engine.evidence.results import Claims, EventStudy
from engine.evidence.scenarios import ScenarioStudy
from engine.evidence.stress import Stress
from engine.market.market import Finding
from engine.study_result import StudyResult
from factors import ASSET_FACTORS, STATE_FACTORS
from reports import (
    around_tables,
    claim_tables,
    event_tables,
    finding_tables,
    kill_tables,
    performance_tables,
    record_tables,
    tables,
)
from reports.document import Cell, Document, Table
from reports.drawing import draw
from reports.sections import document
from tests.tolerances import IDENTITY


def test_every_table_stands_without_its_index(result: StudyResult) -> None:
    for name, table in tables.tables(result).items():
        assert isinstance(table.index, pd.RangeIndex), name
        assert table.columns.is_unique, name
        assert not table.empty, name


def test_layer_weights_and_cash_sum_to_one(result: StudyResult) -> None:
    held = tables.layer_weights(result)
    assert list(held.columns) == [*result.universe.layers, "cash"]
    np.testing.assert_allclose(held.sum(axis=1), 1.0, atol=IDENTITY)
    compute = ["NVDA", "AVGO", "688256.SS", "0981.HK"]
    expected = result.backtest.weights[compute].sum(axis=1)
    np.testing.assert_allclose(held["compute"], expected, atol=IDENTITY)


def test_costs_by_year_add_up(result: StudyResult) -> None:
    by_year = tables.costs_by_year(result)
    total = float(result.backtest.costs.to_numpy().sum())
    assert by_year["paid"].sum() == pytest.approx(total, rel=IDENTITY)


def test_scores_are_those_of_the_last_decision(result: StudyResult) -> None:
    table = tables.scores(result).set_index("asset")
    last = result.decisions[-1]
    order = last.scorecard.score.index
    assert table["score"].reindex(order).equals(last.scorecard.score)
    assert table["target"].reindex(order).tolist() == last.weights[order].tolist()


def test_a_short_target_is_printed_with_its_sign(result: StudyResult) -> None:
    last = result.decisions[-1]
    targets = {"NVDA": -0.0812, "AVGO": 0.25, "688256.SS": 0.0}
    weights = last.weights.copy()
    for asset, weight in targets.items():
        weights[asset] = weight
    decisions = (*result.decisions[:-1], replace(last, weights=weights))
    table = performance_tables.scores(replace(result, decisions=decisions))
    assert table is not None
    shown = {row[0].text: row[1].text for row in table.rows if len(row) > 1}
    assert [shown[asset] for asset in targets] == ["−8.1%", "25.0%", "–"]


def test_event_paths_keep_every_layer(result: StudyResult) -> None:
    long = tables.event_paths(result)
    assert set(long["layer"]) == set(result.universe.layers)
    assert not long["layer"].str.endswith(".se").any()
    assert long["se"].notna().all()


def test_rows_and_columns_of_every_printed_table_agree(report: Document) -> None:
    assert len(report.tables) > 12
    for table in report.tables:
        assert table.rows, table.id
        for row in table.rows:
            assert len(row) == len(table.columns), table.id


def test_ids_are_unique(report: Document) -> None:
    ids = [one.id for one in report.tables] + [one.id for one in report.figures]
    assert len(set(ids)) == len(ids)


def test_performance_prints_each_sample_and_says_in_sample(
    result: StudyResult,
) -> None:
    table = performance_tables.performance(result)
    heads = [table.rows[at][0].text for at in sorted(table.groups)]
    assert heads[0].startswith("In-sample, before 2025-06-02 (declared after the fact)")
    assert heads[1].startswith("Out-of-sample")
    barbell = table.rows[1]
    row = result.performance.query("path == 'barbell' and sample == 'in-sample'").iloc[
        0
    ]
    assert barbell[0].text == "Barbell"
    assert barbell[1].text.replace("\N{MINUS SIGN}", "-") == f"{row['cagr'] * 100:.1f}%"
    assert " to " in barbell[1].sub


def test_a_wholly_in_sample_study_says_so_in_the_performance_table(
    result: StudyResult,
) -> None:
    about = result.thesis.about.model_copy(update={"declared": None})
    thesis = result.thesis.model_copy(update={"about": about})
    table = performance_tables.performance(replace(result, thesis=thesis))
    assert len(table.groups) == 1
    assert "in-sample, never declared" in table.rows[0][0].text


def test_claims_are_printed_out_of_sample_first_with_their_verdicts(
    result: StudyResult,
) -> None:
    table = _printed(claim_tables.claims(result))
    assert table.rows[0][0].text.startswith("Out-of-sample")
    verdicts = [row[1].text for row in table.rows if row[1].text]
    tested = [one for one in result.claims.results if one.finding is not None]
    assert len(verdicts) == len(tested)
    assert all(text.startswith("SIMULATED: ") for text in verdicts)
    assert tables.claims(result)["verdict"].str.startswith("SIMULATED: ").all()


def test_untestable_claims_share_one_block_and_are_told_once(
    result: StudyResult,
) -> None:
    table = _printed(claim_tables.untestable(result))
    assert [row[0].text for row in table.rows] == [
        "SIMULATED: untestable, out-of-sample",
        "The repeat shock claim holds.",
        "SIMULATED: untestable, in-sample",
        "The labs lag claim holds.",
    ]
    assert "expects above 5.0%" in table.rows[3][0].sub
    twice = [
        replace(one, sample=sample)
        for one in result.claims.results
        if one.id == "labs-lag"
        for sample in ("out-of-sample", "in-sample")
    ]
    again = replace(result, claims=Claims(results=tuple(twice), scores=()))
    rows = _printed(claim_tables.untestable(again)).rows
    assert [row[0].text for row in rows[1::2]] == [
        "labs-lag",
        "The labs lag claim holds.",
    ]
    assert rows[1][1].text == "as in-sample, below"


def test_each_claim_says_what_it_expects_in_the_unit_of_its_test(
    result: StudyResult,
) -> None:
    told = {row[0].sub.split(";")[0]: row for row in _claim_rows(result)}
    expected = {
        "right-layer": "expects above 5.0%",
        "selloff-compute": "expects below zero",
        "barbell-spread": "expects above 2.0% a year",
        "barbell-sharpe": "expects a Sharpe ratio difference above 0.10",
        "share-rises": "token share of alphabet above 30%, 12 in a row, by 2026-06-30",
    }
    for name, words in expected.items():
        assert f"; {words}; document 004, grade A" in told[name][0].sub
    assert told["right-layer"][0].sub.endswith(
        "Would change our mind: compute minus labs is negative."
    )
    why = {name: row[1].sub for name, row in told.items()}
    assert why["selloff-compute"] == "the expected sign for this event, q < 0.001"
    assert why["barbell-sharpe"] == "the opposite sign, q = 0.080"
    assert why["right-layer"] == "the interval holds zero for this event"
    assert why["share-rises"] == (
        "a condition, without a p-value; reached on 2025-03-01; 120 observations"
    )


def test_too_small_an_effect_is_said_in_percent(result: StudyResult) -> None:
    small = [
        replace(one, verdict="refuted", q=0.4, min_effect=0.05)
        for one in result.claims.results
        if one.id == "barbell-spread"
    ]
    chosen = replace(result, claims=Claims(results=tuple(small), scores=()))
    (row,) = _claim_rows(chosen)
    fallen = replace(small[0], sign="-")
    below = replace(result, claims=Claims(results=(fallen,), scores=()))
    assert "expects below \N{MINUS SIGN}5.0% a year" in _claim_rows(below)[0][0].sub
    assert row[1].sub == (
        "too small: the whole interval falls short of 5.0% a year, the smallest effect "
        "that matters"
    )


def _claim_rows(result: StudyResult) -> list[tuple[Cell, ...]]:
    table = _printed(claim_tables.claims(result))
    return [row for at, row in enumerate(table.rows) if at not in table.groups]


def test_verdicts_of_real_data_carry_no_stamp(real_result: StudyResult) -> None:
    table = _printed(claim_tables.claims(real_result))
    assert "SIMULATED" not in str(table)


def test_costs_a_year_count_the_sessions_of_the_calendar(result: StudyResult) -> None:
    total = float(result.backtest.costs.to_numpy().sum())
    mean = float(result.backtest.nav.mean())
    for calendar, sessions in (("XNYS", 252.0), ("XSHG", 243.0)):
        about = result.thesis.about.model_copy(update={"calendar": calendar})
        thesis = result.thesis.model_copy(update={"about": about})
        table = record_tables.costs(replace(result, thesis=thesis))
        share = total / mean / (len(result.backtest.nav) / sessions)
        assert table.rows[-1][-1].text == f"{share * 1e4:.1f} bp"


def test_weekly_beta_stands_beside_beta_with_its_reason(result: StudyResult) -> None:
    table = performance_tables.performance(result)
    labels = [column.label for column in table.columns]
    assert labels[labels.index("Beta") + 1] == "Weekly beta"
    assert "daily beta is too low" in table.note
    bare = result.performance.drop(columns="beta_weekly")
    table = performance_tables.performance(replace(result, performance=bare))
    assert "Weekly beta" not in [column.label for column in table.columns]
    assert "daily beta" not in table.note


def test_a_period_short_of_a_year_is_said_to_be_extrapolated(
    result: StudyResult,
) -> None:
    table = performance_tables.performance(result)
    assert table.note.endswith(
        "Out-of-sample is shorter than a year: annualised numbers of so short a period "
        "are extrapolations."
    )


def test_score_coverage_counts_the_decisions_that_knew_scores(
    result: StudyResult,
) -> None:
    decisions = []
    for at, one in enumerate(result.decisions):
        card = replace(one.scorecard, withheld=one.scorecard.withheld | (at < 6))
        decisions.append(replace(one, scorecard=card))
    table = _printed(
        performance_tables.score_coverage(replace(result, decisions=tuple(decisions)))
    )
    assert [[cell.text for cell in row[:4]] for row in table.rows] == [
        ["2023", "6", "0", "6"],
        ["2024", "12", "12", "0"],
        ["2025", "11", "11", "0"],
    ]


def test_findings_about_unused_signals_fill_one_row(result: StudyResult) -> None:
    found = [
        Finding(severity="info", where="NVDA", what="a price"),
        Finding(severity="info", where="signals", what="strangers"),
        Finding(severity="warning", where="reference signals: capex", what="thin"),
        Finding(severity="warning", where="reference signals: tokens", what="thin"),
    ]
    study = replace(result, market=replace(result.market, findings=tuple(found)))
    table = _printed(finding_tables.findings(study))
    assert [row[1].text for row in table.rows] == [
        "reference signals: capex",
        "NVDA",
        "signals",
        "signals",
    ]
    assert table.rows[-1][2].text == (
        "1 finding about signals that this thesis does not use"
    )
    price = [one for one in study.thesis.factors if one.name == "price_momentum"]
    thesis = study.thesis.model_copy(update={"factors": tuple(price), "claims": ()})
    table = _printed(finding_tables.findings(replace(study, thesis=thesis)))
    assert [row[1].text for row in table.rows] == ["NVDA", "signals"]
    assert table.rows[1][2].text.startswith("3 findings about signals")
    assert len(tables.findings(study)) == 4


def test_the_roles_of_each_factor_are_those_it_documents() -> None:
    for name, kind in (ASSET_FACTORS | STATE_FACTORS).items():
        told = re.search(
            r"Needs\s+roles?((?:\s+(?:and\s+)?``\w+``)+)", kind.__doc__ or ""
        )
        roles = re.findall(r"``(\w+)``", told[1]) if told else []
        assert sorted(roles) == sorted(finding_tables.ROLES_READ[name]), name


def test_significant_abnormal_returns_are_bold(result: StudyResult) -> None:
    table = _printed(event_tables.all_events(result))
    found = result.events.table
    first = found[(found["event"] == "hbm-controls") & (found["kind"] == "layer")]
    for at, window in enumerate([(0, 0), (0, 1), (2, 20), (2, 120)]):
        row = first[(first["subject"] == "compute") & (first["window"] == window)].iloc[
            0
        ]
        cell = table.rows[1][3 + at]
        assert (cell.tone == "strong") == (row["p"] < 0.05)


def test_like_cases_left_out_share_a_row(result: StudyResult) -> None:
    rows = [
        {
            "event": event,
            "kind": "asset",
            "subject": subject,
            "window": (2, 120),
            "reason": f"the window ends {rank} sessions after the data",
        }
        for rank, event in enumerate(["deepseek-selloff", "ai-plus"])
        for subject in ["NVDA", "AVGO"]
    ]
    events = replace(result.events, left_out=pd.DataFrame(rows))
    table = _printed(event_tables.left_out(replace(result, events=events)))
    assert [cell.text for cell in table.rows[0][:2]] == [
        "2, 3",
        "NVDA, AVGO [+2,\N{NO-BREAK SPACE}+120]",
    ]
    assert len(table.rows) == 1


def test_around_prints_every_path_of_the_event(result: StudyResult) -> None:
    table = around_tables.around(result, "deepseek-selloff")
    assert len(table.rows) == len(result.baselines) + 1
    assert around_tables.around_all(result) is None


def test_unverified_fees_are_set_off(result: StudyResult) -> None:
    table = _printed(record_tables.fees(result))
    for at, row in enumerate(table.rows):
        assert (at in table.shaded) == (row[5].text != "verified")
    assert table.shaded


def test_records_are_the_rows_of_a_frame() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert tables.records(frame) == frame.to_dict("records")


def _printed(table: Table | None) -> Table:
    assert table is not None
    return table


def test_a_study_without_events_claims_or_decisions_still_reports(
    real_result: StudyResult,
) -> None:
    thesis = real_result.thesis.model_copy(
        update={
            **{"events": (), "claims": (), "factors": ()},
            **{"mechanisms": (), "scenarios": ()},
        }
    )
    bare = replace(
        real_result,
        thesis=thesis,
        events=EventStudy(table=pd.DataFrame(), paths={}, left_out=pd.DataFrame()),
        around={},
        claims=Claims(results=(), scores=()),
        beside=Beside(),
        kill=no_kill(),
        stress=Stress(),
        scenarios=ScenarioStudy(),
        decisions=(),
        caveats=(),
    )
    told = document(bare, {})
    assert [section.id for section in told.sections] == [
        "verdict",
        "performance",
        "holdings",
        "attribution",
        "hindsight",
        "costs",
        "data",
        "provenance",
    ]
    assert set(draw(told.figures)) == {
        "growth",
        "luck",
        "weights",
        "attribution-chart",
        "costs-chart",
    }
    assert tables.tables(bare)["claims"].empty


def test_kill_criteria_stand_with_the_earliest_stop_first(result: StudyResult) -> None:
    table = kill_tables.kill(result)
    assert table is not None
    _printed(table)
    first, second = table.rows
    assert [cell.text for cell in first[1:]] == [
        "2024-03-01",
        "+5.0%",
        "−20.0%",
        "+25.0%",
        "10.0%",
    ]
    assert first[1].sub == "in-sample"
    assert first[5].sub == "kept 30.0%"
    assert second[1].text == "no"
    assert table.shaded == {0}
    nothing = replace(result, kill=result.kill.iloc[:0])
    assert kill_tables.kill(nothing) is None
