"""A diary's entry is the run of its day, exactly; and later data do not move it."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import pandas as pd
import pytest

import engine
from engine.diary import keep_diary
from engine.runs.diary import Diary, DiaryEntry
from tests import desk
from tests.register_cases import edited, registered_at, write_thesis

FIRST, LAST = dt.date(2025, 3, 31), dt.date(2025, 6, 30)
STATED = edited('id = "dip"', 'id = "dip"\nprobability = 0.7')


def kept(path: Path, out: Path, **options: object) -> Diary:
    told = {"first": FIRST, "last": LAST} | options
    return keep_diary(path, out=out, **told)[1]  # type: ignore[arg-type]


def by_day(diary: Diary) -> dict[str, DiaryEntry]:
    return {str(one.as_of): one for one in diary.entries}


@pytest.fixture
def thesis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A thesis registered in April and edited since: the register is replayed, too."""
    path = write_thesis(tmp_path, STATED)
    registered_at(monkeypatch, "2025-04-15T12:00", path)
    write_thesis(tmp_path, STATED.replace("min_effect = 0.05", "min_effect = 0.04"))
    registered_at(monkeypatch, "2025-06-02T12:00", path)
    return path


def test_every_entry_is_the_run_of_its_day(thesis: Path, tmp_path: Path) -> None:
    diary = kept(thesis, tmp_path / "d")
    days = ["2025-03-31", "2025-04-30", "2025-05-31", "2025-06-30"]
    assert list(by_day(diary)) == days
    for day, entry in by_day(diary).items():
        run, _ = engine.run_to_folder(thesis, out=tmp_path / day, as_of=day)
        assert entry.summary == json.loads((run / "summary.json").read_text())
        weights = pd.read_csv(run / "tables" / "layer_weights.csv").iloc[-1]
        told = weights.drop(["session", "stamp"]).astype(float).to_dict()
        assert entry.layers == told
        stated = pd.read_csv(run / "tables" / "forecasts.csv")
        assert [one["claim"] for one in entry.forecasts] == list(stated["claim"])
    counts = [
        {one["id"]: one["counts"] for one in by_day(diary)[day].summary["claims"]}
        for day in days
    ]
    assert counts[0] == {"spread": "declared", "paid": "declared"}
    assert counts[1]["spread"] == counts[2]["spread"] == "not registered"
    assert counts[3] == dict.fromkeys(("spread", "paid", "dip"), "registered")


def test_processes_give_the_same_diary(thesis: Path, tmp_path: Path) -> None:
    kept(thesis, tmp_path / "one")
    kept(thesis, tmp_path / "two", jobs=2)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 7
    for path in files:
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert other.read_bytes() == path.read_bytes(), path.name


def test_later_data_move_no_entry(tmp_path: Path) -> None:
    """Every price, rate and volume after the day becomes noise, and lines end."""
    text = desk.with_event(
        claims=desk.claim("layer_spread", 'long = "compute"\nshort = "cloud"')
    )
    folder = desk.write_desk(tmp_path, text)
    options = {
        "first": dt.date(2023, 12, 29),
        "last": dt.date(2024, 1, 31),
        "prices": folder / "prices",
        "signals": "reference",
    }
    before = by_day(kept(folder / "t.toml", tmp_path / "d", **options))
    for number, file in enumerate(sorted((folder / "prices").glob("*.csv"))):
        head, *rows = file.read_text().splitlines()
        past = [row for row in rows if row[:10] <= "2024-01-31"]
        later = [row for row in rows if row[:10] > "2024-01-31"]
        noise = [
            ",".join(
                [
                    row.split(",")[0],
                    *["%.4f" % (7 + number + place % 5)] * (row.count(",")),
                ]
            )
            for place, row in enumerate(later)
        ]
        file.write_text("\n".join([head, *past, *noise[: 20 + number]]) + "\n")
    after = by_day(kept(folder / "t.toml", tmp_path / "d", **options))
    again = by_day(kept(folder / "t.toml", tmp_path / "new", **options))
    for day in before:
        assert before[day].summary["claims"]
        for other in (after[day], again[day]):
            assert other.summary == before[day].summary
            assert other.layers == before[day].layers


def test_the_first_resolution_stays_and_is_scored_by_hand(tmp_path: Path) -> None:
    """The planted dip is judged once; 0.7 scores 0.09 and -ln 0.7 at every date."""
    text = edited("at = 2025-04-08", "at = 2025-01-27", STATED)
    text = edited("declared = 2025-02-03", "declared = 2025-01-06", text)
    diary = kept(write_thesis(tmp_path, text), tmp_path / "d")
    (resolved,) = diary.resolutions
    assert resolved.came_true
    assert resolved.as_of == FIRST
    table = pd.read_csv(tmp_path / "d" / "diary.csv")
    assert set(table["stamp"]) == {"SIMULATED"}
    for kind, wanted in (("Brier score", 0.09), ("log score", -math.log(0.7))):
        rows = table[table["kind"] == kind]
        assert list(rows["as_of"]) == [str(one.as_of) for one in diary.entries]
        assert rows["value"].tolist() == pytest.approx([wanted] * 4)
        assert set(rows["n"]) == {1}
    page = (tmp_path / "d" / "diary.html").read_text()
    assert "SIMULATED: came true" in page
