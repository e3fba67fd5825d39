"""numba's compiler, for the loops that Python is too slow for; of the extra `kernels`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with these options; machine code is kept between processes wherever a folder for it can be written.

    numba looks in NUMBA_CACHE_DIR, beside the module, and in the user's cache folder; in a read-only container with
    none of them each process compiles anew, a few seconds, where numba itself would refuse.
    """

    def compile_(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(function, cache=True, **options)
        except RuntimeError:
            return numba.njit(function, **options)

    return compile_
