"""What an entry of the register says it changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import registering
from engine.runs.register import read_register
from tests.register_cases import edited, registered_at, set_clock, write_thesis
from tests.terminal import Terminal


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    return Terminal(tmp_path, monkeypatch, capsys)


SAID = {
    "a claim renamed": ('id = "dip"', 'id = "fall"', ["renamed: dip to fall"]),
    "a setting": (
        "max_weight = 0.2",
        "max_weight = 0.19",
        ["settings of the portfolio (portfolio.max_weight), count from 2025-03-05"],
    ),
    "an event's model": (
        "windows = [[0, 1]]",
        'windows = [[0, 1]]\nmodel = "dimson"',
        ["edited, counts from 2025-03-05: dip", "in the file: events.release"],
    ),
    "the capital": (
        "[portfolio]",
        "[execution]\ncapital = 5.0\n[portfolio]",
        ["in the file: execution.capital"],
    ),
    "a title": ('title = "Small"', 'title = "New"', ["in the file: thesis.title"]),
    "where a claim stands written": (
        'id = "dip"',
        'id = "dip"\ndocument = "001"',
        ["in the file: claims.dip"],
    ),
    "a comment": (
        "[portfolio]",
        "# x\n[portfolio]",
        ["the file's layout or comments, nothing that it says"],
    ),
    "a claim said twice": (
        '[[claims]]\nid = "paid"',
        '[[claims]]\nid = "again"\nsays = "Compute beats cloud."\n'
        'test = "layer_spread"\nlong = "compute"\nshort = "cloud"\n'
        'min_effect = 0.05\n[[claims]]\nid = "paid"',
        ["said twice: spread as again"],
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), SAID.values(), ids=SAID)
def test_every_entry_says_what_it_changed(
    asked: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    told: list[str],
) -> None:
    path = write_thesis(asked.folder)
    registered_at(monkeypatch, "2025-02-04T09:00", path)
    path.write_text(edited(old, new))
    set_clock(monkeypatch, "2025-03-04T09:00")
    answer = asked("register", path)
    assert answer.err.splitlines()[: len(told)] == told
    assert answer.err.splitlines()[len(told)].startswith("next: commit")
    table = registering.entries_table(read_register(asked.folder / "register.jsonl"))
    assert table["changes"].tolist() == ["first", "; ".join(told)]


def test_two_claims_that_exchange_their_names_are_not_edited(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(asked.folder)
    registered_at(monkeypatch, "2025-02-04T09:00", path)
    text = edited('id = "dip"', 'id = "x"')
    text = edited('id = "paid"', 'id = "dip"', text)
    path.write_text(edited('id = "x"', 'id = "paid"', text))
    done = registering.register_thesis(path)
    assert done.changes == ("renamed: dip to paid, paid to dip",)
