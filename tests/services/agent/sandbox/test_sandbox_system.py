"""A script has no network, no other process and no privilege, also where it calls the system by itself."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tellurion_agent.sandbox.sandbox import Reason

ARM = platform.machine() == "aarch64"

NETWORK = {
    "TCP": ("import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)", "socket(AF_INET)"),
    "the metadata address": (
        "import urllib.request\nurllib.request.urlopen('http://169.254.169.254/latest/meta-data/', timeout=2)",
        "socket(AF_INET)",
    ),
    "IPv6": ("import socket\nsocket.socket(socket.AF_INET6)", "socket(AF_INET6)"),
    "UDP": (
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
        "socket(AF_INET)",
    ),
    "a socket file": ("import socket\nsocket.socket(socket.AF_UNIX).connect({path!r})", "socket(AF_UNIX)"),
    "a socket file by datagram": (
        "import socket\na, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\na.sendto(b'x', {path!r})",
        "socketpair(AF_UNIX)",
    ),
    "a server of its own": (
        "import socket\na, b = socket.socketpair()\na.bind('server')",
        "bind",
    ),
    "netlink": ("import socket\nsocket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "socket(AF_NETLINK)"),
    "raw packets": ("import socket\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "socket(AF_PACKET)"),
}


@pytest.mark.parametrize("attempt", NETWORK)
def test_no_network_is_reached(ran, tmp_path, attempt):
    code, refused = NETWORK[attempt]
    path = tmp_path / "service.sock"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(os.path.relpath(path))  # its full name may be too long
        local.listen()
        run = ran(code.format(port=server.getsockname()[1], path=str(path))).run
        for listening in (server, local):
            listening.setblocking(False)
            with pytest.raises(BlockingIOError):
                listening.accept()
    assert run.reason is Reason.FORBIDDEN
    assert run.refused == (refused,)


def test_names_of_hosts_are_not_resolved(ran):
    run = ran("import socket\nprint(socket.getaddrinfo('example.org', 80))").run
    assert run.reason is Reason.FAILED  # as on a machine that has no network
    assert set(run.refused) & {"socket(AF_INET)", "socket(AF_UNIX)"}


def test_what_a_script_was_refused_is_told_also_where_it_goes_on_without(ran):
    run = ran("import socket\ntry: socket.socket()\nexcept OSError: print('offline')").run
    assert (run.reason, run.stdout, run.refused) == (None, "offline\n", ("socket(AF_INET)",))


STARTS = {
    "a shell": "import os\nos.system('id') and exit(77)",
    "a program": "import subprocess\nsubprocess.run(['/bin/cat', '/etc/shadow'])",
    "posix_spawn": "import os\nos.posix_spawn('/bin/true', ['true'], {})",
    "in its own place": "import os\nos.execv('/bin/true', ['true'])",
    "a daemon": "import os\nif os.fork() == 0:\n    os.setsid()\n    os.fork()",
    "multiprocessing": "import multiprocessing\nmultiprocessing.get_context('fork').Process(target=print).start()",
    "by the dunders of a tuple": """
for kind in ().__class__.__base__.__subclasses__():
    if kind.__name__ == "_wrap_close":
        kind.__init__.__globals__["system"]("cat /etc/shadow") and exit(77)
""",
}


@pytest.mark.parametrize("attempt", STARTS)
def test_no_process_is_started(ran, attempt):
    run = ran(STARTS[attempt]).run
    assert run.reason is Reason.PROCESSES
    assert run.stdout == ""


def test_a_thread_does_not_outlive_the_script(ran):
    what = ran(
        """
import os, threading, time
def later():
    time.sleep(3)
    open("late.json", "w").write("{}")
threading.Thread(target=later, daemon=True).start()
os._exit(0)
"""
    )
    time.sleep(4)
    assert what.run.reason is None
    assert not list(what.output.iterdir())


SIGNALS = {
    "SIGKILL to the parent": "import os\nos.kill(os.getppid(), 9)",
    "to all": "import os\nos.kill(-1, 9)",
    "to the group": "import os\nos.killpg(os.getpgid(os.getppid()), 15)",
    "by a descriptor": "import os, signal\nsignal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)",
    "to a thread of the parent": (
        "import ctypes, os\nif ctypes.CDLL(None, use_errno=True).syscall({tgkill}, os.getppid(), os.getppid(), 9):\n"
        "    raise OSError(ctypes.get_errno(), 'tgkill')"
    ),
    "limits of the parent": "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0))",
    "a session of its own": "import os\nos.setsid()",
    "a group of its own": "import os\nos.setpgid(0, 0)",
}


@pytest.mark.parametrize("attempt", SIGNALS)
def test_no_other_process_is_touched(ran, attempt):
    limit = psutil.Process().rlimit(psutil.RLIMIT_NOFILE)
    run = ran(SIGNALS[attempt].format(tgkill=131 if ARM else 234)).run
    assert run.reason is Reason.FORBIDDEN
    assert len(run.refused) == 1
    assert psutil.Process().rlimit(psutil.RLIMIT_NOFILE) == limit


def test_no_signal_is_sent_by_a_file(ran):
    code = "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, {command}, os.getppid())"
    for command in ("fcntl.F_SETOWN", "fcntl.F_SETLEASE"):
        assert ran(code.format(command=command)).run.stderr.endswith("OSError: [Errno 22] Invalid argument\n")


def test_the_end_with_the_parent_cannot_be_undone(ran):
    run = ran("import ctypes\nprint(ctypes.CDLL(None).prctl(1, 0, 0, 0, 0))").run
    assert (run.reason, run.stdout) == (None, "-1\n")


RAW = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "kexec_load": (246, 104),
    "open_by_handle_at": (304, 265),
    "swapon": (167, 224),
    "reboot": (169, 142),
}
"""Numbers on x86_64 and aarch64."""


@pytest.mark.parametrize("call", RAW)
def test_a_script_that_calls_the_system_for_privileges_is_ended(ran, call):
    code = "import ctypes\nprint('on', flush=True)\nctypes.CDLL(None).syscall({}, 0, 0, 0, 0, 0, 0)\nprint('off')"
    run = ran(code.format(RAW[call][ARM])).run
    assert run.reason is Reason.FORBIDDEN
    assert run.refused == (call,)
    assert run.stdout == "on\n"
    assert run.exit_code == -signal.SIGKILL


def test_a_call_that_is_not_known_is_refused(ran):
    run = ran(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.syscall(999), ctypes.get_errno())"
    ).run
    assert (run.reason, run.stdout, run.refused) == (None, "-1 38\n", ("system call 999",))  # ENOSYS


if not ARM:

    def test_the_system_is_not_called_as_a_32_bit_program_would(ran):
        run = ran(
            """
import ctypes, mmap
page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000" "cd80" "c3"))  # mov eax, 20; int 0x80; ret
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
        ).run
        assert run.reason is Reason.FORBIDDEN
        assert run.exit_code == -signal.SIGSYS


@pytest.mark.parametrize("call", ["setuid(0)", "setuid(1000)", "setgid(1000)", "setgroups([])", "seteuid(1000)"])
def test_nobody_else_is_become(ran, call):
    run = ran(f"import os\nos.{call}").run
    assert run.reason is Reason.FORBIDDEN


def test_the_kernel_holds_the_script_to_what_the_layers_say(ran):
    seen, before = {}, set(psutil.Process().children())

    def look(line):
        (child,) = set(psutil.Process().children()) - before
        seen.update(item.split(":\t") for item in Path(f"/proc/{child.pid}/status").read_text().splitlines())

    run = ran("import time\nprint('on')\ntime.sleep(1)", log=look).run
    assert seen["NoNewPrivs"] == "1"
    assert seen["Seccomp"] == "2"
    assert {seen[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0000000000000000"}
    assert any(layer.startswith("landlock ") for layer in run.layers)
    assert {"clean environment", "closed descriptors", "no capabilities", "no_new_privs", "rlimits", "seccomp"} < {
        *run.layers
    }


LASTS = {
    "a loop": "while True: pass",
    "a thread, the first one ended": (
        "import ctypes, threading\ndef loop():\n    while True: pass\n"
        f"threading.Thread(target=loop).start()\nctypes.CDLL(None).syscall({93 if ARM else 60}, 0)"
    ),
}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("lasting", LASTS)
def test_a_script_ends_when_the_service_is_killed(tmp_path, how, lasting):
    (tmp_path / "output").mkdir()
    (tmp_path / "script.py").write_text("import os\nprint(os.getpid())\n" + LASTS[lasting])
    service = subprocess.Popen(
        [
            sys.executable,
            "-c",
            """
import pathlib, sys
from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.sandbox import Limits
folder = pathlib.Path(sys.argv[1])
InnerSandbox().run(folder / "script.py", [], folder / "output", Limits(seconds=60), cancelled=lambda: False,
                   log=lambda line: print(line, flush=True))
""",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    with service:
        script = psutil.Process(int(service.stdout.readline()))
        service.send_signal(how)
        service.wait()
        script.wait(5)
    assert not script.is_running()


def test_a_default_timeout_of_sockets_does_not_reach_the_script(ran):
    """Celery sets one for the whole process while a worker of it ends."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5.0)
    try:
        run = ran("print('ran')").run
    finally:
        socket.setdefaulttimeout(before)
    assert run.reason is None
    assert run.stdout == "ran\n"
