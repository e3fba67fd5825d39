"""Enforces the field rules that our protos carry as options (tellurion.common.v1.field)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from tellurion.common.v1 import field_pb2
from tellurion_core.errors import FieldViolation, InvalidInput, shown

MAX_VIOLATIONS = 20
"""Violations reported for one message; a hostile message could hold millions."""

Check = Callable[[Message, str], Iterator[FieldViolation]]


def validate(message: Message) -> None:
    """Checks a message and all messages inside it against their field rules.

    Cost grows with the number of present fields that have rules; a message type without rules costs nothing.

    Raises:
        InvalidInput: with one violation for each field that breaks a rule, at most `MAX_VIOLATIONS`.
    """
    found: list[FieldViolation] = []
    for check in _checks(message.DESCRIPTOR):
        for violation in check(message, ""):
            found.append(violation)
            if len(found) == MAX_VIOLATIONS:
                raise InvalidInput(*found)
    if found:
        raise InvalidInput(*found)


def rules(field: FieldDescriptor) -> field_pb2.FieldRules:
    """The rules of one field; all unset where it has none."""
    return field.GetOptions().Extensions[field_pb2.field]


@cache
def _checks(descriptor: Descriptor) -> tuple[Check, ...]:
    checks = (_check(field) for field in descriptor.fields)
    return tuple(check for check in checks if check is not None)


@cache
def _has_rules(descriptor: Descriptor) -> bool:
    """Whether any message reachable from this type has a rule; a recursive type is walked once."""
    seen, queue = {descriptor.full_name}, [descriptor]
    while queue:
        for field in queue.pop().fields:
            if field.GetOptions().HasExtension(field_pb2.field):
                return True
            if field.message_type is not None and field.message_type.full_name not in seen:
                seen.add(field.message_type.full_name)
                queue.append(field.message_type)
    return False


def _check(field: FieldDescriptor) -> Check | None:
    """The check of one field, or None where nothing under it has a rule."""
    own = rules(field) if field.GetOptions().HasExtension(field_pb2.field) else None
    nested = field.message_type is not None and _has_rules(field.message_type)
    if own is None and not nested:
        return None
    is_list = field.is_repeated
    is_map = is_list and field.message_type is not None and field.message_type.GetOptions().map_entry

    def check(message: Message, prefix: str) -> Iterator[FieldViolation]:
        path = prefix + field.name
        if field.has_presence and not message.HasField(field.name):
            if own is not None and own.required:
                yield FieldViolation(path, "nothing", _accepted(own))
            return
        value: Any = getattr(message, field.name)
        if own is not None:
            yield from _breaches(own, field, value, path, is_list)
        if not nested or is_map:
            return
        for index, item in enumerate(value) if is_list else ((None, value),):
            inner = f"{path}." if index is None else f"{path}[{index}]."
            for sub in _checks(item.DESCRIPTOR):
                yield from sub(item, inner)

    return check


def _breaches(
    own: field_pb2.FieldRules, field: FieldDescriptor, value: Any, path: str, is_list: bool
) -> Iterator[FieldViolation]:
    sized = is_list or field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
    if sized and not len(value):
        if own.required or own.HasField("min_length"):
            yield FieldViolation(path, "nothing", _accepted(own))
        return
    if own.required and field.enum_type is not None and not is_list and value == 0:
        yield FieldViolation(path, "nothing", "one of " + ", ".join(v.name for v in field.enum_type.values if v.number))
        return
    if sized and own.HasField("max_length") and len(value) > own.max_length:
        yield FieldViolation(path, f"length {len(value)}", _accepted(own))
        return
    if sized and own.HasField("min_length") and len(value) < own.min_length:
        yield FieldViolation(path, f"length {len(value)}", _accepted(own))
        return
    for index, item in enumerate(value) if is_list else ((None, value),):
        if not _item_ok(own, item):
            received = "something else" if own.confidential else shown(item)
            yield FieldViolation(path if index is None else f"{path}[{index}]", received, _accepted(own))


def _item_ok(own: field_pb2.FieldRules, item: Any) -> bool:
    if isinstance(item, str):
        return not own.pattern or re.fullmatch(own.pattern, item) is not None
    if isinstance(item, (int, float)) and (own.HasField("min") or own.HasField("max")):
        if not math.isfinite(item):
            return False
        return not (own.HasField("min") and item < own.min) and not (own.HasField("max") and item > own.max)
    return True


def _accepted(own: field_pb2.FieldRules) -> str:
    """What the rules accept, in words."""
    parts = []
    unit = f" {own.unit}" if own.unit else ""
    if own.HasField("min") and own.HasField("max"):
        parts.append(f"{own.min:g} to {own.max:g}{unit}")
    elif own.HasField("min"):
        parts.append(f"at least {own.min:g}{unit}")
    elif own.HasField("max"):
        parts.append(f"at most {own.max:g}{unit}")
    if (own.HasField("min_length") or own.required) and own.HasField("max_length"):
        parts.append(f"length {max(own.min_length, int(own.required))} to {own.max_length}")
    elif own.HasField("max_length"):
        parts.append(f"length at most {own.max_length}")
    elif own.HasField("min_length"):
        parts.append(f"length at least {own.min_length}")
    if own.pattern:
        parts.append(f"matching {own.pattern}")
    return ", ".join(parts) or "a value"
