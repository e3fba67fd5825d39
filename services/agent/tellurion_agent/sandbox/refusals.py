"""What a confined script asks of the system in vain, as its supervisor hears it and says no."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct

from tellurion_agent.sandbox.seccomp import answers

_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
"""struct seccomp_notif: id, pid, flags, and of the call its number, architecture, address, and arguments."""
_RESPONSE = struct.Struct("=QqiI")
"""struct seccomp_notif_resp: id, value, error, flags."""
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV and _SEND
_PATIENCE = 1000
"""Refusals after which a script is ended: it does nothing else."""
STARTS = frozenset({"fork", "vfork", "clone", "clone3", "execve", "execveat"})
"""Calls by which a process would be started."""


class Refusals:
    """The supervisor's end of a filter: answers each call that waits there with an error."""

    def __init__(self, listener: int) -> None:
        self._listener = listener
        self._names = {number: (name, answer) for name, (number, answer) in answers().items()}
        self._count = 0
        self.calls: dict[str, None] = {}
        """Each call once, in the order in which they came last."""
        self.fatal = ""
        """The call for which the script has to be ended, once there is one."""

    def fileno(self) -> int:
        """The descriptor to wait at."""
        return self._listener

    def answer(self) -> None:
        """Says no to the call that waits, if one still does."""
        waiting = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, waiting)
        except OSError:
            return  # who asked has ended
        id_, _, _, number, _, _, *arguments = _NOTIFICATION.unpack(waiting)
        name, answer = self._names.get(number, (f"system call {number}", ""))
        call = f"{name}({_family(arguments[0])})" if name in ("socket", "socketpair") else name
        self.calls.pop(call, None)
        self.calls[call] = None
        self._count += 1
        if answer == "kill" or self._count > _PATIENCE:
            self.fatal = call
            return  # it waits until it is ended
        error = errno.EPERM if answer else errno.ENOSYS
        try:
            fcntl.ioctl(self._listener, _SEND, _RESPONSE.pack(id_, 0, -error, 0))
        except OSError:
            return

    def starting(self) -> bool:
        """Whether what it tried last was to start a process."""
        return next(reversed(self.calls), "") in STARTS

    def close(self) -> None:
        """Gives the descriptor back; what still waits fails."""
        os.close(self._listener)


def _family(number: int) -> str:
    try:
        return socket.AddressFamily(number).name
    except ValueError:
        return str(number)
