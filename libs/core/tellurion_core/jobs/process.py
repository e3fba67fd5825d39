"""The process of one attempt, as its worker sees it: told things, listened to, measured, and ended for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tellurion_core.jobs.frames import DIED, ERROR, PROGRESS, RESULT, frames, progress_of
from tellurion_core.jobs.given import Given
from tellurion_core.jobs.guard import CANCEL, KILLED, RENEWED, WORD

KILL_SECONDS = 1.0
"""How long a guard may take to end the process; then it is done from here."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, in the words of its process."""

    what: bytes
    """RESULT, ERROR or DIED."""
    content: bytes
    """The result, a google.rpc.Status, or the id of an error in the log."""


class JobProcess:
    """A process that does a job, with its guard and all that it starts."""

    def __init__(self, given: Given, body: bytes) -> None:
        """Starts it; raises OSError where the system cannot."""
        with tempfile.TemporaryFile() as file:
            given.write(file, body)
            file.seek(0)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tellurion_core.jobs.child", str(file.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[file.fileno()],
                start_new_session=True,
            )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self.news: tuple[float, str] = (0.0, "")
        """Fraction and message of the newest progress."""
        self._outcome: Outcome | None = None
        # Guards the pipe to the guard: once it is closed its number may be another file's.
        self._lock = threading.Lock()
        self._listener = threading.Thread(target=self._listen, name="job-listener", daemon=True)
        self._listener.start()

    def renewed(self, since: float) -> None:
        """Tells the guard that the lease was renewed, and from which moment on `time.monotonic` it counts."""
        self._tell(WORD.pack(RENEWED, since))

    def cancel(self) -> None:
        """Asks the job to stop."""
        self._tell(WORD.pack(CANCEL, 0.0))

    def wait(self, seconds: float) -> bool:
        """Waits for the end, so many seconds at most; whether it has come."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            return True
        return False

    def outcome(self) -> Outcome | None:
        """How the attempt ended, in its own words; None as long as, or where, it said nothing."""
        if self._process.returncode is not None:
            self._listener.join(KILL_SECONDS)  # what it said last may still be on its way
        return self._outcome

    def end(self) -> str:
        """How the process ended, in words."""
        code = self._process.returncode
        number = -code if code < 0 else code - KILLED
        if number > 0:
            with suppress(ValueError):
                return f"its process was killed by signal {number} ({signal.Signals(number).name})"
        return f"its process ended with exit code {code} and no result"

    def memory(self) -> int:
        """Resident bytes of the process and all its descendants."""
        total = 0
        with suppress(psutil.NoSuchProcess):
            me = psutil.Process(self._process.pid)
            for process in [me, *me.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
        return total

    def kill(self) -> None:
        """Ends the process and all its descendants now; returns when they have ended."""
        self._close()
        if not self.wait(KILL_SECONDS):
            self._kill_from_here()
            self._process.wait()

    def close(self) -> None:
        """After the end: gives up what belonged to the process."""
        self._close()
        if self._process.returncode < 0:
            # Somebody killed the guard. Its child went with it; what that had started is of the same group.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._listener.join(KILL_SECONDS)

    def _tell(self, what: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        with self._lock, suppress(OSError):  # it has ended, or does not listen and then ends for our silence
            if not stdin.closed:
                os.write(stdin.fileno(), what)

    def _close(self) -> None:
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.close()

    def _kill_from_here(self) -> None:
        with suppress(psutil.NoSuchProcess):
            guard = psutil.Process(self._process.pid)
            while descendants := guard.children(recursive=True):
                for process in descendants:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                if self.wait(0.01) or all(process.status() == psutil.STATUS_ZOMBIE for process in descendants):
                    break
            guard.kill()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for what, content in frames(pipe):
                if what == PROGRESS:
                    self.news = progress_of(content)
                elif what in (RESULT, ERROR, DIED):
                    self._outcome = Outcome(what, content)
