"""What the gateway answers as JSON."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from tellurion.ocean.v1 import ocean_pb2
from tellurion_client.ocean_wire import Reconstruction
from tellurion_client.scores import MethodScores
from tellurion_core.artifacts import Artifact
from tellurion_geo import Points

Scores = dict[str, MethodScores]
"""Scores by method, in the order asked."""


class ArtifactAnswer(BaseModel):
    """A stored file."""

    id: str = Field(description="Lower-case hexadecimal SHA-256 of the bytes.")
    href: str = Field(description="Where the bytes are.")
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="Lower-case hexadecimal SHA-256 of the bytes.")
    media_type: str
    name: str = Field(description="File name offered for the download.")
    created: datetime
    expires: datetime | None = Field(description="When it may be deleted; never where null.")

    @classmethod
    def of(cls, artifact: Artifact) -> ArtifactAnswer:
        """The answer about an artifact of the store."""
        return cls(**artifact.model_dump(), href=f"/v1/artifacts/{artifact.id}/content", sha256=artifact.id)


class ObservationsAnswer(BaseModel):
    """What became of the observations: received = used + rejected."""

    received: int = Field(description="Observations of the month that reached the analysis.")
    used: int = Field(description="Observations that the analysis rests on, those merged included.")
    rejected: int = Field(description="Observations not used.")
    rejected_by_reason: dict[str, int]
    merged: int = Field(description="Duplicates that were merged into their neighbours.")
    missing: int = Field(description="Samples without a temperature or a position, left out before.")
    flagged: int = Field(description="Samples whose quality flag is not good, left out before.")
    other_months: int = Field(description="Observations of other months, left out before.")


class ReconstructAnswer(BaseModel):
    """What was done, and where the analysis is."""

    method: str
    month: int
    seed: int
    steps: int = Field(description="Steps of the sampler; 0 for a method that is not learned.")
    weights_sha256: str = Field(
        description="Lower-case hexadecimal SHA-256 of the weights; empty for a method that is not learned."
    )
    observations: ObservationsAnswer
    seconds: float = Field(description="Time the computation took.")
    artifact: ArtifactAnswer = Field(description="The analysis, CF NetCDF.")

    @classmethod
    def of(
        cls, reconstruction: Reconstruction, points: Points, other_months: int, artifact: Artifact
    ) -> ReconstructAnswer:
        """The answer about a reconstruction from `points` that is stored as `artifact`."""
        report = reconstruction.report
        observations = ObservationsAnswer(
            received=report.observations.received,
            used=report.observations.used,
            rejected=report.observations.rejected,
            rejected_by_reason=dict(report.observations.rejected_by_reason),
            merged=report.observations.merged,
            missing=points.missing,
            flagged=points.flagged,
            other_months=other_months,
        )
        return cls(
            method=report.method,
            month=report.month,
            seed=report.seed,
            steps=report.steps,
            weights_sha256=report.weights_sha256,
            observations=observations,
            seconds=report.seconds,
            artifact=ArtifactAnswer.of(artifact),
        )


class MethodAnswer(BaseModel):
    """One method of reconstruction."""

    name: str
    description: str
    ensemble: bool = Field(description="Whether it answers an ensemble.")
    learned: bool = Field(description="Whether it samples a learned model, and so takes `steps` and `weights`.")

    @classmethod
    def of(cls, wire: ocean_pb2.Method) -> MethodAnswer:
        """From the wire."""
        return cls(name=wire.name, description=wire.description, ensemble=wire.ensemble, learned=wire.learned)


class MethodsAnswer(BaseModel):
    """The methods, best first, and the grid they answer on."""

    methods: list[MethodAnswer]
    depth: list[float] = Field(description="Depths of the levels in metres.")
    lat: list[float] = Field(description="Latitudes of the cells' centres, degrees north.")
    lon: list[float] = Field(description="Longitudes of the cells' centres, degrees east.")

    @classmethod
    def of(cls, wire: ocean_pb2.ListMethodsResponse) -> MethodsAnswer:
        """From the wire."""
        methods = [MethodAnswer.of(method) for method in wire.methods]
        return cls(methods=methods, depth=list(wire.depth), lat=list(wire.lat), lon=list(wire.lon))


class StatusAnswer(BaseModel):
    """The state of this process."""

    status: str


class Violation(BaseModel):
    """One field that cannot be used."""

    field: str
    received: str
    accepted: str


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    type: str = Field(description="`urn:tellurion:problem:` and the reason.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request.")
    request_id: str = Field(description="Id under which the logs know the request.")
    errors: list[Violation] = Field(default=[], description="The fields that cannot be used.")
