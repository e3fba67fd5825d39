"""Compiled loops on several cores: each range of a loop is one call that does not hold Python's lock.

What is added up, and in which order, does not depend on the number of threads: ranges come from the data, or else no
element's sum is of more than one range.
numba's own parallel loops are not used: its default layer aborts when two threads enter one at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

WORKERS = max(8, os.cpu_count() or 1)
"""Threads of a process at most, beside those that call: work that finds none free is done by its caller."""


def in_ranges(kernel: Callable[..., Any], count: int, size: int, threads: int, *arguments: Any) -> list[Any]:
    """What `kernel(start, stop, *arguments)` returns for each piece of range(count), pieces of `size` and in order."""
    starts = range(0, count, size)
    results: list[Any] = [None] * len(starts)
    pieces = iter(enumerate(starts))

    def work() -> None:
        for index, start in pieces:
            results[index] = kernel(start, min(start + size, count), *arguments)

    helpers = min(threads, len(starts)) - 1
    futures = [_pool(os.getpid()).submit(work) for _ in range(helpers)]
    try:
        work()
    finally:
        for future in futures:
            if not future.cancel():
                future.result()
    return results


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of this process: a fork inherits none."""
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="splatting")
