"""How each path looks, the same in every figure: colour, dash, legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized

from engine.study_paths import EQUAL_WEIGHT
from engine.study_result import StudyResult
from reports import samples, words
from reports.palette import Style, path_styles
from reports.vega import Spec, encoded


def styles_of(result: StudyResult) -> dict[str, Style]:
    """Return the colour and dash of every backtest, the same in each figure."""
    benchmarks = samples.benchmarks(result)
    others = [name for name in result.baselines if name not in benchmarks]
    main = result.backtest.name
    styles = path_styles(main, benchmarks, others, list(result.thesis.readings))
    return {name: styles[name] for name in [main, *benchmarks, *others]}


def colours_of(result: StudyResult) -> dict[str, str]:
    """Return the colour of every backtest."""
    return {name: colour for name, (colour, _) in styles_of(result).items()}


def labelled(colours: Mapping[str, str]) -> dict[str, str]:
    """Return colours by the names that a reader sees."""
    return {words.label(name): colour for name, colour in colours.items()}


def path_legend(names: Sized) -> Spec:
    """Return the legend of paths, in rows of at most five."""
    size = {"symbolType": "stroke", "symbolSize": 330}
    return size | {"columns": min(5, len(names))}


def dashes(result: StudyResult, names: Iterable[str]) -> Spec:
    """Return the dash of each path, by the names that a reader sees."""
    known = {words.label(name): dash for name, (_, dash) in styles_of(result).items()}
    shown = list(names)
    scale = {"domain": shown, "range": [list(known[name]) for name in shown]}
    return encoded("p", "N", scale=scale, legend=None)


def compared(result: StudyResult) -> str:
    """Return the path whose drawdown stands beside the barbell's, if any.

    The first benchmark with a price, else equal weight.
    """
    chosen = [*samples.benchmarks(result), EQUAL_WEIGHT]
    return next((name for name in chosen if name in result.baselines), "")
