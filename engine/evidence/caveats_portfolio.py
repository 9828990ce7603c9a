"""What a reader must know of the decisions: limits widened, and nothing bought."""

from __future__ import annotations

from collections.abc import Sequence

from engine.portfolio.constraints import NAMES, NOTHING
from engine.portfolio.results import Decision

#: Slacks that are no share of the account.
_PLAIN = ("portfolio.beta",)


def portfolio_caveats(decisions: Sequence[Decision]) -> tuple[str, ...]:
    """Return the sentences, the gravest first."""
    said = (_idle(decisions), _relaxed(decisions))
    return tuple(sentence for sentence in said if sentence)


def _relaxed(decisions: Sequence[Decision]) -> str:
    """Say at how many decisions limits were widened, and each by how much at most."""
    wide = [one for one in decisions if one.slacks]
    if not wide:
        return ""
    most: dict[str, float] = {}
    for one in wide:
        for name, slack in one.slacks.items():
            most[name] = max(most.get(name, 0.0), slack)
    told = [f"{_named(name)} by up to {_size(name, most[name])}" for name in most]
    return (
        f"At {len(wide)} of {len(decisions)} decisions the limits could not be met and "
        f"were widened (portfolio.relax): {', '.join(told)}."
    )


def _named(name: str) -> str:
    """Return ``max_weight`` or ``infrastructure.weight minimum``."""
    return name.removeprefix("portfolio.").removeprefix("barbell.")


def _size(name: str, slack: float) -> str:
    """Return a slack in names, in points of a percentage, or as the number it is."""
    if name == NAMES:
        return f"{slack:.0f} {'name' if slack == 1.0 else 'names'}"
    if name.startswith(_PLAIN):
        return f"{slack:.2g}"
    points = 100.0 * slack
    return f"{points:.1f} points" if points >= 0.05 else f"{points:.1g} points"


def _idle(decisions: Sequence[Decision]) -> str:
    """Say so where no decision wanted any asset, and what it rests on."""
    if not decisions or any((one.weights.abs() > NOTHING).any() for one in decisions):
        return ""
    count = len(decisions)
    kept = f"all {count} decisions keep" if count > 1 else "the one decision keeps"
    cards = [one.scorecard for one in decisions]
    unscored = all(bool(card.score.eq(0.0).all()) for card in cards)
    why = (
        "every score is 0 (one asset alone ranks in the middle), so that nothing "
        "speaks for an asset against its risk and its costs"
        if unscored
        else "no asset promises more than its risk and its costs take, or none could "
        "be bought"
    )
    return f"Nothing was bought: {kept} everything in cash, because {why}."
