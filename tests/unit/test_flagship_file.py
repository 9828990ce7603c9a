"""The flagship thesis file: it reads, and it holds what it must."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import numpy as np
import pytest

from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.windows import day_zero, event_moment
from engine.market.calendar import Sessions, sessions
from engine.thesis.model import Thesis
from factors import ASSET_FACTORS, STATE_FACTORS, create
from universes.loader import load

EXCHANGES = ("XNYS", "XHKG", "XSHG", "XKRX")


@pytest.fixture(scope="module")
def thesis(root: Path) -> Thesis:
    text = (root / "examples" / "open_weights.toml").read_text(encoding="utf-8")
    return Thesis.model_validate(tomllib.loads(text))


@pytest.fixture(scope="module")
def calendars() -> list[Sessions]:
    span = (dt.date(2023, 1, 1), dt.date(2026, 7, 31))
    return [sessions(mic, *span) for mic in EXCHANGES]


def test_it_has_enough_to_test(thesis: Thesis) -> None:
    assert len(thesis.events) >= 10
    assert len(thesis.claims) >= 10
    assert sum(claim.grade == "A" for claim in thesis.claims) >= 8
    names = {factor.name for factor in thesis.factors}
    assert len(names & STATE_FACTORS.keys()) >= 6
    assert names & ASSET_FACTORS.keys()


def test_factor_weights_are_shares(thesis: Thesis) -> None:
    assert sum(factor.weight for factor in thesis.factors) == pytest.approx(1.0)


def test_factors_and_claims_are_made_of_their_parameters(thesis: Thesis) -> None:
    for factor in thesis.factors:
        create(factor.name, factor.params)
        assert (factor.exposure is None) == (factor.name in ASSET_FACTORS)
    for claim in thesis.claims:
        CLAIM_TESTS[claim.test].params(**claim.params)
        assert claim.refuted_if


def test_every_layer_and_leg_exists(thesis: Thesis) -> None:
    layers = load(thesis.universe.name).layers
    held = [layer for leg in thesis.barbell.values() for layer in leg.layers]
    assert sorted(held) == sorted(layers)
    subjects = {*layers, *thesis.barbell, *thesis.baskets}
    for factor in thesis.factors:
        assert set(factor.exposure or {}) <= set(layers)
    for event in thesis.events:
        assert {*event.expected.reaction, *event.expected.drift} <= set(layers)
    for claim in thesis.claims:
        named = {claim.params.get(key) for key in ("layer", "long", "short")} - {None}
        assert {*named, *claim.params.get("layers", ())} <= subjects


def test_each_leg_can_be_filled(thesis: Thesis) -> None:
    universe = load(thesis.universe.name)
    assets = universe.assets(exclude=thesis.universe.exclude)
    for leg in thesis.barbell.values():
        names = [a for a in assets if universe.layer_of(a.symbol) in leg.layers]
        assert len(names) * thesis.portfolio.max_weight >= leg.weight[0]


def test_cloud_is_read_as_document_004_has_it(thesis: Thesis) -> None:
    for entity in load("ai-stack").entities.values():
        for name, leg in thesis.barbell.items():
            if entity.layer in leg.layers and entity.leg != "none":
                assert entity.leg_alt == name


def test_claims_speak_of_events_that_are_there(thesis: Thesis) -> None:
    for claim in thesis.claims:
        if "event" in claim.params:
            thesis.event(claim.params["event"])
    ids = {claim.id for claim in thesis.claims}
    assert {claim.mirrors for claim in thesis.claims} - {None} <= ids


def test_the_contradiction_is_tested_with_both_signs(thesis: Thesis) -> None:
    mirrored = {claim.id: claim for claim in thesis.claims}
    up, down = mirrored["H27-compute"], mirrored["H27-bubble"]
    assert down.mirrors == up.id
    assert down.params == up.params
    assert (up.sign, down.sign) == ("+", "-")
    assert (up.document, down.document) == ("004", "002")


def test_mirrors_differ_in_their_sign_alone(thesis: Thesis) -> None:
    by_id = {claim.id: claim for claim in thesis.claims}
    pairs = [(one, by_id[one.mirrors]) for one in thesis.claims if one.mirrors]
    assert len(pairs) == 2
    for one, other in pairs:
        assert (one.test, one.params, one.scope) == (
            other.test,
            other.params,
            other.scope,
        )
        assert {one.sign, other.sign} == {"+", "-"}
    named = [claim.id for pair in pairs for claim in pair]
    assert len(set(named)) == len(named)  # one partner each


def test_no_two_claims_ask_the_same(thesis: Thesis) -> None:
    asked = [
        (one.test, repr(sorted(one.params.items())), one.sign) for one in thesis.claims
    ]
    assert len(set(asked)) == len(asked)


def test_a_refutation_is_a_condition_and_no_remark(thesis: Thesis) -> None:
    remarks = ("document", "likel", "argue", "proxy", "already", "documents", ";")
    for claim in thesis.claims:
        assert not any(word in claim.refuted_if for word in remarks), claim.id
    by_id = {claim.id: claim for claim in thesis.claims}
    for claim in thesis.claims:  # the smallest effect that matters is in the sentence
        if claim.min_effect and claim.test in ("event_sign", "event_contrast"):
            assert f"{claim.min_effect:.0%}".replace("%", " %") in claim.refuted_if, (
                claim.id
            )
    assert "twelve weeks" in by_id["H23"].refuted_if
    assert by_id["H23"].params["times"] == 12


@pytest.mark.parametrize(
    ("claim", "params"),
    [
        ("H17", {"role": "vendor_share", "concentration": True}),
        ("H20", {"over": "vendor_share", "below": 0.5, "keeps": True}),
        ("H23", {"above": 0.3, "times": 12, "keeps": True}),
        ("H12", {"event": "bis-parent-rule", "layer": "chinese_chips"}),
        ("H21-licence", {"long": "chinese_compute", "short": "nvidia"}),
        ("H26", {"layer": "us_ai", "window": [0, 20]}),
        ("H26-persistent", {"layer": "us_ai", "window": [0, 120]}),
        ("H27-compute", {"long": "nvidia", "short": "us_labs"}),
        ("H28-labs", {"layer": "chinese_labs", "window": [0, 10]}),
        ("H28-nvidia", {"layer": "nvidia", "window": [0, 10]}),
        ("H28-chinese-compute", {"layer": "chinese_chips", "window": [0, 10]}),
        ("H01-middle", {"a": "barbell", "b": "middle alone"}),
    ],
)
def test_what_the_reference_names_is_what_is_tested(
    thesis: Thesis, claim: str, params: dict[str, object]
) -> None:
    (one,) = [one for one in thesis.claims if one.id == claim]
    assert {key: one.params[key] for key in params} == params


def test_cloud_is_tested_in_both_readings_and_counts_once(thesis: Thesis) -> None:
    by_id = {claim.id: claim for claim in thesis.claims}
    below, above = by_id["cloud-below"], by_id["cloud-above"]
    assert above.mirrors == below.id
    assert below.params == above.params
    assert {below.sign, above.sign} == {"+", "-"}
    assert (below.document, above.document) == ("000", "004")


def test_every_hypothesis_and_monitor_stands_as_a_claim(thesis: Thesis) -> None:
    stems = {claim.id.split("-")[0] for claim in thesis.claims}
    wanted = {f"H{number:02d}" for number in range(1, 29)}
    assert wanted | {f"W{number}" for number in range(1, 6)} <= stems
    for claim in thesis.claims:
        assert claim.document, claim.id
        assert claim.grade, claim.id
        assert claim.refuted_if, claim.id
        assert thesis.declared_of(claim) is not None


def test_every_basket_is_held(thesis: Thesis) -> None:
    universe = load(thesis.universe.name)
    held = {line.symbol for line in universe.assets(exclude=thesis.universe.exclude)}
    for tickers in thesis.baskets.values():
        assert set(tickers) <= held


def test_kill_criteria_name_claims_and_were_not_written_before(thesis: Thesis) -> None:
    ids = {claim.id for claim in thesis.claims}
    assert len(thesis.kill) >= 4
    for kill in thesis.kill:
        assert kill.claim in {None, *ids}
        assert thesis.declared_of(kill) == thesis.about.declared


def test_estimation_ends_before_r1_on_every_exchange(
    thesis: Thesis, calendars: list[Sessions]
) -> None:
    event = thesis.event("deepseek-selloff")
    for calendar in calendars:
        moment = event_moment(event.at, calendars)
        zero = day_zero(calendar, moment)
        assert zero is not None
        last = calendar.days[zero + event.estimation[1]]
        assert last.date() < dt.date(2025, 1, 20), calendar.mic


@pytest.mark.parametrize(
    ("event", "days"),
    [
        ("deepseek-r1", ("2025-01-21", "2025-01-20", "2025-01-20", "2025-01-20")),
        ("deepseek-selloff", ("2025-01-27", "2025-01-27", "2025-01-27", "2025-01-31")),
        ("h20-licence", ("2025-04-16", "2025-04-16", "2025-04-16", "2025-04-16")),
        ("sora-ends", ("2026-03-25", "2026-03-25", "2026-03-25", "2026-03-25")),
        ("bis-parent-rule", ("2026-06-01", "2026-06-01", "2026-06-01", "2026-06-01")),
    ],
)
def test_day_zero_by_exchange(
    thesis: Thesis, calendars: list[Sessions], event: str, days: tuple[str, ...]
) -> None:
    moment = event_moment(thesis.event(event).at, calendars)
    for calendar, day in zip(calendars, days, strict=True):
        zero = day_zero(calendar, moment)
        assert zero is not None
        assert calendar.days[zero] == np.datetime64(day), calendar.mic


def test_the_portfolio_acts_on_one_event(thesis: Thesis) -> None:
    acting = [event.id for event in thesis.events if event.act]
    assert acting == ["deepseek-selloff"]
    assert thesis.portfolio.rebalance == "monthly+events"


def test_nothing_is_declared_before_its_document(thesis: Thesis) -> None:
    available = {
        "000": dt.date(2026, 1, 2),
        "001": dt.date(2025, 12, 9),
        "002": dt.date(2026, 4, 20),
        "003": dt.date(2025, 12, 10),
        "004": dt.date(2026, 7, 6),
    }
    for item in (*thesis.events, *thesis.claims):
        sources = [code.strip() for code in item.document.split(",") if code.strip()]
        declared = thesis.declared_of(item)
        days = [available[code] for code in sources]
        assert declared is not None
        assert declared >= min(days, default=dt.date(2026, 7, 6)), item.id
