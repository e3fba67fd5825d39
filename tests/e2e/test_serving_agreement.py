"""Every shipped model in this process, on a real Ray and on a real Triton: the same answers to random valid inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import ray

from tellurion_core.model_discovery import ModelSource, installed_models
from tellurion_core.predictor import LocalPredictor
from tellurion_core.ray_serving.application import serve_on_ray, start_ray, stop
from tellurion_core.ray_serving.settings import RaySettings, Scaling
from tellurion_core.remote_predictor import RemotePredictor
from tellurion_core.settings import ServerSettings, TelemetrySettings
from tellurion_core.tensors import Array
from tellurion_core.triton_serving.repository import write_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SOURCES = installed_models()
SERVICES = sorted({name.partition("_")[0] for name in SOURCES})
GROUPS = {service: tuple(name for name in SOURCES if name.startswith(f"{service}_")) for service in SERVICES}
"""Models that are served at a time: all of them would not fit into the memory of a small machine."""
CASES = [(group, name) for group, names in GROUPS.items() for name in names]
SEEDS = 3
"""Inputs of a model."""
TOLERANCE = 1e-5


class Servers:
    """Ray and Triton with the models of one group, until another is asked for."""

    def __init__(self, triton_server: ModuleType, folder: Path) -> None:
        self._triton_server, self._folder = triton_server, folder
        self._group, self._running = "", list[ModelSource]()
        self._triton: Any = None
        self._addresses: dict[str, str] = {}
        # Replicas share two cores.
        self._settings = RaySettings(num_cpus=2, object_store_bytes=200 << 20, scaling=Scaling(num_cpus=0.05))
        start_ray(self._settings)

    def of(self, group: str) -> dict[str, str]:
        """Addresses of the servers, when all models are loaded."""
        if group != self._group:
            self.stop()
            self._group, self._running = group, [SOURCES[name] for name in GROUPS[group]]
            folder = self._folder / group
            for model in self._running:
                write_model(model, folder / "models")
            self._triton = self._triton_server.Triton(folder / "models", folder)
            self._triton.start(seconds=400)
            telemetry = TelemetrySettings(log_level="WARNING")
            front = serve_on_ray(self._running, self._settings, ServerSettings(), telemetry)
            self._addresses = {"Ray": front, "Triton": self._triton.address}
        return self._addresses

    def stop(self) -> None:
        """Ends what runs."""
        if self._triton is not None:
            self._triton.stop()
            stop(self._running)
            self._triton = None


@pytest.fixture(scope="module")
def servers(triton_server: ModuleType, tmp_path_factory: pytest.TempPathFactory, ray_token: str) -> Iterator[Servers]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_AUTH_TOKEN", ray_token)
        made = Servers(triton_server, tmp_path_factory.mktemp("servers"))
        try:
            yield made
        finally:
            made.stop()
            ray.shutdown()


@pytest.mark.parametrize(("group", "name"), CASES)
async def test_a_model_answers_alike_wherever_it_runs(servers: Servers, group: str, name: str) -> None:
    served = await asyncio.to_thread(servers.of, group)
    model = SOURCES[name].make()
    local = LocalPredictor([model])
    await local.load()
    for seed in range(SEEDS):
        inputs: dict[str, Array] = model.example(np.random.default_rng(seed))  # type: ignore[attr-defined]
        expected = await local.infer(name, inputs)
        answers = await asyncio.gather(*(_answer(name, address, inputs) for address in served.values()))
        for server, answer in zip(served, answers, strict=True):
            assert answer.keys() == expected.keys(), server
            for of, array in expected.items():
                assert (answer[of].dtype, answer[of].shape) == (array.dtype, array.shape)
                np.testing.assert_allclose(
                    answer[of], array, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"{of} on {server}, seed {seed}"
                )
    await local.close()


async def _answer(name: str, address: str, inputs: dict[str, Array]) -> dict[str, Any]:
    remote = RemotePredictor([SOURCES[name]], address)
    try:
        return await remote.infer(name, inputs)
    finally:
        await remote.close()
