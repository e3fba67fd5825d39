"""Tellurion's Python SDK: `connect()`, and then ask the services.

    import tellurion_client as tellurion

    with tellurion.connect() as client:
        analysis = client.ocean.reconstruct("observations.nc", month=2)

All public names are here. They are imported when they are first used: `tellurion --help` needs no NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tellurion_client.agent import AgentClient
    from tellurion_client.agent_results import Answer, DataSet, LearnedRecipe, Lesson, Plan, Recipe
    from tellurion_client.artifacts import ArtifactsClient
    from tellurion_client.assimilation import AssimilationClient
    from tellurion_client.assimilation_operation import ReportOperation
    from tellurion_client.assimilation_results import (
        AssimilationMethod,
        AssimilationSystem,
        ChannelScores,
        ComparedMethod,
        ComparisonReport,
        Interval,
        StateScores,
        TwinReport,
    )
    from tellurion_client.assimilation_wire import AtmosphereAnalysis
    from tellurion_client.benchmark import BenchmarkClient
    from tellurion_client.benchmark_request import Budget, Endpoint
    from tellurion_client.benchmark_results import (
        Board,
        Difference,
        Metric,
        MetricDescription,
        Report,
        Standing,
        Suite,
        Variant,
    )
    from tellurion_client.client import Client, connect
    from tellurion_client.evaluation import Evaluation
    from tellurion_client.ocean import OceanClient
    from tellurion_client.ocean_operation import ReconstructionOperation
    from tellurion_client.ocean_wire import Reconstruction
    from tellurion_client.operations import Operation, OperationsClient, OperationStatus
    from tellurion_client.pointcloud import PointCloudClient
    from tellurion_client.pointcloud_results import (
        CloudEncoding,
        Detections,
        Estimate,
        ObjectBox,
        PointCloudModel,
        PointCloudScores,
        Provenance,
        ReconstructedCloud,
    )
    from tellurion_client.scores import Method, MethodScores, SquaredError
    from tellurion_client.splat import SplatClient
    from tellurion_client.splat_frames import Frame, SplatCameras
    from tellurion_client.splat_operation import FitOperation
    from tellurion_client.splat_results import (
        Conversion,
        FitReport,
        ModelDescription,
        SceneDescription,
        SceneScores,
        ViewScores,
    )
    from tellurion_core.client import ClientTls
    from tellurion_core.errors import (
        Cancelled,
        Conflict,
        DataCorrupted,
        DeadlineExceeded,
        InvalidInput,
        NotFound,
        ResourceExhausted,
        TellurionError,
        Unavailable,
    )
    from tellurion_geo import AtmosphereObservations, AtmosphereStates, Grid, Points, SigmaGrid, Times

__all__ = [
    "AgentClient",
    "Answer",
    "ArtifactsClient",
    "AssimilationClient",
    "AssimilationMethod",
    "AssimilationSystem",
    "AtmosphereAnalysis",
    "AtmosphereObservations",
    "AtmosphereStates",
    "BenchmarkClient",
    "Board",
    "Budget",
    "Cancelled",
    "ChannelScores",
    "Client",
    "ClientTls",
    "CloudEncoding",
    "ComparedMethod",
    "ComparisonReport",
    "Conflict",
    "Conversion",
    "DataCorrupted",
    "DataSet",
    "DeadlineExceeded",
    "Detections",
    "Difference",
    "Endpoint",
    "Estimate",
    "Evaluation",
    "FitOperation",
    "FitReport",
    "Frame",
    "Grid",
    "Interval",
    "InvalidInput",
    "LearnedRecipe",
    "Lesson",
    "Method",
    "MethodScores",
    "Metric",
    "MetricDescription",
    "ModelDescription",
    "NotFound",
    "ObjectBox",
    "OceanClient",
    "Operation",
    "OperationStatus",
    "OperationsClient",
    "Plan",
    "PointCloudClient",
    "PointCloudModel",
    "PointCloudScores",
    "Points",
    "Provenance",
    "Recipe",
    "ReconstructedCloud",
    "Reconstruction",
    "ReconstructionOperation",
    "Report",
    "ReportOperation",
    "ResourceExhausted",
    "SceneDescription",
    "SceneScores",
    "SigmaGrid",
    "SplatCameras",
    "SplatClient",
    "SquaredError",
    "Standing",
    "StateScores",
    "Suite",
    "TellurionError",
    "Times",
    "TwinReport",
    "Unavailable",
    "Variant",
    "ViewScores",
    "connect",
]

_HOMES = {
    "tellurion_client.agent": ("AgentClient",),
    "tellurion_client.agent_results": ("Answer", "DataSet", "LearnedRecipe", "Lesson", "Plan", "Recipe"),
    "tellurion_client.artifacts": ("ArtifactsClient",),
    "tellurion_client.assimilation": ("AssimilationClient",),
    "tellurion_client.assimilation_operation": ("ReportOperation",),
    "tellurion_client.assimilation_results": (
        *("AssimilationMethod", "AssimilationSystem", "ChannelScores", "ComparedMethod", "ComparisonReport"),
        *("Interval", "StateScores", "TwinReport"),
    ),
    "tellurion_client.assimilation_wire": ("AtmosphereAnalysis",),
    "tellurion_client.benchmark": ("BenchmarkClient",),
    "tellurion_client.benchmark_request": ("Budget", "Endpoint"),
    "tellurion_client.benchmark_results": (
        *("Board", "Difference", "Metric", "MetricDescription"),
        *("Report", "Standing", "Suite", "Variant"),
    ),
    "tellurion_client.client": ("Client", "connect"),
    "tellurion_client.evaluation": ("Evaluation",),
    "tellurion_client.ocean": ("OceanClient",),
    "tellurion_client.ocean_operation": ("ReconstructionOperation",),
    "tellurion_client.ocean_wire": ("Reconstruction",),
    "tellurion_client.operations": ("Operation", "OperationStatus", "OperationsClient"),
    "tellurion_client.pointcloud": ("PointCloudClient",),
    "tellurion_client.pointcloud_results": (
        *("CloudEncoding", "Detections", "Estimate", "ObjectBox"),
        *("PointCloudModel", "PointCloudScores", "Provenance", "ReconstructedCloud"),
    ),
    "tellurion_client.scores": ("Method", "MethodScores", "SquaredError"),
    "tellurion_client.splat": ("SplatClient",),
    "tellurion_client.splat_frames": ("Frame", "SplatCameras"),
    "tellurion_client.splat_operation": ("FitOperation",),
    "tellurion_client.splat_results": (
        *("Conversion", "FitReport", "ModelDescription", "SceneDescription", "SceneScores", "ViewScores"),
    ),
    "tellurion_core.client": ("ClientTls",),
    "tellurion_core.errors": (
        *("Cancelled", "Conflict", "DataCorrupted", "DeadlineExceeded", "InvalidInput", "NotFound"),
        *("ResourceExhausted", "TellurionError", "Unavailable"),
    ),
    "tellurion_geo": ("AtmosphereObservations", "AtmosphereStates", "Grid", "Points", "SigmaGrid", "Times"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
