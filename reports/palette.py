"""The colours of both reports: one set for paper, one for a dark screen.

A figure is drawn in the light colours. The HTML page replaces each by a CSS variable
of its role, so that the same drawing is right on a dark screen and on paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

#: role -> (light, dark)
ROLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ink": ("#1b2733", "#e4e9ee"),
        "mute": ("#596673", "#9eaab6"),
        "axis": ("#98a4b0", "#5b6874"),
        "grid": ("#e4e8ed", "#27313b"),
        "paper": ("#fefefe", "#12171d"),
        "navy": ("#14375e", "#86b8ea"),
        "steel": ("#2f6f9f", "#5b9bd0"),
        "teal": ("#5aa0b8", "#79bdd2"),
        "sage": ("#8fb8a2", "#a3cbb5"),
        "clay": ("#b0653f", "#d18a63"),
        "sand": ("#c9a961", "#d6ba78"),
        "plum": ("#7b6391", "#ac94c4"),
        "gold": ("#b08d3c", "#dcbb62"),
        "amber": ("#d08a4e", "#e3a672"),
        "slate": ("#7d8894", "#8a96a3"),
        "mist": ("#c8d0d8", "#45525f"),
        "haze": ("#dfe4e9", "#323d48"),
        "wash": ("#edf3f8", "#1a2632"),
        "red": ("#a63d40", "#ee8d8f"),
        "green": ("#2c7a56", "#6fc49b"),
        "stone": ("#586573", "#dfe5ea"),
        "umber": ("#8a5a2b", "#b98a5e"),
        "violet": ("#9356a8", "#c77fe0"),
        "sky": ("#3f9be6", "#3b82d6"),
        "leaf": ("#23805a", "#57b98a"),
        "maize": ("#c98f14", "#f2c14e"),
    }
)


def light(role: str) -> str:
    """Return the colour of a role on paper."""
    return ROLES[role][0]


def with_variables(drawing: str) -> str:
    """Return an SVG whose colours are CSS variables with the light colour behind."""
    for role, (colour, _) in ROLES.items():
        drawing = drawing.replace(colour, f"var(--{role},{colour})")
    return drawing


_LAYERS = ("navy", "steel", "teal", "sage", "clay", "sand", "plum", "amber", "slate")
#: Solid lines differ in every kind of sight; what else is close differs in its dash.
_LEGS = ("sky", "leaf", "maize", "steel", "sage")
_BENCHMARKS = ("stone", "umber", "slate")
SOLID, DASHED, DOTTED, MIXED = (1, 0), (5, 3), (1.5, 2), (7, 2, 1.5, 2)


def layer_colours(layers: Sequence[str]) -> dict[str, str]:
    """Return one colour per layer, in the order of the universe; cash is grey."""
    named = {name: light(_LAYERS[i % len(_LAYERS)]) for i, name in enumerate(layers)}
    return named | {"cash": light("haze")}


Style = tuple[str, tuple[float, ...]]
_RIVALS: Mapping[str, Style] = MappingProxyType(
    {
        "anti-thesis": (light("red"), DASHED),
        "inverse volatility": (light("violet"), MIXED),
    }
)


def path_styles(
    barbell: str,
    benchmarks: Sequence[str],
    others: Sequence[str],
    readings: Sequence[str] = (),
) -> dict[str, Style]:
    """Return the colour and the dash of each backtest.

    Another reading of the thesis has the barbell's colour with a dash of its own.
    """
    legs = [name for name in others if name.endswith(" alone")]
    named: dict[str, Style] = {barbell: (light("navy"), SOLID)}
    for i, name in enumerate(benchmarks):
        dash = SOLID if i == 0 else MIXED
        named[name] = (light(_BENCHMARKS[i % len(_BENCHMARKS)]), dash)
    for i, name in enumerate(legs):
        dash = SOLID if i < 3 else DASHED
        named[name] = (light(_LEGS[i % len(_LEGS)]), dash)
    for i, name in enumerate(readings):
        named[name] = (light("navy"), (DASHED, DOTTED, MIXED)[i % 3])
    for name in others:
        named.setdefault(name, _RIVALS.get(name, (light("violet"), DOTTED)))
    return named


def style_sheet(dark: bool) -> str:
    """Return the CSS declarations of every role."""
    return "".join(
        f"--{role}:{pair[1] if dark else pair[0]};" for role, pair in ROLES.items()
    )
