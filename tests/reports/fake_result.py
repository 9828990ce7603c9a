"""A small, complete and deterministic StudyResult, made without running a study."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

import factors
from engine.evidence.attribution import Attribution, Pair, linked
from engine.evidence.attribution_books import CASH, Books
from engine.evidence.attribution_study import periods_of
from engine.evidence.event_crowding import CROWDING_COLUMNS
from engine.evidence.event_pool import POOL_COLUMNS
from engine.evidence.event_recovery import RECOVERY_COLUMNS
from engine.evidence.kill import KILL_COLUMNS
from engine.evidence.performance import performance_table
from engine.evidence.placebo_starts import BANDS
from engine.evidence.regression import factor_regression
from engine.evidence.regression_factors import Factor
from engine.evidence.results import (
    EVENT_COLUMNS,
    ClaimResult,
    Claims,
    EventStudy,
    Measurement,
    ThesisScore,
)
from engine.ledger.backtest import TRADE_COLUMNS, Backtest
from engine.market.bars import Bars
from engine.market.calendar import Sessions
from engine.market.currency import Currencies
from engine.market.homeview import HomeView
from engine.market.listing import Entity, Line, Universe
from engine.market.market import Finding, Market, Origin
from engine.market.signals import COLUMNS, Signals
from engine.portfolio.results import Decision, Scorecard
from engine.portfolio.scoring import WeightedFactor
from engine.study_result import Around, StudyResult
from engine.thesis.model import Thesis
from tests.reports.fake_beside import fake_beside, fake_sensitivity
from tests.reports.fake_luck import READING, fake_luck, fake_readings
from tests.reports.fake_stress import with_stress

LAYERS = ("compute", "memory", "cloud", "application", "labs")
#: symbol, name, layer, MIC, currency
LISTED = (
    ("NVDA", "Nvidia", "compute", "XNAS", "USD"),
    ("AVGO", "Broadcom", "compute", "XNAS", "USD"),
    ("688256.SS", "Cambricon", "compute", "XSHG", "CNY"),
    ("0981.HK", "SMIC", "compute", "XHKG", "HKD"),
    ("000660.KS", "SK Hynix", "memory", "XKRX", "KRW"),
    ("005930.KS", "Samsung Electronics", "memory", "XKRX", "KRW"),
    ("9988.HK", "Alibaba", "cloud", "XHKG", "HKD"),
    ("9888.HK", "Baidu", "cloud", "XHKG", "HKD"),
    ("0700.HK", "Tencent", "application", "XHKG", "HKD"),
    ("1810.HK", "Xiaomi", "application", "XHKG", "HKD"),
    ("GOOGL", "Alphabet", "labs", "XNAS", "USD"),
    ("2513.HK", "Zhipu", "labs", "XHKG", "HKD"),
)
SYMBOLS = tuple(row[0] for row in LISTED)
FACTORS = ("token_share_momentum", "capex_growth", "price_momentum", "vendor_share")
PATHS = (
    "barbell",
    "SPY",
    "SMH",
    "equal weight",
    "infrastructure alone",
    "distribution alone",
    "anti-thesis",
)
EVENTS = (
    ("deepseek-selloff", "DeepSeek selloff", dt.date(2025, 1, 27)),
    ("ai-plus", "State Council approves the AI+ opinions", dt.date(2025, 7, 31)),
    ("hbm-controls", "HBM export controls", dt.date(2024, 12, 2)),
)
SESSIONS = 600
DECLARED = dt.date(2025, 6, 2)


def fake_result(
    *, simulated: bool = True, words: Mapping[str, str] | None = None
) -> StudyResult:
    """Return the fake study; `words` replaces titles and names (hostile input)."""
    said = dict(words or {})
    rng = np.random.default_rng(7)
    days = pd.DatetimeIndex(
        pd.bdate_range("2023-08-01", periods=SESSIONS), name="session"
    ).as_unit("ns")
    market = _market(days, simulated)
    thesis = _thesis(days, said)
    backtest = _backtest("barbell", days, rng, 0.0009)
    claims = _claims(said)
    baselines = {
        name: _backtest(name, days, rng, 0.0009 - 0.0002 * rank)
        for rank, name in enumerate(PATHS[1:])
    }
    result = StudyResult(
        thesis=thesis,
        universe=_universe(said),
        market=market,
        assets=tuple(market.lines[symbol] for symbol in SYMBOLS),
        decisions=tuple(_decision(day, rng) for day in days[::21]),
        backtest=backtest,
        baselines=baselines,
        around={EVENTS[0][0]: _around(EVENTS[0][0], rng)},
        performance=_performance({"barbell": backtest} | baselines),
        attribution=_attribution(thesis, backtest, baselines),
        regression=_regression(backtest, baselines),
        events=_events(rng),
        claims=claims,
        caveats=(
            "Alphabet is a proxy for the model layer until Zhipu lists on 2026-01-08.",
            said.get("caveat", "The SEC fee of 2026 is unverified."),
        ),
        seed=7,
        overrides={"start": "2023-08-01"},
        kill=_kill(),
        luck=fake_luck(backtest, thesis.about),
        readings=fake_readings(backtest, baselines, thesis.about),
        factors=tuple(
            WeightedFactor(name=name, weight=0.25, factor=factors.create(name, {}))
            for name in FACTORS
        ),
        beside=fake_beside(claims),
        sensitivity=fake_sensitivity(EVENTS[0][0]),
    )
    return with_stress(result, said)


def _kill() -> pd.DataFrame:
    """One criterion that stopped the thesis, one that did not."""
    told = {
        "says": "So.",
        "watched": "fall of barbell from its peak",
        "why": "so",
        "sample": "in-sample",
    }
    stopped = {
        "criterion": "fall",
        "stopped": pd.Timestamp("2024-03-01"),
        "first": True,
        "return_before": 0.05,
        "return_after": -0.2,
        "return_stopped": 0.04,
        "return_kept": -0.16,
        "saved": 0.25,
        "drawdown_stopped": -0.1,
        "drawdown_kept": -0.3,
        "costs_of_stopping": 0.001,
    }
    never = {"criterion": "never", "stopped": pd.NaT, "first": False, "sample": ""}
    return pd.DataFrame([told | never, told | stopped], columns=list(KILL_COLUMNS))


def provenance() -> dict[str, str]:
    """Return what `runs` hands to the reports."""
    return {
        "run": "20260706-open-weights-1a2b3c4d",
        "command": "assay run examples/open_weights.toml",
        "thesis": "examples/open_weights.toml",
        "thesis sha256": "9f86d081" * 8,
        "assay": "0.1.0",
        "python": "3.11.9",
        "numpy": "2.4.6",
        "seed": "7",
    }


def real(result: StudyResult) -> StudyResult:
    """Return the same study as if its prices and signals were real."""
    market = replace(
        result.market,
        prices_origin=Origin(name="folder", simulated=False, digest="ab" * 32),
        signals_origin=Origin(name="folder", simulated=False, digest="cd" * 32),
    )
    return replace(result, market=market)


def _thesis(days: pd.DatetimeIndex, said: Mapping[str, str]) -> Thesis:
    return Thesis.model_validate(
        {
            "thesis": {
                "id": "open-weights",
                "title": said.get(
                    "title",
                    "China's open-weight models: hold both ends, not the middle",
                ),
                "statement": said.get(
                    "statement",
                    "Efficiency gains flow down to compute and memory and up to cloud "
                    "and applications; the model layer in the middle is competed away.",
                ),
                "declared": DECLARED,
                "start": days[0].date(),
                "end": days[-1].date(),
                "benchmarks": ["SPY", "SMH"],
            },
            "factors": [{"name": name, "weight": 0.25} for name in FACTORS],
            "barbell": {
                "infrastructure": {
                    "layers": ["compute", "memory"],
                    "weight": [0.4, 0.6],
                },
                "distribution": {
                    "layers": ["cloud", "application"],
                    "weight": [0.4, 0.6],
                },
                "middle": {"layers": ["labs"], "weight": [0.0, 0.05]},
            },
            "readings": {
                READING: {
                    "infrastructure": ["compute", "memory", "cloud"],
                    "distribution": ["application"],
                }
            },
            "events": [
                {
                    "id": identifier,
                    "title": said.get("event", title),
                    "at": day,
                    "act": rank == 0,
                    "document": said.get("document", "004"),
                    "expected": {"reaction": {"compute": "-"}},
                    "contrasts": [("compute", "labs")],
                }
                for rank, (identifier, title, day) in enumerate(EVENTS)
            ],
            "claims": [
                {
                    "id": "right-layer",
                    "says": "x",
                    "test": "event_contrast",
                    "event": EVENTS[0][0],
                    "scope": "event",
                    "probability": 0.7,
                    "refuted_if": "compute minus labs is negative",
                    "declared": dt.date(2025, 1, 2),
                },
                {
                    "id": "share-rises",
                    "says": "x",
                    "test": "signal_threshold",
                    "role": "token_share",
                    "entity": "alphabet",
                    "above": 0.3,
                    "times": 12,
                    "by": dt.date(2026, 6, 30),
                    "declared": dt.date(2025, 1, 2),
                },
            ],
        }
    )


def _universe(said: Mapping[str, str]) -> Universe:
    entities = {
        symbol.lower().replace(".", "-"): Entity(
            id=symbol.lower().replace(".", "-"),
            name=said.get("name", name),
            kind="company",
            layer=layer,
        )
        for symbol, name, layer, _, _ in LISTED
    }
    benchmarks = {
        symbol: Line(symbol=symbol, entity="", mic="ARCX", currency="USD", kind="fund")
        for symbol in ("SPY", "SMH")
    }
    return Universe(
        name="ai-stack",
        title="The AI stack",
        layers=LAYERS,
        entities=entities,
        lines=_lines(),
        benchmarks=benchmarks,
    )


def _lines() -> dict[str, Line]:
    return {
        symbol: Line(
            symbol=symbol,
            entity=symbol.lower().replace(".", "-"),
            mic=mic,
            currency=currency,
            primary=True,
            listed=dt.date(2026, 1, 8) if symbol == "2513.HK" else None,
        )
        for symbol, _, _, mic, currency in LISTED
    }


def _market(days: pd.DatetimeIndex, simulated: bool) -> Market:
    close = days.to_numpy() + np.timedelta64(21, "h")
    sessions = Sessions(
        mic="XNYS", days=days, open_utc=days.to_numpy(), close_utc=close
    )
    price = pd.DataFrame(100.0, index=days, columns=list(SYMBOLS))
    home = HomeView(
        sessions=sessions,
        price=price,
        age=price * 0.0,
        fresh=price > 0,
        fx=_rates(days),
        currency=pd.Series([row[4] for row in LISTED], index=list(SYMBOLS)),
        base="USD",
    )
    origin = Origin(
        name="sample" if simulated else "folder",
        simulated=simulated,
        digest="ef" * 32,
    )
    return Market(
        lines=_lines(),
        bars={
            "XNYS": Bars(sessions=sessions, price=price, open=price, flat=price < 0.0)
        },
        home=home,
        currencies=Currencies(fixings={}),
        signals=Signals(observations=_observations(days)),
        coverage=_coverage(days),
        findings=(
            Finding(
                severity="warning",
                where="2513.HK",
                what="no price before 2026-01-08",
                action="not held before it has 60 returns",
                first=str(days[0].date()),
                last="2026-01-07",
            ),
            Finding(severity="info", where="9988.HK", what="2 flat rows"),
        ),
        prices_origin=origin,
        signals_origin=origin,
    )


def _rates(days: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"USD": 1.0, "HKD": 0.13, "CNY": 0.14, "KRW": 7e-4}, index=days)


def _observations(days: pd.DatetimeIndex) -> pd.DataFrame:
    """Two weeks of a share, one quarter of two firms' spending."""
    rows = [
        ("token_share", "cn_oss_models", days[-80], 0.21, "fraction"),
        ("token_share", "cn_oss_models", days[-75], 0.23, "fraction"),
        ("capex", "alphabet", days[-90], 2.2e10, "USD"),
        ("capex", "meta", days[-90], 1.7e10, "USD"),
    ]
    table = pd.DataFrame(
        [
            (
                series,
                entity,
                day,
                day + pd.Timedelta(1, "D"),
                value,
                unit,
                "observed",
                "s",
            )
            for series, entity, day, value, unit in rows
        ],
        columns=list(COLUMNS),
    )
    return table.sort_values("known_at", kind="stable", ignore_index=True)


def _coverage(days: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "symbol": list(SYMBOLS),
            "entity": [symbol.lower().replace(".", "-") for symbol in SYMBOLS],
            "mic": [row[3] for row in LISTED],
            "currency": [row[4] for row in LISTED],
            "basis": "total_return",
            "first": days[0],
            "last": days[-1],
            "bars": SESSIONS,
            "missing": np.arange(len(SYMBOLS)) * 3,
            "flat": 0,
            "opens": True,
            "note": "",
        }
    )


def _backtest(
    name: str, days: pd.DatetimeIndex, rng: np.random.Generator, drift: float
) -> Backtest:
    growth = np.cumprod(1 + rng.normal(drift, 0.012, len(days)))
    shares = rng.dirichlet(np.full(len(SYMBOLS), 2.0), size=len(days) // 21 + 1) * 0.97
    weights = pd.DataFrame(
        np.repeat(shares, 21, axis=0)[: len(days)], index=days, columns=list(SYMBOLS)
    )
    nav = pd.Series(1e7 * growth / growth[0], index=days, name=name)
    kinds = ("slippage", "tax", "fx", "interest")
    costs = pd.DataFrame(0.0, index=days, columns=list(kinds))
    costs.iloc[::21] = rng.uniform(0, 3000, (len(costs.iloc[::21]), len(kinds)))
    trades = pd.DataFrame(
        {column: ["x"] * 4 for column in TRADE_COLUMNS}
        | {"value": [1e5, -2e5, 3e5, -1e5], "tax": 130.0, "slippage": 50.0}
        | {"asset": ["NVDA", "9988.HK", "9988.HK", "AVGO"], "fx_cost": 0.0, "waited": 1}
        | {"side": ["buy", "sell", "buy", "sell"]}
        | {"units": [1e3, -2e3, 3e3, -1e3], "commission": 0.0, "impact": 0.0}
    )
    frame = pd.DataFrame(0.0, index=days, columns=list(SYMBOLS))
    return Backtest(
        name=name,
        base="USD",
        nav=nav,
        holdings=frame,
        weights=weights,
        cash=pd.DataFrame({"USD": nav * 0.03}),
        price=frame + 100.0,
        fx=_rates(days),
        trades=trades,
        costs=costs,
        targets=weights.iloc[::21],
        waiting=frame > 1,
        stale=frame > 1,
    )


def _decision(day: pd.Timestamp, rng: np.random.Generator) -> Decision:
    assets = list(SYMBOLS)
    raw = rng.dirichlet(np.full(len(assets), 2.0)) * 0.97
    scorecard = Scorecard(
        score=pd.Series(rng.uniform(-0.8, 0.8, len(assets)), index=assets),
        contributions=pd.DataFrame(
            rng.uniform(-1, 1, (len(assets), len(FACTORS))),
            index=assets,
            columns=list(FACTORS),
        ),
        coverage=pd.Series(rng.uniform(0.4, 1.0, len(assets)), index=assets),
        withheld=pd.Series([False] * 11 + [True], index=assets),
        factor_weights=pd.Series(0.25, index=list(FACTORS)),
        absent={"vendor_share": "no observation of role vendor_share is known yet"},
    )
    return Decision(
        session=day,
        moment=day.to_datetime64(),
        weights=pd.Series(raw, index=assets),
        cash=0.03,
        scorecard=scorecard,
        alpha=pd.Series(rng.normal(0, 0.01, len(assets)), index=assets),
        status="optimal",
        objective=-0.01,
        notes=("2513.HK held out: 12 returns of 60",),
        solver="piqp",
        residual=1e-12,
        prices={"portfolio.max_weight (NVDA)": 0.002},
    )


def _around(event: str, rng: np.random.Generator) -> Around:
    rows = np.arange(-20, 121)
    steps = rng.normal(0.0006, 0.012, (len(rows), len(PATHS)))
    nav = pd.DataFrame(np.cumprod(1 + steps, axis=0), index=rows, columns=list(PATHS))
    nav = nav / nav.iloc[0]
    summary = pd.DataFrame(
        {
            "path": list(PATHS),
            "total_return": nav.iloc[-1].to_numpy() - 1.0,
            "before": 0.01,
            "since": -0.02,
            "max_drawdown": (nav / nav.cummax() - 1.0).min().to_numpy(),
            "costs": 0.0012,
            "trades": 30,
            "waited": 2,
            "placebo_rank": 71.2,
            "placebo_rank_whole": 64.8,
            "placebos": 358,
            "placebos_apart": 3,
        }
    )
    spread = np.sqrt(np.arange(len(rows)))[:, None] * 0.012
    fan = pd.DataFrame(
        1.0 + spread * np.array([-1.6, -0.7, 0.1, 0.8, 1.7]),
        index=rows,
        columns=list(BANDS),
    )
    return Around(event=event, nav=nav, summary=summary, fan=fan)


def _performance(paths: Mapping[str, Backtest]) -> pd.DataFrame:
    returns = {name: one.returns for name, one in paths.items()}
    days = returns["barbell"].index
    parts = []
    for sample, chosen in (
        ("all", days),
        ("in-sample", days[days < pd.Timestamp(DECLARED)]),
        ("out-of-sample", days[days >= pd.Timestamp(DECLARED)]),
    ):
        table = performance_table(
            {name: one.loc[chosen] for name, one in returns.items()},
            returns["SPY"].loc[chosen],
            periods_per_year=252.0,
            rng=np.random.default_rng(1),
            draws=50,
        )
        parts.append(table.reset_index().assign(sample=sample))
    return pd.concat(parts, ignore_index=True)


def _books(account: Backtest, funds: tuple[str, ...], fund: str = "") -> Books:
    """Return made-up books whose effects sum to the account's returns."""
    rng = np.random.default_rng(len(account.name))
    groups = (*LAYERS, *funds, CASH)
    returns = account.returns.to_numpy()
    shape = (len(returns), len(groups))
    held = [groups.index(fund)] if fund else list(range(len(LAYERS)))
    weight = np.zeros(shape)
    weight[:, held] = rng.dirichlet(np.full(len(held), 4.0)) * 0.97
    weight[:, -1] = 1.0 - weight.sum(axis=1)
    costs, currency = np.zeros(shape), np.zeros(shape)
    costs[::21, held[0]] = -2e-5
    currency[:, held[0]] = rng.normal(0, 1e-4, len(returns))
    wanted = returns - costs.sum(axis=1) - currency.sum(axis=1)
    local = np.zeros(shape)
    local[:, held] = weight[:, held] * rng.normal(0.0005, 0.01, (len(returns), 1))
    local[:, held[-1]] += wanted - local.sum(axis=1)
    nothing = np.zeros(len(returns))
    return Books(
        days=pd.DatetimeIndex(account.returns.index),
        groups=groups,
        currencies=("USD", "KRW"),
        weight=weight,
        local=local,
        currency=currency,
        by_currency=np.column_stack([nothing, currency.sum(axis=1)]),
        trading=np.zeros(shape),
        costs=costs,
        other=nothing,
        returns=returns,
    )


def _attribution(
    thesis: Thesis, account: Backtest, baselines: Mapping[str, Backtest]
) -> Attribution:
    pairs = {}
    for name in ("equal weight", "SPY", "SMH"):
        funds = () if name == "equal weight" else (name,)
        pairs[name] = Pair(
            own=_books(account, funds),
            baseline=_books(baselines[name], funds, *funds),
            fund=bool(funds),
        )
    days = pd.DatetimeIndex(account.returns.index)
    return linked(pairs, periods_of(thesis.about, days))


def _regression(account: Backtest, baselines: Mapping[str, Backtest]) -> pd.DataFrame:
    returns = account.returns
    spy, smh = baselines["SPY"].returns, baselines["SMH"].returns
    declared = np.asarray(returns.index >= pd.Timestamp(DECLARED))
    return factor_regression(
        returns,
        [
            Factor(name="market", proxy="SPY", returns=spy, lagged=True),
            Factor(name="sector", proxy="SMH minus SPY", returns=smh - spy),
            Factor(name="momentum", proxy="", absent="3 assets are too few to rank"),
        ],
        periods_per_year=252.0,
        samples={
            "all": declared | True,
            "in-sample": ~declared,
            "out-of-sample": declared,
        },
    )


def _events(rng: np.random.Generator) -> EventStudy:
    rows = []
    subjects = [("asset", row[0], row[2]) for row in LISTED[:10]]
    subjects += [("layer", layer, layer) for layer in LAYERS]
    subjects += [("contrast", "compute - labs", "")]
    for identifier, _, day in EVENTS:
        for kind, subject, layer in subjects:
            for first, last in ((0, 0), (0, 1), (2, 20), (2, 120)):
                se = 0.02 * np.sqrt(last - first + 1)
                t = float(rng.normal(0, 1.6))
                rows.append(
                    dict.fromkeys(EVENT_COLUMNS, np.nan)
                    | {
                        "event": identifier,
                        "kind": kind,
                        "subject": subject,
                        "layer": layer,
                        "day_zero": pd.Timestamp(day),
                        "window": (first, last),
                        "return": t * se * 1.1,
                        "car": t * se,
                        "se": se,
                        "t": t,
                        "p": float(np.exp(-abs(t))),
                        "df": 248,
                        "n": 1 if kind == "asset" else 4,
                        "alpha": "zero" if last > 20 else "estimated",
                        "detectable": 2.8 * se,
                        "benchmark": "SPY",
                        "model": "market",
                        "placebo_n": 4 if last > 20 else 480,
                        "placebo_matched_n": 3 if last > 20 else 210,
                        "note": "",
                    }
                )
    beside = np.random.default_rng(8)
    for row in rows:
        for name in EVENT_COLUMNS:
            if name.endswith("_p") and row["kind"] != "asset" and "span" not in name:
                row[name] = float(beside.uniform())
    days = np.arange(-10, 121)
    path = {}
    for layer in LAYERS:
        path[layer] = np.cumsum(rng.normal(0, 0.01, len(days)))
        path[f"{layer}.se"] = 0.012 * np.sqrt(np.arange(1, len(days) + 1))
    left_out = pd.DataFrame(
        {
            "event": ["hbm-controls"],
            "subject": ["2513.HK"],
            "reason": ["not listed yet: first price 2026-01-08"],
        }
    )
    return EventStudy(
        table=pd.DataFrame(rows)[list(EVENT_COLUMNS)],
        paths={EVENTS[0][0]: pd.DataFrame(path, index=days)},
        left_out=left_out,
        recovery=_recovery(),
        pooled=_pooled(),
        crowding=pd.DataFrame(
            [
                ("deepseek-selloff", "estimation", (-260, -11), "hbm-controls", -38),
                ("deepseek-selloff", "window", (2, 120), "ai-plus", 119),
            ],
            columns=list(CROWDING_COLUMNS),
        ),
    )


def _recovery() -> pd.DataFrame:
    """Compute falls and is back by its price alone, labs falls later and is not."""
    rows = []
    for rank, layer in enumerate(LAYERS):
        rows.append(
            {
                "event": EVENTS[0][0],
                "layer": layer,
                "firms": 2,
                "reaction": -0.12 + 0.04 * rank,
                "reaction_p": 0.001 + 0.1 * rank,
                "car_20": -0.10 + 0.04 * rank,
                "car_60": -0.02 - 0.01 * rank,
                "car_120": 0.05 - 0.06 * rank,
                "p_20": 0.04 + 0.1 * rank,
                "p_60": 0.5,
                "p_120": 0.3,
                "car_estimated_20": -0.11,
                "car_estimated_60": -0.03,
                "car_estimated_120": 0.01,
                "extreme": -0.15,
                "extreme_session": 4,
                "abnormal_sessions": np.nan,
                "price_sessions": 17.0 if layer == "compute" else np.nan,
                "followed": 120,
            }
        )
    return pd.DataFrame(rows, columns=list(RECOVERY_COLUMNS))


def _pooled() -> pd.DataFrame:
    row = {
        "layer": "compute",
        "window": (0, 1),
        "events": 7,
        "independent": 6,
        "mean": 0.031,
        "se": 0.01,
        "t": 3.1,
        "p": 0.002,
        "df": 240.0,
        "se_if_independent": 0.009,
        "detectable": 0.028,
        "right": 6,
        "note": "",
    }
    few = {"layer": "labs", "events": 3, "independent": 2, "p": 0.4, "mean": -0.01}
    note = "no law: 2 events whose windows do not overlap, 5 needed"
    return pd.DataFrame([row, row | few | {"note": note}], columns=list(POOL_COLUMNS))


#: id, test, verdict, estimate, half width, unit, min_effect, sample, reason
CLAIMS = (
    ("right-layer", "event_contrast", "inconclusive", 0.12, 0.31, "return", 0.05),
    ("selloff-compute", "event_sign", "supported", -0.14, 0.05, "return", 0.0),
    (
        "barbell-spread",
        "layer_spread",
        "inconclusive",
        0.1,
        0.2,
        "return per year",
        0.02,
    ),
    ("barbell-sharpe", "sharpe_difference", "refuted", -0.5, 0.3, "Sharpe ratio", 0.1),
    ("share-rises", "signal_threshold", "supported", 0.46, np.nan, "fraction", 0.0),
    ("memory-leads", "layer_spread", "supported", 0.3, 0.2, "return per year", 0.05),
    ("labs-lag", "event_contrast", "untestable", np.nan, np.nan, "return", 0.05),
    ("repeat-shock", "event_contrast", "untestable", np.nan, np.nan, "return", 0.0),
)


def _claims(said: Mapping[str, str]) -> Claims:
    results = []
    for rank, (name, test, verdict, estimate, half, unit, least) in enumerate(CLAIMS):
        sample = "out-of-sample" if rank in (4, 7) else "in-sample"
        found = Measurement(
            estimate=estimate,
            se=half / 1.9,
            df=200.0,
            p=0.04 if np.isfinite(half) else np.nan,
            z=estimate / half * 1.9,
            n=120,
            unit=unit,
            detectable=1.5 * half,
            summary="share above 0.3: reached on 2025-03-01; 120 observations",
            condition_met=True if test == "signal_threshold" else None,
            rows=pd.DataFrame({"spread": [0.1]}, index=pd.DatetimeIndex([DECLARED])),
        )
        results.append(
            ClaimResult(
                id=name,
                says=said.get("claim", f"The {name.replace('-', ' ')} claim holds."),
                test=test,
                scope="event" if test.startswith("event") else "law",
                sample=sample,
                sign="+" if rank != 1 else "-",
                min_effect=least,
                verdict=verdict,
                reason="needs five independent events and has 1"
                if verdict == "untestable"
                else "the interval holds zero",
                q=0.0004 if verdict == "supported" else 0.08,
                interval=(estimate - half, estimate + half),
                level=0.975 if np.isfinite(half) else np.nan,
                finding=None if verdict == "untestable" else found,
                document=said.get("document", "004"),
                grade="A",
                declared=str(DECLARED),
            )
        )
    nothing = float("nan")
    scores = (
        ThesisScore(
            sample="in-sample",
            score=0.31,
            interval=(-0.5, 0.82),
            claims=6,
            testable=5,
            counted=2,
            entered=("barbell-spread", "barbell-sharpe"),
            z=(0.95, -3.2),
            weights=(0.5, 0.5),
            correlation=((1.0, 0.2), (0.2, 1.0)),
        ),
        ThesisScore(
            sample="out-of-sample",
            score=nothing,
            interval=(nothing, nothing),
            claims=2,
            testable=1,
            counted=0,
            note="no claim of scope law could be tested in this sample",
        ),
    )
    return Claims(results=tuple(results), scores=scores)
