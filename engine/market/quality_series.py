"""What one line's rows say about themselves: ranges, trades, bases of adjustment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from engine.errors import at_most
from engine.market.bars import basis_column
from engine.market.market import Finding

PRICES = ("open", "high", "low", "close", "adj_close")
#: Equal closes in a row that are no accident of the tick.
STALE_SESSIONS = 5
#: Rounding that stored prices may carry, as a fraction.
ROUNDING = 1e-5
#: A dividend of this part of the price shows in the close of the day.
LARGE_STEP = 0.05
#: How much more than a recorded dividend the ratio may rise by, as a multiple.
PAID_SLACK = 1.1


def finding(
    severity: str,
    where: str,
    what: str,
    action: str,
    days: pd.DatetimeIndex | None = None,
) -> Finding:
    """Return a finding about these days, or about none in particular."""
    dated = days is not None and len(days) > 0
    return Finding(
        severity=severity,
        where=where,
        what=what,
        action=action,
        first=days[0].date().isoformat() if dated and days is not None else "",
        last=days[-1].date().isoformat() if dated and days is not None else "",
    )


def counted(count: int, word: str) -> str:
    """Return ``1 day`` or ``2 days``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def listed(days: pd.DatetimeIndex) -> str:
    """Return at most five days in ISO form, with a count of the rest."""
    return at_most(days.strftime("%Y-%m-%d"))


def runs(true: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield start and end (exclusive) of every run of True, shape (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]])))
    for start, end in edges.reshape(-1, 2):
        yield int(start), int(end)


def number_findings(symbol: str, frame: pd.DataFrame) -> Iterator[Finding]:
    """Yield prices that are no positive numbers, and negative volumes."""
    days = pd.DatetimeIndex(frame.index)
    for name in (*PRICES, "volume"):
        if name not in frame.columns:
            continue
        values = frame[name].to_numpy()
        low = values < 0.0 if name == "volume" else values <= 0.0
        wrong = days[low | np.isinf(values)]
        if len(wrong):
            bound = "negative" if name == "volume" else "not positive"
            yield finding(
                "error",
                symbol,
                f"{name} is {bound} on {counted(len(wrong), 'day')}: {listed(wrong)}",
                "a study refuses it; fetch the line's history again",
                wrong,
            )


def range_findings(symbol: str, frame: pd.DataFrame) -> Iterator[Finding]:
    """Yield rows with high below low, or open or close outside both."""
    if not {"high", "low"} <= set(frame.columns):
        return
    days = pd.DatetimeIndex(frame.index)
    high, low = frame["high"].to_numpy(), frame["low"].to_numpy()
    upside_down = high < low * (1.0 - ROUNDING)
    checks = [("high below low", "error", upside_down)]
    for name in ("close", "open"):
        if name in frame.columns:
            price = frame[name].to_numpy()
            outside = (price > high * (1.0 + ROUNDING)) | (
                price < low * (1.0 - ROUNDING)
            )
            told = f"{name} outside high and low"
            checks.append((told, "warning", outside & ~upside_down))
    for what, severity, wrong in checks:
        at = days[wrong]
        if len(at):
            yield finding(
                severity,
                symbol,
                f"{what} on {counted(len(at), 'day')}: {listed(at)}",
                "check these rows against another source; used as they are",
                at,
            )


def stale_findings(symbol: str, frame: pd.DataFrame) -> Iterator[Finding]:
    """Yield runs of at least `STALE_SESSIONS` bars with one and the same close."""
    name = "close" if "close" in frame.columns else basis_column(frame)
    held = frame.loc[frame[name].notna().to_numpy()]
    days, price = pd.DatetimeIndex(held.index), held[name].to_numpy()
    volume = held["volume"].to_numpy() if "volume" in held.columns else None
    for start, end in runs(np.diff(price) == 0.0):
        count = end - start + 1
        if count < STALE_SESSIONS:
            continue
        traded = _traded(None if volume is None else volume[start + 1 : end + 1])
        yield finding(
            "warning",
            symbol,
            f"the close stays at {price[start]:g} on {count} sessions in a row, "
            f"{traded}",
            "suspended, or filled forward by the feed; its returns of 0 are used",
            days[start : end + 1],
        )


def _traded(volume: np.ndarray | None) -> str:
    """Return what the volume of a run of equal closes says."""
    if volume is None or np.isnan(volume).all():
        return "volume unknown"
    return "with volume" if (volume > 0.0).any() else "without volume"


def column_findings(symbol: str, frame: pd.DataFrame) -> Iterator[Finding]:
    """Yield what the columns leave open: adjusted closes alone, or not adjusted."""
    has = set(frame.columns)
    if "adj_close" not in has:
        yield finding(
            "info", symbol, "no adj_close: dividends are missing", "price return only"
        )
    elif "close" not in has:
        yield finding(
            "info",
            symbol,
            "only adj_close: ranges, trades and dividends cannot be checked",
            "it trades at closes only",
        )
    else:
        both = frame[["close", "adj_close"]].dropna().to_numpy()
        if len(both) and (both[:, 0] == both[:, 1]).all():
            yield finding(
                "info",
                symbol,
                "adj_close equals close on every row: it paid nothing, or every "
                "column is adjusted already",
                "used as total return; check that it paid no dividend",
            )
        lost = frame["adj_close"].isna() & frame["close"].notna()
        days = pd.DatetimeIndex(frame.index[lost.to_numpy()])
        if len(days):
            yield finding(
                "warning",
                symbol,
                f"a close without an adj_close on {counted(len(days), 'day')}: "
                f"{listed(days)}",
                "left out; fetch the line's history again",
                days,
            )


def basis_findings(symbol: str, frame: pd.DataFrame) -> Iterator[Finding]:
    """Yield days on which adj_close / close breaks: two downloads put together.

    Adjusted backwards, the ratio only ever rises, by each dividend as its share of
    the price. A fall has no other reason than a change of basis, unless the close
    itself carries a reverse split of that day; neither has a large rise that the
    close of the day does not show. Prices must be positive where they are known.
    """
    if not {"close", "adj_close"} <= set(frame.columns):
        return
    held = frame.loc[frame[["close", "adj_close"]].notna().all(axis="columns")]
    days = pd.DatetimeIndex(held.index)
    close, adjusted = held["close"].to_numpy(), held["adj_close"].to_numpy()
    if len(held) < 2 or (close <= 0.0).any() or (adjusted <= 0.0).any():
        return
    step = np.diff(np.log(adjusted / close))
    moved, earned = np.diff(np.log(close)), np.diff(np.log(adjusted))
    allowed = _rounding(step, close, adjusted)
    # a step that the close of the day takes back is a split or a dividend
    seen = (np.abs(step) > LARGE_STEP) & (np.abs(earned) < np.abs(moved))
    paid = _recorded_step(held, close)
    least = 0.0 if "dividend" in held.columns else LARGE_STEP
    rise = (step > np.maximum(allowed + PAID_SLACK * paid, least)) & ~seen
    fall = (step < -allowed) & ~seen
    for wrong, what in (
        (fall, "adj_close / close falls back"),
        (rise, "adj_close / close rises without a dividend"),
    ):
        at = np.flatnonzero(wrong)
        if len(at):
            when = days[at + 1]
            worst = float(np.expm1(step[at][np.argmax(np.abs(step[at]))]))
            yield finding(
                "error" if what.endswith("back") else "warning",
                symbol,
                f"{what} on {counted(len(when), 'day')} (by {worst:+.2%} at most): "
                f"{listed(when)}",
                "two bases of adjustment are put together; fetch the whole history "
                "again",
                when,
            )


def _rounding(step: np.ndarray, close: np.ndarray, adjusted: np.ndarray) -> np.ndarray:
    """Return the log step that rounding alone makes at each price, shape (n - 1,).

    Prices stored to a number of decimals are off by half of the last one, twice in a
    ratio and twice in a step. Elsewhere the median step, times the price, is rounding,
    for most days pay no dividend.
    """
    price = np.minimum(close, adjusted)
    least = np.minimum(price[1:], price[:-1])
    noise = 10.0 * float(np.median(np.abs(step) * least))
    unit = max(_last_decimal(close), _last_decimal(adjusted))
    rounding: np.ndarray = np.maximum(max(noise, 2.0 * unit) / least, ROUNDING)
    return rounding


def _last_decimal(price: np.ndarray) -> float:
    """Return the unit of 1, 0.1 ... 1e-6 that all prices are stored to, or 0."""
    for decimals in range(7):
        if np.allclose(price, np.round(price, decimals), rtol=1e-12, atol=0.0):
            return float(10.0**-decimals)
    return 0.0


def _recorded_step(held: pd.DataFrame, close: np.ndarray) -> np.ndarray:
    """Return the log step that each day's recorded dividend makes, 0 without one."""
    if "dividend" not in held.columns:
        return np.zeros(len(close) - 1)
    paid = np.nan_to_num(held["dividend"].to_numpy())[1:]
    share = np.clip(paid / close[:-1], 0.0, 0.99)
    step: np.ndarray = -np.log1p(-share)
    return step


def recorded_move(held: pd.DataFrame, price: np.ndarray) -> np.ndarray:
    """Return the log move that recorded splits and dividends make in raw closes.

    Shape (n - 1,), 0 on a day without one: columns `split` (new shares for one old)
    and `dividend` (per share), where the frame has them.
    """
    if len(price) < 2:
        return np.zeros(0)
    known = np.zeros(len(price) - 1)
    if "split" in held.columns:
        shares = np.nan_to_num(held["split"].to_numpy(), nan=0.0)[1:]
        known -= np.log(np.where(shares > 0.0, shares, 1.0))
    known -= _recorded_step(held, price)
    return known
