"""What an event study left out: each reason once, and nothing that is not so."""

from __future__ import annotations

import pandas as pd

from engine.evidence.event_left_out import event_sentences, not_studied
from engine.evidence.event_sensitivity import AS_STATED

ENDS = "the window ends {} sessions after the data (2025-10-30)"
Row = tuple[str, str, str, object, str]


def left_out(*rows: Row) -> pd.DataFrame:
    names = ["event", "kind", "subject", "window", "reason"]
    return pd.DataFrame(rows, columns=names).astype(object)


def test_one_line_says_what_an_event_left_out_and_the_number_as_a_range() -> None:
    late = (2, 120)
    table = left_out(
        ("news", "asset", "AAA", late, ENDS.format(2)),
        ("news", "asset", "HHH", late, ENDS.format(6)),
        (
            *("news", "layer", "alpha", late),
            f"AAA: {ENDS.format(2)}, BBB: {ENDS.format(5)} and 4 more",
        ),
        ("news", "contrast", "alpha minus HHH", late, ENDS.format(6)),
        ("news", "contrast", "x minus y", (0, 1), "AAA would be on both sides"),
    )
    assert event_sentences(table, ["news"]) == [
        "left out: news: alpha, alpha minus HHH [2, 120]: "
        + ENDS.format("2 to 6")
        + "; x minus y [0, 1]: AAA would be on both sides",
        "left out of some event or window: 2 companies; see --assets",
    ]


def test_events_that_are_not_studied_share_a_line_and_name_no_company() -> None:
    none = "no session could react before the data end (2025-10-30)"
    rows = [
        (event, kind, name, None, none)
        for event in ("a", "b", "c", "d", "e", "f", "g")
        for kind, name in (("asset", "AAA"), ("asset", "HHH"), ("layer", "alpha"))
    ]
    assert event_sentences(left_out(*rows), ["news"]) == [
        f"left out: a, b, c, d, e, f, g: everything: {none}"
    ]


def test_members_that_fail_for_unlike_reasons_are_all_told() -> None:
    why = "AAA: no prices, BBB: 12 returns beside SPY in the estimation window"
    (line,) = event_sentences(left_out(("n", "layer", "alpha", (0, 1), why)), ["n"])
    assert line == f"left out: n: alpha [0, 1]: {why}"
    assert event_sentences(left_out(), ["n"]) == []


def test_what_is_studied_under_another_choice_alone_is_not_studied() -> None:
    table = pd.DataFrame(
        {
            "event": "n",
            "subject": ["alpha", "alpha", "beta"],
            "window": [(0, 1)] * 3,
            "variant": [AS_STATED, "log", AS_STATED],
            "p": [float("nan"), 0.4, 0.5],
            "note": ["no prices", "", ""],
        }
    )
    found = not_studied(table)
    assert found[["subject", "reason"]].to_numpy().tolist() == [["alpha", "no prices"]]
    (line,) = event_sentences(found, ["n"])
    assert line == "left out: n: alpha [0, 1]: no prices"
