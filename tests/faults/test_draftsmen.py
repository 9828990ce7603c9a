"""Processes that draw are a help, no more: without them the drawings are the same."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reports import draftsmen as crews
from reports.document import Figure
from reports.draftsmen import Draftsmen, draftsmen
from reports.drawing import draw

ROOT = Path(__file__).parents[2]
#: Draftsmen that are no help, by what they do instead.
USELESS = {
    "ends at once": "",
    "cannot start": "raise RuntimeError",
    "says nonsense": "print('<svg>', flush=True)\nimport sys; sys.stdin.read()",
    "draws nothing": "import sys\nfor line in sys.stdin: print('null', flush=True)",
    "ends half-way": "print('\"<svg>', end='', flush=True)",
    "says nothing": "import sys; sys.stdin.read()",
}


def figure(name: str, value: float) -> Figure:
    spec = {
        "data": {"values": [{"x": "a", "y": value}, {"x": "b – ü", "y": 2.0}]},
        "mark": {"type": "bar", "clip": True},
        "encoding": {
            "x": {"field": "x", "type": "nominal"},
            "y": {"field": "y", "type": "quantitative", "scale": {"domain": [0, 3]}},
        },
    }
    return Figure(id=name, caption="c", description="d", spec=spec)


FIGURES = tuple(figure(f"f{n}", float(n)) for n in range(5))


@pytest.fixture(scope="module")
def drawn() -> Mapping[str, str]:
    return draw(FIGURES)


def test_a_drawing_does_not_depend_on_those_before_it(
    drawn: Mapping[str, str],
) -> None:
    assert draw(reversed(FIGURES)) == drawn
    assert 'id="f0-clip0"' in drawn["f0"]
    assert "url(#f4-clip0)" in drawn["f4"]


def working(crew: Draftsmen) -> list[int]:
    return [process.pid for process in crew._processes]


def alive(pid: int) -> bool:
    """Return whether a process runs: one that nobody has buried yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def eventually(condition: Callable[[], bool]) -> bool:
    last = time.monotonic() + 30.0
    while not condition() and time.monotonic() < last:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_draftsmen_draw_the_same(count: int, drawn: Mapping[str, str]) -> None:
    with draftsmen(count) as crew:
        assert len(working(crew)) == count
        crew.begin(FIGURES[:2])
        crew.begin(FIGURES[2:])
        assert list(crew.finish().items()) == list(drawn.items())
        # they drew all of it themselves
        assert crew._drawn == (drawn if count else {})
        assert crew.finish() == drawn
        pids = working(crew)
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("does", USELESS)
def test_useless_draftsmen(
    does: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    drawn: Mapping[str, str],
) -> None:
    script = tmp_path / "draftsman.py"
    script.write_text(USELESS[does])
    monkeypatch.setattr(crews, "DRAFTSMAN", script)
    monkeypatch.setattr(crews, "PATIENCE", 0.5)
    with draftsmen(2) as crew:
        crew.begin(FIGURES)
        assert crew.finish() == drawn
        assert crew._drawn == {}
        pids = working(crew)
        assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)


def test_a_draftsman_that_dies_on_the_way(drawn: Mapping[str, str]) -> None:
    with draftsmen(1) as crew:
        (process,) = crew._processes
        crew.begin(FIGURES[:2])
        assert eventually(lambda: len(crew._drawn) == 2)
        process.kill()
        crew.begin(FIGURES[2:])
        assert crew.finish() == drawn
        assert sorted(crew._drawn) == ["f0", "f1"]


@pytest.mark.parametrize("executable", ["", "/nowhere/python", "/bin/false", None])
def test_without_an_interpreter(
    executable: str | None,
    monkeypatch: pytest.MonkeyPatch,
    drawn: Mapping[str, str],
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    with draftsmen(2) as crew:
        assert working(crew) == []
        crew.begin(FIGURES)
        assert crew.finish() == drawn


def test_what_vega_refuses_is_said_as_ever() -> None:
    wrong = dataclasses.replace(FIGURES[0], id="wrong", spec={"mark": "no such mark"})
    with pytest.raises(ValueError, match="conversion failed") as here:
        draw([wrong])
    with draftsmen(1) as crew:
        crew.begin([*FIGURES, wrong])
        with pytest.raises(ValueError, match="conversion failed") as there:
            crew.finish()
        assert len(crew._drawn) == len(FIGURES)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interruption_ends_them(error: type[BaseException]) -> None:
    pids = []

    def interrupted() -> None:
        with draftsmen(2) as crew:
            pids.extend(working(crew))
            crew.begin(FIGURES)
            raise error

    with pytest.raises(error):
        interrupted()
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)


#: A run that says who draws for it, and waits for ever.
WAITING = """
import sys
from reports.draftsmen import draftsmen
with draftsmen(2) as crew:
    print(*[process.pid for process in crew._processes], flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nobody_is_left_behind(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == 2
        assert all(alive(pid) for pid in pids)
        process.send_signal(number)
        process.wait(timeout=30)
    assert eventually(lambda: not any(alive(pid) for pid in pids))


def test_as_many_as_the_machine_can_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the tests draw in their own process

    def processors(count: int) -> int:
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda pid: set(range(count)), raising=False
        )
        return crews.spare_processors()

    assert [processors(n) for n in (1, 2, 3, 4, 64)] == [0, 1, 2, 3, 3]
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert crews.spare_processors() == 0
