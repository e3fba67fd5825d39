"""The inner sandbox: one confined process of this machine, watched from outside. Linux only, without any privilege."""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tellurion_agent.sandbox.confined import NO_DISK, NO_MEMORY, NO_PERMISSION
from tellurion_agent.sandbox.printed import Printed
from tellurion_agent.sandbox.refusals import Refusals
from tellurion_agent.sandbox.sandbox import Limits, Reason, Run, check_places
from tellurion_agent.sandbox.usage import stored_bytes, usage
from tellurion_core.errors import Unavailable

SCRATCH = ".scratch"
"""Folder within the output where a script may do as it likes, for as long as it runs."""
WATCHED = tuple(f"watched {what}" for what in ("time", "memory", "disk", "threads", "output"))

_START_SECONDS = 60.0
"""For the interpreter to come up and confine itself, on a machine that is busy."""
_WATCH_SECONDS = 0.02
_DISK_SHARE = 0.02
"""Of one CPU at most that looking at the disk takes."""
_BLAS_THREADS = 8
_MESSAGE_BYTES = 4096


class InnerSandbox:
    """Runs scripts behind no_new_privs, Landlock and seccomp, within limits that are watched."""

    def run(
        self,
        script: Path,
        inputs: Sequence[Path],
        output: Path,
        limits: Limits,
        *,
        cancelled: Callable[[], bool],
        log: Callable[[str], None],
    ) -> Run:
        """See `Sandbox.run`."""
        if not sys.platform.startswith("linux"):
            raise _missing("it is there on Linux only")
        check_places(script, inputs, output)
        output = output.resolve()
        scratch = output / SCRATCH
        scratch.mkdir()
        task = {
            **{name: math.ceil(value) for name, value in asdict(limits).items()},
            "parent": os.getpid(),
            "script": str(script.resolve()),
            "inputs": [str(path.resolve()) for path in inputs],
            "output": str(output),
            "scratch": str(scratch),
        }
        try:
            with ExitStack() as stack:
                ours, theirs = socket.socketpair()
                stack.callback(ours.close)
                theirs.setblocking(True)  # the script's process waits on it, whatever this one's default time-out is
                with theirs:
                    process = _started(task, theirs)
                stack.callback(_reap, process)
                refusals, layers = _confined(process, ours)
                stack.callback(refusals.close)
                return _Watch(process, refusals, layers, output, limits, cancelled, log).run(ours)
        finally:
            _remove(scratch)


class _Watch:
    """Over one run, from the moment its script may start."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        refusals: Refusals,
        layers: Sequence[str],
        output: Path,
        limits: Limits,
        cancelled: Callable[[], bool],
        log: Callable[[str], None],
    ) -> None:
        self._process, self._refusals, self._layers = process, refusals, layers
        self._output, self._limits, self._cancelled = output, limits, cancelled
        self._stdout, self._stderr = Printed(process.stdout, log), Printed(process.stderr, log)
        self._peak, self._disk_due = 0, 0.0

    def run(self, control: socket.socket) -> Run:
        """Lets the script start; what came of it, once it has ended."""
        started = time.monotonic()
        control.send(b"g")
        stopped = self._stopped(started)
        if stopped is not None:
            self._process.kill()
        code = self._process.wait()
        seconds = time.monotonic() - started
        for printed in (self._stdout, self._stderr):
            printed.finish()
        reason, detail = stopped or self._ended(code)
        return Run(
            exit_code=code,
            reason=reason,
            detail=detail,
            stdout=self._stdout.tail(),
            stderr=self._stderr.tail(),
            seconds=seconds,
            peak_memory_bytes=self._peak,
            layers=(*self._layers, *WATCHED),
            refused=tuple(self._refusals.calls),
        )

    def _stopped(self, started: float) -> tuple[Reason, str] | None:
        """Why the script has to be ended; None once it has ended by itself."""
        end = os.pidfd_open(self._process.pid)
        with selectors.DefaultSelector() as selector:
            try:
                for source in (self._stdout, self._stderr, self._refusals, end):
                    selector.register(source, selectors.EVENT_READ)
                while True:
                    for key, _ in selector.select(_WATCH_SECONDS):
                        if key.fileobj == end:
                            return None
                        if isinstance(key.fileobj, Printed) and not key.fileobj.read():
                            selector.unregister(key.fileobj)
                        if key.fileobj is self._refusals:
                            self._refusals.answer()
                    if found := self._found(time.monotonic() - started):
                        return found
            finally:
                os.close(end)

    def _found(self, seconds: float) -> tuple[Reason, str] | None:
        """A limit that is passed."""
        limits = self._limits
        if call := self._refusals.fatal:
            if self._refusals.starting():
                return Reason.PROCESSES, f"It kept trying to start processes ({call})."
            return Reason.FORBIDDEN, f"It asked the system for {call}."
        if self._stdout.count + self._stderr.count > limits.output_bytes:
            return Reason.OUTPUT, f"It printed more than {limits.output_bytes} bytes."
        if seconds > limits.seconds:
            return Reason.TIMEOUT, f"It ran for more than {limits.seconds:g} s."
        if self._cancelled():
            return Reason.CANCELLED, "It was cancelled."
        if not (taken := usage(self._process.pid)):
            return None
        self._peak = max(self._peak, taken.peak_bytes)
        if taken.memory_bytes > limits.memory_bytes:
            return Reason.MEMORY, f"It took more than {limits.memory_bytes} bytes of memory."
        if taken.threads > limits.processes:
            return Reason.PROCESSES, f"It ran more than {limits.processes} threads."
        if (began := time.monotonic()) >= self._disk_due:
            stored = stored_bytes(self._output, self._process.pid)
            self._disk_due = time.monotonic() + (time.monotonic() - began) / _DISK_SHARE
            if stored > limits.disk_bytes:
                return Reason.DISK, f"It stored more than {limits.disk_bytes} bytes."
        return None

    def _ended(self, code: int) -> tuple[Reason | None, str]:
        """What the exit code of a script that ended by itself says."""
        if code == 0:
            return None, ""
        if code == -signal.SIGSYS:
            return Reason.FORBIDDEN, "It called the system in another architecture's way."
        if code < 0:
            return Reason.CRASHED, f"Signal {-code} ended it ({signal.strsignal(-code)})."
        if code == NO_MEMORY:
            return Reason.MEMORY, f"It asked for more memory than the {self._limits.memory_bytes} bytes allow."
        if code == NO_DISK:
            return Reason.DISK, f"It wrote a file larger than the {self._limits.disk_bytes} bytes allow."
        if code == NO_PERMISSION and self._refusals.starting():
            return Reason.PROCESSES, "It tried to start a process."
        if code == NO_PERMISSION:
            asked = ", ".join(self._refusals.calls) or "a file that it may not have"
            return Reason.FORBIDDEN, f"It asked the system for {asked}."
        return Reason.FAILED, f"It ended with exit code {code}."


def _started(task: Mapping[str, Any], control: socket.socket) -> subprocess.Popen[bytes]:
    """The process that will confine itself."""
    with tempfile.TemporaryFile() as description:
        description.write(json.dumps(task).encode())
        description.seek(0)
        return subprocess.Popen(
            [sys.executable, "-s", "-P", "-B", "-m", "tellurion_agent.sandbox.confined", str(control.fileno())],
            stdin=description,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[control.fileno()],
            env=_environment(task["scratch"]),
            start_new_session=True,
        )


def _environment(scratch: str) -> dict[str, str]:
    """All that a script finds in its environment."""
    threads = str(min(_BLAS_THREADS, os.cpu_count() or 1))
    return {
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",  # the same order of a set in every run
        "TZ": "UTC",
        **dict.fromkeys(("HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "TMPDIR"), scratch),
        **dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
    }


def _confined(process: subprocess.Popen[bytes], control: socket.socket) -> tuple[Refusals, list[str]]:
    """The listener of its filter, and its layers, once it is confined; raises Unavailable where it is not."""
    control.settimeout(_START_SECONDS)
    try:
        message, descriptors, _, _ = socket.recv_fds(control, _MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        said = json.loads(message)
    except (OSError, ValueError) as cause:
        raise _missing("its process did not come up") from cause
    if not descriptors:
        raise _missing(said["missing"])
    return Refusals(descriptors[0]), said["layers"]


def _missing(what: str) -> Unavailable:
    return Unavailable(f"The sandbox is not complete, and nothing was run: {what}.", reason="SANDBOX_INCOMPLETE")


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Ends the process, where it has not ended yet, and gives back what belonged to it."""
    process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()


def _remove(scratch: Path) -> None:
    """Removes a folder, however deep a script made it; `shutil.rmtree` would descend by recursion."""
    pending = [scratch]
    while pending:
        folder = pending.pop()
        for entry in list(os.scandir(folder)):
            path = Path(entry.path)
            if not entry.is_dir(follow_symlinks=False):
                path.unlink()
                continue
            path.chmod(0o700)  # it may have been made with any mode
            if folder != scratch:
                path = path.rename(tempfile.mkdtemp(dir=scratch))
            pending.append(path)
        if folder != scratch:
            folder.rmdir()
    scratch.rmdir()
