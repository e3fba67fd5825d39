"""What a confined process takes, as /proc and its folder show from outside."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ENTRY_BYTES = 16 << 10
"""What an entry counts at least, so that looking at all of them stays short."""
_MAX_DEPTH = 64
"""Folders within folders; no honest script goes deeper, and paths end somewhere."""


@dataclass(frozen=True)
class Usage:
    """Of one moment."""

    memory_bytes: int
    """Anonymous and shared pages, and the tables that map them."""
    peak_bytes: int
    """Most that was resident since the start, pages of files too."""
    threads: int


def usage(pid: int) -> Usage | None:
    """Memory and threads of a process; None once it has ended."""
    for thread in _threads(pid):
        with suppress(OSError):
            lines = (thread / "status").read_text().splitlines()
            values = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
            if "RssAnon" in values:
                kibibytes = {name: int(values[name][0]) for name in ("RssAnon", "RssShmem", "VmPTE", "VmHWM")}
                peak = kibibytes.pop("VmHWM")
                return Usage(sum(kibibytes.values()) << 10, peak << 10, int(values["Threads"][0]))
    return None


def stored_bytes(folder: Path, pid: int) -> int:
    """What the folder holds, and what the process holds that has no name any more."""
    return _named(folder) + _nameless(folder, pid)


def _threads(pid: int) -> list[Path]:
    """Where /proc shows the process: its first thread, and the others in case that one has ended before them."""
    with suppress(OSError):
        return [Path(f"/proc/{pid}"), *Path(f"/proc/{pid}/task").iterdir()]
    return []


def _named(folder: Path) -> int:
    total, pending = 0, [(str(folder), 0)]
    while pending:
        place, depth = pending.pop()
        if depth > _MAX_DEPTH:
            return sys.maxsize
        with suppress(OSError), os.scandir(place) as entries:  # it may vanish, or have been made for nobody to read
            for entry in entries:
                with suppress(FileNotFoundError):
                    total += max(_ENTRY_BYTES, 512 * entry.stat(follow_symlinks=False).st_blocks)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((entry.path, depth + 1))
    return total


def _nameless(folder: Path, pid: int) -> int:
    """Bytes of files that are open, or mapped, and unlinked."""
    sizes: dict[tuple[int, int], int] = {}
    for thread in _threads(pid):
        with suppress(OSError):
            for link in (thread / "fd").iterdir():
                with suppress(OSError):
                    file = link.stat()
                    if stat.S_ISREG(file.st_mode) and file.st_nlink == 0:
                        sizes[file.st_dev, file.st_ino] = 512 * file.st_blocks
            maps = (thread / "maps").read_bytes()
            for line in maps.splitlines() if b"(deleted)" in maps else ():
                span, _, _, device, inode, *name = line.split(maxsplit=5)
                if name and name[0].startswith(os.fsencode(folder)) and name[0].endswith(b"(deleted)"):
                    first, last = (int(end, 16) for end in span.split(b"-"))
                    major, minor = (int(part, 16) for part in device.split(b":"))
                    key = (os.makedev(major, minor), int(inode))
                    sizes[key] = max(sizes.get(key, 0), last - first)
            if maps:
                break
    return sum(sizes.values())
