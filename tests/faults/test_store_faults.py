"""Killed writers, crowds of writers, damaged files, folders and disks that refuse."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataError
from engine.sources.store import lock as store_lock
from engine.sources.store.store import Store

#: More in a long run by hand: ASSAY_STORE_KILLS=50.
KILLS = int(os.environ.get("ASSAY_STORE_KILLS", "10"))
WRITER = """
import sys
import pandas as pd
from pathlib import Path
from engine.sources.store.store import Store

store, first, last = Store(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
days = pd.bdate_range("2025-01-01", periods=50).as_unit("ns")
print("ready", flush=True)
for number in range(first, last):
    rows = pd.DataFrame(
        {"series": "close", "line": f"L{number}", "value_date": days,
         "known_at": days + pd.Timedelta("21h"),
         "value": number + days.day_of_year / 512}
    )
    batch = store.append(rows, source="child")
    print(number, "old" if batch is None else "new", flush=True)
"""


def writer(folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(first), str(last)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def rows(line: str = "A", value: float = 1.0) -> pd.DataFrame:
    day = pd.Timestamp("2025-01-02")
    return pd.DataFrame(
        {
            "series": ["close"],
            "line": [line],
            "value_date": [day],
            "known_at": [day],
            "value": [value],
        }
    )


def whole(store: Store, lines: int) -> None:
    """Every line is there once, with every day and its own values."""
    days = pd.bdate_range("2025-01-01", periods=50).day_of_year.to_numpy()
    history = store.history()
    assert len(history) == lines * 50
    assert not history.duplicated(["line", "value_date"]).any()
    for line, told in history.groupby("line"):
        expected = int(str(line)[1:]) + days / 512
        np.testing.assert_array_equal(told["value"], expected)


def test_a_killed_writer_leaves_a_store_that_opens(tmp_path: Path) -> None:
    rng = np.random.default_rng(20260706)
    store = Store(tmp_path / "store")
    count = 12 * KILLS + 28
    for kill in range(KILLS):
        child = writer(store.folder, 12 * kill, count)  # most of it is new
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        seen = int(rng.integers(0, 12))
        said = [child.stdout.readline() for _ in range(seen)]
        for _ in range(int(rng.integers(0, 40_000))):  # somewhere inside the next
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert not [one for one in store.check() if one.severity == "error"]
        held = set(store.read()["line"])
        assert {f"L{one.split()[0]}" for one in said} <= held
        whole(store, len(held))
    child = writer(store.folder, 0, count)
    assert child.communicate(timeout=60)[0].count("\n") == count + 1
    store.gc()
    assert store.check() == ()
    whole(store, count)


def test_four_writers_at_once_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    children = [writer(store.folder, first, first + 15) for first in (0, 5, 10, 15)]
    said = [child.communicate(timeout=120)[0] for child in children]
    assert [child.returncode for child in children] == [0] * 4
    assert sum(one.count("new") for one in said) == 30
    whole(store, 30)
    alone = Store(tmp_path / "alone")
    writer(alone.folder, 0, 30).communicate(timeout=60)
    pd.testing.assert_frame_equal(
        store.read().drop(columns="ingested_at"),
        alone.read().drop(columns="ingested_at"),
    )
    moments = [batch.ingested_at for batch in store.manifest()]
    assert len(set(moments)) == 30


def test_a_writer_packs_while_others_read_and_write(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    child = writer(store.folder, 0, 40)
    while child.poll() is None:
        store.gc(fewest=3)
        held = store.history()
        assert len(held) % 50 == 0
    assert child.stdout is not None
    child.stdout.close()
    whole(store, 40)
    assert store.check() == ()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"x" * 99),
    ],
)
def test_a_damaged_batch_is_named(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    store = Store(tmp_path / "store")
    first = store.append(rows(), source="test")
    store.append(rows("B"), source="test")
    assert first is not None
    damage(store.folder / first.name)
    for work in (
        store.read,
        store.status,
        store.vintage,
        lambda: store.append(rows("C"), source="test"),
        lambda: store.export(tmp_path / "out.zip"),
        lambda: store.gc(fewest=1),
    ):
        with pytest.raises(DataError, match=f"{first.name}: is damaged.*move it away"):
            work()
    (found,) = store.check()
    assert (found.severity, found.where) == ("error", first.name)
    (store.folder / first.name).rename(tmp_path / "away")
    assert list(store.read()["line"]) == ["B"]
    assert not (tmp_path / "out.zip").exists()


def test_damage_to_an_archive_imports_nothing(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store"), Store(tmp_path / "other")
    store.append(rows(), source="test")
    second = store.append(rows("B"), source="test")
    assert second is not None
    folder = store.export(tmp_path / "folder")
    flip(folder / second.name)
    with pytest.raises(DataError, match="nothing was imported"):
        other.import_(folder)
    (tmp_path / "no.zip").write_bytes(b"PK no zip")
    (tmp_path / "empty").mkdir()
    for name in ("no.zip", "empty", "absent"):
        with pytest.raises(DataError, match=name):
            other.import_(tmp_path / name)
    assert other.read().empty


def test_what_lies_about_is_told_and_left(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.append(rows(), source="test")
    (store.folder / "0123456789abcdef.part").write_bytes(b"half")
    (store.folder / "notes.txt").write_text("mine")
    told = {one.where: one.severity for one in store.check()}
    assert told == {"0123456789abcdef.part": "info", "notes.txt": "warning"}
    assert list(store.read()["line"]) == ["A"]
    assert store.gc().unfinished == 1
    assert (store.folder / "notes.txt").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "store")
    with pytest.raises(DataError, match=r"cannot be written.*ASSAY_HOME"):
        store.append(rows(), source="test")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "free some space"), (errno.EACCES, "allow")]
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_refuses_keeps_what_was_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    words: str,
) -> None:
    store = Store(tmp_path / "store")
    store.append(rows(), source="test")
    before = sorted(path.name for path in store.folder.iterdir())

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(store_lock.os, call, refuse)
        with pytest.raises(DataError, match=words):
            store.append(rows("B"), source="test")
        with pytest.raises(DataError, match=words):
            store.export(tmp_path / "out.zip") if call == "fsync" else store.gc(
                fewest=1
            )
    assert sorted(path.name for path in store.folder.iterdir()) == before
    assert list(store.read()["line"]) == ["A"]
    assert store.append(rows("B"), source="test") is not None


def test_a_writer_that_never_ends_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", patience_seconds=0.02)
    with (
        store_lock.only_writer(store.folder, patience_seconds=0),
        pytest.raises(DataError, match="another process has been writing"),
    ):
        store.append(rows(), source="test")
