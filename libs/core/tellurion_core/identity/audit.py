"""The log of changes: who asked for what, when, and what came of it; JSON lines in a file of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import structlog

from tellurion_core.errors import InvalidInput


def audit_log(path: Path | None) -> Any:
    """The log that goes to this file, which only its user can read; None where changes are not logged apart.

    Raises:
        InvalidInput: the file cannot be written.
    """
    if path is None:
        return None
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a")
    except OSError as error:
        received = f"{path}: {error.strerror}"
        raise InvalidInput.of("TELLURION_AUDIT_LOG", received=received, accepted="a file to write") from None
    return structlog.wrap_logger(
        structlog.WriteLogger(file),
        processors=[structlog.processors.TimeStamper("iso", key="time"), structlog.processors.JSONRenderer()],
    )
