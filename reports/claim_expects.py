"""What a claim expects, in the unit of its test, and what would turn its verdict."""

from __future__ import annotations

from collections.abc import Mapping

from engine.evidence.results import ClaimResult
from engine.evidence.verdict import FALSE_DISCOVERY_RATE
from engine.thesis.model import Claim
from reports import numbers

#: Test -> unit of its effect, and the noun that the expectation needs, if any.
EFFECTS: Mapping[str, tuple[str, str]] = {
    "demand_elasticity": ("elasticity", "an elasticity of spending "),
    "event_contrast": ("return", ""),
    "event_dispersion": ("standard deviations", "a difference of sizes "),
    "event_sign": ("return", ""),
    "factor_rank_ic": ("rank correlation", "a rank correlation "),
    "hedge_beta": ("beta", "a beta "),
    "incremental_ratio": ("ratio", "a difference of ratios "),
    "layer_spread": ("return per year", ""),
    "lead_lag": ("beta", "a slope "),
    "rank_order": ("rank correlation", "a rank correlation "),
    "saturation": ("per year", "a change of pace "),
    "sharpe_difference": ("Sharpe ratio", "a Sharpe ratio difference "),
    "spanning_alpha": ("return per year", "an alpha "),
    "trend": ("per year", "a change "),
}
CONDITION = "signal_threshold"


def least(one: ClaimResult) -> str:
    """Return the smallest effect that matters, in the unit of the claim's test."""
    unit, _ = EFFECTS.get(one.test, ("return", ""))
    shown = numbers.unit_format(unit)(one.min_effect).removeprefix("+")
    year = " a year" if unit == "return per year" else ""
    return f"{shown}{year}"


def expects(one: ClaimResult) -> str:
    """Return ``expects below −2.0%``."""
    _, noun = EFFECTS.get(one.test, ("return", ""))
    above = one.sign == "+"
    if not one.min_effect:
        return f"expects {noun}{'above' if above else 'below'} zero"
    shown = least(one)
    return f"expects {noun}" + (
        f"above {shown}" if above else f"below {numbers.MINUS}{shown}"
    )


def condition(claim: Claim | None) -> str:
    """Return ``vendor share of alphabet below 25%, 12 in a row, by 2026-06-30``."""
    if claim is None:
        return ""
    told = claim.params
    role = str(told.get("role", ""))
    word = "above" if told.get("above") is not None else "below"
    line = float(told.get(word) or 0.0)
    # shares are decimal fractions; any other unit is not known before a value is
    over = str(told.get("over") or "")
    fraction = role.endswith("share") and not over
    shown = numbers.rate(line) if fraction else f"{line:,.12g}"
    role = f"{role} over {over}" if over else role
    entity = f" of {told['entity']}" if told.get("entity") else ""
    parts = [f"{role.replace('_', ' ')}{entity} {word} {shown}"]
    times = int(told.get("times") or 1)
    if told.get("keeps"):
        parts.append(f"lost by {times} in a row" if times > 1 else "kept throughout")
    elif times > 1:
        parts.append(f"{times} in a row")
    if told.get("by"):
        parts.append(f"by {told['by']}")
    return ", ".join(parts)


def would_turn(claim: Claim | None, one: ClaimResult) -> str:
    """Return what would turn a verdict, as a sentence without its stop; "" if unsaid.

    What refutes a claim, unless it is refuted: then what would bring it back.
    """
    if one.verdict == "refuted":
        return f"Would revive it: {_revives(claim, one)}"
    if claim is None or not claim.refuted_if:
        return ""
    return f"Would change our mind: {claim.refuted_if.rstrip('.')}"


def _revives(claim: Claim | None, one: ClaimResult) -> str:
    """Return the evidence that would support a refuted claim."""
    if one.test == CONDITION:
        return f"the condition met on later evidence ({condition(claim)})"
    wanted = f"{expects(one).removeprefix('expects ')}, q < {FALSE_DISCOVERY_RATE:.2f}"
    if one.scope == "event":
        return f"other events of its kind with the expected sign ({wanted})"
    return f"later evidence of the expected sign ({wanted})"
