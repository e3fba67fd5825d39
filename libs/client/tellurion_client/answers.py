"""What all answers of services have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tellurion_core.errors import DataCorrupted, InvalidInput


@contextmanager
def faults_of_the_service() -> Iterator[None]:
    """What is wrong with an answer is not the caller's input."""
    try:
        yield
    except InvalidInput as error:
        raise DataCorrupted(f"the answer cannot be used: {error.message}") from error


def reported(responses: Iterable[Any], progress: Callable[[float, str], None] | None) -> Any:
    """The `report` of an answer of which all else is `progress`. Raises DataCorrupted where it ended before."""
    report = None
    for response in responses:
        if response.HasField("report"):
            report = response.report
        elif progress is not None:
            progress(response.progress.fraction, response.progress.message)
    if report is None:
        raise DataCorrupted("the answer ended before its report")
    return report
