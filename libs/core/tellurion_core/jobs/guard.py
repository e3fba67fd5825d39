"""A process that guards another, and ends it with all its descendants when the starter says so, is silent, or is gone.

The guard is the parent of the process that it guards; it does nothing else, so that nothing keeps it from hearing. The
starter holds the other end of its standard input: `RENEWED` says since when all is well, `CANCEL` asks the guarded
process to stop, and the end of the file says that it shall end now; the system writes that one when the starter is
killed. Moments are on `time.monotonic`, which the processes of a machine share.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

RENEWED, CANCEL = b"r", b"c"
WORD = struct.Struct("=cd")
"""What the starter writes, whole: one of the two, and for RENEWED a moment."""
KILLED = 128
"""Added to the number of the signal that killed the guarded process, this is the guard's exit code, as in a shell."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_POLL_SECONDS = 0.01


def forked(silence: float | None, since: float = 0.0) -> mmap.mmap:
    """Forks, and returns in the child only; the parent stays behind as its guard and ends when the child has ended.

    Called while the process has one thread. A byte of shared memory is returned: not zero once the child is asked to
    stop. Where `silence` is given, a starter is gone when so many seconds have passed since the moment up to which it
    said that all is well, at first `since`.
    """
    asked = mmap.mmap(-1, 1)
    guard = os.getpid()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        # Where even the guard is killed, the child goes too. (Linux; elsewhere it would have to be killed by hand.)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(KILLED + signal.SIGKILL)
        _replace(sys.stdin.fileno(), os.O_RDONLY)
        return asked
    _replace(sys.stdout.fileno(), os.O_WRONLY)
    os._exit(_guarded(child, asked, silence, since))


def _guarded(child: int, asked: mmap.mmap, silence: float | None, heard: float) -> int:
    """The exit code of the child, once it has ended and nothing is left of it."""
    ended, wake = os.pipe()
    os.set_blocking(ended, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    starter = sys.stdin.fileno()
    code = _reaped(child)
    while code is None:
        left = None if silence is None else max(0.0, heard + silence - time.monotonic())
        ready, _, _ = select.select([starter, ended], [], [], left)
        if starter in ready:
            words = os.read(starter, 64 * WORD.size)
            if not words:
                break
            for what, moment in WORD.iter_unpack(words):
                if what == CANCEL:
                    asked[0] = 1
                else:
                    heard = max(heard, moment)
        elif not ready:
            break
        if ended in ready:
            os.read(ended, 512)
        code = _reaped(child)
    _kill_descendants()
    return KILLED + signal.SIGKILL if code is None else code


def _reaped(child: int) -> int | None:
    """The exit code of the child, None while it runs; orphans that ended are reaped by the way."""
    for pid, status in _ended():
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return KILLED - code if code < 0 else code
    return None


def _ended() -> Iterator[tuple[int, int]]:
    """Children that have ended, each once, with their status."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended


def _kill_descendants() -> None:
    """Kills until nothing is left; descendants whose parents are gone have become children of this process."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return  # as most jobs leave it
    import psutil  # not before it is needed

    me = psutil.Process()
    while descendants := me.children(recursive=True):
        for process in descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(_POLL_SECONDS)
        for _ in _ended():
            pass


def _replace(number: int, mode: int) -> None:
    """Lets a file descriptor lead nowhere."""
    nowhere = os.open(os.devnull, mode)
    os.dup2(nowhere, number)
    os.close(nowhere)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def main() -> None:
    """Runs a program under guard: `python -m tellurion_core.jobs.guard PROGRAM ARGUMENT…`."""
    forked(None)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 -- no shell


if __name__ == "__main__":
    main()
