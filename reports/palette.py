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
_LEGS = ("steel", "teal", "clay", "plum", "sage")
_BENCHMARKS = ("gold", "amber", "sand", "plum")


def layer_colours(layers: Sequence[str]) -> dict[str, str]:
    """Return one colour per layer, in the order of the universe; cash is grey."""
    named = {name: light(_LAYERS[i % len(_LAYERS)]) for i, name in enumerate(layers)}
    return named | {"cash": light("haze")}


def path_colours(
    barbell: str, benchmarks: Sequence[str], others: Sequence[str]
) -> dict[str, str]:
    """Return one colour per backtest: benchmarks in gold, legs in blue, the rest."""
    named = {barbell: light("navy")}
    for i, name in enumerate(benchmarks):
        named[name] = light(_BENCHMARKS[i % len(_BENCHMARKS)])
    legs = [name for name in others if name.endswith(" alone")]
    for i, name in enumerate(legs):
        named[name] = light(_LEGS[i % len(_LEGS)])
    for name in others:
        if name not in named:
            named[name] = light("red" if name == "anti-thesis" else "slate")
    return named


def style_sheet(dark: bool) -> str:
    """Return the CSS declarations of every role."""
    return "".join(
        f"--{role}:{pair[1] if dark else pair[0]};" for role, pair in ROLES.items()
    )
