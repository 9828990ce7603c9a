"""Every figure is valid Vega-Lite, carries its stamp, and tells the numbers."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtr

from engine.study_result import StudyResult
from reports import event_figures, figures, readouts
from reports.document import Document
from reports.palette import ROLES, path_styles, with_variables
from reports.sections import document
from tests.reports.fake_result import provenance


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    """The Vega-Lite 6 schema, from the Altair that developers install."""
    found = importlib.util.find_spec("altair")
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "vegalite/v6/schema/vega-lite-schema.json"
    return jsonschema.Draft7Validator(json.loads(path.read_text(encoding="utf-8")))


def _with_few_rows(value: Any) -> Any:
    """Return a specification with two rows of each data set: all rows are alike."""
    if isinstance(value, dict):
        return {
            name: one[:2] if name == "values" else _with_few_rows(one)
            for name, one in value.items()
        }
    return [_with_few_rows(one) for one in value] if isinstance(value, list) else value


def test_every_figure_is_valid_vega_lite(
    report: Document, schema: jsonschema.Draft7Validator
) -> None:
    assert len(report.figures) == 14
    for figure in report.figures:
        faults = list(schema.iter_errors(_with_few_rows(dict(figure.spec))))
        assert not faults, (figure.id, faults[0].message[:300])


def test_every_drawing_carries_the_stamp_where_simulated(
    report: Document, drawings: Mapping[str, str], real_result: StudyResult
) -> None:
    for figure in report.figures:
        assert ">SIMULATED</text>" in drawings[figure.id], figure.id
    for figure in document(real_result, provenance()).figures:
        assert "SIMULATED" not in json.dumps(figure.spec), figure.id


def test_growth_starts_at_one_hundred_and_ends_where_the_account_does(
    result: StudyResult,
) -> None:
    spec = figures.growth(result)
    lines = [
        layer["data"]["values"]
        for layer in spec["vconcat"][0]["layer"]
        if layer["mark"]["type"] == "line"
    ]
    barbell = [row["v"] for row in lines[-1] if row["p"] == "Barbell"]
    nav = result.backtest.nav
    assert barbell[0] == 100.0
    assert barbell[-1] == pytest.approx(100 * nav.iloc[-1] / nav.iloc[0], rel=1e-4)
    assert {row["p"] for rows in lines for row in rows} == {
        "Barbell",
        "SPY",
        "SMH",
        "Equal weight",
        "Infrastructure alone",
        "Distribution alone",
        "Anti-thesis",
    }


def test_close_events_are_numbered_on_rows_of_their_own(result: StudyResult) -> None:
    numbered = figures.event_numbers(result)
    assert numbered == {"hbm-controls": "1", "deepseek-selloff": "2", "ai-plus": "3"}
    crowded = [
        event.model_copy(update={"id": f"e{rank}"})
        for rank, event in enumerate([result.thesis.events[0]] * 3)
    ]
    thesis = result.thesis.model_copy(update={"events": tuple(crowded)})
    spec = figures.growth(replace(result, thesis=thesis))
    heights = [
        layer["encoding"]["y"]["value"]
        for layer in spec["vconcat"][0]["layer"]
        if layer["mark"]["type"] == "text"
    ]
    assert len(set(heights)) == 3


def test_an_interval_excludes_zero_exactly_where_p_is_below_five_percent(
    result: StudyResult,
) -> None:
    for car in (0.010, 0.0393, 0.0395, 0.06):
        row = {"car": car, "se": 0.02, "df": 248.0}
        low, high = event_figures.interval_of(row)
        p = 2 * (1 - stdtr(248.0, car / 0.02))
        assert (low > 0) == (p < 0.05)
        assert (low + high) / 2 == pytest.approx(car)


def test_the_headline_event_is_the_one_most_claims_are_about(
    result: StudyResult,
) -> None:
    assert event_figures.headline_event(result) == "deepseek-selloff"


@pytest.mark.parametrize(
    ("low", "high"), [(98.0, 131.0), (45.0, 210.0), (3.0, 90_000.0), (100.0, 100.0)]
)
def test_log_ticks_enclose_the_data_and_stay_few(low: float, high: float) -> None:
    ticks = figures.log_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert len(ticks) <= 8 or (low, high) == (3.0, 90_000.0)
    assert ticks == sorted(set(ticks))


def test_thinning_keeps_the_ends_and_fits_the_plot() -> None:
    panel = pd.DataFrame({"a": np.arange(5000.0)})
    thin = figures.thin(panel)
    assert thin["a"].iloc[0] == 0.0
    assert thin["a"].iloc[-1] == 4999.0
    assert len(thin) <= figures.PLOT + 2


def test_readouts_have_one_text_per_place(result: StudyResult) -> None:
    for readout in (
        readouts.growth(result),
        readouts.weights(result),
        readouts.paths(result, "deepseek-selloff"),
        readouts.around(result, "deepseek-selloff"),
    ):
        assert readout.places[0] == 0.0
        assert readout.places[-1] == 1.0
        assert len(readout.labels) == len(readout.places)
        for trace in readout.traces:
            assert len(trace.texts) == len(readout.places)
            assert not any("|" in text for text in trace.texts)


#: Linear RGB as seen without the red, the green or the blue cones (Machado, Oliveira
#: and Fernandes 2009, IEEE Transactions on Visualization and Computer Graphics 15).
SIGHT = {
    "full": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4339, 0.3762, 0.1899],
        [0.2127, 0.7152, 0.0722],
        [0.0178, 0.1095, 0.8730],
    ]
)


def _lab(colour: str, sight: np.ndarray) -> np.ndarray:
    """Return a colour in CIELAB, where 2.3 is just noticeable, as some eye sees it."""
    shown = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(sight @ linear, 1e-4, 1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("screen", [0, 1])
def test_paths_can_be_told_apart_by_colour_or_dash(sight: str, screen: int) -> None:
    legs = ["infrastructure alone", "distribution alone", "middle alone"]
    styles = path_styles(
        "barbell", ["SPY", "SMH"], ["equal weight", *legs, "anti-thesis"]
    )
    shades = {pair[0]: pair[screen] for pair in ROLES.values()}
    assert len(styles) == 8
    for (one, (a, dash)), (other, (b, dashed)) in combinations(styles.items(), 2):
        gap = _lab(shades[a], SIGHT[sight]) - _lab(shades[b], SIGHT[sight])
        least = 12.0 if dash == dashed else 5.0
        assert np.linalg.norm(gap) > least, (one, other)


def test_without_a_benchmark_the_drawdown_is_held_against_equal_weight(
    result: StudyResult,
) -> None:
    paths = {name: path for name, path in result.baselines.items() if name != "SPY"}
    assert (
        "against SMH"
        in document(replace(result, baselines=paths), {}).figures[0].caption
    )
    del paths["SMH"]
    figure = document(replace(result, baselines=paths), {}).figures[0]
    assert "against Equal weight" in figure.caption
    assert "SPY" not in figure.caption + figure.description
    drawn = figure.spec["vconcat"][1]["layer"][1]["data"]["values"]
    assert {row["p"] for row in drawn} == {"Equal weight"}


def test_every_colour_has_one_role_and_a_dark_twin() -> None:
    lights = [pair[0] for pair in ROLES.values()]
    assert len(set(lights)) == len(lights)
    assert with_variables('fill="#14375e"') == 'fill="var(--navy,#14375e)"'
