"""The whole chart runs: all are healthy, the ocean is reconstructed over HTTPS, nobody may more than the chart says."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import netCDF4
import pytest

from ..chart.network import Edge
from ..chart.test_network import (
    GRPC,
    HTTP,
    METRICS,
    PLATFORM,
    POSTGRES,
    REDIS,
    USERS_OF_DATABASE,
    USERS_OF_REDIS,
    from_all,
)
from . import on_kubernetes
from .callers import Caller
from .cluster import Cluster, RunningPod
from .drills import Undisturbed, statuses, under_load
from .measuring import Peaks, kept, working_set
from .releases import COMPONENTS, SERVICES, STORES
from .work import WORK, user

pytestmark = pytest.mark.timeout(1800)
PORTS = (22, GRPC, HTTP, METRICS, POSTGRES, REDIS)
ELSEWHERE = ("1.1.1.1:443", "8.8.8.8:53", "169.254.169.254:80", "192.168.0.1:443", "10.0.0.1:443")
"""Addresses out of the cluster, one of them where clouds tell machines their secrets."""
KUBELET = 10250
TRIES = """
import asyncio, json, sys
async def reached(place):
    host, _, port = place.rpartition(":")
    try:
        await asyncio.wait_for(asyncio.open_connection(host, int(port)), 3)
    except (OSError, TimeoutError, asyncio.TimeoutError):
        return None
    return place
async def all_of(places):
    return [place for place in await asyncio.gather(*map(reached, places)) if place]
print(json.dumps(asyncio.run(all_of(sys.argv[1:]))))
"""
"""Which of these places are reached, tried all at once."""


def test_every_pod_of_the_chart_is_ready(cluster: Cluster) -> None:
    assert sorted(pod.component for pod in cluster.pods()) == sorted(COMPONENTS)
    assert all(pod.ready for pod in cluster.pods())
    for pod in cluster.pods():
        print(f"{pod.component}: started after {pod.started_after:.1f} s, {pod.restarts} restarts")


def test_helm_test_passes(cluster: Cluster) -> None:
    said = cluster.test()

    assert len([line for line in said.splitlines() if line.endswith(": serves")]) == len(SERVICES) + 1
    assert re.search(r"an analysis of \d+ bytes came back", said)


def test_an_ocean_is_reconstructed_through_the_gateway(caller: Caller) -> None:
    answer = caller.analysis()

    assert answer.status_code == 200, answer.text
    with netCDF4.Dataset("analysis", memory=answer.content) as field:
        surface = field["thetao"][:].squeeze()[0]
    assert 25 < surface.max() < 35  # °C, where the ocean is warmest in a February
    assert -3 < surface.min() < 1


def test_what_is_submitted_is_done_by_a_worker(caller: Caller) -> None:
    answer = caller.submit("of-the-platform")

    assert answer.status_code == 200, answer.text
    assert re.fullmatch(r"[0-9a-f]{64}", caller.done(answer.json()["operation"], 120))


def test_the_gateway_knows_nobody_without_a_key(cluster: Cluster) -> None:
    stranger = Caller(cluster.gateway, cluster.certificate(), "tk_none")

    assert stranger.analysis().status_code == 401


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_is_nobody_and_may_nothing(cluster: Cluster, component: str) -> None:
    status = cluster.pod(component).inside("cat", "/proc/1/status").stdout

    user = "999" if component in STORES else "65532"
    assert re.search(rf"^Uid:\s+{user}\s+{user}\s+{user}\s+{user}$", status, re.MULTILINE)
    assert re.search(rf"^Gid:\s+{user}\s+{user}\s+{user}\s+{user}$", status, re.MULTILINE)
    assert set(re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_writes_to_its_volumes_and_nowhere_else(cluster: Cluster, component: str) -> None:
    pod = cluster.pod(component)
    data = {"postgresql": "/var/lib/postgresql/data", "redis": "/data"}.get(component, "/var/lib/tellurion")

    assert re.search(r"^\S+ / \S+ ro[, ]", pod.inside("cat", "/proc/mounts").stdout, re.MULTILINE)
    for folder in ("/", "/etc", "/usr/bin", "/root", "/var", "/opt"):
        assert pod.inside("touch", f"{folder}/x").returncode != 0, folder
    for folder in ("/tmp", data):
        assert pod.inside("touch", f"{folder}/x").returncode == 0, folder
        assert pod.inside("rm", f"{folder}/x").returncode == 0, folder
    if component not in STORES:
        assert pod.inside("touch", "/etc/tellurion/identity/token.pub").returncode != 0
        assert pod.inside("sh", "-c", "mount -o remount,rw /").returncode != 0


@pytest.mark.parametrize("component", COMPONENTS)
def test_its_memory_has_the_limit_of_its_manifest(cluster: Cluster, component: str) -> None:
    pod = cluster.pod(component)
    files = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"

    found = pod.inside("sh", "-c", f"cat {files} 2>/dev/null").stdout.strip()

    assert int(found) == limit_of(cluster, component)


def test_pods_reach_whom_the_architecture_names_and_nobody_else(cluster: Cluster) -> None:
    """Each pod tries each port of each other, and what lies outside."""
    expected = {edge for edge in PLATFORM if {edge.sender, edge.receiver} <= set(COMPONENTS)}
    for users, store, port in ((USERS_OF_DATABASE, "postgresql", POSTGRES), (USERS_OF_REDIS, "redis", REDIS)):
        expected |= {edge for edge in from_all(users, store, port) if edge.sender in COMPONENTS}
    pods = {component: cluster.pod(component) for component in COMPONENTS}
    places = {f"{pod.address}:{port}": (name, port) for name, pod in pods.items() for port in PORTS}
    with port_of_the_node(cluster) as open_port:
        places |= {place: (place, 0) for place in (*ELSEWHERE, f"{cluster.node}:22", f"{cluster.node}:{open_port}")}
        found = {
            Edge(sender, *places[place])
            for sender, pod in pods.items()
            for place in reached(pod, [each for each in places if not each.startswith(f"{pod.address}:")])
        }

    assert found == expected


@contextmanager
def port_of_the_node(cluster: Cluster) -> Iterator[int]:
    """One that whoever gets to the node would reach: where pods run here, opened for this; else its kubelet's."""
    if on_kubernetes.there():
        yield KUBELET
        return
    with socket.create_server((cluster.node, 0)) as server:
        yield server.getsockname()[1]


def reached(pod: RunningPod, places: Iterable[str]) -> list[str]:
    """Those that a pod gets a connection to."""
    if pod.component in STORES:  # which have no Python
        itself = f"127.0.0.1:{POSTGRES if pod.component == 'postgresql' else REDIS}"  # which shows that trying works
        every = [*places, itself]
        tries = (f"(timeout 3 bash -c ': > /dev/tcp/{p.replace(':', '/')}' 2>/dev/null && echo {p}) &" for p in every)
        found = pod.inside("bash", "-c", " ".join([*tries, "wait"])).stdout.split()
        found.remove(itself)
        return found
    said = pod.inside("python", "-c", TRIES, *places)
    assert said.returncode == 0, said.stderr
    return list(json.loads(said.stdout))


def bytes_of(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w*)", quantity).groups()  # type: ignore[union-attr]
    return int(number) << {"": 0, "Ki": 10, "Mi": 20, "Gi": 30}[unit]


@pytest.mark.slow
def test_every_service_works_and_stays_below_its_limits(
    cluster: Cluster, caller: Caller, undisturbed: Undisturbed, new_key: Callable[[Cluster], str], tmp_path: Path
) -> None:
    pods = cluster.pods()
    rest = {pod.component: working_set(pod) for pod in pods}
    restarts = {pod.name: pod.restarts for pod in pods}
    with (
        user(cluster, new_key(cluster), tmp_path) as asking,
        Peaks(pods) as peaks,
        under_load(caller, undisturbed, "every service at work", every=20) as load,
    ):
        for work in WORK.values():
            work(asking)

    rows = [
        {
            "component": pod.component,
            "image MB": pod.image_bytes / 1e6,
            "started s": pod.started_after,
            "rest MiB": rest[pod.component] / (1 << 20),
            "load MiB": peaks.bytes[pod.component] / (1 << 20),
            "limit MiB": limit_of(cluster, pod.component) / (1 << 20),
        }
        for pod in pods
    ]
    for row in rows:
        print(row)
        kept(**row)
    assert statuses(load) == set()
    assert {pod.name: pod.restarts for pod in cluster.pods()} == restarts
    assert all(row["load MiB"] < 0.9 * row["limit MiB"] for row in rows)


def limit_of(cluster: Cluster, component: str) -> int:
    """Bytes that the manifest of a component allows it."""
    return bytes_of(cluster.template(component)["spec"]["containers"][0]["resources"]["limits"]["memory"])
