"""A release's life under real Helm: the order of hooks and the requests that an API server is sent.

The server is an emulation (`api_server`): what a cluster would make of the objects is not claimed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import helm_python
import pytest

from .api_server import ApiServer, Asked
from .rendering import CHART, NAMESPACE, RELEASE, rendered, values_of

SECONDS = 60
FIRST_TO_LAST = (
    *(
        "PriorityClass",
        "Namespace",
        "NetworkPolicy",
        "ResourceQuota",
        "PodDisruptionBudget",
        "ServiceAccount",
        "ConfigMap",
    ),
    *("PersistentVolume", "PersistentVolumeClaim", "Role", "RoleBinding", "Service", "Deployment"),
)
"""What has to be there before what: policies before any pod, accounts and settings before the pods that have them."""


class Installation:
    """The release on its server."""

    def __init__(self, server: ApiServer, helm: helm_python.Config) -> None:
        self.server = server
        self.helm = helm
        self._seen = 0

    def install(self, name: str) -> None:
        release = self.helm.install(CHART, RELEASE, values_of(name), wait="hookOnly", timeout=SECONDS)
        assert release["status"] == "deployed"

    def upgrade(self, values: dict[str, Any]) -> None:
        self.helm.upgrade(CHART, RELEASE, values, wait="hookOnly", timeout=SECONDS)

    def asked(self) -> list[Asked]:
        """What the server was asked for since this was last called."""
        new = self.server.asked[self._seen :]
        self._seen += len(new)
        return new

    def setting(self, component: str, name: str) -> str:
        value: str = self.server.objects["ConfigMap", NAMESPACE, f"tellurion-{component}"]["data"][f"TELLURION_{name}"]
        return value


@pytest.fixture
def installation() -> Iterator[Installation]:
    with (
        ApiServer() as server,
        helm_python.Config(
            kubeconfig_content=server.kubeconfig(NAMESPACE),
            namespace=NAMESPACE,
            storage_driver="memory",
            qps=1000,
            burst_limit=1000,
        ) as helm,
    ):
        yield Installation(server, helm)


def short(asked: list[Asked]) -> list[tuple[str, str, str]]:
    return [(each.verb, each.kind, each.name) for each in asked]


MIGRATION = ("Job", "tellurion-migration")
TESTS = [("Pod", "tellurion-test-health"), ("Pod", "tellurion-test-reconstruct")]
OF_MIGRATION = [("NetworkPolicy", "tellurion-migration"), ("ServiceAccount", "tellurion-migration"), MIGRATION]
"""What the hook makes, in this order: all that its pod needs, for the old version may have neither."""
HOOKS = [*OF_MIGRATION, *TESTS]


@pytest.mark.parametrize("name", ["laptop", "institute"])
def test_an_installation_creates_every_object_once_and_runs_no_hook(installation: Installation, name: str) -> None:
    installation.install(name)
    asked = installation.asked()
    assert {each.verb for each in asked} == {"create"}
    created = [(each.kind, each.name, each.namespace) for each in asked]
    expected = [
        (object["kind"], object["metadata"]["name"], object["metadata"].get("namespace", ""))
        for object in rendered(name)
        if (object["kind"], object["metadata"]["name"]) not in HOOKS
    ]
    assert sorted(created) == sorted(expected)


@pytest.mark.slow
def test_what_others_need_is_created_before_them(installation: Installation) -> None:
    installation.install("institute")
    kinds = [each.kind for each in installation.asked()]
    first = {kind: kinds.index(kind) for kind in FIRST_TO_LAST}
    last = {kind: len(kinds) - 1 - kinds[::-1].index(kind) for kind in FIRST_TO_LAST}
    for earlier, later in pairwise(FIRST_TO_LAST):
        assert last[earlier] < first[later], f"{earlier} before {later}"


def test_an_upgrade_migrates_the_database_before_it_changes_anything(installation: Installation) -> None:
    installation.install("laptop")
    installation.asked()
    installation.upgrade(values_of("laptop") | {"logLevel": "DEBUG"})
    asked = short(installation.asked())
    assert asked[:3] == [("create", *hook) for hook in OF_MIGRATION]
    assert sorted(asked[3:6]) == [("delete", *hook) for hook in sorted(OF_MIGRATION)]
    assert {verb for verb, _, _ in asked[6:]} == {"patch"}
    assert ("patch", "Deployment", "tellurion-ocean") in asked
    assert installation.setting("ocean", "LOG_LEVEL") == "DEBUG"


@pytest.mark.slow
def test_where_the_migration_fails_the_old_version_stays_as_it_is(installation: Installation) -> None:
    installation.install("laptop")
    installation.asked()
    installation.server.failing.add("tellurion-migration")
    with pytest.raises(helm_python.HelmError, match="pre-upgrade"):
        installation.upgrade(values_of("laptop") | {"logLevel": "DEBUG"})
    assert {(each.kind, each.name) for each in installation.asked()} == set(OF_MIGRATION)
    assert installation.setting("ocean", "LOG_LEVEL") == "INFO"


@pytest.mark.slow
def test_an_upgrade_without_the_migration_runs_no_hook(installation: Installation) -> None:
    installation.install("laptop")
    installation.asked()
    installation.upgrade(values_of("laptop") | {"logLevel": "DEBUG", "migration": {"enabled": False}})
    assert not {(each.kind, each.name) for each in installation.asked()} & set(OF_MIGRATION)


@pytest.mark.slow
def test_a_service_that_is_taken_out_goes_and_its_address_with_it(installation: Installation) -> None:
    installation.install("laptop")
    installation.asked()
    installation.upgrade(values_of("laptop") | {"services": {"splat": {"enabled": False}}})
    deleted = {(each.kind, each.name) for each in installation.asked() if each.verb == "delete"} - set(OF_MIGRATION)
    kinds = ("ConfigMap", "Deployment", "NetworkPolicy", "ServiceAccount")
    worker = {(kind, "tellurion-splat-worker") for kind in kinds}
    assert deleted == worker | {(kind, "tellurion-splat") for kind in (*kinds, "Service")}
    with pytest.raises(KeyError):
        installation.setting("gateway", "SPLAT_ADDRESS")


@pytest.mark.slow
def test_a_rollback_brings_back_what_was_and_runs_no_migration(installation: Installation) -> None:
    installation.install("laptop")
    before = {key: value.get("spec", value.get("data")) for key, value in installation.server.objects.items()}
    installation.upgrade(values_of("laptop") | {"logLevel": "DEBUG", "defaults": {"replicas": 2}})
    installation.asked()
    installation.helm.rollback(RELEASE, version=1, wait="hookOnly", timeout=SECONDS)
    assert MIGRATION not in {(each.kind, each.name) for each in installation.asked()}
    after = {key: value.get("spec", value.get("data")) for key, value in installation.server.objects.items()}
    assert after == before
    assert [each["revision"] for each in installation.helm.history(RELEASE)] == [1, 2, 3]


def test_helm_test_asks_for_health_before_it_has_anything_reconstructed(installation: Installation) -> None:
    installation.install("laptop")
    installation.asked()
    installation.helm.test(RELEASE, timeout=SECONDS)
    asked = short(installation.asked())
    assert [each for each in asked if each[0] == "create"] == [("create", *pod) for pod in TESTS]
    assert not {each for each in asked if each[0] == "delete"}  # `--logs` reads them after the last has ended
    installation.helm.test(RELEASE, timeout=SECONDS)
    assert {each for each in short(installation.asked()) if each[0] == "delete"} == {("delete", *pod) for pod in TESTS}


@pytest.mark.slow
def test_helm_test_fails_where_a_service_is_away(installation: Installation) -> None:
    installation.install("laptop")
    installation.server.failing.add("tellurion-test-health")
    with pytest.raises(helm_python.HelmError, match="tellurion-test-health"):
        installation.helm.test(RELEASE, timeout=SECONDS)
    assert TESTS[1] not in {(each.kind, each.name) for each in installation.server.asked}


@pytest.mark.slow
def test_nothing_is_left_after_a_trial(installation: Installation) -> None:
    installation.install("laptop")
    installation.helm.uninstall(RELEASE, timeout=SECONDS)
    assert installation.server.objects == {}


@pytest.mark.slow
def test_files_outlive_the_release_where_they_are_to(installation: Installation) -> None:
    installation.install("institute")
    installation.helm.uninstall(RELEASE, timeout=SECONDS)
    assert set(installation.server.objects) == {
        ("PersistentVolumeClaim", NAMESPACE, "tellurion-state"),
        ("PersistentVolume", "", "tellurion-earth-state"),
    }
    sets = [object for object in rendered("institute") if object["kind"] == "StatefulSet"]
    assert {each["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] for each in sets} == {"Retain"}
