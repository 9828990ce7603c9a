"""``make selloff``: the tables and figures of ``docs/selloff.md``, from real files.

Prices and signals are not part of the project: name their folders. Writes the page from
its heading "Tables" on, and two figures in ``docs/images``.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine import app
from engine.evidence.event_ranks import GRANK_FIRMS
from engine.study_result import StudyResult
from reports import event_figures, event_maps, numbers, tables, words
from reports.document import Figure
from reports.drawing import draw
from reports.vega import CONFIG, Spec, finished

ROOT = Path(__file__).resolve().parent.parent
PAGE, IMAGES = ROOT / "docs" / "selloff.md", ROOT / "docs" / "images"
EVENT = "deepseek-selloff"
#: The run that the README shows.
START, END = dt.date(2023, 1, 3), dt.date(2025, 10, 30)
WINDOWS = ((0, 0), (0, 1), (2, 20), (2, 120))
HEADING = "## Tables"
Row = dict[str, Any]


def main(prices: Path, signals: Path) -> None:
    """Run the flagship on the files, and write page and figures."""
    thesis = ROOT / "examples" / "open_weights.toml"
    result = app.run(thesis, prices=prices, signals=signals, start=START, end=END)
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    PAGE.write_text(head + "\n".join(lines(result)) + "\n", encoding="utf-8")
    for name, drawing in drawings(result).items():
        (IMAGES / f"{name}.svg").write_text(drawing, encoding="utf-8")


def drawings(result: StudyResult) -> dict[str, str]:
    """Return the SVG of the map and of the paths, on white, for a page of its own."""
    specs = {
        "selloff-map": event_maps.heat_map(result, EVENT),
        "selloff-paths": event_figures.paths(result, EVENT),
    }
    figures = [
        Figure(id=name, caption="", description="", spec=_on_white(spec))
        for name, spec in specs.items()
        if spec is not None
    ]
    # the page that shows them has none of the report's fonts
    named = 'font-family="Inter"', 'font-family="Inter, Helvetica, Arial, sans-serif"'
    return {name: svg.replace(*named) + "\n" for name, svg in draw(figures).items()}


def _on_white(spec: Spec) -> Spec:
    page = {"background": "#ffffff", "padding": 12}
    return finished(spec, stamp="") | {"config": CONFIG | page}


def lines(result: StudyResult) -> Iterator[str]:
    """Yield the lines of the page from its heading "Tables" on."""
    yield from (HEADING, "")
    yield (
        "Written by `make selloff PRICES=FOLDER SIGNALS=FOLDER`. Cumulative abnormal "
        "return, in brackets the p of the portfolio test. Back: own sessions until the "
        "price stood again where it closed before day zero, after the reaction; a "
        "price that rose and never fell back stayed above. Spanned: p with the noise "
        "of every home session that a return spans, where one spans a holiday. GRANK "
        f"is shown from {GRANK_FIRMS} firms on."
    )
    yield from ("", "### By layer and contrast", "")
    yield from _by_subject(result)
    yield from ("", "### Each exchange on its own days", "")
    yield from _by_line(result)
    yield from ("", "### Which tests see it", "")
    yield from _by_test(result)


def _rows(result: StudyResult) -> list[Row]:
    table = result.events.table
    return tables.records(table[table["event"] == EVENT])


def _by_subject(result: StudyResult) -> Iterator[str]:
    heads = [numbers.window(window) for window in WINDOWS]
    back = result.events.recovery
    back = back[back["event"] == EVENT].set_index("layer")
    yield from _head("layer or contrast", "firms", *heads, "detectable, last", "back")
    found: dict[str, list[Row]] = {}
    for row in _rows(result):
        if row["kind"] != "asset":
            found.setdefault(row["subject"], []).append(row)
    for subject, rows in found.items():
        by_window = {row["window"]: row for row in rows}
        cells = [
            f"{numbers.change(by_window[window]['car'])} "
            f"({numbers.p_value(by_window[window]['p'])})"
            for window in WINDOWS
        ]
        last = by_window[WINDOWS[-1]]
        yield _line(
            words.label(subject),
            str(last["n"]),
            *cells,
            numbers.percent(last["detectable"]),
            _back(back.loc[subject]) if subject in back.index else numbers.MISSING,
        )


def _back(row: Any) -> str:
    """Return the session at which a layer's price was back, or that it never was."""
    if math.isfinite(row["price_sessions"]):
        return f"{row['price_sessions']:.0f}"
    rose = row["price_reaction"] > 0.0
    return "stayed above" if rose else f"not in {row['followed']:.0f}"


def _by_line(result: StudyResult) -> Iterator[str]:
    yield from _head("line", "layer", "day zero", "session +1", "raw", "abnormal")
    rows = [
        row
        for row in _rows(result)
        if row["kind"] == "asset" and row["window"] == (0, 0)
    ]
    for row in sorted(rows, key=lambda one: (one["day_zero"], one["return"])):
        days = result.market.bars_of(row["subject"]).sessions.days
        later = days[days.get_loc(row["day_zero"]) + 1]
        yield _line(
            row["subject"],
            row["layer"],
            str(row["day_zero"].date()),
            str(later.date()),
            numbers.change(row["return"], 2),
            f"{numbers.change(row['car'])} ({numbers.p_value(row['p'])})",
        )


def _by_test(result: StudyResult) -> Iterator[str]:
    tests = (
        *("p", "spanned_p", "placebo_p", "placebo_matched_p"),
        *("adjusted_bmp_p", "grank_p"),
    )
    heads = ("portfolio", "spanned", "placebo", "matched", "adj. BMP", "GRANK")
    yield from _head("layer or contrast", "window", *heads)
    for row in _rows(result):
        if row["kind"] == "asset":
            continue
        cells = [
            numbers.MISSING
            if name == "grank_p" and row["n"] < GRANK_FIRMS
            else numbers.p_value(row[name])
            for name in tests
        ]
        window = numbers.window(row["window"])
        yield _line(words.label(row["subject"]), window, *cells)


def _head(*names: str) -> Sequence[str]:
    return _line(*names), "|---|" + "---:|" * (len(names) - 1)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
