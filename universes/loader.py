"""Universes by name or by path."""

from __future__ import annotations

from pathlib import Path

from engine.errors import UniverseError, at_most, nearest
from engine.market.listing import Universe
from universes.assemble import assemble
from universes.rows import Source, read_csv, read_folder, read_toml

_HERE = Path(__file__).resolve().parent


def packaged() -> tuple[str, ...]:
    """Return the names of the universes that come with Assay."""
    return tuple(sorted(found.parent.name for found in _HERE.glob("*/universe.toml")))


def load(name: str, *, base: Path | None = None) -> Universe:
    """Return a universe by its packaged name, or by the path of one's own.

    Parameters
    ----------
    name : str
        A packaged name (``ai-stack``), a TOML file, or a folder with universe.toml,
        entities.csv and lines.csv. Packaged names come first.
    base : Path, optional
        Folder that a relative path starts from: the thesis file's. The current folder
        if not given.

    Raises
    ------
    UniverseError
        For a name that is neither, or files that do not hold together: each problem
        with its file and line.
    """
    if name in packaged():
        source = read_folder(_HERE / name, name)
    else:
        source = _own(name, Path.cwd() if base is None else base)
    return assemble(source, read_csv(_HERE / "benchmarks.csv", "benchmarks.csv"))


def _own(name: str, base: Path) -> Source:
    path = base / Path(name).expanduser()
    if path.is_dir():
        return read_folder(path, name)
    if path.is_file() and path.suffix == ".toml":
        return read_toml(path, name)
    if path.is_file():
        raise UniverseError(f"universe {name!r}: a universe file ends in .toml")
    hint = nearest(name, packaged())
    known = hint or f"packaged are {at_most(packaged())}"
    raise UniverseError(
        f"unknown universe {name!r}; {known}. One of your own is a path to a .toml "
        f"file, looked up from {base}"
    )
