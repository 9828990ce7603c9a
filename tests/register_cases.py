"""A small registered thesis on the sample world, and registers with chosen moments."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from engine.registering import Registered, register_thesis
from engine.runs import register_file

THESIS = """\
[thesis]
id = "small"
title = "Small"
declared = 2025-02-03
start = 2025-01-02
end = 2025-09-30
benchmarks = ["SPY"]
[[factors]]
name = "price_momentum"
weight = 1.0
[barbell.infrastructure]
layers = ["compute", "memory"]
weight = [0.3, 0.7]
[barbell.distribution]
layers = ["cloud", "application"]
weight = [0.3, 0.7]
[portfolio]
max_weight = 0.2
[[events]]
id = "release"
title = "Release"
at = 2025-04-08
windows = [[0, 1]]
[[claims]]
id = "spread"
says = "Compute beats cloud."
test = "layer_spread"
long = "compute"
short = "cloud"
min_effect = 0.05
[[claims]]
id = "paid"
says = "The barbell is better paid than SPY."
test = "sharpe_difference"
a = "barbell"
b = "SPY"
[[claims]]
id = "dip"
says = "Compute falls."
test = "event_sign"
scope = "event"
event = "release"
layer = "compute"
window = [0, 1]
sign = "-"
"""


def write_thesis(folder: Path, text: str = THESIS, name: str = "t.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def edited(old: str, new: str, text: str = THESIS) -> str:
    """Return the thesis with one text replaced; it must be there once."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def set_clock(patch: pytest.MonkeyPatch, moment: str) -> None:
    """Let entries be made at a moment, UTC."""
    now = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)
    patch.setattr(register_file, "utc_now", lambda: now)


def registered_at(
    patch: pytest.MonkeyPatch, moment: str, path: Path, register: Path | None = None
) -> Registered:
    """Register a thesis file as if the clock said `moment`."""
    with patch.context() as now:
        set_clock(now, moment)
        return register_thesis(path, register=register)
