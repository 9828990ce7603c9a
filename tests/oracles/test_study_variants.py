"""The flagship on other lines, on the placebo, and in another account currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine import app
from engine.errors import InfeasibleError
from engine.market.assemble import assemble
from engine.sources.sample.prices import SamplePrices
from engine.sources.sample.signals import SampleSignals
from engine.study import gather_evidence, run_study, study_events
from engine.study_inputs import StudyInputs
from engine.study_paths import trade_barbell
from engine.study_result import StudyResult
from engine.supply import HISTORY
from tests.books import assert_books
from tests.flagship import FLAGSHIP, real_options, record_of_sample
from tests.tolerances import IDENTITY, SOLVER

PERIOD = {"start": "2024-07-01", "end": "2025-12-31"}
US = {'lines   = "primary"': 'lines   = "us"'}
PLACEBO = {'name    = "ai-stack"': 'name    = "ai-placebo"', 'exclude = ["icbc"]': ""}
#: Few names need room: at 10 % each they cannot fill the legs.
ROOM = {"max_weight    = 0.10": "max_weight    = 0.30"}


def variant(folder: Path, changes: Mapping[str, str]) -> Path:
    """Write the flagship with some of its lines changed."""
    text = FLAGSHIP.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = folder / "variant.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module", params=["us", "placebo"])
def other(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> StudyResult:
    changes = {"us": US, "placebo": PLACEBO}[request.param] | ROOM
    file = variant(tmp_path_factory.mktemp(request.param), changes)
    return app.run(file, **PERIOD)


def test_other_lines_run_as_a_study(other: StudyResult) -> None:
    """Decisions within limits, books that balance, and claims that say what lacks."""
    layer = {line.symbol: other.universe.layer_of(line.symbol) for line in other.assets}
    for one in other.decisions:
        assert one.weights.max() <= 0.30 + SOLVER
        for leg in other.thesis.barbell.values():
            names = [s for s in layer if layer[s] in leg.layers]
            if names:
                share = one.weights[names].sum()
                assert leg.weight[0] - SOLVER <= share <= leg.weight[1] + SOLVER
        assert one.cash - one.costs >= -SOLVER
    record = record_of_sample(other)
    for path in (other.backtest, *other.baselines.values()):
        assert_books(path, record, other.thesis.execution)
    assert other.caveats[0].startswith("SIMULATED")
    assert len(other.events.table) > 100
    for claim in other.claims.results:
        assert claim.reason
        assert (claim.finding is None) == (claim.verdict == "untestable")


def test_only_us_lines_trade_in_new_york_alone(tmp_path: Path) -> None:
    inputs = app.inputs_of(variant(tmp_path, US | ROOM), **PERIOD)
    assert {line.mic for line in inputs.assets} <= {"XNYS", "XNAS", "OTCM"}
    assert set(inputs.market.bars) == {"XNYS"}
    assert {line.currency for line in inputs.assets} == {"USD"}
    symbols = {line.symbol for line in inputs.assets}
    assert {"BABA", "BIDU", "KC", "NVDA", "GOOGL"} <= symbols


def test_the_placebo_holds_nothing_that_the_documents_chose(tmp_path: Path) -> None:
    inputs = app.inputs_of(variant(tmp_path, PLACEBO | ROOM), **PERIOD)
    held = {line.symbol for line in inputs.assets}
    assert held == {"TSM", "ASML", "INTC", "SMH", "MU", "ORCL", "1398.HK"}


def test_too_few_names_for_the_limits_are_named(tmp_path: Path) -> None:
    file = variant(tmp_path, PLACEBO)
    with pytest.raises(InfeasibleError, match=r"portfolio\.max_weight 0\.10 x"):
        app.run(file, **PERIOD)


# -- the currency of the account


def constant_rates(folder: Path, currency: str) -> StudyInputs:
    """A year of the sample world in which no exchange rate moves or costs anything."""
    changes = {
        'currency   = "USD"': f'currency   = "{currency}"',
        "fx_spread_bps = 2.0": "fx_spread_bps = 0.0",
    }
    whole = app.inputs_of(
        variant(folder, changes), start="2025-01-02", end="2025-12-31"
    )
    about = whole.thesis.about
    layers = {name: whole.universe.layer_of(name) for name in whole.universe.lines}
    lines = list(whole.market.lines.values())
    prices = SamplePrices(layers=layers).load(lines, about.start - HISTORY, about.end)
    fixings = {
        name: replace(one, per_usd=np.full_like(one.per_usd, one.per_usd[0]))
        for name, one in prices.fixings.items()
    }
    market = assemble(
        lines,
        replace(prices, fixings=fixings),
        SampleSignals().load(whole.universe),
        home=about.calendar,
        base=about.currency,
        start=about.start,
        end=about.end,
    )
    return replace(whole, market=market)


def test_the_currency_of_the_account_does_not_change_the_answer(
    tmp_path: Path,
) -> None:
    """Under constant rates an account in Hong Kong dollars decides and earns the same.

    Under moving ones it does not, and should not: its risk and its returns are those
    of its own money (the test below).
    """
    dollars, abroad = (constant_rates(tmp_path, name) for name in ("USD", "HKD"))
    assert abroad.market.home.base == "HKD"
    decided, account = trade_barbell(dollars)
    again, other = trade_barbell(abroad)
    assert len(decided) > 10
    for one, two in zip(decided, again, strict=True):
        assert two.session == one.session
        assert two.scorecard.score.equals(one.scorecard.score)
        assert two.weights.to_numpy() == pytest.approx(
            one.weights.to_numpy(), abs=10 * SOLVER
        )
        assert two.objective == pytest.approx(one.objective, abs=IDENTITY)
    assert other.base == "HKD"
    assert other.nav.to_numpy() == pytest.approx(account.nav.to_numpy(), rel=1e-5)
    baskets = [
        gather_evidence(one, path, {}).layer_returns
        for one, path in ((dollars, account), (abroad, other))
    ]
    assert np.allclose(*baskets, rtol=0, atol=1e-12, equal_nan=True)


@pytest.mark.shared
@pytest.mark.xdist_group("real")
def test_events_are_local_and_portfolios_are_not(
    real_study: StudyResult, shared: Path, tmp_path: Path
) -> None:
    """Real rates: event studies stay the same to the last bit, returns are turned."""
    changes = {'currency   = "USD"': 'currency   = "HKD"'}
    inputs = app.inputs_of(variant(tmp_path, changes), **real_options(shared))
    table = study_events(
        inputs.market, inputs.thesis, inputs.universe, inputs.assets
    ).table
    pd.testing.assert_frame_equal(table, real_study.events.table, check_exact=True)
    mine, theirs = inputs.market.home, real_study.market.home
    dollar = mine.fx["USD"]
    priced = theirs.base_price()
    converted = priced.mul(dollar, axis=0)
    assert np.allclose(
        mine.base_price()[priced.columns], converted, rtol=1e-12, equal_nan=True
    )
    assert dollar.dropna().between(7.7, 7.9).all()


def test_a_study_is_a_pure_function_of_its_inputs(tmp_path: Path) -> None:
    """The same inputs twice, in one process: the same result to the last bit."""
    file = variant(tmp_path, US | ROOM)
    inputs = app.inputs_of(file, start="2025-06-02", end="2025-12-31")
    one, two = run_study(inputs), run_study(inputs)
    pd.testing.assert_frame_equal(one.performance, two.performance, check_exact=True)
    pd.testing.assert_frame_equal(one.claims.table, two.claims.table, check_exact=True)
    # repr: a score of nothing is NaN, which equals nothing
    assert repr(one.claims.scores) == repr(two.claims.scores)
    assert one.backtest.nav.equals(two.backtest.nav)
    assert one.events.table.equals(two.events.table)
