"""What the checks of capital expenditure say, on numbers one can check by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from engine.sources.filings.capex_checks import capex_findings

ENDS = ["2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31", "2024-03-31"]
DAY = pd.Timedelta(days=1)
FILED = [10.01e9, 11.02e9, 12.03e9, 13.04e9, 14.05e9]


def frame(
    values: list[float] = FILED, source: str = "SEC 10-Q", **changed: object
) -> pd.DataFrame:
    ends = pd.to_datetime(pd.Series(ENDS[: len(values)]))
    rows = pd.DataFrame(
        {
            "series": "capex_quarterly",
            "entity": "meta",
            "value_date": ends,
            "known_at": ends + pd.Timedelta(days=30),
            "value": values,
            "unit": "USD",
            "quality": "observed",
            "source": source,
        }
    )
    return rows.assign(**changed)


def said(rows: pd.DataFrame) -> list[str]:
    return [f"{one.severity}: {one.what}" for one in capex_findings(rows)]


def test_a_clean_series_has_no_finding():
    assert said(frame()) == []


def test_no_row_has_no_finding():
    assert said(frame().iloc[:0]) == []


@pytest.mark.parametrize("slip", [0.001, 0.1, 10.0, 1000.0])
def test_a_slipped_unit_is_seen_without_any_other_source(slip: float):
    values = [*FILED[:2], FILED[2] * slip, *FILED[3:]]
    (only,) = said(frame(values, source="a page"))
    assert only.startswith("error: unit slip or no quarter: ")


def test_growth_is_no_slip():
    assert said(frame([1.001e9, 2.002e9, 4.004e9, 8.008e9, 16.016e9])) == []


def test_a_sign_slip_is_found():
    (only,) = said(frame([*FILED[:4], -14.05e9]))
    assert only == "error: not positive: -14050000000 from SEC 10-Q"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_is_found_and_compared_with_nothing(value: float):
    (only,) = said(frame([*FILED[:4], value]))
    assert only == "error: no number from SEC 10-Q"


def test_two_currencies_are_no_series():
    (only,) = said(frame(unit=["USD", "USD", "CNY", "USD", "USD"]))
    assert only.startswith("error: mixed units: CNY, USD; rows 3 are not in USD")


def test_a_hole_is_found_and_dated():
    (only,) = capex_findings(frame().drop(index=2))
    assert (only.first, only.last) == ("2023-06-30", "2023-12-31")


def test_two_pages_that_disagree_without_a_filing():
    one = frame([10.01e9], source="page one")
    other = frame([11.01e9], source="page two")
    (only,) = capex_findings(pd.concat([one, other], ignore_index=True))
    assert only.what == (
        "sources disagree: 11.01bn from page two, and 10.01bn from page one in row 1"
    )
    assert only.where == "capex_quarterly: meta, row 2"


def test_a_claim_beyond_the_filings_is_ungrounded():
    claim = frame(source="a page").iloc[[4]]
    rows = pd.concat([frame(FILED[:4]), claim], ignore_index=True)
    assert said(rows) == [
        "warning: not filed: no filing gives the quarter that a page does"
    ]


def test_a_restatement_by_a_filing_is_no_conflict():
    again = (
        frame()
        .iloc[[1]]
        .assign(value=11.9e9, known_at=pd.Timestamp("2024-08-01"), source="SEC 10-K")
    )
    assert said(pd.concat([frame(), again], ignore_index=True)) == []


def test_a_claim_that_repeats_the_filing_is_quiet():
    claim = frame(source="a page").iloc[[1]]
    assert said(pd.concat([frame(), claim], ignore_index=True)) == []


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("slides, incl. finance leases", "leases are included or left out"),
        ("purchases net of incentives", "net, not gross"),
        ("accrual capex", "accrued, not paid"),
        ("cash paid for capex", "paid in cash, not accrued"),
        ("guidance for the year", "a plan, not an outcome"),
    ],
)
def test_a_source_that_names_its_definition_is_believed(words: str, kind: str):
    claim = frame(source=words).iloc[[1]]
    (only,) = said(pd.concat([frame(), claim], ignore_index=True))
    assert only == f"warning: another definition: by its source's words {kind}"


def test_a_target_is_no_claim():
    target = frame([20e9], source="guidance").assign(quality="target")
    assert said(pd.concat([frame(), target], ignore_index=True)) == []


def test_a_series_may_begin_with_the_comparative_figures():
    rows = frame()
    late = rows["known_at"].where(rows.index > 1, rows["known_at"] + DAY * 365)
    (only,) = said(rows.assign(known_at=late))
    assert only.startswith("info: known only from a later filing")
    late = rows["known_at"].where(rows.index != 3, rows["known_at"] + DAY * 365)
    (only,) = said(rows.assign(known_at=late))
    assert only.startswith("error: last filing, not first")


def test_the_rows_are_left_as_they_were():
    rows = frame()
    capex_findings(rows)
    pd.testing.assert_frame_equal(rows, frame())
