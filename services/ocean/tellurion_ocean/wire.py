"""Reconstructions between the wire and the models: what a model takes of a request, and what is told of its outputs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tellurion.ocean.v1 import ocean_pb2
from tellurion_core.errors import DataCorrupted
from tellurion_core.tensors import Array
from tellurion_ocean.methods import LEARNED
from tellurion_ocean.models import OPTIONS, REJECTIONS

SHIPPED_DIGEST = bytes(hashlib.sha256().digest_size)
"""What a model takes as the digest of the weights that it comes with."""


def model_inputs(spec: ocean_pb2.ReconstructSpec, observations: Mapping[str, Array]) -> dict[str, Array]:
    """The observations and options that the model of `spec.method` takes; weights are named by their SHA-256."""
    weights = bytes.fromhex(spec.weights) or SHIPPED_DIGEST
    asked = {name: getattr(spec, name) for name in OPTIONS} | {"weights": list(weights)}
    return {**observations, **{name: np.array(asked[name], kind.dtype) for name, kind in OPTIONS.items()}}


def report_of(
    spec: ocean_pb2.ReconstructSpec, observations: Mapping[str, Array], outputs: Mapping[str, Array], seconds: float
) -> ocean_pb2.ReconstructReport:
    """What was done with the observations, from the model's outputs and the time that it took."""
    received = len(observations["temperature"])
    reasons = {reason: int(outputs[reason]) for reason in REJECTIONS}
    rejected = sum(reasons.values())
    digest = hashlib.sha256()
    for name in sorted(observations):
        digest.update(np.ascontiguousarray(observations[name]).data)
    learned: dict[str, Any] = {}
    if spec.method in LEARNED:
        learned["steps"] = int(outputs["steps"])
        learned["weights_sha256"] = outputs["weights"].tobytes().hex()
    return ocean_pb2.ReconstructReport(
        method=spec.method,
        month=spec.month,
        seed=spec.seed,
        observations=ocean_pb2.ObservationReport(
            received=received,
            used=received - rejected,
            rejected=rejected,
            rejected_by_reason=reasons,
            merged=int(outputs["duplicates_merged"]),
        ),
        seconds=seconds,
        version=version("tellurion-ocean"),
        observations_sha256=digest.hexdigest(),
        **learned,
    )


def packed(observations: Mapping[str, Array]) -> bytes:
    """The observations as a safetensors file; the same arrays give the same bytes."""
    data: bytes = save(dict(observations))
    return data


def unpacked(data: bytes) -> dict[str, Array]:
    """The observations of such a file.

    Raises:
        DataCorrupted: it is none.
    """
    try:
        arrays: dict[str, Array] = load(data)
    except SafetensorError as error:
        raise DataCorrupted(f"the observations are no safetensors file: {error}") from error
    return arrays
