"""The OpenAPI document: bodies and answers in all their media types, and problems as what failed requests answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tellurion_gateway import problems as problem_documents
from tellurion_gateway.answers import Problem
from tellurion_gateway.bodies import FILE_PART
from tellurion_gateway.media import FORM, JSON, NETCDF_NAMES, PNG, SAFETENSORS
from tellurion_gateway.observations import ReconstructRequest
from tellurion_gateway.options import EvaluateOptions, ReconstructOptions

OF_ALL = (401, 403, 404, 429, 503)
"""How any request may fail before it comes to its route."""
COMPONENTS = "#/components/schemas/"
OWN_SCHEMAS: tuple[tuple[type[BaseModel], Literal["validation"]], ...] = (
    (Problem, "validation"),
    (ReconstructRequest, "validation"),
    (EvaluateOptions, "validation"),
)
"""Models that only hand-written parts of the document name."""


def _named(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"{COMPONENTS}{model.__name__}"}}


NETCDF_FILE = {"schema": {"type": "string", "format": "binary", "description": "CF NetCDF."}}
BYTES = {"schema": {"type": "string", "format": "binary"}}
FILE = {"description": "The bytes", "content": {"application/octet-stream": BYTES}}
FIELD = {"description": "The field", "content": {SAFETENSORS: BYTES}}
PICTURE = {"description": "The picture", "content": {PNG: BYTES}}
EVENT_STREAM = {
    "schema": {
        "type": "string",
        "description": "Server-sent events: `progress` with `fraction` (0 to 1) and `message`, then either `result` "
        "with what the JSON answer holds, or `error` with a problem document.",
    },
    "example": 'event: progress\ndata: {"fraction": 0.5, "message": "analysis"}\n\nevent: result\ndata: {}\n\n',
}
_OPTIONS = ReconstructOptions.model_json_schema()
RECONSTRUCT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            **dict.fromkeys(NETCDF_NAMES, BYTES),
            FORM: {
                "schema": {
                    "type": "object",
                    "required": [FILE_PART],
                    "properties": {FILE_PART: NETCDF_FILE["schema"]} | _OPTIONS["properties"],
                    "additionalProperties": False,
                }
            },
            JSON: _named(ReconstructRequest),
        },
    }
}
EVALUATE_BODY = {"requestBody": {"required": True, "content": {JSON: _named(EvaluateOptions)}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that fails with these statuses, if with any that is known beforehand."""
    content = {problem_documents.MEDIA_TYPE: _named(Problem)}
    known: dict[int | str, dict[str, Any]] = {
        status: {"description": problem_documents.phrase(status), "content": content, "headers": _headers(status)}
        for status in statuses
    }
    return known | {"default": {"description": "Any other error", "content": content}}


def _headers(status: int) -> dict[str, Any]:
    name = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}.get(status)
    return {name: {"required": True, "schema": {"type": "string"}}} if name else {}


class DocumentedApp(FastAPI):
    """A FastAPI application whose document holds our own schemas too, and what is derived from the protos."""

    def __init__(self, *, derived: Callable[[], dict[str, Any]], **options: Any) -> None:
        """`derived` makes more paths and components; what is written out here comes before it."""
        super().__init__(**options)
        self._derived = derived

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document."""
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            _, own = models_json_schema(OWN_SCHEMAS, ref_template=COMPONENTS + "{model}")
            document["components"]["schemas"] |= own["$defs"]
            more = self._derived()
            of_all = {str(status): problem for status, problem in problems(*OF_ALL).items()}
            document["paths"] = more["paths"] | document["paths"]
            for path, operations in document["paths"].items():
                for operation in operations.values() if path.startswith("/v1/") else ():
                    operation["responses"] = of_all | operation["responses"]
            document["components"]["schemas"] |= more["components"]["schemas"]
            document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"key": []}, {}]  # nobody is asked where the gateway has no keys
            self.openapi_schema = document
        return self.openapi_schema
