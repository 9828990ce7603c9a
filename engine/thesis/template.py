"""The thesis that ``assay init`` writes to start from."""

from __future__ import annotations

import re
from importlib.resources import files

from engine.errors import UsageError


def starting_thesis(name: str) -> str:
    """Return a commented thesis called `name` that runs as it is.

    The id is `name` in letters, digits and dashes. Raises `UsageError` where nothing
    is left of it.
    """
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-_.")
    if not slug:
        raise UsageError(
            f"{name!r} cannot name a thesis; use letters, digits and dashes: my-thesis"
        )
    words = re.sub(r"[-_.]+", " ", slug)
    text = files("engine.thesis").joinpath("template.toml").read_text(encoding="utf-8")
    return text.replace("{id}", slug).replace("{title}", words[0].upper() + words[1:])
