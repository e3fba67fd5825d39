"""Tenants, and the things that they have with each service: real ones, made as anybody makes them."""

from __future__ import annotations

import base64
import json
import os
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import xarray as xr
from google.protobuf import json_format

from tellurion_core.tensors import encode
from tellurion_splatting.files import encoded_gaussians
from tellurion_splatting.gaussians import Gaussians, Reflection

OPERATION, ARTIFACT, RUN, LESSON = THINGS = ("<operation>", "<artifact>", "<run>", "<lesson>")
"""In a request, what stands for a thing of the tenant's."""
QUESTION = "What is the mean sea surface temperature from 2001 to 2005?"
EVALUATION = {
    "suite": "earthse",
    "data": {"questions": ARTIFACT, "media": ARTIFACT, "format": "FORMAT_JSON_LINES"},
    "predictions": ARTIFACT,
}
CYCLE = {"system": "lorenz63", "method": "3dvar", "amplitude": 0.1, "cycles": 100, "seed": 1}
OPERATIONS: dict[str, tuple[str, Any]] = {
    "agent": ("/v1/agent:replay", {"record": ARTIFACT}),
    "assimilation": ("/v1/assimilation:cycle", {"spec": CYCLE}),
    "benchmark": ("/v1/benchmark/evaluations", EVALUATION),
    "ocean": ("/v1/ocean/reconstructions", {}),
    "splat": ("/v1/splat:fit", {"spec": {"scene": ARTIFACT}}),
}
"""What long work is begun with."""
RECIPE = b"""
documentation: {title: The southern sea, description: Its temperature.}
datasets: [{dataset: OBS}]
preprocessors:
  south:
    extract_region: {start_longitude: 0, end_longitude: 360, start_latitude: -90, end_latitude: -20}
    area_statistics: {operator: mean}
    climate_statistics: {operator: mean}
diagnostics: {sst: {variables: {tos: {preprocessor: south, mip: Omon}}, scripts: null}}
"""


class Tenant:
    """A tenant and its things, made as they are asked for."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self._kept: dict[tuple[str, ...], str] = {}

    def thing(self, service: str, kind: str, field: str = "") -> str:
        """The name of a thing of this kind; an artifact's is fit for a field."""
        known = service, kind, field if kind == ARTIFACT else ""
        if known not in self._kept:
            make = {OPERATION: self._operation, ARTIFACT: partial(self._artifact, field=field), RUN: self._run}
            self._kept[known] = make.get(kind, self._lesson)(service)
        return self._kept[known]

    def forget(self, service: str) -> None:
        """The operation may be no more."""
        self._kept.pop((service, OPERATION, ""), None)

    def filled(self, service: str, request: Any, field: str = "") -> Any:
        """A request with things of this tenant."""
        if isinstance(request, dict):
            return {name: self.filled(service, value, name) for name, value in request.items()}
        return self.thing(service, request, field) if request in THINGS else request

    def _post(self, path: str, body: Any) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _artifact(self, service: str, field: str) -> str:
        file = content(field)
        described = {"id": sha256(file).hexdigest(), "size": len(file), "media_type": "a/b", "name": "file"}
        parts = [{"description": described}, {"chunk": base64.b64encode(file).decode()}]
        return str(self._post(f"/v1/{service}/artifacts:upload", parts)["artifact"]["id"])

    def _run(self, service: str) -> str:
        data = {"files": {"tos.nc": self.thing(service, ARTIFACT, "tos.nc")}}
        news = self._post(f"/v1/{service}:ask", {"request_id": uuid4().hex, "question": QUESTION, "data": data})
        assert news[-1]["proposal"]["plans"]
        return str(news[-1]["proposal"]["run"])

    def _lesson(self, service: str) -> str:
        recipe = {"file": "recipe_south.yml", "content": base64.b64encode(RECIPE).decode()}
        return str(self._post(f"/v1/{service}/recipes:learn", {"request_id": "r", **recipe})["lessons"][0]["id"])

    def _operation(self, service: str) -> str:
        path, body = OPERATIONS[service]
        request_id = uuid4().hex
        asked = _reconstruction(request_id) if service == "ocean" else self.filled(service, body)
        return str(self._post(path, asked if service == "ocean" else asked | {"request_id": request_id})["operation"])


def content(field: str) -> bytes:
    """A file that can be what a field of this name asks for; no other has the same bytes."""
    chance = np.random.default_rng()
    if field == "model":
        colour = np.array([[[0.1, 0.2, 0.3]]])
        reflected = Reflection(colour, np.array([0.5]), np.array([0.5]))
        shape = chance.normal(size=(1, 3)), [[1, 0, 0, 0]], [[0.1, 0.1, 0.1]], [0.5], colour
        return encoded_gaussians(Gaussians(*shape, reflection=reflected), ".ply")
    if field == "transforms":
        lens = {"fl_x": 50 + chance.random(), "fl_y": 50, "cx": 8, "cy": 8, "w": 16, "h": 16}
        frame = {"file_path": "images/only.png", "transform_matrix": np.eye(4).tolist()}
        return json.dumps({**lens, "frames": [frame]}).encode()
    return _sea(10 + chance.random()) if field.endswith(".nc") else os.urandom(32)


def _sea(temperature: float) -> bytes:
    """A sea of one temperature in °C, NetCDF."""
    lat, lon = np.arange(-80.0, 81, 20), np.arange(10.0, 360, 20)
    coordinates = {
        "time": xr.date_range("2001-01-01", periods=60, freq="MS"),
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    attributes = {"standard_name": "sea_surface_temperature", "units": "degC"}
    values = np.full((60, 9, 18), temperature)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tos.nc"
        xr.DataArray(values, coordinates, ("time", "lat", "lon"), "tos", attributes).to_dataset().to_netcdf(path)
        return path.read_bytes()


def _reconstruction(request_id: str) -> list[dict[str, Any]]:
    """One observation of the ocean, and what is to become of it."""
    at = {"latitude": 10.0, "longitude": 20.0, "depth": 5.0, "temperature": 21.0, "uncertainty": 0.1}
    parts = [part for name, value in at.items() for part in encode(name, np.array([value]))]
    return [
        {"submission": {"request_id": request_id, "spec": {"method": "climatology", "month": 2, "members": 1}}},
        *({"tensor": json_format.MessageToDict(part, preserving_proto_field_name=True)} for part in parts),
    ]
