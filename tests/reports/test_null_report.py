"""The report names the null of every test that was used, and where tests disagree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from engine.cli.main import cli
from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.results import Claims, RobustTest
from engine.study_result import StudyResult
from reports import claim_tables, claim_words, null_tables
from reports.document import Document, Table
from tests.cli.test_commands import MINIMAL
from tests.conftest import ROOT

CLAIM = """
[[claims]]
id = "spread"
says = "Compute earns more than labs."
test = "layer_spread"
long = "compute"
short = "labs"
"""


def test_the_claims_section_has_one_row_for_each_test_that_was_used(
    result: StudyResult, report: Document
) -> None:
    used = {one.test for one in result.claims.results if one.finding is not None}
    (section,) = [one for one in report.sections if one.id == "claims"]
    (table,) = [
        block
        for block in section.blocks
        if isinstance(block, Table) and block.id == "claims-nulls"
    ]
    told = {row[0].text: (row[1].text, row[2].text) for row in table.rows}
    assert set(told) == used
    for name, (null, holds) in told.items():
        assert (null, holds) == (CLAIM_TESTS[name].null, CLAIM_TESTS[name].holds)
    nothing = replace(result, claims=Claims(results=(), scores=()))
    assert null_tables.tested_against(nothing) is None


def test_a_verdict_in_words_names_its_null_and_who_disagrees(
    result: StudyResult,
) -> None:
    one = next(each for each in result.claims.results if each.test == "event_contrast")
    assert one.finding is not None
    named = replace(one, null="nothing happened", holds="all is calm")
    assert "Tested against: nothing happened. How" in claim_words.in_words(
        result, named
    )
    robust = (RobustTest(name="adjusted BMP", p=0.4, weak="2 firms show little"),)
    loud = replace(named, finding=replace(one.finding, p=0.01, robust=robust))
    said = claim_words.in_words(result, loud)
    differs = "adjusted BMP (p = 0.40, 2 firms show little) does not reject"
    assert f"nothing happened. But {differs}" in said
    rows = claim_tables.claims(
        replace(result, claims=Claims(results=(loud,), scores=()))
    )
    assert rows is not None
    assert differs in rows.rows[-1][1].sub


def test_a_condition_has_no_null_in_its_words(result: StudyResult) -> None:
    one = next(
        each for each in result.claims.results if each.test == "signal_threshold"
    )
    named = replace(one, null=CLAIM_TESTS[one.test].null)
    assert "Tested against" not in claim_words.in_words(result, named)


def test_assay_claims_prints_what_was_tested_against(tmp_path: Path) -> None:
    told = (ROOT / MINIMAL).read_text(encoding="utf-8") + CLAIM
    (tmp_path / "one.toml").write_text(told, encoding="utf-8")
    found = CliRunner().invoke(cli, ["claims", str(tmp_path / "one.toml")])
    assert found.exit_code == 0, found.output
    shown = found.stdout.partition("Tested against")[2].partition("Thesis score")[0]
    assert "layer_spread" in shown
    assert CLAIM_TESTS["layer_spread"].null in shown
    nothing = CliRunner().invoke(cli, ["claims", str(ROOT / MINIMAL)])
    assert "Tested against" not in nothing.output
