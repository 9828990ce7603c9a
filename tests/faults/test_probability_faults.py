"""Probabilities that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import app
from engine.errors import ThesisError
from tests.register_cases import edited, write_thesis


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("0.0", "above 0"),
        ("1.0", "below 1"),
        ("70", "below 1"),
        ('"0.7"', "a number"),
        ("-0.1", "above 0"),
        ("nan", "a finite number"),
    ],
)
def test_a_probability_is_a_number_between_zero_and_one(
    tmp_path: Path, written: str, words: str
) -> None:
    text = edited('id = "paid"', f'id = "paid"\nprobability = {written}')
    with pytest.raises(ThesisError) as raised:
        app.read_thesis(write_thesis(tmp_path, text))
    (problem,) = raised.value.problems
    assert words in str(problem)
    assert problem.where == "claims 'paid': probability" or "paid" in problem.where
