"""Plain sentences for a committee: what was found, and how far it can be believed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from engine.evidence.caveats_portfolio import portfolio_caveats
from engine.evidence.results import ThesisScore
from engine.market.market import STAMP as STAMP
from engine.study_paths import ANTI_THESIS, EQUAL_WEIGHT
from engine.study_result import StudyResult
from reports import numbers
from reports.samples import (
    IN_SAMPLE,
    OUT_OF_SAMPLE,
    Headline,
    Row,
    all_in_sample,
    counts_word,
    headline,
    none_in_sample,
    unregistered,
)
from reports.tally import VERDICTS, Tally, behind_score, tally

STAMP_TEXT = (
    "SIMULATED. Prices or signals in this report come from a simulation. "
    "It shows how the engine works and says nothing about the world."
)


def stamp(result: StudyResult) -> str:
    """Return ``"SIMULATED"`` where any number comes from a simulation, else nothing."""
    return STAMP if result.simulated else ""


def stamped(text: str, result: StudyResult) -> str:
    """Return a verdict as it may be read: ``SIMULATED: supported``."""
    return f"{STAMP}: {text}" if result.simulated else text


def label(name: str) -> str:
    """Return the name of a path or a layer as a reader sees it."""
    return name[:1].upper() + name[1:]


def period(result: StudyResult) -> str:
    """Return the study's period as a subtitle has it."""
    about = result.thesis.about
    return f"{numbers.long_day(about.start)} to {numbers.long_day(about.end)}"


def sample_line(result: StudyResult) -> str:
    """Return the subtitle line that says what is in-sample."""
    declared = result.thesis.about.declared
    if declared is None:
        said = "In-sample throughout: the thesis has no declaration date."
        return said + _earlier(result)
    if unregistered(result):
        said = "In-sample throughout: the register does not hold the thesis as it is."
        return said + _earlier(result)
    day, word = numbers.long_day(declared), counts_word(result)
    on = "on" if word == "declared" else "counting from"
    if all_in_sample(result):
        said = f"In-sample throughout: {word} after the fact, {on} {day}."
        return said + _earlier(result)
    if none_in_sample(result):
        return (
            f"Out-of-sample throughout: {word}, {on} {day}, before the study begins."
            if word == "registered"
            else f"Out-of-sample throughout: declared on {day}, before the study "
            "begins."
        )
    when = "when" if word == "declared" else "the day after"
    return f"In-sample before {day}, {when} the thesis was {word}; out-of-sample after."


def in_sample_short(result: StudyResult) -> str:
    """Return what is in-sample in a few words, for the foot of every page."""
    declared = result.thesis.about.declared
    if declared is None or unregistered(result):
        return "all of it in-sample"
    if none_in_sample(result):
        return "out-of-sample throughout"
    return f"in-sample before {numbers.long_day(declared)}"


def _earlier(result: StudyResult) -> str:
    """Return how many claims were declared before the thesis, and what that gave."""
    whole = result.thesis.about.declared
    early = {
        one.id
        for one in result.thesis.claims
        if one.declared is not None and (whole is None or one.declared < whole)
    }
    if not early:
        return ""
    outside = {
        one.id
        for one in result.claims.results
        if one.sample == OUT_OF_SAMPLE and one.verdict != "untestable"
    }
    judged = len(early & outside)
    when = "earlier" if whole is not None else "with a date of its own"
    if len(early) == 1:
        had = "it has some" if judged else "it has none yet"
        said = f"One claim was declared {when}"
    else:
        when = when.replace("a date of its own", "dates of their own")
        had = f"{judged} of them {'has' if judged == 1 else 'have'} some"
        had = had if judged else "none of them has any yet"
        said = f"{len(early)} claims were declared {when}"
    return f" {said}; only evidence from after that can be out-of-sample, and {had}."


def in_sample_meaning(result: StudyResult) -> str:
    """Return what in-sample means here, in a sentence or two."""
    if none_in_sample(result):
        return ""
    registered = counts_word(result) == "registered"
    before = (
        "the end of the study"
        if all_in_sample(result)
        else numbers.long_day(result.thesis.about.declared or result.thesis.about.end)
    )
    return (
        f"In-sample: everything up to {before} had already happened when the thesis "
        f"was {'registered' if registered else 'written down'}. Agreement there shows "
        "that the thesis fits what its author had seen; it confirms nothing. Only "
        f"evidence from after the {'registration' if registered else 'declaration'} "
        "(out-of-sample) can."
    )


def verdict(result: StudyResult) -> str:
    """Return the verdict in one sentence or two, stamped where simulated."""
    outside, inside = tally(result, OUT_OF_SAMPLE), tally(result, IN_SAMPLE)
    within = f"; in sample, {_told(inside)}" if _any(inside) else ""
    if not result.claims.results:
        as_of = result.overrides.get("as_of", "").split(" ")[0]
        whose = f"By {as_of} the thesis made" if as_of else "The thesis file makes"
        said = f"{whose} no claim, so there is nothing to confirm or refute."
    elif outside.effects or outside.conditions:
        said = f"Out of sample, {_told(outside)}{within}."
    else:
        said = (
            "Nothing is confirmed yet, because no claim could be tested on evidence "
            f"from after it was declared{within}."
        )
    pairs = dict.fromkeys((*outside.pairs, *inside.pairs))
    if pairs:
        named = ", ".join(f"{one} and {other}" for one, other in pairs)
        said += f" Two claims that mirror each other count once ({named})."
    return stamped(said, result)


def _any(one: Tally) -> bool:
    return bool(one.effects or one.conditions or one.left)


def _told(one: Tally) -> str:
    """Return ``of 5 claims that could be tested 2 are supported and 3 are refuted``.

    Conditions stand apart, and so does what could not be tested.
    """
    parts, left = [], len(one.left)
    if one.effects:
        head = f"of {_claims(len(one.effects))} that could be tested "
        told = head + _came_out(one.of_effects, "inconclusive")
        parts.append(told + (f", while {left} could not be tested" if left else ""))
    elif left:
        parts.append(f"none of {_claims(left)} could be tested")
    if one.conditions:
        count = len(one.conditions)
        noun = "condition" if count == 1 else "conditions"
        head = f"of {count} {noun} without a p-value "
        parts.append(head + _came_out(one.of_conditions, "still open"))
    return "; ".join(parts)


def _came_out(counts: Mapping[str, int], open_word: str) -> str:
    """Return ``2 are supported, 1 is refuted and 2 are inconclusive``."""
    shown = (*VERDICTS[:2], open_word)
    return joined(
        [
            f"{counts[word]} {_is(counts[word])} {name}"
            for word, name in zip(VERDICTS[:3], shown, strict=True)
            if counts[word]
        ]
    )


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _claims(count: int) -> str:
    return f"{count} claim" if count == 1 else f"{count} claims"


def joined(parts: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def score_sentence(result: StudyResult, score: ThesisScore) -> str:
    """Return what the thesis score of one sample says; for real evidence only."""
    if not math.isfinite(score.score):
        return f"{label(score.sample)}: none. {label(score.note)}."
    ends = numbers.interval(*score.interval, lambda v: numbers.decimal(v, signed=True))
    zero = "which holds zero: no support beyond chance is shown"
    sure = f", {zero}" if score.interval[0] <= 0.0 <= score.interval[1] else ""
    return (
        f"{label(score.sample)}: {numbers.decimal(score.score, signed=True)} "
        f"(95% interval {ends}{sure}), {behind(result, score)}. It measures how strong "
        "the evidence is, not how large the effect, on a scale from −1 to 1."
    )


def behind(result: StudyResult, score: ThesisScore) -> str:
    """Return ``from 11 of 20 tested claims, 3 of them about the portfolio itself``."""
    entered, of, own = behind_score(result, score)
    said = f"from {entered} of {of} tested {'claim' if of == 1 else 'claims'}"
    return f"{said}, {own} of them about the portfolio itself" if own else said


def interval_word(level: float) -> str:
    """Return ``selection-adjusted 98% interval``, with the level that it has."""
    if not math.isfinite(level):
        return "selection-adjusted interval"
    return f"selection-adjusted {numbers.level(level)} interval"


def performance_sentence(result: StudyResult) -> str:
    """Return how the barbell did, then how what it must beat did."""
    shown = headline(result)
    own, other = shown.own, shown.benchmark
    beside = f", against {_grew(shown, other)} for {other['path']}" if other else ""
    fall = numbers.percent(abs(float(own["max_drawdown"])))
    grew = f"{_grew(shown, own)}{_rate(shown)}"
    said = (
        f"{_when(result, shown)} the barbell returned {grew} net of costs{beside}, "
        f"with a worst fall of {fall} from a peak."
    )
    rest = (said, _other_sample(shown), _rivals(shown))
    return " ".join(sentence for sentence in rest if sentence)


def _when(result: StudyResult, shown: Headline) -> str:
    """Return over which sessions, and which sample they are."""
    count = numbers.count(shown.sessions)
    noun = "session" if shown.sessions == 1 else "sessions"
    if not shown.whole:
        day = numbers.long_day(result.thesis.about.declared or shown.first)
        if shown.sample == OUT_OF_SAMPLE:
            return f"Out of sample, over the {count} {noun} from {day} on,"
        return f"In sample, before {day},"
    over = "the whole period" if shown.annual else f"{count} {noun}"
    return f"Over {over}" + (f", all {shown.sample}," if shown.sample else "")


def _grew(shown: Headline, row: Row) -> str:
    return numbers.percent(float(row[shown.growth]))


def _rate(shown: Headline) -> str:
    return " a year" if shown.annual else ""


def _other_sample(shown: Headline) -> str:
    """Return what the barbell did in the sample that is not shown first."""
    beside = shown.beside
    if beside is None:
        return ""
    if shown.sample == IN_SAMPLE:
        count = int(beside.own["n"])
        return (
            f"The {count} {'session' if count == 1 else 'sessions'} after it are too "
            "few to judge by."
        )
    grew = f"{_grew(beside, beside.own)}{_rate(beside)}"
    return f"In sample, before that, it returned {grew}."


def _rivals(shown: Headline) -> str:
    """Return how the anti-thesis and equal weight did, the gravest first."""
    anti, equal = shown.rows.get(ANTI_THESIS), shown.rows.get(EQUAL_WEIGHT)
    said = []
    if anti:
        said.append(
            "The anti-thesis, the same barbell with ends and middle swapped, returned "
            f"{_grew(shown, anti)}: "
            f"{_than(shown, anti)} the thesis."
        )
    if equal:
        also = anti is not None and _than(shown, anti) == _than(shown, equal)
        said.append(
            f"Equal weight returned {_grew(shown, equal)}: "
            + ("also " if also else "")
            + f"{_than(shown, equal)} the thesis."
        )
    return " ".join(said)


def _than(shown: Headline, row: Row) -> str:
    """Return whether a path returned more or less than the barbell, as printed."""
    if _grew(shown, row) == _grew(shown, shown.own):
        return "as much as"
    better = float(row[shown.growth]) > float(shown.own[shown.growth])
    return "more than" if better else "less than"


def unscored_sentence(result: StudyResult) -> str:
    """Return that most decisions knew no score, where it is so."""
    blind = [bool(one.scorecard.withheld.all()) for one in result.decisions]
    if not result.thesis.factors or sum(blind) * 2 <= len(blind):
        return ""
    said = (
        f"At {sum(blind)} of {len(blind)} decisions too few signals were known to "
        "score any asset: "
    )
    first = blind.index(False) if not all(blind) else len(blind)
    if any(blind[first:]):
        return said + "there the barbell followed its budgets and risk alone."
    if all(blind):
        return said + "the barbell followed its budgets and risk alone."
    day = numbers.long_day(result.decisions[first].session)
    return f"{said}until {day} the barbell followed its budgets and risk alone."


def caveats_left(result: StudyResult) -> tuple[str, ...]:
    """Return the caveats without what the verdict has said of the decisions."""
    above = portfolio_caveats(result.decisions)
    caveats = tuple(one for one in result.caveats if one not in above)
    if not unscored_sentence(result):
        return caveats
    said = r"At \d+ of \d+ decisions too few factors spoke[^.]*\. ?"
    left = [re.sub(said, "", sentence) for sentence in caveats]
    return tuple(sentence for sentence in left if sentence)
