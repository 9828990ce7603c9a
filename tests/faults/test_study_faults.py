"""What is poor but can be studied is studied, and the report says what is poor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine
from engine.errors import CurrencyError, InfeasibleError
from engine.evidence.event_left_out import left_out_sentences
from reports.sections import document
from tests import desk
from tests.desk import Change, changed, claim, with_event

SCORED = '[[factors]]\nname   = "price_momentum"\nweight = 1.0\n'


def study(
    folder: Path, text: str = desk.THESIS, change: Change | None = None
) -> engine.StudyResult:
    """Return the study of a thesis on the desk's files, changed beforehand."""
    desk.write_desk(folder, text)
    if change is not None:
        change(folder / "prices")
    return engine.run(folder / "t.toml", prices=folder / "prices")


def one_row_of_signals(prices: Path) -> None:
    """Write a signals folder with a single observation beside the prices."""
    folder = prices.parent / "signals"
    folder.mkdir()
    (folder / "one.csv").write_text(
        "series,entity,value_date,known_at,value,unit,quality,source\n"
        "tokens,world,2024-01-07,2024-01-08T00:00:00Z,5,tokens,observed,us\n"
    )


# ---- data that is poor ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "change", "words"),
    [
        (desk.THESIS, desk.without("SPY"), "No price of the benchmark SPY"),
        (
            desk.THESIS,
            desk.only("NVDA", "SPY"),
            "No line of the distribution leg has a price: it is empty; its minimum of "
            "40% is held in cash.",
        ),
        (
            desk.THESIS,
            desk.between("2022-01-01", "2024-03-19", "KRW=X"),
            "Exchange rates of KRW: rates end on 2024-03-19; the last rate counts for "
            "14 days",
        ),
        (
            desk.THESIS,
            desk.between("2023-09-01", "2024-03-29", "KRW=X"),
            "Exchange rates of KRW: no rate before 2023-09-01",
        ),
        (
            desk.THESIS,
            desk.between("2023-09-01", "2024-03-29"),
            "start = 2023-09-01, where the prices begin",
        ),
        (
            desk.THESIS,
            desk.between("2022-01-01", "2023-12-15"),
            "end = 2023-12-15, where the prices end",
        ),
        (changed((SCORED, "")), desk.only(*desk.SYMBOLS), "The thesis names no factor"),
        (
            with_event(more="act = true"),
            desk.only(*desk.SYMBOLS),
            "Marked act = true, but not traded on: news.",
        ),
    ],
)
def test_what_is_poor_is_said(
    tmp_path: Path, text: str, change: Change, words: str
) -> None:
    result = study(tmp_path, text, change)
    assert [one for one in result.caveats if words in one], result.caveats
    assert np.isfinite(result.backtest.nav.to_numpy()).all()


def test_rates_that_end_long_before_what_is_held_are_an_error(tmp_path: Path) -> None:
    change = desk.between("2022-01-01", "2023-08-31", "KRW=X")
    with pytest.raises(
        CurrencyError,
        match=r"no rate of KRW per USD.*needed for .*: the last rate of KRW is of "
        r"2023-08-31, and a rate counts for 14 days. Complete KRW=X",
    ):
        study(tmp_path, change=change)


def test_a_feed_that_dies_under_what_is_held_is_said_once(tmp_path: Path) -> None:
    """The line never trades again; how long, and what it is of NAV, is in the words."""
    symbol = "NVDA"
    result = study(tmp_path, change=desk.between("2022-01-01", "2023-10-02", symbol))
    account = result.backtest
    assert account.holdings[symbol].iloc[-1] > 0.0  # else there is nothing to say
    after = int((account.nav.index > pd.Timestamp("2023-10-02")).sum())
    share = account.weights[symbol].iloc[-1]
    (said,) = [one for one in result.caveats if "has no price after" in one]
    assert said.startswith(
        f"{symbol} has no price after 2023-10-02: it was held at its last price for "
        f"{after} sessions and is {share:.1%} of NAV at the end."
    )
    verdict = document(result, {}).sections[0]
    assert said in [getattr(block, "text", "") for block in verdict.blocks]


def test_a_sound_study_is_not_warned_about(tmp_path: Path) -> None:
    said = " ".join(study(tmp_path).caveats)
    for word in (
        "benchmark",
        "has no price",
        "No line",
        "Exchange rates",
        "Settings",
        "Factors",
    ):
        assert word not in said


def test_factors_without_data_are_named(tmp_path: Path) -> None:
    state = 'weight = 1.0\n[[factors]]\nname = "token_growth"\nweight = 2.0\n'
    state += "exposure = { compute = 1.0 }\n"
    desk.write_desk(tmp_path, changed(("weight = 1.0\n", state)))
    one_row_of_signals(tmp_path / "prices")
    result = engine.run(
        tmp_path / "t.toml", prices=tmp_path / "prices", signals=tmp_path / "signals"
    )
    (said,) = [one for one in result.caveats if "token_growth" in one]
    assert "At 10 of 10 decisions too few factors spoke" in said
    assert said.endswith("Factors without data at every decision: token_growth.")
    assert all((one.scorecard.score == 0.0).all() for one in result.decisions)


def test_a_signal_series_that_is_not_there(tmp_path: Path) -> None:
    text = desk.THESIS + '\n[signals]\ntokens = "tokns"\n'
    desk.write_desk(tmp_path, text)
    one_row_of_signals(tmp_path / "prices")
    with pytest.raises(engine.DataError, match=r"tokens = 'tokns'.*'tokens'\?"):
        engine.run(
            tmp_path / "t.toml",
            prices=tmp_path / "prices",
            signals=tmp_path / "signals",
        )
    on_sample = engine.run(tmp_path / "t.toml")
    assert [one for one in on_sample.market.findings if "'tokns'" in one.what]


def test_prices_that_never_move(tmp_path: Path) -> None:
    def flat(prices: Path) -> None:
        for file in prices.glob("*.csv"):
            days = [line.split(",")[0] for line in file.read_text().splitlines()[1:]]
            rows = "".join(f"{day},5\n" for day in days)
            file.write_text(f"date,close\n{rows}")

    result = study(tmp_path, changed(('"exchange"', '"none"')), flat)
    nav = result.backtest.nav
    assert 0.99 < nav.iloc[-1] / nav.iloc[0] <= 1.0  # slippage alone


# ---- events and claims ---------------------------------------------------------------


def test_events_that_cannot_be_studied(tmp_path: Path) -> None:
    text = with_event("weekend", at="2024-01-13")
    for identifier, at, more in (
        ("same-day", "2024-01-15", ""),
        ("before", "2019-01-14", ""),
        ("after", "2030-01-14", ""),
        ("short", "2024-01-16", "estimation = [-40, -11]"),
        ("other-benchmark", "2024-01-16", 'benchmark = "ACWI"'),
        ("no-labs", "2024-01-16", 'contrasts = [["compute", "labs"]]'),
    ):
        text += desk.EVENT.format(id=identifier, at=at, more=more)
    result = study(tmp_path, text, desk.without("GOOGL"))
    table, left_out = result.events.table, result.events.left_out
    nvidia = table[table["subject"] == "NVDA"].set_index("event")["day_zero"]
    # New York was closed on Monday 15 January: both events share its first session
    assert set(nvidia["weekend"].astype(str)) == {"2024-01-16"}
    assert set(nvidia["same-day"].astype(str)) == {"2024-01-16"}
    assert not set(table["event"]) & {"before", "after", "short", "other-benchmark"}
    reasons = left_out.groupby("event")["reason"].agg(" ".join)
    assert "0 returns beside SPY" in reasons["before"]
    assert "after" in reasons.index
    assert "30 returns beside SPY" in reasons["short"]
    assert "no prices of the benchmark ACWI" in reasons["other-benchmark"]
    assert "no asset of that layer, leg or basket" in reasons["no-labs"]
    # a portfolio can be shown about an event whose returns cannot be tested
    assert set(result.around) == {event.id for event in result.thesis.events} - {
        "before",
        "after",
    }


def test_one_line_says_what_an_event_left_out() -> None:
    left_out = pd.DataFrame(
        {
            "event": ["a", "a", "b", "b", "c"],
            "kind": "asset",
            "subject": ["X", "Y", "X", "Y", "X"],
            "window": pd.Series([None, None, None, None, (0, 5)], dtype=object),
            "reason": ["late", "late", "late", "late", "ends"],
        }
    )
    assert left_out_sentences(left_out) == [
        "left out: a, b: X, Y: late",
        "left out: c: X [0, 5]: ends",
    ]


def test_claims_without_evidence_say_what_is_missing(tmp_path: Path) -> None:
    window = 'window = [0, 1]\nlayer = "compute"'
    claims = "".join(
        (
            claim("event_sign", f'scope = "event"\nevent = "old"\n{window}', "too-old"),
            claim("layer_spread", 'long = "compute"\nshort = "labs"', "no-labs"),
            claim("sharpe_difference", 'a = "barbell"\nb = "SPY"', "no-benchmark"),
            claim("signal_threshold", 'role = "tokens"\nabove = 1', "no-signal"),
            claim("event_sign", f'events = ["old"]\n{window}', "no-law"),
        )
    )
    text = with_event("old", at="2019-01-14", claims=claims)
    result = study(tmp_path, text, desk.without("GOOGL", "SPY"))
    reasons = {one.id: one.reason for one in result.claims.results}
    assert {one.verdict for one in result.claims.results} == {"untestable"}
    for identifier, words in (
        ("too-old", "SPY"),
        ("no-labs", "no asset of labs has a price"),
        ("no-benchmark", "no path is called 'SPY'"),
        ("no-signal", "no observation of tokens"),
        ("no-law", "sample"),
    ):
        assert words in reasons[identifier], reasons[identifier]


def test_as_of_a_day_the_thesis_is_what_it_was(tmp_path: Path) -> None:
    claims = claim("layer_spread", 'long = "compute"\nshort = "cloud"')
    desk.write_desk(tmp_path, with_event(claims=claims))
    for day, events, said in (("2023-09-01", 0, 0), ("2023-12-01", 0, 2)):
        result = engine.run(tmp_path / "t.toml", prices=tmp_path / "prices", as_of=day)
        assert len(result.thesis.events) == events
        assert len(result.claims.results) == said
        assert str(result.backtest.nav.index[-1].date()) == day
        assert result.overrides["as_of"].startswith(f"{day} (")


# ---- settings at their ends ----------------------------------------------------------


@pytest.mark.parametrize(
    "replaced",
    [
        ("max_weight = 0.4", 'max_weight = 0.4\nobjective = "min_variance"'),
        ("max_weight = 0.4", 'max_weight = 0.4\nobjective = "equal"'),
        ("max_weight = 0.4", 'max_weight = 0.4\nrebalance = "quarterly"'),
        ("max_weight = 0.4", "max_weight = 1.0\nrisk_aversion = 0.001\nic = 1.0"),
        ('fees = "exchange"', 'at = "next_open"'),
        ('"Hold both ends"', '"Hold"\ncalendar = "XHKG"\ncurrency = "HKD"'),
        ('"Hold both ends"', '"Hold"\ncurrency = "KRW"'),
    ],
)
def test_settings_that_a_study_bears(tmp_path: Path, replaced: tuple[str, str]) -> None:
    result = study(tmp_path, changed(replaced))
    weights = result.backtest.targets.to_numpy()
    assert (weights >= -1e-9).all()
    assert (weights.sum(axis=1) <= 1.0 + 1e-6).all()
    assert result.backtest.nav.min() > 0.0


def test_one_leg_of_one_company(tmp_path: Path) -> None:
    text = changed(("[0.4, 0.6]", "[0.9, 1.0]"), ("max_weight = 0.4", "max_weight = 1"))
    lines = text.splitlines()
    text = "\n".join(line for line in lines if not line.startswith("distribution"))
    result = study(tmp_path, text, desk.only("NVDA", "SPY"))
    held = result.backtest.targets["NVDA"]
    assert ((held > 0.9 - 1e-6) & (held <= 1.0)).all()
    assert set(result.baselines) >= {"SPY", "infrastructure alone"}


def test_opens_that_no_file_has(tmp_path: Path) -> None:
    text = changed(('fees = "exchange"', 'at = "next_open"'))
    result = study(tmp_path, text, desk.without_column("open"))
    assert len(result.backtest.trades) > 10
    assert [
        note for note in result.backtest.notes if "orders filled at the close" in note
    ]


def test_capital_is_only_a_scale(tmp_path: Path) -> None:
    desk.write_desk(tmp_path)
    growth = []
    for capital in (1e-3, 1e15):
        result = engine.run(
            tmp_path / "t.toml", prices=tmp_path / "prices", capital=capital
        )
        nav = result.backtest.nav
        growth.append((nav / nav.iloc[0]).to_numpy())
    np.testing.assert_allclose(growth[0], growth[1], rtol=1e-9)


def test_a_currency_without_a_rate(tmp_path: Path) -> None:
    text = changed(('"desk"', '"desk"\ncurrency = "EUR"'))
    with pytest.raises(CurrencyError, match=r"EUR has no exchange rate.*EUR=X"):
        study(tmp_path, text)


def test_limits_that_collide_in_the_middle_of_a_study(tmp_path: Path) -> None:
    text = changed(
        ("[0.4, 0.6]", "[0.49, 0.51]"),
        ("max_weight = 0.4", "max_weight = 0.4\nmax_turnover = 0.001"),
    )
    with pytest.raises(InfeasibleError) as caught:
        study(tmp_path, text)
    said = str(caught.value)
    assert not said.startswith("2023-07-03")  # the first decision is free of the limit
    assert "max_turnover allows 0.001" in said
    assert "Relax one of the limits" in said
