"""A sound price file, files spoilt from it, and what a refusal must say."""

from __future__ import annotations

from pathlib import Path

from engine.sources.imports.mapping import mapping_of
from engine.sources.imports.understand import Understood, understand
from universes.loader import load

BAR = "date,open,high,low,close,adj_close,volume\n"
ROW = "2025-01-{day:02d},10.5,11.5,9.5,10.5,10.25,100\n"
GOOD = BAR + "".join(ROW.format(day=day) for day in (21, 22, 23, 24, 27))
SIGNAL = "series,entity,value_date,known_at,value,unit,quality,source\n"
UNIVERSE = load("ai-stack")


def read(place: Path, **told: object) -> Understood:
    return understand(place, universe=UNIVERSE, mapping=mapping_of(told, where="m"))


def refused(place: Path, *words: str, **told: object) -> str:
    """Assert that the file is refused with one message that has these words."""
    file = read(place, **told)
    errors = [one for one in file.findings if one.severity == "error"]
    assert len(errors) == 1, (file.kind, file.says, file.findings)
    for word in (place.name, *words):
        assert word in errors[0].what, errors[0].what
    assert "\n" not in errors[0].what
    assert len(errors[0].what) < 600
    assert errors[0].action
    assert len(file.rows) == 0
    assert not file.usable
    return errors[0].what


def save(folder: Path, name: str, text: str | bytes) -> Path:
    place = folder / name
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    return place


def bars(**changed: str) -> str:
    """Five bars with cells of the third changed."""
    cells = dict(
        zip(
            BAR.strip().split(","),
            ROW.format(day=23).strip().split(","),
            strict=True,
        )
    )
    rows = GOOD.splitlines()
    rows[3] = ",".join((cells | changed).values())
    return "\n".join(rows) + "\n"
