"""Files of callers, opened in processes of their own: what crashes a library there, or keeps it busy, is refused.

The processes are forked from one that has the libraries loaded, and neither requests nor connections. Landlock, where
the system has it, lets each read its one file and what libraries need, and nothing of the gateway's.
"""

from __future__ import annotations

import asyncio
import os
import resource
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

from tellurion_core import landlock
from tellurion_core.errors import InvalidInput, TellurionError

T = TypeVar("T")

MEMORY_BYTES = 4 << 30
"""Of address space, the libraries included."""
PRELOADED = [
    "tellurion_gateway.fields",
    "tellurion_gateway.files",
    "tellurion_gateway.pictures",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
]


class FileProcesses:
    """One process for each file, as many at once as there are processors."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long each may take."""
        self._seconds = seconds
        self._places = asyncio.Semaphore(os.cpu_count() or 1)
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)

    async def run(self, work: Callable[..., T], path: Path, *arguments: Any, field: str) -> T:
        """What the function of a module makes of a file and arguments; errors are of the field that the file came in.

        Raises:
            TellurionError: what the function raised.
            InvalidInput: it took too long or too much memory, or its process ended by itself.
        """
        async with self._places:
            made, failure = await asyncio.to_thread(self._ran, partial(work, path, *arguments), path)
        if failure is None:
            return made
        if isinstance(failure, Exception):
            raise failure
        raise InvalidInput.of(field, received=failure, accepted="a file that can be read within its limits")

    def _ran(self, work: Callable[[], T], path: Path) -> tuple[Any, Exception | str | None]:
        answer, told = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(told, work, path, self._seconds), daemon=True)
        process.start()
        told.close()
        limit = Timer(self._seconds, process.kill)
        limit.start()
        try:
            return answer.recv()
        except EOFError:
            return None, f"a file that no library can read, or not within {self._seconds:g} s"
        finally:
            limit.cancel()
            process.kill()
            process.join()
            answer.close()


def confined() -> bool:
    """Whether this system can hold a process to its file."""
    return landlock.abi() >= landlock.MIN_ABI


def _work(answer: Connection, work: Callable[[], Any], path: Path, seconds: float) -> None:
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, int(seconds) + 1)  # should nobody be left to end it
    try:
        if confined():
            landlock.no_new_privileges()
            landlock.restrict([*landlock.python(), (path, landlock.READ)])
        answer.send((work(), None))
    except TellurionError as error:
        answer.send((None, error))
    except MemoryError:
        answer.send((None, f"a file that takes more than {MEMORY_BYTES} bytes of memory to read"))
    except Exception:  # noqa: BLE001 a fault of ours, for the log of whoever asked
        answer.send((None, RuntimeError(traceback.format_exc())))


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
