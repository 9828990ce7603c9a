"""The thesis file as a JSON Schema, for editors that check TOML as it is typed."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from engine.thesis.model import Thesis
from engine.thesis.naming import SUBJECTS
from engine.thesis.vocabulary import Parameter, Vocabulary, parameters

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(vocabulary: Vocabulary) -> Schema:
    """Return the JSON Schema (2020-12) of a thesis file on one universe.

    Names of layers, factors, claim tests, calendars and currencies are enumerated, and
    the keys that a factor or a test takes depend on its name. Dates are text with
    ``format: date``, which is how editors (taplo) hand TOML's dates to a schema; a
    date in quotes is as good. The same vocabulary gives the same schema, key by key.

    What no schema can say (sums of weights, ids that must exist) only the reader
    checks.
    """
    schema = Thesis.model_json_schema(by_alias=True)
    _clean(schema)
    tables = schema["$defs"]
    layer = {"enum": list(vocabulary.layers)}
    _about(tables["About"]["properties"], vocabulary)
    _chosen(tables["UniverseChoice"]["properties"], vocabulary)
    tables["Leg"]["properties"]["layers"]["items"] = layer
    for by_layer in (
        tables["Portfolio"]["properties"]["layers"],
        tables["Expected"]["properties"]["reaction"],
        tables["Expected"]["properties"]["drift"],
        tables["FactorSpec"]["properties"]["exposure"],
        tables["Mechanism"]["properties"]["exposure"],
    ):
        _close(by_layer, vocabulary.layers)
    _execution(tables, vocabulary)
    tables["FactorSpec"] = _factor(tables["FactorSpec"], vocabulary)
    tables["Mechanism"] = _mechanism(tables["Mechanism"], vocabulary)
    tables["Claim"] = _claim(tables["Claim"], vocabulary)
    schema["properties"]["barbell"]["additionalProperties"] = False
    reading = schema["properties"]["readings"]["additionalProperties"]
    for layers in reading["patternProperties"].values():
        layers["items"] = layer
    reading["additionalProperties"] = False
    signals = schema["properties"]["signals"]
    signals["properties"] = dict.fromkeys(
        sorted(vocabulary.roles), signals["additionalProperties"]
    )
    return {"$schema": DIALECT, "title": "Assay thesis", **schema}


def _about(keys: Schema, vocabulary: Vocabulary) -> None:
    keys["currency"]["enum"] = sorted(vocabulary.currencies)
    keys["calendar"]["enum"] = sorted(vocabulary.calendars)
    tickers = vocabulary.benchmarks | vocabulary.tickers
    keys["benchmarks"]["items"] = {"enum": sorted(tickers)}


def _chosen(keys: Schema, vocabulary: Vocabulary) -> None:
    known = {"enum": sorted(vocabulary.tickers | vocabulary.entities)}
    keys["include"]["items"] = keys["exclude"]["items"] = known


def _execution(tables: Schema, vocabulary: Vocabulary) -> None:
    """Spell out markets, currencies and countries, where the vocabulary knows them."""
    terms, limits = tables["Execution"]["properties"], tables["Portfolio"]["properties"]
    money = sorted(set(vocabulary.line_currencies))
    if vocabulary.mics:
        tables["Charge"]["properties"]["markets"]["items"] = {
            "enum": list(vocabulary.mics)
        }
        _close(terms["withholding"], vocabulary.mics)
    if vocabulary.countries:
        _close(limits["countries"], vocabulary.countries)
    for key in ("borrow_rates", "cash_rates", "overdraft_rates") if money else ():
        _close(terms[key], money)
    if money:
        _close(limits["currencies"], money)


def _close(table: Schema, names: Iterable[str]) -> None:
    """Spell out the keys of a table that is open in the model: editors offer them."""
    table["properties"] = dict.fromkeys(names, table["additionalProperties"])
    table["additionalProperties"] = False


def _factor(table: Schema, vocabulary: Vocabulary) -> Schema:
    """Return the schema of ``[[factors]]``: its keys depend on the factor's name."""
    catalogue = {**vocabulary.asset_factors, **vocabulary.state_factors}
    keys = table["properties"]
    keys["name"] = {"enum": sorted(catalogue)}
    keys["exposure"]["minProperties"] = 1
    choices = []
    for name, kind in sorted(catalogue.items()):
        then: Schema = {"properties": {"params": _parameters(kind)}}
        if name in vocabulary.state_factors:
            then["required"] = ["exposure"]
        else:
            then["properties"]["exposure"] = False
        choices.append(_when("name", name, then))
    return {**table, "allOf": choices}


def _claim(table: Schema, vocabulary: Vocabulary) -> Schema:
    """Return the schema of ``[[claims]]``: its keys depend on the claim's test."""
    table["properties"]["test"] = {"enum": sorted(vocabulary.claim_tests)}
    choices = []
    for name, kind in sorted(vocabulary.claim_tests.items()):
        chosen = _parameters(kind)
        then = {"properties": chosen["properties"]}
        if chosen.get("required"):
            then["required"] = chosen["required"]
        choices.append(_when("test", name, then))
    return {
        **{key: value for key, value in table.items() if key != "additionalProperties"},
        "allOf": choices,
        "unevaluatedProperties": False,
    }


def _mechanism(table: Schema, vocabulary: Vocabulary) -> Schema:
    """Return the schema of ``[[mechanisms]]``: its inputs depend on its kind."""
    if not vocabulary.mechanisms:
        return table
    keys = table["properties"]
    keys["kind"] = {"enum": sorted(vocabulary.mechanisms)}
    each = keys["inputs"].pop("additionalProperties")
    choices = []
    for name, kind in sorted(vocabulary.mechanisms.items()):
        taken = parameters(kind)
        inputs = {
            "properties": {one.name: each for one in taken},
            "required": [one.name for one in taken if one.required],
            "additionalProperties": False,
        }
        choices.append(_when("kind", name, {"properties": {"inputs": inputs}}))
    return {**table, "allOf": choices}


def _when(key: str, value: str, then: Schema) -> Schema:
    """Return the rule that holds where a key has a value."""
    condition = {"properties": {key: {"const": value}}, "required": [key]}
    return {"if": condition, "then": then}


def _parameters(kind: type) -> Schema:
    """Return the schema of the parameters that a factor or a claim test takes."""
    taken = parameters(kind)
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {one.name: _parameter(one) for one in taken},
    }
    required = [one.name for one in taken if one.required]
    if required:
        schema["required"] = required
    described = inspect.getdoc(kind) or ""
    if described and not described.startswith(f"{kind.__name__}("):
        schema["description"] = described.splitlines()[0]
    return schema


def _parameter(parameter: Parameter) -> Schema:
    schema = parameter.adapter.json_schema()
    _clean(schema)
    if parameter.name in SUBJECTS:
        schema["description"] = "A layer, or a leg of the barbell."
    default = parameter.default
    if default is not dataclasses.MISSING and default is not None:
        schema["default"] = list(default) if isinstance(default, tuple) else default
    return schema


def _clean(schema: Schema) -> None:
    """Take out, in place, what the file cannot hold or an editor need not show.

    TOML has no null, so a key that may be null is one that may be left out. Titles
    that repeat a key go, and so do the defaults of whole tables; docstrings lose
    their markup.
    """
    schema.pop("title", None)
    if schema.get("default") is None or "$ref" in schema:
        schema.pop("default", None)
    if isinstance(schema.get("description"), str):
        schema["description"] = schema["description"].split("\n\n")[0].replace("``", "")
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(options) == 1:
        del schema["anyOf"]
        schema.update(options[0])
    elif options:
        schema["anyOf"] = options
    for inner in _inner(schema):
        _clean(inner)


def _inner(schema: Mapping[str, Any]) -> Iterable[Schema]:
    """Yield the schemas directly inside a schema."""
    for key in ("properties", "$defs", "patternProperties"):
        yield from schema.get(key, {}).values()
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield schema[key]
    for key in ("anyOf", "prefixItems"):
        yield from schema.get(key, ())
