"""A real Ray with our front, and a real Triton, each for the time of a block."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import ray
import serving_models

from tellurion_core.model_discovery import ModelSource
from tellurion_core.predictor import Described
from tellurion_core.ray_serving.application import serve_on_ray, start_ray, stop
from tellurion_core.ray_serving.settings import RaySettings, Scaling
from tellurion_core.settings import ServerSettings, TelemetrySettings

sys.path.append(str(Path(__file__).parents[1]))
from triton_server import Triton, write_module_model

CORES, STORE_BYTES = 2, 300 << 20
"""Of Ray."""


@contextmanager
def on_ray(models: Sequence[ModelSource], scaling: Mapping[str, Scaling], tensors: Path | None = None) -> Iterator[str]:
    """Serves models, each scaled as it says by its name; gives the front's address. `tensors` is a folder it shares."""
    settings = RaySettings(num_cpus=CORES, object_store_bytes=STORE_BYTES, models=scaling, tensors=tensors)
    start_ray(settings)
    try:
        yield serve_on_ray(models, settings, ServerSettings(), TelemetrySettings(log_level="WARNING"))
        stop(models)
    finally:
        ray.shutdown()


@contextmanager
def on_triton(models: Sequence[Described], folder: Path) -> Iterator[str]:
    """Serves models of `serving_models`; gives the server's address."""
    for model in models:
        write_module_model(model, folder / "models", Path(serving_models.__file__))
    server = Triton(folder / "models", folder)
    try:
        server.start()
        yield server.address
    finally:
        server.stop()
