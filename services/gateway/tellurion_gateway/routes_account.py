"""`/v1/account`: who asks, what is there for them, and what they use of it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tellurion_core.call import answering
from tellurion_gateway.gateway import Here
from tellurion_gateway.openapi import problems

router = APIRouter(prefix="/v1/account", tags=["account"])


class AccountAnswer(BaseModel):
    """A caller, and its tenant's use and limits."""

    tenant: str
    subject: str
    role: Literal["viewer", "user", "admin"]
    scopes: list[str] = Field(description="Services that may be called, or `*`.")
    keyed: bool = Field(description="Whether this installation asks for keys.")
    services: list[str] = Field(description="Services that this installation has and the caller may call.")
    stored_bytes: int = Field(description="Bytes of the tenant's artifacts.")
    most_bytes: int = Field(description="Most bytes that the tenant may store.")
    requests_per_second: float = Field(description="Requests of the tenant a second, in the long run.")
    burst: int = Field(description="Requests that may come at once after a pause.")
    requests_at_once: int = Field(description="Requests of the tenant that are answered at once.")
    artifact_hours: float = Field(description="How long an analysis that was answered as a link is kept, in hours.")


@router.get("", summary="Tell who asks, with use and limits", responses=problems(500))
def account(gateway: Here) -> AccountAnswer:
    """The caller as its key or token tells it."""
    identity, settings = answering().identity, gateway.settings
    return AccountAnswer(
        tenant=identity.tenant,
        subject=identity.subject,
        role=identity.role.label,  # type: ignore[arg-type]
        scopes=sorted(identity.scopes),
        keyed=gateway.keys is not None,
        services=[name for name in gateway.upstreams.names if identity.may_call(name)],
        stored_bytes=gateway.artifacts.used(identity.tenant),
        most_bytes=settings.tenant_bytes,
        requests_per_second=settings.tenant_rate,
        burst=settings.tenant_burst,
        requests_at_once=settings.tenant_requests,
        artifact_hours=settings.artifact_hours,
    )
