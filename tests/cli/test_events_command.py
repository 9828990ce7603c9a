"""``assay events`` in a terminal: short by default, whole in csv and json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import desk
from tests.terminal import Answer, Terminal

WINDOWS = 2
TEXT = (
    '\n[baskets]\none = ["NVDA"]\n'
    + desk.EVENT.format(
        id="news", at="2024-01-16", more='contrasts = [["one", "labs"]]'
    )
    + desk.EVENT.format(id="other", at="2023-12-05", more="")
    + desk.EVENT.format(id="late", at="2026-01-05", more="")
    + desk.claim(
        "event_sign",
        'event = "other"\nlayer = "compute"\nwindow = [0, 1]\nscope = "event"',
    )
)


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(desk.write_desk(tmp_path, desk.THESIS + TEXT), monkeypatch, capsys)


def events(asked: Terminal, *more: str) -> Answer:
    answer = asked("events", "t.toml", "--prices", "prices", *more)
    assert answer.code == 0, answer.err
    return answer


def test_a_terminal_shows_layers_and_contrasts_and_companies_when_asked(
    asked: Terminal,
) -> None:
    short = events(asked)
    assert "one minus labs" in short.out
    assert "memory" in short.out
    assert "NVDA" not in short.out
    for more in (["--assets"], ["--event", "news"]):
        assert "NVDA" in events(asked, *more).out
    assert "other" not in events(asked, "--event", "news").out
    lines = [line for line in short.err.splitlines() if line.startswith("left out")]
    assert [line for line in lines if "late" in line] == [
        "left out: late: everything: no session could react before the data end "
        "(2024-03-28)"
    ]
    rows = json.loads(events(asked, "--format", "json").out)
    assert {row["kind"] for row in rows} == {"asset", "layer", "contrast"}
    assert len(rows) == 2 * WINDOWS * (5 + 5) + WINDOWS


def test_sensitivity_is_of_the_headline_event_unless_asked(asked: Terminal) -> None:
    """One claim is about `other`: it is the one the report shows."""
    short = events(asked, "--sensitivity")
    assert "other" in short.out
    assert "news" not in short.out
    assert "--all for every one" in short.err
    every = events(asked, "--sensitivity", "--all")
    assert "news" in every.out
    assert "other" in every.out
    assert len(short.out.splitlines()) < len(every.out.splitlines())
    told = [line for line in every.err.splitlines() if line.startswith("left out")]
    assert told == [
        "left out: late: everything: no session could react before the data end "
        "(2024-03-28)"
    ]
    one = events(asked, "--sensitivity", "--event", "late")
    assert one.out == ""
    assert "Sensitivity: nothing to show" in one.err
    whole = json.loads(events(asked, "--sensitivity", "--format", "json").out)
    assert {row["event"] for row in whole} == {"news", "other", "late"}
    assert {"as stated", "day zero", "model"} <= {row["choice"] for row in whole}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--all"], "--all belongs to --sensitivity"),
        (["--sensitivity", "--all", "--event", "news"], "leave out one"),
        (["--sensitivity", "--assets"], "without --assets"),
    ],
)
def test_options_that_do_not_agree(
    asked: Terminal, options: list[str], words: str
) -> None:
    asked.refuses(2, "events", "t.toml", *options, words=(words,))


def test_a_bad_window_is_told_once(asked: Terminal) -> None:
    path = asked.folder / "t.toml"
    text = path.read_text()
    assert text.count("\nwindow = [0, 1]") == 1
    path.write_text(text.replace("\nwindow = [0, 1]", "\nwindow = [3, 1]"))
    answer = asked("check", "t.toml")
    assert answer.code == 1
    assert answer.err.count("window [3, 1] ends before it starts") == 1
    assert "write the earlier session first" in answer.err


def test_claims_say_what_is_on_both_sides_and_when_an_observation_began(
    asked: Terminal,
) -> None:
    path = asked.folder / "t.toml"
    path.write_text(
        path.read_text()
        + desk.claim("layer_spread", 'long = "one"\nshort = "compute"', "both")
        + desk.claim(
            "signal_threshold",
            'role = "token_share"\nabove = 0.9\nby = 2021-01-01',
            "early",
        )
    )
    signals = asked.folder / "signals"
    signals.mkdir()
    (signals / "observations.csv").write_text(
        "series,entity,value_date,known_at,value,unit,quality,source\n"
        "token_share,china,2023-08-06,2023-08-07T00:00:00Z,0.1,fraction,observed,us\n"
        "token_share,china,2023-08-13,2023-08-14T00:00:00Z,0.2,fraction,observed,us\n"
    )
    answer = asked(
        *("claims", "t.toml", "--prices", "prices", "--signals", "signals"),
        *("--format", "json"),
    )
    assert answer.code == 0, answer.err
    told = {(row["claim"], row["sample"]): row for row in json.loads(answer.out)}
    assert told["both", "in-sample"]["reason"] == "NVDA would be on both sides"
    assert told["early", "in-sample"]["reason"].endswith(
        "by 2021-01-01 (the first is of 2023-08-06, known on 2023-08-07)"
    )
