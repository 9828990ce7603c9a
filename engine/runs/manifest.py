"""The manifest of an archived run, and whether its files are still as it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.errors import RunError
from engine.runs.archive import file_hashes

MANIFEST = "manifest.json"
#: What every manifest holds, and of which type.
_ENTRIES: Mapping[str, type] = {
    "thesis": dict,
    "prices": dict,
    "signals": dict,
    "options": dict,
    "overrides": dict,
    "versions": dict,
    "command": list,
    "created_utc": str,
    "started_in": str,
    "files": dict,
}
_TEXTS = (
    ("thesis", "path"),
    *((one, "sha256") for one in ("thesis", "prices", "signals")),
)
#: Options of a run whose value is text, or nothing.
_WORDS = ("prices", "signals", "start", "end", "as_of", "vintage", "register")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a run's manifest; `RunError` where there is none or a damaged one."""
    place = folder / MANIFEST
    try:
        loaded = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(
            f"{folder}: no manifest.json in it; name a folder that assay run wrote"
        ) from error
    except (OSError, ValueError) as error:
        raise RunError(f"{place}: cannot be read: {error}") from error
    if not isinstance(loaded, dict) or "files" not in loaded:
        raise RunError(f"{place}: is not the manifest of a run")
    damaged = list(_damage(loaded))
    if damaged:
        raise RunError(
            f"{place}: {damaged[0]} is missing or damaged; run the thesis again"
        )
    return loaded


def _damage(loaded: Mapping[str, Any]) -> Iterator[str]:
    """Yield the entries of a manifest that cannot be used."""
    for name, kind in _ENTRIES.items():
        if not isinstance(loaded.get(name), kind):
            yield name
            return
    for name, key in _TEXTS:
        if not isinstance(loaded[name].get(key), str):
            yield f"{name}.{key}"
    register = loaded.get("register") or {"file": "", "head": ""}
    if not isinstance(register, dict) or not all(
        isinstance(register.get(key), str) for key in ("file", "head")
    ):
        yield "register"
    for key in _WORDS:
        if not isinstance(loaded["options"].get(key), str | None):
            yield f"options.{key}"


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
