"""An import beside what the store holds: contradictions, restatements, units, jumps."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from engine.cli.commands.data_import import import_
from engine.errors import DataError
from engine.imports import Import, read_files
from engine.sources.store import Store, store_folder

HEAD = "series,entity,value_date,known_at,value,unit,quality,source\n"
FILED = "capex_quarterly,alphabet,2025-06-30,2025-07-24,{},USD,observed,SEC 10-Q\n"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    return Store(store_folder())


def signals(place: Path, *rows: str) -> Import:
    place.write_text(HEAD + "".join(row.strip() + "\n" for row in rows), "utf-8")
    return read_files([place])


def closes(place: Path, *values: float, source: str = "") -> Import:
    days = ("2024-06-03", "2024-06-04", "2024-06-05")
    rows = [f"{day},{value}" for day, value in zip(days, values, strict=False)]
    place.write_text("date,close\n" + "\n".join(rows) + "\n", "utf-8")
    return read_files([place], source=source)


def about(found: Import, words: str) -> pd.DataFrame:
    return found.findings[found.findings["what"].str.contains(words, regex=False)]


def one(found: Import, words: str, severity: str) -> pd.Series:
    rows = about(found, words)
    assert rows["severity"].tolist() == [severity], found.findings.to_dict("records")
    return rows.iloc[0]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(import_, [str(word) for word in arguments])


# Prices


def test_other_closes_of_the_same_source_are_refused_unless_meant(
    tmp_path: Path, store: Store
) -> None:
    place = tmp_path / "NVDA.csv"
    closes(place, 115.0, 116.4, 122.4).store(store)
    other = closes(place, 114.97, 116.4, 122.5)
    before = store.vintage()
    error = one(other.beside(store), "stored values change", "error")
    assert error["what"] == (
        "2 stored values change: first NVDA 2024-06-03 115 -> 114.97, "
        "NVDA 2024-06-05 122.4 -> 122.5"
    )
    assert (error["where"], error["first"], error["last"]) == (
        "store: prices of files",
        "2024-06-03",
        "2024-06-05",
    )
    assert "--replace" in error["action"]
    with pytest.raises(DataError, match="2 stored values change: first NVDA"):
        other.store(store)
    assert store.vintage() == before
    one(other.beside(store, replace=True), "2 stored values change", "warning")
    assert other.store(store, replace=True) == 2
    assert store.read(series="price.close")["value"].tolist() == [114.97, 116.4, 122.5]
    old = store.manifest()[0].ingested_at
    held = store.read(series="price.close", vintage=old)["value"]
    assert held.tolist() == [115.0, 116.4, 122.4]


def test_another_source_of_prices_contradicts_nobody(
    tmp_path: Path, store: Store
) -> None:
    closes(tmp_path / "NVDA.csv", 115.0).store(store)
    other = closes(tmp_path / "NVDA.csv", 11.5, source="house")
    assert other.beside(store).findings.equals(other.findings)
    assert other.store(store) == 1


def test_what_is_said_again_and_what_is_new_is_no_change(
    tmp_path: Path, store: Store
) -> None:
    closes(tmp_path / "NVDA.csv", 115.0, 116.4).store(store)
    more = closes(tmp_path / "NVDA.csv", 115.0, 116.4, 122.4)
    assert more.beside(store).findings.equals(more.findings)
    assert more.store(store) == 1


def test_a_bar_deleted_from_a_file_stays(tmp_path: Path, store: Store) -> None:
    closes(tmp_path / "NVDA.csv", 115.0, 116.4).store(store)
    assert closes(tmp_path / "NVDA.csv", 115.0).store(store) == 0
    assert len(store.read(series="price.close")) == 2


def test_the_command_asks_for_replace(tmp_path: Path, store: Store) -> None:
    place = tmp_path / "NVDA.csv"
    closes(place, 115.0).store(store)
    closes(place, 114.97)
    before = store.vintage()
    refused = run(place)
    assert refused.exit_code == 1
    assert "1 stored value changes" in refused.stdout
    assert "nothing was stored" in refused.stderr
    assert run(place, "--dry-run").exit_code == 1
    assert run(place, "--dry-run", "--replace").exit_code == 0
    assert store.vintage() == before
    meant = run(place, "--replace")
    assert meant.exit_code == 0
    assert meant.stderr.splitlines()[-1].startswith("1 of 1 row was new")
    assert store.read(series="price.close")["value"].tolist() == [114.97]


# Signals


def test_a_signal_of_another_source_does_not_override(
    tmp_path: Path, store: Store
) -> None:
    place = tmp_path / "signals.csv"
    signals(place, FILED.format(22.4e9)).store(store)
    junk = FILED.format(99e9).replace("SEC 10-Q", "junk2").replace("07-24", "08-01")
    found = signals(place, junk).beside(store)
    error = one(found, "1 stored value changes", "error")
    assert error["what"].endswith(
        "capex_quarterly of alphabet 2025-06-30 22400000000 -> 99000000000 "
        "(SEC 10-Q -> junk2)"
    )
    same = FILED.format(22.4e9).replace("SEC 10-Q", "house").replace("07-24", "08-01")
    assert len(about(signals(place, same).beside(store), "stored value")) == 0
    early = junk.replace("08-01", "07-10")
    one(signals(place, early).beside(store), "1 stored value changes", "error")
    one(signals(place, junk).beside(store, replace=True), "changes", "warning")


def test_a_restatement_has_its_source_and_is_known_later(
    tmp_path: Path, store: Store
) -> None:
    place = tmp_path / "signals.csv"
    signals(place, FILED.format(22.4e9)).store(store)
    later = FILED.format(22.5e9).replace("07-24", "10-30")
    for source in ("SEC 10-Q", "SEC 10-K"):
        found = signals(place, later.replace("SEC 10-Q", source))
        one(found.beside(store), "1 stored value restated", "info")
        assert found.beside(store).refused == ""
    both = signals(place, FILED.format(22.4e9), later)
    assert both.store(store) == 1
    assert both.store(store) == 0
    assert store.history()["value"].tolist() == [22.4e9, 22.5e9]
    same_moment = signals(place, FILED.format(22.6e9))
    one(same_moment.beside(store), "1 stored value changes", "error")


def test_what_was_expected_gives_way_to_what_was_observed(
    tmp_path: Path, store: Store
) -> None:
    place = tmp_path / "signals.csv"
    guess = FILED.format(20e9).replace("observed,SEC 10-Q", "forecast,house")
    expected = guess.replace("07-24", "05-01")
    signals(place, expected).store(store)
    filed = signals(place, FILED.format(22.4e9))
    one(filed.beside(store), "1 stored value restated", "info")
    filed.store(store)
    late = signals(place, guess.replace("07-24", "09-01"))
    one(late.beside(store), "1 stored value changes", "error")


def test_what_was_withdrawn_is_not_contradicted(tmp_path: Path, store: Store) -> None:
    place = tmp_path / "signals.csv"
    first = signals(place, FILED.format(22.4e9))
    first.store(store)
    store.append(first.rows.assign(quality="withdrawn"), source="SEC 10-Q")
    assert signals(place, FILED.format(9.9e9)).store(store) == 1


def test_another_unit_is_an_error_in_any_case(tmp_path: Path, store: Store) -> None:
    place = tmp_path / "signals.csv"
    signals(place, FILED.format(22.4e9)).store(store)
    next_quarter = (
        FILED.format(24e9).replace("06-30", "09-30").replace("07-24", "10-30")
    )
    other = signals(place, next_quarter.replace("USD", "EUR"))
    error = one(other.beside(store, replace=True), "units differ", "error")
    assert "alphabet: EUR, the store has USD" in error["what"]
    with pytest.raises(DataError, match="units differ"):
        other.store(store, replace=True)
    assert signals(place, next_quarter).store(store) == 1


def test_two_units_within_an_import_are_an_error(tmp_path: Path) -> None:
    second = FILED.format(24e9).replace("06-30", "03-31").replace("USD", "EUR")
    found = signals(tmp_path / "signals.csv", FILED.format(22.4e9), second)
    assert "alphabet: USD, EUR" in one(found, "units differ", "error")["what"]
    assert found.refused


# Jumps


def quarters(*values: float) -> list[str]:
    row = "users,openai,2025-{m:02d}-05,2025-{m:02d}-20,{v},users,observed,me"
    return [row.format(m=month, v=value) for month, value in enumerate(values, 1)]


def test_a_power_of_ten_within_an_import_is_named(tmp_path: Path) -> None:
    found = signals(tmp_path / "users.csv", *quarters(5.0, 6.0, 7000.0, 8.0))
    jump = one(found, "power of ten", "warning")
    assert jump["where"] == "users: openai"
    assert jump["what"].startswith("2 jumps by a power of ten")
    assert "6 on 2025-02-05, 7000 on 2025-03-05" in jump["what"]
    sound = signals(tmp_path / "users.csv", *quarters(5.0, 0.0, 60.0, 4.0))
    assert len(about(sound, "power of ten")) == 0


def test_a_power_of_ten_against_the_store_is_named(
    tmp_path: Path, store: Store
) -> None:
    signals(tmp_path / "users.csv", *quarters(5.0, 6.0)).store(store)
    slip = signals(tmp_path / "users.csv", quarters(5.0, 6.0, 700.0)[2])
    assert len(about(slip, "power of ten")) == 0
    jump = one(slip.beside(store), "power of ten", "warning")
    assert "6 (stored) on 2025-02-05, 700 on 2025-03-05" in jump["what"]
    assert jump["what"].startswith("1 jump by")
    sound = signals(tmp_path / "users.csv", quarters(5.0, 6.0, 7.0)[2])
    assert len(about(sound.beside(store), "power of ten")) == 0


def test_small_shares_may_grow_a_hundredfold(tmp_path: Path) -> None:
    rows = [row.replace("users,obs", "fraction,obs") for row in quarters(0.001, 0.2)]
    found = signals(tmp_path / "shares.csv", *rows)
    assert len(about(found, "power of ten")) == 0
    percent = [row.replace("users,obs", "fraction,obs") for row in quarters(0.2, 21.0)]
    one(signals(tmp_path / "shares.csv", *percent), "power of ten", "warning")


# Words


def test_a_misspelt_entity_is_asked_about(tmp_path: Path) -> None:
    row = quarters(5.0)[0]
    found = signals(tmp_path / "users.csv", row.replace("openai", "alibba"))
    asked = one(found, "did you mean 'alibaba'?", "warning")
    assert "'alibba'" in asked["what"]
    assert '[entities] "alibba"' in asked["action"]
    one(found, "1 entity is not in the universe", "info")
    for sound in ("openai", "oracle", "cn_oss_models", "mistral"):
        other = signals(tmp_path / "users.csv", row.replace("openai", sound))
        assert len(about(other, "did you mean")) == 0, sound


def test_days_have_no_hours_and_nothing_no_sign(tmp_path: Path) -> None:
    found = signals(tmp_path / "users.csv", quarters(-0.0)[0])
    what = about(found, "no value of users before")["what"].iloc[0]
    assert what.endswith("before 2025-01-05, none known before 2025-01-21")
    assert "00:00" not in found.findings.to_csv() + " ".join(found.files[0].says)
    assert "-0.0" not in found.rows.to_csv()


def test_what_is_not_stored_is_not_used(tmp_path: Path) -> None:
    days = pd.bdate_range("2024-06-03", periods=30)
    rates = pd.DataFrame({"date": days, "close": 7.8})
    rates.to_csv(tmp_path / "HKD=X.csv", index=False)
    alone = about(read_files([tmp_path]), "the rate stays at")
    assert alone["action"].str.endswith("; stored as it is").tolist() == [True]
    (tmp_path / "AMD.csv").write_text("date,close\n2024-06-03,ten\n", "utf-8")
    beside = about(read_files([tmp_path]), "the rate stays at")
    assert beside["action"].str.endswith("; not stored").tolist() == [True]


def test_a_source_restates_only_what_still_counts(tmp_path: Path, store: Store) -> None:
    """Two sources agree: either may restate; once one is overridden, it may not."""
    place = tmp_path / "signals.csv"
    rows = [
        f"users,openai,2025-01-05,2025-0{month}-20,{value},users,observed,{source}"
        for month, value, source in ((1, 5, "a"), (2, 5, "b"), (3, 6, "a"), (4, 7, "b"))
    ]
    signals(place, *rows[:2]).store(store)
    one(signals(place, rows[2]).beside(store), "1 stored value restated", "info")
    signals(place, rows[2]).store(store)
    one(signals(place, rows[3]).beside(store), "1 stored value changes", "error")
