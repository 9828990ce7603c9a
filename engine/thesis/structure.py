"""Whether a thesis has the right shape: the model's complaints in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.errors import at_most, nearest
from engine.thesis.complaint import Complaint, Raw, shown
from engine.thesis.model import (
    About,
    Claim,
    Event,
    Execution,
    Expected,
    FactorSpec,
    Kill,
    Leg,
    Mechanism,
    Portfolio,
    Scenario,
    Scoring,
    Section,
    Thesis,
    UniverseChoice,
)
from engine.thesis.source_map import Path
from engine.thesis.stress import Input, Reads, State

#: The tables of a thesis file and what each holds; [signals] is open.
SECTIONS: Mapping[str, type[Section]] = MappingProxyType(
    {
        "thesis": About,
        "universe": UniverseChoice,
        "factors": FactorSpec,
        "scoring": Scoring,
        "barbell": Leg,
        "portfolio": Portfolio,
        "execution": Execution,
        "events": Event,
        "claims": Claim,
        "kill": Kill,
        "mechanisms": Mechanism,
        "scenarios": Scenario,
    }
)
LISTS = ("factors", "events", "claims", "kill", "mechanisms", "scenarios")
#: Tables inside a table, by the key that they stand under.
INNER: Mapping[str, type[Section]] = MappingProxyType(
    {"expected": Expected, "inputs": Input, "reads": Reads, "states": State}
)
#: Keys whose value is a list of pairs.
PAIRS = ("windows", "contrasts")

_EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "float_type": "a number",
        "finite_number": "a finite number",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "bool_type": "true or false, without quotes",
        "string_type": "text in quotes",
        "string_too_short": "some text",
        "tuple_type": "a list in square brackets",
        "list_type": "a list in square brackets",
        "dict_type": "a table",
        "model_type": "a table",
        "date_type": "a date such as 2025-01-27",
        "date_from_datetime_inexact": "a date such as 2025-01-27",
    }
)
_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": "a name of letters, digits, '-', '_' and '.'",
        r"^[1-9][0-9]{0,4}d$": 'a number of days such as "90d"',
    }
)
_COUNTS = {1: "one value", 2: "two values", 3: "three values"}


def structural(raw: Raw) -> tuple[Thesis | None, tuple[Complaint, ...]]:
    """Return the thesis, or None and everything that keeps `raw` from being one."""
    try:
        return Thesis.model_validate(raw), ()
    except ValidationError as error:
        found = [_complaint(one, raw) for one in details(error) if not _follows(one)]
    return None, tuple(dict.fromkeys(found))


def details(error: ValidationError) -> list[ErrorDetails]:
    """Return the single errors of a failed validation."""
    return error.errors(include_url=False)


def section_at(path: Path) -> type[Section]:
    """Return the model of the table that a path leads to."""
    if not path:
        return Thesis
    inner = next((INNER[str(one)] for one in path[2:] if str(one) in INNER), None)
    return inner or SECTIONS[str(path[0])]


def keys_of(section: type[Section]) -> tuple[str, ...]:
    """Return the keys of a table as the file writes them."""
    return tuple(field.alias or name for name, field in section.model_fields.items())


def unknown_key(path: Path, known: Iterable[str], owner: str = "") -> Complaint:
    """Return the complaint about a key that its table, or `owner`, does not have."""
    key = str(path[-1])
    names = tuple(known)
    homes = [
        f"[[{table}]]" if table in LISTS else f"[{table}]"
        for table, section in SECTIONS.items()
        if key in keys_of(section) and table != path[0]
    ]
    hint = nearest(key, names)
    if len(homes) == 1:
        hint = f"it belongs in {homes[0]}"
    hint = hint or (f"known are {at_most(names, 12)}" if names else "leave it out")
    of = f" of {owner}" if owner else ""
    return Complaint(path=path, message=f"unknown key {shown(key)}{of}", hint=hint)


def in_words(error: ErrorDetails) -> tuple[str, str]:
    """Return what one error of pydantic expected, in plain words, and a hint."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "literal_error":
        return _choice(str(context["expected"]), value)
    if kind == "string_pattern_mismatch":
        return _pattern(str(context["pattern"]), value)
    if kind in _BOUNDS:
        return _BOUNDS[kind](context), _as_fraction(context, value)
    if kind in _EXPECTED:
        return _EXPECTED[kind], _unquoted(kind, value)
    return error["msg"][:1].lower() + error["msg"][1:], ""


def _complaint(error: ErrorDetails, raw: Raw) -> Complaint:
    """Return one error of pydantic as a complaint with its path in the file."""
    path = tuple(part for part in error["loc"] if part != "[key]")
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return unknown_key(path, keys_of(section_at(path[:-1])))
    if kind == "missing" and not isinstance(path[-1], int):
        return _missing(path)
    if kind == "value_error":
        said, _, hint = str(error.get("ctx", {})["error"]).partition("; ")
        return Complaint(path=path, message=said, hint=hint)
    if kind in ("missing", "too_long") or _is_flat_pair(path, kind):
        return _wrong_count(path, error, raw)
    if kind in ("model_type", "tuple_type") and len(path) <= 2:
        table = _wrong_table(path, value)
        if table:
            return table
    expected, hint = in_words(error)
    if path[-1] == "half_life" and isinstance(value, int):
        hint = f'write "{value}d"'
    return Complaint(
        path=path, message=f"expected {expected}, found {shown(value)}", hint=hint
    )


def _follows(error: ErrorDetails) -> bool:
    """Whether a list is short only because its items were turned down."""
    least = error.get("ctx", {}).get("min_length", 0)
    return error["type"] == "too_short" and len(error["input"]) >= least


def _missing(path: Path) -> Complaint:
    if len(path) == 1:
        return Complaint(
            path=path,
            message=f"the table [{path[0]}] is missing",
            hint="`assay init NAME` writes a thesis to start from",
        )
    return Complaint(
        path=path, message=f"the key {path[-1]!r} is missing", hint="add it"
    )


def _is_flat_pair(path: Path, kind: str) -> bool:
    """Whether a list of pairs was written as one flat pair."""
    return kind == "tuple_type" and isinstance(path[-1], int) and path[-2] in PAIRS


def _wrong_count(path: Path, error: ErrorDetails, raw: Raw) -> Complaint:
    """Return the complaint about a list with too few or too many values."""
    if error["type"] == "too_long":
        count = _COUNTS.get(error.get("ctx", {})["max_length"], "fewer values")
        said = f"expected {count}, found {shown(error['input'])}"
        return Complaint(path=path, message=said)
    found = shown(_value_at(raw, path[:-1]))
    if path[-2] in PAIRS:
        said = f"expected a list of pairs, found {found}"
        return Complaint(
            path=path[:-1],
            message=said,
            hint="write pairs in double brackets: [[0, 1]]",
        )
    return Complaint(path=path[:-1], message=f"expected two values, found {found}")


def _wrong_table(path: Path, value: object) -> Complaint | None:
    """Return the complaint about single for double brackets, or the other way."""
    name = str(path[0])
    if len(path) == 1 and name in LISTS and isinstance(value, dict):
        found, right = f"[{name}]", f"write [[{name}]] above each one"
    elif len(path) == 1 and isinstance(value, list):
        found, right = f"a list, [[{name}]]", f"write [{name}], once"
    elif name == "barbell" and len(path) == 2:
        found = shown(value)
        right = "give the leg a name: [barbell.NAME] with its layers and weight"
    else:
        return None
    wanted = "a list of tables" if name in LISTS else "a table"
    return Complaint(path=path, message=f"expected {wanted}, found {found}", hint=right)


def _choice(expected: str, value: object) -> tuple[str, str]:
    """Return the words of a closed choice and the one that was nearly written."""
    words = re.findall(r"'([^']*)'", expected)
    phrase = " or ".join([", ".join(map(repr, words[:-1])), repr(words[-1])])
    if isinstance(value, str):
        return phrase, nearest(value, words)
    return phrase, "write one of them, in quotes"


def _pattern(pattern: str, value: object) -> tuple[str, str]:
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", str(value)).strip("-_.")
    named = "letters" in _PATTERNS.get(pattern, "")
    expected = _PATTERNS.get(pattern, f"text like {pattern}")
    return expected, f"for example {slug!r}" if named and slug else ""


def _unquoted(kind: str, value: object) -> str:
    """Return how a value in the wrong kind of quotes or brackets should be written."""
    if kind == "tuple_type" and isinstance(value, str):
        return f'write ["{value}"]'
    if kind in ("float_type", "int_type", "bool_type") and isinstance(value, str):
        text = value.strip().lower()
        if kind == "bool_type" and text in ("true", "false"):
            return f"write {text}"
        if kind != "bool_type" and re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
            return f"write {text} without quotes"
    if kind == "string_type" and isinstance(value, int | float):
        return f'write "{shown(value)}"'
    return ""


def _as_fraction(context: Mapping[str, Any], value: object) -> str:
    """Return how a percentage should be written, where one was meant."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if context.get("le") == 1.0 and number and 2 < value <= 100:  # type: ignore[operator]
        return f"write {value / 100:g} for {value:g} %"  # type: ignore[operator]
    return ""


_BOUNDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "greater_than": lambda context: f"a number above {context['gt']:g}",
        "greater_than_equal": lambda context: f"at least {context['ge']:g}",
        "less_than": lambda context: f"a number below {context['lt']:g}",
        "less_than_equal": lambda context: f"at most {context['le']:g}",
        "too_short": lambda _: "at least one entry",
    }
)


def _value_at(raw: object, path: Path) -> object:
    """Return the value at a path of the raw thesis."""
    for part in path:
        raw = raw[part]  # type: ignore[index]
    return raw
