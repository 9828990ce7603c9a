"""Sums that do not depend on how many threads a machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Let matrix products add up in one order; usable as a decorator.

    With several threads BLAS adds in another order, and the last bits differ: a run
    could not be derived again exactly on a machine with another number of cores. The
    matrices of a study are too small to gain from threads.
    """
    _keep_memory()
    with threadpool_limits(limits=1, user_api="blas"):
        yield


#: The largest piece of memory that glibc takes as a measure, and a little less.
_PIECE = 32 * 2**20 - 2**16


@cache
def _keep_memory() -> None:
    """Let the C library keep what arrays give back, up to 64 MB, for the next ones.

    glibc returns the memory of large arrays to the system and gets it back page by
    page, which takes a quarter of the time of a thousand event tests. Once it has seen
    a large piece freed, it keeps pieces of that size. The piece is not touched, so it
    costs nothing; other C libraries take no notice.
    """
    np.empty(_PIECE, dtype=np.uint8)
