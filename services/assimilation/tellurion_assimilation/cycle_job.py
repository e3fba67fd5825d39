"""The job `assimilation.cycle`: a twin experiment that was submitted."""

from __future__ import annotations

from google.protobuf import any_pb2

from tellurion.assimilation.v1 import assimilation_pb2
from tellurion_assimilation.atmosphere_twin import atmosphere_twin
from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import LEARNED
from tellurion_assimilation.cycling import Twin
from tellurion_assimilation.models import SHIPPED, shipped_prior
from tellurion_assimilation.systems import system
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.systems.atmosphere.normalisation import Normalisation
from tellurion_assimilation.twin import twin
from tellurion_assimilation.wire import cycle_report, resolved, twin_options, twin_setting
from tellurion_core.errors import DataCorrupted
from tellurion_core.jobs.running import RunningJob


def cycle(body: any_pb2.Any, job: RunningJob) -> assimilation_pb2.CycleReport:
    """Does the CycleSpec in `body`. An attempt keeps nothing for the next one: the same job gives the same figures.

    Raises:
        InvalidInput: what the twin experiment refuses.
        Unavailable: the model of the atmosphere is not installed.
        Cancelled: soon after the job was cancelled.
    """
    spec = assimilation_pb2.CycleSpec()
    if not body.Unpack(spec):
        raise DataCorrupted(f"the job's body is {body.TypeName()}, not {spec.DESCRIPTOR.full_name}")
    spec = resolved(spec)
    job.progress(0.0, f"{spec.method} on {spec.system}")
    run = _on_the_atmosphere if spec.system == Atmosphere.name else _on_a_system
    return cycle_report(spec, run(spec, job))


def _on_a_system(spec: assimilation_pb2.CycleSpec, job: RunningJob) -> Twin:
    return twin(
        system(spec.system),
        spec.method,
        twin_options(spec),
        members=spec.members or None,
        setting=twin_setting(spec),
        cycles=spec.cycles,
        seed=spec.seed,
        cancelled=job.cancelled,
        progress=job.progress,
    )


def _on_the_atmosphere(spec: assimilation_pb2.CycleSpec, job: RunningJob) -> Twin:
    return atmosphere_twin(
        spec.method,
        twin_options(spec),
        atmosphere=Atmosphere(SHIPPED.truncation, SHIPPED.levels),
        errors=ZonalErrors.shipped(SHIPPED),
        scale=Normalisation.shipped(SHIPPED).std,
        prior=shipped_prior(spec.method) if spec.method in LEARNED else None,
        members=spec.members,
        setting=twin_setting(spec),
        cycles=spec.cycles,
        seed=spec.seed,
        cancelled=job.cancelled,
        progress=job.progress,
    )
