"""One run of `tellurion ocean reconstruct`: check all of it, then reconstruct, then show the outputs at once."""

from __future__ import annotations

import calendar
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tellurion.ocean.v1 import ocean_pb2
from tellurion_client.cli import display
from tellurion_client.observations import by_month, of_one_month, points_of, together
from tellurion_client.ocean import OceanClient
from tellurion_client.options import check_members, check_method, check_month, check_seed
from tellurion_core.errors import FieldViolation, InvalidInput
from tellurion_geo import Points


@dataclass(frozen=True)
class Analysis:
    """One month that was reconstructed and written."""

    output: Path
    report: ocean_pb2.ReconstructReport
    left_out: int
    """Samples that the reader left out: no temperature or position, or a quality flag that is not good."""

    def document(self) -> dict[str, Any]:
        """What `--json` prints."""
        observations = self.report.observations
        return {
            "output": str(self.output),
            "method": self.report.method,
            "month": self.report.month,
            "observations": {"used": observations.used, "rejected": observations.rejected + self.left_out},
            "seconds": self.report.seconds,
        }

    def sentence(self) -> str:
        """The same for a person, with the reasons of rejections."""
        observations = self.report.observations
        numbers = {**observations.rejected_by_reason, "missing_or_flagged": self.left_out}
        reasons = ", ".join(f"{number} {reason.replace('_', ' ')}" for reason, number in numbers.items() if number)
        rejected = f"{observations.rejected + self.left_out} rejected" + (f" ({reasons})" if reasons else "")
        merged = f", {observations.merged} duplicates merged" if observations.merged else ""
        return (
            f"{self.output}: {calendar.month_name[self.report.month]} by {self.report.method} in "
            f"{self.report.seconds:.1f} s from {observations.used} observations{merged}, {rejected}"
        )


@dataclass(frozen=True)
class Request:
    """What is to be reconstructed, all of it checked."""

    months: dict[int, Points]
    """The observations of each month."""
    outputs: dict[int, Path]
    """Where each month's analysis goes."""
    method: str
    members: int
    seed: int

    @classmethod
    def checked(
        cls, observations: Sequence[Path], output: Path, *, method: str, members: int, seed: int, month: int | None
    ) -> Request:
        """Reads the observations.

        Raises:
            InvalidInput: naming what cannot be used; no service was started.
        """
        check_method(method)
        check_members(members, least=1)
        check_seed(seed)
        if month is not None:
            check_month(month)
        _check_output(output, observations)
        with _folder_in(output.parent):
            pass  # it can be written in
        if len(observations) == 1:
            only, points = of_one_month(points_of(observations[0]), month)
            months = {only: points}
        else:
            months = by_month(together([_points_of_one_of_many(path) for path in observations]), month)
        several = len(months) > 1
        outputs = {m: output.with_name(f"{output.stem}-{m:02d}{output.suffix}") if several else output for m in months}
        for path in outputs.values():
            _check_output(path, observations)
        return cls(months, outputs, method, members, seed)

    def carry_out(self, ocean: OceanClient) -> list[Analysis]:
        """Reconstructs each month, and when all are done shows them under their names."""
        done: list[tuple[Path, Path, Analysis]] = []
        with ExitStack() as stack:
            staging: Path | None = None  # not before there is something to write: a killed process leaves it behind
            for month, points in self.months.items():
                with display.progress(calendar.month_name[month]) as progress:
                    reconstruction = ocean.reconstruct(
                        points, method=self.method, month=month, members=self.members, seed=self.seed, progress=progress
                    )
                output = self.outputs[month].resolve()  # through a link, to what it names
                staging = staging or stack.enter_context(_folder_in(output.parent))
                staged = staging / output.name
                reconstruction.write(staged)
                left_out = points.missing + points.flagged
                done.append((staged, output, Analysis(self.outputs[month], reconstruction.report, left_out)))
            for staged, output, _ in done:
                staged.replace(output)
        return [analysis for _, _, analysis in done]


def _points_of_one_of_many(path: Path) -> Points:
    """The points of a file; errors say which file."""
    try:
        return points_of(path)
    except InvalidInput as error:
        named = (FieldViolation(f"{path.name}: {v.field}", v.received, v.accepted) for v in error.violations)
        raise InvalidInput(*named, message=f"{path.name}: {error.message}", reason=error.reason) from error


def _check_output(output: Path, observations: Sequence[Path]) -> None:
    if output.is_dir() or not output.name:
        raise InvalidInput.of("output", received=f"{output}, a folder", accepted="a file to write")
    if output.exists() and not (output.is_file() and os.access(output, os.W_OK)):
        received = f"{output}, {'read-only' if output.is_file() else 'a device or a pipe'}"
        raise InvalidInput.of("output", received=received, accepted="a file that may be written")
    if output.exists() and any(path.exists() and output.samefile(path) for path in observations):
        raise InvalidInput.of("output", received=f"{output}, a file of observations", accepted="another file")


@contextmanager
def _folder_in(parent: Path) -> Iterator[Path]:
    """A folder for the time of the block, whose files can be renamed into `parent` in one step."""
    try:
        folder = TemporaryDirectory(prefix=".tellurion-", dir=parent)
    except OSError as error:
        accepted = "a file in a folder that can be written"
        raise InvalidInput.of("output", received=f"{parent}: {error.strerror}", accepted=accepted) from error
    with folder as path:
        yield Path(path)
