"""What a service knows of the call that it is answering: who asks, under which id, until when."""

from __future__ import annotations

import math
import re
import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass

from tellurion_core.identity.roles import Role

REQUEST_ID_KEY = "x-request-id"
TIMEOUT_KEY = "x-timeout-ms"
"""What is left of the caller's time, in milliseconds; gRPC tells it less exactly."""
REFUSED_KEY = "x-refused"
"""Initial metadata of a call that was refused while its requests came in: no more of them are wanted."""
ALL_SERVICES = "*"
"""The scope of everything."""
ARTIFACTS = "artifacts"
"""The scope of the files that a gateway itself keeps: all of the tenant's."""
TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What a tenant may be called."""
_MILLISECONDS = re.compile(r"[0-9]{1,12}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls."""

    tenant: str
    """Owner of every row, artifact and log line that the call makes."""
    subject: str
    """The caller inside its tenant, for logs."""
    role: Role = Role.ADMIN
    """What it may do; an installation that asks nobody who they are lets everybody do everything."""
    scopes: frozenset[str] = frozenset({ALL_SERVICES})
    """Services that a gateway may call for it, `artifacts`, or `*`; what services ask of others is theirs to say."""
    expires: float | None = None
    """When its API key stops being good, seconds since 1970, if it is one that does."""

    def may_call(self, service: str) -> bool:
        """Whether a gateway may call this service for it, or open its tenant's artifacts."""
        return not self.scopes.isdisjoint((ALL_SERVICES, service))


LOCAL = Identity("local", "local")
"""The one user of an installation that asks nobody who they are."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is being answered."""

    method: str
    """Full name: ``/tellurion.ocean.v1.OceanService/Reconstruct``."""
    request_id: str
    """Id under which the caller, every service and every log line know this request."""
    identity: Identity
    """Who calls."""
    deadline: float
    """Moment on `time.monotonic` when the caller stops waiting, in seconds."""

    def time_remaining(self) -> float:
        """Seconds until the deadline; negative when it has passed."""
        return self.deadline - time.monotonic()


current_call: ContextVar[Call | None] = ContextVar("tellurion_call", default=None)
"""The call that this task is answering; None outside of one."""


def answering() -> Call:
    """The call that is being answered; only where the harness has called."""
    call = current_call.get()
    assert call is not None, "the harness sets it"
    return call


def call_metadata() -> tuple[tuple[str, str], ...]:
    """Metadata of a call that is nobody else's: a request id of its own."""
    return ((REQUEST_ID_KEY, new_request_id()),)


def new_request_id() -> str:
    """A request id that no other request has."""
    return secrets.token_hex(16)


def accepted_request_id(received: str | None) -> str:
    """The caller's request id where it is safe to log, else a new one."""
    return received if received and _REQUEST_ID.fullmatch(received) else new_request_id()


def told_seconds(received: str | None) -> float:
    """The time that a caller tells by `TIMEOUT_KEY`, in seconds; endless where it tells none that can be read."""
    return int(received) / 1000 if received and _MILLISECONDS.fullmatch(received) else math.inf
