"""What the barbell is held against: other policies in the same ledger, at its costs.

A baseline is played on a tape (`engine.ledger.tape.record`), which already holds the
market, the costs and the period; so that all of them share every rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import DataError, at_most
from engine.ledger.backtest import Backtest
from engine.ledger.batch import play_schedule
from engine.ledger.simulate import AccountView, fixed, play, rows_of, tradeable_at
from engine.ledger.tape import Tape
from engine.thesis.model import Leg

#: A sleeve below this share of NAV is a solver's rounding, not a holding.
_EMPTY = 1e-9


def buy_and_hold(tape: Tape, symbol: str, *, name: str | None = None) -> Backtest:
    """Return an account that buys one line at once and never trades again.

    It decides at the close of the first session, like every other path; a line that is
    not listed yet is bought when it is.
    """
    first = tape.days[:1]
    target = pd.Series({symbol: 1.0})
    return play(
        tape,
        name=symbol if name is None else name,
        decide_at=first,
        policy=fixed({first[0]: target}),
    )


def equal_weight(
    tape: Tape,
    decide_at: pd.DatetimeIndex,
    *,
    name: str = "equal weight",
    compiled: bool = False,
) -> Backtest:
    """Return an account that holds all tradeable assets of the tape alike.

    It is rebalanced at `decide_at`. What is held but cannot trade keeps its weight; the
    tradeable assets share the rest. `compiled` walks it in compiled code where nothing
    that is held ever cannot trade, so that the weights are known beforehand.
    """
    alike = np.ones(len(tape.symbols))
    return _share_out(tape, decide_at, lambda moment: alike, name, compiled=compiled)


def inverse_volatility(
    tape: Tape,
    decide_at: pd.DatetimeIndex,
    variances: Callable[[np.datetime64], pd.Series],
    *,
    name: str = "inverse volatility",
    compiled: bool = False,
) -> Backtest:
    """Return an account that holds tradeable assets inversely to their volatility.

    `variances` gives, at the moment of a decision, each asset's variance as known then;
    an asset without one, or without any spread, is not held. What is held but cannot
    trade keeps its weight; the others share the rest. `compiled` as for `equal_weight`.
    """

    def calm(moment: np.datetime64) -> np.ndarray:
        variance = variances(moment).reindex(tape.symbols).to_numpy(dtype=np.float64)
        known = variance > 0.0
        return np.where(known, np.where(known, variance, 1.0) ** -0.5, 0.0)

    return _share_out(tape, decide_at, calm, name, compiled=compiled)


def _share_out(
    tape: Tape,
    decide_at: pd.DatetimeIndex,
    parts: Callable[[np.datetime64], np.ndarray],
    name: str,
    *,
    compiled: bool,
) -> Backtest:
    """Return an account whose tradeable assets share it in proportion to `parts` (N,).

    What is held but cannot trade keeps its weight.
    """
    rows = rows_of(tape, decide_at)
    can = np.array([tradeable_at(tape, row) for row in rows]).reshape(len(rows), -1)
    stuck = np.logical_or.accumulate(can, axis=0) & ~can  # may be held, cannot trade
    if compiled and not stuck.any():
        nothing = np.zeros(len(tape.symbols))
        moments = tape.moments[tape.home_at[rows]]
        told = {
            tape.days[row]: _shares(nothing, one, parts(moment))
            for row, one, moment in zip(rows, can, moments, strict=True)
        }
        return play_schedule(tape, told, name=name)

    def policy(
        session: pd.Timestamp, moment: np.datetime64, account: AccountView
    ) -> pd.Series:
        held, tradeable = account.weights.to_numpy(), account.tradeable.to_numpy()
        return pd.Series(_shares(held, tradeable, parts(moment)), index=tape.symbols)

    return play(tape, name=name, decide_at=decide_at, policy=policy)


def _shares(held: np.ndarray, can: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return weights (N,): what cannot trade as held, the others' parts of the rest."""
    kept, wanted = np.where(can, 0.0, held), np.where(can, parts, 0.0)
    total = wanted.sum()
    if not total > 0.0:
        return kept
    return np.asarray(kept + (1.0 - kept.sum()) * wanted / total)


def leg_alone(
    tape: Tape,
    targets: pd.DataFrame,
    members: Sequence[str],
    *,
    name: str,
    compiled: bool = False,
) -> Backtest:
    """Return an account that holds only one leg of the barbell.

    Parameters
    ----------
    tape : Tape
    targets : DataFrame of shape (D, N)
        The barbell's target weights by decision session (`Backtest.targets`).
    members : sequence of str
        The assets of the leg.
    name : str
    compiled : bool
        Whether to walk it in compiled code.

    Returns
    -------
    Backtest
        At each decision, the barbell's own weights of the members scaled to sum to 1
        (with short positions: their absolute values, or less where margin asks for
        it): all cash where the barbell holds none of them.
    """
    margin = tape.execution.short_margin or 0.0
    days = pd.DatetimeIndex(targets.index)
    if compiled:
        told = np.zeros((len(days), len(tape.symbols)))
        place = tape.symbols.get_indexer(pd.Index(members))
        told[:, place] = _scaled(targets, members, margin)
        return play_schedule(tape, dict(zip(days, told, strict=True)), name=name)
    policy = fixed(sleeve(targets, members, margin))
    return play(tape, name=name, decide_at=days, policy=policy)


def sleeve(
    targets: pd.DataFrame, members: Sequence[str], margin: float = 0.0
) -> dict[pd.Timestamp, pd.Series]:
    """Return the members' weights scaled to 1 by decision; 0 where there are none.

    Absolute values count, and short ones at `margin` at least: a leg that is long and
    short by nearly as much is not blown up.

    Raises `DataError` for a member that is no column of `targets` (D, N).
    """
    scaled = _scaled(targets, members, margin)
    return {
        session: pd.Series(row, index=pd.Index(members))
        for session, row in zip(targets.index, scaled, strict=True)
    }


def _scaled(targets: pd.DataFrame, members: Sequence[str], margin: float) -> np.ndarray:
    """Return the weights of `sleeve` as an array (D, members); raises as it does."""
    unknown = [name for name in members if name not in targets.columns]
    if unknown:
        raise DataError(f"{at_most(unknown)} are not among the barbell's assets")
    weights = targets[list(members)].to_numpy()
    total = np.abs(weights).sum(axis=1, keepdims=True)
    asked = margin * np.maximum(-weights, 0.0).sum(axis=1, keepdims=True)
    total = np.maximum(total, asked)
    some = total > _EMPTY
    return np.where(some, weights / np.where(some, total, 1.0), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AntiThesis:
    """The barbell with its budgets swapped, or why there is none (`legs` is None)."""

    legs: Mapping[str, Leg] | None
    reason: str = ""


def anti_legs(legs: Mapping[str, Leg]) -> AntiThesis:
    """Return the legs with the budgets of the ends and of the middle swapped.

    The *ends* are the legs that the thesis must hold (a minimum above 0), the *middle*
    is every other leg. With ends of [a, b] and [c, d] and a middle of [0, m], each end
    gets [0, m] and the middle [a + c, min(1, b + d)]. Several middles share the ends'
    minimum evenly, and each may reach its maximum; of several middles, the ends get
    the joint maximum, at most 1.
    """
    ends = {name: leg for name, leg in legs.items() if leg.weight[0] > 0.0}
    middle = {name: leg for name, leg in legs.items() if name not in ends}
    if not ends or not middle:
        missing = (
            "no leg has a minimum weight, so there is no end"
            if not ends
            else "every leg has a minimum weight, so there is no middle"
        )
        return AntiThesis(legs=None, reason=f"no anti-thesis: {missing} to swap")
    low = sum(leg.weight[0] for leg in ends.values()) / len(middle)
    high = min(1.0, sum(leg.weight[1] for leg in ends.values()))
    reach = min(1.0, sum(leg.weight[1] for leg in middle.values()))
    return AntiThesis(
        legs={
            name: leg.model_copy(
                update={"weight": (0.0, reach) if name in ends else (low, high)}
            )
            for name, leg in legs.items()
        }
    )
