"""Every estimate of the flagship, made again from the rows that the run kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.study_result import StudyResult
from tests.flagship import Record
from tests.tolerances import IDENTITY

pytestmark = pytest.mark.xdist_group("sample")

SESSIONS_A_YEAR = 252
DAYS_A_YEAR = 365.25


@pytest.fixture(scope="module")
def kept(sample_run: tuple[Path, StudyResult]) -> pd.DataFrame:
    table = pd.read_parquet(sample_run[0] / "tables" / "claim_rows.parquet")
    return table.astype({"claim": str, "sample": str, "series": str, "of": str})


@pytest.fixture(scope="module")
def printed(sample_run: tuple[Path, StudyResult]) -> pd.DataFrame:
    table = pd.read_csv(sample_run[0] / "tables" / "claims.csv")
    return table[table["estimate"].notna()]


def together(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per row, one column per series, with the days of the first series."""
    wide = rows.pivot_table(index="row", columns="series", values="value", dropna=False)
    first = rows[rows["series"] == rows["series"].iloc[0]].set_index("row")
    return wide.assign(since=first["since"], date=first["date"])


def years(rows: pd.DataFrame) -> np.ndarray:
    return ((rows["date"] - rows["since"]) / pd.Timedelta(days=DAYS_A_YEAR)).to_numpy()


def slopes(y: pd.Series, *x: pd.Series) -> np.ndarray:
    design = np.column_stack([*x, np.ones(len(y))])
    return np.linalg.lstsq(design, y.to_numpy(), rcond=None)[0]


def event(rows: pd.DataFrame) -> float:
    daily = rows.set_index(["series", "row"])
    returns, expected = daily.loc["return"], daily.loc["expected"]
    abnormal = returns["value"].fillna(0.0) - expected["value"]
    of = returns["of"].str.split(", ").str[0]
    return float((returns["weight"] * abnormal).groupby(of).sum().mean())


def spread(rows: pd.DataFrame) -> float:
    return float(rows["value"].mean() * SESSIONS_A_YEAR)


def sharpe(rows: pd.DataFrame) -> float:
    wide = together(rows)
    a, b = (wide[name] for name in dict.fromkeys(rows["series"]))
    ratios = [one.mean() / one.std() for one in (a, b)]
    return float((ratios[0] - ratios[1]) * np.sqrt(SESSIONS_A_YEAR))


def spanning(rows: pd.DataFrame) -> float:
    wide = together(rows)
    names = list(dict.fromkeys(rows["series"]))
    return float(slopes(wide["barbell"], *[wide[n] for n in names[1:]])[-1] * 252)


def trend(rows: pd.DataFrame) -> float:
    wide = together(rows)
    return float(wide["change"].sum() / years(wide).sum())


def pace(rows: pd.DataFrame) -> float:
    wide = together(rows)
    length, moved = years(wide), wide["change"].to_numpy()
    late = np.cumsum(length) > length.sum() / 2.0
    early = moved[~late].sum() / length[~late].sum()
    return float(moved[late].sum() / length[late].sum() - early)


def hedge(rows: pd.DataFrame) -> float:
    wide = together(rows)
    controls = [n for n in ("SPY", "SMH") if n in wide]
    return float(
        slopes(wide["return"], wide["change"], *[wide[n] for n in controls])[0]
    )


def following(rows: pd.DataFrame) -> float:
    wide = together(rows)
    return float(slopes(wide["after"], wide["change"])[0])


def jevons(rows: pd.DataFrame) -> float:
    """One intercept per date, as dummies."""
    wide = together(rows)
    dates = pd.get_dummies(wide["date"]).to_numpy(dtype=float)
    design = np.column_stack([wide["d_ln_price"], dates])
    y = wide["d_ln_quantity"].to_numpy()
    return 1.0 + float(np.linalg.lstsq(design, y, rcond=None)[0][0])


def last(rows: pd.DataFrame) -> float:
    return float(rows["value"].iloc[-1])


AGAIN: Mapping[str, Callable[[pd.DataFrame], float]] = {
    "event_sign": event,
    "event_contrast": event,
    "layer_spread": spread,
    "sharpe_difference": sharpe,
    "spanning_alpha": spanning,
    "trend": trend,
    "saturation": pace,
    "hedge_beta": hedge,
    "lead_lag": following,
    "demand_elasticity": jevons,
    "signal_threshold": last,
}


def test_every_estimate_follows_from_the_rows_alone(
    kept: pd.DataFrame, printed: pd.DataFrame
) -> None:
    assert len(printed) > 30
    assert set(printed["test"]) == set(AGAIN)
    for one in printed.to_dict("records"):
        rows = kept[(kept["claim"] == one["claim"]) & (kept["sample"] == one["sample"])]
        again = AGAIN[one["test"]](rows)
        assert again == pytest.approx(one["estimate"], rel=1e-6, abs=1e-9), one["claim"]


def test_what_is_untestable_used_no_row(
    kept: pd.DataFrame, printed: pd.DataFrame
) -> None:
    used = set(zip(kept["claim"], kept["sample"], strict=True))
    assert used == set(zip(printed["claim"], printed["sample"], strict=True))


def test_daily_rows_are_the_closes_of_the_record(
    kept: pd.DataFrame, sample_record: Record
) -> None:
    """Each member's return, and the close at which it was known, by its own prices."""
    rows = kept[(kept["claim"] == "H02-law-dip") & (kept["series"] == "return")]
    assert rows["weight"].groupby(rows["of"]).first().sum() == pytest.approx(5.0)
    for of, own in rows.groupby("of"):
        symbol = of.split(", ")[1]
        closes, days = sample_record.closes[symbol], sample_record.days[symbol]
        returns = pd.Series(closes.pct_change().to_numpy(), index=days)
        known = pd.Series(closes.index, index=days)
        expected = returns.reindex(own["date"]).to_numpy()
        assert own["value"].to_numpy() == pytest.approx(expected, abs=IDENTITY)
        assert (
            known.reindex(own["date"]).to_numpy() == own["known_at"].to_numpy()
        ).all()


def test_signal_rows_say_when_they_were_known_and_by_whom(
    kept: pd.DataFrame, sample_study: StudyResult
) -> None:
    signals = sample_study.market.signals.read("token_share").set_index("value_date")
    rows = kept[(kept["claim"] == "H23-trend") & (kept["series"] == "value")]
    held = signals.loc[rows["date"]]
    assert rows["value"].to_numpy() == pytest.approx(held["value"].to_numpy())
    assert (rows["known_at"].to_numpy() == held["known_at"].to_numpy()).all()
    assert set(rows["source"]) == {"signals: sample"}
    # a return of the same claim is of prices, known at a home close not after its day
    beta = kept[(kept["claim"] == "H04-beta") & (kept["series"] == "return")]
    assert set(beta["source"]) == {"prices: sample"}
    closes = set(sample_study.market.home.sessions.close_utc)
    assert set(beta["known_at"].to_numpy()) <= closes
    assert (beta["known_at"].dt.normalize() <= beta["date"]).all()
    # nothing of a sample was known after it
    declared = pd.Timestamp("2026-01-02")
    inside = kept[(kept["claim"] == "H23") & (kept["sample"] == "in-sample")]
    assert (inside["known_at"] < declared).all()
