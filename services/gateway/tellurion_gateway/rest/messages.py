"""Messages as JSON, and what is wrong with JSON that is none, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tellurion_core.errors import FieldViolation, InvalidInput, shown
from tellurion_core.fields import rules

MAX_DEPTH = 32
"""Messages within messages."""
MAX_PARTS = 1_000_000
"""Values in a body, by the signs between them: an empty object of two bytes is 64 in memory."""
_REFUSED = (json_format.ParseError, ValueError, TypeError, OverflowError, AttributeError, RecursionError)
"""What json_format raises of JSON that is hostile enough."""
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


def read(text: bytes, field: str = "body") -> Any:
    """The JSON in a text.

    Raises:
        InvalidInput: it is none, an object names a field twice, or there is too much in it.
    """
    if (parts := sum(map(text.count, (b"{", b"[", b":", b",")))) > MAX_PARTS:
        raise InvalidInput.of(field, received=f"{parts} values", accepted=f"at most {MAX_PARTS}")
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        problem = f": {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidInput.of(field, received=f"what cannot be read{problem}", accepted="JSON in UTF-8") from None


def message(kind: Descriptor, value: Any, field: str = "") -> bytes:
    """The serialised message that JSON stands for; fields that it does not know are refused.

    Raises:
        InvalidInput: it stands for none; the violation is of the field that is to blame, under the path `field`.
    """
    made = _parsed(kind, value)
    if made is None:
        raise InvalidInput(_blame(kind, value, field))
    return made.SerializeToString()


def query(kind: Descriptor, parameters: Iterable[tuple[str, str]], taken: str | None) -> dict[str, Any]:
    """The JSON that a query stands for; `taken` is a field that the path has filled.

    Raises:
        InvalidInput: a parameter is no field, or comes twice and is no list.
    """
    found: dict[str, Any] = {}
    for name, text in parameters:
        field = kind.fields_by_name.get(name)
        if field is None or name == taken:
            raise InvalidInput(_unknown(kind, name, name, taken))
        value = text == "true" if field.type == FieldDescriptor.TYPE_BOOL and text in ("true", "false") else text
        if field.is_repeated:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise InvalidInput.of(name, received="several", accepted="one")
        else:
            found[name] = value
    return found


def text(kind: Descriptor, serialised: bytes) -> str:
    """The JSON of a serialised message, with the names that fields have in the protos."""
    value = json_format.MessageToDict(
        GetMessageClass(kind).FromString(serialised),
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _parsed(kind: Descriptor, value: Any) -> Message | None:
    try:
        if not _shaped(kind, value):
            return None
        return json_format.ParseDict(value, GetMessageClass(kind)(), max_recursion_depth=MAX_DEPTH)
    except _REFUSED:
        return None


def _shaped(kind: Descriptor, value: Any) -> bool:
    """Whether there is an object wherever there is a message: json_format takes what is empty for one."""
    if _well_known(kind):
        return True
    if not isinstance(value, dict):
        return False
    for name, item in value.items():
        field = _field(kind, name)
        inner = field.message_type if field is not None else None
        if field is None or inner is None or item is None:
            continue
        items = [item]
        if inner.GetOptions().map_entry:
            inner, items = (
                inner.fields_by_name["value"].message_type,
                list(item.values()) if isinstance(item, dict) else [],
            )
        elif field.is_repeated:
            items = item if isinstance(item, list) else []
        if inner is not None and not all(_shaped(inner, one) for one in items):
            return False
    return True


def _field(kind: Descriptor, name: str) -> FieldDescriptor | None:
    return kind.fields_by_name.get(name) or kind.fields_by_camelcase_name.get(name)


def _blame(kind: Descriptor, value: Any, path: str) -> FieldViolation:
    """The field that json_format will not have: the first that is refused by itself, as deep as there is one."""
    if _well_known(kind) or not isinstance(value, dict):
        return FieldViolation(path or "body", _KINDS.get(type(value), "null"), _accepted_message(kind))
    for name, item in value.items():
        field = _field(kind, name)
        where = f"{path}.{shown(name)}" if path else shown(name)
        if field is None:
            return _unknown(kind, name, where)
        if _parsed(kind, {name: item}) is None:
            return _blame_field(kind, field, item, where)
    return FieldViolation(path or "body", "fields that exclude each other", _choices(kind))


def _blame_field(kind: Descriptor, field: FieldDescriptor, value: Any, path: str) -> FieldViolation:
    inner = field.message_type
    if field.is_repeated and not (inner is not None and inner.GetOptions().map_entry):
        if not isinstance(value, list):
            return FieldViolation(path, _KINDS.get(type(value), "null"), "a list")
        for index, item in enumerate(value):
            if _parsed(kind, {field.name: [item]}) is None:
                return _blame_one(field, item, f"{path}[{index}]")
    return _blame_one(field, value, path)


def _blame_one(field: FieldDescriptor, value: Any, path: str) -> FieldViolation:
    inner = field.message_type
    if inner is not None and not inner.GetOptions().map_entry:
        return _blame(inner, value, path)
    # Of what is confidential, or long, only its kind is told.
    received = _KINDS.get(type(value), "null")
    if isinstance(value, str | int | float) and not rules(field).confidential:
        received = shown(value) or "nothing"
    return FieldViolation(path, received, accepted_scalar(field))


def accepted_scalar(field: FieldDescriptor) -> str:
    """What a field that is no message accepts, in words."""
    if field.enum_type is not None:
        return "one of " + ", ".join(value.name for value in field.enum_type.values)
    if field.message_type is not None:
        return "an object of names and values"
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return "text"
        case FieldDescriptor.TYPE_BYTES:
            return "bytes in base64"
        case FieldDescriptor.TYPE_BOOL:
            return "true or false"
        case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FLOAT:
            return "a number"
        case FieldDescriptor.TYPE_UINT32 | FieldDescriptor.TYPE_FIXED32:
            return "a whole number, 0 to 2^32 - 1"
        case FieldDescriptor.TYPE_UINT64 | FieldDescriptor.TYPE_FIXED64:
            return "a whole number, 0 to 2^64 - 1"
        case FieldDescriptor.TYPE_INT64 | FieldDescriptor.TYPE_SINT64 | FieldDescriptor.TYPE_SFIXED64:
            return "a whole number, -2^63 to 2^63 - 1"
    return "a whole number, -2^31 to 2^31 - 1"


def _unknown(kind: Descriptor, name: str, path: str, taken: str | None = None) -> FieldViolation:
    if name == taken:
        return FieldViolation(path, "the field", "only in the path")
    known = ", ".join(field.name for field in kind.fields if field.name != taken)
    return FieldViolation(path, "an unknown field", f"one of {known}" if known else "no field at all")


def _choices(kind: Descriptor) -> str:
    groups = (" or ".join(field.name for field in group.fields) for group in kind.oneofs if len(group.fields) > 1)
    return "; ".join(f"one of {group}" for group in groups) or f"messages at most {MAX_DEPTH} deep"


def _accepted_message(kind: Descriptor) -> str:
    match kind.full_name:
        case "google.protobuf.Duration":
            return "seconds: 1.5s"
        case "google.protobuf.Timestamp":
            return "a time by RFC 3339: 2001-02-03T04:05:06Z"
    return "an object"


def _well_known(kind: Descriptor) -> bool:
    return kind.full_name.startswith("google.protobuf.")


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON; accepted: its name as text")
