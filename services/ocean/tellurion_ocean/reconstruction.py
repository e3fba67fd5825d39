"""The job `ocean.reconstruction`: a submitted reconstruction, from its observations to the file of its analysis."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf import any_pb2

from tellurion.ocean.v1 import ocean_pb2
from tellurion_core.errors import DataCorrupted, InvalidInput, ResourceExhausted
from tellurion_core.jobs.running import RunningJob
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import StateSettings, load
from tellurion_core.tensors import Array
from tellurion_core.weights import WeightsStore
from tellurion_geo import Grid, write_analysis
from tellurion_geo.provenance import provenance
from tellurion_ocean.models import AnalysisModel, SharedPrior
from tellurion_ocean.wire import model_inputs, report_of, unpacked

BLOCK_BYTES = 1 << 20


def reconstruct(body: any_pb2.Any, job: RunningJob) -> ocean_pb2.ReconstructionResult:
    """Does the ReconstructionJob in `body`: the analysis that Reconstruct would answer, as a CF NetCDF artifact.

    Only the model that is asked for is loaded. An attempt keeps nothing for the next one: it takes less than a minute,
    but for `reconmost`, and the same job gives the same bytes.

    Raises:
        InvalidInput: no observation passed quality control.
        NotFound: observations that are no longer kept, or weights that are no longer registered.
        DataCorrupted: the observations are not the bytes that were stored.
        ResourceExhausted: more observations than the method can take, or no room for the analysis.
        Cancelled: soon after the job was cancelled.
    """
    asked = ocean_pb2.ReconstructionJob()
    if not body.Unpack(asked):
        raise DataCorrupted(f"the job's body is {body.TypeName()}, not {asked.DESCRIPTOR.full_name}")
    spec, observations = asked.spec, unpacked(_stored(job, asked.observations))
    model = AnalysisModel(spec.method, SharedPrior(), WeightsStore(load(StateSettings).models_folder))
    job.progress(0.0, "loading the model")
    model.load()
    began = time.monotonic()
    outputs = model.predict(model_inputs(spec, observations), cancelled=job.cancelled, progress=job.progress)
    report = report_of(spec, observations, outputs, time.monotonic() - began)
    job.progress(1.0, "writing the analysis")
    with TemporaryDirectory(prefix="analysis-", dir=job.folder) as folder:
        path = Path(folder) / f"analysis-{spec.month:02d}.nc"
        _write(path, report, outputs)
        with path.open("rb") as file:
            artifact = job.artifacts.put(
                job.tenant,
                iter(lambda: file.read(BLOCK_BYTES), b""),
                media_type="application/x-netcdf",
                name=path.name,
                keep=timedelta(days=load(JobSettings).retention_days),
            )
    return ocean_pb2.ReconstructionResult(report=report, analysis=artifact.id)


def _stored(job: RunningJob, artifact_id: str) -> bytes:
    """The bytes of an artifact, which are those of its id."""
    with job.artifacts.open(job.tenant, artifact_id) as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != artifact_id:
        raise DataCorrupted(f"the stored observations {artifact_id} are not the bytes that were stored")
    return data


def _write(path: Path, report: ocean_pb2.ReconstructReport, outputs: Mapping[str, Array]) -> None:
    grid = Grid(outputs["depth"], outputs["lat"], outputs["lon"])
    fields = (outputs[name] for name in ("mean", "std", "members"))
    try:
        write_analysis(path, grid, report.month, *fields, provenance(report))
    except InvalidInput as error:  # it names the file, which is ours
        raise ResourceExhausted("the analysis could not be written; is the disk full?") from error
