"""Mechanisms and scenarios written wrong: each a message with its line and a hint."""

from __future__ import annotations

import jsonschema
import pytest

from engine.thesis.schema import json_schema
from tests.thesis_words import GOOD, WORDS, problems, thesis
from tests.unit.test_thesis_schema import as_an_editor_sees

STRESS = (
    GOOD
    + """
[[mechanisms]]
id = "leg"
says = "The leg ends."
kind = "supply_leg"
reads = { role = "token_share", factor = "token_share_momentum", entity = "deepseek" }
exposure = { compute = "+", labs = -0.5 }
[mechanisms.inputs]
share = { value = 0.3, low = 0.1, high = 1.0, source = "ours" }

[[scenarios]]
id = "rise"
title = "It rises"
states = [
    { role = "token_share", above = 0.5, times = 4 },
    { role = "vendor_share", entity = "deepseek", rises = 8 },
]
effect = { compute = "+", labs = "-" }
"""
)
SCENARIO = '[[scenarios]]\nid = "rise"'
WRONG = [
    ('kind = "supply_leg"', 'kind = "suply_leg"', "did you mean 'supply_leg'?"),
    ("share = { value", "shar = { value", "unknown key 'shar' of the mechanism"),
    ("share = { value", "shar = { value", "the key 'share' of the mechanism"),
    ("value = 0.3, low = 0.1", "value = 0.3, low = 0.4", "lies outside its range"),
    ("high = 1.0", "high = 1.5", "at an end of a range: share 1.5 is no fraction"),
    ("value = 0.3, low = 0.1, high = 1.0", "value = 1.3", "share 1.3 is no fraction"),
    ('source = "ours"', 'sauce = "ours"', "did you mean 'source'?"),
    (', source = "ours"', "", "the key 'source' is missing"),
    ("value = 0.3", 'value = "0.3"', "write 0.3 without quotes"),
    ("labs = -0.5 }", "labz = -0.5 }", "did you mean 'labs'?"),
    ("labs = -0.5 }", "labs = -5 }", "at least -1"),
    ('compute = "+", labs = -0.5', 'compute = "up", labs = -0.5', "a number"),
    ('factor = "token_share_m', 'factor = "token_shar_m', "factor of this thesis"),
    ('role = "token_share", f', 'role = "token_shar", f', "did you mean 'token_share'"),
    (
        'entity = "deepseek" }\ne',
        'entity = "deepseak" }\ne',
        "did you mean 'deepseek'?",
    ),
    (
        'reads = { role = "token_share", factor = "token_share_momentum", '
        'entity = "deepseek" }\nexposure = { compute = "+", labs = -0.5 }',
        "",
        "the stress reaches no layer",
    ),
    ("above = 0.5", "above = 0.5, below = 0.6", "give exactly one of 'above'"),
    ("above = 0.5", "abov = 0.5", "did you mean 'above'?"),
    ("rises = 8", "rises = 8, times = 2", "'times' goes with"),
    ("rises = 8", 'rises = 8, entities = ["a"]', "give one of 'entity', 'entities'"),
    ("rises = 8", 'rises = 8, over = "deepseek"', "needs another 'entity'"),
    ('role = "vendor_share"', 'role = "vender_share"', "did you mean 'vendor_share'?"),
    ('entity = "deepseek", rises', 'entity = "deepseak", rises', "mean 'deepseek'?"),
    ('labs = "-" }', 'labz = "-" }', "unknown layer or basket 'labz'"),
    (SCENARIO, f"{SCENARIO}\nweight = 0", "every scenario weighs 0"),
    (SCENARIO, f"{SCENARIO}\nweight = -1", "at least 0"),
    (
        SCENARIO,
        f'[[scenarios]]\nid = "o"\ntitle = "O"\nweight = 1\neffect = {{ labs = 0 }}\n'
        f'states = [{{ role = "tokens", above = 1 }}]\n\n{SCENARIO}',
        "the key 'weight' is missing, and other scenarios have one",
    ),
    ("[[scenarios]]", "[scenarios]", "write [[scenarios]] above each one"),
]


def changed(old: str, new: str) -> str:
    """Return the thesis with one change in what is about stress."""
    added = STRESS.removeprefix(GOOD)
    assert old in added
    return GOOD + added.replace(old, new, 1)


def test_the_good_one_is_good() -> None:
    assert problems(STRESS) == []
    found = thesis(STRESS).thesis
    assert found.mechanisms[0].exposure == {"compute": 1.0, "labs": -0.5}
    assert found.scenarios[0].effect == {"compute": 1.0, "labs": -1.0}


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_one_thing_wrong_is_said_where_it_stands(old: str, new: str, said: str) -> None:
    found = problems(changed(old, new))
    assert any(said in one for one in found), found
    assert len(found) <= 2, found
    first = STRESS[: STRESS.index("[[mechanisms]]")].count("\n")
    assert all(int(one.split(":")[0]) > first for one in found), found


def test_two_of_one_name_and_two_same_states() -> None:
    twice = STRESS.replace('id = "rise"', 'id = "leg"')
    assert problems(twice) == []  # of different kinds
    second = STRESS[STRESS.index("[[scenarios]]") :]
    assert "is already taken" in problems(STRESS + second)[0]
    state = '{ role = "token_share", above = 0.5, times = 4 },\n'
    again = STRESS.replace(state, state + "    " + state)
    assert "two states are the same" in problems(again)[0]


def test_the_schema_takes_and_turns_down_the_same() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(WORDS))

    def fine(text: str) -> bool:
        return not list(validator.iter_errors(as_an_editor_sees(text)))

    assert fine(STRESS)
    for old, new in (
        ('kind = "supply_leg"', 'kind = "suply_leg"'),
        ("share = { value", "shar = { value"),
        (', source = "ours"', ""),
        ("labs = -0.5 }", "labz = -0.5 }"),
        ("labs = -0.5 }", "labs = -5 }"),
        ('labs = "-" }', 'labs = "down" }'),
        ("above = 0.5", "abov = 0.5"),
    ):
        assert not fine(changed(old, new)), new
