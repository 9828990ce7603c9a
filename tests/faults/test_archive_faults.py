"""A run folder that was tampered with, moved or robbed of its inputs says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import deliver, reopen
from engine.runs import archive
from engine.study_result import StudyResult
from tests import desk
from tests.terminal import Terminal, tree

OWN_UNIVERSE = """\
title = "One company at each end"
layers = ["compute", "memory", "cloud", "application"]
[[entities]]
id = "nvidia"
layer = "compute"
[[entities]]
id = "alibaba"
layer = "cloud"
[[lines]]
symbol = "NVDA"
entity = "nvidia"
mic = "XNAS"
currency = "USD"
[[lines]]
symbol = "BABA"
entity = "alibaba"
mic = "XNYS"
currency = "USD"
"""

Tamper = Callable[[Path], None]


def _render(result: StudyResult, folder: Path, *rest: object) -> None:
    (folder / "report.html").write_text("report")


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A desk with one run in ``out``: own universe, own prices, up to a day."""
    folder = tmp_path_factory.mktemp("archived")
    name = ('exclude = ["icbc"]', 'name = "own.toml"')
    room = ("max_weight = 0.4", "max_weight = 0.6")
    desk.write_desk(folder, desk.changed(name, room))
    (folder / "own.toml").write_text(OWN_UNIVERSE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliver, "_render", _render)
        patch.chdir(folder)
        deliver.run_to_folder(
            "t.toml", out="out", prices="prices", as_of="2024-03-15", capital=5e6
        )
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def terminal(
    archived: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    """A terminal in a copy of the desk; reports are a word, studies take no time."""
    folder = tmp_path / "desk"
    shutil.copytree(archived, folder)
    manifest = folder / "out" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(archived), str(folder)))
    monkeypatch.setattr(deliver, "_render", _render)
    return Terminal(folder, monkeypatch, capsys)


def rehash(run: Path) -> None:
    """Write the present hashes into the manifest, as a forger would."""

    def forged(manifest: dict[str, Any]) -> None:
        manifest["files"] = archive.file_hashes(run)

    edit(forged)(run)


def edit(change: Callable[[dict[str, Any]], object]) -> Tamper:
    """Return a tamper that edits the manifest."""

    def tamper(run: Path) -> None:
        place = run / "manifest.json"
        manifest = json.loads(place.read_text())
        change(manifest)
        place.write_text(json.dumps(manifest))

    return tamper


def write(name: str, text: str) -> Tamper:
    """Return a tamper that writes a file of the run and forges its hash."""

    def tamper(run: Path) -> None:
        (run / name).write_text(text)
        rehash(run)

    return tamper


def replace(name: str, old: str, new: str) -> Tamper:
    """Return a tamper that changes a file of the run and forges its hash."""

    def tamper(run: Path) -> None:
        text = (run / name).read_text()
        assert old in text
        write(name, text.replace(old, new, 1))(run)

    return tamper


def unforged(name: str) -> Tamper:
    """Return a tamper that changes a file and leaves the manifest."""

    def tamper(run: Path) -> None:
        (run / name).write_text("changed")

    return tamper


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (lambda run: (run / "manifest.json").unlink(), "no manifest.json in it"),
        (lambda run: (run / "manifest.json").write_text("{"), "cannot be read"),
        (lambda run: (run / "manifest.json").write_text("[]"), "is not the manifest"),
        (lambda run: (run / "manifest.json").write_text('{"files": {}}'), "thesis is"),
        (edit(lambda m: m.update(files=[1])), "files is missing or damaged"),
        (edit(lambda m: m.pop("options")), "options is missing or damaged"),
        (edit(lambda m: m["options"].update(prices=3)), "options.prices is missing"),
        (edit(lambda m: m["prices"].pop("sha256")), "prices.sha256 is missing"),
        (unforged("summary.json"), "not as it was written: changed: summary.json"),
        (lambda run: (run / "tables" / "nav.csv").unlink(), "missing: tables/nav.csv"),
        (lambda run: (run / "note.txt").write_text("x"), "added: note.txt"),
        (write("thesis.toml", "x ="), "thesis.toml:1: syntax"),
        (replace("thesis.toml", "0.6", "0.7"), "the thesis is not what the run used"),
        (edit(lambda m: m["universe"].update(sha256="0")), "the universe is not what"),
        (edit(lambda m: m["signals"].update(sha256="0")), "the signals are not what"),
        (write("summary.json", "[]"), "is not the summary of a run"),
        (write("summary.json", "{"), "summary.json: cannot be read"),
        (replace("summary.json", '"nav_end": ', '"nav_end": 1'), "differs in nav_end"),
        (replace("tables/nav.csv", ",5", ",6"), "differs in tables/nav.csv"),
    ],
)
def test_a_run_that_was_tampered_with(
    terminal: Terminal, tamper: Tamper, words: str
) -> None:
    tamper(terminal.folder / "out")
    terminal.refuses(1, "verify", "out", words=(words, "out"))


def test_a_damaged_run_gives_no_report(terminal: Terminal) -> None:
    edit(lambda manifest: manifest.pop("options"))(terminal.folder / "out")
    terminal.refuses(1, "report", "out", "--out", "new", words=("options is missing",))
    terminal.refuses(1, "report", "out", "--out", "out", words=("exists already",))


def test_a_run_is_derived_again_from_anywhere(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = terminal.folder / "deep" / "er"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    answer = terminal("verify", "../../out")
    assert (answer.code, answer.out) == (
        0,
        "../../out: every number was derived again, exactly\n",
    ), answer
    answer = terminal("report", "../../out", "--out", "new")
    assert answer.code == 0, answer.err
    again = json.loads((elsewhere / "new" / "manifest.json").read_text())
    first = json.loads((terminal.folder / "out" / "manifest.json").read_text())
    assert again == first
    assert tree(elsewhere / "new") == tree(terminal.folder / "out")


def test_inputs_that_are_gone_or_changed(terminal: Terminal) -> None:
    prices = terminal.folder / "prices"
    desk.cell("NVDA.csv", 300, "1.5")(prices)
    terminal.refuses(1, "verify", "out", words=("the prices are not what", "bring"))
    prices.rename(terminal.folder / "other")
    terminal.refuses(
        1,
        "verify",
        "out",
        words=("its prices came from the folder 'prices'", str(terminal.folder)),
    )


def test_other_versions_are_named(terminal: Terminal) -> None:
    run = terminal.folder / "out"
    edit(lambda manifest: manifest["versions"].update(numpy="1.0"))(run)
    replace("summary.json", '"nav_end": ', '"nav_end": 1')(run)
    terminal.refuses(1, "verify", "out", words=("computed with numpy 1.0, now",))


def test_hashes_alone_run_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not(*arguments: object, **rest: object) -> None:
        raise AssertionError("must not run")

    monkeypatch.setattr(reopen, "rerun", must_not)
    answer = terminal("verify", "out", "--hashes-only")
    assert answer.code == 0
    assert answer.out == "out: every file has the hash of the manifest\n"
