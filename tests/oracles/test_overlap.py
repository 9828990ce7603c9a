"""Markets with other hours: what an overlap of two sessions finds in real closes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evidence.caveats import caveats
from engine.market.calendar import calendar_of
from engine.portfolio.risk import Options, estimate
from engine.study_result import StudyResult


@pytest.mark.shared
@pytest.mark.xdist_group("real")
def test_asian_lines_follow_new_york_a_session_later(real_study: StudyResult):
    market = real_study.market
    lines = real_study.assets
    names = [line.symbol for line in lines]
    returns = market.home.returns(last=504)[names]
    of = {line.symbol: calendar_of(line.mic) for line in lines}
    correlation = {}
    for overlap in (1, 2, 3):
        risk = estimate(returns, "sample", 100, Options(overlap=overlap, market_of=of))
        kept = list(risk.covariance)
        sd = np.sqrt(np.diag(risk.covariance))
        matrix = risk.covariance.to_numpy() / np.outer(sd, sd)
        home = np.array([of[name] == "XNYS" for name in kept])
        correlation[overlap] = {
            "across": matrix[np.ix_(home, ~home)].mean(),
            "within": matrix[np.ix_(home, home)].mean(),
        }
    assert correlation[2]["across"] > correlation[1]["across"] + 0.05
    assert correlation[2]["within"] == pytest.approx(correlation[1]["within"], abs=0.02)
    # a third session brings little: the news is a session late, not two
    gained = correlation[2]["across"] - correlation[1]["across"]
    assert abs(correlation[3]["across"] - correlation[2]["across"]) < 0.5 * gained


@pytest.mark.xdist_group("sample")
def test_the_caveat_says_what_was_done(sample_study: StudyResult):
    one = sample_study
    for overlap, said in (
        (1, "understate how they move"),
        (2, "a session later"),
    ):
        rules = one.thesis.portfolio.model_copy(update={"overlap": overlap})
        thesis = one.thesis.model_copy(update={"portfolio": rules})
        found = caveats(thesis, one.universe, one.market, one.assets, {}, decisions=())
        assert any(said in sentence for sentence in found)
