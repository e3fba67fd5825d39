"""`/v1/keys`: the API keys of a tenant, for its administrators."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tellurion_core.call import ALL_SERVICES, ARTIFACTS, answering
from tellurion_core.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from tellurion_core.identity.api_keys import ApiKey, ApiKeys, prefix_of
from tellurion_core.identity.roles import ROLES, Role
from tellurion_gateway.bodies import limited
from tellurion_gateway.gateway import Here
from tellurion_gateway.media import JSON, content_type
from tellurion_gateway.openapi import problems
from tellurion_gateway.validation import checked_json

MOST_DAYS, DAY_SECONDS = 3650, 86400.0
MOST_KEYS = 1000
"""Good keys of a tenant."""
PREFIX = "^[0-9a-f]{8}$"
MAX_BYTES = 4096
"""Of a request for a key."""
RoleName = Literal["viewer", "user", "admin"]

router = APIRouter(prefix="/v1/keys", tags=["keys"])


class KeyRequest(BaseModel):
    """A key that is to be made, for the caller's tenant."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"subject": "ann", "days": 90}]})

    subject: str = Field(max_length=100, description="Who bears it, for logs.")
    role: RoleName = Field(default="user", description="What its bearer may do.")
    scopes: list[str] = Field(
        default=["*"],
        min_length=1,
        max_length=16,
        description="Services that it is for, `artifacts` for files, or `*`.",
    )
    days: float | None = Field(
        default=None, gt=0, le=MOST_DAYS, description="How long it is good for; until it is revoked where null."
    )


class KeyMade(BaseModel):
    """A key that was made."""

    key: str = Field(description="The key; it is kept nowhere and cannot be shown again.")


class KeyAnswer(BaseModel):
    """What is known of a key."""

    prefix: str = Field(pattern=PREFIX, description="The eight digits after `tell_`.")
    subject: str
    role: RoleName
    scopes: list[str]
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    used: datetime | None = Field(description="When it was last used, to the minute.")

    @classmethod
    def of(cls, key: ApiKey) -> KeyAnswer:
        """From the database."""
        moments = {name: getattr(key, name) for name in ("created", "expires", "revoked", "used")}
        return cls(prefix=key.prefix, subject=key.subject, role=key.role.label, scopes=list(key.scopes), **moments)  # type: ignore[arg-type]


class KeysAsked(BaseModel):
    """Which keys."""

    model_config = ConfigDict(extra="forbid")

    all: bool = Field(default=False, description="Those too that were revoked or have expired.")


class KeysAnswer(BaseModel):
    """The keys of a tenant, the newest first."""

    keys: list[KeyAnswer]


def _of_an_administrator(gateway: Here) -> ApiKeys:
    identity = answering().identity
    if identity.role < Role.ADMIN:
        raise PermissionDenied(f"keys take the role admin; yours is {identity.role.label}")
    if ALL_SERVICES not in identity.scopes:  # else it could revoke what may do more than it
        raise PermissionDenied("keys take a key for all services", reason="NOT_IN_SCOPE")
    if gateway.keys is None:
        raise NotFound("this installation asks nobody for a key, and has none")
    return gateway.keys


Keys = Annotated[ApiKeys, Depends(_of_an_administrator)]
Prefix = Annotated[str, Path(pattern=PREFIX, description="The eight digits after `tell_`.")]


@router.get("", summary="List the tenant's API keys", responses=problems(422, 500))
def list_keys(keys: Keys, query: Annotated[KeysAsked, Query()]) -> KeysAnswer:
    """The newest first: those that are good, or, with `all`, those too that were revoked or have expired."""
    return KeysAnswer(keys=[KeyAnswer.of(key) for key in keys.list(answering().identity.tenant, ended=query.all)])


@router.post(
    "",
    summary="Make an API key",
    status_code=201,
    responses=problems(408, 409, 413, 415, 422, 500),
    openapi_extra={"requestBody": {"required": True, "content": {JSON: {"schema": KeyRequest.model_json_schema()}}}},
)
async def make_key(request: Request, gateway: Here, keys: Keys) -> KeyMade:
    """The key is shown this once. It is good for no longer than the key that it is asked with."""
    content_type(request, (JSON,))
    async with limited(request, max_bytes=MAX_BYTES, seconds=gateway.settings.upload_seconds) as body:
        asked = checked_json(KeyRequest, await body.body())
    identity, known = answering().identity, (*gateway.upstreams.names, ARTIFACTS, ALL_SERVICES)
    if unknown := [scope for scope in asked.scopes if scope not in known]:
        raise InvalidInput.of("scopes", received=unknown[0], accepted=", ".join(known))
    if identity.expires is not None:
        left = (identity.expires - time.time()) / DAY_SECONDS
        if asked.days is None or asked.days > left:
            accepted = f"at most {max(left, 0):.3f}: no longer than the key that it is asked with"
            raise InvalidInput.of("days", received=asked.days, accepted=accepted)
    if len(await asyncio.to_thread(keys.list, identity.tenant, ended=False)) >= MOST_KEYS:
        raise Conflict(f"this tenant has {MOST_KEYS} good keys; revoke those that nobody uses")
    seconds = None if asked.days is None else asked.days * DAY_SECONDS
    made = partial(keys.create, identity.tenant, asked.subject, ROLES[asked.role], asked.scopes, seconds)
    key = await asyncio.to_thread(made)
    told = {f"key_{name}": value for name, value in asked.model_dump().items()}
    request.scope["named"] = {
        "key": prefix_of(key)
    } | told  # the log of changes says whom the tenant's door was opened to
    return KeyMade(key=key)


@router.delete("/{prefix}", status_code=204, summary="Revoke an API key", responses=problems(422, 500))
def revoke_key(prefix: Prefix, keys: Keys) -> None:
    """It is refused from some seconds later on. Keys that were made with it stay."""
    keys.revoke(prefix, answering().identity.tenant)
