"""The page of a diary: one file, like the report, and drawn from the same pieces."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.market.market import STAMP
from engine.runs.diary import IN, OUT, Diary, bare, scores_by
from reports import diary_figures, forecast_tables, numbers, words
from reports.clean import cleaned
from reports.document import (
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Figure,
    Section,
    Table,
    Text,
    plain,
)
from reports.drawing import draw
from reports.html import render_html
from reports.vega import Spec, finished

#: Changes of verdict before the rest is counted only.
MOST_CHANGES = 30
_SAMPLES = {
    OUT: "Verdicts on what came after each claim was declared or registered, at each "
    "date (S supported, R refuted, i inconclusive, u untestable). A claim has no cell "
    "before it was made.",
    IN: "Verdicts on what the author had seen, at each date: they confirm nothing.",
}
_REPLAY = (
    "Each date is the whole study as of its end: prices, signals, claims, events and "
    "register entries of later days are left out. What is replayed is the thesis file "
    "as it reads today, by today's code: a setting that was changed since is not "
    "undone, and a company that was added later is in every date. Only a register "
    "proves what was said when. Verdicts that are looked at again and again are wrong "
    "more often than their q-values say: a first verdict in a diary is weaker than one "
    "at a date fixed before."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A verdict that was another one at the date before."""

    as_of: dt.date
    claim: str
    before: str
    after: str
    why: str


def diary_page(diary: Diary) -> str:
    """Return the page, with its drawings in it."""
    told = diary_document(diary)
    return render_html(told, draw(told.figures))


def diary_document(diary: Diary) -> Document:
    """Return the page as values."""
    first, last = diary.entries[0].as_of, diary.entries[-1].as_of
    sections = [_verdicts(diary), _score(diary), _portfolio(diary), _table(diary)]
    page = Document(
        title=diary.title,
        kicker="Thesis diary: the study replayed through time",
        subtitle=(
            f"{len(diary.entries)} dates, {numbers.long_day(first)} to "
            f"{numbers.long_day(last)}",
            since(diary),
        ),
        footer=f"Diary of {diary.thesis}",
        date=last,
        stamp=STAMP if diary.simulated else "",
        stamp_text=words.STAMP_TEXT if diary.simulated else "",
        sections=tuple(one for one in sections if one.blocks),
    )
    whole: Document = cleaned(page)
    return whole


def since(diary: Diary) -> str:
    """Return which dates lie before the thesis counts."""
    if diary.declared is None:
        return "In-sample throughout: the thesis counts from no date."
    day = numbers.long_day(diary.declared)
    if diary.entries[-1].as_of < diary.declared:
        return f"In-sample throughout: the thesis counts from {day}, after all dates."
    if diary.entries[0].as_of >= diary.declared:
        return f"The thesis counts from {day}, before the first date."
    return f"The thesis counts from {day}: dates before it are hindsight."


def returns_note(diary: Diary) -> str:
    """Return what the columns of returns are, in one sentence."""
    start = dt.date.fromisoformat(diary.studied[0].summary["start"])
    said = (
        "Returns are the barbell's net of costs, to each date: in all, from the "
        f"study's start on {numbers.long_day(start)}"
    )
    if diary.declared is None:
        return f"{said}. All of it is in-sample."
    return (
        f"{said}; in-sample, its part before {numbers.long_day(diary.declared)}; out "
        "of sample, from that day on, and empty where there is none."
    )


def _section(identifier: str, title: str, blocks: Sequence[Block | None]) -> Section:
    kept = tuple(block for block in blocks if block is not None)
    return Section(id=identifier, title=title, blocks=kept)


def _figure(diary: Diary, name: str, spec: Spec | None, caption: str) -> Figure | None:
    if spec is None:
        return None
    return Figure(
        id=name,
        caption=caption,
        description=caption,
        spec=finished(spec, stamp=STAMP if diary.simulated else ""),
    )


def _verdicts(diary: Diary) -> Section:
    told = list(_told(changes(diary, OUT)))
    listed = told[:MOST_CHANGES]
    if len(told) > MOST_CHANGES:
        listed.append(f"and {len(told) - MOST_CHANGES} more, in diary.csv")
    return _section(
        "verdict",
        "Verdicts",
        [
            Text(text=sentence(diary), role="lead"),
            *(
                _figure(
                    diary,
                    f"verdicts-{sample}",
                    diary_figures.verdicts(diary, sample),
                    caption,
                )
                for sample, caption in _SAMPLES.items()
            ),
            Bullets(items=tuple(listed)) if listed else None,
            _resolutions(diary),
            Text(text=_REPLAY, role="note"),
        ],
    )


def sentence(diary: Diary) -> str:
    """Return what the diary says in one sentence, stamped where simulated."""
    last = diary.studied[-1]
    counts = last.counts(OUT)
    tested = sum(counts[word] for word in ("supported", "refuted", "inconclusive"))
    moved = len(changes(diary, OUT))
    if not last.of(OUT) and not last.of(IN):
        said = f"By {numbers.long_day(last.as_of)} the thesis had made no claim."
    elif not tested:
        said = (
            f"By {numbers.long_day(last.as_of)} nothing was confirmed or refuted: no "
            "claim had evidence from after it was made."
        )
    else:
        times = {0: "never", 1: "once"}.get(moved, f"{moved} times")
        said = (
            f"By {numbers.long_day(last.as_of)}, of {tested} claims with evidence from "
            f"after they were made, {counts['supported']} were supported, "
            f"{counts['refuted']} refuted and {counts['inconclusive']} inconclusive; a "
            f"verdict had changed {times}."
        )
    return f"{STAMP}: {said}" if diary.simulated else said


def changes(diary: Diary, sample: str) -> list[Change]:
    """Return each change of a verdict, by date."""
    before: dict[str, str] = {}
    found = []
    for entry in diary.studied:
        for name, one in entry.of(sample).items():
            now = bare(one["verdict"])
            if before.get(name, now) != now:
                found.append(
                    Change(
                        as_of=entry.as_of,
                        claim=name,
                        before=before[name],
                        after=one["verdict"],
                        why=one["reason"],
                    )
                )
            before[name] = now
    return found


def _told(changed: Sequence[Change]) -> Iterator[str]:
    """Yield one sentence per date and kind of change."""
    groups: dict[tuple[dt.date, str, str], list[Change]] = {}
    for one in changed:
        groups.setdefault((one.as_of, one.before, one.after), []).append(one)
    for (day, before, after), those in groups.items():
        names = ", ".join(one.claim for one in those)
        why = f" ({those[0].why})" if len(those) == 1 else ""
        yield f"{day}: {names} from {before} to {after}{why}"


def _resolutions(diary: Diary) -> Table | None:
    """Return the stated probabilities that resolved, with their scores."""
    if not any(entry.forecasts for entry in diary.studied):
        return None
    rows: list[tuple[Cell, ...]] = []
    for one in diary.resolutions:
        count, brier, log = scores_by(diary, one.as_of)
        word = "came true" if one.came_true else "did not"
        rows.append(
            (
                plain(one.claim, sub=one.why),
                plain(one.as_of.isoformat()),
                plain(numbers.percent(one.probability, 0)),
                Cell(
                    text=f"{STAMP}: {word}" if diary.simulated else word,
                    tone="supported" if one.came_true else "refuted",
                ),
                plain(numbers.decimal(brier, 3), sub=f"of {count}"),
                plain(numbers.decimal(log, 3), sub=f"of {count}"),
            )
        )
    waiting = len({one["claim"] for one in diary.studied[-1].forecasts}) - len(rows)
    left = f"{waiting} stated probabilities had not resolved by the last date. "
    return Table(
        id="forecasts",
        caption="Stated probabilities, as their claims resolved.",
        columns=(
            Column(label="Claim", align="left", wide=True),
            Column(label="Resolved by", align="left"),
            Column(label="Stated"),
            Column(label="What became of it", align="left"),
            Column(label="Mean Brier"),
            Column(label="Mean log"),
        ),
        rows=tuple(rows) or ((plain("none yet"), *[plain("")] * 5),),
        note=left + "What is resolved stays so. " + forecast_tables.NOTE,
    )


def _score(diary: Diary) -> Section:
    chart = _figure(
        diary,
        "score",
        diary_figures.score(diary),
        "Thesis score at each date with its 95% interval: strength of evidence, not "
        "size of effect. Only laws with a p-value count.",
    )
    none = Text(text="No claim could count towards a thesis score at any date.")
    return _section("score", "Thesis score", [chart or none])


def _portfolio(diary: Diary) -> Section:
    return _section(
        "portfolio",
        "Portfolio",
        [
            _figure(
                diary,
                "weights",
                diary_figures.weights(diary),
                "Weight by layer at the last session of each date, cash on top (an "
                "overdraft counts as 0).",
            )
        ],
    )


def _table(diary: Diary) -> Section:
    rows = []
    for entry in diary.entries:
        rows.append((plain(entry.as_of.isoformat()), *_cells(diary, entry.as_of)))
    table = Table(
        id="dates",
        caption="Date by date: verdicts and score out of sample, and returns.",
        columns=(
            Column(label="As of", align="left"),
            Column(label="Supported"),
            Column(label="Refuted"),
            Column(label="Inconclusive"),
            Column(label="Untestable"),
            Column(label="Score"),
            Column(label="Return in all"),
            Column(label="In-sample"),
            Column(label="Out of sample"),
            Column(label="Note", align="left", wide=True),
        ),
        rows=tuple(rows),
        note=f"{returns_note(diary)} diary.csv has every verdict, estimate, score and "
        "weight.",
    )
    return _section("dates", "Date by date", [table])


def _cells(diary: Diary, day: dt.date) -> list[Cell]:
    entry = next(one for one in diary.entries if one.as_of == day)
    if entry.failed:
        return [*[plain(numbers.MISSING, "muted")] * 8, plain(entry.failed, "muted")]
    found = entry.score(OUT)
    grew = entry.growth
    return [
        *(plain(str(count)) for count in entry.counts(OUT).values()),
        plain(
            numbers.decimal(found["score"], signed=True) if found else numbers.MISSING,
            sub=_between(found["interval"]) if found else "",
        ),
        *(
            plain("" if math.isnan(one) else numbers.percent(one, signed=True))
            for one in (grew.since_start, grew.in_sample, grew.out_of_sample)
        ),
        plain("" if entry.of(OUT) or entry.of(IN) else "no claim made yet", "muted"),
    ]


def _between(interval: Sequence[float]) -> str:
    low, high = interval
    return numbers.interval(low, high, lambda one: numbers.decimal(one, signed=True))
