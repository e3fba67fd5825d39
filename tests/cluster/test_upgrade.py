"""A release is replaced under load, and comes back; across a migration of the database it does not, and says so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ..chart.rendering import objects_of
from . import on_kubernetes
from .callers import Caller
from .cluster import Cluster, Failed
from .drills import Undisturbed, statuses, under_load
from .releases import SERVICES, values

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
NEXT = Path(__file__).with_name("next")


@pytest.fixture(scope="module")
def next_images(engine_there: None) -> str:
    """The tag of the same images with one more migration."""
    version = next(each for each in objects_of(values()) if each["kind"] == "Deployment")["metadata"]["labels"]
    for service in (*SERVICES, "gateway"):
        image = f"localhost/tellurion-{service}"
        given = f"--build-arg=IMAGE={image}:{version['app.kubernetes.io/version']}"
        subprocess.run(["podman", "build", "--quiet", given, f"--tag={image}:next", NEXT], check=True)
    return "next"


@pytest.mark.skipif(
    on_kubernetes.there() is not None and on_kubernetes.given_gateway() is None,
    reason="a forwarded port breaks with the gateway's pod: TELLURION_CLUSTER_GATEWAY says where else it is reached",
)
def test_other_settings_come_and_go_without_a_failed_request(
    cluster: Cluster, caller: Caller, undisturbed: Undisturbed
) -> None:
    before = {pod.name for pod in cluster.pods()}
    with under_load(caller, undisturbed, "upgrade to other settings, and rollback") as load:
        cluster.upgrade(values(logLevel="WARNING"))
        between = {pod.name for pod in cluster.pods()}
        cluster.rollback()

    assert before & between == {"tellurion-postgresql-0", "tellurion-redis-0"}
    assert not {pod.name for pod in cluster.pods()} & (before | between) - {
        "tellurion-postgresql-0",
        "tellurion-redis-0",
    }
    assert statuses(load) <= {503}


def test_a_version_with_a_migration_comes_without_a_failed_request(
    cluster: Cluster, caller: Caller, undisturbed: Undisturbed, next_images: str
) -> None:
    with under_load(caller, undisturbed, "upgrade with a migration") as load:
        cluster.upgrade(values(image={"tag": next_images}))

    assert statuses(load) <= {503}
    query = "SELECT version_num FROM jobs_version"
    words = f'PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U tellurion -Atc "{query}" tellurion'
    assert cluster.pod("postgresql").inside("sh", "-c", words).stdout.strip() == "0004"
    for pod in cluster.pods():
        assert pod.image.endswith((":next", ":debian"))


def test_a_rollback_across_a_migration_is_refused_and_the_platform_stays_as_it_is(
    engine_there: None, cluster: Cluster, caller: Caller, undisturbed: Undisturbed
) -> None:
    before = {pod.name for pod in cluster.pods()}
    refusal = pytest.raises(Failed, match="tables that this version or an earlier one made")
    with under_load(caller, undisturbed, "rollback across a migration") as load, refusal:
        cluster.rollback()

    assert {pod.name for pod in cluster.pods()} == before
    assert statuses(load) == set()
