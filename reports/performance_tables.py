"""The printed tables about performance and about what the barbell holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from engine.portfolio.results import Scorecard
from engine.study_result import StudyResult
from reports import numbers, samples, tables, words
from reports.document import (
    Cell,
    Column,
    Table,
    heading_row,
    number,
    plain,
    sign_tone,
)

Show = Callable[[float], str]
#: metric -> (heading, format, whether an interval stands under it)
METRICS: Mapping[str, tuple[str, Show, bool]] = {
    "cagr": ("CAGR", numbers.percent, True),
    "volatility": ("Volatility", numbers.percent, False),
    "sharpe": ("Sharpe", numbers.decimal, True),
    "max_drawdown": ("Max drawdown", numbers.percent, True),
    "calmar": ("Calmar", numbers.decimal, False),
    "expected_shortfall": ("Shortfall 95%", numbers.percent, False),
    "alpha": ("Alpha", numbers.percent, True),
    "beta": ("Beta", numbers.decimal, False),
    "beta_weekly": ("Weekly beta", numbers.decimal, False),
}


#: Always negative: red would say nothing.
_LOSSES = ("max_drawdown", "expected_shortfall")


def performance(result: StudyResult) -> Table:
    """Return every path's performance, sample by sample, with 95 % intervals."""
    table = result.performance
    shown = _shown(result)
    columns = (
        Column(label="Net of costs", align="left", wide=True),
        *[Column(label=label) for label, _, _ in shown.values()],
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    shaded: set[int] = set()
    for sample, title in sample_titles(result):
        part = table[table["sample"] == sample]
        groups.add(len(rows))
        rows.append(heading_row(title, len(columns)))
        for row in tables.records(part):
            own = str(row["path"]) == result.backtest.name
            if own:
                shaded.add(len(rows))
            first = plain(words.label(str(row["path"])), "strong" if own else "")
            rows.append((first, *_metric_cells(row, shown)))
    return Table(
        id="performance",
        caption="Performance by path and sample, with 95% intervals below the numbers.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        shaded=frozenset(shaded),
        note=_performance_note(result),
    )


def _shown(result: StudyResult) -> dict[str, tuple[str, Show, bool]]:
    """Return the metrics to print; of a short study the return, not the Calmar."""
    table = result.performance
    known = {name: METRICS[name] for name in METRICS if name in table.columns}
    if samples.lasts_a_year(samples.sessions_of(result, samples.ALL)):
        return known
    known.pop("calmar", None)
    return {"total_return": ("Return", numbers.percent, True)} | known


def sample_titles(result: StudyResult) -> list[tuple[str, str]]:
    """Return the samples to print and their headings; none twice, none empty."""
    present = list(dict.fromkeys(result.performance["sample"]))
    about = result.thesis.about
    whole = f"Whole period, {about.start} to {about.end}"
    word = samples.counts_word(result)
    if "all" in present and samples.all_in_sample(result):
        why = f"{word} after the fact" if about.declared else "never declared"
        if samples.unregistered(result):
            why = "not registered as it stands"
        return [("all", f"{whole}: in-sample, {why}")]
    if "all" in present and samples.none_in_sample(result):
        return [("all", f"{whole}: out-of-sample, {word} before it")]
    titles = {
        "in-sample": f"In-sample, before {about.declared} ({word} after the fact)",
        "out-of-sample": f"Out-of-sample, from {about.declared}",
        "all": f"{whole}, both samples together",
    }
    return [(name, title) for name, title in titles.items() if name in present]


def _metric_cells(
    row: Mapping[Any, Any], shown: Mapping[str, tuple[str, Show, bool]]
) -> list[Cell]:
    cells = []
    for name, (_, show, bounded) in shown.items():
        low = row.get(f"{name}_low", float("nan"))
        high = row.get(f"{name}_high", float("nan"))
        between = numbers.interval(float(low), float(high), show) if bounded else ""
        text = show(float(row[name]))
        tone = "" if name in _LOSSES else sign_tone(text)
        cells.append(Cell(text=text, tone=tone, sub=between))
    return cells


def _performance_note(result: StudyResult) -> str:
    rate = numbers.percent(result.thesis.about.risk_free)
    said = [
        "Intervals: stationary bootstrap with one set of draws for all paths; under "
        "the maximum drawdown, which follows the order of the days, the range over the "
        f"resamples. Sharpe over a risk-free rate of {rate} a year. Shortfall: mean of "
        "the worst 5% of days.",
        _against(result),
        "Every path trades in the same ledger and pays the same costs. More metrics "
        "are in the run's tables.",
        _extrapolated(result),
    ]
    return " ".join(sentence for sentence in said if sentence)


def _against(result: StudyResult) -> str:
    """Return what alpha and beta are against, and why beta stands there twice."""
    benchmark = next(iter(samples.benchmarks(result)), "")
    if not benchmark:
        return "No benchmark has a price, so there is no alpha or beta."
    said = f"Alpha and beta against {benchmark}, alpha a year."
    if "beta_weekly" not in result.performance.columns:
        return said
    return (
        f"{said} Exchanges close hours apart: where they do, daily beta is too low "
        "and daily alpha too high, and the beta of weekly returns is nearer the truth."
    )


def _extrapolated(result: StudyResult) -> str:
    """Return which of the printed samples are shorter than a year, if any."""
    short = [
        sample
        for sample, _ in sample_titles(result)
        if not samples.lasts_a_year(samples.sessions_of(result, sample))
    ]
    if not short:
        return ""
    which = (
        "The whole period is"
        if samples.ALL in short
        else f"{words.label(' and '.join(short))} {'is' if len(short) == 1 else 'are'}"
    )
    return (
        f"{which} shorter than a year: annualised numbers of so short a period are "
        "extrapolations."
    )


def score_coverage(result: StudyResult) -> Table | None:
    """Return, year by year, at how many decisions scores were known at all."""
    years: dict[int, list[Scorecard]] = {}
    for one in result.decisions:
        years.setdefault(one.session.year, []).append(one.scorecard)
    if not years or not result.thesis.factors:
        return None
    rows = []
    for year, cards in years.items():
        known = [float((~card.withheld.astype(bool)).mean()) for card in cards]
        rows.append(
            (
                plain(str(year)),
                plain(numbers.count(len(cards))),
                plain(numbers.count(sum(share >= 0.5 for share in known))),
                plain(numbers.count(sum(share == 0.0 for share in known))),
                plain(numbers.percent(_mean([c.coverage.mean() for c in cards]), 0)),
            )
        )
    return Table(
        id="score-coverage",
        caption="How much the scores knew, by year.",
        columns=(
            Column(label="Year", align="left", wide=True),
            Column(label="Decisions"),
            Column(label="Half of the assets scored"),
            Column(label="No asset scored"),
            Column(label="Mean coverage"),
        ),
        rows=tuple(rows),
        note="Coverage: the share of the factor weight that spoke, averaged over "
        "assets and decisions. Where no asset is scored, weights follow from budgets "
        "and risk alone.",
    )


def _mean(values: Sequence[float]) -> float:
    return float(sum(values) / len(values))


def scores(result: StudyResult) -> Table | None:
    """Return the last decision by asset: score, weight, and what each factor says."""
    table = tables.scores(result)
    if table.empty:
        return None
    factors = [one.name for one in result.thesis.factors if one.name in table.columns]
    columns = (
        Column(label="Asset", align="left", wide=True),
        Column(label="Target\nweight"),
        Column(label="Score"),
        Column(label="Coverage"),
        *[Column(label=name.replace("_", "\n")) for name in factors],
    )
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    for layer, part in table.groupby("layer", sort=False):
        groups.add(len(rows))
        rows.append(heading_row(words.label(str(layer)), len(columns)))
        rows += [_score_row(row, factors) for row in tables.records(part)]
    last = result.decisions[-1]
    return Table(
        id="scores",
        caption="Scores and target weights at the last decision, "
        f"{last.session.date()}.",
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(groups),
        note="Scores and factor readings run from −1 to 1, 0 is neutral; an en dash "
        "means that the factor says nothing of the asset. A score is withheld where "
        "less than "
        f"{numbers.percent(result.thesis.scoring.coverage_floor, 0)} of the factor "
        "weight is present; the missing weight is not given to other factors. The "
        f"target keeps {numbers.percent(last.cash)} in cash.",
    )


def _score_row(row: Mapping[Any, Any], factors: list[str]) -> tuple[Cell, ...]:
    held = float(row["target"])
    score = (
        plain("withheld", "muted")
        if row["withheld"]
        else number(float(row["score"]), _signed_score)
    )
    return (
        plain(str(row["asset"])),
        plain(numbers.percent(held) if abs(held) > 5e-5 else numbers.MISSING),
        score,
        plain(numbers.percent(float(row["coverage"]), 0)),
        *[number(float(row[name]), _signed_score) for name in factors],
    )


def _signed_score(value: float) -> str:
    return numbers.decimal(value, 2, signed=True)


def layers(result: StudyResult) -> Table:
    """Return each layer's weight: last, mean, least and most over the period."""
    held = tables.layer_weights(result)
    invested = held.loc[held.drop(columns=tables.CASH).sum(axis=1) > 1e-9]
    part = invested if len(invested) else held
    budget = leg_of_layers(result)
    rows = tuple(
        (
            plain(words.label(str(name))),
            plain(budget.get(str(name), "")),
            plain(numbers.percent(float(held[name].iloc[-1]))),
            plain(numbers.percent(float(part[name].mean()))),
            plain(numbers.percent(float(part[name].min()))),
            plain(numbers.percent(float(part[name].max()))),
        )
        for name in held.columns
    )
    return Table(
        id="layers",
        caption="Weight by layer, as a share of NAV.",
        columns=(
            Column(label="Layer", align="left", wide=True),
            Column(label="Leg and its budget", align="left", wide=True),
            Column(label="Last"),
            Column(label="Mean"),
            Column(label="Least"),
            Column(label="Most"),
        ),
        rows=rows,
        note="Between decisions weights drift with prices, so a leg can leave its "
        "budget for a while. Cash below zero is a short overdraft between purchases in "
        "Asia and the American sales that pay for them.",
    )


def leg_of_layers(result: StudyResult) -> dict[str, str]:
    """Return each layer's leg with its weight budget, in words."""
    return {
        layer: f"{name}, {numbers.percent(leg.weight[0], 0)} to "
        f"{numbers.percent(leg.weight[1], 0)}"
        for name, leg in result.thesis.barbell.items()
        for layer in leg.layers
    }


def factors(result: StudyResult) -> Table | None:
    """Return each factor with its weight, and whether it spoke at the last decision."""
    table: pd.DataFrame = tables.factor_table(result)
    if table.empty:
        return None
    rows = tuple(
        (
            plain(str(row["factor"]).replace("_", " ")),
            plain(
                "one number for the world" if row["kind"] == "state" else "per asset",
                "muted",
            ),
            plain(numbers.decimal(float(row["weight"]))),
            plain(numbers.count(float(row["assets"]))),
            plain(f"absent: {row['absent']}" if row["absent"] else "present"),
        )
        for row in tables.records(table)
    )
    return Table(
        id="factors",
        caption="Factors at the last decision.",
        columns=(
            Column(label="Factor", align="left"),
            Column(label="Kind", align="left"),
            Column(label="Weight"),
            Column(label="Assets"),
            Column(label="State", align="left", wide=True),
        ),
        rows=rows,
    )
