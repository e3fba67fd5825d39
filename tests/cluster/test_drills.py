"""Parts are killed and restarted under load: refusals are truthful, no answer is wrong, and no work is lost."""

from __future__ import annotations

import time
from collections import Counter

import psutil
import pytest

from .callers import Caller, Load, Untrue
from .drills import DONE_SECONDS, STEADY_SECONDS, Undisturbed, statuses, under_load
from .on_podman import PodmanCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FULL_SECONDS = 20.0


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


def test_a_full_disk_is_told_and_what_was_taken_is_done_when_there_is_room_again(
    cluster: PodmanCluster, caller: Caller, undisturbed: Undisturbed
) -> None:
    worker = cluster.pod("ocean-worker")
    with Load(caller, undisturbed.analysis) as load:
        time.sleep(STEADY_SECONDS)
        assert worker.inside("sh", "-c", "cat /dev/zero > /var/lib/tellurion/filling").returncode != 0
        before = load.answers.copy()
        time.sleep(FULL_SECONDS)
        while_full = load.answers - before
        assert worker.inside("rm", "/var/lib/tellurion/filling").returncode == 0
        before = load.answers.copy()
        time.sleep(STEADY_SECONDS)
        after = load.answers - before
    print(f"disk full: answers {dict(load.answers)}, of them {dict(while_full)} while it was; {load.refused[:1]}")

    assert load.wrong == []
    assert after[200] > 0
    assert statuses(load) == {429}
    ends = Counter(end_of(caller, operation, undisturbed) for operation in load.operations)
    print(f"disk full: {dict(ends)}")
    assert set(ends) <= {"done", "told that there is no room"}
    assert ends["done"] > 0


def end_of(caller: Caller, operation: str, undisturbed: Undisturbed) -> str:
    """What became of work that was taken before the disk was full, or while it was. Raises Untrue for any other end."""
    try:
        assert caller.done(operation, DONE_SECONDS) == undisturbed.submitted
    except Untrue as told:
        if "disk" not in str(told):
            raise
        return "told that there is no room"
    return "done"


def _does_a_job(process: psutil.Process) -> bool:
    try:
        return "tellurion_core.jobs.child" in process.cmdline()
    except psutil.NoSuchProcess:
        return False
