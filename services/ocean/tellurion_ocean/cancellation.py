"""What a caller who neither cancels nor watches passes, and how work that is cancelled stops."""

from __future__ import annotations

from tellurion_core.errors import Cancelled
from tellurion_core.predictor import CancelCheck


def never() -> bool:
    """The cancel check of a caller who never cancels."""
    return False


def silent(fraction: float, message: str) -> None:
    """The progress report of a caller who does not watch."""


def stop_if(cancelled: CancelCheck) -> None:
    """Raise Cancelled when the caller has cancelled."""
    if cancelled():
        raise Cancelled("the analysis was cancelled")
