"""The windows and fans of the flagship, account by account in the readable ledger."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.evidence.placebo_starts import BANDS
from engine.evidence.ranking import percentile_among
from engine.ledger.windows import lay_out, open_accounts
from engine.study_inputs import StudyInputs, home_day_zero
from engine.study_paths import AFTER, BARBELL, BEFORE
from engine.study_result import StudyResult
from tests.tolerances import TWIN
from tests.window_twins import Schedule, check_window, readable_window

pytestmark = pytest.mark.xdist_group("sample")

#: The event whose fan is walked again, each placebo start of it.
EVENT = "deepseek-selloff"


@pytest.fixture(scope="module")
def inputs(sample_study: StudyResult) -> StudyInputs:
    return StudyInputs(
        thesis=sample_study.thesis,
        universe=sample_study.universe,
        market=sample_study.market,
        assets=sample_study.assets,
        factors=(),
    )


def schedules(study: StudyResult, inputs: StudyInputs) -> dict[str, Schedule]:
    symbols = inputs.whole_tape.symbols
    paths = {BARBELL: study.backtest, **study.baselines}
    return {
        name: {
            day: row.reindex(symbols, fill_value=0.0)
            for day, row in path.targets.iterrows()
        }
        for name, path in paths.items()
    }


def test_every_path_of_every_event_is_the_readable_one(
    sample_study: StudyResult, inputs: StudyInputs
) -> None:
    tape, told = inputs.whole_tape, schedules(sample_study, inputs)
    plan = lay_out(tape, told)
    assert len(sample_study.around) == 17
    for event in sample_study.thesis.events:
        day = home_day_zero(inputs, event)
        window = sample_study.around[event.id]
        zero = int(tape.days.get_loc(day))
        low, high = max(zero - BEFORE, 0), min(zero + AFTER, len(tape.days) - 1)
        count = len(plan.names)
        opened = open_accounts(
            tape,
            plan,
            path=np.arange(count),
            first=np.full(count, low),
            last=np.full(count, high),
        )
        summary = window.summary.set_index("path")
        for place, (name, schedule) in enumerate(told.items()):
            twin = readable_window(tape, schedule, low, high)
            check_window(twin, opened, place)
            growth = twin.nav / twin.nav[0]
            shown = window.nav[name].to_numpy()
            assert (np.abs(shown / growth - 1.0) <= TWIN).all()
            row, eve = summary.loc[name], growth[zero - low - 1]
            worst = (growth / np.maximum.accumulate(growth) - 1.0).min()
            for column, expected in {
                "total_return": growth[-1] - 1.0,
                "before": eve - 1.0,
                "since": growth[-1] / eve - 1.0,
                "max_drawdown": worst,
                "costs": twin.costs / twin.nav[0],
                "trades": twin.trades,
                "waited": twin.waited,
            }.items():
                assert row[column] == pytest.approx(expected, rel=1e-12, abs=TWIN)


def test_the_fan_and_the_ranks_are_those_of_readable_starts(
    sample_study: StudyResult, inputs: StudyInputs
) -> None:
    """Two paths, every eligible date, begun one by one."""
    tape, told = inputs.whole_tape, schedules(sample_study, inputs)
    window = sample_study.around[EVENT]
    event = next(one for one in sample_study.thesis.events if one.id == EVENT)
    zero = int(tape.days.get_loc(home_day_zero(inputs, event)))
    first = int(tape.days.get_loc(min(told[BARBELL])))
    starts = [
        row
        for row in range(first, len(tape.days))
        if row + BEFORE + AFTER <= zero - BEFORE
    ]
    summary = window.summary.set_index("path")
    assert (summary["placebos"] == len(starts)).all()
    assert len(starts) > 300
    for name in (BARBELL, "middle alone"):
        walked = [
            readable_window(tape, told[name], row, row + BEFORE + AFTER).nav
            for row in starts
        ]
        growth = np.array(walked) / np.array(walked)[:, :1]
        since = growth[:, -1] / growth[:, BEFORE - 1] - 1.0
        row = summary.loc[name]
        assert row["placebo_rank"] == percentile_among(row["since"], since)
        assert row["placebo_rank_whole"] == percentile_among(
            row["total_return"], growth[:, -1] - 1.0
        )
        if name == BARBELL:
            expected = pd.DataFrame(growth).quantile(list(BANDS.values())).T
            assert window.fan.to_numpy() == pytest.approx(
                expected.to_numpy(), rel=1e-12
            )
            assert window.fan.index.equals(window.nav.index)
