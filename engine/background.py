"""One piece of work in a thread, for what leaves the interpreter to others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


def begin(
    work: Callable[_Given, _Made], *args: _Given.args, **kwargs: _Given.kwargs
) -> Callable[[], _Made]:
    """Start `work` in a thread of its own; return what waits for its result.

    What it raises is raised where the result is asked for.
    """
    thread = ThreadPoolExecutor(max_workers=1)
    begun = thread.submit(work, *args, **kwargs)
    thread.shutdown(wait=False)
    return begun.result
