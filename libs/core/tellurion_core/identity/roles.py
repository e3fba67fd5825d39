"""What callers may do, and what each method asks for."""

from __future__ import annotations

from enum import IntEnum
from functools import cache

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions

from tellurion_core.errors import InvalidInput

_OPERATIONS = "google.longrunning.Operations"
_LOOKING = ("GetOperation", "ListOperations", "WaitOperation")
"""Methods of theirs that change nothing, which their proto does not say."""


class Role(IntEnum):
    """What a caller may do; each role may do what those below it may."""

    VIEWER = 1
    """Look, and compute what leaves nothing behind."""
    USER = 2
    """Change what belongs to its tenant."""
    ADMIN = 3
    """Run the installation."""

    @classmethod
    def named(cls, name: str) -> Role:
        """The role of this name, in small letters. Raises InvalidInput."""
        try:
            return cls[name.upper() if name.islower() else ""]
        except KeyError:
            accepted = ", ".join(map(str, cls))
            raise InvalidInput.of("role", received=name, accepted=accepted) from None

    def __str__(self) -> str:
        return self.name.lower()


@cache
def required_role(method: str) -> Role:
    """The least role that may call `package.Service/Method`, which exists: `cache` grows with what it is asked."""
    service, _, name = method.strip("/").rpartition("/")
    if service == _OPERATIONS:
        return Role.VIEWER if name in _LOOKING else Role.USER
    try:
        options = descriptor_pool.Default().FindMethodByName(f"{service}.{name}").GetOptions()
    except KeyError:
        return Role.USER
    return Role.VIEWER if options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS else Role.USER
