"""The audit log: who changed what, when, and what came of it; JSON lines in a file of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import structlog

from tellurion_core.call import Identity
from tellurion_core.errors import InvalidInput

log = structlog.get_logger()


class AuditLog:
    """Is only added to; several processes may."""

    def __init__(self, path: Path) -> None:
        """Nobody but the user may read a file that is made. Raises InvalidInput."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            received = f"{path}: {error.strerror}"
            raise InvalidInput.of("TELLURION_AUDIT_LOG", received=received, accepted="a file to add to") from None
        self._file = os.fdopen(file, "a", buffering=1, encoding="utf-8")
        processors: list[Any] = [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
        # A line of its own logger is one write: no line comes amid another.
        self._log = structlog.wrap_logger(structlog.WriteLogger(self._file), processors)

    def record(self, what: str, who: Identity, outcome: str | int, **more: str) -> None:
        """One line. That it cannot be written is said in the log of the process."""
        about = {"tenant": who.tenant, "subject": who.subject, "role": str(who.role)}
        try:
            self._log.info(what, **about, outcome=outcome, **more)
        except OSError:
            log.exception("the audit log cannot be written", what=what, **about)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
