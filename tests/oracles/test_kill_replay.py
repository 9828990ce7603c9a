"""Kill criteria: found by a slow second reading, replayed on the ledger's own rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from engine.app import inputs_of
from engine.evidence.claim_study import study_claims
from engine.evidence.kill import Stop, find_stops, met_at, replay, stopped_account
from engine.ledger.backtest import Backtest
from engine.study_inputs import StudyInputs
from engine.study_paths import trade_barbell
from engine.study_result import StudyResult
from engine.thesis.model import Kill
from tests.claim_cases import DAYS, evidence, thesis
from tests.flagship import FLAGSHIP
from tests.tolerances import IDENTITY

pytestmark = pytest.mark.xdist_group("sample")


def kill(**told: Any) -> Kill:
    return Kill.model_validate({"id": "k", "says": "So.", **told})


@pytest.fixture(scope="module")
def inputs() -> StudyInputs:
    return inputs_of(FLAGSHIP, progress=lambda step: None)


@pytest.fixture(scope="module")
def barbell(inputs: StudyInputs) -> Backtest:
    return trade_barbell(inputs)[1]


def test_a_stopped_account_is_the_same_until_then_and_cash_after(
    inputs: StudyInputs, barbell: Backtest
) -> None:
    session = pd.Timestamp("2025-02-14")  # no decision of its own on this day
    assert session not in barbell.targets.index
    stopped = stopped_account(inputs.tape, barbell, session)
    before = barbell.nav.index <= session
    assert (stopped.nav[before] == barbell.nav[before]).all()
    # every exchange has traded within a week: nothing is held, nothing moves
    later = stopped.nav.index > session + pd.Timedelta(days=7)
    assert (stopped.holdings[later].to_numpy() == 0.0).all()
    rate = inputs.thesis.execution.cash_rate
    assert rate == 0.0
    assert np.ptp(stopped.nav[later].to_numpy()) == pytest.approx(0.0, abs=1e-6)
    sales = stopped.trades[stopped.trades["decided"] == session]
    assert (sales["units"] < 0).all()
    held = barbell.holdings.loc[session]
    assert set(sales["asset"]) == set(held[held > 0].index)


def test_what_stopping_saved_is_the_ratio_of_two_accounts(
    inputs: StudyInputs, barbell: Backtest
) -> None:
    told = inputs.thesis.model_copy(update={"kill": (kill(drawdown=0.15),)})
    stops = find_stops(told, inputs.market, {"barbell": barbell})
    (row,) = replay(told, stops, inputs.tape, barbell).to_dict("records")
    worth, peak, first = barbell.nav.to_numpy(), 0.0, None
    for place, value in enumerate(worth):  # the slow reading
        peak = max(peak, value)
        if first is None and value <= 0.85 * peak:
            first = place
    assert first is not None
    assert row["stopped"] == barbell.nav.index[first]
    assert row["sample"] == "in-sample"
    stopped = stopped_account(inputs.tape, barbell, row["stopped"])
    end = stopped.nav.iloc[-1]
    assert row["saved"] == pytest.approx(end / worth[-1] - 1, abs=IDENTITY)
    assert row["return_before"] == pytest.approx(worth[first] / worth[0] - 1)
    assert row["return_after"] == pytest.approx(worth[-1] / worth[first] - 1)
    assert row["return_stopped"] == pytest.approx(end / worth[0] - 1)
    assert row["drawdown_stopped"] >= row["drawdown_kept"]
    fills = stopped.trades[stopped.trades["decided"] == row["stopped"]]
    paid = fills[["slippage", "tax", "fx_cost"]].to_numpy().sum()
    assert paid > 0
    assert row["costs_of_stopping"] == pytest.approx(paid / worth[first], rel=0.25)


def test_falling_behind_another_account(inputs: StudyInputs, barbell: Backtest) -> None:
    rng = np.random.default_rng(1)
    steps = rng.normal(0.002, 0.01, len(barbell.nav))
    other = replace_nav(barbell, 5e6 * np.cumprod(1 + steps))
    paths = {"barbell": barbell, "SPY": other}
    told = inputs.thesis.model_copy(
        update={"kill": (kill(behind="SPY", by=0.2), kill(behind="QQQ", by=0.2))}
    )
    first, second = find_stops(told, inputs.market, paths)
    own, its = barbell.nav.to_numpy(), other.nav.to_numpy()
    worth = (own / own[0]) / (its / its[0])
    assert first.session == barbell.nav.index[int(np.argmax(worth <= 0.8))]
    assert second.session is None
    assert "no account is called 'QQQ'" in second.why
    met = worth[int(np.argmax(worth <= 0.8))] - 1.0
    minus = "\N{MINUS SIGN}"
    assert first.why == f"{minus}{-met:.1%} at the close, {minus}20.0% needed"


def replace_nav(account: Backtest, worth: np.ndarray) -> Backtest:
    return replace(account, nav=pd.Series(worth, index=account.nav.index))


def told_of(*rows: tuple[str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["value_date", "known_at", "value"])
    for name in ("value_date", "known_at"):
        frame[name] = pd.to_datetime(frame[name])
    return frame.sort_values("known_at", kind="stable")


WEEKS = (
    ("2025-01-05", "2025-01-06", 0.25),
    ("2025-01-12", "2025-01-13", 0.35),
    ("2025-01-19", "2025-01-20", 0.36),
    ("2025-01-26", "2025-01-27", 0.10),
)


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"above": 0.3}, "2025-01-13"),
        ({"above": 0.3, "times": 2}, "2025-01-20"),
        ({"above": 0.3, "times": 3}, None),
        ({"below": 0.2}, "2025-01-27"),
        ({"off_peak": 0.2}, "2025-01-27"),
        ({"off_peak": 0.3}, None),
    ],
)
def test_a_condition_is_met_when_it_is_known(
    condition: dict[str, float], met: str | None
) -> None:
    found = met_at(kill(role="share", **condition), told_of(*WEEKS))
    assert found == (None if met is None else np.datetime64(met))


def test_a_restatement_counts_from_the_day_it_is_known() -> None:
    """The second week is restated upwards in March: nobody knew it in January."""
    late = told_of(*WEEKS[:2], ("2025-01-12", "2025-03-03", 0.5))
    assert met_at(kill(role="share", above=0.4), late) == np.datetime64("2025-03-03")
    # and it cannot make a run of two with a week that was known to be low
    assert met_at(kill(role="share", above=0.4, times=2), late) is None


def test_a_deadline_stops_unless_it_was_met(
    inputs: StudyInputs, barbell: Backtest
) -> None:
    """The sample world's share holds 30 % for twelve weeks on 2025-10-13."""
    base = {"role": "token_share", "above": 0.3, "times": 12}
    told = inputs.thesis.model_copy(
        update={
            "kill": (
                kill(**base, deadline=dt.date(2025, 10, 13)),
                kill(**base, deadline=dt.date(2025, 10, 10)),
                kill(**base),
                kill(**base, deadline=dt.date(2027, 1, 1)),
                kill(role="frontier_gap", below=0.1, deadline=dt.date(2025, 1, 1)),
                kill(role="vendor_share", above=0.1),
            )
        }
    )
    in_time, late, at_once, later, missing, several = find_stops(
        told, inputs.market, {"barbell": barbell}
    )
    assert in_time.session is None
    assert "in time" in in_time.why
    assert late.session == pd.Timestamp("2025-10-10")
    assert at_once.session == pd.Timestamp("2025-10-13")
    assert later.session is None  # met long before
    assert missing.session is None
    assert missing.why == "no observation of frontier_gap"
    assert several.why.startswith("vendor_share is known of 10 entities; name one")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"drawdown": 0.2, "role": "tokens", "above": 1.0},
        {"behind": "SPY"},
        {"role": "tokens"},
        {"role": "tokens", "above": 1.0, "below": 2.0},
        {"drawdown": 0.2, "deadline": dt.date(2026, 1, 1)},
        {"drawdown": 1.5},
        {"drawdown": 0.2, "above": 0.3},
    ],
)
def test_a_criterion_is_one_whole_condition(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kill(**told)


def test_the_study_holds_the_replay(sample_study: StudyResult) -> None:
    table = sample_study.kill
    assert list(table["criterion"]) == [one.id for one in sample_study.thesis.kill]
    stopped = table[table["stopped"].notna()]
    assert len(stopped) >= 1
    assert (
        stopped["first"].sum() == (stopped["stopped"] == stopped["stopped"].min()).sum()
    )
    assert (stopped["sample"] == "in-sample").all()


def test_a_kill_refutes_the_claim_it_names() -> None:
    claim = {"test": "layer_spread", "long": "alpha", "short": "beta"}
    given = evidence(thesis(claim))
    one = Stop(
        kill=kill(drawdown=0.2, claim="c"), watched="fall", session=DAYS[50], why="so"
    )
    (before,) = [r for r in study_claims(given).results if r.sample == "in-sample"]
    (after,) = [
        r for r in study_claims(given, [one]).results if r.sample == "in-sample"
    ]
    assert before.verdict == "inconclusive"
    assert after.verdict == "refuted"
    assert after.reason == f"killed on {DAYS[50].date()}: fall, so"
    assert after.interval == before.interval
