"""Why the largest positions are held: which decision is explained, and what is said."""

from __future__ import annotations

from dataclasses import replace

from engine.explain_balance import EXPECTED, RISK
from engine.explanation import Explanation, values_of
from engine.study_result import StudyResult
from reports import numbers, why_known, why_tables, words
from reports.document import Block, Section, Text
from reports.positions import explained_decision, largest, was_scored
from reports.section_parts import section

#: Below this share of the charge for risk, expected returns decide little.
_LITTLE = 0.25


def section_of(result: StudyResult) -> Section:
    """Return the chain from observation to profit of the largest positions."""
    told = largest(result)
    blocks: list[Block | None] = []
    if told:
        decided = sentence(result, told)
        weighed = weighed_sentence(told)
        blocks = [
            Text(text=decided),
            Text(text=weighed) if weighed else None,
            why_known.known(told[0]),
            why_tables.chain(told),
        ]
    made = section("why", "Why it holds its largest positions", blocks)
    return replace(made, new_page=True)


def sentence(result: StudyResult, told: tuple[Explanation, ...]) -> str:
    """Return which decision is explained, and why that one."""
    one, last = told[0], result.decisions[-1]
    share = sum(abs(values_of(each.weights)["target weight"]) for each in told)
    many = f"The {len(told)} largest positions" if len(told) > 1 else "The one position"
    said = (
        f"{many} ({numbers.percent(share)} of NAV) of the decision of "
        f"{numbers.long_day(one.decided)}, followed to {numbers.long_day(one.until)}. "
    )
    if not any(was_scored(each) for each in result.decisions):
        blind = "No decision of this study knew enough signals to score an asset"
        return f"{said}{blind}: weights follow from budgets and risk alone."
    if not was_scored(explained_decision(result) or last):
        return f"{said}It knew too few signals to score an asset."
    if last.session == one.decided:
        return f"{said}It is the last decision."
    whose = numbers.long_day(last.session)
    if was_scored(last):
        return f"{said}It is the last that any session followed: {whose} is the end."
    return f"{said}It is the last with scores: later ones knew too few signals."


def weighed_sentence(told: tuple[Explanation, ...]) -> str:
    """Return that risk and limits weigh more than the scores, where it is so."""
    pulls = [values_of(one.balance) for one in told if len(one.balance)]
    if not pulls:
        return ""
    hoped = [one[EXPECTED] for one in pulls]
    charged = [-one[RISK] for one in pulls]
    if max(abs(x) for x in hoped) > _LITTLE * min(charged):
        return ""
    period = words.label(str(told[0].expectation["unit"].iloc[-1]))
    return (
        f"{period}, the scores promise {_ends(hoped)} and the charge for risk is "
        f"{_ends(charged)}: these weights follow from risk and limits far more than "
        "from the scores."
    )


def _ends(values: list[float]) -> str:
    low, high = (numbers.percent(x, 2) for x in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
