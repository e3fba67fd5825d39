"""Applications that a configuration of Serve declares, as KubeRay hands one to a cluster, on real Ray."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import ray
from pydantic import ValidationError
from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_core.predictor import LocalPredictor
from tellurion_core.ray_serving.application import FRONTS, start_ray
from tellurion_core.ray_serving.declared import FrontArguments, ModelArguments, fronts, model
from tellurion_core.ray_serving.settings import RaySettings
from tellurion_core.remote_predictor import RemotePredictor
from tellurion_ocean.models import installed

pytestmark = pytest.mark.timeout(300)  # Ray starts in ten seconds on a quiet machine
WITHIN = 120.0
"""Seconds until what was declared runs."""
MODEL = "ocean_climatology"
DECLARED: dict[str, dict[str, Any]] = {
    FRONTS: {"import_path": "tellurion_core.ray_serving.declared:fronts"},
    MODEL: {"import_path": "tellurion_core.ray_serving.declared:model", "args": {"name": MODEL}},
}


def deploy(*names: str) -> None:
    """Declares these applications and no others."""
    applications = [{"name": name, "route_prefix": None, **DECLARED[name]} for name in names]
    client = _get_global_client()
    client.deploy_apps(ServeDeploySchema.model_validate({"applications": applications}), _blocking=False)


def runs(name: str) -> None:
    until = time.monotonic() + WITHIN
    while (application := serve.status().applications.get(name)) is None or application.status != "RUNNING":
        assert time.monotonic() < until, application
        time.sleep(0.2)


@pytest.fixture(scope="module")
def address(ray_token: str) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        environment.setenv("RAY_AUTH_TOKEN", ray_token)
        environment.setenv("TELLURION_LISTEN", listen)
        environment.setenv("TELLURION_RAY_SERVICES", '["ocean"]')
        environment.setenv("TELLURION_RAY_SCALING", '{"num_cpus": 0.1, "max_replicas": 2}')
        start_ray(RaySettings(num_cpus=2, object_store_bytes=200 << 20))
        try:
            serve.start(proxy_location="Disabled")
            yield listen
            serve.shutdown()
        finally:
            ray.shutdown()


@pytest.mark.slow
async def test_fronts_come_first_tell_that_a_model_is_away_and_find_it_when_it_comes(address: str) -> None:
    chosen = next(each for each in installed() if each.name == MODEL)
    inputs = chosen.example(np.random.default_rng(0))
    await asyncio.to_thread(deploy, FRONTS)
    await asyncio.to_thread(runs, FRONTS)
    remote = RemotePredictor([chosen], address)
    with pytest.raises(Unavailable):
        await remote.infer(MODEL, inputs, deadline=time.monotonic() + 20)
    await asyncio.to_thread(deploy, FRONTS, MODEL)
    await asyncio.to_thread(runs, MODEL)
    answer = await remote.infer(MODEL, inputs, deadline=time.monotonic() + WITHIN)
    local = await LocalPredictor([chosen]).infer(MODEL, inputs)
    assert answer.keys() == local.keys()
    for name, array in local.items():
        np.testing.assert_array_equal(answer[name], array)
    await remote.close()


def test_the_scaling_of_the_settings_is_that_of_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLURION_RAY_SERVICES", '["ocean"]')
    monkeypatch.setenv("TELLURION_RAY_SCALING", '{"max_replicas": 3}')
    monkeypatch.setenv("TELLURION_RAY_MODELS", f'{{"{MODEL}": {{"num_gpus": 0.5}}}}')
    monkeypatch.setenv("TELLURION_RAY_FRONTS", "2")
    made = model(ModelArguments(name=MODEL))._bound_deployment
    assert made._deployment_config.autoscaling_config.max_replicas == 3
    assert made.ray_actor_options["num_gpus"] == 0.5
    assert fronts(FrontArguments())._bound_deployment.num_replicas == 2


def test_what_is_not_installed_or_not_known_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ocean_alchemy"):
        model(ModelArguments(name="ocean_alchemy"))
    with pytest.raises(ValidationError):
        ModelArguments.model_validate({"name": MODEL, "replicas": 2})
