"""``assay data`` and ``--prices yahoo`` as typed: fetched, read again, and refused.

One story is told once: prices are fetched and run on; then Yahoo restates some and adds
others, and they are fetched again, a day later. The tests read what is left of it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from engine.sources.store.batches import SCHEMA, batch_file, contents
from engine.sources.store.lock import place
from engine.sources.store.store import Store
from tests import desk
from tests.loopback import (
    NETWORK,
    Console,
    adjusted_closes,
    closed_port,
    guarded,
    make_certificate,
    quotes_of_files,
    repeated,
    told,
)
from tests.terminal import Terminal, tree
from tests.yahoo_server import Quote, YahooServer, serve

pytestmark = pytest.mark.xdist_group("story")

#: What Yahoo tells at first ends here, inside the study.
EARLIER = dt.date(2024, 2, 15)
#: Then it has another close of this day.
CORRECTED = dt.date(2024, 2, 9)
#: Seconds in which a command without a network gives up, on a busy machine.
SOON = 60.0
THESIS = desk.with_event(
    claims=desk.claim("layer_spread", 'long = "compute"\nshort = "labs"\nsign = "+"')
)
OFFLINE = ("--prices", "yahoo", "--offline")


def first_quotes(files: Path) -> dict[str, Quote]:
    """Return what Yahoo tells at first, with a dividend in the study."""
    quotes = quotes_of_files(files, splits={})
    paid = {dt.date(2024, 1, 9): 3.0}
    return {
        symbol: until(with_dividends(one, paid) if symbol == "NVDA" else one, EARLIER)
        for symbol, one in quotes.items()
    }


def later_quotes(files: Path) -> dict[str, Quote]:
    """Return what it tells later: one close corrected, one dividend more, and bars."""
    quotes = quotes_of_files(files, splits={})
    nvidia = quotes["NVDA"]
    bars = dict(nvidia.bars)
    bars[CORRECTED] = 1.02 * float(bars[CORRECTED] or 0.0)
    quotes["NVDA"] = with_dividends(
        dataclasses.replace(nvidia, bars=bars),
        {dt.date(2024, 1, 9): 3.0, dt.date(2024, 3, 5): 5.0},
    )
    return quotes


def with_dividends(one: Quote, dividends: Mapping[dt.date, float]) -> Quote:
    closes = {day: close for day, close in one.bars.items() if close is not None}
    return dataclasses.replace(
        one, dividends=dividends, adjusted=adjusted_closes(closes, dividends)
    )


def until(one: Quote, last: dt.date) -> Quote:
    """Return a quote as it was told on a day."""
    bars = {day: close for day, close in one.bars.items() if day <= last}
    paid = {day: amount for day, amount in one.dividends.items() if day <= last}
    return with_dividends(dataclasses.replace(one, bars=bars), paid)


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is left: the console, its guarded twin, and two moments of the store."""

    assay: Console
    offline: Console
    trace: Path
    server: YahooServer
    certificate: Path
    first: pd.Timestamp
    first_rows: pd.DataFrame
    later: pd.Timestamp

    @property
    def folder(self) -> Path:
        return self.assay.folder

    def another(self, name: str) -> Console:
        """Return a console with the same way to Yahoo and another store."""
        home = self.folder / name
        return Console(self.folder, self.server.port, self.certificate, home)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    made = make_certificate(folder / "certificate")
    desk.write_desk(folder, THESIS)
    with serve(first_quotes(folder / "prices"), certificate=made) as server:
        assay = Console(folder, server.port, made[0], folder / "home")
        offline, trace = guarded(assay, folder / "guard")
        assay("data", "fetch", "t.toml")
        first, first_rows = moment_of(assay.store), told(assay.store)
        offline("run", "t.toml", *OFFLINE, "--out", "first")
        assay("data", "export", "first.zip")
        a_day_passes(assay.store)
        server.quotes = later_quotes(folder / "prices")
        assay("data", "fetch", "t.toml")
        later = moment_of(assay.store)
        offline("run", "t.toml", *OFFLINE, "--out", "later")
        yield Story(
            assay=assay,
            offline=offline,
            trace=trace,
            server=server,
            certificate=made[0],
            first=first,
            first_rows=first_rows,
            later=later,
        )


def moment_of(store: Store) -> pd.Timestamp:
    return store.manifest()[-1].ingested_at


def a_day_passes(store: Store) -> None:
    """Add a batch of tomorrow, as a machine whose clock is ahead would have stored it.

    What is stored after it is stored later than it, so a day later than before.
    """
    tomorrow = moment_of(store) + pd.Timedelta(days=1)
    row = {
        "series": "ahead",
        "line": "clock",
        "value_date": pd.Timestamp("2024-01-02"),
        "known_at": pd.Timestamp("2024-01-02"),
        "ingested_at": tomorrow,
        "value": 1.0,
        "unit": "",
        "quality": "observed",
        "source": "ahead",
    }
    table = pa.Table.from_pylist([row], schema=SCHEMA)
    place(store.folder, *batch_file(table, tomorrow))
    assert moment_of(store) == tomorrow


def numbers(run: Path) -> dict[str, Any]:
    """Return a run's headline and tables, exactly."""
    tables = {path.name: path.read_bytes() for path in (run / "tables").glob("*.csv")}
    assert len(tables) > 10
    return {"summary.json": json.loads((run / "summary.json").read_text())} | tables


def different(one: Path, other: Path) -> list[str]:
    first, second = numbers(one), numbers(other)
    assert set(first) == set(second)
    return sorted(name for name in first if first[name] != second[name])


# ---- offline -------------------------------------------------------------------------


def test_offline_never_touches_the_network(story: Story) -> None:
    assert (story.folder / "first" / "report.html").is_file()
    assert (story.folder / "later" / "report.html").is_file()
    asked = len(story.server.charts)
    story.offline("backtest", "t.toml", *OFFLINE)
    story.offline("data", "status")
    story.offline("data", "check")
    assert not story.trace.exists()
    assert len(story.server.charts) == asked


def test_the_guard_sees_what_goes_online(story: Story) -> None:
    online, trace = guarded(story.assay, story.folder / "guard-online")
    code, _, _ = online.ends("data", "fetch", "t.toml", "--end", "2024-04-30")
    assert code != 0
    assert trace.exists()


def test_a_run_that_may_fetch_asks_only_for_what_is_due(story: Story) -> None:
    story.server.charts.clear()
    assay = story.another("online")
    shutil.copytree(story.assay.home, assay.home)
    assay("run", "t.toml", "--prices", "yahoo", "--out", "run-online")
    asked = {symbol for symbol, _ in story.server.charts}
    assert not asked & set(desk.SYMBOLS)  # only what Yahoo does not have
    assert different(story.folder / "run-online", story.folder / "later") == []


# ---- vintages ------------------------------------------------------------------------


def test_a_vintage_sees_only_what_had_been_stored_by_then(story: Story) -> None:
    store, first, later = story.assay.store, story.folder / "first", "later"
    assert story.later.date() > story.first.date()
    pd.testing.assert_frame_equal(
        told(store, vintage=story.first), story.first_rows, check_like=True
    )
    assert repeated(store).empty
    changed = different(first, story.folder / later)
    assert {"nav.csv", "summary.json", "trades.csv"} <= set(changed)
    for name, vintage, like in (
        ("by-moment", story.first.isoformat(), "first"),
        ("by-day", story.first.date().isoformat(), "first"),
        ("by-later-day", story.later.date().isoformat(), "later"),
    ):
        run = ("run", "t.toml", "--prices", "yahoo", "--vintage", vintage)
        story.offline(*run, "--out", name)
        assert different(story.folder / name, story.folder / like) == [], name
        manifest = json.loads((story.folder / name / "manifest.json").read_text())
        then = manifest["prices"]["vintage"]["moment"]
        assert pd.Timestamp(then) == (story.first if like == "first" else story.later)
    assert not story.trace.exists()


def test_a_vintage_can_be_told_in_several_ways(story: Story) -> None:
    command = ("backtest", "t.toml", "--prices", "yahoo", "--format", "csv")
    after = next(
        batch.ingested_at  # the other clock's row
        for batch in story.assay.store.manifest()
        if batch.ingested_at > story.first
    )
    earlier = story.offline(*command, "--vintage", story.first.isoformat())
    in_seoul = story.first.tz_localize("UTC").tz_convert("Asia/Seoul").isoformat()
    assert in_seoul.endswith("+09:00")
    assert story.offline(*command, "--vintage", in_seoul) == earlier
    assert story.offline(*command, "--vintage", after.isoformat()) == earlier
    assert story.offline(*command, "--vintage", story.later.isoformat()) != earlier


def test_before_anything_was_stored_there_is_nothing(story: Story) -> None:
    before = story.first.date() - dt.timedelta(days=1)
    story.offline.refuses(
        1,
        *("run", "t.toml", "--prices", "yahoo", "--vintage", before),
        words=("no price from yahoo of any of", f"stored by {before} 23:59 UTC"),
    )


def test_verify_reads_the_vintage_of_the_run(story: Story) -> None:
    for run in ("first", "later"):
        assert "derived again, exactly" in story.offline("verify", run)
    assert not story.trace.exists()


def test_verify_says_when_the_vintage_has_gone(story: Story) -> None:
    lacking, _ = guarded(story.another("lacking"), story.folder / "guard-lacking")
    shutil.copytree(story.assay.home, lacking.home)
    files = [lacking.store.folder / one.name for one in lacking.store.manifest()]
    # without its rates no study begins
    prices = [
        one for one in files if not any("=X" in name for name in contents(one).lines)
    ]
    for path in prices[3:6]:
        path.unlink()
    lacking.refuses(1, "verify", "first", words=("prices are not what the run used",))


# ---- as of a day ---------------------------------------------------------------------


@pytest.mark.parametrize("day", [dt.date(2024, 2, 29), dt.date(2024, 1, 12)])
def test_as_of_sees_only_what_was_known(story: Story, day: dt.date) -> None:
    """The store of one who fetched on that day gives the same study."""
    then = story.another(f"home-{day}")
    told_later = story.server.quotes
    try:
        story.server.quotes = {n: until(one, day) for n, one in told_later.items()}
        then("data", "fetch", "t.toml")
    finally:
        story.server.quotes = told_later
    then_offline, trace = guarded(then, story.folder / f"guard-{day}")
    command = ("run", "t.toml", *OFFLINE, "--as-of", day)
    names = [f"as-of-{day}", f"as-then-{day}"]
    story.offline(*command, "--out", names[0])
    then_offline(*command, "--out", names[1])
    assert then.store.read()["value_date"].max() == pd.Timestamp(day)
    assert different(*(story.folder / name for name in names)) == []
    days = pd.read_csv(story.folder / names[0] / "tables" / "nav.csv").iloc[:, 0]
    assert pd.to_datetime(days).max() == pd.Timestamp(day)
    assert not story.trace.exists()
    assert not trace.exists()


def test_a_later_split_shows_in_nothing_but_the_count_of_shares(story: Story) -> None:
    """Yahoo divides past closes by it; an earlier vintage has them as they were."""
    day, on = dt.date(2024, 2, 29), dt.date(2024, 3, 6)
    told_later = story.server.quotes
    baba = told_later["BABA"]
    split = dataclasses.replace(
        baba,
        bars={day: close and close / 4.0 for day, close in baba.bars.items()},
        splits={on: (4.0, 1.0)},
    )
    paid = {day: amount / 4.0 for day, amount in baba.dividends.items()}
    worlds = {
        "split": told_later | {"BABA": with_dividends(split, paid)},
        "unsplit": {name: until(one, day) for name, one in told_later.items()},
    }
    for name, quotes in worlds.items():
        assay = story.another(f"home-{name}")
        try:
            story.server.quotes = quotes
            assay("data", "fetch", "t.toml")
        finally:
            story.server.quotes = told_later
        assay("run", "t.toml", *OFFLINE, "--as-of", day, "--out", name)
    runs = story.folder / "split", story.folder / "unsplit"
    per_unit = {"trades.csv", "explained.csv", "holdings.csv", "prices.csv"}
    assert set(different(*runs)) <= per_unit
    worth = [
        pd.read_csv(run / "tables" / "holdings.csv")["BABA"]
        * pd.read_csv(run / "tables" / "prices.csv")["BABA"]
        for run in runs
    ]
    pd.testing.assert_series_equal(*worth)
    own = [pd.read_csv(run / "tables" / "explained.csv") for run in runs]
    per_share = own[0]["item"].str.contains("last close|units|price$")
    pd.testing.assert_frame_equal(*(one[~per_share] for one in own))
    trades = [pd.read_csv(run / "tables" / "trades.csv") for run in runs]
    assert (trades[0]["asset"] == "BABA").any()
    plain = [one.drop(columns=["units", "price"]) for one in trades]
    pd.testing.assert_frame_equal(*plain)


# ---- what is kept --------------------------------------------------------------------


def test_status_counts_what_is_kept(story: Story) -> None:
    rows = json.loads(story.offline("data", "status", "--format", "json"))
    store = story.assay.store
    kept = store.history()
    by_series = {(row["series"], row["source"]): row for row in rows}
    told_of = set(zip(kept["series"], kept["source"], strict=True))
    assert told_of - {("price.asked", "yahoo")} <= set(by_series) <= told_of
    close = kept[kept["series"] == "price.close"]
    row = by_series["price.close", "yahoo"]
    assert row["rows"] == len(close)
    assert row["lines"] == close["line"].nunique() == 8
    assert row["last"] == str(close["value_date"].max().date())
    code, _, err = story.offline.ends("data", "status")
    assert code == 0
    assert f"{sum(one.rows for one in store.manifest())} rows in " in err
    assert f"vintage {store.vintage()}" in err


def test_check_names_what_is_odd_and_changes_nothing(story: Story) -> None:
    before = tree(story.assay.store.folder)
    rows = json.loads(story.offline("data", "check", "--format", "json"))
    # the other close of one day that we made Yahoo tell
    assert not [row for row in rows if row["severity"] == "error"], rows
    assert tree(story.assay.store.folder) == before


def test_gc_changes_no_row_no_vintage_and_no_run(story: Story) -> None:
    home, _ = guarded(story.another("packed"), story.folder / "guard-packed")
    shutil.copytree(story.assay.home, home.home)
    (home.store.folder / "0123456789abcdef.part").write_bytes(b"half")
    before, digest = home.store.history(), home.store.vintage()
    said = home("data", "gc")
    assert "1 unfinished files removed" in said
    pd.testing.assert_frame_equal(home.store.history(), before)
    assert home.store.vintage() == digest
    assert home.store.check() == ()
    assert "derived again, exactly" in home("verify", "first")


@pytest.mark.parametrize("form", ["out.zip", "out"])
def test_an_export_is_the_same_store_elsewhere(story: Story, form: str) -> None:
    store = story.assay.store
    said = story.offline("data", "export", form)
    assert f"{len(store.manifest())} batches, vintage {store.vintage()}" in said
    other, _ = guarded(story.another(f"other-{form}"), story.folder / f"guard-{form}")
    count = len(store.manifest())
    assert f"{count} batches of {form} were new" in other("data", "import", form)
    assert other.store.vintage() == store.vintage()
    pd.testing.assert_frame_equal(other.store.history(), store.history())
    other("run", "t.toml", *OFFLINE, "--out", f"other-run-{form}")
    run, here = story.folder / f"other-run-{form}", story.folder / "later"
    assert different(run, here) == []
    one, same = (json.loads((at / "manifest.json").read_text()) for at in (run, here))
    assert one["prices"] == same["prices"]
    # what is there already is not imported again
    assert other("data", "import", form).startswith("0 batches")


def test_an_earlier_export_has_the_earlier_vintage(story: Story) -> None:
    other, _ = guarded(story.another("earlier"), story.folder / "guard-earlier")
    other("data", "import", "first.zip")
    assert other.store.vintage() == story.assay.store.vintage(story.first)
    assert "derived again, exactly" in other("verify", "first")
    other.refuses(1, "verify", "later", words=("prices are not what the run used",))


# ---- what is refused -----------------------------------------------------------------


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A desk with an empty store and no way to any network."""
    for name in os.environ:
        if name.lower() in NETWORK or name == "ASSAY_SEC_CONTACT":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    desk.write_desk(tmp_path, THESIS)
    return Terminal(tmp_path, monkeypatch, capsys)


def test_an_empty_store_says_how_to_fill_it(terminal: Terminal) -> None:
    said = terminal.refuses(
        1, "backtest", "t.toml", *OFFLINE, words=("no price from yahoo", "assay data")
    )
    assert "fetch them with assay data fetch THESIS" in said
    for command in ("status", "check", "gc"):
        assert terminal("data", command).code == 0
    assert "is empty; fill it with assay data fetch" in terminal("data", "status").err
    terminal.refuses(1, "data", "export", "x.zip", words=("is empty; nothing to",))
    assert terminal("data", "status", "--format", "json").out == "[]\n"


@pytest.mark.parametrize("prices", ["sample", "prices"])
def test_a_vintage_needs_the_store(terminal: Terminal, prices: str) -> None:
    run = ("run", "t.toml", "--prices", prices, "--vintage", "2026-07-06")
    terminal.refuses(2, *run, words=("--vintage is about the store", "--prices yahoo"))


@pytest.mark.parametrize(
    "written", ["yesterday", "2026-13-45", "2026-07-06T25:00", "x", "99999-01-01"]
)
def test_a_vintage_that_is_no_moment(terminal: Terminal, written: str) -> None:
    run = ("run", "t.toml", "--prices", "yahoo", "--vintage", written)
    terminal.refuses(2, *run, words=(f"--vintage {written!r} is no day or moment",))


@pytest.mark.parametrize(
    "written",
    ["", "NaT", "now", "12:30", "2026", "2026-07", "07/06/2026", "1600-01-01"],
)
def test_a_vintage_that_pandas_would_guess(terminal: Terminal, written: str) -> None:
    run = ("run", "t.toml", "--prices", "yahoo", "--vintage", written)
    terminal.refuses(2, *run, words=(f"--vintage {written!r} is no day or moment",))


def test_unknown_signals_are_not_fetched(terminal: Terminal) -> None:
    fetch = ("data", "fetch", "t.toml", "--signals", "edgard")
    words = ("--signals edgard cannot be fetched, edgar can", "edgar")
    terminal.refuses(2, *fetch, words=words)


def test_a_thesis_that_is_not_there(terminal: Terminal) -> None:
    words = ("absent.toml: there is no such file",)
    terminal.refuses(2, "data", "fetch", "absent.toml", words=words)


def test_a_folder_that_is_no_folder(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = terminal.folder / "taken"
    file.write_text("a file")
    monkeypatch.setenv("ASSAY_HOME", str(file))
    terminal.refuses(1, "backtest", "t.toml", *OFFLINE, words=("taken",))


def test_without_a_network_it_ends_soon(story: Story, tmp_path: Path) -> None:
    nowhere = Console(story.folder, closed_port(), Path("none"), tmp_path / "home")
    begun = time.monotonic()
    words = ("lines did not come", "Yahoo cannot be reached", "try again")
    nowhere.refuses(1, "data", "fetch", "t.toml", words=words)
    assert time.monotonic() - begun < SOON
    assert nowhere.store.manifest() == ()


def test_without_a_network_what_is_stored_can_be_used(story: Story) -> None:
    nowhere = story.another("home")
    nowhere.environment["HTTPS_PROXY"] = f"http://127.0.0.1:{closed_port()}"
    begun = time.monotonic()
    nowhere.refuses(
        1, "run", "t.toml", "--prices", "yahoo", words=("or use what is held with",)
    )
    assert time.monotonic() - begun < SOON
    nowhere("backtest", "t.toml", *OFFLINE)


def test_a_missing_contact_is_said_before_anything_is_fetched(story: Story) -> None:
    story.server.charts.clear()
    assay = story.another("contact")
    assay.environment.pop("ASSAY_SEC_CONTACT", None)
    fetch = ("data", "fetch", "t.toml", "--signals", "edgar")
    assay.refuses(2, *fetch, words=("ASSAY_SEC_CONTACT",))
    assert story.server.charts == []


def test_a_store_that_cannot_be_written(story: Story, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assay = story.another("unwritable")
    assay.environment["ASSAY_HOME"] = str(tmp_path / "file")
    words = (str(tmp_path / "file"), "cannot be", "another folder with ASSAY_HOME")
    assay.refuses(1, "data", "fetch", "t.toml", words=words)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_damaged_batch_is_named(story: Story, tmp_path: Path) -> None:
    assay, _ = guarded(story.another("damaged"), story.folder / "guard-damaged")
    shutil.copytree(story.assay.home, assay.home)
    batch = next(assay.store.folder.glob("2*.parquet"))
    content = bytearray(batch.read_bytes())
    content[len(content) // 2] ^= 1
    batch.write_bytes(content)
    for command in (
        ("run", "t.toml", *OFFLINE),
        ("data", "status"),
        ("data", "gc"),
        ("data", "export", tmp_path / "no.zip"),
    ):
        words = (batch.name, "is damaged", "move it away")
        assay.refuses(1, *command, words=words)
    assert not (tmp_path / "no.zip").exists()
    (found,) = json.loads(assay("data", "check", "--format", "json"))
    assert (found["severity"], found["where"]) == ("error", batch.name)
