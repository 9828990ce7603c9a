"""Four commands fetch into one store at once: what one alone would have fetched."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from engine.sources.store import Store
from tests.loopback import (
    Console,
    asked_for_forty,
    end_of,
    make_certificate,
    quotes_of_forty,
    repeated,
    told,
    write_forty,
)
from tests.yahoo_server import YahooServer, serve

PROCESSES = 4
#: Each of them asks for two lines at a time.
AT_ONCE = 2 * PROCESSES


@pytest.fixture(scope="module")
def yahoo(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[YahooServer, Path]]:
    made = make_certificate(tmp_path_factory.mktemp("certificate"))
    with serve({}, certificate=made) as server:
        yield server, made[0]


def console(yahoo: tuple[YahooServer, Path], folder: Path, home: str) -> Console:
    return Console(folder, yahoo[0].port, yahoo[1], folder / home)


def all_wait_for_each_other(server: YahooServer) -> threading.Barrier:
    """Hold the first lines back until every process asks for two."""
    together = threading.Barrier(AT_ONCE, timeout=60)
    first = threading.Semaphore(AT_ONCE)

    def hold(symbol: str) -> None:
        if first.acquire(blocking=False):
            together.wait()

    server.on_chart = hold
    return together


def packed_meanwhile(
    store: Store, processes: list[subprocess.Popen[str]], packed: list[int]
) -> None:
    """Pack the store again and again while the processes run."""
    while any(one.poll() is None for one in processes):
        packed.append(store.gc(fewest=3).packed)
        time.sleep(0.1)


def fetch_together(assay: Console, era: int) -> tuple[list[str], list[int]]:
    """Return what four commands said, and how many batches were packed meanwhile."""
    command = ("data", "fetch", "t.toml", "--end", end_of(era))
    processes = [assay.start(*command) for _ in range(PROCESSES)]
    packed: list[int] = []
    broom = threading.Thread(
        target=packed_meanwhile, args=(assay.store, processes, packed)
    )
    broom.start()
    said = []
    heard = [process.communicate(timeout=240) for process in processes]
    broom.join()
    for process, (_, err) in zip(processes, heard, strict=True):
        assert process.returncode == 0, err
        said.append(err)
    return said, packed


def test_four_fetches_at_once_are_one(
    yahoo: tuple[YahooServer, Path], tmp_path: Path
) -> None:
    server = yahoo[0]
    write_forty(tmp_path)
    together = console(yahoo, tmp_path, "together")
    alone = console(yahoo, tmp_path, "alone")
    everything = set(asked_for_forty())
    for era in range(2):  # into an empty store, and again when everything has moved on
        server.quotes = quotes_of_forty(era)
        server.charts.clear()
        barrier = all_wait_for_each_other(server)
        said, packed = fetch_together(together, era)
        assert not barrier.broken
        server.on_chart = lambda symbol: None
        # each of them did ask, for none knew of the others
        asked = [server.asked(symbol) for symbol in everything]
        assert min(asked) == PROCESSES
        assert sum(packed) > 0
        alone("data", "fetch", "t.toml", "--end", end_of(era))
        pd.testing.assert_frame_equal(told(together.store), told(alone.store))
        assert repeated(together.store).empty
        assert len(together.store.history()) == len(alone.store.history())
        assert together.store.check() == ()
        # each row was new to one of the four only
        counts = [int(n) for one in said for n in re.findall(r"; (\d+) rows", one)]
        assert len(counts) == PROCESSES
        batches = alone.store.manifest()[-len(everything) :]
        assert sum(counts) == sum(batch.rows for batch in batches)
    code, _, err = together.ends("data", "fetch", "t.toml", "--end", end_of(1))
    assert code == 0
    assert f"{len(everything)} were up to date, 0 fetched" in err
