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
from tellurion_client.options import check_learned, check_members, check_method, check_month, check_seed
from tellurion_core.errors import FieldViolation, InvalidInput
from tellurion_geo import Points


@dataclass(frozen=True)
class Analysis:
    """One month that was reconstructed and written."""

    output: Path
    members_out: Path | None
    """File of the members, where they have one of their own."""
    report: ocean_pb2.ReconstructReport
    left_out: int
    """Samples that the reader left out: no temperature or position, or a quality flag that is not good."""

    def document(self) -> dict[str, Any]:
        """What `--json` prints."""
        observations = self.report.observations
        document: dict[str, Any] = {
            "output": str(self.output),
            "method": self.report.method,
            "month": self.report.month,
            "observations": {"used": observations.used, "rejected": observations.rejected + self.left_out},
            "seconds": self.report.seconds,
        }
        if self.members_out is not None:
            document["members_out"] = str(self.members_out)
        if self.report.weights_sha256:
            document |= {"steps": self.report.steps, "weights_sha256": self.report.weights_sha256}
        return document

    def sentence(self) -> str:
        """The same for a person, with the reasons of rejections."""
        observations = self.report.observations
        numbers = {**observations.rejected_by_reason, "missing_or_flagged": self.left_out}
        reasons = ", ".join(f"{number} {reason.replace('_', ' ')}" for reason, number in numbers.items() if number)
        rejected = f"{observations.rejected + self.left_out} rejected" + (f" ({reasons})" if reasons else "")
        merged = f", {observations.merged} duplicates merged" if observations.merged else ""
        outputs = f"{self.output}" + (f" and {self.members_out}" if self.members_out is not None else "")
        return (
            f"{outputs}: {calendar.month_name[self.report.month]} by {self.report.method} in "
            f"{self.report.seconds:.1f} s from {observations.used} observations{merged}, {rejected}"
        )


@dataclass(frozen=True)
class Request:
    """What is to be reconstructed, all of it checked."""

    months: dict[int, Points]
    """The observations of each month."""
    outputs: dict[int, Path]
    """Where each month's analysis goes."""
    members_outputs: dict[int, Path]
    """Where each month's members go; empty where they go with the analysis."""
    options: dict[str, Any]
    """The other options of a reconstruction."""

    @classmethod
    def checked(
        cls,
        observations: Sequence[Path],
        output: Path,
        members_out: Path | None,
        *,
        month: int | None,
        method: str,
        members: int,
        seed: int,
        steps: int,
        weights: str,
    ) -> Request:
        """Reads the observations.

        Raises:
            InvalidInput: naming what cannot be used; no service was started.
        """
        check_method(method)
        check_members(members, least=1)
        check_seed(seed)
        check_learned([method], steps=steps, weights=weights)
        if month is not None:
            check_month(month)
        files = {"output": output} | ({} if members_out is None else {"members-out": members_out})
        for option, path in files.items():
            _check_output(option, path, observations)
            with _folder_in(option, path.parent):
                pass  # it can be written in
        if len(observations) == 1:
            only, points = of_one_month(points_of(observations[0]), month)
            months = {only: points}
        else:
            months = by_month(together([_points_of_one_of_many(path) for path in observations]), month)
        outputs = {option: _by_month(path, list(months)) for option, path in files.items()}
        for option, paths in outputs.items():
            for path in paths.values():
                _check_output(option, path, observations)
        members_outputs = outputs.get("members-out", {})
        for path in members_outputs.values():
            if path.resolve() in {other.resolve() for other in outputs["output"].values()}:
                raise InvalidInput.of("members-out", received=f"{path}, the analysis", accepted="another file")
        options = {"method": method, "members": members, "seed": seed, "steps": steps, "weights": weights}
        return cls(months, outputs["output"], members_outputs, options)

    def carry_out(self, ocean: OceanClient) -> list[Analysis]:
        """Reconstructs each month, and when all are done shows them under their names."""
        done: list[Analysis] = []
        with ExitStack() as stack:
            staged = _Staged(stack)
            for month, points in self.months.items():
                with display.progress(calendar.month_name[month]) as progress:
                    reconstruction = ocean.reconstruct(points, month=month, progress=progress, **self.options)
                output, members_out = self.outputs[month], self.members_outputs.get(month)
                reconstruction.write(
                    staged.place("output", output),
                    members_out=None if members_out is None else staged.place("members-out", members_out),
                )
                done.append(Analysis(output, members_out, reconstruction.report, points.missing + points.flagged))
            staged.show()
        return done


class _Staged:
    """Files that are written out of sight, in folders from which each can be renamed to its own place in one step."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        # A folder is made when there is something to write: a killed process leaves it behind.
        self._folders: dict[Path, Path] = {}
        self._places: dict[Path, Path] = {}

    def place(self, option: str, output: Path) -> Path:
        """Where to write what is to become `output`."""
        target = output.resolve()  # through a link, to what it names
        if target.parent not in self._folders:
            self._folders[target.parent] = self._stack.enter_context(_folder_in(option, target.parent))
        place = self._folders[target.parent] / target.name
        self._places[place] = target
        return place

    def show(self) -> None:
        """Renames all of them."""
        for place, target in self._places.items():
            place.replace(target)


def _points_of_one_of_many(path: Path) -> Points:
    """The points of a file; errors say which file."""
    try:
        return points_of(path)
    except InvalidInput as error:
        named = (FieldViolation(f"{path.name}: {v.field}", v.received, v.accepted) for v in error.violations)
        raise InvalidInput(*named, message=f"{path.name}: {error.message}", reason=error.reason) from error


def _by_month(path: Path, months: Sequence[int]) -> dict[int, Path]:
    """The file of each month: the path itself for one, with the month in its name for several."""
    if len(months) == 1:
        return {months[0]: path}
    return {month: path.with_name(f"{path.stem}-{month:02d}{path.suffix}") for month in months}


def _check_output(option: str, output: Path, observations: Sequence[Path]) -> None:
    if output.is_dir() or not output.name:
        raise InvalidInput.of(option, received=f"{output}, a folder", accepted="a file to write")
    if output.exists() and not (output.is_file() and os.access(output, os.W_OK)):
        received = f"{output}, {'read-only' if output.is_file() else 'a device or a pipe'}"
        raise InvalidInput.of(option, received=received, accepted="a file that may be written")
    if output.exists() and any(path.exists() and output.samefile(path) for path in observations):
        raise InvalidInput.of(option, received=f"{output}, a file of observations", accepted="another file")


@contextmanager
def _folder_in(option: str, parent: Path) -> Iterator[Path]:
    """A folder for the time of the block, whose files can be renamed into `parent` in one step."""
    try:
        folder = TemporaryDirectory(prefix=".tellurion-", dir=parent)
    except OSError as error:
        accepted = "a file in a folder that can be written"
        raise InvalidInput.of(option, received=f"{parent}: {error.strerror}", accepted=accepted) from error
    with folder as path:
        yield Path(path)
