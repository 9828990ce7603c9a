"""Readings that cannot be meant: the line, the words, and the account they would be."""

from __future__ import annotations

import pytest

from engine.thesis.readings import legs_of
from tests.thesis_words import GOOD, problems, thesis

PORTFOLIO = "[portfolio]"
TABLE = '[readings."cloud below"]\n'
BELOW = (
    f'{TABLE}infrastructure = ["compute", "memory", "cloud"]\n'
    'distribution = ["application"]\n\n'
)


def reading(text: str) -> str:
    """Return the good thesis with a reading before [portfolio]."""
    return GOOD.replace(PORTFOLIO, f"{text}\n{PORTFOLIO}", 1)


def test_a_reading_keeps_budgets_and_what_it_does_not_name() -> None:
    told = thesis(reading(BELOW)).thesis
    legs = legs_of(told, "cloud below")
    assert legs["infrastructure"].layers == ("compute", "memory", "cloud")
    assert legs["distribution"].layers == ("application",)
    assert legs["middle"] == told.barbell["middle"]
    for name, leg in legs.items():
        assert leg.weight == told.barbell[name].weight
    assert list(legs) == list(told.barbell)
    with pytest.raises(KeyError):
        legs_of(told, "cloud above")


def test_claims_and_kill_criteria_may_name_a_reading() -> None:
    text = reading(BELOW).replace('b = "infrastructure alone"', 'b = "cloud below"')
    assert '"cloud below"' in text.split("[[claims]]", 1)[1]
    assert problems(text) == []
    assert any("unknown path 'cloud below'" in one for one in problems(
        text.replace(BELOW, "")
    ))  # fmt: skip


WRONG: list[tuple[str, str, tuple[str, ...]]] = [
    ('distributoin = ["application"]', "distributoin",
     ("unknown leg of the barbell", "did you mean 'distribution'?")),
    ('distribution = ["aplication"]', "aplication",
     ("unknown layer", "did you mean 'application'?")),
    ('infrastructure = ["compute", "memory", "cloud"]', "infrastructure =",
     ("layer 'cloud' is already in the leg 'distribution', line 37",
      "name 'distribution' in the reading too, without it")),
    ('infrastructure = ["compute", "compute"]', "infrastructure =",
     ("layer 'compute' is named twice",)),
    ('infrastructure = ["memory", "compute"]', "[readings",
     ("the reading 'cloud below' is the barbell itself",)),
    ("infrastructure = []", "infrastructure =", ("at least one entry",)),
    ('infrastructure = "compute"', "infrastructure =", ('write ["compute"]',)),
    ("", "[readings", ("at least one entry",)),
]  # fmt: skip


@pytest.mark.parametrize(("body", "fragment", "wanted"), WRONG)
def test_what_is_wrong_is_said_with_its_line(
    body: str, fragment: str, wanted: tuple[str, ...]
) -> None:
    text = reading(f"{TABLE}{body}\n")
    start = text.index(TABLE)
    line = text.count("\n", 0, text.index(fragment, start)) + 1
    found = problems(text)
    assert found
    told = next((one for one in found if wanted[0] in one), "")
    assert told.startswith(f'{line}: [readings."cloud below"]'), found
    for word in wanted:
        assert word in told


@pytest.mark.parametrize(
    "name", ["barbell", "equal weight", "anti-thesis", "SPY", "middle alone"]
)
def test_a_reading_may_not_have_the_name_of_another_account(name: str) -> None:
    (told,) = problems(reading(BELOW.replace("cloud below", name)))
    assert f"the reading '{name}' has the name of another account" in told
