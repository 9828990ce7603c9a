"""Write a study to a folder: manifest, summary, tables, and what re-derives them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.market.listing import Universe
from engine.market.market import STAMP
from engine.runs.register import REGISTER
from engine.study_result import StudyResult
from engine.thesis.registration import NEVER, basis_of

_PACKAGES = (
    "assay",
    "numpy",
    "pandas",
    "cvxpy",
    "clarabel",
    "piqp",
    "statsmodels",
    "typst",
)


def write_archive(
    result: StudyResult,
    folder: Path,
    *,
    thesis_text: str,
    manifest: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    write_reports: Callable[[Path], None],
) -> None:
    """Write everything a run keeps into an empty folder.

    ``thesis.toml``, ``summary.json``, ``tables/*.csv`` and ``*.parquet``, the register
    as far as it counted, ``report.html``, ``report.pdf`` and last ``manifest.json``
    with a hash of each file.
    """
    (folder / "thesis.toml").write_bytes(thesis_text.encode())
    _write_json(folder / "summary.json", summary(result))
    inside = folder / "tables"
    inside.mkdir()
    for name, table in tables.items():
        stamped = _stamped(table, simulated=result.simulated)
        (inside / f"{name}.csv").write_bytes(_csv(stamped).encode())
        stamped.to_parquet(inside / f"{name}.parquet", index=False, compression="zstd")
    if result.registration is not None:
        (folder / REGISTER).write_text(result.registration.text, encoding="ascii")
    write_reports(folder)
    _write_json(
        folder / "manifest.json", dict(manifest) | {"files": file_hashes(folder)}
    )


def table_text(table: pd.DataFrame, *, simulated: bool) -> str:
    """Return a table as the CSV that a run keeps."""
    return _csv(_stamped(table, simulated=simulated))


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))


def _stamped(table: pd.DataFrame, *, simulated: bool) -> pd.DataFrame:
    """Return a table whose windows are text, with a stamp on each row."""
    objects = [name for name in table.columns if table[name].dtype == object]
    plain = table.assign(**{name: table[name].map(_plain) for name in objects})
    return plain.assign(stamp=STAMP) if simulated else plain


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def universe_digest(universe: Universe) -> str:
    """Return the SHA-256 of everything that a universe says."""
    return text_digest(repr(universe))


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a run but its manifest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in files
        if path.name != "manifest.json"
    }


def versions() -> dict[str, str]:
    """Return the versions of what computed the numbers."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def summary(result: StudyResult) -> dict[str, Any]:
    """Return the headline of a study: decimal fractions, null for NaN."""
    head: dict[str, Any] = {"stamp": STAMP} if result.simulated else {}
    about, held = result.thesis.about, result.registration
    return head | {
        "simulated": result.simulated,
        "thesis": about.id,
        "title": about.title,
        "declared": held.declared if held else about.declared,
        "counts": held.basis if held else "declared",
        "counts_from": None if about.declared == NEVER else about.declared,
        "register": held.head if held else None,
        "start": about.start,
        "end": about.end,
        "overrides": dict(result.overrides),
        "prices": result.market.prices_origin.name,
        "signals": result.market.signals_origin.name,
        "nav_end": float(result.backtest.nav.iloc[-1]),
        "performance": result.performance.to_dict("records"),
        "claims": [
            {
                "id": one.id,
                "sample": one.sample,
                "counts": basis_of(held, one.id),
                "verdict": f"{STAMP}: {one.verdict}"
                if result.simulated
                else one.verdict,
                "reason": one.reason,
                "estimate": one.finding.estimate if one.finding else None,
                "interval": list(one.interval),
                "p": one.finding.p if one.finding else None,
                "q": one.q,
                "n": one.finding.n if one.finding else 0,
            }
            for one in result.claims.results
        ],
        "scores": [
            {
                "sample": score.sample,
                "score": score.score,
                "interval": list(score.interval),
                "claims": score.claims,
                "testable": score.testable,
                "counted": score.counted,
                "note": score.note,
            }
            for score in result.claims.scores
        ],
        "events": [
            {name: row[name] for name in ("event", "kind", "subject", "car", "p")}
            | {"window": list(row["window"])}
            for row in result.events.table.to_dict("records")
            if row["kind"] != "asset"
        ],
        "caveats": list(result.caveats),
    }


def to_json(value: Any) -> str:
    """Return JSON with null for NaN, ISO dates, and keys in their order."""
    return json.dumps(_jsonable(value), indent=2, ensure_ascii=False, allow_nan=False)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(to_json(value) + "\n", encoding="utf-8")


def _jsonable(value: Any) -> Any:
    """Return `value` with everything JSON does not know replaced."""
    if isinstance(value, Mapping):
        return {str(key): _jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(one) for one in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if value == value.normalize() else str(value)
    if isinstance(value, np.datetime64):
        return _jsonable(pd.Timestamp(value))
    return value if isinstance(value, str) else str(value)


def _plain(value: Any) -> Any:
    """Return a cell that CSV and Parquet both hold: a window becomes text."""
    return f"[{value[0]}, {value[1]}]" if isinstance(value, tuple) else value
