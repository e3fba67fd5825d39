"""Parts are killed and restarted under load: refusals are truthful, no answer is wrong, and no work is lost."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from .callers import Caller, Load, Untrue
from .cluster import Cluster
from .drills import DONE_SECONDS, STEADY_SECONDS, Undisturbed, statuses, under_load
from .measuring import kept
from .on_podman import PodmanCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FULL_SECONDS = 20.0
UNTIL_A_JOB_RUNS = "until grep -aqs 'tellurion_core.jobs.chil[d]' /proc/[0-9]*/cmdline; do sleep 0.05; done"


@pytest.mark.parametrize("component", ["ocean", "redis", "postgresql"])
def test_a_container_that_is_killed_comes_back(
    cluster: Cluster, caller: Caller, undisturbed: Undisturbed, component: str
) -> None:
    with under_load(caller, undisturbed, f"{component} killed") as load:
        cluster.kill(component)

    assert statuses(load) <= {503}


def test_a_gateway_that_is_killed_comes_back(cluster: Cluster, caller: Caller, undisturbed: Undisturbed) -> None:
    with under_load(caller, undisturbed, "gateway killed") as load:
        cluster.kill("gateway")

    assert statuses(load) <= {0, 503}  # it has one pod: connections break off


def test_a_worker_that_is_killed_in_the_middle_of_a_job_loses_none(
    cluster: Cluster, caller: Caller, undisturbed: Undisturbed
) -> None:
    with under_load(caller, undisturbed, "worker killed in mid-job") as load:
        assert cluster.pod("ocean-worker").inside("timeout", "60", "sh", "-c", UNTIL_A_JOB_RUNS).returncode == 0
        cluster.kill("ocean-worker")

    assert statuses(load) == set()  # nobody waits for a worker but its work


def test_a_full_disk_is_told_and_what_was_taken_is_done_when_there_is_room_again(
    podman: PodmanCluster, caller: Caller, undisturbed: Undisturbed
) -> None:
    worker = podman.pod("ocean-worker")
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

    kept(drill="disk full", seconds=round(FULL_SECONDS), answers=load.answers, submitted=len(load.operations))
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
