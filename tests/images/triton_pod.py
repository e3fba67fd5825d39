"""Triton's image as the chart's pod runs it: a container that exports models, then one that serves them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from podman import RESTRICTED, Container, Podman

MODELS = ("ocean_climatology", "assimilation_letkf", "pointcloud_encode_mmpt")
"""One of each service."""
HTTP, GRPC, METRICS = 8000, 8001, 8002


@contextmanager
def running(podman: Podman, image: str, within: float) -> Iterator[Container]:
    """A server that is ready, by the image's own command. Raises AssertionError where it is not in time."""
    volume = f"tellurion-models-{secrets.token_hex(4)}"
    mounted = f"--volume={volume}:/models"
    podman("volume", "create", volume)
    try:
        export = ("tellurion", "models", "export", "/models/repository", "--instances=1", "--json")
        chosen = [f"--model={model}" for model in MODELS]
        done = podman("run", "--rm", *RESTRICTED, mounted, image, *export, *chosen)
        assert json.loads(done.stdout) == {"repository": "/models/repository", "models": [*MODELS]}
        ports = [f"--publish=127.0.0.1::{port}" for port in (HTTP, GRPC, METRICS)]
        with podman.running(image, flags=(mounted, "--shm-size=1g", *ports)) as container:
            _await_ready(container, within)
            yield container
    finally:
        podman("volume", "rm", "--force", volume)


def ready(container: Container) -> bool:
    """What Kubernetes asks: whether every model is loaded."""
    try:
        answer = httpx.get(f"http://{container.address(HTTP)}/v2/health/ready", trust_env=False, timeout=5)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def _await_ready(container: Container, within: float) -> None:
    end = time.monotonic() + within
    while not ready(container):
        if time.monotonic() > end:
            raise AssertionError(f"it is not ready within {within:.0f} s")
        if container.podman("inspect", "--format={{.State.Running}}", container.name).stdout.strip() != "true":
            raise AssertionError("it ended")
        time.sleep(0.5)
