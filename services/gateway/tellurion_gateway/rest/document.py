"""The part of the OpenAPI document that is derived from the protos."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from tellurion_gateway.media import EVENTS, JSON, NDJSON
from tellurion_gateway.openapi import problems
from tellurion_gateway.rest.bindings import Binding
from tellurion_gateway.rest.comments import comments
from tellurion_gateway.rest.examples import example
from tellurion_gateway.rest.schemas import Schemas, needed

JOB_ID = "^[0-9a-f]{32}$"
"""What long work, and the agent's runs, are called in their services."""
_FAILURES = (406, 408, 409, 413, 415, 422, 500, 504)


def document(bindings: Iterable[Binding]) -> dict[str, Any]:
    """Paths and component schemas of these bindings."""
    asked, answered = Schemas(requests=True), Schemas(requests=False)
    paths: dict[str, dict[str, Any]] = {}
    for binding in bindings:
        paths.setdefault(binding.path, {})[binding.verb.lower()] = _operation(binding, asked, answered)
    return {"paths": paths, "components": {"schemas": asked.components | answered.components}}


def _operation(binding: Binding, asked: Schemas, answered: Schemas) -> dict[str, Any]:
    about = comments().get(binding.method.full_name, "")
    summary, _, _ = about.partition(". ")
    operation: dict[str, Any] = {
        "tags": [binding.service],
        "summary": summary.rstrip(".") or _words(binding.method.name),
        "operationId": f"{binding.service}_{binding.method.name}",
        "responses": {"200": _answer(binding, answered), **_failures(binding)},
    }
    if about:
        operation["description"] = about
    if parameters := list(_parameters(binding, asked)):
        operation["parameters"] = parameters
    if binding.has_body:
        operation["requestBody"] = _body(binding, asked)
    return operation


def _failures(binding: Binding) -> dict[str, Any]:
    known = {str(status): problem for status, problem in problems(*_FAILURES).items()}
    return known | ({"304": {"description": "The caller has it"}} if _tagged(binding) else {})


def _parameters(binding: Binding, asked: Schemas) -> Iterator[dict[str, Any]]:
    for field in binding.method.input_type.fields:
        if field.name == binding.field:
            if binding.variable is not None:
                yield {
                    "name": binding.variable,
                    "in": "path",
                    "required": True,
                    "schema": _of_path(binding, field, asked),
                }
        elif binding.in_query:
            yield {"name": field.name, "in": "query", "required": needed(field), "schema": asked.field(field)}


def _of_path(binding: Binding, field: FieldDescriptor, asked: Schemas) -> dict[str, Any]:
    if binding.name == "{id}":
        return asked.field(field)
    about = f"What stands for … in the name {binding.filled('…')}."
    return {"type": "string", "pattern": JOB_ID, "description": about}


def _body(binding: Binding, asked: Schemas) -> dict[str, Any]:
    kind = binding.method.input_type
    schema, shown = asked.of(kind, without=binding.field), example(kind, without=binding.field)
    if not binding.method.client_streaming:
        return {"required": bool(shown), "content": {JSON: {"schema": schema, "example": shown}}}
    many = {"type": "array", "items": schema, "description": "The messages, in the order in which they are sent."}
    lines = {"type": "string", "description": "One message a line, each as in the list."}
    return {"required": True, "content": {JSON: {"schema": many, "example": [shown]}, NDJSON: {"schema": lines}}}


def _answer(binding: Binding, answered: Schemas) -> dict[str, Any]:
    schema = answered.of(binding.method.output_type)
    if not binding.method.server_streaming:
        headers = {"ETag": {"schema": {"type": "string"}}} if _tagged(binding) else {}
        return {"description": "The answer", "content": {JSON: {"schema": schema}}, "headers": headers}
    lines = "One message a line, each as in the list; where it fails midway, last `error` with a problem document."
    news = "One message an event, named by the field that it sets, else `message`; `error` with a problem document."
    return {
        "description": "The answers",
        "content": {
            JSON: {"schema": {"type": "array", "items": schema}},
            NDJSON: {"schema": {"type": "string", "description": lines}},
            EVENTS: {"schema": {"type": "string", "description": news}},
        },
    }


def _tagged(binding: Binding) -> bool:
    return binding.verb == "GET" and not binding.method.server_streaming


def _words(name: str) -> str:
    """A method's name as words: `List operations`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()
