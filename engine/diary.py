"""A thesis replayed: its whole study as of one day after another."""

from __future__ import annotations

import calendar
import concurrent.futures
import datetime as dt
import json
import multiprocessing
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.app import SOURCE_OPTIONS, THESIS_OPTIONS, given, inputs_of, read_thesis
from engine.errors import DataError, InfeasibleError, UsageError, nearest
from engine.evidence.forecasts import forecasts
from engine.market.market import STAMP
from engine.runs.archive import summary, text_digest, to_json, universe_digest, versions
from engine.runs.diary import (
    PAGE,
    RECORD,
    TABLE,
    Diary,
    DiaryEntry,
    check_diary_folder,
    long_table,
    read_entry,
    write_entry,
    write_whole,
)
from engine.runs.register import utc_now
from engine.study import Progress, run_study
from engine.study_inputs import StudyInputs
from engine.study_luck import without_luck
from engine.study_result import StudyResult
from engine.supply import NOTE, Choice, check_choice

#: Months from one entry to the next.
STEPS: Mapping[str, int] = {"month": 1, "quarter": 3}
#: What a diary takes of the options of a run: each day is its own `as_of`.
OPTIONS = (*THESIS_OPTIONS, *(one for one in SOURCE_OPTIONS if one != "as_of"))
#: The options that say which data a study reads.
CHOICE = ("prices", "signals", "mix", "offline", "vintage")
#: Numbers of dates up to which a new process costs more than it saves.
FEWEST_FOR_PROCESSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One day to study: `known` is the digest of what an entry kept had read."""

    path: str
    as_of: dt.date
    options: Mapping[str, Any]
    known: str = ""


def keep_diary(
    path: str | Path,
    *,
    first: dt.date,
    last: dt.date,
    every: str = "month",
    out: str | Path | None = None,
    jobs: int = 1,
    progress: Progress = lambda step: None,
    **options: Any,
) -> tuple[Path, Diary]:
    """Study a thesis as of each of several days; return the folder and the diary.

    Each day sees what was known, declared and registered by its end, and is exactly
    ``run(path, as_of=day)``. A day is kept in the folder as soon as it is finished; the
    same call goes on from there, and studies again only what reads something else.

    Parameters
    ----------
    path : path of the thesis file.
    first, last : the first and the last day; both are studied.
    every : ``"month"`` or ``"quarter"``, from the first day on.
    out : folder of the diary; by default ``runs/ID-diary``.
    jobs : processes at work at once.
    progress : called with a line of each step.
    options : those of `run` but `as_of`; the network is never touched.

    Raises
    ------
    AssayError
        `UsageError` for days that make no diary, `RunError` for a folder that is no
        diary's, and what `run` raises where no day can be studied.
    """
    days = check_days(first, last, every)
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        hint = nearest(unknown[0], OPTIONS)
        raise UsageError(f"there is no option {unknown[0]!r}. {hint}".strip())
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: at least one process must work")
    document = read_thesis(path, **given(options, THESIS_OPTIONS))
    about = document.thesis.about
    if days[0] <= about.start:
        raise UsageError(
            f"--from {days[0]} is not after the study's start {about.start}"
        )
    folder = Path(out) if out is not None else Path("runs") / f"{about.id}-diary"
    check_diary_folder(folder, about.id)
    settled = _settled(options)
    check_choice(Choice(**given(settled, CHOICE)))
    tasks = [_task(path, day, folder, settled) for day in days]
    entries: dict[dt.date, DiaryEntry] = {}
    try:
        for entry in _studied(tasks, folder, jobs):
            entries[entry.as_of] = entry
            what = f" ({entry.failed})" if entry.failed else ""
            progress(f"{entry.as_of}: {len(entries)} of {len(days)} dates{what}")
    except KeyboardInterrupt:
        kept = sum(read_entry(folder, day) is not None for day in days)
        progress(
            f"{NOTE}{kept} of {len(days)} dates are kept in {folder}; the same command "
            "goes on from there"
        )
        raise
    diary = _diary(about.id, about.title, every, entries, days)
    progress("writing the diary")
    write_diary(diary, folder)
    return folder, diary


def check_days(first: dt.date, last: dt.date, every: str) -> tuple[dt.date, ...]:
    """Return the days of a diary; `UsageError` for days that make none."""
    if every not in STEPS:
        raise UsageError(f"--every {every!r}: choose {' or '.join(STEPS)}")
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}; turn them round")
    today = utc_now().date()
    if last > today:
        raise UsageError(
            f"--to {last} lies in the future: nothing is known of it on {today}"
        )
    return tuple(_days(first, last, STEPS[every]))


def _days(first: dt.date, last: dt.date, step: int) -> Iterator[dt.date]:
    """Yield the first day, the same day of later months (or their last), the last."""
    months, day = 0, first
    while day < last:
        yield day
        months += step
        years, month = divmod(first.month - 1 + months, 12)
        length = calendar.monthrange(first.year + years, month + 1)[1]
        day = dt.date(first.year + years, month + 1, min(first.day, length))
    yield last


def _settled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with one vintage of the store for every day."""
    told = {name: value for name, value in options.items() if value is not None}
    words = (str(told.get("prices", "")), str(told.get("signals", "")))
    stored = any(one == "yahoo" or one.startswith("store") for one in words)
    if stored and "vintage" not in told:
        told["vintage"] = utc_now().strftime("%Y-%m-%dT%H:%M:%S")
    return told | {"offline": True}


def _task(
    path: str | Path, day: dt.date, folder: Path, options: Mapping[str, Any]
) -> Task:
    kept = read_entry(folder, day)
    known = kept.inputs if kept is not None and kept.as_of == day else ""
    return Task(path=str(path), as_of=day, options=options, known=known)


# ---- the work ------------------------------------------------------------------------


def _studied(tasks: Sequence[Task], folder: Path, jobs: int) -> Iterator[DiaryEntry]:
    """Yield each day's entry as it is finished, kept in the folder by then."""
    if jobs == 1 or len(tasks) < FEWEST_FOR_PROCESSES:
        for task in tasks:
            yield _kept(task, study_day(task), folder)
        return
    # a new interpreter for each: a fork would copy the threads of the linear algebra
    context = multiprocessing.get_context("spawn")
    workers = concurrent.futures.ProcessPoolExecutor(
        min(jobs, len(tasks)), mp_context=context
    )
    with _deaf_children():
        started = {workers.submit(study_day, task): task for task in tasks}
    waiting = dict(started)
    try:
        for done in concurrent.futures.as_completed(started):
            entry = _kept(waiting[done], done.result(), folder)
            del waiting[done]
            yield entry
    finally:
        # dates under way are finished, a few seconds, and kept; no other is begun
        workers.shutdown(wait=True, cancel_futures=True)
        for done, task in waiting.items():
            if not done.cancelled() and done.exception() is None:
                _kept(task, done.result(), folder)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Leave Ctrl-C to this process: those begun meanwhile never hear of it.

    They are born with the signal blocked, so that not even their start is interrupted.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kept(task: Task, entry: DiaryEntry | None, folder: Path) -> DiaryEntry:
    """Return a day's entry, kept: a new one, or the one that was there."""
    if entry is not None:
        write_entry(folder, entry)
    found = read_entry(folder, task.as_of)
    if found is None:
        raise UsageError(
            f"{folder}: the entry of {task.as_of} went away meanwhile; repeat"
        )
    return found


def study_day(task: Task) -> DiaryEntry | None:
    """Return the entry of one day, None where the one that is known still holds."""
    try:
        inputs = inputs_of(task.path, as_of=task.as_of, **task.options)
        key = inputs_digest(inputs, task)
        return None if key == task.known else _entry(task.as_of, key, inputs)
    except (DataError, InfeasibleError) as error:
        failed = str(error)
    key = text_digest(failed)
    if key == task.known:
        return None
    return DiaryEntry(
        as_of=task.as_of, inputs=key, summary={}, layers={}, forecasts=(), failed=failed
    )


def _entry(day: dt.date, key: str, inputs: StudyInputs) -> DiaryEntry:
    # an entry keeps no place among others
    result = run_study(without_luck(inputs), beside=False)
    return DiaryEntry(
        as_of=day,
        inputs=key,
        summary=json.loads(to_json(summary(result))),
        layers=layer_weights(result),
        forecasts=[
            {
                "claim": one.claim,
                "probability": one.probability,
                "state": f"{STAMP}: {one.state}" if result.simulated else one.state,
                "came_true": one.outcome,
                "why": one.why,
            }
            for one in forecasts(result.thesis, result.claims.results)
        ],
    )


def layer_weights(result: StudyResult) -> dict[str, float]:
    """Return the weight of each layer, and of cash, at the study's last session."""
    from reports import tables  # loads the figures' libraries

    last = tables.layer_weights(result).iloc[-1]
    return {str(name): float(weight) for name, weight in last.items()}


def inputs_digest(inputs: StudyInputs, task: Task) -> str:
    """Return the digest of all that a day's study reads: equal digests, equal entries.

    A thesis, universe, price, signal or register that changed changes it, as does an
    option or another version of a package.
    """
    market, held = inputs.market, inputs.registration
    return text_digest(
        to_json(
            {
                "as_of": task.as_of,
                "thesis": inputs.thesis.model_dump(mode="json"),
                "overrides": dict(inputs.overrides),
                "universe": universe_digest(inputs.universe),
                "assets": [line.symbol for line in inputs.assets],
                "prices": market.prices_origin.digest,
                "signals": market.signals_origin.digest,
                "register": held.head if held else None,
                "versions": versions(),
            }
        )
    )


# ---- the diary -----------------------------------------------------------------------


def _diary(
    thesis: str,
    title: str,
    every: str,
    entries: Mapping[dt.date, DiaryEntry],
    days: Sequence[dt.date],
) -> Diary:
    """Return the diary; `DataError` where no day could be studied."""
    told = tuple(entries[day] for day in days)
    studied = [one for one in told if not one.failed]
    if not studied:
        raise DataError(f"no date could be studied; {days[0]}: {told[0].failed}")
    since = studied[-1].summary["counts_from"]
    return Diary(
        thesis=thesis,
        title=title,
        declared=dt.date.fromisoformat(since) if since else None,
        every=every,
        simulated=any(one.summary["simulated"] for one in studied),
        entries=told,
    )


def write_diary(diary: Diary, folder: Path) -> None:
    """Write the page, the long table as CSV, and everything as JSON."""
    from reports.diary import diary_page  # loads the figures' libraries

    table = long_table(diary)
    write_whole(folder / TABLE, str(table.to_csv(index=False, lineterminator="\n")))
    head = {"stamp": STAMP} if diary.simulated else {}
    told = head | {
        "thesis": diary.thesis,
        "title": diary.title,
        "every": diary.every,
        "counts_from": diary.declared,
        "rows": table.to_dict("records"),
    }
    write_whole(folder / RECORD, to_json(told) + "\n")
    write_whole(folder / PAGE, diary_page(diary))
