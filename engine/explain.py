"""Why an asset was held: one decision, from its observations to its profit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from engine import explain_steps as steps
from engine.errors import UsageError, at_most, nearest
from engine.explain_balance import balance
from engine.explain_scene import Scene, scene_of
from engine.explanation import Explanation
from engine.portfolio.results import Decision
from engine.study_result import StudyResult


def explain(result: StudyResult, asset: str, day: dt.date) -> Explanation:
    """Return the chain behind an asset's weight, from observations to profit.

    Parameters
    ----------
    result : StudyResult
    asset : str
        Symbol of an asset that the study could hold, or an alias of it.
    day : date
        The last decision at or before this day is explained.

    Returns
    -------
    Explanation
        Every factor reads again what was known at the moment of the decision; scores,
        limits, weights, trades and books are those of the study.

    Raises
    ------
    UsageError
        For an unknown asset, and for a day before the first decision or after the end.
    """
    (found,) = explain_all(result, [asset], day)
    return found


def explain_all(
    result: StudyResult, assets: Sequence[str], day: dt.date
) -> tuple[Explanation, ...]:
    """Return what `explain` does for several assets; what they share is made once."""
    symbols = [_symbol(result, asset) for asset in assets]
    decision, until, last = _decision(result, day)
    home = result.market.home.sessions
    scene = scene_of(result, decision, until, home.close_utc[home.days == until][0])
    return tuple(_explained(scene, symbol, last) for symbol in symbols)


def _explained(scene: Scene, symbol: str, last: bool) -> Explanation:
    result, decision, until = scene.result, scene.decision, scene.until
    told = result.backtest
    done = {
        "trades": steps.trades(told, decision, symbol),
        "actions": steps.actions(told, decision, scene.end, symbol),
    }
    bound = steps.limits(result, decision, symbol)
    done["costs"] = steps.costs(told, done["trades"], done["actions"])
    found = {
        "prices": steps.prices(scene, symbol),
        "contributions": steps.contributions(scene, symbol),
        "expectation": steps.expectation(scene, symbol),
        "limits": bound,
        "balance": balance(
            scene, symbol, dict(zip(bound["limit"], bound["on"], strict=True))
        ),
        "weights": steps.weights(result, decision, symbol),
        "trades": done["trades"],
        "costs": done["costs"],
        "profit": steps.profit(result, decision, until, symbol, done),
    }
    entity = result.universe.entities.get(result.market.lines[symbol].entity)
    return Explanation(
        asset=symbol,
        name=entity.name if entity else symbol,
        decided=decision.session,
        moment=decision.moment,
        until=until,
        last=last,
        base=told.base,
        simulated=result.simulated,
        nav=float(told.nav[decision.session]),
        solved=f"{decision.status}" + (f" ({decision.solver})" * bool(decision.solver)),
        waiting=bool(told.waiting[symbol].loc[until]),
        observations=scene.observations,
        **found,
    )


def _symbol(result: StudyResult, asset: str) -> str:
    """Return the symbol of an asset of the study; `UsageError` for another one."""
    symbols = [line.symbol for line in result.assets]
    line = result.universe.line(asset)
    symbol = line.symbol if line else asset
    if symbol in symbols:
        return symbol
    if line:
        raise UsageError(
            f"{symbol} is no asset of this run: it was never among what it could hold; "
            f"those are {at_most(symbols)}"
        )
    hint = nearest(asset, symbols) or f"they are {at_most(symbols)}"
    raise UsageError(f"no asset of this run is called {asset!r}; {hint}")


def _decision(result: StudyResult, day: dt.date) -> tuple[Decision, pd.Timestamp, bool]:
    """Return the last decision at or before a day, where it ends, whether at the end.

    It ends at the session of the next decision, or at the study's last one.
    """
    made, end = result.decisions, result.backtest.nav.index[-1]
    if day > result.thesis.about.end:
        raise UsageError(
            f"{day} is after the run's end; its last day is {result.thesis.about.end}"
        )
    place = sum(one.session.date() <= day for one in made) - 1
    if place < 0:
        raise UsageError(
            f"{day} is before the run's first decision, on {made[0].session.date()}"
        )
    last = place + 1 == len(made)
    return made[place], end if last else made[place + 1].session, last
