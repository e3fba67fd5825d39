"""The images, built and run as restricted as the chart runs them. Where there is a podman.

`TELLURION_IMAGES=registry.example/earth/tellurion-SERVICE:0.1.0` tries images that are there already.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tellurion_core.model_discovery import installed_models
from tellurion_core.predictor import LocalPredictor
from tellurion_core.remote_predictor import RemotePredictor

SERVICES = ("agent", "gateway", "ocean", "assimilation", "pointcloud", "splat", "benchmark")
HELD = {"triton": ("ocean", "assimilation", "pointcloud")}
"""Services whose distributions an image has, where it is not that of one service."""
START_SECONDS = 240.0


def _module(name: str) -> ModuleType:
    found = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert found is not None
    assert found.loader is not None
    sys.modules[name] = module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


PODMAN = _module("podman")
TRITON = _module("triton_pod")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(not PODMAN.installed(), reason="there is no podman"),
]


@pytest.fixture(scope="module")
def podman() -> Any:
    return PODMAN.Podman()


@pytest.fixture(scope="module", params=(*SERVICES, *HELD))
def image(request: pytest.FixtureRequest, podman: Any) -> str:
    return str(podman.built(request.param))


@pytest.fixture(scope="module")
def service(image: str) -> str:
    return image.partition("tellurion-")[2].partition(":")[0]


@pytest.fixture(scope="module")
def container(image: str, service: str, podman: Any) -> Iterator[Any]:
    if service == "triton":
        with TRITON.running(podman, image, START_SECONDS) as running:
            yield running
        return
    port = 8080 if service == "gateway" else 50051
    flags = (f"--env=TELLURION_LISTEN=0.0.0.0:{port}", f"--publish=127.0.0.1::{port}")
    if service == "gateway":
        flags += ('--env=TELLURION_HOSTS=["127.0.0.1"]',)
    begun = time.monotonic()
    with podman.running(image, flags=flags) as running:
        running.said("ready", START_SECONDS)
        print(f"{service} is ready after {time.monotonic() - begun:.1f} s")
        yield running


def test_it_says_that_it_serves(container: Any, service: str) -> None:
    if service == "gateway":
        answer = httpx.get(f"http://{container.address(8080)}/readyz", trust_env=False)
        assert answer.json() == {"status": "ready"}
    elif service == "triton":
        assert TRITON.ready(container)
        metrics = httpx.get(f"http://{container.address(TRITON.METRICS)}/metrics", trust_env=False)
        assert "nv_inference_request_success" in metrics.text
    else:
        with grpc.insecure_channel(container.address(50051)) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_gateways_image_has_the_console(container: Any, service: str) -> None:
    if service != "gateway":
        return  # the others have no page
    address = f"http://{container.address(8080)}"

    page = httpx.get(f"{address}/", trust_env=False)

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assets = re.findall(r'(?:src|href)="\./([^"]+\.(?:js|css))"', page.text)
    assert {asset.rpartition(".")[2] for asset in assets} == {"js", "css"}
    for asset in assets:
        assert httpx.get(f"{address}/{asset}", trust_env=False).status_code == 200


async def test_models_on_triton_answer_as_in_this_process(container: Any, service: str) -> None:
    if service != "triton":
        return  # the others run their models themselves
    models = [model.make() for name, model in installed_models().items() if name in TRITON.MODELS]
    local, remote = LocalPredictor(models), RemotePredictor(models, container.address(TRITON.GRPC))
    try:
        for model in models:
            inputs = model.example(np.random.default_rng(5))
            theirs, ours = await remote.infer(model.name, inputs), await local.infer(model.name, inputs)
            assert theirs.keys() == ours.keys()
            for name, array in ours.items():
                assert theirs[name].dtype == array.dtype
                np.testing.assert_allclose(theirs[name], array, rtol=1e-5, atol=1e-5, err_msg=f"{model.name}, {name}")
    finally:
        await remote.close()


def test_it_is_nobody_and_may_nothing(container: Any) -> None:
    status = container.inside("cat /proc/1/status").stdout

    assert re.search(r"^Uid:\s+65532\s+65532\s+65532\s+65532$", status, re.MULTILINE)
    assert re.search(r"^Gid:\s+65532\s+65532\s+65532\s+65532$", status, re.MULTILINE)
    assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd):\s+(\w+)$", status, re.MULTILINE)) == {"0000000000000000"}
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)


def test_it_writes_to_nothing_but_state_and_temporary_files(container: Any) -> None:
    for folder in ("/", "/opt/tellurion/lib/code", "/usr/local/bin", "/etc", "/root"):
        assert container.inside(f"touch {folder}/x").returncode != 0
    for folder in ("/tmp", "/var/lib/tellurion"):
        assert container.inside(f"touch {folder}/x").returncode == 0


def test_it_has_no_compiler_no_pip_and_nothing_that_gives_privilege(container: Any) -> None:
    for command in ("cc", "gcc", "g++", "clang", "make", "pip", "pip3", "git", "curl"):
        assert container.inside(f"command -v {command}").returncode != 0
    assert container.inside("python -c 'import pip'").returncode != 0
    assert container.inside("find / -xdev -type f -perm /6000 2>/dev/null").stdout == ""


def test_no_distribution_is_there_that_it_does_not_need(container: Any, service: str) -> None:
    listing = "import importlib.metadata as m; print(*sorted({d.name.lower() for d in m.distributions()}))"
    names = set(container.inside(f'python -c "{listing}"').stdout.split())

    held = {f"tellurion-{each}" for each in HELD.get(service, (service,))}
    assert names & {f"tellurion-{each}" for each in SERVICES} == held
    if service in ("agent", "gateway"):
        assert not names & {"torch", "ray", "jax", "numba"}
    if service == "triton":
        assert "ray" not in names


def test_it_starts_from_bytecode_that_is_there(container: Any) -> None:
    script = "import tellurion_core.server as m, os; print(os.path.exists(m.__cached__))"

    assert container.inside(f'python -c "{script}"').stdout.strip() == "True"


def test_its_bill_of_materials_is_what_it_has(container: Any, image: str, service: str) -> None:
    # Triton's folder is on no path of Python's.
    found = "m.distributions(path=[*sys.path, '/opt/tellurion/lib/triton'])"
    listing = f"import importlib.metadata as m, sys; print(*sorted({{f'{{d.name}}@{{d.version}}' for d in {found}}}))"
    python = set(container.inside(f'python -c "{listing}"').stdout.split())
    debian = set(container.inside("dpkg-query -W -f '${Package}@${Version}\\n'").stdout.split())

    bill = json.loads(container.inside(f"cat /usr/share/sbom/tellurion-{service}.cdx.json").stdout)

    stated = {kind: set[str]() for kind in ("pypi", "deb")}
    for component in bill["components"]:
        kind = component["purl"].removeprefix("pkg:").partition("/")[0]
        stated[kind].add(f"{component['name']}@{component['version']}")
    assert bill["bomFormat"] == "CycloneDX"
    assert stated == {"pypi": python, "deb": debian}


def test_nothing_is_left_of_how_it_was_built(image: str, podman: Any) -> None:
    left = podman(
        "run", "--rm", "--user=0", image, "sh", "-c", "find /tmp /root /var/tmp /build /src -type f", check=False
    )

    assert [file for file in left.stdout.split() if not file.startswith(("/root/.bashrc", "/root/.profile"))] == []


def test_it_says_by_labels_what_it_is(image: str, service: str, podman: Any) -> None:
    labels = json.loads(podman("image", "inspect", "--format={{json .Labels}}", image).stdout)

    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == f"tellurion-{service}"
    assert labels[f"{prefix}version"] == image.rpartition(":")[2].removesuffix("-cuda")
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels[f"{prefix}revision"])
    assert labels[f"{prefix}licenses"] == "Apache-2.0"


def test_its_environment_holds_no_secret(image: str, podman: Any) -> None:
    variables = json.loads(podman("image", "inspect", "--format={{json .Config.Env}}", image).stdout)

    assert not [each for each in variables if re.search(r"(?i)password|secret|token|key", each)]


def test_the_same_image_is_the_worker(image: str, service: str, podman: Any) -> None:
    if service in ("pointcloud", "gateway", "triton"):
        return  # they have no long work
    with podman.running(image, "python", "-m", "tellurion_core.jobs.main") as worker:
        assert worker.said("ready", START_SECONDS)["ready"] == "jobs"
        assert worker.stopped(60) == 0


def test_the_images_that_use_the_command_have_it(container: Any, service: str) -> None:
    assert (container.inside("tellurion ocean methods --help").returncode == 0) == (
        service in ("gateway", "agent", "triton")
    )


def test_it_stops_in_order_when_it_is_told_to(container: Any) -> None:
    """Last, as nothing runs afterwards."""
    assert container.stopped(60) == 0
