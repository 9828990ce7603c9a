"""From a TOML file to a thesis, or to everything that is wrong with it at once."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.errors import AssayError, Problem, ThesisError, UsageError, nearest
from engine.thesis.complaint import Complaint, Raw, where
from engine.thesis.consistency import consistency
from engine.thesis.document import Document
from engine.thesis.mirrors import mirrors
from engine.thesis.model import UniverseChoice
from engine.thesis.naming import naming
from engine.thesis.overrides import override
from engine.thesis.raw import table
from engine.thesis.source_map import SourceMap, source_map
from engine.thesis.structure import structural
from engine.thesis.syntax import broken_at
from engine.thesis.vocabulary import Vocabulary

__all__ = ["DEFAULT_UNIVERSE", "Document", "Vocabulary", "override", "parse", "read"]

#: The universe of a thesis that names none.
DEFAULT_UNIVERSE = str(UniverseChoice().name)

#: From a universe, by name or by path, to the words that a thesis on it may use.
Words = Callable[[str], Vocabulary]


def read(path: Path | str, vocabulary: Words) -> Document:
    """Return the thesis of a file.

    Parameters
    ----------
    path : Path or str
        A TOML file in UTF-8.
    vocabulary : callable
        Gives the words that a thesis on a universe may use. Its argument is the
        universe as the file names it: packaged, or a path from the file's folder.

    Raises
    ------
    UsageError
        If there is no such file, or it cannot be opened.
    ThesisError
        If it is not a valid thesis; holds every problem, in the order of the lines.
    """
    file = str(path)
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{file}: there is no such file{_beside(file)}") from error
    except IsADirectoryError as error:
        raise UsageError(
            f"{file} is a folder; name the thesis file in it{_beside(f'{file}/*')}"
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    return parse(_decoded(content, file), path=file, vocabulary=vocabulary)


def parse(text: str, *, path: str, vocabulary: Words) -> Document:
    """Return the thesis of a text; `path` is the file that it came from.

    Raises `ThesisError` with every problem, in the order of the lines.
    """
    raw, places = _toml(text, path)
    try:
        thesis, misshapen = structural(raw)
        words, unknown = _words(raw, vocabulary)
        found = [*misshapen, *unknown, *consistency(raw, places)]
        found += naming(raw, words) if words else ()
        found += mirrors(raw, places, words) if words else ()
        if found or thesis is None:
            raise ThesisError(_problems(found, raw, places, path))
    except RecursionError as error:
        raise _too_deep(path) from error
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Document(thesis=thesis, path=path, text=text, digest=digest)


def _decoded(content: bytes, file: str) -> str:
    """Return the text of a file; a byte order mark at its start is not text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"found the byte 0x{content[error.start]:02X}, which is not UTF-8"
        raise ThesisError(
            [
                Problem(
                    file=file,
                    line=line,
                    where="encoding",
                    message=found,
                    hint="save the file as UTF-8",
                )
            ]
        ) from error


def _toml(text: str, path: str) -> tuple[dict[str, Any], SourceMap]:
    """Return the tables of a text and where they stand."""
    try:
        raw = tomllib.loads(text)
        places = source_map(text)
    except ValueError as error:
        line, message, hint = broken_at(error, text)
        problem = Problem(
            file=path, line=line, where="syntax", message=message, hint=hint
        )
        raise ThesisError([problem]) from error
    except RecursionError as error:
        raise _too_deep(path) from error
    if not raw:
        problem = Problem(
            file=path,
            line=1,
            where="the file",
            message="it is empty: no table and no key",
            hint="`assay init NAME` writes a thesis to start from",
        )
        raise ThesisError([problem])
    return raw, places


def _too_deep(path: str) -> ThesisError:
    problem = Problem(
        file=path,
        line=1,
        where="the file",
        message="lists or tables are nested too deeply to be read",
        hint="a thesis needs three levels at most",
    )
    return ThesisError([problem])


def _words(
    raw: Raw, vocabulary: Words
) -> tuple[Vocabulary | None, tuple[Complaint, ...]]:
    """Return the words for the thesis's universe, and why there are none.

    Without the universe, the catalogues alone.
    """
    name = table(raw, "universe").get("name", DEFAULT_UNIVERSE)
    found: tuple[Complaint, ...] = ()
    if isinstance(name, str) and name:
        try:
            return vocabulary(name), ()
        except AssayError as error:
            found = (Complaint(path=("universe", "name"), message=str(error)),)
    if name == DEFAULT_UNIVERSE:
        return None, found
    try:
        return vocabulary(DEFAULT_UNIVERSE).without_universe(), found
    except AssayError:
        return None, found


def _problems(
    found: Iterable[Complaint], raw: Raw, places: SourceMap, path: str
) -> list[Problem]:
    """Return complaints with file and line, in the order of the lines, each once."""
    return sorted(
        (
            Problem(
                file=path,
                line=places.line(complaint.path),
                where=where(complaint.path, raw),
                message=complaint.message,
                hint=complaint.hint,
            )
            for complaint in dict.fromkeys(found)
        ),
        key=lambda problem: problem.line,
    )


def _beside(file: str) -> str:
    """Return a hint at a thesis in the same folder, or nothing."""
    wanted = Path(file)
    names = list(_theses(wanted.parent))
    hint = nearest(wanted.name, names)
    if hint:
        return f"; {hint}"
    return f"; there is {sorted(names)[0]}" if names else ""


def _theses(folder: Path) -> Iterator[str]:
    """Yield the names of the TOML files in a folder."""
    if folder.is_dir():
        yield from (found.name for found in folder.glob("*.toml"))
