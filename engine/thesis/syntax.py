"""A text that is not TOML: where it breaks, and how it was probably meant."""

from __future__ import annotations

import re

from engine.thesis.complaint import shown
from engine.thesis.structure import LISTS

#: What tomllib says -> what to do; it leaves no doubt.
_CERTAIN = (
    ("Unterminated string", "close the text that begins here with three quotes"),
    ("Invalid date", "give a date that exists, such as 2025-01-27"),
    ("Unescaped", "double every backslash, or use single quotes"),
    ("Duplicate inline table key", "keep one of the two"),
)
#: What the line looks like, its quoted texts emptied -> what to do.
_LOOKS = (
    (r"^\[\[?[^\]=]*$", "close the bracket of the table"),
    (r"[“”„«»‘’]", "use straight quotes: \" or '"),
    (r"^[^\"']*([\"'])(?:(?!\1).)*$", "close the quotes"),
    (r"^[A-Za-z0-9_.-]+\s*:", "write = between key and value, not a colon"),
    (r"=\s*(#.*)?$", "write a value after the = sign"),
    (r"[=\[,]\s*(True|False|TRUE|FALSE)\b", "write true and false in small letters"),
    (r"[=\[,]\s*(None|null|nil)\b", "leave the key out instead"),
    (r"^(?!\[).*[=\[,]\s*(?!true|false|inf|nan)\w*\.?[A-Za-z]", "put text in quotes"),
    (r"=\s*\d{4}-\d{1,2}-\d{1,2}", "dates need two digits for month and day"),
    (r"=\s*\d{1,2}[./]\d{1,2}[./]\d{2,4}", "write dates as 2025-01-27"),
    (r"[=\[,]\s*\d+(\.\d+)?\s*%", "write a share as a fraction: 0.05 for 5 %"),
    (r"[=\[,]\s*[+-]?\.\d", "write the zero before the point: 0.5"),
    (r"[=\[,]\s*[+-]?\d+\.(?!\d)", "write a digit after the point: 1.0"),
    (r"=\s*\d+,\d+", "write decimals with a point: 0.5"),
    (r"[=\[,]\s*0\d", "put numbers with leading zeros, such as tickers, in quotes"),
)
#: What tomllib says -> what to do, where the line shows nothing wrong.
_LIKELY = (
    ("Unclosed array", "close the list that begins above with ]"),
    ("Unclosed inline table", "close it with }; what { opens stands on one line"),
    ("Illegal character", "close the quotes, or take the character out"),
)
_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot mutate")


def broken_at(error: ValueError, text: str) -> tuple[int, str, str]:
    """Return the line where tomllib gave up, what it found there, and a hint."""
    said, line = _place(str(error), text)
    here = text.split("\n")[line - 1].strip()
    found = f"found {shown(here)}" if here else "found nothing"
    if said.startswith(_TWICE):
        name = next((name for name in LISTS if re.match(rf"\[+{name}\b", here)), "")
        hint = f"write [[{name}]] above each one" if name else "keep one of the two"
        return line, f"a key or table that is there already, {found}", hint
    if "digits" in said:
        return line, "a number has thousands of digits", "write a shorter one"
    reason = said[:1].lower() + said[1:]
    return line, f"this is not TOML ({reason}), {found}", _hint(said, here)


def _place(said: str, text: str) -> tuple[str, int]:
    """Return what tomllib said without the place, and the line to look at."""
    place = re.search(r" \(at line (\d+), column \d+\)$", said)
    if place:
        return said[: place.start()], int(place[1])
    said = said.removesuffix(" (at end of document)")
    if said.startswith("Unterminated string"):
        return said, text.count("\n", 0, max(map(text.rfind, ('"""', "'''")))) + 1
    long = re.search(r"\d{4000}", text.replace("_", ""))
    if "digits" in said and long:
        return said, text.replace("_", "").count("\n", 0, long.start()) + 1
    return said, text.rstrip("\n").count("\n") + 1


def _hint(said: str, here: str) -> str:
    """Return what to do about a line that tomllib cannot read."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", '""', here)
    hints = (
        *(advice for reason, advice in _CERTAIN if said.startswith(reason)),
        *(advice for look, advice in _LOOKS if re.search(look, bare)),
        *(advice for reason, advice in _LIKELY if said.startswith(reason)),
    )
    return hints[0] if hints else "check quotes, brackets and commas"
