"""Reconstructions as long work: the observations are kept as an artifact, and a job names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from tellurion.ocean.v1 import ocean_pb2
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import Identity
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.submission import submit
from tellurion_core.tensors import Array
from tellurion_ocean.models import observations_of
from tellurion_ocean.wire import packed

SERVICE = "ocean"
KIND = "ocean.reconstruction"
"""The kind of these jobs; `tellurion_ocean.reconstruction` does them."""


@dataclass(frozen=True)
class Submissions:
    """Takes reconstructions as long work."""

    jobs: JobStore
    artifacts: ArtifactStore
    keep: timedelta
    """How long observations are kept: as long as a job that has ended is remembered."""

    def submit(
        self,
        identity: Identity,
        submission: ocean_pb2.ReconstructionSubmission,
        observations: Mapping[str, Array],  # each [N], of the specs in models.OBSERVATIONS
    ) -> str:
        """The name of the operation of this submission: a new one, or that which the same submission made before.

        What the method would refuse of observations is refused here, before anything is stored.

        Raises:
            InvalidInput: an observation that cannot be, by field and index.
            Conflict: the request id came before, with another specification or other observations.
            ResourceExhausted: there is no room for the observations.
            Unavailable: the database of jobs cannot be reached.
        """
        observations_of(observations)
        artifact = self.artifacts.put(
            identity.tenant,
            [packed(observations)],
            media_type="application/octet-stream",
            name="observations.safetensors",
            keep=self.keep,
        )
        body = ocean_pb2.ReconstructionJob(spec=submission.spec, observations=artifact.id)
        return submit(self.jobs, identity, KIND, submission, body)
