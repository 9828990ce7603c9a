"""``docs/selloff.md`` says what the real files give, number by number."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import selloff
from engine.study_result import StudyResult
from tests.flagship import END, START

pytestmark = [pytest.mark.shared, pytest.mark.xdist_group("real")]

PAGE = selloff.PAGE.read_text(encoding="utf-8")
STAYS_DOWN, TWO_SIDED = ("H26", "H26-persistent"), ("H27-bubble", "H27-compute")
SHOCK, BOTH, DRIFT, LONG = selloff.WINDOWS


@pytest.fixture(scope="module")
def rows(real_study: StudyResult) -> pd.DataFrame:
    table = real_study.events.table
    chosen = table[table["event"] == selloff.EVENT]
    return chosen.set_index(["subject", "window"]).sort_index()


@pytest.fixture(scope="module")
def back(real_study: StudyResult) -> pd.Series:
    table = real_study.events.recovery
    return table[table["event"] == selloff.EVENT].set_index("layer")["price_sessions"]


def at(rows: pd.DataFrame, subject: str, window: tuple[int, int]) -> pd.Series:
    """Return the one row of a subject and window."""
    return rows.xs(window, level="window").loc[subject]


def says(*fragments: str) -> None:
    for fragment in fragments:
        assert fragment in PAGE, fragment


def size(value: float, digits: int = 1) -> str:
    return f"{100.0 * abs(value):.{digits}f} %"


def test_the_page_is_of_the_run_that_the_readme_shows() -> None:
    assert (selloff.START, selloff.END) == (START, END)


def test_the_shock(rows: pd.DataFrame, back: pd.Series) -> None:
    compute, memory = (at(rows, name, SHOCK) for name in ("compute", "memory"))
    as_far = round(compute["placebo_p"] * (compute["placebo_n"] + 1)) - 1
    after = at(rows, "compute", BOTH)["car"]
    says(
        f"compute lost {size(compute['car'])} more than SPY explains and memory "
        f"{size(memory['car'])}",
        f"Of {compute['placebo_n']:.0f} earlier dates, {as_far} moved compute as far",
        f"Compute stood at −{size(after)} after session +1",
        f"after {back['compute']:.0f} own sessions; that of memory after "
        f"{back['memory']:.0f}",
    )
    assert compute["car"] < after < 0
    assert 1.0 - after / compute["car"] == pytest.approx(0.25, abs=0.02)
    for name in ("cloud", "application", "labs"):
        assert at(rows, name, SHOCK)["p"] > 0.3


def test_two_names_before_a_layer(rows: pd.DataFrame) -> None:
    shock = rows.xs(SHOCK, level="window")
    alone = shock[(shock["kind"] == "asset") & (shock["layer"] == "compute")]
    others = alone.drop(index=["AVGO", "NVDA"])
    assert len(others) == 4
    assert (others["p"] > 0.05).all()
    least = size(others["car"].max()).removesuffix(" %")
    says(
        f"Broadcom lost {size(shock.loc['AVGO', 'car'])} and Nvidia "
        f"{size(shock.loc['NVDA', 'car'])}; the four other compute lines lost "
        f"{least} to {size(others['car'].min())}",
        f"does not reject (p = {shock.loc['compute', 'adjusted_bmp_p']:.3f})",
    )


def test_the_drift_and_how_many_tests_there_were(rows: pd.DataFrame) -> None:
    drift = rows.xs(DRIFT, level="window")
    told = {name: drift.loc[name] for name in ("application", "cloud", "compute")}
    says(
        *(
            f"{size(one['car'])} (p = {one['p']:.3f})"
            for one in told.values()
            if one["car"] > 0
        ),
        f"labs lost {size(drift.loc['labs', 'car'])}",
    )
    whole = rows[rows["kind"] != "asset"]
    assert len(whole) == 40
    least = round(told["application"]["p"], 3)
    says(
        f"after Bonferroni's correction {least} is {40 * told['application']['p']:.2f}"
    )


def test_the_long_window(rows: pd.DataFrame, real_study: StudyResult) -> None:
    compute, nvidia = at(rows, "compute", LONG), at(rows, "NVDA", LONG)
    both = at(rows, "infrastructure minus labs", LONG)
    says(
        f"The placebo dates agree ({compute['placebo_p']:.3f})",
        f"Adjusted BMP does reject, for compute (p = {compute['adjusted_bmp_p']:.3f}) "
        f"and for infrastructure minus labs ({both['adjusted_bmp_p']:.3f}), and so "
        f"does GRANK for the latter ({both['grank_p']:.3f})",
    )
    assert max(compute["adjusted_bmp_p"], both["adjusted_bmp_p"]) < 0.05
    assert both["grank_p"] < 0.05
    assert both["n"] >= 10
    says(
        f"gained {size(compute['car'])} over sessions +2 to +120 "
        f"(p = {compute['p']:.3f})",
        f"nothing smaller than {size(compute['detectable'])} with power 0.8",
        f"+{size(nvidia['car'])} with none, −{size(nvidia['car_other'])} with the one",
    )
    assert nvidia["car_other"] < 0 < nvidia["car"]
    words = {
        one.id: one
        for one in real_study.claims.results
        if one.finding is not None and one.scope == "event"
    }
    assert {words[one].verdict for one in (*STAYS_DOWN, *TWO_SIDED)} == {"inconclusive"}
    assert words["H04"].verdict == "refuted"
    assert "opposite sign" in words["H04"].reason
    shock = at(rows, "infrastructure minus labs", BOTH)
    h04 = words["H04"]
    assert h04.finding is not None
    wider = re.search(r"would be (\S+) and q = (\S+), so it would be", h04.reason)
    assert wider is not None
    assert float(wider[1]) == pytest.approx(shock["spanned_p"], abs=5e-4)
    says(
        f"with the opposite sign (q = {h04.q:.3f}). The two tests beside it do not "
        f"reject (adjusted BMP {shock['adjusted_bmp_p']:.2f}, GRANK "
        f"{shock['grank_p']:.2f}), and with the noise of every session that its "
        f"returns span its p of {h04.finding.p:.3f} would be {wider[1]} and its q "
        f"{wider[2]}: undecided",
    )
    assert min(shock["adjusted_bmp_p"], shock["grank_p"]) > 0.05
    about = {
        claim.id
        for claim in real_study.thesis.claims
        if claim.params.get("event") == selloff.EVENT
    }
    decided = {
        name
        for name in about & set(words)
        if words[name].verdict in ("supported", "refuted")
    }
    assert decided == {"H04"}


def test_everybody_on_their_own_days(
    rows: pd.DataFrame, real_study: StudyResult, shared: Path
) -> None:
    shock = rows.xs(SHOCK, level="window")
    raw = {name: size(shock.loc[name, "return"], 2) for name in shock.index}
    says(
        f"SK Hynix fell {raw['000660.KS']} and Samsung {raw['005930.KS']} on the 31st",
        f"Cambricon (−{raw['688256.SS']}) and SMIC (−{raw['0981.HK']})",
    )
    t = shock.loc["memory", "t"]
    wide = shock.loc["memory", "spanned_t"]
    both = at(rows, "memory", BOTH)
    says(
        f"memory's t of −{-t:.1f} would be −{-wide:.1f}, and over [0, +1] "
        f"−{-both['spanned_t']:.1f} for −{-both['t']:.1f}"
    )
    # five sessions' noise and the leverage, which stays: all but a root of five
    assert wide == pytest.approx(t / np.sqrt(5), rel=0.02)
    compute = at(rows, "compute", BOTH)
    says(f"(p = {compute['p']:.3f}; {compute['spanned_p']:.3f} with the noise of the")
    assert "session +1 spans 7 home sessions" in compute["note"]
    assert "day zero spans 5 home sessions" in shock.loc["memory", "note"]
    # by the files themselves: the days on which Seoul and Shanghai have a close
    for symbol, before, zero, after in (
        ("000660.KS", "2025-01-24", "2025-01-31", "2025-02-03"),
        ("688256.SS", "2025-01-24", "2025-01-27", "2025-02-05"),
    ):
        file = shared / "market" / "prices" / f"{symbol}.csv"
        closes = pd.read_csv(file, index_col="date")["adj_close"].dropna()
        place = closes.index.get_loc(zero)
        assert list(closes.index[place - 1 : place + 2]) == [before, zero, after]
        assert str(shock.loc[symbol, "day_zero"].date()) == zero
        assert shock.loc[symbol, "return"] == pytest.approx(
            closes.iloc[place] / closes.iloc[place - 1] - 1.0, abs=1e-9
        )
        assert f"| {zero} | {after} |" in PAGE
    assert {str(day.date()) for day in shock["day_zero"]} == {
        "2025-01-27",
        "2025-01-31",
    }
    assert real_study.simulated is False


def test_which_tests_hold(rows: pd.DataFrame) -> None:
    """Every adjusted BMP and GRANK below 5 % is on the page, over whatever window."""
    whole = rows[rows["kind"] != "asset"]
    grank = whole["grank_p"].where(whole["n"] >= 10)
    below = (whole["adjusted_bmp_p"] < 0.05) | (grank < 0.05)
    assert set(whole.index[below]) == {
        ("compute", LONG),
        ("infrastructure minus labs", LONG),
    }
    says(
        "on day zero, over [0, +1] or over [+2, +20]; over [+2, +120] they reject for "
        "two",
        f"make {int(whole['adjusted_bmp_p'].notna().sum() + grank.notna().sum())} "
        "tests on this page",
    )
    shock = whole.xs(SHOCK, level="window")
    both = shock[["p", "placebo_p"]] < 0.05
    assert (both["p"] == both["placebo_p"]).all()


def test_the_tables_are_what_the_script_writes(real_study: StudyResult) -> None:
    head, mark, told = PAGE.partition(selloff.HEADING)
    assert mark
    assert (mark + told).splitlines() == list(selloff.lines(real_study))
    assert head.count("](images/selloff-") == 2


@pytest.mark.parametrize("name", ["selloff-map", "selloff-paths"])
def test_the_figures_carry_the_words_of_this_run(
    real_study: StudyResult, name: str
) -> None:
    """The text of the drawing, whatever its fonts and colours."""
    drawn = selloff.drawings(real_study)[name]
    kept = (selloff.IMAGES / f"{name}.svg").read_text(encoding="utf-8")
    told = re.compile(r"<text[^>]*>([^<]*)</text>")
    words = [html.unescape(one) for one in told.findall(kept)]
    assert len(words) > 15
    assert words == [html.unescape(one) for one in told.findall(drawn)]
    assert "SIMULATED" not in kept
