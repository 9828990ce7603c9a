"""Every test beside the portfolio test: estudy2, R EventStudy, slow readable twins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine.evidence.event_battery import (
    TESTS,
    Battery,
    battery,
    generalised_sign,
    pairwise_correlation,
    skewness_adjusted_t,
)
from engine.evidence.event_ranks import (
    FEW_SESSIONS,
    generalised_rank,
    joint_ranks,
    rank_statistic,
    ranks,
)
from engine.evidence.event_tests import (
    Array,
    abnormal_returns,
    adjusted_bmp,
    adjusted_patell,
    bmp,
    cross_sectional_t,
    cumulative,
    market_model,
    mean_correlation,
    patell,
)
from tests.tolerances import IDENTITY, ORACLE

FIRMS = ["AMZN", "NFLX", "SHOP", "FB", "UPWK"]
LAYER = np.full((1, 5), 0.2)
DAYS = range(5)


class Week:
    """Five firms that share one event week, with its files of expected numbers."""

    def __init__(self, folder: Path) -> None:
        rates = pd.read_csv(
            folder / "estudy2_balanced5_rates.csv",
            parse_dates=["date"],
            index_col="date",
        )
        before, week = rates.iloc[:240], rates.loc["2020-03-16":"2020-03-20"]
        self.x, self.week_x = (part[["GSPC"]].to_numpy() for part in (before, week))
        self.y, self.week_y = (part[FIRMS].to_numpy() for part in (before, week))
        self.model = market_model(self.y, self.x)
        self.abnormal = abnormal_returns(self.model, self.week_y, self.week_x)
        self.found = cumulative(self.model, self.week_y, self.week_x)
        residuals = self.model.residuals
        self.centred = joint_ranks(residuals, ranks(residuals), self.abnormal)
        self.positive = (self.model.residuals > 0.0).mean(axis=0)
        self.r = pd.read_csv(folder / "estudy2_balanced5_nonparametric_expected.csv")
        self.car = pd.read_csv(
            folder / "estudy2_balanced5_car_nonparametric_expected.csv"
        )
        self.json = json.loads((folder / "python_balanced5_expected.json").read_text())

    def battery(self, weights: Array) -> Battery:
        return battery(
            car=self.found.car,
            scaled=self.found.scaled,
            df=self.found.df,
            residuals=self.model.residuals,
            standard=np.sqrt(self.model.variance),
            abnormal=self.abnormal,
            weights=weights,
        )


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "oracles" / "event_study"


@pytest.fixture(scope="module")
def week(folder: Path) -> Week:
    return Week(folder)


def _sipemu(file: Path) -> pd.DataFrame:
    """The last column, "[0, 1]", holds a comma without quotes."""
    names = file.read_text().splitlines()[0].split(",")
    return pd.read_csv(file, names=[*names, "window_end"], skiprows=1)


def _of_day(centred: Array, day: int) -> float:
    """The statistic of one day among all 245 that are ranked."""
    order = [*range(240), *(240 + other for other in DAYS if other != day), 240 + day]
    return float(rank_statistic(centred[order], LAYER, 1)[0])


@pytest.mark.shared
def test_corrado_rank_of_each_day_and_of_the_week_is_estudy2s(week: Week) -> None:
    centred = week.centred
    of_days = [_of_day(centred, day) for day in DAYS]
    assert of_days == pytest.approx(week.r["rank_stat"].to_numpy(), abs=ORACLE)
    assert of_days == pytest.approx(week.json["rank"], abs=ORACLE)
    of_week = rank_statistic(centred, LAYER, 5)[0]
    assert of_week == pytest.approx(week.car["statistic"][0], abs=ORACLE)


@pytest.mark.shared
def test_corrado_sign_of_each_day_is_estudy2s(week: Week) -> None:
    signs = np.sign(week.centred)
    found = [_of_day(signs, day) for day in DAYS]
    assert found == pytest.approx(week.r["csign_stat"].to_numpy(), abs=ORACLE)


@pytest.mark.shared
def test_generalised_sign_is_that_of_both_r_packages(week: Week, folder: Path) -> None:
    table = _sipemu(folder / "sipemu_balanced5_GSignT_expected.csv")
    cars = np.cumsum(week.abnormal, axis=0)
    for values, wanted in (
        (week.abnormal, week.r["gsign_stat"]),
        (week.abnormal, table["gsign_z"]),
        (cars, table["cgsign_z"]),
    ):
        found = generalised_sign(values, week.positive, LAYER)[:, 0]
        assert found == pytest.approx(wanted.to_numpy(), abs=ORACLE)


@pytest.mark.shared
def test_plain_sign_is_the_generalised_one_at_one_half(
    week: Week, folder: Path
) -> None:
    table = _sipemu(folder / "sipemu_balanced5_SignT_expected.csv")
    half = np.full(5, 0.5)
    cars = np.cumsum(week.abnormal, axis=0)
    for values, column in ((week.abnormal, "sign_z"), (cars, "csign_z")):
        found = generalised_sign(values, half, LAYER)[:, 0]
        assert found == pytest.approx(table[column].to_numpy(), abs=ORACLE)
    found = generalised_sign(week.abnormal, half, LAYER)[:, 0]
    assert found == pytest.approx(week.r["sign_stat"].to_numpy(), abs=ORACLE)


@pytest.mark.shared
def test_grank_as_published(week: Week) -> None:
    scaled = week.found.scaled
    window = scaled / scaled.std(ddof=1) * np.sqrt(week.model.variance)
    t, df = generalised_rank(
        week.model.residuals, ranks(week.model.residuals), window[None], LAYER
    )
    assert t[0] == pytest.approx(week.json["grank_t"], abs=ORACLE)
    assert df[0] == week.json["grank_df"]


@pytest.mark.shared
def test_a_layer_has_the_published_statistics(week: Week) -> None:
    found = week.battery(LAYER)
    for name, key in (
        ("patell", "CAAR_patell"),
        ("bmp", "CAAR_bmp"),
        ("adjusted_bmp", "CAAR_adj_bmp"),
        ("correlation", "rbar"),
    ):
        assert getattr(found, name)[0] == pytest.approx(week.json[key], abs=ORACLE)
    assert found.cross_sectional[0] == pytest.approx(2.3209711737989105, abs=ORACLE)
    assert found.df[0] == 4


def _random(
    seed: int = 5, *, gaps: float = 0.15, rows: int = 40, length: int = 3
) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    residuals = rng.normal(size=(rows, 7)) + 0.6 * rng.normal(size=(rows, 1))
    abnormal = rng.normal(size=(length, 7)) + 0.3
    residuals[rng.random(residuals.shape) < gaps] = np.nan
    standard = np.nanstd(residuals, axis=0)
    scaled = abnormal.sum(axis=0) / standard / np.sqrt(length)
    return {
        "car": abnormal.sum(axis=0),
        "scaled": scaled,
        "df": np.isfinite(residuals).sum(axis=0) - 2.0,
        "residuals": residuals,
        "standard": standard,
        "abnormal": abnormal,
    }


def _subjects() -> Array:
    """A layer of seven, a layer of three, and three against four."""
    some = np.array([1, 1, 1, 0, 0, 0, 0]) / 3.0
    others = np.array([0, 0, 0, 1, 1, 1, 1]) / 4.0
    return np.array([np.full(7, 1.0 / 7.0), some, some - others])


def test_a_layer_is_the_functions_for_one_layer() -> None:
    given = _random()
    found = battery(**given, weights=_subjects())
    for row, columns in enumerate([list(range(7)), [0, 1, 2]]):
        r = mean_correlation(given["residuals"][:, columns])
        scaled, df = given["scaled"][columns], given["df"][columns]
        wanted = {
            "correlation": r,
            "cross_sectional": cross_sectional_t(given["car"][columns]),
            "patell": patell(scaled, df),
            "adjusted_patell": adjusted_patell(scaled, df, r),
            "bmp": bmp(scaled),
            "adjusted_bmp": adjusted_bmp(scaled, r),
        }
        for name, value in wanted.items():
            assert getattr(found, name)[row] == pytest.approx(value, abs=IDENTITY)


def _slow_ranks(column: Array) -> Array:
    """Ranks over T + 1 less one half; NaN stays."""
    seen = np.isfinite(column)
    ranks = np.full(len(column), np.nan)
    ranks[seen] = stats.rankdata(column[seen]) / (seen.sum() + 1.0) - 0.5
    return ranks


def _slow_row(ranks: Array, weights: Array) -> float:
    """One date: mean rank of its firms, times the root of its share of them."""
    seen = np.isfinite(ranks) & (weights != 0.0)
    if not seen.any():
        return np.nan
    total = sum(w * u for w, u, s in zip(weights, ranks, seen, strict=True) if s)
    share = sum(w * w for w, s in zip(weights, seen, strict=True) if s)
    return float(total * np.sqrt((weights**2).sum() / share))


def _slow_corrado(given: dict[str, Array], weights: Array, *, sign: bool) -> float:
    both = np.concatenate([given["residuals"], given["abnormal"]])
    ranks = np.column_stack([_slow_ranks(column) for column in both.T])
    if sign:
        ranks = np.sign(ranks)
    d = np.array([_slow_row(row, weights) for row in ranks])
    inside = d[-len(given["abnormal"]) :]
    inside = inside[np.isfinite(inside)]
    spread = np.sqrt((d[np.isfinite(d)] ** 2).mean())
    return float(inside.sum() / (np.sqrt(len(inside)) * spread))


def _slow_grank(given: dict[str, Array], weights: Array) -> tuple[float, float]:
    long, short = weights > 0, weights < 0
    sides = [side for side in (long, short) if side.any()]
    scaled, residuals = given["scaled"], given["residuals"]
    freedom = sum(side.sum() - 1 for side in sides)
    squares = sum(((scaled[s] - scaled[s].mean()) ** 2).sum() for s in sides)
    r = sum((s.sum() - 1) * mean_correlation(residuals[:, s]) for s in sides) / freedom
    star = scaled / np.sqrt(squares / freedom) * np.sqrt(1.0 - r)
    rows = np.concatenate([residuals / given["standard"], star[None]])
    ranks = np.column_stack([_slow_ranks(column) for column in rows.T])
    d = np.array([_slow_row(row, weights) for row in ranks])
    known = d[np.isfinite(d)]
    z = d[-1] / np.sqrt((known**2).mean())
    t = z * np.sqrt((len(known) - 2.0) / (len(known) - 1.0 - z**2))
    return float(t), len(known) - 2.0


@pytest.mark.parametrize("length", [3, FEW_SESSIONS + 4])
@pytest.mark.parametrize("gaps", [0.0, 0.15, 0.6])
@pytest.mark.parametrize("subject", [0, 1, 2])
def test_rank_tests_are_their_slow_twins(
    subject: int, gaps: float, length: int
) -> None:
    """A short window is put among ranks, a long one is sorted with them."""
    given, weights = _random(gaps=gaps, length=length), _subjects()
    if gaps:
        given["abnormal"][1, :4] = np.nan
    found = battery(**given, weights=weights)
    for name, sign in (("rank", False), ("sign", True)):
        wanted = _slow_corrado(given, weights[subject], sign=sign)
        assert getattr(found, name)[subject] == pytest.approx(wanted, abs=IDENTITY)
    t, df = _slow_grank(given, weights[subject])
    assert found.grank[subject] == pytest.approx(t, abs=IDENTITY)
    assert found.grank_df[subject] == df


def test_a_contrast_is_a_test_of_two_samples() -> None:
    """Pooled deviation within sides; the dependence is w'Rw written out."""
    given = _random(gaps=0.0)
    found = battery(**given, weights=_subjects())
    scaled, (long, short) = given["scaled"], (slice(0, 3), slice(3, 7))
    equal = stats.ttest_ind(scaled[long], scaled[short])
    assert found.bmp[2] == pytest.approx(equal.statistic, abs=IDENTITY)
    assert found.p("bmp")[2] == pytest.approx(equal.pvalue, abs=IDENTITY)
    r = np.corrcoef(given["residuals"].T)
    w = _subjects()[2]
    spread = sum(w[i] * w[j] * r[i, j] for i in range(7) for j in range(7))
    inside = [
        r[i, j]
        for side in (range(3), range(3, 7))
        for i in side
        for j in side
        if i != j
    ]
    # degrees of freedom weigh the sides: 2 of 5 and 3 of 5
    within = 0.4 * np.mean(inside[:6]) + 0.6 * np.mean(inside[6:])
    adjusted = equal.statistic * np.sqrt((1.0 - within) * (w @ w) / spread)
    assert found.correlation[2] == pytest.approx(within, abs=IDENTITY)
    assert found.adjusted_bmp[2] == pytest.approx(adjusted, abs=IDENTITY)
    df = given["df"]
    z = scaled[long].mean() - scaled[short].mean()
    wanted = z / np.sqrt((w**2 * df / (df - 2.0)).sum())
    assert found.patell[2] == pytest.approx(wanted, abs=IDENTITY)


def test_a_contrast_the_other_way_round_has_the_other_sign() -> None:
    given, w = _random(), _subjects()[2]
    found = battery(**given, weights=np.array([w, -w]))
    for name in TESTS:
        one, other = getattr(found, name)
        assert one == pytest.approx(-other, abs=IDENTITY), name


def test_many_worlds_at_once_are_each_alone() -> None:
    worlds = [_random(seed, gaps=0.0) for seed in range(4)]
    stacked = {key: np.stack([one[key] for one in worlds]) for key in worlds[0]}
    together = battery(**stacked, weights=_subjects())
    for place, one in enumerate(worlds):
        alone = battery(**one, weights=_subjects())
        for name in (*TESTS, "correlation", "grank_df"):
            assert getattr(together, name)[place] == pytest.approx(
                getattr(alone, name), abs=IDENTITY
            )


def test_correlation_of_gapped_residuals_is_pairwise() -> None:
    e = _random(gaps=0.4)["residuals"]
    found, wanted = pairwise_correlation(e), pd.DataFrame(e).corr().to_numpy()
    assert found == pytest.approx(wanted, abs=IDENTITY)


def test_skewness_adjusted_t_by_hand_and_by_scipys_skewness() -> None:
    values = np.random.default_rng(2).lognormal(0.0, 0.5, 25) - 1.0
    n, s = 25, values.std(ddof=1)
    mean = values.mean() / s
    # scipy divides by the biased deviation
    gamma = stats.skew(values) * (values.std() / s) ** 3
    wanted = np.sqrt(n) * (mean + gamma * mean**2 / 3.0 + gamma / (6.0 * n))
    assert skewness_adjusted_t(values) == pytest.approx(wanted, abs=IDENTITY)
    # -1, 0, 4: mean 1, s^2 7, third moment (-8 - 1 + 27) / 3 = 6
    three = skewness_adjusted_t(np.array([-1.0, 0.0, 4.0]))
    root = np.sqrt(7.0)
    skew = 6.0 / (7.0 * root)
    by_hand = np.sqrt(3.0) * (1.0 / root + skew / 21.0 + skew / 18.0)
    assert three == pytest.approx(by_hand, abs=IDENTITY)
    assert np.isnan(skewness_adjusted_t(values[:2]))


def test_few_firms_have_no_cross_section() -> None:
    given = _random()
    one = np.zeros((2, 7))
    one[0, 0], one[1, 0], one[1, 1] = 1.0, 1.0, -1.0
    found = battery(**given, weights=one)
    for name in ("cross_sectional", "bmp", "adjusted_bmp", "grank", "correlation"):
        assert np.isnan(getattr(found, name)).all(), name
        if name != "correlation":
            assert np.isnan(found.p(name)).all()
    assert np.isfinite(found.rank).all()
    assert np.isfinite(found.patell).all()
