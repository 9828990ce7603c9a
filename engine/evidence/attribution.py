r"""Where the return over a baseline came from: layers, assets, currencies, costs.

Brinson and Fachler on local returns, layer by layer; what exchange rates added; what
fills gained up to the close of their session; costs. Each session is exact, and the
coefficients of Carino link the sessions: the effects sum to the active return.

The currency part of a return is :math:`f(1+r)` with r the local return and f the change
of the rate; its effect is what the rates gave the portfolio less what they gave the
baseline. Karnosky and Singer (1994) split it further with each currency's cash rate,
which a study does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.evidence.attribution_books import (
    CASH,
    Array,
    Books,
    Side,
    books_of,
    with_group,
)
from engine.evidence.samples import ALL, Rows
from engine.ledger.backtest import Backtest
from engine.market.listing import Line

#: The effects, in the order of the report; they sum to the active return.
EFFECTS = (
    "allocation",
    "selection",
    "interaction",
    "currency",
    "trading",
    "costs",
    "other",
)
#: The row that sums all groups.
TOTAL = "total"

Columns = dict[str, npt.ArrayLike]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attribution:
    """The active return over each baseline, by effect.

    table : one row per baseline (`against`), `period` and `group`, the last being
        `TOTAL`. Columns: `weight` and `weight_baseline`, means over the sessions;
        `return` and `return_baseline` of what was held long, compounded, in the
        account's currency and before costs (of `TOTAL`: net), NaN where nothing was;
        the mean weight that was short, `weight_short`, at most 0, and what those assets
        returned, `return_short`, and the same of the baseline; `EFFECTS`; `active`,
        their sum; `layers_known`, whether the baseline's own layers are.
    currencies : one row per baseline, period and currency: `currency`, `effect`.
    """

    table: pd.DataFrame
    currencies: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """Brinson and Fachler's effects, each of the shape of the weights."""

    allocation: Array
    selection: Array
    interaction: Array


def brinson_fachler(
    weight: Array,
    weight_baseline: Array,
    earned: Array,
    earned_baseline: Array,
    *,
    whole: Array | None = None,
) -> Effects:
    r"""Return what choosing groups, and choosing within them, added.

    Parameters
    ----------
    weight, weight_baseline : ndarray of shape (S, G)
        Opening weights of G groups over S periods; the rows of both have one sum.
    earned, earned_baseline : ndarray of shape (S, G)
        What each group added to the return: its weight times its return.
    whole : ndarray of shape (S, 1), optional
        What the baseline earned in all, if these are not all of its groups.

    Returns
    -------
    Effects
        They sum to ``earned.sum() - earned_baseline.sum()`` in every period.

    Notes
    -----
    With returns :math:`r = c/w` and :math:`R_b` the baseline's: allocation
    :math:`(w-w_b)(r_b-R_b)`, selection :math:`w_b(r-r_b)`, interaction
    :math:`(w-w_b)(r-r_b)`. A group that one side does not hold has the other's return:
    all of its effect is allocation. A return is contribution over weight: that of a
    group with long and short positions has no bounds where its weight crosses zero, so
    each side is a group of its own (`effects_of`).

    References
    ----------
    Brinson and Fachler (1985), Journal of Portfolio Management 11(3).
    """
    inside, outside = weight != 0.0, weight_baseline != 0.0
    own = np.divide(earned, weight, where=inside, out=np.zeros_like(earned))
    r_b = np.divide(earned_baseline, weight_baseline, where=outside, out=own.copy())
    r = np.where(inside, own, r_b)
    if whole is None:
        whole = earned_baseline.sum(axis=-1, keepdims=True)
    over = weight - weight_baseline
    return Effects(
        allocation=over * (r_b - whole),
        # w_b (r - r_b), written so that the sum holds whatever the weights are
        selection=earned - earned_baseline - over * r,
        interaction=over * (r - r_b),
    )


def carino(returns: Array, baseline: Array) -> Array:
    r"""Return the coefficients that make effects of single periods add up, (S,).

    Parameters
    ----------
    returns, baseline : ndarray of shape (S,)
        Simple returns, each above -1.

    Returns
    -------
    ndarray of shape (S,)
        :math:`k_t / K` with :math:`k = (\ln(1+R) - \ln(1+R_b)) / (R - R_b)`, in the
        limit :math:`1/(1+R)`, of a period and of them all. The differences of single
        periods times these sum to the difference of the compounded returns.

    References
    ----------
    Carino (1999), Journal of Performance Measurement 3(4).
    """
    whole, whole_baseline = (np.expm1(np.log1p(r).sum()) for r in (returns, baseline))
    return _log_ratio(returns, baseline) / _log_ratio(whole, whole_baseline)


def _log_ratio(r: npt.ArrayLike, r_b: npt.ArrayLike) -> Array:
    """Return Carino's k, stable where the two returns are nearly equal."""
    base = 1.0 + np.asarray(r_b, dtype=np.float64)
    x = (np.asarray(r) - r_b) / base
    small = np.abs(x) < 1e-8
    ratio = np.log1p(x) / np.where(small, 1.0, x)
    return np.asarray(np.where(small, 1.0 - x / 2.0, ratio) / base)


def attribute(
    account: Backtest,
    baselines: Mapping[str, Backtest],
    *,
    layer_of: Mapping[str, str],
    layers: Sequence[str],
    lines: Mapping[str, Line],
    closes: npt.NDArray[np.datetime64],
    periods: Mapping[str, Rows] | None = None,
    sweep: bool = True,
) -> Attribution:
    """Return where an account's return over each baseline came from.

    Parameters
    ----------
    account : Backtest
        T home sessions.
    baselines : mapping of name to Backtest
        On the same sessions and in the same currency. One whose only asset has its own
        name (a fund bought and held) stands as one group of that name: its layers are
        not known.
    layer_of : mapping of asset to layer
    layers : sequence of str
        In the order of the report.
    lines : mapping of asset to Line
        For the currencies.
    closes : ndarray of shape (T,)
        Home closes, UTC.
    periods : mapping of name to ndarray of shape (T - 1,), optional
        Which sessions belong to each; `ALL` of them if not given. Each is linked by
        itself.
    sweep : bool
        Whether the accounts' foreign cash goes home at each close.

    Returns
    -------
    Attribution
    """
    currency_of = {symbol: line.currency for symbol, line in lines.items()}
    accounts = [account, *baselines.values()]
    used = {str(s) for one in accounts for s in one.weights.columns}
    moneys = [account.base, *(c for s, c in currency_of.items() if s in used)]
    held = list(dict.fromkeys(layer_of[s] for s in account.weights.columns))
    held.sort(key=lambda one: layers.index(one) if one in layers else len(layers))

    books = partial(
        books_of,
        currency_of=currency_of,
        currencies=list(dict.fromkeys(moneys)),
        closes=closes,
        sweep=sweep,
    )
    own = books(account, group_of=layer_of, groups=held)
    pairs = {}
    for name, baseline in baselines.items():
        if list(baseline.weights.columns) == [name]:
            fund = books(baseline, group_of={name: name}, groups=[*held, name])
            pairs[name] = Pair(own=with_group(own, name), baseline=fund, fund=True)
        else:
            other = books(baseline, group_of=layer_of, groups=held)
            pairs[name] = Pair(own=own, baseline=other)
    spans = periods or {ALL: np.ones(len(own.days), dtype=bool)}
    return linked(pairs, spans)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """The books of an account and of what it is held against.

    Both share sessions, groups and currencies; `fund`: the baseline's layers are not
    known.
    """

    own: Books
    baseline: Books
    fund: bool = False


def linked(pairs: Mapping[str, Pair], periods: Mapping[str, Rows]) -> Attribution:
    """Return the linked effects over each baseline and period.

    `pairs` by the baseline's name; `periods` are masks of shape (S,).
    """
    tables: list[Columns] = []
    currencies: list[Columns] = []
    for name, pair in pairs.items():
        effects = effects_of(pair)
        rates = pair.own.by_currency - pair.baseline.by_currency
        for period, rows in periods.items():
            k = carino(pair.own.returns[rows], pair.baseline.returns[rows])
            about: Columns = {"against": name, "period": period}
            columns = _columns(pair, effects, rows, k)
            tables.append(about | columns | {"layers_known": not pair.fund})
            money = list(pair.own.currencies)
            currencies.append(
                about | {"currency": money, "effect": _sum(k, rates[rows])}
            )
    return Attribution(
        table=_stacked(tables, by="group"),
        currencies=_stacked(currencies, by="currency"),
    )


def effects_of(pair: Pair) -> dict[str, Array]:
    """Return each of `EFFECTS` by session and group, (S, G), not linked.

    The long and the short side of a group are two segments, each with a return; a
    group's effect is their sum.
    """
    own, baseline = pair.own, pair.baseline
    parts = _segmented(own, baseline)
    other = np.zeros_like(own.weight)
    other[:, -1] = own.other - baseline.other
    return {
        "allocation": parts.allocation,
        "selection": parts.selection,
        "interaction": parts.interaction,
        "currency": own.currency - baseline.currency,
        "trading": own.trading - baseline.trading,
        "costs": own.costs - baseline.costs,
        "other": other,
    }


def _segmented(own: Books, baseline: Books) -> Effects:
    """Return Brinson and Fachler's effects, the sums of both sides of each group."""
    whole = baseline.local.sum(axis=-1, keepdims=True)

    def side(one: Side, other: Side) -> Effects:
        return brinson_fachler(
            one.weight, other.weight, one.local, other.local, whole=whole
        )

    long = side(own.long, baseline.long)
    if not (own.sides or baseline.sides):
        return long
    short = side(own.short, baseline.short)
    return Effects(
        allocation=long.allocation + short.allocation,
        selection=long.selection + short.selection,
        interaction=long.interaction + short.interaction,
    )


def _columns(pair: Pair, effects: Mapping[str, Array], rows: Rows, k: Array) -> Columns:
    """Return a column per name, of one row per group and the total."""
    columns: Columns = {"group": [*pair.own.groups, TOTAL]}
    sides = (("", pair.own), ("_baseline", pair.baseline))
    for suffix, books in sides:
        columns[f"weight{suffix}"] = _with_sum(books.weight[rows].mean(axis=0))
    for suffix, books in sides:
        net = np.expm1(np.log1p(books.returns[rows]).sum())
        columns[f"return{suffix}"] = np.append(
            _compounded(books.long, books.groups, rows), net
        )
    for suffix, books in sides:
        short = books.short
        columns[f"weight_short{suffix}"] = _with_sum(short.weight[rows].mean(axis=0))
        columns[f"return_short{suffix}"] = np.append(
            _compounded(short, books.groups, rows), np.nan
        )
    shares = {name: _with_sum(_sum(k, effects[name][rows])) for name in EFFECTS}
    together = np.sum(list(shares.values()), axis=0)
    return columns | shares | {"active": together}


def _sum(k: Array, values: Array) -> Array:
    """Return the sums of columns (S, n) weighted by k (S,), the same on any machine."""
    return np.asarray((k[:, None] * values).sum(axis=0))


def _with_sum(values: Array) -> Array:
    return np.append(values, values.sum())


def _compounded(side: Side, groups: Sequence[str], rows: Rows) -> Array:
    """Return what one side of each group returned (G,); NaN where it never was held.

    While nothing is held it stands still; cash has none.
    """
    weight, earned = side.weight[rows], (side.local + side.currency)[rows]
    held = np.abs(weight) > 1e-12
    r = np.divide(earned, weight, where=held, out=np.zeros_like(weight))
    growth = np.prod(1.0 + r, axis=0) - 1.0
    known = held.any(axis=0) & (np.array(groups) != CASH)
    return np.asarray(np.where(known, growth, np.nan))


def _stacked(parts: Sequence[Columns], *, by: str) -> pd.DataFrame:
    """Return columns one below the other; a single value stands beside each of `by`."""
    shapes = [np.shape(one[by]) for one in parts]
    columns = {
        name: np.concatenate(
            [
                np.broadcast_to(one[name], shape)
                for one, shape in zip(parts, shapes, strict=True)
            ]
        )
        for name in (parts[0] if parts else ())
    }
    return pd.DataFrame(columns)
