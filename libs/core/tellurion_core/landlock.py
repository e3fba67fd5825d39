"""Landlock: files that a process may read and write, whoever owns them and whoever the process is.

After include/uapi/linux/landlock.h and Documentation/userspace-api/landlock.rst of Linux. What Landlock does not hold
back (stat, chmod, chown, utimes, extended attributes, sockets other than TCP) is a seccomp
filter's business.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

MIN_ABI = 3
"""Linux 6.2: before it, a file could be truncated that could not be written."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_GET_VERSION = 1
_PATH_BENEATH = 1
_RULE = struct.Struct("=Qi")
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _REFER, _TRUNCATE = (
    1 << bit for bit in (1, 2, 3, 4, 5, 7, 8, 13, 14)
)
_OF_A_FILE = _WRITE_FILE | _READ_FILE | _TRUNCATE
READ = _READ_FILE | _READ_DIR
"""Not to execute: no program is started inside."""
USE = READ | _WRITE_FILE
"""A device."""
KEEP = READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE
"""Regular files in a folder: no links, folders, pipes, sockets and devices, which somebody outside could trip over."""
SCRATCH = KEEP | _REMOVE_DIR | _MAKE_DIR | _REFER

_PR_SET_NO_NEW_PRIVS = 38
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"),
    *("/usr/share/fonts", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime"),
    *("/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
"""What libraries read of the machine, where it is there."""

_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """Version of Landlock in this kernel, 0 where there is none or it is off."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_GET_VERSION))))


def no_new_privileges() -> None:
    """Takes from this thread, and all it starts, the way to privileges by programs that have them. Raises OSError."""
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def python() -> Iterator[tuple[Path, int]]:
    """What this interpreter and its libraries read, without the folder that it was started in."""
    modules = sys.path if sys.flags.safe_path else sys.path[1:]
    libraries = {Path(prefix, part) for prefix in (sys.prefix, sys.base_prefix) for part in ("lib", "lib64", "share")}
    for path in (*map(Path, (*modules, *_SYSTEM)), *libraries):
        if path.is_absolute() and path.exists():
            yield path, READ


def restrict(rules: Iterable[tuple[Path, int]]) -> int:
    """Holds this thread, and all it starts, to these files and folders, and to no TCP and no signal to others.

    `no_new_privileges` must hold. Returns the version that holds; raises OSError where it is too old.
    """
    if (version := abi()) < MIN_ABI:
        raise OSError(f"version {MIN_ABI} is needed, Linux 6.2; this kernel has {version or 'none'}")
    handled = (1 << 16 if version >= 5 else 1 << 15) - 1
    attributes = struct.pack("=QQQ", handled, 0b11, 0b11)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _called(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    try:
        for path, rights in rules:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = _RULE.pack(rights if path.is_dir() else rights & _OF_A_FILE, place)
                _called(_ADD_RULE, ruleset, _PATH_BENEATH, rule, ctypes.c_uint(0))
            finally:
                os.close(place)
        _called(_RESTRICT_SELF, ruleset, ctypes.c_uint(0))
    finally:
        os.close(ruleset)
    return version


def _called(number: int, *arguments: object) -> int:
    """What a system call returns; raises OSError."""
    if (result := _libc.syscall(number, *arguments)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)
