"""The committed calibration is what the code gives, and says what its page says."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from benchmarks import power_figure
from engine.evidence.event_calibration import (
    CHUNK,
    ESTIMATION,
    NOMINAL,
    ROW_TESTS,
    Setting,
    Treatment,
    rejection_rates,
)
from engine.evidence.event_ranks import GRANK_FIRMS, GRANK_SIZES

DOCS = Path(__file__).parents[2] / "docs"
SEED = 20260706
WORLDS = 20_000
ERROR = np.sqrt(NOMINAL * (1.0 - NOMINAL) / WORLDS)
#: One in thousands of worlds may fall on the other side on another machine.
ROUNDING = 2.5 / WORLDS
Key = tuple[int, float, str, int, float, float]


@pytest.fixture(scope="module")
def committed() -> dict[Key, dict[str, float]]:
    with (DOCS / "calibration.csv").open(newline="") as file:
        return {
            (
                int(row["firms"]),
                float(row["correlation"]),
                row["law"],
                int(row["length"]),
                float(row["jump"]),
                float(row["effect"]),
            ): {name: float(row[name]) for name in ROW_TESTS}
            for row in csv.DictReader(file)
        }


def test_a_cell_run_again_is_the_committed_one(
    committed: dict[Key, dict[str, float]],
) -> None:
    setting = Setting(firms=5, correlation=0.25, law="normal")
    calm, loud = Treatment(length=1), Treatment(length=5, jump=1.5)
    found = rejection_rates(setting, [calm, loud], worlds=WORLDS, seed=SEED)
    for one in (calm, loud):
        wanted = committed[(5, 0.25, "normal", one.length, one.jump, 0.0)]
        for name in ROW_TESTS:
            assert found[one][name] == pytest.approx(wanted[name], abs=ROUNDING), name


def test_a_cell_of_fat_tails_run_again_is_the_committed_one(
    committed: dict[Key, dict[str, float]],
) -> None:
    setting, one = Setting(firms=5, correlation=0.0, law="t5"), Treatment(length=1)
    found = rejection_rates(setting, [one], worlds=WORLDS, seed=SEED)[one]
    wanted = committed[(5, 0.0, "t5", 1, 1.0, 0.0)]
    for name in ROW_TESTS:
        assert found[name] == pytest.approx(wanted[name], abs=ROUNDING), name


@pytest.mark.shared
def test_the_rates_on_a_shared_date_are_those_of_the_reference(shared: Path) -> None:
    """Another simulation of 20 firms, correlation 0.2: two Monte-Carlo errors apart."""
    file = shared / "oracles" / "event_study" / "size_simulation_common_event_day.json"
    wanted = json.loads(file.read_text())
    setting = Setting(firms=wanted["n"], correlation=wanted["rho"], law="normal")
    assert wanted["M"] == ESTIMATION
    one, worlds = Treatment(length=1), 4_000
    found = rejection_rates(setting, [one], worlds=worlds, seed=SEED)[one]
    for name, key in (
        ("cross_sectional", "cs_t"),
        ("patell", "patell"),
        ("bmp", "bmp"),
        ("adjusted_bmp", "adj_bmp"),
        ("adjusted_patell", "adj_patell"),
        ("portfolio", "portfolio_t"),
        ("grank", "grank_t_rescaled_sqrt(1-rbar)"),
    ):
        rate = wanted[key]
        error = np.sqrt(rate * (1.0 - rate) * (1.0 / worlds + 1.0 / wanted["reps"]))
        assert found[name] == pytest.approx(rate, abs=3.3 * error), name


def test_fat_tails_raise_the_primary_test_a_little(
    committed: dict[Key, dict[str, float]],
) -> None:
    """Student-t(5) breaks its assumption: 5.1 to 5.8 %, as the page says."""
    rates = [
        one["portfolio"]
        for key, one in committed.items()
        if key[2] == "t5" and key[4] == 1.0 and key[5] == 0.0
    ]
    assert len(rates) == 36
    assert (round(100 * min(rates), 1), round(100 * max(rates), 1)) == (5.1, 5.8)


def test_every_cell_is_there(committed: dict[Key, dict[str, float]]) -> None:
    size = [key for key in committed if key[5] == 0.0]
    assert len(size) == 3 * 3 * 2 * 4 * 2
    assert {key[0] for key in size} == {5, 10, 30}
    assert {key[3] for key in size} == {1, 5, 20, 120}


def test_the_primary_test_holds_its_level_where_its_assumptions_hold(
    committed: dict[Key, dict[str, float]],
) -> None:
    cells = {
        key: rates["portfolio"]
        for key, rates in committed.items()
        if key[2] == "normal" and key[4] == 1.0 and key[5] == 0.0
    }
    assert len(cells) == 36
    for key, rate in cells.items():
        assert abs(rate - NOMINAL) < 3.0 * ERROR, (key, rate)


def test_a_jump_of_volatility_shows_which_tests_fail_and_which_hold(
    committed: dict[Key, dict[str, float]],
) -> None:
    for key, rates in committed.items():
        if key[4] == 1.5 and key[2] == "normal":
            assert 0.16 < rates["portfolio"] < 0.21, key
            assert 0.16 < rates["adjusted_patell"] < 0.21, key
            assert 0.045 < rates["adjusted_bmp"] < 0.056, key
            if key[0] >= 10:
                assert rates["grank"] < 0.08, key


def _range(rates: Iterable[float], many: int) -> str:
    """Return ``3.5 to 8.5 %``, of so many cells."""
    found = [100.0 * rate for rate in rates]
    assert len(found) == many
    return f"{min(found):.1f} to {max(found):.1f} %"


def test_what_is_said_of_the_tests_that_allow_for_a_loud_window_is_in_the_table(
    committed: dict[Key, dict[str, float]],
) -> None:
    """Page, docs and the words of verdicts name the sizes of the table, no better."""
    page = (DOCS / "calibration.md").read_text(encoding="utf-8")
    sizes = {key: rates for key, rates in committed.items() if key[5] == 0.0}

    def cells(name: str, law: str, *firms: int) -> list[float]:
        """The cells without a jump."""
        return [
            rates[name]
            for key, rates in sizes.items()
            if key[2] == law and key[0] in firms and key[4] == 1.0
        ]

    for law, ten, thirty in (
        ("normal", "it rejects {} with 10 firms and {} with 30", 15),
        ("t5", "it is {} with 10 firms and {} with 30", 20),
    ):
        said = ten.format(
            _range(cells("grank", law, 10), 12), _range(cells("grank", law, 30), 12)
        )
        assert said in page
        both = cells("grank", law, 10, 30)
        assert sum(abs(rate - NOMINAL) > 3.0 * ERROR for rate in both) == thirty
    assert "15 of these 24 cells lie outside three standard errors" in page
    assert "outside in 20 of 24" in page
    five = [*cells("grank", "normal", 5), *cells("grank", "t5", 5)]
    assert f"With 5 firms it is {_range(five, 24)}" in page
    every = (5, 10, 30)
    bmp = [
        *cells("adjusted_bmp", "normal", *every),
        *cells("adjusted_bmp", "t5", *every),
    ]
    assert all(abs(rate - NOMINAL) < 3.0 * ERROR for rate in bmp)
    assert f"with fat tails too: {_range(bmp, 72)}" in page
    patell = [
        _range(cells("adjusted_patell", law, *every), 36) for law in ("normal", "t5")
    ]
    assert "{} with normal residuals, {} with fat tails".format(*patell) in page
    loud = [
        rates[name]
        for key, rates in sizes.items()
        for name in ("portfolio", "adjusted_patell")
        if key[2] == "normal" and key[4] == 1.5
    ]
    assert f"adjusted Patell reject {_range(loud, 72)} of cases" in page
    for key, rates in sizes.items():
        calm = sizes[(*key[:4], 1.0, 0.0)]
        for name in ("adjusted_bmp", "grank"):
            assert abs(rates[name] - calm[name]) < 0.002, (key, name)
    relied = [rates["grank"] for key, rates in sizes.items() if key[0] >= GRANK_FIRMS]
    told = _range(relied, 96)
    assert told == "{:.1f} to {:.1f} %".format(*(100.0 * one for one in GRANK_SIZES))
    for name in ("calibration.md", "claims.md", "events.md"):
        assert told in (DOCS / name).read_text(encoding="utf-8"), name


def test_power_grows_with_the_effect_and_falls_with_the_window(
    committed: dict[Key, dict[str, float]],
) -> None:
    curve = [
        committed[(10, 0.25, "normal", 1, 1.0, effect)]["portfolio"]
        for effect in (0.005, 0.01, 0.02, 0.03, 0.05)
    ]
    assert curve == sorted(curve)
    assert curve[-1] > 0.95
    long = committed[(10, 0.25, "normal", 20, 1.0, 0.05)]["portfolio"]
    assert long < curve[-1]


def test_the_page_prints_the_numbers_of_the_file(
    committed: dict[Key, dict[str, float]],
) -> None:
    page = (DOCS / "calibration.md").read_text(encoding="utf-8")
    first = committed[(5, 0.0, "normal", 1, 1.0, 0.0)]
    row = next(line for line in page.splitlines() if line.startswith("| 5 | 0 | 1 |"))
    cells = [float(cell) for cell in row.strip("| ").split(" | ")]
    assert cells[3] == pytest.approx(100.0 * first["portfolio"], abs=0.051)
    assert cells[5] == pytest.approx(100.0 * first["adjusted_bmp"], abs=0.051)
    three = committed[(10, 0.25, "normal", 1, 1.0, 0.03)]["portfolio"]
    assert re.search(rf"found in {100 * three:.0f} % of worlds over one", page)


def test_worlds_come_in_chunks() -> None:
    setting = Setting(firms=5, correlation=0.0, law="normal")
    with pytest.raises(ValueError, match="no multiple of"):
        rejection_rates(setting, [Treatment(length=1)], worlds=CHUNK + 1, seed=1)


def test_every_power_curve_rises_from_its_level(
    committed: dict[Key, dict[str, float]],
) -> None:
    """Nine settings, three windows: each test with a level gains with the effect."""
    effects = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05)
    seen = 0
    for firms, correlation, length in itertools.product(
        (5, 10, 30), (0.0, 0.25, 0.5), (1, 5, 20)
    ):
        for name in ("portfolio", "adjusted_bmp", "grank"):
            curve = np.array(
                [
                    committed[(firms, correlation, "normal", length, 1.0, one)][name]
                    for one in effects
                ]
            )
            # 4,000 worlds a point: 2.4 points are three errors of a difference
            assert (np.diff(curve) > -0.024).all(), (firms, correlation, length, name)
            assert curve[-1] > curve[0] + 0.02
            seen += 1
        assert (
            committed[(firms, correlation, "normal", length, 1.0, 0.05)]["portfolio"]
            <= committed[(firms, correlation, "normal", 1, 1.0, 0.05)]["portfolio"]
        )
    assert seen == 81


def test_the_figure_is_drawn_from_the_committed_table() -> None:
    """Its words, and a point for each test, size, window and effect."""
    with power_figure.TABLE.open(newline="") as file:
        table = list(csv.DictReader(file))
    points = power_figure.points(table)
    assert len(points) == 3 * 3 * 3 * 6
    kept = power_figure.DRAWING.read_text(encoding="utf-8")
    drawn = power_figure.drawing(table)
    for mark in (r"<text[^>]*>([^<]*)</text>", r'aria-label="([^"]*)"'):
        found = re.findall(mark, drawn)
        assert len(found) > 20
        assert re.findall(mark, kept) == found
    assert "](images/power.svg)" in (DOCS / "calibration.md").read_text(
        encoding="utf-8"
    )
