"""An archived run, opened again: its numbers derived a second time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.app import THESIS_OPTIONS, given, read_thesis, study_inputs
from engine.errors import RegisterError, RunError
from engine.market.listing import Universe
from engine.runs.archive import (
    summary,
    table_text,
    to_json,
    universe_digest,
    versions,
)
from engine.runs.manifest import read_manifest
from engine.runs.register import NO_REGISTER, REGISTER, read_register
from engine.study import Progress, run_study
from engine.study_inputs import StudyInputs
from engine.study_result import StudyResult
from engine.supply import IMPORTED, REFERENCE, SAMPLE, STORE, YAHOO


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rerun:
    """What an archived run gives when it is run again."""

    result: StudyResult
    manifest: Mapping[str, Any]
    thesis_text: str


def rerun(folder: Path, *, progress: Progress = lambda step: None) -> Rerun:
    """Return an archived run, run again with its recorded options and sources.

    A relative path in the manifest is looked for where one stands now, and then where
    the run was started. Raises `RunError` if the thesis, the universe, the prices or
    the signals are no longer the recorded ones.
    """
    manifest = read_manifest(folder)
    options = manifest["options"]
    base = _thesis_folder(manifest)
    progress("reading the archived thesis")
    document = read_thesis(
        folder / "thesis.toml",
        base=base,
        **given(options, THESIS_OPTIONS),
    )
    _check(folder, "thesis", document.digest, manifest)
    progress("loading prices and signals")
    inputs = study_inputs(
        document,
        base=base,
        prices=_source(folder, "prices", manifest) or SAMPLE,
        signals=_source(folder, "signals", manifest),
        offline=True,
        vintage=_vintage(manifest),
        register=_register(folder, manifest),
        **given(options, ("as_of", "mix")),
    )
    _check_inputs(folder, inputs, manifest)
    return Rerun(
        result=run_study(inputs, progress=progress),
        manifest=manifest,
        thesis_text=document.text,
    )


def different_numbers(folder: Path, result: StudyResult) -> list[str]:
    """Return what a rerun changed: entries of ``summary.json``, and tables.

    Tables are compared as CSV, byte by byte.
    """
    from reports.tables import tables  # loads the figures' libraries

    archived = _summary(folder)
    again = json.loads(to_json(summary(result)))
    names = sorted(set(archived) | set(again))
    different = [name for name in names if archived.get(name) != again.get(name)]
    for name, table in tables(result).items():
        place = folder / "tables" / f"{name}.csv"
        text = table_text(table, simulated=result.simulated)
        if not place.is_file() or place.read_bytes() != text.encode():
            different.append(f"tables/{place.name}")
    return different


def changed_versions(manifest: Mapping[str, Any]) -> list[str]:
    """Return one line per package that is not of the version that computed a run."""
    now = versions()
    return [
        f"{name} {then}, now {now[name]}"
        for name, then in manifest["versions"].items()
        if name in now and now[name] != then
    ]


def _summary(folder: Path) -> dict[str, Any]:
    place = folder / "summary.json"
    try:
        archived = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{place}: cannot be read: {error}") from error
    if not isinstance(archived, dict):
        raise RunError(f"{place}: is not the summary of a run")
    return archived


def _check_inputs(
    folder: Path, inputs: StudyInputs, manifest: Mapping[str, Any]
) -> None:
    """Raise `RunError` unless a study's inputs are those of the manifest."""
    _check(folder, "prices", inputs.market.prices_origin.digest, manifest)
    _check(folder, "signals", inputs.market.signals_origin.digest, manifest)
    universe: Universe = inputs.universe
    _check(folder, "universe", universe_digest(universe), manifest)


def _check(folder: Path, kind: str, digest: str, manifest: Mapping[str, Any]) -> None:
    """Raise `RunError` unless what is there now is what the run used."""
    recorded = manifest.get(kind, {}).get("sha256")
    if recorded is not None and digest != recorded:
        are = "is" if kind in ("thesis", "universe") else "are"
        raise RunError(
            f"{folder}: the {kind} {are} not what the run used any more; bring the "
            "recorded files back to re-derive it"
        )


def _source(folder: Path, kind: str, manifest: Mapping[str, Any]) -> str | Path | None:
    """Return the recorded source of prices or signals; `RunError` if it has gone."""
    named = manifest["options"].get(kind)
    words = (SAMPLE, REFERENCE, YAHOO, STORE)
    if named is None or named in words or str(named).startswith(IMPORTED):
        return None if named is None else str(named)
    found = _found(Path(named), manifest)
    if found is None:
        raise RunError(
            f"{folder}: its {kind} came from the folder {named!r}{_started(manifest)}, "
            "which is not there any more; bring it back to re-derive the run"
        )
    return found


def _register(folder: Path, manifest: Mapping[str, Any]) -> Path | str:
    """Return the register as it was when a run was made: kept in its folder.

    Raises `RegisterError` if it is broken, or is not the one that the manifest names.
    """
    recorded = manifest.get("register")
    if not recorded:
        return NO_REGISTER
    kept = folder / REGISTER
    head = read_register(kept).head
    if head != recorded["head"]:
        raise RegisterError(
            f"{kept}: its last entry is {head[:12]}, and the run counted from "
            f"{str(recorded['head'])[:12]}; run the thesis again"
        )
    return kept


def lost_register(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Return what a run's register has lost since the run, or nothing.

    A register only grows: the one that the run read must still begin with the entries
    kept in the run's folder. Nothing is said where it is not there any more.
    """
    recorded = manifest.get("register")
    place = _found(Path(recorded["file"]), manifest) if recorded else None
    if place is None:
        return ""
    kept = read_register(folder / REGISTER)
    now = read_register(place).entries[: len(kept.entries)]
    if [one.sha256 for one in now] == [one.sha256 for one in kept.entries]:
        return ""
    return (
        f"{place} no longer begins with the {len(kept.entries)} entries that the run "
        "counted from: it was written anew"
    )


def _vintage(manifest: Mapping[str, Any]) -> str | None:
    """Return the moment up to which the store counted, None where it was not read."""
    origins = [manifest["prices"], manifest["signals"]]
    moments = [one["vintage"]["moment"] for one in origins if one.get("vintage")]
    return max(moments) if moments else None


def _thesis_folder(manifest: Mapping[str, Any]) -> Path:
    """Return the folder of the thesis file that was run: own universes start there."""
    file = Path(manifest["thesis"]["path"])
    found = _found(file, manifest)
    return found.parent if found else Path(manifest["started_in"]) / file.parent


def _found(path: Path, manifest: Mapping[str, Any]) -> Path | None:
    """Return where a recorded path is now, or None."""
    places = [path, Path(manifest["started_in"]) / path]
    return next((place for place in places if place.exists()), None)


def _started(manifest: Mapping[str, Any]) -> str:
    return f" (the run was started in {manifest['started_in']})"
