"""What a caller may do: its role says how much, its scopes say where."""

from __future__ import annotations

from fastapi import Request

from tellurion_core.call import Identity, answering
from tellurion_core.errors import PermissionDenied
from tellurion_core.identity.roles import Role, required_role

FILES = "artifacts"
"""Scope of the files that the gateway itself keeps."""
LOOKING = ("GET", "HEAD", "OPTIONS")
"""HTTP methods that change nothing."""
BRIDGE = "/v1/grpc/"


def check(identity: Identity, scope: str, needed: Role) -> None:
    """Raises PermissionDenied where the caller has not the scope or the role."""
    if not identity.may_call(scope):
        raise PermissionDenied(f"this key is not for {scope}", reason="OUT_OF_SCOPE")
    if identity.role < needed:
        raise PermissionDenied(f"a {identity.role} may not do this, a {needed} may")


async def files(request: Request) -> None:
    """Of the routes of uploads and artifacts. Raises PermissionDenied."""
    check(answering().identity, FILES, Role.VIEWER if request.method in LOOKING else Role.USER)


def changes(method: str, path: str) -> bool:
    """Whether a request may change something. All calls over the bridge are POST, those that only look too."""
    if path.startswith(BRIDGE) and path.count("/") == BRIDGE.count("/") + 2:
        return required_role("/".join(path.split("/")[-2:])) > Role.VIEWER
    return method not in LOOKING
