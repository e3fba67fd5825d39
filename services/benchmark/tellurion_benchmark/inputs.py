"""The files of one evaluation, out of the tenant's artifacts and into the folder of the job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_benchmark.dataset import DataSet
from tellurion_benchmark.predictions import read_predictions
from tellurion_benchmark.records import Format, Refusals, lines, value_in
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import InvalidInput, NotFound

FORMATS: Mapping[benchmark_pb2.Format.ValueType, Format] = {
    benchmark_pb2.FORMAT_JSON: "json",
    benchmark_pb2.FORMAT_JSON_LINES: "jsonl",
    benchmark_pb2.FORMAT_PARQUET: "parquet",
}
LONGEST_NAME = 1000
"""Characters of an image's name, which is a path."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Inputs:
    """A tenant's artifacts as files of a folder; they are never written to."""

    def __init__(self, artifacts: ArtifactStore, tenant: str, folder: Path) -> None:
        self._artifacts = artifacts
        self._tenant = tenant
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def data_set(self, request: benchmark_pb2.CreateEvaluationRequest, path: Path) -> DataSet:
        """The data set that is asked for, in a new file at `path`, with the predictions where they are given.

        Raises:
            InvalidInput: an artifact is not there, or not what it should be.
        """
        data = request.data
        questions = self._file("data.questions", data.questions)
        media = self._media(data.media) if data.media else ()
        built = DataSet.build(path, request.suite, questions, FORMATS[data.format], media)
        if request.predictions:
            try:
                read_predictions(self._file("predictions", request.predictions), built)
            except BaseException:
                built.close()
                raise
        return built

    def _file(self, field: str, sha256: str) -> Path:
        path = self._folder / sha256
        if not path.exists():
            try:
                self._artifacts.fetch(self._tenant, sha256, path)
            except NotFound:
                raise _missing(field, sha256) from None
        return path

    def _media(self, listed: str) -> Iterator[tuple[str, Path]]:
        """The images that a list names, each with its name."""
        refusals = Refusals()
        for number, line in lines(self._file("data.media", listed), "media"):
            place = f"media line {number}"
            with refusals:
                match value_in(line, place):
                    case {"name": str(name), "sha256": str(sha256)} if len(name) <= LONGEST_NAME:
                        if not _SHA256.fullmatch(sha256):
                            raise InvalidInput.of(f"{place}.sha256", received=sha256, accepted="64 hexadecimal digits")
                        yield name, self._file(f"{place}.sha256", sha256)
                    case other:
                        accepted = f'{{"name": up to {LONGEST_NAME} characters, "sha256": …}}'
                        raise InvalidInput.of(place, received=other, accepted=accepted)
            if refusals.full:
                break
        refusals.end()


def check_artifacts(request: benchmark_pb2.CreateEvaluationRequest, artifacts: ArtifactStore, tenant: str) -> None:
    """Refuses an evaluation of files that the tenant has not.

    Raises:
        NotFound: naming the field.
    """
    named = {"data.questions": request.data.questions, "data.media": request.data.media}
    named["predictions"] = request.predictions
    for field, sha256 in named.items():
        try:
            if sha256:
                artifacts.get(tenant, sha256)
        except NotFound as error:
            raise NotFound(f"{field}: {error.message}") from None


def _missing(field: str, sha256: str) -> InvalidInput:
    return InvalidInput.of(field, received=sha256, accepted="the SHA-256 of a file that was uploaded")
