"""Whether the process is alive, and whether it can serve."""

from __future__ import annotations

from fastapi import APIRouter

from tellurion_core.errors import Unavailable
from tellurion_gateway.answers import StatusAnswer
from tellurion_gateway.gateway import Here
from tellurion_gateway.openapi import problems

PROBES = ("/healthz", "/readyz")
"""Paths that probes ask all day: answered also under load, and without a log line."""

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Whether the process is alive")
async def alive() -> StatusAnswer:
    """Answers as long as the process can; what is behind it does not matter."""
    return StatusAnswer(status="alive")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="Whether requests can be served", responses=problems(503))
async def ready(gateway: Here) -> StatusAnswer:
    """Asks the services behind the gateway; as long as one of them serves, there is something to be had here."""
    if gateway.stopping:
        raise Unavailable("the gateway is stopping")
    if not await gateway.upstreams.serving():
        raise Unavailable("no service answers")
    return StatusAnswer(status="ready")
