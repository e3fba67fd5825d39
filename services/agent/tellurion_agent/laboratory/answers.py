"""What a script has answered, read outside the sandbox and believed only as far as it can be checked there."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from tellurion_agent.recipes.recipe import Value

MOST = 1000
"""Values, notes, checks or axes."""
LONGEST = 500
"""Characters of a label or a note."""
LARGEST_PICTURE = 20_000_000
"""Pixels."""
LARGEST = sys.float_info.max
"""Number; JSON has integers that no floating-point number holds."""
LEAST_INK = 0.002
"""Share of a figure's pixels that differ from its ground."""


class Unusable(Exception):
    """What was written is no answer; the reason says why, for whoever mends the script."""


@dataclass(frozen=True)
class Written:
    """The content of an answer.json."""

    values: tuple[Value, ...]
    notes: tuple[str, ...]
    checks: tuple[tuple[str, bool], ...]
    """What each states, and whether it holds."""
    axes: tuple[Mapping[str, Any], ...]
    no_answer: str
    """Why there is none; empty where there is one."""


def read(content: bytes) -> Written:
    """An answer.json. Raises Unusable."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise Unusable("answer.json is no JSON") from None
    if not isinstance(found, dict):
        raise Unusable("answer.json holds no object")
    if "no_answer" in found:
        return Written((), (), (), (), _text(found["no_answer"], "no_answer"))
    if not (values := _list(found, "values")):
        raise Unusable(f"answer.json has 0 values; 1 to {MOST} are accepted")
    return Written(
        tuple(_value(value, place) for place, value in enumerate(values)),
        tuple(_text(note, "notes") for note in _list(found, "notes")),
        tuple(_check(check) for check in _list(found, "checks")),
        tuple(each for each in _list(found, "axes") if isinstance(each, dict)),
        "",
    )


def troubles(written: Written, figure: bytes | None) -> list[str]:
    """What is wrong with an answer: checks that do not hold, numbers that are none, a figure that shows nothing."""
    found = [f"the check does not hold: {states}" for states, holds in written.checks if not holds]
    first = written.values[0]
    if isinstance(first.value, str) and first.value == "not a number":
        found.append(f"{first.label}: the result is not a number")
    found += [
        f"{each.label}: {each.value:g} is outside its own interval, {each.low:g} to {each.high:g}"
        for each in written.values
        if not isinstance(each.value, str) and None not in (each.low, each.high) and not _within(each)
    ]
    return found + ([] if figure is None else figure_troubles(figure, written.axes))


def figure_troubles(picture: bytes, axes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with a figure: unreadable, blank, or axes that show something and do not say what."""
    try:
        with Image.open(BytesIO(picture), formats=["PNG"]) as opened:
            if opened.width * opened.height > LARGEST_PICTURE:
                return [f"the figure has {opened.width} × {opened.height} pixels"]
            pixels = np.asarray(opened.convert("RGB"), np.int16)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ["the figure is no PNG picture"]
    ink = float((np.abs(pixels - pixels[0, 0]).max(-1) > 8).mean())
    found = [] if ink >= LEAST_INK else [f"the figure is blank: {100 * ink:.2f} % of it is drawn"]
    for number, each in enumerate(axes):
        missing = [name for name in ("x", "y") if not each.get("bar") and not each.get(name)]
        if each.get("drawn") and missing:
            found.append(f"axes {number} of the figure have no label of {' and '.join(missing)}")
    return found


def _within(value: Value) -> bool:
    slack = 1e-9 * max(abs(value.low), abs(value.high))  # type: ignore[arg-type]
    return value.low - slack <= value.value <= value.high + slack  # type: ignore[operator]


def _list(found: Mapping[str, Any], name: str) -> list[Any]:
    listed = found.get(name, [])
    if not isinstance(listed, list):
        raise Unusable(f"answer.json: {name} is no list")
    if len(listed) > MOST:
        raise Unusable(f"answer.json has {len(listed)} {name}; at most {MOST} are accepted")
    return listed


def _value(value: Any, place: int) -> Value:
    if not isinstance(value, dict):
        raise Unusable(f"answer.json: values[{place}] is no object")
    number, bounds = value.get("value"), [value.get("low"), value.get("high")]
    if isinstance(number, str):
        number = _text(number, f"values[{place}].value")
    elif not _is_number(number):
        raise Unusable(f"answer.json: values[{place}].value is no number")
    if any(bound is not None and not _is_number(bound) for bound in bounds):
        raise Unusable(f"answer.json: the bounds of values[{place}] are no numbers")
    label, units = (_text(value.get(name, ""), f"values[{place}].{name}") for name in ("label", "units"))
    return Value(label, number, units, *bounds)


def _check(check: Any) -> tuple[str, bool]:
    if not isinstance(check, dict) or not isinstance(check.get("holds"), bool):
        raise Unusable("answer.json: a check does not say whether it holds")
    return _text(check.get("states", ""), "checks"), check["holds"]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise Unusable(f"answer.json: {place} is no text")
    printable = "".join(character if character.isprintable() else " " for character in value)
    return printable[:LONGEST]
