"""A text that is not TOML: where it breaks, and how it was probably meant."""

from __future__ import annotations

import re

from engine.thesis.complaint import shown

#: What a line looks like -> what to do; the first that fits is said.
_HINTS: tuple[tuple[str, str], ...] = (
    (r"[“”„«»‘’]", "use straight quotes: \" or '"),
    (r"=\s*[+-]?\.\d", "write the zero before the point: 0.5"),
    (r"=\s*[\[\d., ]*\d\.(?![\d])", "write a digit after the point: 1.0"),
    (r"=\s*\d{4}-\d{1,2}-\d{1,2}", "a date has two digits each for month and day, and "
     "must exist: 2025-01-27"),
    (r"=\s*\d{1,2}[./]\d{1,2}[./]\d{2,4}", "write dates as 2025-01-27"),
    (r"=\s*\d+,\d+\s*(#.*)?$", "write decimals with a point: 0.5"),
    (r"=\s*\d[\d.]*\s*%", "write a share as a fraction: 0.05 for 5 %"),
    (r"=\s*0\d+", "put numbers with leading zeros, such as tickers, in quotes"),
    (r"=\s*(True|False|TRUE|FALSE)\b", "write true and false in small letters"),
    (r"=\s*(None|null|nil)\b", "leave the key out instead"),
    (r"=\s*(#.*)?$", "write a value after the = sign"),
    (r"^\s*[A-Za-z0-9_.-]+\s*:", "write = between key and value, not a colon"),
    (r"=\s*[A-Za-z]", "put text in quotes"),
    (r'=\s*"[^"]*\\', "double every backslash, or use single quotes"),
    (r"^\s*\[\[?[^\]]*$", "close the bracket of the table"),
)  # fmt: skip


def broken_at(error: ValueError, text: str) -> tuple[int, str, str]:
    """Return the line where tomllib gave up, what it found there, and a hint."""
    said = str(error)
    place = re.search(r" \(at line (\d+), column \d+\)$", said)
    lines = text.splitlines() or [""]
    if place:
        line, said = int(place[1]), said[: place.start()]
    else:
        said = said.removesuffix(" (at end of document)")
        line = len(lines)
    if said.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate")):
        return line, "this key or table is there twice", "keep one of the two"
    if said.startswith("Duplicate inline table key"):
        return line, "a key is there twice between { and }", "keep one of the two"
    here = lines[min(line, len(lines)) - 1].strip()
    hints = (advice for pattern, advice in _HINTS if re.search(pattern, here))
    found = f"found {shown(here)}" if here else "found nothing"
    reason = said[:1].lower() + said[1:]
    message = f"this is not TOML ({reason}), {found}"
    return line, message, next(hints, "check quotes, brackets and commas")
