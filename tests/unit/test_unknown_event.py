"""An event that the thesis does not have is met with those that it has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import UsageError
from engine.parts import _event


def inputs(*names: str) -> Any:
    events = tuple(SimpleNamespace(id=name) for name in names)
    return SimpleNamespace(thesis=SimpleNamespace(events=events), overrides={})


@pytest.mark.parametrize(
    ("known", "name", "said"),
    [
        (("selloff", "release"), "seloff", "did you mean 'selloff'?"),
        (("selloff", "release"), "nope", "Known are selloff, release"),
        ((), "nope", "The thesis has no [[events]]"),
    ],
)
def test_the_nearest_or_all_events_are_named(
    known: tuple[str, ...], name: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        _event(inputs(*known), name)
    assert str(caught.value) == f"no event is called {name!r}. {said}"


def test_an_event_is_found() -> None:
    assert _event(inputs("a", "b"), "b").id == "b"
