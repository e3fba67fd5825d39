"""A request for a reconstruction, in any of its three forms, as points and options."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import Request

from tellurion_client.observations import of_one_month
from tellurion_core.errors import InvalidInput
from tellurion_gateway.bodies import limited, save_body, save_form
from tellurion_gateway.files import FileProcesses
from tellurion_gateway.media import FORM, JSON, NETCDF_NAMES, content_type
from tellurion_gateway.observations import ReconstructRequest
from tellurion_gateway.options import ReconstructOptions
from tellurion_gateway.settings import GatewaySettings
from tellurion_gateway.validation import checked_fields, checked_json
from tellurion_geo import Points, read_points


@dataclass(frozen=True)
class Order:
    """A reconstruction that can be computed."""

    points: Points
    """Observations of one month."""
    month: int
    """That month."""
    other_months: int
    """How many observations of other months were left out."""
    options: ReconstructOptions
    """The other options."""


async def received_order(
    request: Request, query: ReconstructOptions, settings: GatewaySettings, files: FileProcesses
) -> Order:
    """Reads the request's body, within the limits of the settings.

    Options stand beside the observations: in the query of an uploaded file, in the fields of a form, in the JSON.

    Raises:
        HTTPException: 408, 413, 415.
        InvalidInput: naming the option or the observation that cannot be used.
    """
    form = content_type(request, (JSON, FORM, *NETCDF_NAMES))
    if request.query_params and form not in NETCDF_NAMES:
        received = ", ".join(request.query_params)
        raise InvalidInput.of("query", received=received, accepted=f"no query: options stand in the {form} body")
    json = form == JSON
    max_bytes = settings.max_json_bytes if json else settings.max_upload_bytes
    with TemporaryDirectory(prefix="tellurion-") as folder:
        path = Path(folder) / "observations.nc"
        async with limited(request, max_bytes=max_bytes, seconds=settings.upload_seconds) as body:
            if json:
                text = await body.body()
            elif form == FORM:
                query = checked_fields(ReconstructOptions, await save_form(body, path))
            else:
                await save_body(body, path)
        if json:
            # Up to millions of values: in a thread, so that other requests go on.
            return await asyncio.to_thread(_json_order, text)
        every = await files.run(read_points, path, field="observations")
        return await asyncio.to_thread(_file_order, every, query)


def _json_order(text: bytes) -> Order:
    asked = checked_json(ReconstructRequest, text)
    return Order(asked.observations.points(asked.month), asked.month, 0, asked)


def _file_order(every: Points, options: ReconstructOptions) -> Order:
    month, points = of_one_month(every, options.month)
    return Order(points, month, len(every) - len(points), options)
