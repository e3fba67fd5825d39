"""A script that takes too much is ended, and the run says of what."""

from __future__ import annotations

import os
import time
from threading import Timer

import pytest

from tellurion_agent.sandbox.sandbox import Limits, Reason
from tellurion_core.errors import InvalidInput

MIB = 1 << 20
IGNORES_SIGNALS = """
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
"""
MAPPINGS = """
import mmap, os
held = []
while True:
    with open('x', 'w+b') as file:
        os.unlink('x')
        file.write(bytes(1 << 20))
        file.flush()
        held.append(mmap.mmap(file.fileno(), 0, {}))
    for number in range(4, 1024):
        try: os.close(number)
        except OSError: pass
"""
TAKES_TOO_MUCH = {
    "fork bomb": ("import os\nwhile True: os.fork()", Reason.PROCESSES),
    "fork bomb that goes on": (
        """
import os
while True:
    try: os.fork()
    except OSError: pass
""",
        Reason.PROCESSES,
    ),
    "thread bomb": (
        """
import threading, time
threading.stack_size(1 << 16)
while True: threading.Thread(target=time.sleep, args=(60,)).start()
""",
        Reason.PROCESSES,
    ),
    "50 GB at once": ("bytearray(50 << 30)", Reason.MEMORY),
    "50 GB bit by bit": ("held = [bytearray(b'x') * (8 << 20) for _ in range(6000)]", Reason.MEMORY),
    "50 GB, and the error swallowed": (
        """
held = []
while True:
    try: held.append(b"x" * (4 << 20))
    except MemoryError: pass
""",
        Reason.MEMORY,
    ),
    "one large file": (
        "file = open('fill.nc', 'wb')\nwhile True: file.write(bytes(1 << 20))",
        Reason.DISK,
    ),
    "many files": (
        "import itertools\nfor n in itertools.count(): open(f'{n}.nc', 'wb').write(bytes(1 << 20))",
        Reason.DISK,
    ),
    "many empty files": ("import itertools\nfor n in itertools.count(): open(f'{n}.nc', 'wb')", Reason.DISK),
    "files without a name": (
        """
import os
held = []
while True:
    held.append(open('x', 'wb'))
    os.unlink('x')
    held[-1].write(bytes(1 << 20))
    held[-1].flush()
""",
        Reason.DISK,
    ),
    "mappings of files without a name": (MAPPINGS.format("mmap.MAP_SHARED"), Reason.DISK),
    "private mappings of files without a name": (MAPPINGS.format("mmap.MAP_PRIVATE"), Reason.DISK),
    "memory, after the first thread has ended": (
        """
import ctypes, threading, time
def take():
    time.sleep(0.5)
    held = []
    while True: held.append(b"x" * (4 << 20))
threading.Thread(target=take).start()
ctypes.CDLL(None).syscall({exit}, 0)
""".replace("{exit}", "93" if os.uname().machine == "aarch64" else "60"),
        Reason.MEMORY,
    ),
    "folders within folders": (
        """
import os, tempfile
os.chdir(tempfile.gettempdir())
while True:
    os.mkdir('x', mode=0o700)
    os.chdir('x')
""",
        Reason.DISK,
    ),
    "1 GB of stdout": ("line = 'x' * 1023\nfor _ in range(1 << 20): print(line)", Reason.OUTPUT),
    "1 GB of stderr in one line": (
        "import sys\nfor _ in range(1 << 10): sys.stderr.write('x' * (1 << 20))",
        Reason.OUTPUT,
    ),
}


@pytest.mark.parametrize("attempt", TAKES_TOO_MUCH)
def test_a_script_that_takes_too_much_is_ended(ran, attempt):
    code, reason = TAKES_TOO_MUCH[attempt]
    run = ran(code).run
    assert run.reason is reason
    assert run.detail
    assert run.exit_code != 0
    assert run.peak_memory_bytes < 768 * MIB  # beyond the limit only by what comes between two looks
    assert len(run.stdout) + len(run.stderr) <= 2 * 64 * 1024


@pytest.mark.parametrize("ignoring", ["", IGNORES_SIGNALS], ids=["endless loop", "SIGTERM ignored, and all others"])
def test_an_endless_loop_ends_when_its_time_is_over(ran, ignoring):
    run = ran(ignoring + "\nprint('on')\nwhile True: pass", seconds=1).run
    assert run.reason is Reason.TIMEOUT
    assert run.stdout == "on\n"
    assert 1 <= run.seconds < 5


def test_a_cancelled_run_ends_soon(ran):
    cancelled = []
    timer = Timer(1, cancelled.append, [True])
    timer.start()
    began = time.monotonic()
    run = ran("import time\nprint('on')\ntime.sleep(60)", cancelled=lambda: bool(cancelled)).run
    assert run.reason is Reason.CANCELLED
    assert time.monotonic() - began < 15


def test_memory_that_no_process_would_seem_to_have_is_not_given(ran):
    run = ran(
        """
import mmap, os
for make in (lambda: mmap.mmap(-1, 4096), lambda: os.memfd_create('x')):
    try: make()
    except PermissionError: print('no')
"""
    ).run
    assert (run.reason, run.stdout) == (None, "no\nno\n")


def test_files_cannot_be_hidden_on_their_way(ran):
    run = ran(
        """
import socket
ours, theirs = socket.socketpair()
ours.send(b"x")
assert theirs.recv(1) == b"x"
with open("x.nc", "w") as file: socket.send_fds(ours, [b"x"], [file.fileno()])
"""
    ).run
    assert run.reason is Reason.FORBIDDEN


def test_threads_cannot_have_open_files_of_their_own(ran):
    run = ran(
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(436, 1000, 1000, 2)  # close_range(…, CLOSE_RANGE_UNSHARE)
print(ctypes.get_errno())
clone = 220 if os.uname().machine == "aarch64" else 56
libc.syscall(clone, 0x10000 | 0x800 | 0x100, 0, 0, 0, 0)  # CLONE_THREAD, _SIGHAND, _VM, not CLONE_FILES
print(ctypes.get_errno())
"""
    ).run
    assert run.stdout == "22\n1\n"  # EINVAL, EPERM


def test_what_was_printed_before_the_end_is_kept_and_told_line_by_line(ran):
    what = ran("print('first')\nprint('second', end='', flush=True)\nwhile True: pass", seconds=1)
    assert what.run.stdout == "first\nsecond"
    assert what.lines == ["first", "second"]


def test_nothing_is_left_of_folders_that_lie_too_deep_to_be_named(ran):
    what = ran(
        "import os, tempfile\nos.chdir(tempfile.gettempdir())\nfor _ in range(1500): os.mkdir('x'); os.chdir('x')"
    )
    assert what.run.reason in (Reason.DISK, None)
    assert not list(what.output.iterdir())


@pytest.mark.parametrize("limit", ["seconds", "memory_bytes", "disk_bytes", "processes", "output_bytes"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 2**61, "1"])
def test_limits_that_limit_nothing_are_refused(limit, value):
    with pytest.raises(InvalidInput) as caught:
        Limits(**{limit: value})
    assert caught.value.violations[0].field == f"limits.{limit}"
