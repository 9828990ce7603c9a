"""A claim's hash as entries of form 1 hold it: frozen, to read old registers.

It leaves out the model of an event, what its news avoids, mirrors, kill criteria and
the series behind a signal's role; form 2 (`register_hashes`) does not.
"""

from __future__ import annotations

from typing import Any

from engine.evidence.claims.context import members
from engine.market.listing import Line, Universe
from engine.runs.register_words import moment, own_keys, params_of, plain, texts
from engine.thesis.model import Claim, Thesis

_SUBJECTS = ("layer", "layers", "long", "short", "other_layer")
_PATHS = ("a", "b", "against", "controls")


def statement(
    claim: Claim, thesis: Thesis, universe: Universe, assets: tuple[Line, ...]
) -> dict[str, Any]:
    """Return what the hash of form 1 is of."""
    params = params_of(claim)
    named = [params.pop("event", None), *params.pop("events", ())]
    about = thesis.about
    said: dict[str, Any] = {
        "claim": own_keys(claim),
        "params": params,
        "account": [about.currency, about.calendar],
    }
    events = [
        {
            "at": moment(event.at),
            "estimation": list(event.estimation),
            "benchmark": event.benchmark or about.benchmarks[0],
        }
        for event in (thesis.event(name) for name in named if name)
    ]
    if events:
        said["events"] = sorted(events, key=lambda one: str(one["at"]))
    readings = [one for key in _PATHS for one in texts(params.get(key))]
    drawn = {one: thesis.readings[one] for one in readings if one in thesis.readings}
    if drawn:
        said["readings"] = plain(drawn)
    subjects = [one for key in _SUBJECTS for one in texts(params.get(key))]
    if subjects:
        said["members"] = {
            one: sorted(members(one, thesis, universe, assets)) for one in subjects
        }
    return said
