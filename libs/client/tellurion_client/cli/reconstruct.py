"""One run of `tellurion ocean reconstruct`: check all of it, then reconstruct, then show the outputs at once."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tellurion.ocean.v1 import ocean_pb2
from tellurion_client.cli import display
from tellurion_client.cli.outputs import Output, Staged
from tellurion_client.observations import by_month, of_one_month, points_of, together
from tellurion_client.ocean import OceanClient, Progress
from tellurion_client.ocean_wire import Reconstruction
from tellurion_client.options import check_learned, check_members, check_method, check_month, check_seed
from tellurion_core.errors import FieldViolation, InvalidInput
from tellurion_geo import Points

Answer = Callable[[int, Progress | None], Reconstruction]
"""From a month to its reconstruction, telling progress."""


@dataclass(frozen=True)
class Analysis:
    """One month that was reconstructed and written."""

    output: Output
    report: ocean_pb2.ReconstructReport
    left_out: int = 0
    """Samples that the reader left out: no temperature or position, or a quality flag that is not good."""
    operation: str = ""
    """Name of the operation that it comes from; empty where it was called."""

    def document(self) -> dict[str, Any]:
        """What `--json` prints."""
        observations = self.report.observations
        document: dict[str, Any] = {
            "output": str(self.output.analysis),
            "method": self.report.method,
            "month": self.report.month,
            "observations": {"used": observations.used, "rejected": observations.rejected + self.left_out},
            "seconds": self.report.seconds,
        }
        if self.output.members is not None:
            document["members_out"] = str(self.output.members)
        if self.report.weights_sha256:
            document |= {"steps": self.report.steps, "weights_sha256": self.report.weights_sha256}
        if self.operation:
            document["operation"] = self.operation
        return document

    def sentence(self) -> str:
        """The same for a person, with the reasons of rejections."""
        observations = self.report.observations
        numbers = {**observations.rejected_by_reason, "missing_or_flagged": self.left_out}
        reasons = ", ".join(f"{number} {reason.replace('_', ' ')}" for reason, number in numbers.items() if number)
        rejected = f"{observations.rejected + self.left_out} rejected" + (f" ({reasons})" if reasons else "")
        merged = f", {observations.merged} duplicates merged" if observations.merged else ""
        return (
            f"{' and '.join(map(str, self.output.by_option().values()))}: {calendar.month_name[self.report.month]} by "
            f"{self.report.method} in {self.report.seconds:.1f} s from {observations.used} observations{merged}, "
            f"{rejected}"
        )


@dataclass(frozen=True)
class Request:
    """What is to be reconstructed, all of it checked."""

    months: dict[int, Points]
    """The observations of each month."""
    outputs: dict[int, Output]
    """Where each month's analysis goes; empty where nobody said."""
    options: dict[str, Any]
    """The other options of a reconstruction."""

    @classmethod
    def checked(
        cls,
        observations: Sequence[Path],
        output: Output | None,
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
        if output is not None:
            output.check(observations)
        if len(observations) == 1:
            only, points = of_one_month(points_of(observations[0]), month)
            months = {only: points}
        else:
            months = by_month(together([_points_of_one_of_many(path) for path in observations]), month)
        outputs: dict[int, Output] = {}
        if output is not None:
            outputs = {each: output.of_month(each) if len(months) > 1 else output for each in months}
            for each in outputs.values():
                each.check(observations)
        options = {"method": method, "members": members, "seed": seed, "steps": steps, "weights": weights}
        return cls(months, outputs, options)

    def carry_out(self, ocean: OceanClient) -> list[Analysis]:
        """Reconstructs one month after the other, and when all are done shows them under their names."""

        def answer(month: int, progress: Progress | None) -> Reconstruction:
            return ocean.reconstruct(self.months[month], month=month, progress=progress, **self.options)

        return self.written(answer)

    def written(self, answer: Answer) -> list[Analysis]:
        """Writes what is answered for each month, and when all are there shows them under their names."""
        done: list[Analysis] = []
        with ExitStack() as stack:
            staged = Staged(stack)
            for month, output in self.outputs.items():
                with display.progress(calendar.month_name[month]) as progress:
                    reconstruction = answer(month, progress)
                output.write(reconstruction, staged)
                points = self.months[month]
                done.append(Analysis(output, reconstruction.report, points.missing + points.flagged))
            staged.show()
        return done


def _points_of_one_of_many(path: Path) -> Points:
    """The points of a file; errors say which file."""
    try:
        return points_of(path)
    except InvalidInput as error:
        named = (FieldViolation(f"{path.name}: {v.field}", v.received, v.accepted) for v in error.violations)
        raise InvalidInput(*named, message=f"{path.name}: {error.message}", reason=error.reason) from error
