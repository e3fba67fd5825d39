"""Parts are killed and restarted under load: refusals are truthful, no answer is wrong, and no work is lost."""

from __future__ import annotations

import time

import psutil
import pytest

from .callers import Caller
from .drills import Undisturbed, statuses, under_load
from .on_podman import PodmanCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def restarted(cluster: PodmanCluster, component: str) -> None:
    """Kills the process of a pod, and waits until it is ready again in another."""
    pod = cluster.pod(component)
    before = pod.process()
    pod.kill()
    until = time.monotonic() + 60
    while pod.ready or pod.process() in (None, before):
        assert time.monotonic() < until, f"{component} was not started again"
        time.sleep(0.1)
    cluster.until_ready()


@pytest.mark.parametrize("component", ["ocean", "redis", "postgresql"])
def test_a_container_that_is_killed_comes_back(
    cluster: PodmanCluster, caller: Caller, undisturbed: Undisturbed, component: str
) -> None:
    with under_load(caller, undisturbed, f"{component} killed") as load:
        restarted(cluster, component)

    assert statuses(load) <= {503}


def test_a_gateway_that_is_killed_comes_back(cluster: PodmanCluster, caller: Caller, undisturbed: Undisturbed) -> None:
    with under_load(caller, undisturbed, "gateway killed") as load:
        restarted(cluster, "gateway")

    assert statuses(load) <= {0, 503}  # it has one pod: connections break off


def test_a_worker_that_is_killed_in_the_middle_of_a_job_loses_none(
    cluster: PodmanCluster, caller: Caller, undisturbed: Undisturbed
) -> None:
    with under_load(caller, undisturbed, "worker killed in mid-job") as load:
        process = cluster.pod("ocean-worker").process()
        assert process is not None
        until = time.monotonic() + 60
        while not any(map(_does_a_job, psutil.Process(process).children(recursive=True))):
            assert time.monotonic() < until, "no job has begun"
            time.sleep(0.02)
        restarted(cluster, "ocean-worker")

    assert statuses(load) == set()  # nobody waits for a worker but its work


def _does_a_job(process: psutil.Process) -> bool:
    try:
        return "tellurion_core.jobs.child" in process.cmdline()
    except psutil.NoSuchProcess:
        return False
