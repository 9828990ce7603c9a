"""Why the largest positions are held: which decision, what is said, how it is drawn."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from engine.explain import explain
from engine.portfolio.results import Decision
from engine.study_result import StudyResult
from reports import positions, why, why_known, why_tables
from reports.document import Document, Table, Text
from reports.html import render_html
from tests.reports.test_browser import FLAGS


def blind(one: Decision) -> Decision:
    """The same decision, had no asset's score been known."""
    card = one.scorecard
    return replace(one, scorecard=replace(card, withheld=card.withheld | True))


def with_decisions(result: StudyResult, *made: Decision) -> StudyResult:
    return replace(result, decisions=made)


def at_the_end(result: StudyResult, one: Decision) -> Decision:
    return replace(one, session=result.backtest.nav.index[-1])


def chosen(result: StudyResult) -> pd.Timestamp:
    found = positions.explained_decision(result)
    assert found is not None
    return found.session


def test_the_last_decision_scored_and_carried_out_is_explained(
    result: StudyResult,
) -> None:
    *_, first, second, third = result.decisions
    whole = with_decisions(result, first, second, third)
    assert chosen(whole) == third.session
    assert chosen(with_decisions(result, first, second, blind(third))) == second.session
    ended = at_the_end(result, third)
    assert chosen(with_decisions(result, first, second, ended)) == second.session
    ended_blind = with_decisions(result, first, blind(second), ended)
    assert chosen(ended_blind) == first.session
    none = with_decisions(result, blind(first), blind(second), ended)
    assert chosen(none) == second.session
    assert chosen(with_decisions(result, ended)) == ended.session
    assert positions.explained_decision(with_decisions(result)) is None


def said(result: StudyResult) -> str:
    return why.sentence(result, positions.largest(result))


def test_the_page_says_which_decision_and_why(result: StudyResult) -> None:
    *_, first, second, third = result.decisions
    ended = at_the_end(result, third)
    assert said(with_decisions(result, first, second)).endswith("the last decision.")
    text = said(with_decisions(result, first, blind(second)))
    assert text.endswith("the last with scores: later ones knew too few signals.")
    text = said(with_decisions(result, first, ended))
    assert text.endswith(
        "the last that any session followed: 17 November 2025 is the end."
    )
    text = said(with_decisions(result, blind(first), blind(second)))
    assert "No decision of this study knew enough signals to score an asset" in text
    text = said(with_decisions(result, blind(first), ended))
    assert text.endswith("It knew too few signals to score an asset.")


def test_the_largest_are_explained_as_the_command_does(result: StudyResult) -> None:
    decision = result.decisions[-1]
    told = positions.largest(result)
    wanted = decision.weights.sort_values(ascending=False).index[:3]
    assert [one.asset for one in told] == list(wanted)
    for one in told:
        own = explain(result, one.asset, decision.session.date())
        for name, table in own.tables().items():
            pd.testing.assert_frame_equal(one.tables()[name], table)
    assert positions.largest(result) is told  # once per study


def test_there_is_no_page_where_nothing_can_be_explained(result: StudyResult) -> None:
    last = result.decisions[-1]
    empty = replace(last, weights=last.weights * 0.0)
    for none in (
        with_decisions(result),
        with_decisions(result, empty),
        replace(result, factors=()),
    ):
        assert why.section_of(none).blocks == ()
        assert positions.explained(none).empty


def test_where_scores_weigh_little_the_page_says_so(result: StudyResult) -> None:
    told = positions.largest(result)
    assert why.weighed_sentence(told) == ""

    def pulling(alpha: float, charge: float) -> str:
        pulls = pd.DataFrame(
            [("expected return", alpha), ("charge for risk", -charge)],
            columns=["item", "value"],
        )
        return why.weighed_sentence(tuple(replace(one, balance=pulls) for one in told))

    assert "0.10% and the charge for risk is 1.50%" in pulling(0.001, 0.015)
    assert pulling(0.005, 0.015) == ""
    assert pulling(-0.005, 0.015) == ""


def test_a_limit_is_called_by_its_kind() -> None:
    for setting, words in (
        ("portfolio.cash maximum", "Account: cash maximum"),
        ("portfolio.max_weight", "Itself: largest weight"),
        ("barbell.middle.weight maximum", "Leg middle: maximum"),
        ("portfolio.layers.memory minimum", "Layer memory: minimum"),
        ("portfolio.currencies.HKD maximum", "Currency HKD: maximum"),
        ("portfolio.countries.CN maximum", "Country CN: maximum"),
        ("portfolio.max_turnover", "Limit portfolio.max_turnover"),
        ("portfolio.beta minimum", "Limit portfolio.beta: minimum"),
    ):
        assert why_tables.pull_label(setting, 0.03).text == words


def test_observations_are_written_short() -> None:
    for value, unit, text in (
        (0.289, "fraction", "28.9%"),
        (1.9069e13, "tokens", "19,069.0bn tokens"),
        (3.48e10, "CNY", "CNY 34.8bn"),
        (2.325, "USD/Mtok", "2.325 USD/Mtok"),
    ):
        assert why_known.observed(value, unit) == text


def test_bars_are_as_long_as_their_numbers(result: StudyResult) -> None:
    table = why_tables.chain(positions.largest(result))
    bars = [
        (float(cell.text.replace("−", "-")), cell.bar)
        for row in table.rows
        for cell in row
        if cell.bar is not None and "%" not in cell.text
    ]
    assert len(bars) > 10
    longest = max(abs(value) for value, _ in bars)
    for value, bar in bars:
        assert bar == pytest.approx(value / longest, abs=0.002)


def section_in(page: str) -> str:
    return re.search(r'<section id="why".*?</section>', page, re.S)[0]  # type: ignore[index]


def test_the_page_is_in_the_report_and_stamped(page: str, report: Document) -> None:
    own = section_in(page)
    assert "new-page" not in own  # a browser's print has no page breaks of its own
    assert own.count("SIMULATED") >= 2
    (made,) = [one for one in report.sections if one.id == "why"]
    (table,) = [b for b in made.blocks if isinstance(b, Table) and b.id == "why-chain"]
    for row in table.rows:
        for cell in row:
            assert cell.text in own
    widths = re.findall(r'<i class="(up|down)" style="width:([\d.]+)%">', own)
    drawn = [cell.bar for row in table.rows for cell in row if cell.bar is not None]
    assert [(-1.0 if way == "down" else 1.0) * float(w) / 50 for way, w in widths] == (
        pytest.approx(drawn, abs=0.001)
    )
    assert isinstance(made.blocks[0], Text)


def test_it_is_one_page_of_the_pdf(pdf_file: Path) -> None:
    found = shutil.which("pdftotext")
    assert found
    pages = (
        subprocess.run(
            [found, "-layout", str(pdf_file), "-"], capture_output=True, check=True
        )
        .stdout.decode("utf-8")
        .split("\f")
    )
    (own,) = [one for one in pages if "Why it holds its largest positions" in one]
    lines = [line.strip() for line in own.splitlines() if line.strip()]
    assert lines[2 if "SIMULATED" in lines[1] else 1].startswith("Why it holds")
    assert "Profit, net of costs" in own


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1100])
def test_nothing_hangs_over_the_side(
    chromium: str,
    report: Document,
    drawings: Mapping[str, str],
    tmp_path: Path,
    width: int,
) -> None:
    """Measured in a frame of that width; the table scrolls inside its own box."""
    page = render_html(report, drawings)
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    measure = (
        "<script>addEventListener('load', () => parent.postMessage("
        "document.documentElement.scrollWidth + ' ' + innerWidth, '*'))</script>"
    )
    inner = tmp_path / "inner.html"
    inner.write_text(open_page.replace("</body>", f"{measure}</body>"), "utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<iframe src="inner.html" style="width:{width}px;height:900px;border:0">'
        "</iframe><p id=told></p><script>addEventListener('message', (e) => "
        "document.getElementById('told').textContent = e.data)</script>",
        "utf-8",
    )
    told = subprocess.run(
        [
            *(chromium, *FLAGS, f"--user-data-dir={tmp_path / 'p'}"),
            *("--window-size=1300,1000", "--dump-dom", outer.as_uri()),
        ],
        capture_output=True,
        check=True,
        timeout=120,
    ).stdout.decode("utf-8")
    measured = re.search(r'id="told">(\d+) (\d+)<', told)
    assert measured, told[-300:]
    assert (int(measured[1]), int(measured[2])) == (width, width)
