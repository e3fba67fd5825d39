"""What a caller may do: viewer < user < admin."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache

from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.descriptor_pool import Default

_READS = frozenset(
    f"google.longrunning.Operations.{name}" for name in ("GetOperation", "ListOperations", "WaitOperation")
)
"""Methods of others that change nothing, and do not say so in their proto."""
_LOOKS = re.compile(r".*\.(Compare|Describe|Download|Find|Get|List|Wait|Watch)([A-Z]\w*)?")
"""Methods that look at what is there; others that change nothing compute, which is work."""


class Role(IntEnum):
    """What a caller may do; each may do what those before it may."""

    VIEWER = 1
    """Look at what is there."""
    USER = 2
    """Ask for work, upload, delete."""
    ADMIN = 3
    """As a user of services, whose calls take no more; through a gateway, also make and revoke the tenant's keys."""

    @property
    def label(self) -> str:
        """The name in tokens, tables and options: ``viewer``."""
        return self.name.lower()


ROLES = {role.label: role for role in Role}
"""The roles by their label."""


@cache
def changes(method: str) -> bool:
    """Whether ``/package.Service/Method`` may change something: its proto does not say that it has no side effects.

    To be asked of methods that there are: answers are kept; those of `needed_role` too.
    """
    name = _full_name(method)
    try:
        options = Default().FindMethodByName(name).GetOptions()
    except KeyError:
        return name not in _READS
    return name not in _READS and options.idempotency_level != MethodOptions.NO_SIDE_EFFECTS


@cache
def needed_role(method: str) -> Role:
    """The role that ``/package.Service/Method`` needs: a viewer's where it changes nothing and computes nothing."""
    return Role.USER if changes(method) or not _LOOKS.fullmatch(_full_name(method)) else Role.VIEWER


def _full_name(method: str) -> str:
    return method.removeprefix("/").replace("/", ".")
