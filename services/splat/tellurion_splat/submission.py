"""Fits as long work: what none can be is refused before anything is stored of it."""

from __future__ import annotations

from dataclasses import dataclass

from tellurion.splat.v1 import splat_pb2
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import Identity
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.submission import submit
from tellurion_splat.wire import fit_spec, resolved

SERVICE = "splat"
KIND = "splat.fit"
"""The kind of these jobs; `fit_job` does them."""


@dataclass(frozen=True)
class Submissions:
    """Takes fits as long work."""

    jobs: JobStore
    artifacts: ArtifactStore

    def fit(self, identity: Identity, request: splat_pb2.FitRequest) -> str:
        """The name of the operation of this request: a new one, or that which the same request made before.

        Raises:
            InvalidInput: a specification that no fit can have.
            NotFound: the tenant has no such scene.
            Conflict: the request id came before, with another specification.
            Unavailable: the database of jobs cannot be reached.
        """
        fit_spec(resolved(request.spec))
        self.artifacts.get(identity.tenant, request.spec.scene)
        return submit(self.jobs, identity, KIND, request, request.spec)
