"""The documents' figures: thin, dated, and each with its quality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.interfaces import SignalData, SignalSource
from engine.market.signals import COLUMNS, QUALITIES
from engine.sources.reference import ROLES, ReferenceSignals
from universes.loader import load


@pytest.fixture(scope="module")
def reference() -> SignalData:
    source: SignalSource = ReferenceSignals()
    return source.load(load("ai-stack"))


def test_the_shape_of_observations(reference: SignalData) -> None:
    frame = reference.signals.observations
    assert tuple(frame.columns) == COLUMNS
    assert frame["known_at"].is_monotonic_increasing
    assert frame["known_at"].dtype == np.dtype("datetime64[ns]")
    assert frame["value_date"].dtype == np.dtype("datetime64[ns]")
    assert frame["value"].dtype == np.float64
    assert frame["value"].notna().all()
    assert set(frame["quality"]) <= set(QUALITIES)
    assert not frame.duplicated(["series", "entity", "value_date"]).any()
    assert frame["source"].str.fullmatch(r"doc 00[0124]").all()


def test_two_observations_are_two_observations(reference: SignalData) -> None:
    share = reference.signals.read("token_share")
    assert share["value"].tolist() == [0.012, 0.3]
    assert (share["known_at"] == np.datetime64("2025-12-09")).all()


def test_nothing_is_known_before_its_document(reference: SignalData) -> None:
    signals = reference.signals
    assert signals.known_by(np.datetime64("2025-12-08T23:59")) == 0
    last_year = signals.first(signals.known_by(np.datetime64("2026-04-19T21:00")))
    assert set(last_year.observations["source"]) == {"doc 000", "doc 001"}
    before = signals.first(signals.known_by(np.datetime64("2026-07-05T21:00")))
    assert "doc 004" not in set(before.observations["source"])


def test_disputed_figures_and_bounds_do_not_count(reference: SignalData) -> None:
    assert reference.signals.read("tokens").empty
    shares = reference.signals.read("vendor_share")
    assert sorted(set(shares["entity"])) == [
        "alphabet",
        "anthropic",
        "deepseek",
        "xiaomi",
    ]
    plans = reference.signals.read("capex", quality=("forecast",))
    assert plans["entity"].tolist() == ["bytedance"]


def test_shares_are_fractions(reference: SignalData) -> None:
    frame = reference.signals.observations
    shares = frame.loc[frame["unit"] == "fraction", "value"]
    assert shares.between(0.0, 1.0).all()
    assert not frame["unit"].isin(["percent", "CNY_bn", "USD_mn"]).any()


def test_the_misread_share_is_in_no_series(reference: SignalData) -> None:
    frame = reference.signals.observations
    assert "doc 003" not in set(frame["source"])
    told = [finding.what for finding in reference.findings]
    assert any("misreading" in what for what in told)


def test_two_routers_are_not_mixed(reference: SignalData) -> None:
    assert "dollar_share" not in reference.signals.roles
    assert reference.signals.read("dollar_share").empty
    assert any(finding.where.endswith("dollar_share") for finding in reference.findings)


def test_every_role_has_a_series_and_a_finding(reference: SignalData) -> None:
    series = set(reference.signals.observations["series"])
    assert set(ROLES.values()) <= series
    for role in ROLES:
        thin = [one for one in reference.findings if one.where.endswith(role)]
        assert thin
        assert f"of {ROLES[role]}" in thin[0].what
    tokens = next(one for one in reference.findings if one.where.endswith(": tokens"))
    assert tokens.what.startswith("0 observations of")
    assert "2 disputed" in tokens.what


def test_it_is_not_simulated_and_says_what_it_is(reference: SignalData) -> None:
    assert not reference.origin.simulated
    assert len(reference.origin.digest) == 64


def test_entities_outside_the_universe_are_named() -> None:
    stack = load("ai-stack")
    small = replace(stack, name="small", entities={})
    told = ReferenceSignals().load(small).findings[-1].what
    assert "that small does not have: alibaba" in told
    complete = ReferenceSignals().load(stack).findings
    assert not any("does not have" in finding.what for finding in complete)
