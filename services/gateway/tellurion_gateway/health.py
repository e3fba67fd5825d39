"""Whether the process is alive, whether it can serve, and its metrics."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tellurion_core.errors import Unavailable
from tellurion_gateway.answers import StatusAnswer
from tellurion_gateway.gateway import Here
from tellurion_gateway.openapi import problems

PROBES = ("/healthz", "/readyz", "/metrics")
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
    checks = await asyncio.gather(*map(gateway.upstreams.check, gateway.upstreams.names), return_exceptions=True)
    if checks and all(isinstance(check, BaseException) for check in checks):
        raise Unavailable("no service answers")
    return StatusAnswer(status="ready")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(gateway: Here) -> Response:
    """Counts and durations of requests, by route."""
    return Response(generate_latest(gateway.registry), media_type=CONTENT_TYPE_LATEST)
