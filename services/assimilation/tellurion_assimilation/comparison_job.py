"""The job `assimilation.comparison`: methods compared on held-out cases of the atmosphere, or of real winds."""

from __future__ import annotations

import time

from google.protobuf import any_pb2

from tellurion.assimilation.v1 import assimilation_pb2
from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import COMPARABLE, VARIATIONAL, WINDS
from tellurion_assimilation.compare import compare
from tellurion_assimilation.compare_winds import compare_winds
from tellurion_assimilation.models import SHIPPED
from tellurion_assimilation.paired import Cases
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.systems.atmosphere.normalisation import Normalisation
from tellurion_assimilation.systems.winds import held_out_winds, training_winds
from tellurion_assimilation.wind_background import WindBackground
from tellurion_assimilation.wire import compare_report
from tellurion_core.errors import DataCorrupted
from tellurion_core.jobs.running import RunningJob


def comparison(body: any_pb2.Any, job: RunningJob) -> assimilation_pb2.CompareReport:
    """Does the CompareSpec in `body`. An attempt keeps nothing for the next one: the same job gives the same figures.

    Raises:
        InvalidInput: what the comparison refuses.
        Unavailable: the model of the atmosphere is not installed.
        Cancelled: soon after the job was cancelled.
    """
    spec = assimilation_pb2.CompareSpec()
    if not body.Unpack(spec):
        raise DataCorrupted(f"the job's body is {body.TypeName()}, not {spec.DESCRIPTOR.full_name}")
    if not spec.methods:
        spec.methods.extend(COMPARABLE[spec.system])
    began = time.monotonic()
    cases, usual = (_winds(spec, job), "oi") if spec.system == WINDS else (_atmosphere(spec, job), VARIATIONAL)
    figures = cases.compared(usual if usual in spec.methods else spec.methods[0], spec.seed)
    return compare_report(spec, figures, cases.seconds, time.monotonic() - began)


def _atmosphere(spec: assimilation_pb2.CompareSpec, job: RunningJob) -> Cases:
    return compare(
        list(spec.methods),
        atmosphere=Atmosphere(SHIPPED.truncation, SHIPPED.levels),
        errors=ZonalErrors.shipped(SHIPPED),
        scale=Normalisation.shipped(SHIPPED).std,
        observed=spec.observed,
        cases=spec.cases,
        seed=spec.seed,
        cancelled=job.cancelled,
        progress=job.progress,
    )


def _winds(spec: assimilation_pb2.CompareSpec, job: RunningJob) -> Cases:
    return compare_winds(
        list(spec.methods),
        held_out_winds(spec.cases),
        background=WindBackground(training_winds()),
        observed=spec.observed,
        seed=spec.seed,
        cancelled=job.cancelled,
        progress=job.progress,
    )
