"""The services of the platform by their short names, and what each may be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType

from google.longrunning import operations_pb2
from google.protobuf.descriptor import ServiceDescriptor

from tellurion.agent.v1 import agent_pb2
from tellurion.artifacts.v1 import artifacts_pb2
from tellurion.assimilation.v1 import assimilation_pb2
from tellurion.benchmark.v1 import benchmark_pb2
from tellurion.jobs.v1 import jobs_pb2
from tellurion.ocean.v1 import ocean_pb2
from tellurion.pointcloud.v1 import pointcloud_pb2
from tellurion.splat.v1 import splat_pb2

CONTRACTS: Mapping[str, ModuleType] = {
    "agent": agent_pb2,
    "assimilation": assimilation_pb2,
    "benchmark": benchmark_pb2,
    "ocean": ocean_pb2,
    "pointcloud": pointcloud_pb2,
    "splat": splat_pb2,
}
"""What each service answers itself, by its short name."""
NEWS = (jobs_pb2,)
"""News of long work, which each service that has such work answers beside its own."""
SHARED = (operations_pb2, artifacts_pb2)
"""Long work and files, likewise."""


def grpc_services(contracts: Iterable[ModuleType]) -> tuple[ServiceDescriptor, ...]:
    """The gRPC services of these contracts."""
    return tuple(service for file in contracts for service in file.DESCRIPTOR.services_by_name.values())
