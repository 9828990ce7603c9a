"""Settings of [portfolio] that no portfolio could meet, or that lack another."""

from __future__ import annotations

import pytest

from engine.errors import ThesisError, UsageError
from engine.thesis.overrides import override
from tests.thesis_words import GOOD, thesis

#: What is added to [portfolio] of the good file, and words of the one complaint.
ADDED = [
    ('objective = "max_score"', ("without a risk limit", "set risk_limit")),
    ("risk_budgets = { midle = 0.5 }", ("'midle' is no leg", "mean 'middle'?")),
    ("risk_budgets = { middle = 0.0 }", ("every risk budget is 0", "at least one leg")),
    ("min_position = 0.2", ("min_position 0.2 is above max_weight 0.1", "lower it")),
    ("max_names = 3\ncash = [0.0, 0.1]", ("3 names of at most 0.1", "cannot fill")),
    ("max_short = 0.1\nmin_position = 0.01", ("long-only", "leave one of the two out")),
    ("borrow_rate = 0.05", ("nothing to cost", "set max_short above 0")),
    (
        "countries = { US = [0.6, 1.0], KR = [0.5, 0.6] }",
        ("the minima of the countries sum to 1.1", "lower a minimum"),
    ),
    (
        "currencies = { dollar = [0.1, 0.2] }",
        ("unknown currency 'dollar'", "known are CNY"),
    ),
    (
        "countries = { USA = [0.1, 0.2] }",
        ("unknown country 'USA'", "did you mean 'US'"),
    ),
    ("currencies = { USD = [0.4, 0.2] }", ("minimum above its maximum",)),
    ("beta = [1.2, 0.8]", ("beta [1.2, 0.8] has its minimum above its maximum",)),
    ("net = [0.5]", ("expected two values",)),
    ("max_turnover = -0.1", ("at least 0, found -0.1",)),
    ("risk_limit = 0", ("a number above 0",)),
    ("cvar_level = 0.4", ("at least 0.5",)),
    ("overlap = 0", ("at least 1",)),
    ("max_names = 0", ("at least 1",)),
    ("max_names = 2.5", ("a whole number",)),
    ('short_history = "guess"', ("'hold_out' or 'proxy'",)),
    ('covariance = "ledoit"', ("did you mean 'ledoit_wolf'?",)),
    ('relax = "yes"', ("true or false",)),
    ("max_gros = 1.5", ("did you mean 'max_gross'?",)),
]


def with_portfolio(added: str) -> str:
    """Return the good file with more settings, replacing those it has."""
    kept = [
        line
        for line in GOOD.splitlines()
        if line.partition("=")[0].strip()
        not in {one.partition("=")[0].strip() for one in added.splitlines()}
    ]
    text = "\n".join(kept).replace("[portfolio]", f"[portfolio]\n{added}")
    return text.replace("[execution]", "[execution]\nshort_margin = 1.5")


@pytest.mark.parametrize(("added", "said"), ADDED, ids=[one for one, _ in ADDED])
def test_one_fault_of_the_portfolio_is_one_complaint(added, said):
    with pytest.raises(ThesisError) as error:
        thesis(with_portfolio(added))
    (problem,) = error.value.problems
    for fragment in said:
        assert fragment in str(problem), str(problem)
    line = str(problem).split(":")[1]
    text = with_portfolio(added).splitlines()[int(line) - 1]
    assert text in (*added.splitlines(), "[portfolio]")  # the table lacks a key


GOOD_SETTINGS = [
    'objective = "max_score"\nrisk_limit = 0.2',
    'objective = "risk_parity"\nrisk_budgets = { middle = 0.5 }',
    "max_turnover = 0",
    "max_short = 0.05\nmax_gross = 1.3\nnet = [0.2, 1.0]\nborrow_rate = 0.02",
    "beta = [0.8, 1.2]\ncurrencies = { USD = [0, 1] }\ncountries = { KR = [0, 0.1] }",
    "min_position = 0.1\nmax_names = 12",
    'covariance = "exponential"\ncovariance_half_life = 40\noverlap = 2',
]


@pytest.mark.parametrize("added", GOOD_SETTINGS)
def test_settings_that_agree(added):
    assert thesis(with_portfolio(added)).thesis.portfolio


def test_short_positions_ask_for_a_margin():
    text = with_portfolio("max_short = 0.1").replace("short_margin = 1.5", "")
    with pytest.raises(ThesisError) as error:
        thesis(text)
    (problem,) = error.value.problems
    assert "max_short without execution.short_margin" in str(problem)
    assert "for example 1.5" in str(problem)


def test_relaxing_is_a_setting_that_a_caller_may_replace():
    document = thesis(GOOD)
    assert not document.thesis.portfolio.relax
    replaced = override(document, relax=True)
    assert replaced.thesis.portfolio.relax
    assert replaced.overrides == {"relax": "True"}
    with pytest.raises(UsageError, match="--objective"):
        override(document, objective="max_sharpe")


def test_an_objective_that_lacks_a_setting_may_not_come_by_the_back_door():
    with pytest.raises(UsageError, match=r"--objective: .*without a risk limit"):
        override(thesis(GOOD), objective="max_score")
    bounded = thesis(with_portfolio("risk_limit = 0.2"))
    replaced = override(bounded, objective="max_score").thesis.portfolio
    assert (replaced.objective, replaced.risk_limit) == ("max_score", 0.2)
