"""A fetch of forty lines that is killed fifty times, or stopped: nothing is lost."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.sources.store import Store
from engine.sources.yahoo_store import requests_for
from engine.supply import KEPT
from tests.loopback import (
    Console,
    asked_for_forty,
    end_of,
    make_certificate,
    quotes_of_forty,
    repeated,
    settled_quotes,
    told,
    whole,
    write_forty,
)
from tests.yahoo_server import YahooServer, serve

KILLS = int(os.environ.get("ASSAY_FETCH_KILLS", "50"))
SEED = 20260706
#: Seconds until an answer comes.
NETWORK = 0.02
#: Imports once; then every line of stdin is a command line, run in a forked process
#: that stays a zombie, and can be killed, until the next line says that it was seen.
NURSERY = """
import os, sys
import curl_cffi.requests, rich.console, rich.table, engine.cli.commands.data
import engine.data, engine.sources.edgar
from datetime import date
from engine.cli import main
from engine.market.calendar import sessions
from engine.sources.yahoo_fetch import client_library

client_library()
for mic in ("XNYS", "XHKG", "XKRX"):
    sessions(mic, date(2025, 1, 6), date(2025, 1, 7))
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (0, 1, 2):
            os.dup2(said, number)
        sys.argv = ["assay", *line.split()]
        try:
            main.main()
        except SystemExit as left:
            os._exit(int(left.code or 0))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0)
    print(child, flush=True)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    print("ended", flush=True)
    sys.stdin.readline()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def yahoo(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[YahooServer, Path]]:
    made = make_certificate(tmp_path_factory.mktemp("certificate"))
    with serve({}, certificate=made) as server:
        yield server, made[0]


@pytest.fixture
def server(yahoo: tuple[YahooServer, Path]) -> YahooServer:
    yahoo[0].quotes = quotes_of_forty(0)
    yahoo[0].on_chart = lambda symbol: None
    yahoo[0].charts.clear()
    return yahoo[0]


@pytest.fixture
def assay(
    yahoo: tuple[YahooServer, Path], server: YahooServer, tmp_path: Path
) -> Console:
    write_forty(tmp_path)
    return Console(tmp_path, server.port, yahoo[1], tmp_path / "home")


class Nursery:
    """Runs commands in processes that have imported everything before."""

    def __init__(self, assay: Console) -> None:
        self.said = assay.folder / "said.txt"
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            cwd=assay.folder,
            env=assay.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.communicate(timeout=60)

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run(self, line: str, now: threading.Event, wait: Callable[[], object]) -> int:
        """Run a command; once `now` is set, wait and kill it. Return its exit code."""
        self.tell(line)
        child = int(self.hear())
        last = time.monotonic() + 120
        while not now.wait(0.002) and not self.ended():
            assert time.monotonic() < last, self.said.read_text()
        if now.is_set():
            wait()
            os.kill(child, signal.SIGKILL)  # a zombie where it has ended
        assert self.hear() == "ended"
        self.tell("seen")
        return int(self.hear())

    def ended(self) -> bool:
        return bool(select.select([self.process.stdout], [], [], 0)[0])


class Moment:
    """Set when so many lines have been asked for, counting each line once."""

    def __init__(self, server: YahooServer, lines: int) -> None:
        self.event = threading.Event()
        self.lines, self.left, self.lock = lines, set[str](), threading.Lock()
        if lines == 0:
            self.event.set()
        server.on_chart = self.note

    def note(self, symbol: str) -> None:
        with self.lock:
            self.left.add(symbol)
            if len(self.left) >= self.lines > 0:
                self.event.set()
        time.sleep(NETWORK)


def something_appears(folder: Path, *, seconds: float) -> None:
    """Wait for a file in a folder: whoever makes it is still about to write it."""
    before, last = set(os.listdir(folder)), time.monotonic() + seconds
    while set(os.listdir(folder)) <= before and time.monotonic() < last:
        pass


def current(store: Store, era: int, tells: dict[int, dict[str, dict]]) -> set[str]:
    """Return the lines held as an era tells them; the others are as before it."""
    panel = store.panel("price.close", source="yahoo")
    held = set()
    for symbol in panel.columns:
        own = panel[symbol].dropna()
        closes = dict(zip(own.index.date, own.tolist(), strict=True))
        assert closes in (tells[era][symbol], tells.get(era - 1, {}).get(symbol)), (
            symbol,
            era,
        )
        if closes == tells[era][symbol]:
            held.add(symbol)
    return held


def test_forty_lines_killed_fifty_times(server: YahooServer, assay: Console) -> None:
    rng = np.random.default_rng(SEED)
    store, everything = assay.store, set(asked_for_forty())
    era, kills, torn, had = 0, 0, set[str](), set[str]()
    tells = {0: settled_quotes(server)}
    seen: list[tuple[pd.Timestamp, pd.DataFrame]] = []
    killed_with: list[int] = []
    with Nursery(assay) as nursery:
        while kills < KILLS:
            due = len(everything - had)
            lines = int(rng.integers(0, 10))
            seconds = float(rng.uniform(0.0, 0.03))
            if lines == 0:  # at any time before the first line
                seconds = float(rng.uniform(0.0, 0.25))
            elif lines == 9:  # after the last one: while all is stored and packed
                lines, seconds = due, float(rng.uniform(0.0, 0.6))
            wait = partial(time.sleep, seconds)
            if rng.random() < 0.25 and store.folder.exists():  # in the midst of a write
                wait = partial(something_appears, store.folder, seconds=0.3)
            moment = Moment(server, lines)
            command = f"data fetch t.toml --end {end_of(era)}"
            ended = nursery.run(command, moment.event, wait)
            torn |= {path.name for path in store.folder.glob("*.part")}
            assert ended in (0, -signal.SIGKILL), (ended, nursery.said.read_text())
            assert not moment.left & had, "asked again for a line that was stored"
            assert whole(store), store.check()
            held = current(store, era, tells)
            assert held >= had
            had = held
            if ended:
                kills += 1
                killed_with.append(len(held))
                continue
            assert had == everything
            seen.append((store.manifest()[-1].ingested_at, told(store)))
            era, had = era + 1, set()
            server.quotes = quotes_of_forty(era)
            tells[era] = settled_quotes(server)
        moment = Moment(server, 10**6)
        command = f"data fetch t.toml --end {end_of(era)}"
        assert nursery.run(command, moment.event, print) == 0, nursery.said.read_text()
    assert current(store, era, tells) == everything
    assert moment.left == everything - had
    # kills came early and late in the forty lines, and in several eras
    assert len(seen) >= KILLS // 50
    assert torn
    assert min(killed_with) <= 10
    assert max(killed_with) >= 30
    held_now = told(store)
    fresh = Console(assay.folder, server.port, Path("none"), assay.folder / "fresh")
    fresh.environment |= {"CURL_CA_BUNDLE": assay.environment["CURL_CA_BUNDLE"]}
    fresh("data", "fetch", "t.toml", "--end", end_of(era))
    pd.testing.assert_frame_equal(held_now, told(fresh.store))
    assert repeated(store).empty
    assert "removed" in assay("data", "gc")
    assert store.check() == ()
    pd.testing.assert_frame_equal(told(store), held_now)
    for moment_of_era, rows in seen:  # no later era has changed an earlier vintage
        pd.testing.assert_frame_equal(told(store, vintage=moment_of_era), rows)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGTERM,
    ],
)
def test_a_signal_keeps_what_arrived(
    server: YahooServer, assay: Console, number: signal.Signals
) -> None:
    everything = set(asked_for_forty())
    moment = Moment(server, 15)
    command = ("data", "fetch", "t.toml", "--end", end_of(0))
    with assay.start(*command) as process:
        assert moment.event.wait(60)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert out == ""
    assert " ".join(err.split()).endswith(
        f"{KEPT} stopped; nothing was left half-written"
    )
    assert assay.store.check() == ()
    kept = set(assay.store.read(series="price.close")["line"])
    assert 13 <= len(kept) <= 18, len(kept)
    assert {f"fetching prices: {one}" for one in kept} == {
        line.strip().partition(",")[0]
        for line in err.splitlines()
        if "fetching prices" in line
    }
    asked = [symbol for symbol, _ in server.charts]
    server.charts.clear()
    assay(*command)
    again = [symbol for symbol, _ in server.charts]
    assert set(again) == everything - kept
    assert len(asked) + len(again) <= len(everything) + 2  # those under way, if lost
    assert set(assay.store.read(series="price.close")["line"]) == everything
    assert repeated(assay.store).empty


def test_the_forty_are_what_the_thesis_asks_for(assay: Console) -> None:
    from engine.app import held_lines, load_universe, read_thesis
    from engine.supply import lines_of

    thesis = read_thesis(assay.folder / "t.toml").thesis
    universe = load_universe("forty.toml", base=assay.folder)
    lines = lines_of(thesis, universe, held_lines(thesis, universe))
    wanted = requests_for(lines, "USD", thesis.about.start)
    assert [one.symbol for one in wanted] == asked_for_forty()
    assert len(lines) == 41
