"""From a study to a folder that a committee can open and anyone can re-derive."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.app import read_thesis, study_inputs
from engine.errors import RunError, TakenError
from engine.runs.archive import file_hashes, summary, to_json, versions, write_archive
from engine.runs.folder import check_target, new_folder
from engine.study import Progress, StudyResult, run_study
from engine.thesis.template import starting_thesis

_THESIS_OPTIONS = ("start", "end", "capital", "seed")
_SOURCE_OPTIONS = ("prices", "signals", "as_of", "mix")


def run_to_folder(
    path: Path,
    *,
    out: Path | None = None,
    command: Sequence[str] = (),
    progress: Progress = lambda step: None,
    **options: Any,
) -> tuple[Path, StudyResult]:
    """Run a study and write its folder; return where it is and what was found.

    The folder appears whole or not at all. `options` are those of `engine.run`.
    Raises `RunError` before anything is computed if `out` exists or cannot be written.
    """
    if out is not None:
        check_target(out)
    progress("reading the thesis")
    document = read_thesis(path, **_chosen(options, _THESIS_OPTIONS))
    name = document.thesis.about.id
    target = out if out is not None else next_folder(name)
    check_target(target)
    progress("loading prices and signals")
    inputs = study_inputs(document, **_chosen(options, _SOURCE_OPTIONS))
    result = run_study(inputs, progress=progress)
    progress("writing the reports")
    manifest = manifest_of(result, path, document.text, command, options)
    while True:
        try:
            write_folder(result, target, thesis_text=document.text, manifest=manifest)
        except TakenError:
            if out is not None:
                raise
            target = next_folder(name)  # another run of this thesis took the number
        else:
            return target, result


def write_folder(
    result: StudyResult, target: Path, *, thesis_text: str, manifest: Mapping[str, Any]
) -> None:
    """Write a run folder: tables, reports, summary and manifest, all or nothing."""
    from reports.tables import tables  # loads the figures' libraries

    with new_folder(target) as work:
        write_archive(
            result,
            work,
            thesis_text=thesis_text,
            manifest=manifest,
            tables=tables(result),
            write_reports=lambda folder: write_report(
                result, folder, provenance=provenance(manifest)
            ),
        )


def write_report(
    result: StudyResult, folder: str | Path, *, provenance: Mapping[str, str] = {}
) -> None:
    """Write ``report.html`` and ``report.pdf`` into a folder."""
    from reports.render import render  # loads the figures' libraries

    render(result, Path(folder), provenance=provenance)


def next_folder(thesis_id: str, runs: Path = Path("runs")) -> Path:
    """Return the first free ``runs/ID-NUMBER``."""
    taken = {path.name for path in runs.glob(f"{thesis_id}-*")} if runs.is_dir() else {}
    number = 1
    while f"{thesis_id}-{number:03d}" in taken:
        number += 1
    return runs / f"{thesis_id}-{number:03d}"


def manifest_of(
    result: StudyResult,
    path: Path,
    thesis_text: str,
    command: Sequence[str],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what re-derives a run: hashes, versions, seed, command and options."""
    market = result.market
    stamp = {"stamp": "SIMULATED"} if result.simulated else {}
    return stamp | {
        "simulated": result.simulated,
        "thesis": {
            "id": result.thesis.about.id,
            "path": str(path),
            "sha256": hashlib.sha256(thesis_text.encode()).hexdigest(),
        },
        "prices": {
            "name": market.prices_origin.name,
            "sha256": market.prices_origin.digest,
            "simulated": market.prices_origin.simulated,
        },
        "signals": {
            "name": market.signals_origin.name,
            "sha256": market.signals_origin.digest,
            "simulated": market.signals_origin.simulated,
        },
        "seed": result.seed,
        "overrides": dict(result.overrides),
        "command": list(command),
        "options": {
            name: str(value) if isinstance(value, dt.date | Path) else value
            for name, value in options.items()
        },
        "versions": versions() | {"python": platform.python_version()},
        "created_utc": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def provenance(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return a manifest as the lines that a report prints."""
    named = ", ".join(f"{name} {one}" for name, one in manifest["versions"].items())
    inputs = {
        kind.capitalize(): f"{manifest[kind].get('name') or manifest[kind]['id']}, "
        f"SHA-256 {manifest[kind]['sha256']}"
        for kind in ("thesis", "prices", "signals")
    }
    lines = inputs | {
        "Seed": str(manifest["seed"]),
        "Command": " ".join(manifest["command"]) or "engine.run",
        "Computed": str(manifest["created_utc"]),
        "Versions": named,
    }
    if manifest["overrides"]:
        lines["Overrides"] = ", ".join(
            f"{name} = {value}" for name, value in manifest["overrides"].items()
        )
    return lines


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a run's manifest; `RunError` if the folder holds no run."""
    try:
        loaded = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(
            f"{folder}: no manifest.json in it; name a folder that assay run wrote"
        ) from error
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder / 'manifest.json'}: cannot be read: {error}"
        ) from error
    if not isinstance(loaded, dict) or "files" not in loaded:
        raise RunError(f"{folder / 'manifest.json'}: is not the manifest of a run")
    return loaded


def changed_files(folder: Path) -> list[str]:
    """Return one line per file of a run that changed, went missing or was added."""
    recorded = read_manifest(folder)["files"]
    present = file_hashes(folder)
    lines = [f"missing: {name}" for name in recorded if name not in present]
    lines += [f"added: {name}" for name in present if name not in recorded]
    lines += [
        f"changed: {name}"
        for name, digest in recorded.items()
        if name in present and present[name] != digest
    ]
    return sorted(lines)


def rerun(
    folder: Path, *, progress: Progress = lambda step: None
) -> tuple[StudyResult, dict[str, Any]]:
    """Run an archived thesis again with its recorded options and sources.

    Raises `RunError` if the prices or signals are no longer the recorded ones.
    """
    manifest = read_manifest(folder)
    options = manifest["options"]
    base = Path(manifest["thesis"]["path"]).parent
    progress("reading the archived thesis")
    document = read_thesis(
        folder / "thesis.toml", base=base, **_chosen(options, _THESIS_OPTIONS)
    )
    progress("loading prices and signals")
    inputs = study_inputs(document, **_chosen(options, _SOURCE_OPTIONS))
    for kind, origin in (
        ("prices", inputs.market.prices_origin),
        ("signals", inputs.market.signals_origin),
    ):
        if origin.digest != manifest[kind]["sha256"]:
            raise RunError(
                f"{folder}: the {kind} ({origin.name}) are not those of the run any "
                "more; bring the recorded files back to re-derive it"
            )
    return run_study(inputs, progress=progress), manifest


def different_numbers(folder: Path, result: StudyResult) -> list[str]:
    """Return the top-level entries of ``summary.json`` that a rerun changed."""
    try:
        archived = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / 'summary.json'}: cannot be read: {error}") from error
    again = json.loads(to_json(summary(result)))
    names = sorted(set(archived) | set(again))
    return [name for name in names if archived.get(name) != again.get(name)]


def write_starting_thesis(name: str, *, force: bool = False) -> Path:
    """Write ``NAME.toml``, a commented thesis that runs as it is."""
    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    if path.exists() and not force:
        raise RunError(f"{path}: exists already; choose another name or add --force")
    text = starting_thesis(path.stem)
    work = path.with_name(f".{path.name}.part")
    try:
        work.write_text(text, encoding="utf-8")
        work.replace(path)
    except OSError as error:
        work.unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def _chosen(options: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the options of these names that were given."""
    return {name: options[name] for name in names if options.get(name) is not None}
