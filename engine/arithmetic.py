"""Sums that do not depend on how many threads a machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Let matrix products add up in one order; usable as a decorator.

    With several threads BLAS adds in another order, and the last bits differ: a run
    could not be derived again exactly on a machine with another number of cores. The
    matrices of a study are too small to gain from threads.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        yield
