"""How a reconstruction came about, as attributes of its file: the same whoever writes it, a service or its client."""

from __future__ import annotations

from tellurion.ocean.v1 import ocean_pb2
from tellurion_geo.writing import Attribute


def provenance(report: ocean_pb2.ReconstructReport) -> dict[str, Attribute]:
    """Global attributes of an analysis; the time that it took is none, so that the same input gives the same file."""
    attributes: dict[str, Attribute] = {
        "method": report.method,
        "seed": report.seed,
        "observations_sha256": report.observations_sha256,
        "observations_used": report.observations.used,
        "observations_rejected": report.observations.rejected,
        "software_version": f"tellurion {report.version}",
    }
    if report.weights_sha256:
        attributes |= {"steps": report.steps, "weights_sha256": report.weights_sha256}
    return attributes
