"""The process of a script: `python -m tellurion_agent.sandbox.confined FD`, started by `inner`.

It gives up what it can do, layer by layer, tells its supervisor over the socket FD which layers hold, and runs the
script itself once it hears that it may. Only the standard library is imported, so that the script starts soon.
"""

from __future__ import annotations

import ctypes
import errno
import json
import math
import os
import resource
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tellurion_agent.sandbox import seccomp
from tellurion_core import landlock

NO_PERMISSION, NO_MEMORY, NO_DISK = 77, 71, 73
"""Exit codes of a script that ends for want of these."""

_PR_SET_PDEATHSIG = 1
_CAPABILITY_VERSION_3 = 0x20080522
_OPEN_FILES = 1024
_HEAP_SLACK_BYTES = 4 << 30
"""Of writable memory beyond the limit: mapped, not resident, as BLAS and stacks of threads are."""


class LayerMissing(Exception):
    """A layer could not be put in place; its name and the cause."""


@contextmanager
def _layer(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, KeyError) as cause:  # the latter for an architecture that has no table
        raise LayerMissing(f"{name}: {cause}") from cause


def main() -> None:
    """Runs the script that stdin describes, as JSON, under the limits that stand there."""
    control = socket.socket(fileno=int(sys.argv[1]))
    task: dict[str, Any] = json.load(sys.stdin)
    try:
        listener, layers = _confined(task)
    except LayerMissing as missing:
        control.send(json.dumps({"missing": str(missing)}).encode())
        sys.exit(1)
    socket.send_fds(control, [json.dumps({"layers": layers}).encode()], [listener])
    os.close(listener)  # or the script could say yes to itself
    seccomp.seal()
    control.recv(1)
    control.close()
    sys.exit(_run(task["script"], task["inputs"]))


def _confined(task: dict[str, Any]) -> tuple[int, list[str]]:
    """Descriptor of the filter's listener, and the layers that are active from now on."""
    libc = ctypes.CDLL(None, use_errno=True)

    def called(result: int) -> None:
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    with _layer("end with the service"):
        called(libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0))
        if os.getppid() != task["parent"]:
            raise LayerMissing("end with the service: it has ended")
    with _layer("rlimits"):
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.closerange(3, int(sys.argv[1]))
        os.closerange(int(sys.argv[1]) + 1, _OPEN_FILES)
        _set_limits(task)
        # Where memory runs short in spite of the watch, the system shall not choose another process.
        Path("/proc/self/oom_score_adj").write_text("1000")
    with _layer("no capabilities"):
        nobody = struct.pack("=II", _CAPABILITY_VERSION_3, 0)
        called(libc.capset(nobody, bytes(24)))
    with _layer("no_new_privs"):
        landlock.no_new_privileges()
    os.chdir(task["output"])
    with _layer("landlock"):
        version = landlock.restrict(_rules(task))
    with _layer("seccomp"):
        listener = seccomp.install()
    return listener, [
        *("clean environment", "closed descriptors", "end with the service", "rlimits", "no capabilities"),
        *("no_new_privs", f"landlock {version}", "seccomp"),
    ]


def _set_limits(task: dict[str, Any]) -> None:
    cpu_seconds = math.ceil(task["seconds"]) * (os.cpu_count() or 1) + 1
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_DATA, task["memory_bytes"] + _HEAP_SLACK_BYTES),
        (resource.RLIMIT_FSIZE, task["disk_bytes"]),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))


def _rules(task: dict[str, Any]) -> Iterator[tuple[Path, int]]:
    """Files and what may be done with them."""
    yield from landlock.python()
    yield Path(os.devnull), landlock.USE
    for path in (task["script"], *task["inputs"]):
        yield Path(path), landlock.READ
    yield Path(task["output"]), landlock.KEEP
    yield Path(task["scratch"]), landlock.SCRATCH


def _run(script: str, inputs: list[str]) -> int:
    """Runs the script as the main module; its exit code."""
    sys.argv = [script, *inputs]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__file__ = script
    try:
        exec(compile(Path(script).read_bytes(), script, "exec"), module.__dict__)  # noqa: S102 -- what all this is for
    except Exception as error:  # noqa: BLE001 -- whatever the script raises
        frames = error.__traceback__.tb_next if error.__traceback__ else None  # without this function's own
        traceback.print_exception(type(error), error, frames)
        return next(filter(None, map(_wanting, _causes(error))), 1)
    return 0


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _wanting(error: BaseException) -> int:
    """The exit code for what was wanting, 0 where it is something else."""
    if isinstance(error, MemoryError):
        return NO_MEMORY
    number = error.errno if isinstance(error, OSError) else 0
    if number in (errno.EPERM, errno.EACCES, errno.EXDEV):  # the last is Landlock's word on links
        return NO_PERMISSION
    return NO_DISK if number in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT) else 0


if __name__ == "__main__":
    main()
