"""Placebo starts on markets small enough to know what must come out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.costs.fees import schedule
from engine.errors import DataError
from engine.evidence import placebo_starts
from engine.evidence.placebo_starts import (
    BANDS,
    FEWEST_APART,
    FEWEST_STARTS,
    Fan,
    count_apart,
    eligible_zeros,
    fan_of,
    fan_sentence,
    last_start,
    open_starts,
)
from engine.ledger.around import Window, around
from engine.ledger.tape import Tape, record
from engine.ledger.windows import Plan, lay_out
from engine.thesis.model import Execution
from tests.markets import market

FREE = Execution(capital=1000.0, slippage_bps=0.0, fees="none")
BEFORE, AFTER = 2, 5


def tape_of(prices: list[float], terms: Execution = FREE, mic: str = "XNYS") -> Tape:
    world = market({mic: {"A": prices}})
    days = world.home.sessions.days
    return record(
        world,
        list(world.lines.values()),
        execution=terms,
        base=world.home.base,
        schedule=schedule(terms.fees),
        start=days[0].date(),
        end=days[-1].date(),
    )


def held(tape: Tape, decided: int = 0, weight: float = 1.0) -> Plan:
    """One path: all in A from a decision on."""
    return lay_out(tape, {"held": {tape.days[decided]: pd.Series({"A": weight})}})


def window_at(tape: Tape, plan: Plan, zero: int) -> Window:
    return around(
        tape, at_session=tape.days[zero], plan=plan, before=BEFORE, after=AFTER
    )


def fan_at(tape: Tape, plan: Plan, zero: int) -> Fan:
    window = window_at(tape, plan, zero)
    starts = open_starts(
        tape, plan, until=last_start(window), length=BEFORE + AFTER + 1
    )
    return fan_of(starts, window)


def test_constant_growth_is_one_line_and_the_middle_rank() -> None:
    tape = tape_of([1.01**day for day in range(80)])
    found = fan_at(tape, held(tape), zero=60)
    # decided at the first close of the window, bought at the second
    line = [1.0, *[1.01**day for day in range(BEFORE + AFTER)]]
    for name in BANDS:
        assert found.bands[name].tolist() == pytest.approx(line, rel=1e-12)
    assert found.bands.index.tolist() == list(range(-BEFORE, AFTER + 1))
    assert found.ranks.loc["held", ["placebo_rank", "placebo_rank_whole"]].tolist() == [
        50.0,
        50.0,
    ]


def test_a_window_that_is_special_ranks_first_and_its_mirror_last() -> None:
    flat = [1.0] * 60
    up = tape_of([*flat, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5])
    assert fan_at(up, held(up), zero=60).ranks.loc["held", "placebo_rank"] == 100.0
    down = tape_of([*flat, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    found = fan_at(down, held(down), zero=60).ranks.loc["held"]
    assert found["placebo_rank"] == found["placebo_rank_whole"] == 0.0


def test_ranks_and_bands_by_hand() -> None:
    """Day t multiplies the price by 1 + t / 1000: later starts do better."""
    moves = [1.0, *[1.0 + day / 1000 for day in range(1, 70)]]
    tape = tape_of(np.cumprod(moves).tolist())
    plan, zero = held(tape, decided=3), 50
    found = fan_at(tape, plan, zero)
    rows = range(3, zero - BEFORE - (BEFORE + AFTER) + 1)
    assert found.ranks.loc["held", "placebos"] == len(rows)
    grown = [float(np.prod(moves[row + 2 : row + 8])) for row in rows]
    last = found.bands.iloc[-1]
    for name, q in BANDS.items():
        assert last[name] == pytest.approx(np.quantile(grown, q), rel=1e-12)
    assert found.ranks.loc["held", "placebo_rank"] == 100.0
    assert found.ranks.loc["held", "placebos_apart"] == 1 + (len(rows) - 1) // 7


def test_eligible_dates_need_a_standing_decision_and_end_before_the_event() -> None:
    tape = tape_of([1.0] * 60)
    for decided, zero in ((0, 40), (4, 40), (17, 59), (30, 35)):
        plan = held(tape, decided)
        window = window_at(tape, plan, zero)
        low, high = int(window.nav.index[0]), int(window.nav.index[-1])
        expected = [
            date
            for date in range(60)
            if date + low >= decided and date + high <= zero + low
        ]
        assert list(eligible_zeros(window, decided)) == expected
    assert high - low < BEFORE + AFTER or zero == 35


def test_the_last_of_the_paths_to_decide_dates_all_starts() -> None:
    tape = tape_of([1.0] * 60)
    weights = pd.Series({"A": 1.0})
    plan = lay_out(
        tape, {"early": {tape.days[0]: weights}, "late": {tape.days[9]: weights}}
    )
    assert fan_at(tape, plan, zero=50).ranks["placebos"].tolist() == [33, 33]
    none = lay_out(tape, {"early": {tape.days[0]: weights}, "never": {}})
    assert fan_at(tape, none, zero=50).ranks["placebos"].tolist() == [0, 0]


def test_a_cut_window_is_held_against_cut_windows() -> None:
    tape = tape_of([1.01**day for day in range(62)])
    found = fan_at(tape, held(tape), zero=60)  # one session after the event
    assert found.bands.index.tolist() == [-2, -1, 0, 1]
    assert found.ranks.loc["held", "placebo_rank"] == 50.0
    assert found.ranks.loc["held", "placebos"] == 60 - 2 - 3 + 1


@pytest.mark.parametrize(
    ("zero", "count"), [(BEFORE + 6, 0), (BEFORE + 7, 1), (28, 20), (27, 19)]
)
def test_few_starts_give_no_rank(zero: int, count: int) -> None:
    tape = tape_of([1.0] * 60)
    found = fan_at(tape, held(tape), zero).ranks.loc["held"]
    assert found["placebos"] == count
    assert np.isfinite(found["placebo_rank"]) == (count >= FEWEST_STARTS)


def test_starts_whose_windows_all_overlap_give_no_rank(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tape = tape_of([1.0] * 60)
    monkeypatch.setattr(placebo_starts, "FEWEST_STARTS", 1)
    apart = [fan_at(tape, held(tape), zero).ranks.iloc[0] for zero in (15, 16, 17)]
    assert [one["placebos_apart"] for one in apart] == [1, 2, 2]
    assert [np.isfinite(one["placebo_rank"]) for one in apart] == [False, True, True]


def test_nothing_after_a_placebo_window_changes_it() -> None:
    """Prices from the event's own window on do not move the fan behind it."""
    rng = np.random.default_rng(7)
    prices = np.cumprod(1.0 + rng.normal(0.0, 0.02, 70))
    other = prices.copy()
    zero = 50
    other[zero - BEFORE + 1 :] *= rng.uniform(0.5, 2.0, 70 - zero + BEFORE - 1)
    one, two = tape_of(prices.tolist()), tape_of(other.tolist())
    told, again = fan_at(one, held(one), zero), fan_at(two, held(two), zero)
    pd.testing.assert_frame_equal(told.bands, again.bands, check_exact=True)
    other[zero - BEFORE] *= 1.5  # the last close of the last placebo window
    three = tape_of(other.tolist())
    moved = fan_at(three, held(three), zero)
    assert not np.array_equal(told.bands.to_numpy(), moved.bands.to_numpy())


def test_days_on_which_a_short_may_not_be_opened_are_no_starts() -> None:
    """What was sold short when it was decided may be forbidden some days later."""
    terms = Execution(capital=1000.0, slippage_bps=0.0, fees="none", short_margin=1.0)
    tape = tape_of([1.0] * 60, terms)
    plan = held(tape, weight=-0.5)
    tape.rules.short[10:20] = False
    found = fan_at(tape, plan, zero=50).ranks.loc["held"]
    assert found["placebos"] == (50 - 2 - 7 + 1) - 10
    with pytest.raises(DataError, match="no short sales"):
        window_at(tape, plan, zero=12)  # the event itself cannot be left out


@pytest.mark.parametrize(
    ("starts", "length", "count"),
    [([], 3, 0), ([4], 3, 1), ([0, 1, 2], 3, 1), ([0, 1, 2, 3], 3, 2), ([0, 9], 3, 2)],
)
def test_windows_that_do_not_overlap(
    starts: list[int], length: int, count: int
) -> None:
    assert count_apart(np.array(starts, dtype=np.int64), length) == count


def test_the_sentence_says_how_little_there_is() -> None:
    assert fan_sentence(0, 0).startswith("No placebo start")
    assert fan_sentence(FEWEST_STARTS - 1, 9).startswith("No rank: 19 placebo starts")
    assert fan_sentence(90, FEWEST_APART - 1).startswith("No rank")
    assert "about 3 independent" in fan_sentence(350, 3)
