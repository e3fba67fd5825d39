"""What a caller may do: viewer < user < admin."""

from __future__ import annotations

from enum import IntEnum
from functools import cache

from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.descriptor_pool import Default

_READS = frozenset(f"google.longrunning.Operations.{name}Operation{s}" for name, s in (("Get", ""), ("List", "s")))
"""Methods of others that only look, and do not say so in their proto."""


class Role(IntEnum):
    """What a caller may do; each may do what those before it may."""

    VIEWER = 1
    """Look at what is there."""
    USER = 2
    """Ask for work, upload, delete."""
    ADMIN = 3
    """Whatever the installation lets anybody do from outside."""

    @property
    def label(self) -> str:
        """The name in tokens, tables and options: ``viewer``."""
        return self.name.lower()


ROLES = {role.label: role for role in Role}
"""The roles by their label."""


@cache
def needed_role(method: str) -> Role:
    """The role that ``/package.Service/Method`` needs: a viewer's where its proto says that it has no side effects.

    To be asked of methods that there are: answers are kept.
    """
    name = method.removeprefix("/").replace("/", ".")
    if name in _READS:
        return Role.VIEWER
    try:
        options = Default().FindMethodByName(name).GetOptions()
    except KeyError:
        return Role.USER
    return Role.VIEWER if options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS else Role.USER
