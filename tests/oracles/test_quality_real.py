"""Real files: every quirk that their README names is reported, and no error is."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pandas as pd
import pytest

from engine import checks
from engine.checks import FolderCheck, check_folder

pytestmark = pytest.mark.shared

HONG_KONG = ["0700.HK", "0981.HK", "0992.HK", "1024.HK", "1211.HK", "1810.HK"]
ADJUSTED_ONLY = [
    "000660.KS",
    "000977.SZ",
    "002230.SZ",
    "005930.KS",
    "688256.SS",
    "ACWI",
    "KC",
]


@pytest.fixture(scope="module")
def real(shared: Path) -> FolderCheck:
    return check_folder(shared / "market" / "prices")


def rows(found: FolderCheck, words: str) -> pd.DataFrame:
    table = found.findings
    return table[table["what"].str.contains(words, regex=False)]


def test_every_file_is_accounted_for(real: FolderCheck, shared: Path) -> None:
    files = [path.stem for path in (shared / "market" / "prices").glob("*.csv")]
    assert len(files) == 29
    assert real.unknown == ("MU.csv",)
    assert real.unusable == ()
    assert sorted(real.currencies) == ["CNY", "HKD", "KRW"]
    assert len(real.lines) + len(real.currencies) + len(real.unknown) == 29


def test_no_real_price_is_called_an_error(real: FolderCheck) -> None:
    assert real.count("error") == 0


def test_warnings_are_few_enough_to_be_read(real: FolderCheck) -> None:
    found = real.findings[real.findings["severity"] == "warning"]
    kinds = set(zip(found["where"], found["what"].map(kind), strict=True))
    assert kinds == {
        ("XKRX", "no line has a bar"),
        ("0981.HK", "flat row"),
        ("1024.HK", "flat row"),
        ("1810.HK", "flat row"),
        ("1024.HK", "begins"),
        ("BABA", "begins"),
        ("BIDU", "begins"),
        ("KWEB", "begins"),
        ("KC", "out of line"),
    }


def kind(what: str) -> str:
    match = re.search("no line has a bar|flat row|begins|out of line", what)
    return match[0] if match else what


def test_sessions_that_the_korean_feed_misses(real: FolderCheck) -> None:
    (row,) = rows(real, "no line has a bar").to_dict("records")
    assert row["where"] == "XKRX"
    assert row["what"].endswith("3 sessions: 2022-01-03, 2022-05-09, 2025-09-19")
    assert (row["first"], row["last"]) == ("2022-01-03", "2025-09-19")


def test_half_days_of_hong_kong_are_flat(real: FolderCheck, shared: Path) -> None:
    (row,) = rows(real, "half day").to_dict("records")
    assert (row["where"], row["severity"]) == ("XHKG", "info")
    assert (row["first"], row["last"]) == ("2021-02-11", "2025-01-28")
    assert "on 8 half days" in row["what"]
    full = rows(real, "full session").set_index("where")
    assert full.loc["1024.HK", "what"].endswith("2022-03-14, 2024-01-15")
    assert sorted(full.index) == ["0981.HK", "1024.HK", "1810.HK"]


def test_adjustment_differs_by_file(real: FolderCheck) -> None:
    assert sorted(rows(real, "only adj_close")["where"]) == ADJUSTED_ONLY
    same = sorted(rows(real, "adj_close equals close")["where"])
    assert same == [*HONG_KONG, "AMD", "BIDU"]


def test_starts_and_ends_differ(real: FolderCheck) -> None:
    begins = rows(real, "begins").set_index("where")["first"]
    for symbol in ("BABA", "BIDU", "KWEB"):
        assert begins[symbol] == "2021-05-12"
    assert set(begins.index) == {"BABA", "BIDU", "KWEB", "1024.HK"}
    ends = rows(real, "the feed ends").set_index("where")
    assert sorted(ends.index) == HONG_KONG
    assert set(ends["last"]) == {"2025-10-30"}
    assert set(ends["severity"]) == {"info"}


def test_rates_stand_for_business_days_of_the_bank(real: FolderCheck) -> None:
    found = rows(real, "weekday").set_index("where")["what"]
    assert sorted(found.index) == ["CNY", "HKD", "KRW"]
    assert found["HKD"].startswith("no rate on 20 weekdays: 2021-04-02, 2021-04-05")


def test_the_days_on_which_markets_were_shut_are_not_reported(
    real: FolderCheck,
) -> None:
    said = " ".join(real.findings["what"])
    for day in ("2025-01-27", "2025-01-29", "2025-01-30", "2025-02-03"):
        assert day not in said
    assert rows(real, "closed days").empty


def test_splits_that_are_adjusted_already_are_no_jump(real: FolderCheck) -> None:
    moved = rows(real, "a move of")
    assert moved.empty
    assert rows(real, "adj_close / close").empty


def test_the_folder_is_checked_in_half_a_second_beyond_reading(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    took = []
    inner = checks.check_prices

    def timed(*arguments: object) -> object:
        begun = time.perf_counter()
        found = inner(*arguments)  # type: ignore[arg-type]
        took.append(time.perf_counter() - begun)
        return found

    monkeypatch.setattr(checks, "check_prices", timed)
    for _ in range(2):
        check_folder(shared / "market" / "prices")
    assert min(took) < 0.5
