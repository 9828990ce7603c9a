"""No byte of a register can be changed, and no line moved, without being found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.errors import RegisterError
from engine.runs.register import parse_register
from tests.register_chain import chain, content

PLACE = Path("register.jsonl")
WHOLE = content(chain(5))
LINES = WHOLE.splitlines(keepends=True)


@given(place=some.integers(0, len(WHOLE) - 2), byte=some.integers(0, 255))
def test_every_changed_byte_is_found(place: int, byte: int) -> None:
    told = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    if told == WHOLE:
        assert len(parse_register(told, PLACE).entries) == 5
        return
    with pytest.raises(RegisterError) as raised:
        parse_register(told, PLACE)
    at = WHOLE[:place].count(b"\n") + 1
    named = f"entry {at} " in str(raised.value) or "first line" in str(raised.value)
    assert named, raised.value


@given(order=some.permutations(range(5)), kept=some.integers(1, 5))
def test_only_a_beginning_of_the_chain_is_a_chain(order: list[int], kept: int) -> None:
    told = b"".join(LINES[one] for one in order[:kept])
    if order[:kept] == list(range(kept)):
        assert len(parse_register(told, PLACE).entries) == kept
        return
    first = next(at for at, one in enumerate(order[:kept]) if at != one) + 1
    with pytest.raises(RegisterError, match=f"line {first} holds"):
        parse_register(told, PLACE)


@given(cut=some.integers(0, len(WHOLE)))
def test_wherever_a_process_died_what_came_before_is_there(cut: int) -> None:
    register = parse_register(WHOLE[:cut], PLACE)
    ended = WHOLE[:cut].count(b"\n")
    assert ended <= len(register.entries) <= ended + 1
    assert (
        content(list(register.entries))[:cut]
        == WHOLE[:cut][: len(content(list(register.entries)))]
    )
