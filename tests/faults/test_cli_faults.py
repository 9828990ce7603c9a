"""What a user gets wrong costs one message, and leaves nothing half-written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine import deliver
from engine.cli import output
from engine.errors import RunError, UsageError
from engine.runs import folder as run_folder
from engine.study import run_study
from engine.study_inputs import StudyInputs
from engine.study_result import StudyResult
from tests import desk
from tests.desk import Change, changed
from tests.terminal import Terminal, tree

RUN = ("run", "t.toml", "--prices", "prices", "--out", "out")


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(desk.write_desk(tmp_path), monkeypatch, capsys)


def write_thesis(terminal: Terminal, text: str) -> None:
    (terminal.folder / "t.toml").write_text(text, encoding="utf-8")


# ---- the thesis file -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('[execution]\nfees = "exchange"', "[execution]\nfee = 1", ("'fee'", "'fees'")),
        ("[execution]", "[executon]", ("executon", "execution")),
        ('exclude = ["icbc"]', 'exclude = ["NVDAA"]', ("'NVDAA'", "'NVDA'")),
        ('"memory"', '"memry"', ("'memry'", "'memory'")),
        ("price_momentum", "price_momentun", ("'price_momentum'",)),
        ("[0.4, 0.6]", "[0.6, 0.7]", ("cannot sum to 1", "lower a minimum")),
        ("[0.4, 0.6]", "[0.6, 0.4]", ("minimum above its maximum",)),
        ("2024-03-28", "2022-03-28", ("end 2022-03-28 is not after start",)),
        ('title    = "Hold', "title    = Hold", ("TOML", "close the quotes")),
        ('"desk"', '"../../desk"', ("../../desk", "desk")),
        ('"desk"', '"<b>desk</b>"', ("letters, digits",)),
        ('"desk"', '"de\\nsk"', ("letters, digits",)),
        ('"desk"', '"desk"\ncurrency = "XXX"', ("currency 'XXX'", "EUR")),
        ('"desk"', '"desk"\ncalendar = "XPAR"', ("calendar 'XPAR'", "XHKG")),
        ('"desk"', '"desk"\nbenchmarks = ["SPYY"]', ("'SPYY'", "'SPY'")),
        ("max_weight = 0.4", "max_weight = 1e-9", ("at least 0.0001",)),
        ("max_weight = 0.4", "risk_aversion = 1e-12", ("at least 0.001",)),
        ('fees = "exchange"', "slippage_bps = 10000", ("at most 1000",)),
    ],
)
def test_a_thesis_that_is_wrong(
    terminal: Terminal, old: str, new: str, words: tuple[str, ...]
) -> None:
    write_thesis(terminal, changed((old, new)))
    said = terminal.refuses(1, *RUN, words=words)
    assert "t.toml:" in said


def test_a_claim_that_names_no_test(terminal: Terminal) -> None:
    said = desk.claim("layer_spred", 'long = "compute"\nshort = "cloud"')
    write_thesis(terminal, desk.THESIS + said)
    terminal.refuses(1, *RUN, words=("'layer_spred'", "'layer_spread'", "t.toml:"))


# ---- the price files -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            desk.repeat("NVDA.csv", 40),
            ("NVDA.csv, row 42", "appears twice", "keep one"),
        ),
        (desk.cell("NVDA.csv", 40, "-3"), ("NVDA.csv, row 41", "not positive")),
        (desk.cell("NVDA.csv", 40, "0"), ("NVDA.csv, row 41", "not positive")),
        (desk.cell("NVDA.csv", 40, "n/a!"), ("NVDA.csv, row 41", "not a number")),
        (desk.cell("NVDA.csv", 40, "inf"), ("NVDA.csv, row 41", "infinite")),
        (desk.cell("NVDA.csv", 40, "1e20"), ("NVDA.csv, row 41", "no price")),
        (desk.cell("NVDA.csv", 40, "1e300"), ("NVDA.csv, row 41", "too large")),
        (desk.text("NVDA.csv", "date,close\n"), ("NVDA.csv", "header and no rows")),
        (desk.text("NVDA.csv", ""), ("NVDA.csv", "empty")),
        (desk.text("NVDA.csv", "date,close\n", "utf-16"), ("NVDA.csv", "UTF-8")),
        (desk.text("NVDA.csv", "date;close\n1;2,5\n"), ("NVDA.csv", "header")),
        (desk.without("KRW=X"), ("000660.KS", "KRW=X", "exclude the line")),
        (desk.text("folder.toml", "[fx\n"), ("folder.toml", "TOML")),
        (desk.only("SPY"), ("no line of ai-stack", "change the period")),
        (desk.between("2022-01-01", "2023-06-30"), ("2023-07-03", "2023-06-30")),
        (desk.between("2024-03-28", "2024-03-28"), ("1 session", "needs two")),
    ],
)
def test_price_files_that_are_wrong(
    terminal: Terminal, change: Change, words: tuple[str, ...]
) -> None:
    change(terminal.folder / "prices")
    terminal.refuses(1, *RUN, words=words)


def test_a_folder_that_is_not_there(terminal: Terminal) -> None:
    terminal.refuses(
        1, "run", "t.toml", "--prices", "sampel", words=("no such folder", "'sample'?")
    )
    terminal.refuses(
        1, "run", "t.toml", "--signals", "refrence", words=("'reference'?",)
    )
    (terminal.folder / "void").mkdir()
    terminal.refuses(1, "run", "t.toml", "--prices", "void", words=("holds no price",))
    terminal.refuses(
        1, "run", "t.toml", "--prices", "t.toml", words=("not a folder", "t.toml")
    )


# ---- options -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, ("--signals", "sample"), ("--mix", "SIMULATED")),
        (2, ("--start", "2030-01-01"), ("--start", "2024-03-28")),
        (2, ("--start", "2023-02-30"), ("--start", "2023-02-30")),
        (2, ("--capital", "nan"), ("--capital", "finite")),
        (2, ("--capital", "-1"), ("--capital", "above 0")),
        (2, ("--seed", "-1"), ("--seed", "at least 0")),
        (2, ("--as-of", "2023-07-03"), ("--as-of", "after the study's start")),
        (1, ("--as-of", "2023-07-04"), ("1 session", "needs two")),
        (2, ("--prices",), ("--prices",)),
        (2, ("--uot", "x"), ("--uot", "--out")),
    ],
)
def test_options_that_are_wrong(
    terminal: Terminal, code: int, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    terminal.refuses(code, *RUN, *arguments, words=words)


def test_an_option_unknown_to_the_library(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'price'.*'prices'\?"):
        deliver.run_to_folder(tmp_path / "t.toml", price="prices")


def test_included_lines_that_cannot_be_held(terminal: Terminal) -> None:
    for include, word in (
        ('["MSFT"]', "has no layer"),
        ('["9988.HK", "BABA"]', "both lines of alibaba"),
        ('["deepseek"]', "can be held"),
    ):
        replaced = ('exclude = ["icbc"]', f"include = {include}")
        write_thesis(terminal, changed(replaced))
        terminal.refuses(1, *RUN, words=(word, "include"))


# ---- the run folder ------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a word instead of the reports."""

    def render(result: StudyResult, folder: Path, *rest: object) -> None:
        (folder / "report.html").write_text("report")

    monkeypatch.setattr(deliver, "_render", render)


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("prices", ("exists already", "--out")),
        ("t.toml", ("exists already", "--out")),
        ("t.toml/out", ("is a file, not a folder",)),
        ("dangling", ("exists already",)),
        ("a" * 300, ("cannot name a folder", "too long")),
        ("a\nb", ("cannot name a folder", "--out")),
        (".", ("exists already",)),
    ],
)
def test_an_output_folder_that_cannot_be(
    terminal: Terminal, out: str, words: tuple[str, ...]
) -> None:
    (terminal.folder / "dangling").symlink_to("nowhere")
    said = terminal.refuses(1, "run", "t.toml", "--out", out, words=words)
    assert "loading" not in said


def test_a_parent_that_may_not_be_written(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    terminal.refuses(1, *RUN, words=("cannot be written", "--out"))
    monkeypatch.undo()
    monkeypatch.chdir(terminal.folder)

    def forbidden(self: Path, *mode: object, **rest: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    with (
        pytest.raises(RunError, match=r"cannot be written \(Permission"),
        run_folder.new_folder(Path("out")),
    ):
        raise AssertionError("must not begin")


def test_a_full_disk_leaves_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(result: StudyResult, folder: Path, *rest: object) -> None:
        assert (folder / "tables" / "nav.csv").exists()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(deliver, "_render", full)
    terminal.refuses(
        1,
        *RUN[:-1],
        "new/deep/out",
        words=("new/deep/out: cannot be written", "No space left", "nothing"),
    )


def test_a_run_that_is_overtaken(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    def other_run(name: str) -> None:
        (terminal.folder / name).mkdir(parents=True)
        (terminal.folder / name / "report.html").write_text("another run")

    def while_computing(inputs: StudyInputs, **rest: object) -> StudyResult:
        other_run("runs/desk-001")
        return run_study(inputs)

    def while_writing(result: StudyResult, folder: Path, *rest: object) -> None:
        other_run("out")

    with monkeypatch.context() as patch:
        patch.setattr(deliver, "_render", while_writing)
        answer = terminal(*RUN)
    assert answer.code == 1
    assert "appeared while the run was computed" in answer.err
    assert tree(terminal.folder / "out") == ["report.html"]

    monkeypatch.setattr(deliver, "run_study", while_computing)
    answer = terminal("run", "t.toml", "--prices", "prices")
    assert answer.code == 0, answer.err
    assert "runs/desk-002/report.html" in answer.out
    assert tree(terminal.folder / "runs" / "desk-001") == ["report.html"]
    assert sorted(os.listdir("runs")) == ["desk-001", "desk-002"]


# ---- names, streams, environment -----------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name"),
    [(2, ""), (2, "  "), (2, ".."), (2, "a\nb"), (2, ".toml"), (1, "no/folder")],
)
def test_names_that_no_thesis_can_have(
    terminal: Terminal, code: int, name: str
) -> None:
    terminal.refuses(code, "init", "--", name, words=("assay: ",))


def test_init_leaves_no_part_behind(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    terminal.refuses(1, "init", "mine", words=("mine.toml", "No space left"))
    terminal.refuses(1, "init", "a" * 300, words=("too long",))


def test_output_that_nobody_takes(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*rest: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def gone(*rest: object, **more: object) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    monkeypatch.setattr("engine.cli.main._leave_stdout", lambda: None)
    monkeypatch.setattr(output, "_draw", full)
    answer = terminal("factors")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "assay: the output: cannot be written or read (No space left on device)\n"
    )
    monkeypatch.setattr(output, "_draw", gone)
    answer = terminal("factors")
    assert (answer.code, answer.err) == (1, "")


def test_a_cache_that_cannot_be_written(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.market import calendar

    monkeypatch.setenv("ASSAY_HOME", str(terminal.folder / "t.toml"))
    timetable = calendar._timetable.__wrapped__
    assert timetable("XNYS")[0].size > 2000
    monkeypatch.setenv("ASSAY_HOME", str(terminal.folder / "cache"))
    timetable("XNYS")
    (stored,) = (terminal.folder / "cache" / "calendars").iterdir()
    stored.write_bytes(b"damaged")
    assert timetable("XNYS")[0].size > 2000
    assert stored.read_bytes() != b"damaged"
