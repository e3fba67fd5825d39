"""The web application: routes, rules and errors put together, and what runs beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from tellurion_core.identity.audit import audit_log
from tellurion_core.identity.tokens import read_minter
from tellurion_gateway import console, health, problems, routes_account, routes_artifacts, routes_keys, routes_ocean
from tellurion_gateway.bridge import Bridge
from tellurion_gateway.files import FileProcesses
from tellurion_gateway.gateway import Gateway
from tellurion_gateway.identity.authentication import authentication, credentials
from tellurion_gateway.limits.allowance import Allowance, Limiter
from tellurion_gateway.limits.cors import CORS
from tellurion_gateway.limits.local import LocalLimiter
from tellurion_gateway.limits.places import Places
from tellurion_gateway.limits.room import BODIES, Room
from tellurion_gateway.metrics import HttpMetrics
from tellurion_gateway.middleware import RequestRules
from tellurion_gateway.ocean import Ocean
from tellurion_gateway.openapi import DocumentedApp
from tellurion_gateway.rest import routes as rest
from tellurion_gateway.rest.bindings import bindings
from tellurion_gateway.rest.document import document
from tellurion_gateway.settings import GatewaySettings
from tellurion_gateway.uploads import routes as uploads_routes
from tellurion_gateway.uploads.protocol import TusVersion
from tellurion_gateway.uploads.store import UploadStore
from tellurion_gateway.upstreams import Upstreams

log = structlog.get_logger()


def create_app(settings: GatewaySettings) -> FastAPI:
    """The application of these settings; its `state.gateway` is the gateway. It opens its channels when it is used."""
    key = settings.token_private_key
    upstreams = Upstreams(settings, None if key is None else read_minter(key))
    artifacts = settings.artifacts()
    uploads = UploadStore(
        settings.state / "uploads",
        artifacts,
        tenant_bytes=settings.tenant_bytes,
        keep=timedelta(hours=settings.upload_hours),
        keep_artifacts=timedelta(hours=settings.uploaded_hours),
    )
    threads = ThreadPoolExecutor(settings.max_concurrent_requests, thread_name_prefix="upload")
    known = credentials(settings)
    gateway = Gateway(
        settings,
        upstreams,
        Ocean(upstreams),
        artifacts,
        uploads,
        threads,
        FileProcesses(settings.file_seconds),
        None if known is None else known.keys,
    )

    limiter = _limiter(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(gateway))
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            await upstreams.close()
            await limiter.close()
            threads.shutdown()

    rpcs = bindings(upstreams.names)
    app = DocumentedApp(
        derived=partial(document, rpcs),
        title="Tellurion",
        version=version("tellurion-gateway"),
        description="Earth-system reconstruction over HTTPS. Every error is an RFC 9457 problem document.",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # to wherever the request says that it went
        generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}",
        lifespan=lifespan,
    )
    app.state.gateway = gateway
    problems.install(app)
    for part in (routes_ocean, routes_artifacts, routes_account, routes_keys, uploads_routes, health):
        app.include_router(part.router)
    app.router.routes.extend(rest.route(rpc, upstreams, settings) for rpc in rpcs)
    app.router.routes.extend(console.routes(keyed=known is not None))
    app.add_middleware(TusVersion)
    app.add_middleware(Bridge, upstreams=upstreams)
    app.add_middleware(
        RequestRules,
        identify=authentication(settings, known),
        audit=audit_log(settings.audit_log),
        metrics=HttpMetrics(gateway.registry),
        places=Places(settings.max_concurrent_requests, limiter),
        room=Room(BODIES * max(settings.max_upload_bytes, settings.max_json_bytes)),
        max_seconds=settings.max_call_seconds,
        secure=settings.tls_certificate is not None,
        stopping=lambda: gateway.stopping,
    )
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, **CORS)
    return app


def _limiter(settings: GatewaySettings) -> Limiter:
    allowance = Allowance(settings.tenant_rate, settings.tenant_burst, settings.tenant_requests)
    if settings.limits_redis is None:
        return LocalLimiter(allowance)
    from tellurion_gateway.limits.shared import SharedLimiter  # a Redis client takes long to load

    return SharedLimiter(settings.limits_redis.get_secret_value(), allowance)


async def _sweep(gateway: Gateway) -> None:
    """Deletes what has expired, for ever."""
    while True:
        try:
            for what, store in (("artifacts", gateway.artifacts), ("uploads", gateway.uploads)):
                if gone := await asyncio.to_thread(store.sweep):
                    log.info(f"{what} expired", count=gone)
        except Exception:
            log.exception("what has expired could not be swept")
        await asyncio.sleep(gateway.settings.sweep_seconds)
