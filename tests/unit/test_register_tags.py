"""What git is told of a register, and what its tags find when the file is short."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.register_cases import edited, registered_at, write_thesis
from tests.terminal import Terminal


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def repository(asked: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    write_thesis(asked.folder)
    git(asked.folder, "init", "-q")
    git(asked.folder, "add", "t.toml")
    git(asked.folder, "commit", "-qm", "Thesis")
    return asked


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_tag_carries_the_hash_of_its_entry(repository: Terminal) -> None:
    told = repository("register", "t.toml", "--tag")
    assert told.code == 0, told
    sha = told.out.splitlines()[1].removeprefix("sha256 ")
    name = "assay/small/1"
    assert git(repository.folder, "cat-file", "-t", name) == "tag\n"
    assert sha in git(repository.folder, "cat-file", "-p", name)
    assert "1 of them tagged in git" in repository("register", "--check").out
    assert repository("register", "t.toml", "--tag").code == 0


def test_a_register_written_anew_contradicts_its_tag(
    repository: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole chain is forged and fits; only the tag knows better."""
    repository("register", "t.toml", "--tag")
    (repository.folder / "register.jsonl").unlink()
    (repository.folder / ".git").rename(repository.folder / "hidden")
    registered_at(monkeypatch, "2025-02-04T09:00", Path("t.toml"))
    (repository.folder / "hidden").rename(repository.folder / ".git")
    assert "assay/small/1" in repository.refuses(
        1, "register", "--check", words=("written anew",)
    )


def test_a_register_cut_short_lacks_what_a_tag_anchors(repository: Terminal) -> None:
    repository("register", "t.toml", "--tag")
    write_thesis(repository.folder, edited("min_effect = 0.05", "min_effect = 0.04"))
    repository("register", "t.toml", "--tag")
    file = repository.folder / "register.jsonl"
    file.write_text(file.read_text().splitlines(keepends=True)[0])
    repository.refuses(1, "register", "--check", words=("assay/small/2", "cut short"))


@pytest.mark.parametrize("kept", [0, 40, 400])
@pytest.mark.parametrize("old_tag", [False, True])
def test_a_register_cut_in_its_first_line_is_found_by_its_tags(
    repository: Terminal, kept: int, old_tag: bool
) -> None:
    """Nothing is left that says whose register it was: the tags know."""
    repository("register", "t.toml", "--tag")
    if old_tag:  # tags of older versions do not name the register
        message = git(repository.folder, "tag", "-l", "--format=%(contents)")
        plain = "\n".join(one for one in message.splitlines() if "jsonl" not in one)
        git(repository.folder, "tag", "-fam", plain, "assay/small/1")
    file = repository.folder / "register.jsonl"
    file.write_bytes(file.read_bytes()[:kept])
    words = ("lacks the entry", "assay/small/1")
    for command in (["--check"], ["t.toml", "--check"], ["t.toml", "--show"]):
        repository.refuses(1, "register", *command, words=words)


def test_no_fresh_chain_begins_where_tags_say_there_was_one(
    repository: Terminal,
) -> None:
    repository("register", "t.toml", "--tag")
    file = repository.folder / "register.jsonl"
    whole = file.read_bytes()
    for left in (b"", whole[:90]):
        file.write_bytes(left)
        words = ("assay/small/1", "bring the file back")
        repository.refuses(1, "register", "t.toml", words=words)
        assert file.read_bytes() == left
    file.unlink()
    repository.refuses(1, "register", "t.toml", words=("assay/small/1",))
    # another thesis, in a register of its own, is no business of that tag
    text = edited('id = "small"', 'id = "other"')
    (repository.folder / "own").mkdir()
    write_thesis(repository.folder / "own", text)
    assert repository("register", "own/t.toml", "--tag").code == 0
    assert "1 of them tagged" in repository("register", "own/t.toml", "--check").out
    file.write_bytes(whole)
    assert repository("register", "--check").code == 0


def test_a_thesis_cut_off_another_s_register_is_found_by_its_tag(
    repository: Terminal,
) -> None:
    repository("register", "t.toml", "--tag")
    write_thesis(repository.folder, edited('"small"', '"other"'), "other.toml")
    repository("register", "other.toml", "--tag")
    file = repository.folder / "register.jsonl"
    file.write_text(file.read_text().splitlines(keepends=True)[0])
    repository.refuses(1, "register", "--check", words=("assay/other/2",))
