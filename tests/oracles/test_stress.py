"""Layer scores under stress: scored again by another route, and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine import parts
from engine.app import inputs_of
from engine.evidence.stress import (
    NOT_SCORED,
    RECOMPUTED,
    STATED,
    Scored,
    Stress,
    stressed,
    study_stress,
)
from engine.portfolio.scoring import layer_scores, score
from engine.runs.register_hashes import hashes_of
from engine.study import last_scored
from engine.study_inputs import StudyInputs
from engine.study_result import StudyResult
from engine.thesis.model import Mechanism
from engine.thesis.stress import Reads
from tests.flagship import FLAGSHIP

pytestmark = pytest.mark.xdist_group("sample")


@pytest.fixture(scope="module")
def inputs() -> StudyInputs:
    return inputs_of(FLAGSHIP, progress=lambda step: None)


@pytest.fixture(scope="module")
def exposures(inputs: StudyInputs) -> pd.DataFrame:
    return inputs.universe.exposures([line.symbol for line in inputs.assets])


@pytest.fixture(scope="module")
def scored(sample_study: StudyResult) -> Scored:
    found = last_scored(sample_study.decisions)
    assert found is not None
    return found


def leg(share: float, **more: object) -> Mechanism:
    """A supply leg of this share: a change of minus that share."""
    told = {
        "id": "one",
        "says": "So.",
        "kind": "supply_leg",
        "inputs": {"share": {"value": share, "source": "ours"}},
    }
    return Mechanism.model_validate(told | more)


def studied(
    inputs: StudyInputs,
    exposures: pd.DataFrame,
    scored: Scored | None,
    *told: Mechanism,
) -> Stress:
    thesis = inputs.thesis.model_copy(update={"mechanisms": told})
    return study_stress(thesis, inputs.market, inputs.factors, exposures, scored)


def after(found: Stress, column: str = "after") -> pd.Series:
    return found.layers.set_index("layer")[column]


READS = {"role": "token_share", "factor": "token_share_momentum"}
TOKENS = {"role": "tokens", "factor": "token_growth"}
VENDORS = {"role": "vendor_share", "factor": "vendor_share", "entity": "xiaomi"}
CAPEX = {"role": "capex", "factor": "capex_growth"}


@pytest.mark.parametrize("reads", [READS, TOKENS, VENDORS, CAPEX])
def test_a_neutral_stress_changes_nothing_exactly(
    inputs: StudyInputs, exposures: pd.DataFrame, scored: Scored, reads: dict[str, str]
) -> None:
    found = studied(inputs, exposures, scored, leg(0.0, reads=reads))
    assert found.mechanisms["basis"].iloc[0] == RECOMPUTED
    assert (after(found) == after(found, "before")).all()
    stated = studied(inputs, exposures, scored, leg(0.0, exposure={"compute": "+"}))
    assert (after(stated) == after(stated, "before")).all()
    assert (after(stated, "before") == after(found, "before")).all()


@pytest.mark.parametrize("reads", [READS, TOKENS, VENDORS, CAPEX])
def test_scored_again_is_scoring_a_world_with_that_observation(
    inputs: StudyInputs, exposures: pd.DataFrame, scored: Scored, reads: dict[str, str]
) -> None:
    """The second route changes the source's table, with the future left in it."""
    market = inputs.market
    frame = market.signals.observations
    series = market.signals.roles[reads["role"]]
    changed = frame["value"].to_numpy().copy()
    for entity in frame.loc[frame["series"] == series, "entity"].unique():
        if entity != reads.get("entity", entity):
            continue
        mine = (frame["series"] == series) & (frame["entity"] == entity)
        mine &= frame["known_at"] <= scored.moment
        newest = mine & (frame["value_date"] == frame.loc[mine, "value_date"].max())
        assert newest.sum() == 1
        changed[newest.to_numpy()] *= 0.6
    other = replace(
        market,
        signals=replace(market.signals, observations=frame.assign(value=changed)),
    )
    card = score(
        other.known_at(scored.moment),
        inputs.factors,
        list(exposures.index),
        exposures,
        inputs.thesis.scoring,
    )
    expected = layer_scores(card, exposures)["score"]
    found = studied(inputs, exposures, scored, leg(0.4, reads=reads))
    assert after(found).to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-15)


def test_a_state_factor_by_hand(
    inputs: StudyInputs, exposures: pd.DataFrame, scored: Scored
) -> None:
    """Momentum of the share, standardised anew, through exposure and layer vectors."""
    thesis, market = inputs.thesis, inputs.market
    spec = next(one for one in thesis.factors if one.name == READS["factor"])
    told = market.signals.observations
    told = told[told["series"] == market.signals.roles["token_share"]]
    told = told[told["known_at"] <= scored.moment].sort_values("value_date")
    share = told["value"].to_numpy()
    age = (pd.Timestamp(scored.moment) - told["known_at"].iloc[-1]) / pd.Timedelta("1D")
    faded = 0.5 ** (age / thesis.scoring.half_life_days)

    def reading(newest: float) -> float:
        weekly = np.append(share[:-1], newest)
        change = weekly[4:] - weekly[:-4]
        z = (change[-1] - change.mean()) / change.std(ddof=1)
        return float(np.clip(z, -1.0, 1.0)) * faded

    moved = reading(share[-1] * 0.95) - reading(share[-1])
    assert abs(moved) > 0.1
    effect = exposures.to_numpy() @ [
        (spec.exposure or {}).get(name, 0.0) for name in exposures.columns
    ]
    card = scored.scorecard
    there = card.contributions.notna().to_numpy()
    weight = (there * card.factor_weights.to_numpy()).sum(axis=1)
    step = np.where(card.withheld, 0.0, spec.weight / weight * effect * moved)
    held = exposures.to_numpy() * ~card.withheld.to_numpy()[:, None]
    expected = held.T @ step / held.sum(axis=0)
    found = studied(inputs, exposures, scored, leg(0.05, reads=READS))
    difference = after(found) - after(found, "before")
    assert difference.to_numpy() == pytest.approx(expected, abs=1e-12)


def test_a_stated_effect_is_exposure_times_change_within_the_scale(
    inputs: StudyInputs, exposures: pd.DataFrame, scored: Scored
) -> None:
    told = leg(0.4, exposure={"compute": 0.5, "memory": "-", "labs": "+"})
    found = studied(inputs, exposures, scored, told)
    moved = after(found) - after(found, "before")
    assert moved["compute"] == pytest.approx(-0.2)
    assert moved["memory"] == pytest.approx(0.4)
    assert moved["labs"] == pytest.approx(-0.4)
    assert moved["cloud"] == moved["application"] == 0.0
    assert set(found.layers["basis"]) == {STATED}
    whole = studied(inputs, exposures, scored, leg(1.0, exposure={"compute": "+"}))
    assert after(whole)["compute"] == -1.0  # from below 0, and no further


def test_what_no_factor_speaks_of_falls_back_or_says_why(
    inputs: StudyInputs, exposures: pd.DataFrame, scored: Scored
) -> None:
    reads = VENDORS | {"entity": "nobody"}
    none = studied(inputs, exposures, scored, leg(0.4, reads=reads)).mechanisms.iloc[0]
    assert none["basis"] == NOT_SCORED
    assert none["why"] == "no observation of vendor_share of nobody"
    both = leg(0.4, reads=reads, exposure={"labs": "+"})
    assert (
        studied(inputs, exposures, scored, both).mechanisms["basis"].iloc[0] == STATED
    )
    quiet = replace(
        scored,
        scorecard=replace(scored.scorecard, absent={"token_growth": "3 of 8"}),
    )
    found = studied(inputs, exposures, quiet, leg(0.4, reads=TOKENS)).mechanisms.iloc[0]
    assert (found["basis"], found["why"]) == (
        NOT_SCORED,
        "token_growth is absent: 3 of 8",
    )
    unscored = studied(inputs, exposures, None, both)
    assert unscored.mechanisms["why"].iloc[0] == "no decision was scored"
    assert unscored.layers[["before", "after"]].isna().all(axis=None)
    assert unscored.mechanisms["change"].iloc[0] == -0.4


def test_only_what_was_known_is_changed(inputs: StudyInputs, scored: Scored) -> None:
    early = inputs.market.known_at(np.datetime64("2025-02-03T21:00", "ns"))
    changed = stressed(early, Reads(role="token_share", factor="f"), -0.5)
    assert changed is not None
    old, new = early.signals.observations, changed.signals.observations
    moved = old["value"].to_numpy() != new["value"].to_numpy()
    assert moved.sum() == 1
    assert new["value"][moved].iloc[0] == 0.5 * old["value"][moved].iloc[0]
    assert old["value_date"][moved].iloc[0] == pd.Timestamp("2025-02-02")


def test_each_entity_has_its_own_newest_observation(
    inputs: StudyInputs, scored: Scored
) -> None:
    """One company files earlier than another: both newest quarters change, no other."""
    known = inputs.market.known_at(np.datetime64("2025-02-03T21:00", "ns"))
    changed = stressed(known, Reads(role="capex", factor="f"), -0.5)
    assert changed is not None
    frame = known.signals.observations
    ratio = changed.signals.observations["value"].to_numpy() / frame["value"].to_numpy()
    moved = frame[ratio != 1.0]
    mine = frame[frame["series"] == known.signals.roles["capex"]]
    newest = mine.groupby("entity")["value_date"].max()
    assert len(set(newest)) > 1
    assert dict(zip(moved["entity"], moved["value_date"], strict=True)) == dict(newest)
    assert set(ratio) == {0.5, 1.0}


def test_the_register_counts_assumptions_among_neither_settings_nor_claims(
    inputs: StudyInputs,
) -> None:
    bare = inputs.thesis.model_copy(update={"mechanisms": (), "scenarios": ()})
    assert inputs.thesis.mechanisms
    one, other = (
        hashes_of(thesis, inputs.universe, inputs.assets)
        for thesis in (inputs.thesis, bare)
    )
    assert one == other


def test_the_study_and_the_command_agree_and_nothing_else_moves(
    sample_study: StudyResult,
) -> None:
    alone = parts.stress(FLAGSHIP, progress=lambda step: None)
    assert alone.stress.session == sample_study.stress.session
    pd.testing.assert_frame_equal(alone.stress.layers, sample_study.stress.layers)
    pd.testing.assert_frame_equal(alone.scenarios.states, sample_study.scenarios.states)
    last = sample_study.decisions[-1].scorecard
    exposures = sample_study.universe.exposures(last.score.index)
    before = sample_study.stress.layers.groupby("layer")["before"].first()
    own = layer_scores(last, exposures)["score"]
    assert (before.reindex(own.index) == own).all()
