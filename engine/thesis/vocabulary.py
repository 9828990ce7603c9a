"""The words a thesis may use, and the parameters that factors and tests take."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from engine.errors import AssayError
from engine.thesis.complaint import Complaint, shown
from engine.thesis.source_map import Path
from engine.thesis.structure import details, in_words, unknown_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Names that a thesis may use: what the catalogues and one universe offer.

    tickers : symbols and aliases (house styles) of lines and benchmarks.
    asset_factors, state_factors, claim_tests, mechanisms : name -> frozen dataclass
        whose fields are the parameters (a mechanism's inputs) it takes; a field without
        a default is required.
    mics, countries : exchanges whose sessions are known, and where they are.
    line_currencies : what the universe's lines trade in, and accounts are kept in.
    aliases : house style -> the symbol it stands for. fee_items : names of the fees
        that the packaged table charges.
    """

    layers: tuple[str, ...]
    tickers: frozenset[str]
    benchmarks: frozenset[str]
    entities: frozenset[str]
    asset_factors: Mapping[str, type]
    state_factors: Mapping[str, type]
    claim_tests: Mapping[str, type]
    calendars: tuple[str, ...]
    currencies: tuple[str, ...]
    roles: tuple[str, ...]
    mechanisms: Mapping[str, type] = field(default_factory=dict)
    mics: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    line_currencies: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    fee_items: tuple[str, ...] = ()

    def without_universe(self) -> Vocabulary:
        """Return the catalogues alone: names that a universe gives go unchecked."""
        return dataclasses.replace(
            self,
            layers=(),
            tickers=frozenset(),
            benchmarks=frozenset(),
            entities=frozenset(),
            line_currencies=(),
            aliases={},
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameter:
    """One parameter of a factor or a claim test."""

    name: str
    annotation: Any  # a type, or what typing builds from types
    default: object
    adapter: TypeAdapter[Any]

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is dataclasses.MISSING


@functools.lru_cache(maxsize=256)
def parameters(kind: type) -> tuple[Parameter, ...]:
    """Return the parameters of a factor or a claim test, in the order written."""
    hints = typing.get_type_hints(kind, include_extras=True)
    as_written = ConfigDict(strict=True, allow_inf_nan=False)
    return tuple(
        Parameter(
            name=field.name,
            annotation=hints[field.name],
            default=_default(field),
            adapter=TypeAdapter(hints[field.name], config=as_written),
        )
        for field in dataclasses.fields(kind)
        if field.init
    )


def check_parameters(
    table: Path,
    given: Mapping[str, Any],
    kind: type,
    *,
    also: Iterable[str] = (),
    owner: str,
) -> Iterator[Complaint]:
    """Yield what is wrong with the parameters given to a factor or a claim test.

    `table` is the path where they stand, `also` other keys that the table may have,
    `owner` what they belong to, in words.
    """
    taken = parameters(kind)
    names = [parameter.name for parameter in taken]
    others = set(also)
    values, fine = {}, True
    for key in given:
        if key not in names and key not in others:
            fine = False
            yield unknown_key((*table, key), [*names, *others], owner)
    for parameter in taken:
        path = (*table, parameter.name)
        if parameter.name in given:
            problem, values[parameter.name] = _converted(
                path, given[parameter.name], parameter.adapter
            )
            fine = fine and problem is None
            yield from [problem] if problem else []
        elif parameter.required:
            fine = False
            missing = f"the key {parameter.name!r} of {owner} is missing"
            yield Complaint(path=path, message=missing, hint="add it")
    if fine:
        yield from _refused(table, kind, values)


def _converted(
    path: Path, value: object, adapter: TypeAdapter[Any]
) -> tuple[Complaint | None, object]:
    """Return a value as its parameter's type, or the complaint about it.

    Values count as written, but a list may stand for a tuple and quoted text for a
    date, which TOML and its editors do not tell apart.
    """
    try:
        return None, adapter.validate_python(_as_tuples(value))
    except ValidationError as error:
        found = details(error)
    if all(one["type"] in ("date_type", "datetime_type", "list_type") for one in found):
        try:
            return None, adapter.validate_python(value, strict=False)
        except ValidationError as error:
            found = details(error)
    words = [in_words(one) for one in found]
    expected = " or ".join(dict.fromkeys(phrase for phrase, _ in words))
    hint = next((hint for _, hint in words if hint), "")
    inner = found[0]
    places = tuple(part for part in inner["loc"] if isinstance(part, int))
    if len(found) > 1 or not places:
        inner_value, places = value, ()
    else:
        inner_value = inner["input"]
    message = f"expected {expected}, found {shown(inner_value)}"
    return Complaint(path=(*path, *places), message=message, hint=hint), None


def _refused(
    table: Path, kind: type, values: Mapping[str, object]
) -> Iterator[Complaint]:
    """Yield the reason why a factor or test does not accept its parameters."""
    try:
        kind(**values)
    except (ValueError, AssayError) as error:
        said, _, hint = str(error).partition("; ")
        named = [name for name in values if name in said.replace("'", " ").split()]
        path = (*table, named[0]) if len(named) == 1 else table
        yield Complaint(path=path, message=said, hint=hint)


def _as_tuples(value: object) -> object:
    """Return a value with every list in it as a tuple."""
    if isinstance(value, list):
        return tuple(_as_tuples(item) for item in value)
    return value


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
