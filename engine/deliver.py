"""From a study to a folder that a committee can open and anyone can re-derive."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import platform
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.app import (
    SOURCE_OPTIONS,
    THESIS_OPTIONS,
    given,
    read_thesis,
    study_inputs,
)
from engine.errors import RunError, TakenError, UsageError, nearest
from engine.market.market import STAMP, Origin
from engine.runs.archive import text_digest, universe_digest, versions, write_archive
from engine.runs.folder import check_target, new_folder
from engine.study import Progress, run_study
from engine.study_result import StudyResult
from engine.thesis.registration import Registration
from engine.thesis.template import starting_thesis
from reports.draftsmen import Draftsmen, draftsmen

if TYPE_CHECKING:
    from reports.render import Begun


def run_to_folder(
    path: str | Path,
    *,
    out: str | Path | None = None,
    command: Sequence[str] = (),
    progress: Progress = lambda step: None,
    **options: Any,
) -> tuple[Path, StudyResult]:
    """Run a study and write its folder; return where it is and what was found.

    The folder appears whole or not at all. `options` are those of `engine.run`.
    Raises `RunError` before anything is computed if `out` exists or cannot be written.
    """
    unknown = set(options) - {*THESIS_OPTIONS, *SOURCE_OPTIONS}
    if unknown:
        name = sorted(unknown)[0]
        hint = nearest(name, [*THESIS_OPTIONS, *SOURCE_OPTIONS])
        raise UsageError(f"there is no option {name!r}. {hint}".strip())
    chosen = Path(out) if out is not None else None
    if chosen is not None:
        check_target(chosen)
    progress("reading the thesis")
    document = read_thesis(path, **given(options, THESIS_OPTIONS))
    name = document.thesis.about.id
    target = chosen or next_folder(name)
    check_target(target)
    progress("loading prices and signals")
    with draftsmen() as crew:  # they get ready while the study is computed
        inputs = study_inputs(
            document, progress=progress, **given(options, SOURCE_OPTIONS)
        )
        result = run_study(inputs, progress=progress)
        progress("writing the reports")
        manifest = manifest_of(result, path, document.text, command, options)
        begun = _begin(result, provenance(manifest), crew)
        while True:
            try:
                write_folder(
                    result,
                    target,
                    thesis_text=document.text,
                    manifest=manifest,
                    begun=begun,
                )
            except TakenError:
                if chosen is not None:
                    raise
                target = next_folder(name)  # another run of it took the number
            else:
                return target, result


def write_folder(
    result: StudyResult,
    target: Path,
    *,
    thesis_text: str,
    manifest: Mapping[str, Any],
    begun: Begun | None = None,
) -> None:
    """Write a run folder: tables, reports, summary and manifest, all or nothing.

    `begun` is its report where that was begun before.
    """
    from reports.tables import tables  # loads the figures' libraries

    with new_folder(target) as work:
        write_archive(
            result,
            work,
            thesis_text=thesis_text,
            manifest=manifest,
            tables=tables(result),
            write_reports=lambda folder: _render(
                result, folder, provenance(manifest), begun
            ),
        )


def write_report(
    result: StudyResult, folder: str | Path, *, provenance: Mapping[str, str] = {}
) -> None:
    """Write ``report.html`` and ``report.pdf`` into a folder, which is made if missing.

    Raises `RunError` if they cannot be written.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        _render(result, Path(folder), provenance)
    except OSError as error:
        raise RunError(
            f"{folder}: the reports cannot be written ({error.strerror or error})"
        ) from error


def _begin(
    result: StudyResult, provenance: Mapping[str, str], crew: Draftsmen | None = None
) -> Begun:
    from reports.render import begin  # loads the figures' libraries

    return begin(result, provenance, crew)


def _render(
    result: StudyResult,
    folder: Path,
    provenance: Mapping[str, str],
    begun: Begun | None = None,
) -> None:
    from reports.render import render  # loads the figures' libraries

    render(begun or _begin(result, provenance), folder)


def next_folder(thesis_id: str, runs: Path = Path("runs")) -> Path:
    """Return the first free ``runs/ID-NUMBER``."""
    taken = {path.name for path in runs.glob(f"{thesis_id}-*")} if runs.is_dir() else {}
    number = 1
    while f"{thesis_id}-{number:03d}" in taken:
        number += 1
    return runs / f"{thesis_id}-{number:03d}"


def manifest_of(
    result: StudyResult,
    path: str | Path,
    thesis_text: str,
    command: Sequence[str],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what re-derives a run: hashes, versions, seed, command and options."""
    market = result.market
    stamp = {"stamp": STAMP} if result.simulated else {}
    return stamp | {
        "simulated": result.simulated,
        "thesis": {
            "id": result.thesis.about.id,
            "path": str(path),
            "sha256": text_digest(thesis_text),
        },
        "universe": {
            "name": result.universe.name,
            "sha256": universe_digest(result.universe),
        },
        "placebo": {
            "name": result.beside.placebo,
            "prices_sha256": result.beside.digest,
        },
        "prices": _origin(market.prices_origin),
        "signals": _origin(market.signals_origin),
        "register": register_entry(result.registration),
        "seed": result.seed,
        "overrides": dict(result.overrides),
        "command": list(command),
        "started_in": str(Path.cwd()),
        "options": {
            name: str(value) if isinstance(value, dt.date | Path) else value
            for name, value in options.items()
        },
        "versions": versions() | {"python": platform.python_version()},
        "created_utc": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def register_entry(held: Registration | None) -> dict[str, Any] | None:
    """Return what a manifest says of the register that dated a thesis."""
    if held is None:
        return None
    return {
        "file": held.file,
        "head": held.head,
        "entries": held.entries,
        "counts": held.basis,
    }


def _origin(origin: Origin) -> dict[str, Any]:
    """Return where numbers came from; of the store its vintage, too."""
    named = {
        "name": origin.name,
        "sha256": origin.digest,
        "simulated": origin.simulated,
    }
    if origin.vintage is None:
        return named
    return named | {"vintage": dataclasses.asdict(origin.vintage)}


def provenance(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return a manifest as the lines that a report prints."""
    named = ", ".join(f"{name} {one}" for name, one in manifest["versions"].items())
    inputs = {
        kind.capitalize(): f"{manifest[kind].get('name') or manifest[kind]['id']}, "
        f"SHA-256 {manifest[kind]['sha256']}"
        for kind in ("thesis", "prices", "signals")
    }
    for kind in ("prices", "signals"):
        if vintage := manifest[kind].get("vintage"):
            inputs[kind.capitalize()] += (
                f"; store as of {vintage['moment']} UTC, SHA-256 {vintage['sha256']}"
            )
    if register := manifest.get("register"):
        inputs["Register"] = (
            f"{register['file']} up to entry {register['entries']}, SHA-256 "
            f"{register['head']}; the thesis counts as {register['counts']}"
        )
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


def write_starting_thesis(name: str, *, force: bool = False) -> Path:
    """Write ``NAME.toml``, a commented thesis that runs as it is."""
    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    if not path.name.isprintable() or path.name.startswith("-"):
        raise UsageError(
            f"{path.name!r} cannot name a thesis file; use letters, digits and dashes"
        )
    text = starting_thesis(path.name.removesuffix(".toml"))
    work = path.with_name(f".{path.name[:40]}-{secrets.token_hex(4)}")
    try:
        if path.exists() and not force:
            raise RunError(
                f"{path}: exists already; choose another name or add --force"
            )
        work.write_text(text, encoding="utf-8")
        work.replace(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        with contextlib.suppress(OSError):  # it has its name, or was never made
            work.unlink()
    return path
