"""Entries of form 1, as older versions wrote them: read, and what they date."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from engine import app, registering
from engine.errors import RegisterError
from engine.runs.register import canonical, digest, read_register
from engine.runs.register_dates import registration_of
from engine.runs.register_hashes import hashes_of
from engine.thesis.registration import Registration
from tests.register_cases import THESIS, edited, registered_at, write_thesis

OLD = dt.date(2025, 2, 5)
NEW = dt.date(2025, 3, 5)
DIMSON = edited("windows = [[0, 1]]", 'windows = [[0, 1]]\nmodel = "dimson"')


def line_of_form_1(folder: Path, text: str) -> str:
    """Return an entry as form 1 has it, by hand but for the members of a layer."""
    document = app.read_thesis(write_thesis(folder, text))
    universe = app.load_universe("ai-stack")
    now = hashes_of(
        document.thesis, universe, app.held_lines(document.thesis, universe)
    )
    fields = {
        "form": 1,
        "entry": 1,
        "moment": "2025-02-04T09:00:00Z",
        "thesis": {
            "id": "small",
            "file": "t.toml",
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "declared": "2025-02-03",
        },
        "settings": now.settings,
        "claims": dict(now.form1),
        "universe": {"name": "ai-stack", "sha256": "01" * 32},
        "store": None,
        "versions": {"assay": "0.1.0"},
        "before": "0" * 64,
    }
    return canonical(fields | {"sha256": digest(fields)}) + "\n"


def begin(folder: Path, text: str = THESIS) -> Path:
    file = folder / "register.jsonl"
    file.write_text(line_of_form_1(folder, text))
    return file


def dated(folder: Path, text: str) -> Registration:
    document = app.read_thesis(write_thesis(folder, text))
    thesis = document.thesis
    universe = app.load_universe("ai-stack")
    assets = app.held_lines(thesis, universe)
    held = registration_of(
        folder / "register.jsonl",
        thesis,
        Path(document.path),
        lambda: hashes_of(thesis, universe, assets),
        text=document.digest,
    )
    assert held is not None
    return held


def test_hashes_of_form_1_are_what_they_always_were(tmp_path: Path) -> None:
    """JSON written by hand, as the version that wrote such entries made it."""
    told = json.loads(line_of_form_1(tmp_path, DIMSON))["claims"]
    paid = (
        '{"account":["USD","XNYS"],'
        '"claim":{"says":"The barbell is better paid than SPY.",'
        '"test":"sharpe_difference"},"params":{"a":"barbell","b":"SPY"}}'
    )
    assert told["paid"] == hashlib.sha256(paid.encode()).hexdigest()
    universe = app.load_universe("ai-stack")
    named = sorted(
        line.symbol
        for line in universe.assets("primary")
        if universe.layer_of(line.symbol) == "compute"
    )
    dip = (
        '{"account":["USD","XNYS"],'
        '"claim":{"says":"Compute falls.","scope":"event","sign":"-",'
        '"test":"event_sign"},'
        '"events":[{"at":"2025-04-08","benchmark":"SPY","estimation":[-260,-11]}],'
        f'"members":{{"compute":{json.dumps(named, separators=(",", ":"))}}},'
        '"params":{"layer":"compute","window":[0,1]}}'
    )
    assert told["dip"] == hashlib.sha256(dip.encode()).hexdigest()


def test_an_old_entry_is_read_and_checked(tmp_path: Path) -> None:
    file = begin(tmp_path)
    (entry,) = read_register(file).entries
    assert entry.form == 1
    assert f"{entry.line}\n" == file.read_text()
    file.write_text(file.read_text().replace("2025-02-03", "2025-01-03"))
    with pytest.raises(RegisterError, match="not as it was written"):
        read_register(file)


def test_an_unchanged_thesis_keeps_the_dates_of_an_old_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path)
    held = dated(tmp_path, THESIS)
    assert held.whole == OLD
    assert set(held.claims.values()) == {OLD}
    # registered again in today's form, it keeps them through the edits after that
    done = registered_at(monkeypatch, "2025-03-04T09:00", tmp_path / "t.toml")
    assert done.fresh
    assert done.entry.form == 2
    assert done.changes == ("hashed in form 2, and the same as before: 3 claims",)
    later = dated(tmp_path, edited('title = "Small"', 'title = "New"'))
    assert set(later.claims.values()) == {OLD}
    assert later.versions == {}
    assert later.withdrawn == ()


def test_an_edit_that_form_1_did_not_see_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model of an event was no part of form 1: the whole text must be the same."""
    begin(tmp_path, DIMSON)
    assert dated(tmp_path, DIMSON).claims["dip"] == OLD
    assert dated(tmp_path, THESIS).claims["dip"] is None
    done = registered_at(
        monkeypatch, "2025-03-04T09:00", write_thesis(tmp_path, THESIS)
    )
    assert done.changes == (
        "hashed in form 2, and the file changed too: counts from 2025-03-05: "
        "dip, paid, spread",
    )
    held = dated(tmp_path, THESIS)
    assert held.claims["dip"] == NEW
    assert held.whole == OLD


def test_registered_in_todays_form_first_only_the_edited_claim_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path)
    registered_at(monkeypatch, "2025-03-04T09:00", write_thesis(tmp_path, THESIS))
    held = dated(tmp_path, DIMSON)
    assert held.claims == {"spread": OLD, "paid": OLD, "dip": None}
    done = registered_at(
        monkeypatch, "2025-03-14T09:00", write_thesis(tmp_path, DIMSON)
    )
    assert done.changes[0] == "edited, counts from 2025-03-15: dip"
    assert dated(tmp_path, DIMSON).versions == {"dip": 2}
    registering.checked_register(tmp_path / "register.jsonl")
