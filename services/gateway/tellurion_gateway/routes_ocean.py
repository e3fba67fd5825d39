"""`/v1/ocean`: reconstructions, evaluations and the methods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from tellurion_client.ocean_wire import Reconstruction
from tellurion_client.scores import MethodScores
from tellurion_core.artifacts import Artifact
from tellurion_core.call import answering
from tellurion_core.progress import Progress
from tellurion_gateway.analyses import file_name, opened, written
from tellurion_gateway.answers import MethodsAnswer, ReconstructAnswer, Scores
from tellurion_gateway.bodies import limited
from tellurion_gateway.disconnect import unless_disconnected
from tellurion_gateway.events import events
from tellurion_gateway.gateway import Gateway, Here
from tellurion_gateway.media import EVENTS, JSON, NETCDF, NETCDF_NAMES, PNG, ZARR, answer_type, content_type
from tellurion_gateway.openapi import BYTES, EVALUATE_BODY, EVENT_STREAM, NETCDF_FILE, RECONSTRUCT_BODY, problems
from tellurion_gateway.options import EvaluateOptions, ReconstructOptions
from tellurion_gateway.orders import Order, received_order
from tellurion_gateway.pictures import picture
from tellurion_gateway.streaming import BLOCK_BYTES, Streamed, attachment
from tellurion_gateway.validation import checked_json

SCORES = TypeAdapter(Scores)

router = APIRouter(prefix="/v1", tags=["ocean"])


@router.post(
    "/ocean:reconstruct",
    summary="Reconstruct one month of ocean temperature from sparse observations",
    responses={
        200: {
            "model": ReconstructAnswer,
            "content": {NETCDF: NETCDF_FILE, ZARR: BYTES, PNG: BYTES, EVENTS: EVENT_STREAM},
        },
        **problems(406, 408, 413, 415, 422, 500, 504),
    },
    openapi_extra=RECONSTRUCT_BODY,
)
async def reconstruct(request: Request, gateway: Here, query: Annotated[ReconstructOptions, Query()]) -> Response:
    """Takes a CF NetCDF file, a form with one, or JSON; answers a link, the analysis, a picture or events, by `Accept`.

    Query parameters are the options of a NetCDF body; a form or JSON carries its own.
    """
    gateway.ocean.permit("Reconstruct")
    form = answer_type(request, (JSON, *NETCDF_NAMES[:2], ZARR, PNG, EVENTS))
    request.scope["changes"] = form in (JSON, EVENTS)  # of which an artifact comes
    order = await received_order(request, query, gateway.settings, gateway.files)
    if form in (JSON, EVENTS):
        return await _told(request, gateway, form, partial(_summary, gateway, order))
    computed = await unless_disconnected(request, _computed(gateway, order, _untold))
    if form != PNG:
        file = await asyncio.to_thread(opened, computed, form)
        return attachment(file, file_name(computed, form), media_type=form)
    with ExitStack() as stack:
        path = await asyncio.to_thread(stack.enter_context, written(computed))
        drawn = await gateway.files.run(picture, path, field="analysis")
    return Response(drawn, media_type=form)


@router.post(
    "/ocean:evaluate",
    summary="Score methods on a month of the World Ocean Atlas that none was fitted to",
    responses={
        200: {"model": Scores, "content": {EVENTS: EVENT_STREAM}},
        **problems(406, 408, 413, 415, 422, 500, 504),
    },
    openapi_extra=EVALUATE_BODY,
)
async def evaluate(request: Request, gateway: Here) -> Response:
    """Takes JSON; answers scores by method, or events."""
    request.scope["changes"] = False
    gateway.ocean.permit("Evaluate")
    form = answer_type(request, (JSON, EVENTS))
    content_type(request, (JSON,))
    limits = gateway.settings
    async with limited(request, max_bytes=limits.max_json_bytes, seconds=limits.upload_seconds) as body:
        text = await body.body()
    options = await asyncio.to_thread(checked_json, EvaluateOptions, text)

    async def scores(progress: Progress) -> str:
        found = await gateway.ocean.evaluate(options.message(), progress=progress)
        return SCORES.dump_json({wire.method: MethodScores.of(wire) for wire in found}).decode()

    return await _told(request, gateway, form, scores)


@router.get("/ocean/methods", summary="List the methods and their grid", responses=problems(500, 504))
async def methods(gateway: Here) -> MethodsAnswer:
    """The methods, best first, and the grid they answer on."""
    return MethodsAnswer.of(await gateway.ocean.methods())


async def _told(
    request: Request, gateway: Gateway, form: str, work: Callable[[Progress], Coroutine[Any, Any, str]]
) -> Response:
    """The JSON that the work answers, at its end or as the last of its events."""
    if form == EVENTS:
        told = events(work, request.url.path, comment_seconds=gateway.settings.comment_seconds)
        # A proxy that gathers an answer before it passes it on would keep the progress back.
        return Streamed(told, headers={"X-Accel-Buffering": "no"}, media_type=EVENTS)
    return Response(await unless_disconnected(request, work(_untold)), media_type=JSON)


def _untold(fraction: float, message: str) -> None:
    """Progress that nobody asked for."""


async def _computed(gateway: Gateway, order: Order, progress: Progress) -> Reconstruction:
    return await gateway.ocean.reconstruct(order.options.message(order.month), order.points, progress=progress)


async def _summary(gateway: Gateway, order: Order, progress: Progress) -> str:
    reconstruction = await _computed(gateway, order, progress)
    artifact = await asyncio.to_thread(_stored, gateway, reconstruction)
    return ReconstructAnswer.of(reconstruction, order.points, order.other_months, artifact).model_dump_json()


def _stored(gateway: Gateway, reconstruction: Reconstruction) -> Artifact:
    with opened(reconstruction, NETCDF) as file:
        return gateway.artifacts.put(
            answering().identity.tenant,
            iter(lambda: file.read(BLOCK_BYTES), b""),
            media_type=NETCDF,
            name=file_name(reconstruction),
            keep=timedelta(hours=gateway.settings.artifact_hours),
        )
