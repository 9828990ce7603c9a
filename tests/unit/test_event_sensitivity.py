"""Each other choice is the study of a thesis that made it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.evidence.event_sensitivity import (
    AS_STATED,
    SENSITIVITY_COLUMNS,
    sensitivity_ranges,
)
from engine.evidence.events import study_events, study_sensitivity
from tests.event_cases import DAYS, ZERO, closes, row, study, thesis, universe, world
from tests.tolerances import IDENTITY

WINDOW = (0, 2)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    known = universe()
    about = thesis((WINDOW, (2, 20)))
    about = about.model_copy(
        update={"about": about.about.model_copy(update={"benchmarks": ("SPY", "CCC")})}
    )
    return study_sensitivity(world(closes()), about, known, list(known.lines.values()))


def chosen(table: pd.DataFrame, subject: str, variant: str) -> pd.Series:
    rows = table[
        (table["subject"] == subject)
        & (table["variant"] == variant)
        & (table["window"] == WINDOW)
    ]
    assert len(rows) == 1, (subject, variant)
    return rows.iloc[0]


@pytest.mark.parametrize("subject", ["alpha", "beta", "alpha minus beta"])
@pytest.mark.parametrize(
    ("variant", "options"),
    [
        (AS_STATED, {}),
        ("+1 session", {"at": DAYS[ZERO + 1].date()}),
        ("-1 session", {"at": DAYS[ZERO - 1].date()}),
        ("[-260, -31]", {"estimation": (-260, -31)}),
        ("market_adjusted", {"model": "market_adjusted"}),
        ("mean_adjusted", {"model": "mean_adjusted"}),
        ("dimson", {"model": "dimson"}),
        ("log", {"returns": "log"}),
    ],
)
def test_a_variant_is_the_study_that_chose_it(
    table: pd.DataFrame, subject: str, variant: str, options: dict[str, Any]
) -> None:
    wanted = row(study(closes(), (WINDOW, (2, 20)), **options), subject, WINDOW)
    found = chosen(table, subject, variant)
    for name in ("car", "se", "t", "p", "n"):
        assert found[name] == pytest.approx(wanted[name], abs=IDENTITY)


def test_one_asset_left_out_is_the_layer_without_it(table: pd.DataFrame) -> None:
    prices = closes()
    del prices["XNYS"]["BBB"]
    wanted = row(study(prices, (WINDOW,)), "alpha", WINDOW)
    found = chosen(table, "alpha", "BBB")
    assert found["choice"] == "without"
    for name in ("car", "se", "p"):
        assert found[name] == pytest.approx(wanted[name], abs=IDENTITY)
    assert found["n"] == 1
    assert set(table[table["subject"] == "alpha minus beta"]["variant"]) >= {
        "AAA",
        "BBB",
        "CCC",
        "HHH",
    }


def test_what_a_variant_cannot_study_has_a_note(table: pd.DataFrame) -> None:
    """CCC as the benchmark: beta has HHH alone; nothing is dropped in silence."""
    one = table[(table["subject"] == "beta") & (table["choice"] == "benchmark")].iloc[0]
    assert (one["variant"], one["n"], one["note"]) == ("CCC", 1, "1 of 2 members")
    short = thesis((WINDOW,), at=DAYS[40].date())
    known = universe()
    found = study_sensitivity(world(closes()), short, known, list(known.lines.values()))
    assert found["car"].isna().all()
    assert (found["note"] != "").all()


def test_nothing_to_vary_is_an_empty_table() -> None:
    known = universe()
    about = thesis().model_copy(update={"events": ()})
    found = study_sensitivity(world(closes()), about, known, [])
    assert tuple(found.columns) == SENSITIVITY_COLUMNS
    assert found.empty


def test_one_event_is_studied_in_the_presence_of_the_others() -> None:
    plain = thesis()
    other = plain.events[0].model_copy(
        update={"id": "other", "at": dt.date.fromisoformat(str(DAYS[90].date()))}
    )
    about = plain.model_copy(update={"events": (*plain.events, other)})
    known, market = universe(), world(closes())
    assets = list(known.lines.values())
    whole = study_events(market, about, known, assets)
    one = study_events(market, about, known, assets, only="news")
    wanted = whole.table[whole.table["event"] == "news"].reset_index(drop=True)
    pd.testing.assert_frame_equal(one.table, wanted)
    assert set(one.crowding["other"]) == {"other"}
    assert list(one.paths) == ["news"]
    alone = study_events(market, plain, known, assets)
    fewer = row(one, "alpha", (0, 0))["placebo_n"]
    assert fewer < row(alone, "alpha", (0, 0))["placebo_n"]
    assert np.isfinite(fewer)


def test_a_range_is_over_the_other_choices_and_names_those_that_matter(
    table: pd.DataFrame,
) -> None:
    shown = sensitivity_ranges(table)
    assert len(shown) == len(table[["subject", "window"]].drop_duplicates())
    for one in shown.to_dict("records"):
        rows = table[
            (table["subject"] == one["subject"]) & (table["window"] == one["window"])
        ]
        own = rows[rows["variant"] == AS_STATED].iloc[0]
        others = rows[(rows["variant"] != AS_STATED) & rows["p"].notna()]
        assert (one["car"], one["p"]) == (own["car"], own["p"])
        assert (one["least"], one["most"]) == (min(others["car"]), max(others["car"]))
        assert one["choices"] == len(others)
        for name, told in (
            ("crosses", (others["p"] < 0.05) != (own["p"] < 0.05)),
            ("turns", (others["car"] > 0) != (own["car"] > 0)),
        ):
            wanted = list(others["variant"][told])
            assert all(variant in one[name] for variant in wanted), one
            assert bool(one[name]) == bool(wanted)
    assert (shown["turns"] != "").any()
    assert (shown["turns"] == "").any()


def test_what_cannot_be_studied_as_stated_has_no_range(table: pd.DataFrame) -> None:
    as_stated = (table["subject"] == "alpha") & (table["variant"] == AS_STATED)
    blank = table.assign(p=table["p"].mask(as_stated))
    assert "alpha" not in set(sensitivity_ranges(blank)["subject"])
    assert sensitivity_ranges(table.iloc[:0]).empty
