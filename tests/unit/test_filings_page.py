"""docs/filings.md says what the constants in the code say."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.sources.filings import capex_checks, edgar
from engine.sources.filings import client as edgar_client
from engine.sources.filings import facts as edgar_facts
from engine.sources.openrouter import checks as openrouter_checks
from engine.sources.openrouter import lists as openrouter

PAGE = Path(__file__).parents[2] / "docs" / "filings.md"
PHRASES = [
    "stated for {} to {} days".format(*edgar_facts.SPANS[0]),
    f"at {edgar.ACCEPTED_BY:%H:%M} in New York",
    f"differ by more than {edgar_facts.SAME:.1%}".replace("%", " %"),
    f"`{edgar_client.CONTACT}`",
    f"tried {edgar_client.ATTEMPTS} times",
    *(f"`{concept}`" for concept in edgar.CONCEPTS),
    *(
        f"| `{series}` |"
        for series in (
            openrouter.VENDOR_SHARE,
            openrouter.CHINA_SHARE,
            openrouter.TOKENS,
            openrouter.HHI,
        )
    ),
    f"more than {openrouter_checks.LATE} days before `until`",
    f"times the filed amount within {capex_checks.SLIP:.0%}".replace("%", " %"),
    f"more than {capex_checks.OUT_OF_LINE:g} times the median",
    f"within {capex_checks.YEARLY:.0%} of the sum".replace("%", " %"),
    f"more than {capex_checks.LATEST} days after the quarter's end",
    f"known within {capex_checks.SOONEST} days",
    f"more than {capex_checks.SILENT} days before another company's",
    f"more than {capex_checks.GAP} days between two quarters",
    f"within {capex_checks.YEAR_BEFORE:.0%} of it".replace("%", " %"),
    f"below {capex_checks.LOWEST:g} or above {capex_checks.HIGHEST:g} times",
]


@pytest.mark.parametrize("phrase", PHRASES)
def test_the_page_says_what_the_code_does(phrase: str):
    assert phrase in PAGE.read_text(encoding="utf-8")


def test_the_contents_list_the_page():
    assert "(filings.md)" in PAGE.with_name("README.md").read_text(encoding="utf-8")
