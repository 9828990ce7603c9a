"""Random paths of the sample world on one clock for all exchanges.

A path is Brownian motion in half-hour steps of weekdays (UTC), so an exchange that
closes early in the day has seen only what came before its close: asynchronous markets
follow from reading one path at different closes.
"""

from __future__ import annotations

import hashlib

import numpy as np

from engine.sources.sample.truth import FIRST_DAY, LAST_DAY, LUCK

ORIGIN = np.datetime64(FIRST_DAY, "D") - 31
STEPS_PER_DAY = 48
WEEKDAYS_PER_YEAR = 365.25 * 5 / 7
_STEP = np.timedelta64(30, "m")
_DAYS = int(np.busday_count(ORIGIN, np.datetime64(LAST_DAY, "D") + 1))

#: Share of a day's variance by hours of the day (UTC): (until hour, share).
WESTERN = ((8, 0.20), (13, 0.15), (21, 0.60), (24, 0.05))
ASIAN = ((8, 0.65), (13, 0.10), (21, 0.20), (24, 0.05))


def generator(seed: int, *key: str) -> np.random.Generator:
    """Return the random generator of one named thing, the same in every process."""
    digest = hashlib.sha256("\x1f".join((f"world {LUCK}", *key)).encode()).digest()
    words = np.frombuffer(digest[:16], dtype="<u4")
    return np.random.default_rng(np.random.SeedSequence([seed, *words.tolist()]))


def steps(moments: np.ndarray) -> np.ndarray:
    """Return how many half hours of weekdays have passed at `moments` (UTC), int."""
    day = moments.astype("datetime64[D]")
    passed = np.busday_count(ORIGIN, day) * STEPS_PER_DAY
    within = (moments - day) // _STEP
    return np.asarray(passed + np.where(np.is_busday(day), within, 0), dtype=np.intp)


def years(at: np.ndarray) -> np.ndarray:
    """Return the years since the world began at the given steps."""
    return np.asarray(at / (STEPS_PER_DAY * WEEKDAYS_PER_YEAR))


def brownian(
    rng: np.random.Generator, profile: tuple[tuple[int, float], ...]
) -> np.ndarray:
    """Return a path with a variance of 1 a year: its value after each step.

    Shape (steps of the whole world + 1,), starting at 0.
    """
    weight = np.empty(STEPS_PER_DAY)
    start = 0
    for until, share in profile:
        weight[2 * start : 2 * until] = share / (2 * (until - start))
        start = until
    scale = np.sqrt(weight / WEEKDAYS_PER_YEAR)
    moves = rng.standard_normal((_DAYS, STEPS_PER_DAY)) * scale
    path = np.zeros(moves.size + 1)
    np.cumsum(moves.ravel(), out=path[1:])
    return path
