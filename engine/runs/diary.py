"""A diary: what a thesis's study said on each of several days, as plain values."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from engine.errors import RunError
from engine.evidence.forecasts import brier_score, log_score
from engine.market.market import STAMP
from engine.runs.archive import to_json

ENTRIES = "entries"
OUT, IN = "out-of-sample", "in-sample"
LONG = ("as_of", "kind", "name", "sample", "state", "value", "low", "high", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What an account returned by a day; NaN for a part that has no session.

    since_start : from the study's first session. in_sample : its part before the day
    from which the thesis counts. out_of_sample : from that day on.
    """

    since_start: float
    in_sample: float
    out_of_sample: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DiaryEntry:
    """One day of a diary.

    inputs : digest of all that the study read. summary : what a run of that day keeps
    as ``summary.json``. layers : weight of each layer, and cash, at the last session.
    forecasts : one mapping per stated probability. failed : why there is no study of
    the day; the rest is then empty.
    """

    as_of: dt.date
    inputs: str
    summary: Mapping[str, Any]
    layers: Mapping[str, float]
    forecasts: Sequence[Mapping[str, Any]]
    failed: str = ""

    def of(self, sample: str) -> dict[str, Mapping[str, Any]]:
        """Return the claims of one sample by id."""
        claims = self.summary.get("claims", ())
        return {one["id"]: one for one in claims if one["sample"] == sample}

    def counts(self, sample: str) -> dict[str, int]:
        """Return how many claims of a sample have each verdict."""
        said = [bare(one["verdict"]) for one in self.of(sample).values()]
        words = ("supported", "refuted", "inconclusive", "untestable")
        return {word: said.count(word) for word in words}

    def score(self, sample: str) -> Mapping[str, Any] | None:
        """Return the thesis score of a sample, None where nothing could count."""
        found = (one for one in self.summary.get("scores", ()))
        known = (one for one in found if one["score"] is not None)
        return next((one for one in known if one["sample"] == sample), None)

    @property
    def counts_from(self) -> dt.date | None:
        """The day from which the thesis counts, None for never."""
        since = self.summary.get("counts_from")
        return dt.date.fromisoformat(since) if since else None

    @property
    def whole_sample(self) -> str:
        """The one sample that holds every session; empty where there are both."""
        rows = self.summary.get("performance", ())
        if any(row["sample"] == OUT for row in rows):
            return ""
        since = self.counts_from
        # it lies outside the sessions, so near one of their ends or beyond it
        start = dt.date.fromisoformat(self.summary["start"])
        early = since is not None and since - start < self.as_of - since
        return OUT if early else IN

    @property
    def growth(self) -> Growth:
        """What the barbell returned by the day, net of costs."""
        none = dict.fromkeys(("all", IN, OUT), math.nan)
        rows = self.summary.get("performance", ())
        if not rows:
            return Growth(**dict.fromkeys(Growth.__slots__, math.nan))
        path = rows[0]["path"]  # the barbell comes first
        found = none | {
            row["sample"]: _number(row["total_return"])
            for row in rows
            if row["path"] == path
        }
        if self.whole_sample:
            found[self.whole_sample] = found["all"]
        return Growth(
            since_start=found["all"], in_sample=found[IN], out_of_sample=found[OUT]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A stated probability, and the first day on which its claim had resolved."""

    claim: str
    as_of: dt.date
    probability: float
    came_true: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diary:
    """The entries of a thesis in order of their days.

    declared : since when the thesis counts, None for never.
    """

    thesis: str
    title: str
    declared: dt.date | None
    every: str
    simulated: bool
    entries: tuple[DiaryEntry, ...]

    @property
    def studied(self) -> tuple[DiaryEntry, ...]:
        """The entries of days that could be studied."""
        return tuple(one for one in self.entries if not one.failed)

    @property
    def resolutions(self) -> tuple[Resolution, ...]:
        """Each stated probability's first resolution: what is resolved stays so."""
        first: dict[str, Resolution] = {}
        for entry in self.studied:
            for one in entry.forecasts:
                if one["came_true"] is not None and one["claim"] not in first:
                    first[one["claim"]] = Resolution(
                        claim=one["claim"],
                        as_of=entry.as_of,
                        probability=one["probability"],
                        came_true=one["came_true"],
                        why=one["why"],
                    )
        return tuple(first.values())


def bare(verdict: str) -> str:
    """Return a verdict without its stamp."""
    return verdict.removeprefix(f"{STAMP}: ")


def scores_by(diary: Diary, day: dt.date) -> tuple[int, float, float]:
    """Return how many forecasts had resolved by a day, their Brier and log score."""
    known = [one for one in diary.resolutions if one.as_of <= day]
    stated = [one.probability for one in known]
    happened = [one.came_true for one in known]
    return len(known), brier_score(stated, happened), log_score(stated, happened)


def overview(diary: Diary) -> pd.DataFrame:
    """Return one row per day: verdicts and score out of sample, growth, forecasts.

    `return_all` is the barbell's since the study's start, `return_in` its part before
    the thesis counts, `return_out` since then; NaN for a part without a session.
    """
    rows = []
    for entry in diary.entries:
        score = entry.score(OUT) or {"score": None, "interval": (None, None)}
        resolved, brier, log = scores_by(diary, entry.as_of)
        rows.append(
            {
                "as_of": entry.as_of.isoformat(),
                "claims": len(entry.of(OUT)) or len(entry.of(IN)),
                **entry.counts(OUT),
                "score": _number(score["score"]),
                "low": _number(score["interval"][0]),
                "high": _number(score["interval"][1]),
                "return_all": entry.growth.since_start,
                "return_in": entry.growth.in_sample,
                "return_out": entry.growth.out_of_sample,
                "resolved": resolved,
                "brier": brier,
                "log_score": log,
                "note": entry.failed,
            }
        )
    return pd.DataFrame(rows)


def long_table(diary: Diary) -> pd.DataFrame:
    """Return one row per day and statement, columns `LONG`: all that the diary says.

    `kind` is verdict (`value` the estimate with its interval), score, weight, return
    (`state` says from when it is and which sample), forecast (`value` the probability),
    Brier or log score, or failed.
    """
    rows = [row for entry in diary.entries for row in _rows(diary, entry)]
    table = pd.DataFrame(rows, columns=list(LONG))
    return table.assign(stamp=STAMP) if diary.simulated else table


def _rows(diary: Diary, entry: DiaryEntry) -> Iterator[dict[str, Any]]:
    day = {"as_of": entry.as_of.isoformat()}
    if entry.failed:
        yield day | {"kind": "failed", "name": "study", "state": entry.failed}
        return
    for one in entry.summary["claims"]:
        yield day | {
            "kind": "verdict",
            "name": one["id"],
            "sample": one["sample"],
            "state": one["verdict"],
            "value": one["estimate"],
            "low": one["interval"][0],
            "high": one["interval"][1],
            "n": one["n"],
        }
    for one in entry.summary["scores"]:
        yield day | {
            "kind": "score",
            "name": "thesis",
            "sample": one["sample"],
            "value": one["score"],
            "low": one["interval"][0],
            "high": one["interval"][1],
            "n": one["counted"],
        }
    for layer, weight in entry.layers.items():
        yield day | {"kind": "weight", "name": layer, "value": weight}
    for row in entry.summary["performance"]:
        yield day | {
            "kind": "return",
            "name": row["path"],
            "sample": row["sample"],
            "state": _since(entry, row["sample"]),
            "value": row["total_return"],
            "low": row.get("total_return_low"),
            "high": row.get("total_return_high"),
            "n": row["n"],
        }
    for one in entry.forecasts:
        yield day | {
            "kind": "forecast",
            "name": one["claim"],
            "state": one["state"],
            "value": one["probability"],
        }
    resolved, brier, log = scores_by(diary, entry.as_of)
    if resolved:
        for kind, value in (("Brier score", brier), ("log score", log)):
            yield day | {"kind": kind, "name": "mean", "value": value, "n": resolved}


def _since(entry: DiaryEntry, sample: str) -> str:
    """Return from when a return is, and which of it the author had seen."""
    if sample == OUT:
        return f"since {entry.counts_from}"
    if sample == IN:
        return f"before {entry.counts_from}"
    part = entry.whole_sample or f"{IN} before {entry.counts_from}"
    return f"since the start, {part}"


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


# ---- the folder ----------------------------------------------------------------------


#: Names of the files beside the entries.
PAGE, TABLE, RECORD = "diary.html", "diary.csv", "diary.json"


def check_diary_folder(folder: Path, thesis: str) -> None:
    """Raise `RunError` if `folder` holds something else, or cannot be written.

    Another thesis's diary is something else.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: is a file, not a folder; change --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ENTRIES).is_dir():
        raise RunError(
            f"{folder}: holds something that is no diary; name another with --out"
        )
    kept = _thesis_in(folder)
    if kept not in ("", thesis):
        raise RunError(
            f"{folder}: holds the diary of {kept!r}, not of {thesis!r}; name another "
            "with --out"
        )
    parent = next(one for one in (folder, *folder.parents) if one.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise RunError(f"{parent}: cannot be written; change --out")


def _thesis_in(folder: Path) -> str:
    """Return the id of the thesis whose entries a folder holds, empty without one."""
    for file in sorted((folder / ENTRIES).glob("*.json")):
        try:
            return str(json.loads(file.read_bytes())["summary"]["thesis"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ""


def write_entry(folder: Path, entry: DiaryEntry) -> None:
    """Keep an entry: whole or not at all."""
    told = {
        "as_of": entry.as_of.isoformat(),
        "inputs": entry.inputs,
        "failed": entry.failed,
        "summary": entry.summary,
        "layers": entry.layers,
        "forecasts": entry.forecasts,
    }
    write_whole(folder / ENTRIES / f"{entry.as_of}.json", to_json(told) + "\n")


def read_entry(folder: Path, day: dt.date) -> DiaryEntry | None:
    """Return the entry kept of a day, None where there is none that can be read."""
    try:
        told = json.loads((folder / ENTRIES / f"{day}.json").read_bytes())
        return DiaryEntry(
            as_of=dt.date.fromisoformat(told["as_of"]),
            inputs=told["inputs"],
            summary=told["summary"],
            layers=told["layers"],
            forecasts=told["forecasts"],
            failed=told["failed"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is studied again


def write_whole(path: Path, text: str) -> None:
    """Write a file under a temporary name and move it into place.

    Raises `RunError` where it cannot be written.
    """
    work = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            work.write_text(text, encoding="utf-8")
            os.replace(work, path)
        finally:
            work.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}); the dates that "
            "are finished are kept"
        ) from error
