"""Examples of requests that the field rules accept: what is required, in its smallest form."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tellurion.common.v1.field_pb2 import FieldRules
from tellurion_core.fields import rules
from tellurion_gateway.rest.schemas import needed

_EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_TEXTS = ("first-try", "temperature", "application/octet-stream", _EMPTY_SHA256)
"""One of these matches each pattern that the protos have of what is required."""


def example(kind: Descriptor, without: str | None = None) -> dict[str, Any]:
    """A request with the fields that are required and, where a message is one of several things, the first of them."""
    first = {group.fields[0].name for group in kind.oneofs if len(group.fields) == len(kind.fields) > 1}
    return {
        field.name: _value(field)
        for field in kind.fields
        if field.name != without and (needed(field) or field.name in first)
    }


def _value(field: FieldDescriptor) -> Any:
    own, inner = rules(field), field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return {"first": _one(inner.fields_by_name["value"], FieldRules())}
    value = _one(field, own)
    return [value] * max(own.min_length, 1) if field.is_repeated else value


def _one(field: FieldDescriptor, own: FieldRules) -> Any:
    if field.message_type is not None:
        return example(field.message_type)
    if field.enum_type is not None:
        return field.enum_type.values[-1 if len(field.enum_type.values) == 1 else 1].name
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return _text(own)
        case FieldDescriptor.TYPE_BYTES:
            return "AA=="
        case FieldDescriptor.TYPE_BOOL:
            return True
    return next((number for number in (1, own.min, own.max) if own.min <= number <= (own.max or number)), 1)


def _text(own: FieldRules) -> str:
    return next((text for text in _TEXTS if not own.pattern or re.fullmatch(own.pattern, text)), "")
