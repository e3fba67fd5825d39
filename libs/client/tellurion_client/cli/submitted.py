"""Reconstructions that go on in the service: submitted by a command, waited for or left alone, and fetched later."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tellurion_client.cli import display
from tellurion_client.cli.outputs import Output, Staged
from tellurion_client.cli.reconstruct import Analysis, Request
from tellurion_client.cli.waiting import command, going_on
from tellurion_client.ocean import OceanClient
from tellurion_client.ocean_operation import ReconstructionOperation


@dataclass(frozen=True)
class Submitted:
    """One month that was submitted."""

    month: int
    method: str
    operation: ReconstructionOperation
    fetch: str
    """The command that fetches its analysis."""

    def document(self) -> dict[str, Any]:
        """What `--detach --json` prints."""
        return {"operation": self.operation.name, "method": self.method, "month": self.month}

    def sentence(self) -> str:
        """The same for a person."""
        return f"{self.operation.name}: {calendar.month_name[self.month]} by {self.method}; `{self.fetch}` fetches it"


def submit(request: Request, ocean: OceanClient, state: Path | None) -> Iterator[Submitted]:
    """Submits one month after the other; `state` is the folder that the command was given, and others need too."""
    for month, points in request.months.items():
        operation = ocean.submit(points, month=month, **request.options)
        fetch = _fetch_command(operation.name, request.outputs.get(month), state)
        yield Submitted(month, request.options["method"], operation, fetch)


def detach(request: Request, ocean: OceanClient, state: Path | None) -> list[Submitted]:
    """Submits all months; where one cannot be, says which were."""
    done: list[Submitted] = []
    try:
        done.extend(submit(request, ocean, state))
    except BaseException:
        for one in done:
            display.note(one.sentence())
        raise
    return done


def carry_out(request: Request, ocean: OceanClient, state: Path | None) -> list[Analysis]:
    """Submits all months, waits for one after the other, and when all are done shows them under their names."""
    months: dict[int, Submitted] = {}
    fetches: dict[str, str] = {}
    with going_on(fetches, state=state, lasting=True):  # without a platform, months are asked for in calls
        for one in submit(request, ocean, state):
            months[one.month], fetches[one.operation.name] = one, one.fetch
            display.note(f"{calendar.month_name[one.month]} is {one.operation.name}")
        done = request.written(lambda month, progress: months[month].operation.result(progress=progress))
    return [replace(analysis, operation=months[analysis.report.month].operation.name) for analysis in done]


def fetch(
    operation: ReconstructionOperation, output: Output, *, timeout: float | None, state: Path | None, lasting: bool
) -> Analysis:
    """Waits for a reconstruction that was submitted, and writes its analysis."""
    fetches = {operation.name: _fetch_command(operation.name, output, state)}
    with going_on(fetches, state=state, lasting=lasting):
        with display.progress("waiting") as progress:
            reconstruction = operation.result(progress=progress, timeout=timeout)
        with ExitStack() as stack:
            staged = Staged(stack)
            output.write(reconstruction, staged)
            staged.show()
    return Analysis(output, reconstruction.report, operation=operation.name)


def _fetch_command(name: str, output: Output | None, state: Path | None) -> str:
    words = ["ocean", "fetch", name, "-o", "ANALYSIS.nc" if output is None else str(output.analysis)]
    if output is not None and output.members is not None:
        words += ["--members-out", str(output.members)]
    return command(*words, state=state)
