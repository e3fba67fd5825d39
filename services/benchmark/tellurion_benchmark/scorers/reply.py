"""The JSON in a reply, found in linear time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tellurion_benchmark.scoring import Json

OPENING, CLOSING = "```json\n", "\n```"
_TRAILING_COMMA = re.compile(r",\s*+([}\]])")
_BACKSLASH = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})?')
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)


def object_in(reply: str) -> Mapping[str, Json] | None:
    """What the first fenced block holds, else what stands from the first brace to the next closing one.

    So MSEarth's release finds it. Commas before a closing bracket are dropped, line ends in texts are taken, and
    numbers stay the text that they were. None where it is no object.
    """
    text = _fenced(reply)
    if text is None:
        text = _braced(reply)
    try:
        found = _DECODER.decode(_TRAILING_COMMA.sub(r"\1", text))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def value_from(reply: str, opening: str) -> Json:
    """The value that begins with the first such bracket, whatever stands around it; None where there is none.

    Commas before a closing bracket are dropped, backslashes of formulas kept, and numbers stay the text that they were.
    """
    _, bracket, rest = reply.partition(opening)
    text = _TRAILING_COMMA.sub(r"\1", bracket + rest)
    for attempt in (text, _BACKSLASH.sub(lambda found: found[0] if found[1] else r"\\", text)):
        try:
            return _DECODER.raw_decode(attempt)[0]
        except (ValueError, RecursionError):
            continue
    return None


def _fenced(reply: str) -> str | None:
    _, opened, rest = reply.partition(OPENING)
    block, closed, _ = rest.partition(CLOSING)
    return block if opened and closed else None


def _braced(reply: str) -> str:
    _, opened, rest = reply.partition("{")
    block, closed, _ = rest.partition("}")
    return opened + block + closed
