"""Settings of a thesis that its caller may replace, checked like the file's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pydantic import ValidationError

from engine.errors import UsageError
from engine.thesis.complaint import shown
from engine.thesis.document import Document
from engine.thesis.model import Section
from engine.thesis.structure import details, in_words

#: Option -> the section of the thesis that it belongs to, where its key is the same.
_SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "start": "about",
        "end": "about",
        "seed": "about",
        "lines": "universe",
        "objective": "portfolio",
        "rebalance": "portfolio",
        "relax": "portfolio",
        "capital": "execution",
        "slippage_bps": "execution",
        "fees": "execution",
    }
)


def override(
    document: Document,
    *,
    start: dt.date | str | None = None,
    end: dt.date | str | None = None,
    seed: int | None = None,
    lines: str | None = None,
    objective: str | None = None,
    rebalance: str | None = None,
    relax: bool | None = None,
    capital: float | None = None,
    slippage_bps: float | None = None,
    fees: str | None = None,
) -> Document:
    """Return the document with settings replaced and written down in `overrides`.

    None leaves a setting as it is. Each keyword is the key of the thesis file that it
    replaces, and is checked like that key. Raises `UsageError` naming the option.
    """
    given = {
        "start": start,
        "end": end,
        "seed": seed,
        "lines": lines,
        "objective": objective,
        "rebalance": rebalance,
        "relax": relax,
        "capital": capital,
        "slippage_bps": slippage_bps,
        "fees": fees,
    }
    chosen = {option: value for option, value in given.items() if value is not None}
    if not chosen:
        return document
    replaced = {
        name: _replaced(
            getattr(document.thesis, name),
            {option: chosen[option] for option in chosen if _SECTIONS[option] == name},
        )
        for name in dict.fromkeys(_SECTIONS[option] for option in chosen)
    }
    written = {
        option: str(getattr(replaced[_SECTIONS[option]], option)) for option in chosen
    }
    return replace(
        document,
        thesis=document.thesis.model_copy(update=replaced),
        overrides={**document.overrides, **written},
    )


def _replaced(section: Section, chosen: Mapping[str, object]) -> Section:
    """Return a section with keys replaced; `UsageError` if it no longer holds."""
    try:
        return type(section).model_validate({**section.model_dump(), **chosen})
    except ValidationError as error:
        first = details(error)[0]
        key = str(first["loc"][0])
        options = [key] if key in chosen else list(chosen)
        flags = " and ".join(f"--{option.replace('_', '-')}" for option in options)
        if first["type"] == "value_error":
            said = str(first.get("ctx", {})["error"])
        else:
            expected, hint = in_words(first)
            said = f"expected {expected}, found {shown(first['input'])}"
            said += f"; {hint}" if hint else ""
        raise UsageError(f"{flags}: {said}") from error
