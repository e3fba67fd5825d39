"""JSON schemas of messages, with the field rules that the protos carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tellurion.common.v1.field_pb2 import FieldRules
from tellurion_core.fields import rules
from tellurion_gateway.rest.comments import comments

PREFIX = "#/components/schemas/"
_F = FieldDescriptor
_FLOATS = (_F.TYPE_DOUBLE, _F.TYPE_FLOAT)
_BITS = dict.fromkeys((_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32, _F.TYPE_UINT32, _F.TYPE_FIXED32), 32)
_UNSIGNED = (_F.TYPE_UINT32, _F.TYPE_FIXED32, _F.TYPE_UINT64, _F.TYPE_FIXED64)
_NOT_FINITE = {"enum": ["NaN", "Infinity", "-Infinity"]}
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    "google.protobuf.Any": {"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}}},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]{1,9}(\.[0-9]{1,9})?s$", "examples": ["1.5s"]},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Empty": {"type": "object", "additionalProperties": False},
}


class Schemas:
    """Of the messages of requests, which are held to their rules, or of answers, where numbers are written one way."""

    def __init__(self, *, requests: bool) -> None:
        self._requests = requests
        self.components: dict[str, Any] = {}
        """Schemas by name, of all messages asked for and those in them."""

    def of(self, kind: Descriptor, without: str | None = None) -> dict[str, Any]:
        """The schema of a message, by reference; `without` is a field that the path fills, for requests."""
        if kind.full_name in _WELL_KNOWN:
            return _WELL_KNOWN[kind.full_name]
        name = kind.full_name + ("-Request" if self._requests else "")
        if without is not None:
            return self._object(kind, without)
        if name not in self.components:
            self.components[name] = {}  # a message may hold itself
            self.components[name] = self._object(kind, None)
        return {"$ref": PREFIX + name}

    def field(self, field: FieldDescriptor) -> dict[str, Any]:
        """The schema of a field, with its description."""
        own = rules(field) if self._requests else FieldRules()
        schema = self._values(field, own)
        about = [comments().get(field.full_name, "")] + ([f"Unit: {rules(field).unit}."] if rules(field).unit else [])
        description = " ".join(filter(None, about))
        return {**schema, "description": description} if description else schema

    def _object(self, kind: Descriptor, without: str | None) -> dict[str, Any]:
        fields = [field for field in kind.fields if field.name != without]
        schema: dict[str, Any] = {"type": "object", "properties": {field.name: self.field(field) for field in fields}}
        if self._requests:
            required = [field.name for field in fields if needed(field)]
            schema["additionalProperties"] = False
        else:
            required = [field.name for field in fields if not field.has_presence]
        if required:
            schema["required"] = required
        choices = [group for group in kind.oneofs if len(group.fields) > 1]
        if self._requests and len(choices) == 1 and len(choices[0].fields) == len(fields):
            schema["maxProperties"] = 1
        about = comments().get(kind.full_name, "")
        excluding = "".join(f" At most one of {', '.join(f.name for f in group.fields)}." for group in choices)
        return schema | ({"description": f"{about}{excluding}".strip()} if about or excluding else {})

    def _values(self, field: FieldDescriptor, own: FieldRules) -> dict[str, Any]:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = self._one(field.message_type.fields_by_name["value"], FieldRules())
            return {"type": "object", "additionalProperties": value, **_sizes(own, "Properties")}
        if field.is_repeated:
            items = self._one(field, _of_items(own))
            return {"type": "array", "items": items, **_sizes(own, "Items")}
        return self._one(field, own)

    def _one(self, field: FieldDescriptor, own: FieldRules) -> dict[str, Any]:
        if field.message_type is not None:
            return self.of(field.message_type)
        if field.enum_type is not None:
            values = [value.name for value in field.enum_type.values if value.number or not own.required]
            return {"type": "string", "enum": values}
        if field.type == _F.TYPE_BOOL:
            return {"type": "boolean"}
        if field.type == _F.TYPE_STRING:
            pattern = {"pattern": f"^(?:{own.pattern})$"} if own.pattern else {}
            return {"type": "string", **pattern, **_sizes(own, "Length")}
        if field.type == _F.TYPE_BYTES:
            longest = {"maxLength": -(-own.max_length // 3) * 4} if own.HasField("max_length") else {}
            return {"type": "string", "contentEncoding": "base64", **longest}
        if field.type in _FLOATS:
            bounds = _bounds(own)
            return {"type": "number", **bounds} if bounds else {"anyOf": [{"type": "number"}, _NOT_FINITE]}
        return self._whole(field, own)

    def _whole(self, field: FieldDescriptor, own: FieldRules) -> dict[str, Any]:
        bits, unsigned = _BITS.get(field.type, 64), field.type in _UNSIGNED
        lowest, highest = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        within = _bounds(own)
        number = {
            "type": "integer",
            "minimum": max(lowest, int(within.get("minimum", lowest))),
            "maximum": min(highest, int(within.get("maximum", highest))),
        }
        text = {"type": "string", "pattern": "^[0-9]{1,20}$" if unsigned else "^-?[0-9]{1,19}$"}
        if bits == 32:
            return number
        # JSON numbers are exact to 2^53 in many languages, so that 64 bits are written as text.
        return number if self._requests else text


def _of_items(own: FieldRules) -> FieldRules:
    items = FieldRules(pattern=own.pattern)
    for bound in ("min", "max"):
        if own.HasField(bound):
            setattr(items, bound, getattr(own, bound))
    return items


def _sizes(own: FieldRules, what: str) -> dict[str, int]:
    least = max(own.min_length, int(own.required))
    return dict(_set(own, f"min{what}", least, "min_length", always=own.required)) | dict(
        _set(own, f"max{what}", own.max_length, "max_length")
    )


def _bounds(own: FieldRules) -> dict[str, float]:
    return dict(_set(own, "minimum", own.min, "min")) | dict(_set(own, "maximum", own.max, "max"))


def _set(own: FieldRules, name: str, value: Any, rule: str, *, always: bool = False) -> Iterator[tuple[str, Any]]:
    if always or own.HasField(rule):
        yield name, value


def needed(field: FieldDescriptor) -> bool:
    """Whether a request must have the field: by its rule, or because a number that is left out is a zero (proto3)."""
    own = rules(field)
    zero = field.enum_type is None and not field.has_presence and not field.is_repeated
    return own.required or (zero and (own.min > 0 or own.max < 0))
