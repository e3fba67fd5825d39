"""Steps of a run, each done once: what a run that was killed had finished is not done again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tellurion_core.errors import DataCorrupted
from tellurion_core.whole_files import write_whole


@dataclass(frozen=True)
class Step:
    """One that has ended."""

    name: str
    outcome: str
    """What came of it, in a line."""
    seconds: float
    began: str
    """ISO 8601, UTC."""
    result: Mapping[str, Any]
    """What later steps need, as JSON holds it."""


class Steps:
    """The steps of one run, each a file of its folder."""

    def __init__(self, folder: Path, *, told: Callable[[Step], None] = lambda step: None) -> None:
        self._folder = folder
        self._told = told
        self._done: list[Step] = []

    def once(self, name: str, do: Callable[[], tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any]:
        """The result of a step: of `do`, or as it was kept when the step was done before.

        What `do` leaves beside its result it must leave whole, and in the same place each time.

        Raises DataCorrupted where what was kept cannot be read, and whatever `do` raises.
        """
        path = self._folder / f"{_file_name(len(self._done), name)}.json"
        if path.exists():
            step = _read(path, name)
        else:
            began, start = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
            outcome, result = do()
            step = Step(name, outcome, round(time.monotonic() - start, 3), began, result)
            write_whole(path, json.dumps(vars(step), ensure_ascii=False).encode())
        self._done.append(step)
        self._told(step)
        return step.result

    def described(self) -> tuple[Mapping[str, Any], ...]:
        """The steps without their results, as a record has them."""
        return tuple({name: value for name, value in vars(step).items() if name != "result"} for step in self._done)

    def __iter__(self) -> Iterator[Step]:
        return iter(self._done)


def _file_name(number: int, name: str) -> str:
    return f"{number:02d}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"


def _read(path: Path, name: str) -> Step:
    try:
        step = Step(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise DataCorrupted(f"the step {path.stem} of this run cannot be read") from error
    if step.name != name:
        raise DataCorrupted(f"the step {path.stem} of this run is another one: {step.name}")
    return step
