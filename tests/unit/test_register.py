"""A register by hand, and what changes a claim's hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from engine import app, registering
from engine.runs.register import NOTHING, parse_register, read_register
from engine.runs.register_hashes import Hashes, hashes_of
from engine.thesis.registration import NEVER, Registration, counted
from tests.register_cases import THESIS, edited, registered_at, set_clock, write_thesis
from tests.register_chain import chain, content
from tests.terminal import Terminal

PLACE = Path("register.jsonl")


def hashes(folder: Path, text: str) -> Hashes:
    document = app.read_thesis(write_thesis(folder, text))
    universe = app.load_universe(document.thesis.universe.name)
    assets = app.held_lines(document.thesis, universe)
    return hashes_of(document.thesis, universe, assets)


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    return Terminal(tmp_path, monkeypatch, capsys)


def test_the_chain_is_what_anyone_can_compute_from_the_file() -> None:
    """The hash of a line: SHA-256 of its own JSON, without the hash itself."""
    before = NOTHING
    for line in content(chain(3)).splitlines():
        told = json.loads(line)
        stated = told.pop("sha256")
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        assert stated == hashlib.sha256(text.encode()).hexdigest()
        assert told["before"] == before
        before = stated
    assert parse_register(content(chain(3)), PLACE).head == before


def test_a_register_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_register(tmp_path / "none").head == NOTHING


def test_what_counts_from_the_day_after() -> None:
    (one,) = chain(1)
    assert one.moment.date() == dt.date(2026, 7, 6)
    assert one.counts_from == dt.date(2026, 7, 7)


def test_until_a_day_keeps_what_was_made_by_its_end() -> None:
    register = parse_register(content(chain(3)), PLACE)
    assert len(register.until(dt.date(2026, 7, 5)).entries) == 0
    assert len(register.until(dt.date(2026, 7, 6)).entries) == 3


# ---- what a claim's hash is of -------------------------------------------------------

SAME = {
    "blanks and a comment": (
        '[[claims]]\nid = "paid"',
        "# x\n\n[[claims]]\nid = 'paid'",
    ),
    "a default written out": ('b = "SPY"', 'b = "SPY"\nsign = "+"\nscope = "law"'),
    "line breaks in words": ("Compute beats cloud.", "Compute  beats cloud. "),
    "another name": ('id = "spread"', 'id = "renamed"'),
    "another date": ('id = "spread"', 'id = "spread"\ndeclared = 2024-01-02'),
    "where it stands written": ('id = "spread"', 'id = "spread"\ndocument = "001"'),
    "the event's name and title": ('title = "Release"', 'title = "A release"'),
    "the period": ("end = 2025-09-30", "end = 2025-10-31"),
    "a number written otherwise": ("min_effect = 0.05", "min_effect = 5e-2"),
}
OTHER = {
    "its words": ("Compute beats cloud.", "Compute beats clouds.", {"spread"}),
    "its sign": ('sign = "-"', 'sign = "+"', {"dip"}),
    "its least effect": ("min_effect = 0.05", "min_effect = 0.04", {"spread"}),
    "its layers": ('short = "cloud"', 'short = "labs"', {"spread"}),
    "its window": ("window = [0, 1]\nsign", "window = [0, 2]\nsign", {"dip"}),
    "its quality": ('id = "paid"', 'id = "paid"\nquality = "filing"', {"paid"}),
    "its probability": ('id = "paid"', 'id = "paid"\nprobability = 0.6', {"paid"}),
    "its event's day": ("at = 2025-04-08", "at = 2025-04-09", {"dip"}),
    "its benchmark": ('benchmarks = ["SPY"]', 'benchmarks = ["SMH", "SPY"]', {"dip"}),
    "who is in a layer": (
        "[barbell.infrastructure]",
        '[universe]\nexclude = ["nvidia"]\n[barbell.infrastructure]',
        {"spread", "dip"},
    ),
    "its event's model": (
        "windows = [[0, 1]]",
        'windows = [[0, 1]]\nmodel = "dimson"',
        {"dip"},
    ),
    "how its event's returns are measured": (
        "windows = [[0, 1]]",
        'windows = [[0, 1]]\nreturns = "log"',
        {"dip"},
    ),
    "what its event avoids": (
        "windows = [[0, 1]]",
        "windows = [[0, 1]]\navoid = [2025-03-03]",
        {"dip"},
    ),
    "what would kill it": (
        '[[claims]]\nid = "paid"',
        '[[kill]]\nid = "k"\nsays = "S"\ndrawdown = 0.3\nclaim = "spread"\n'
        '[[claims]]\nid = "paid"',
        {"spread"},
    ),
    "the account": (
        'title = "Small"',
        'title = "Small"\ncurrency = "HKD"',
        {"spread", "paid", "dip"},
    ),
}


def test_hashes_are_what_anyone_can_compute(tmp_path: Path) -> None:
    """JSON written by hand: another hash would end every registration there is."""
    found = hashes(tmp_path, THESIS).claims
    paid = (
        '{"account":["USD","XNYS"],'
        '"claim":{"says":"The barbell is better paid than SPY.",'
        '"test":"sharpe_difference"},"form":2,"params":{"a":"barbell","b":"SPY"}}'
    )
    assert found["paid"] == hashlib.sha256(paid.encode()).hexdigest()
    universe = app.load_universe("ai-stack")
    named = sorted(
        line.symbol
        for line in universe.assets("primary")
        if universe.layer_of(line.symbol) == "compute"
    )
    compute = json.dumps(named, separators=(",", ":"))
    dip = (
        '{"account":["USD","XNYS"],'
        '"claim":{"says":"Compute falls.","scope":"event","sign":"-",'
        '"test":"event_sign"},'
        '"events":[{"at":"2025-04-08","benchmark":"SPY","estimation":[-260,-11]}],'
        f'"form":2,"members":{{"compute":{compute}}},'
        '"params":{"layer":"compute","window":[0,1]}}'
    )
    assert found["dip"] == hashlib.sha256(dip.encode()).hexdigest()


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME)
def test_layout_names_and_dates_change_no_hash(
    tmp_path: Path, old: str, new: str
) -> None:
    before, after = hashes(tmp_path, THESIS), hashes(tmp_path, edited(old, new))
    assert list(before.claims.values()) == list(after.claims.values())
    assert before.settings == after.settings


@pytest.mark.parametrize(("old", "new", "changed"), OTHER.values(), ids=OTHER)
def test_what_could_change_a_verdict_changes_its_hash(
    tmp_path: Path, old: str, new: str, changed: set[str]
) -> None:
    before, after = hashes(tmp_path, THESIS), hashes(tmp_path, edited(old, new))
    differs = {one for one in after.claims if after.claims[one] != before.claims[one]}
    assert differs == changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_weight = 0.2", "max_weight = 0.19"),
        ('name = "price_momentum"', 'name = "volatility"'),
        ("weight = [0.3, 0.7]\n[portfolio]", "weight = [0.2, 0.7]\n[portfolio]"),
        ("[portfolio]", "[execution]\nslippage_bps = 1.0\n[portfolio]"),
        ('title = "Release"', 'title = "Release"\nact = true'),
    ],
)
def test_what_decides_the_portfolio_changes_the_settings_alone(
    tmp_path: Path, old: str, new: str
) -> None:
    before, after = hashes(tmp_path, THESIS), hashes(tmp_path, edited(old, new))
    assert before.settings != after.settings
    assert before.claims == after.claims


def test_capital_period_and_seed_are_no_settings(tmp_path: Path) -> None:
    more = edited("end = 2025-09-30", "end = 2025-10-30\nseed = 3")
    more = edited("[portfolio]", "[execution]\ncapital = 5.0\n[portfolio]", more)
    assert hashes(tmp_path, THESIS).settings == hashes(tmp_path, more).settings


# ---- which date counts ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "proved", "counts", "basis"),
    [
        ("2025-02-03", "2025-03-05", "2025-03-05", "registered"),
        ("2025-02-03", "2025-01-05", "2025-02-03", "declared"),
        (None, "2025-01-05", "2025-01-05", "registered"),
        ("2025-02-03", None, NEVER.isoformat(), "not registered"),
    ],
)
def test_the_later_of_two_dates_counts(
    tmp_path: Path, declared: str | None, proved: str | None, counts: str, basis: str
) -> None:
    line = f"declared = {declared}" if declared else ""
    document = app.read_thesis(
        write_thesis(tmp_path, edited("declared = 2025-02-03", line))
    )
    day = dt.date.fromisoformat(proved) if proved else None
    held = Registration(
        file="r",
        head="h",
        entries=1,
        first="2025-01-04T00:00:00Z",
        whole=day,
        claims={"spread": day},
        declared=document.thesis.about.declared,
        claims_declared={"spread": None},
    )
    dated = counted(document.thesis, held)
    assert dated.about.declared == dt.date.fromisoformat(counts)
    assert dated.claims[0].declared == dt.date.fromisoformat(counts)
    assert held.basis == held.basis_of("spread") == basis


# ---- the command ---------------------------------------------------------------------


def test_registering_twice_adds_nothing(asked: Terminal) -> None:
    path = write_thesis(asked.folder)
    first = asked("register", path)
    assert first.code == 0
    assert "entry 1, small, 3 claims" in first.out
    held = (asked.folder / "register.jsonl").read_bytes()
    again = asked("register", path)
    assert "registered already as entry 1" in again.out
    assert (asked.folder / "register.jsonl").read_bytes() == held
    assert again.out.splitlines()[-1] == first.out.splitlines()[-1]


def test_an_edit_is_named_and_a_dropped_claim_stays_in_the_register(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_thesis(asked.folder)
    registered_at(monkeypatch, "2025-02-04T09:00", path)
    text = edited("min_effect = 0.05", "min_effect = 0.04")
    text = edited('id = "dip"', 'id = "fall"', text)
    path.write_text(text[: text.index('[[claims]]\nid = "paid"')])
    set_clock(monkeypatch, "2025-03-04T09:00")
    told = asked("register", path)
    assert told.code == 0
    assert "edited, counts from 2025-03-05: spread" in told.err
    assert "withdrawn: dip, paid" in told.err
    shown = asked("register", path, "--show", "--format", "csv").out
    assert shown.splitlines()[1].startswith("1,2025-02-04 09:00:00,small,3,first,")
    assert "withdrawn: dip, paid" in shown
    assert "2 entries follow" in asked("register", path, "--check").out


def test_files_of_one_name_are_told_apart(
    asked: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register elsewhere names each thesis by the way to it."""
    for name in ("a", "b"):
        (asked.folder / name).mkdir()
        text = edited('id = "small"', f'id = "{name}"')
        path = write_thesis(asked.folder / name, text)
        file = asked.folder / "team" / "register.jsonl"
        file.parent.mkdir(exist_ok=True)
        registered_at(monkeypatch, "2025-02-04T09:00", path, file)
    told = [one.file for one in read_register(file).entries]
    assert told == ["../a/t.toml", "../b/t.toml"]


def test_the_store_s_digest_is_kept(asked: Terminal) -> None:
    import pandas as pd

    from engine.sources.store.store import Store, store_folder

    assert registering.store_digest() is None
    row = {
        "series": "s",
        "line": "A",
        "value_date": pd.Timestamp("2026-01-02"),
        "known_at": pd.Timestamp("2026-01-02T21:00"),
        "value": 1.0,
    }
    Store(store_folder()).append(pd.DataFrame([row]), source="hand")
    done = registering.register_thesis(write_thesis(asked.folder))
    assert done.entry.store == Store(store_folder()).vintage()


def test_a_claim_about_a_reading_changes_with_it(tmp_path: Path) -> None:
    """A registered claim may not be saved by redrawing the reading that it names."""
    drawn = '[readings."cloud below"]\ndistribution = ["application"]\n'
    redrawn = drawn.replace('"application"', '"cloud"')
    with_claim = THESIS.replace('b = "SPY"', 'b = "cloud below"')
    first, second = (
        hashes(tmp_path, with_claim.replace("[portfolio]", f"{text}[portfolio]"))
        for text in (drawn, redrawn)
    )
    changed = {key for key in first.claims if first.claims[key] != second.claims[key]}
    assert changed == {"paid"}
    assert first.settings == second.settings
    # a reading that no claim names, and the number of draws, change nothing
    plain = hashes(tmp_path, THESIS)
    for text in (
        THESIS.replace("[portfolio]", f"{drawn}[portfolio]"),
        THESIS.replace("[thesis]\n", "[thesis]\nrandom_barbells = 7\n"),
    ):
        assert hashes(tmp_path, text) == plain
