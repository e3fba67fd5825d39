"""What pydantic found wrong, as field violations; JSON bodies, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tellurion_core.errors import FieldViolation, InvalidInput, shown
from tellurion_core.fields import MAX_VIOLATIONS

M = TypeVar("M", bound=BaseModel)


def checked_json(model: type[M], body: bytes) -> M:
    """The model in a JSON body; numbers must be numbers, not strings that look like them.

    Raises:
        InvalidInput: one violation a field.
    """
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise InvalidInput(*violations(error.errors(include_url=False))) from None


def checked_fields(model: type[M], fields: Mapping[str, str]) -> M:
    """The model in form fields, all of them strings.

    Raises:
        InvalidInput: one violation a field.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidInput(*violations(error.errors(include_url=False))) from None


def violations(errors: Sequence[Mapping[str, Any]], *, under_section: bool = False) -> Iterable[FieldViolation]:
    """One violation an error; `under_section` where paths begin with the part of the request: `query`, `path`."""
    for error in errors[:MAX_VIOLATIONS]:
        path = error["loc"][1:] if under_section else error["loc"]
        yield FieldViolation(_dotted(path), _received(error), _accepted(error))


def _dotted(path: Iterable[int | str]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{shown(part)}" if text else shown(part)
    return text or "body"


def _received(error: Mapping[str, Any]) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "nothing"
        case "json_invalid":
            return f"text that is not JSON: {context.get('error', '')}"
        case "too_long" | "too_short":
            return f"{context['actual_length']} values"
        case _:
            return shown(error["input"]) or "nothing"


def _accepted(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "missing":
            return "a value"
        case "extra_forbidden":
            return "no field of this name"
        case "json_invalid":
            return "a JSON object in UTF-8"
        case _:
            return str(error["msg"]).removeprefix("Input should be ")
