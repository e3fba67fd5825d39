"""How schemathesis sends bodies of media types that it does not know: as they are."""

from __future__ import annotations

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/offset+octet-stream", "application/x-netcdf", "application/netcdf")
def as_it_is(context: Any, value: Any) -> bytes:
    """The bytes of a body."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()
