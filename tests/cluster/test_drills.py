"""Parts are killed and restarted under load: refusals are truthful, no answer is wrong, and no work is lost."""

from __future__ import annotations

import json
import time

import psutil
import pytest

from .callers import Caller, Load
from .drills import STEADY_SECONDS, Undisturbed, under_load
from .on_podman import PodmanCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def undisturbed(caller: Caller) -> Undisturbed:
    return Undisturbed.of(caller)


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

    assert load.answers[0] == 0  # the gateway itself never broke off
    assert all(json.loads(each)["status"] == 503 for each in load.refused)


def test_a_gateway_that_is_killed_comes_back(cluster: PodmanCluster, caller: Caller, undisturbed: Undisturbed) -> None:
    with under_load(caller, undisturbed, "gateway killed"):
        restarted(cluster, "gateway")


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

    assert load.answers[0] == 0
    assert load.refused == []  # nobody waits for a worker but its work


def test_a_full_disk_is_told_and_what_was_taken_is_done_when_there_is_room_again(
    cluster: PodmanCluster, caller: Caller, undisturbed: Undisturbed
) -> None:
    worker = cluster.pod("ocean-worker")
    with Load(caller, undisturbed.analysis) as load:
        time.sleep(STEADY_SECONDS)
        assert worker.inside("sh", "-c", "cat /dev/zero > /var/lib/tellurion/filling").returncode != 0
        time.sleep(20)
        full = caller.submit("while-it-is-full")
        assert worker.inside("rm", "/var/lib/tellurion/filling").returncode == 0
        time.sleep(STEADY_SECONDS)
    print(
        f"full disk: answers {dict(load.answers)}, {len(load.operations)} submitted", full.status_code, full.text[:300]
    )
    print(load.wrong[:3], load.refused[:3])


def _does_a_job(process: psutil.Process) -> bool:
    try:
        return "tellurion_core.jobs.child" in process.cmdline()
    except psutil.NoSuchProcess:
        return False
