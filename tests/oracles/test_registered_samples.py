"""From when a registered claim counts: sessions counted by hand from the calendar."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import engine
from engine.market.calendar import sessions
from engine.runs.register import read_register
from tests.register_cases import THESIS, edited, registered_at, write_thesis

END = dt.date(2025, 9, 30)


def claims(path: Path, **options: object) -> dict[tuple[str, str], engine.StudyResult]:
    """Return the claims' rows by id and sample."""
    result = engine.run(path, **options)  # type: ignore[arg-type]
    from reports.tables import claims as table

    rows = table(result).to_dict("records")
    return {(row["claim"], row["sample"]): row for row in rows}


def days(first: dt.date, last: dt.date = END) -> int:
    """Return how many sessions New York held."""
    return len(sessions("XNYS", first, last))


def test_a_claim_counts_from_the_day_after_its_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    done = registered_at(monkeypatch, "2025-03-03T15:00", path)
    rows = claims(path)
    for claim in ("spread", "paid"):
        row = rows[claim, "out-of-sample"]
        assert row["n"] == days(dt.date(2025, 3, 4))
        assert (row["counts"], row["counts_from"]) == ("registered", "2025-03-04")
        assert row["declared"] == "2025-02-03"
    assert rows["dip", "out-of-sample"]["verdict"] != "untestable"
    result = engine.run(path)
    assert result.registration is not None
    assert result.registration.head == done.entry.sha256
    outside = result.performance[result.performance["sample"] == "out-of-sample"]
    assert set(outside["n"]) == {days(dt.date(2025, 3, 4))}


def test_a_registration_before_the_declaration_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    plain = claims(path)
    registered_at(monkeypatch, "2025-01-10T15:00", path)
    dated = claims(path)
    assert dated["spread", "out-of-sample"]["n"] == days(dt.date(2025, 2, 3))
    assert repr(plain) == repr(dated)


def test_an_edited_claim_starts_again_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    registered_at(monkeypatch, "2025-03-03T15:00", path)
    write_thesis(tmp_path, edited("min_effect = 0.05", "min_effect = 0.04"))
    between = claims(path)
    pending = between["spread", "out-of-sample"]
    assert pending["verdict"] == "SIMULATED: untestable"
    assert pending["reason"].startswith("not registered as it now stands")
    assert (pending["counts"], pending["counts_from"]) == ("not registered", "")
    whole = between["spread", "in-sample"]
    assert whole["n"] == days(dt.date(2025, 1, 3))  # the first session has no return
    assert between["paid", "out-of-sample"]["n"] == days(dt.date(2025, 3, 4))

    registered_at(monkeypatch, "2025-05-30T23:59:59", path)
    after = claims(path)
    assert after["spread", "out-of-sample"]["n"] == days(dt.date(2025, 5, 31))
    assert after["paid", "out-of-sample"]["n"] == days(dt.date(2025, 3, 4))

    write_thesis(tmp_path)  # back to the first version: it was registered in March
    back = claims(path)
    assert back["spread", "out-of-sample"]["n"] == days(dt.date(2025, 3, 4))


def test_edited_settings_start_what_the_portfolio_decides_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    registered_at(monkeypatch, "2025-03-03T15:00", path)
    write_thesis(tmp_path, edited("max_weight = 0.2", "max_weight = 0.15"))
    registered_at(monkeypatch, "2025-05-05T15:00", path)
    rows = claims(path)
    assert rows["paid", "out-of-sample"]["n"] == days(dt.date(2025, 5, 6))
    assert rows["spread", "out-of-sample"]["n"] == days(dt.date(2025, 3, 4))


def test_an_event_before_the_registration_is_in_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    assert ("dip", "out-of-sample") in claims(path)
    registered_at(monkeypatch, "2025-04-08T15:00", path)
    rows = claims(path)
    assert ("dip", "out-of-sample") not in rows
    assert ("dip", "in-sample") in rows


def test_what_was_registered_later_is_not_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`as_of` cuts the register, too: nothing registered later moves a replay."""
    path = write_thesis(tmp_path)
    without = repr(claims(path, as_of="2025-07-31"))
    registered_at(monkeypatch, "2025-08-01T00:00", path)
    assert repr(claims(path, as_of="2025-07-31")) == without
    dated = claims(path, as_of="2025-08-29")
    assert dated["spread", "in-sample"]["n"] == days(
        dt.date(2025, 1, 3), dt.date(2025, 8, 1)
    )


def test_another_thesis_in_the_register_leaves_this_one_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    plain = repr(claims(path))
    other = write_thesis(tmp_path, edited('id = "small"', 'id = "other"'), "o.toml")
    registered_at(monkeypatch, "2025-03-03T15:00", other)
    assert repr(claims(path)) == plain
    assert len(read_register(tmp_path / "register.jsonl").entries) == 1


def test_dropped_claims_and_versions_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(tmp_path)
    registered_at(monkeypatch, "2025-03-03T15:00", path)
    text = edited("min_effect = 0.05", "min_effect = 0.04")
    write_thesis(tmp_path, text[: text.index('[[claims]]\nid = "dip"')])
    registered_at(monkeypatch, "2025-04-03T15:00", path)
    said = " ".join(engine.run(path).caveats)
    assert "spread in 2 versions" in said
    assert "Registered and no longer claimed: dip." in said
    assert THESIS.count("[[claims]]") == 3
