"""A seccomp filter that lets a script compute, and lets its supervisor hear of everything else that it tries.

Of the system's calls those are allowed that syscalls.csv says are; there are quiet answers for what libraries ask in
passing, and the rest, new calls among it, waits for the supervisor (see `refusals`), which never says yes. One process
is all that a script gets: threads, but no children. After seccomp_unotify(2) and the numbers of Linux's
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_ARCHITECTURES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""AUDIT_ARCH_…, and the number of seccomp(2)."""
_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3
_KILL, _ASK, _ALLOW, _ERRNO = 0x80000000, 0x7FC00000, 0x7FFF0000, 0x00050000
"""What a filter may return: end the process, ask the supervisor, let pass, fail with an errno in the lower half."""
_LOAD, _EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_UNTIL_SEALED = "until sealed"
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
"""Offsets in struct seccomp_data; the lower word of an argument comes first."""
_INSTRUCTION = struct.Struct("=HBBI")

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""


@cache
def answers() -> dict[str, tuple[int, str]]:
    """Number and answer of each system call of this machine, by name; empty where the architecture is not known."""
    lines = Path(__file__).with_name("syscalls.csv").read_text().splitlines()
    header, *rows = (line.split(",") for line in lines)
    if os.uname().machine not in header:
        return {}
    column = header.index(os.uname().machine)
    return {row[0]: (int(row[column]), row[3]) for row in rows if row[column]}


def install() -> int:
    """Puts the filter over this thread, and over all it starts; the descriptor that the supervisor listens at.

    `no_new_privs` must be set. Raises OSError.
    """
    return _installed(_program(), _NEW_LISTENER)


def seal() -> None:
    """Takes away what was needed to hand over the listener: descriptors on their way could not be watched."""
    sealed = [number for number, answer in answers().values() if answer == _UNTIL_SEALED]
    fail = [step for number in sealed for step in ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | errno.EPERM))]
    _installed([(_LOAD, 0, 0, _NUMBER), *fail, (_RETURN, 0, 0, _ALLOW)], 0)


def _installed(steps: Iterable[Instruction], flags: int) -> int:
    program = b"".join(_INSTRUCTION.pack(*step) for step in steps)
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // _INSTRUCTION.size, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    number = _ARCHITECTURES[os.uname().machine][1]
    result = libc.syscall(number, ctypes.c_uint(_MODE_FILTER), ctypes.c_uint(flags), head)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)


def _program() -> Iterable[Instruction]:
    architecture = _ARCHITECTURES[os.uname().machine][0]
    yield from ((_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER))
    rules = _rules(os.getpid())
    for name, (number, answer) in answers().items():
        if answer == "rule":
            rule = rules[name]
            yield (_EQUAL, 0, len(rule), number)
            yield from rule
        elif answer not in ("refuse", "kill"):
            yield (_EQUAL, 0, 1, number)
            yield (_RETURN, 0, 0, _quiet(answer))
    yield (_RETURN, 0, 0, _ASK)


def _quiet(answer: str) -> int:
    """What the filter returns for an answer that the supervisor is not asked for."""
    if answer in ("allow", _UNTIL_SEALED):
        return _ALLOW
    # Modes and times of files mean nothing here, and shutil.copy need not fail for them: success, and nothing done.
    return _ERRNO if answer == "ignore" else _ERRNO | getattr(errno, answer)


def _rules(pid: int) -> dict[str, list[Instruction]]:
    """For the calls whose arguments decide."""
    quietly = {number: _ERRNO | number for number in (errno.EINVAL, errno.EPERM, errno.ENOTTY)}
    map_shared_anonymous = 0x21
    clone_files, clone_thread, clone_namespaces = 0x00000400, 0x00010000, 0x7E020000
    return {
        # Neither to others nor to the group; also where Landlock cannot say so yet.
        "kill": _one_of(0, [pid], _ASK),
        "tgkill": _one_of(0, [pid], _ASK),
        # Not the limits of others.
        "prlimit64": _one_of(0, [0, pid], _ASK),
        # By such a pair an event loop wakes itself. A pair for datagrams could write to any socket, by its name.
        "socketpair": [
            *_unless_equal(0, 0xFFFFFFFF, socket.AF_UNIX, _ASK),
            *_unless_equal(1, 0xF, socket.SOCK_STREAM, _ASK),
            (_RETURN, 0, 0, _ALLOW),
        ],
        # Such memory is resident and nobody's as soon as it is unmapped page by page: it could not be watched.
        "mmap": [*_if_all(3, map_shared_anonymous, quietly[errno.EPERM]), (_RETURN, 0, 0, _ALLOW)],
        # Threads, and such as share their open files, which are looked at.
        "clone": [
            *_unless_equal(0, clone_files | clone_thread | clone_namespaces, clone_files | clone_thread, _ASK),
            (_RETURN, 0, 0, _ALLOW),
        ],
        "close_range": _one_of(2, [0, 4], quietly[errno.EINVAL]),  # CLOSE_RANGE_CLOEXEC
        # F_DUPFD…F_SETLKW, locks of open files, F_DUPFD_CLOEXEC: not F_SETOWN (signals), not leases.
        "fcntl": _one_of(1, [*range(8), 36, 37, 38, 1030], quietly[errno.EINVAL]),
        # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
        "ioctl": _one_of(1, [0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451], quietly[errno.ENOTTY]),
        # PR_SET_NAME, PR_GET_NAME, PR_CAPBSET_READ, PR_SET_VMA: not PR_SET_PDEATHSIG, by which it ends with its parent.
        "prctl": _one_of(0, [15, 16, 23, 0x53564D41], quietly[errno.EINVAL]),
    }


def _argument(index: int) -> Instruction:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _one_of(index: int, values: Iterable[int], otherwise: int) -> list[Instruction]:
    """Allows these values of an argument."""
    tests = [step for value in values for step in ((_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW))]
    return [_argument(index), *tests, (_RETURN, 0, 0, otherwise)]


def _unless_equal(index: int, mask: int, value: int, otherwise: int) -> list[Instruction]:
    return [_argument(index), (_AND, 0, 0, mask), (_EQUAL, 1, 0, value), (_RETURN, 0, 0, otherwise)]


def _if_all(index: int, mask: int, answer: int) -> list[Instruction]:
    return [_argument(index), (_AND, 0, 0, mask), (_EQUAL, 0, 1, mask), (_RETURN, 0, 0, answer)]
