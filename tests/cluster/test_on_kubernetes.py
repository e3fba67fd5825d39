"""What the tests ask of a cluster that is there: real kubectl and Helm, on an emulated API server that has no pods.

The pods that it tells of are put there by these tests; commands inside of pods and forwarded ports are not tried.
"""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..chart.api_server import ApiServer
from ..chart.rendering import NAMESPACE, RELEASE
from . import on_kubernetes
from .cluster import COMPONENT, Failed
from .on_kubernetes import KubernetesCluster
from .releases import values

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="apt-get install kubernetes-client"),
]
SECRETS = {"tellurion-identity": {"pepper": b"\0\xff"}}


class Controllers:
    """What controllers and kubelets would tell the server."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.updated = 1
        """Pods of the last release, of one that each Deployment has."""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Controllers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.2):
            for (kind, _, _), object in list(self.server.objects.items()):
                if kind in ("Deployment", "StatefulSet"):
                    counts = {"replicas": 1, "updatedReplicas": self.updated, "readyReplicas": 1}
                    object["status"] = {"observedGeneration": 1, **counts}

    def start(self, space: str, component: str, name: str, *, ready: bool = True) -> None:
        """A pod of a Deployment."""
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": component, "uid": "1"}
        metadata = {"name": name, "labels": {COMPONENT: component}, "ownerReferences": [owner]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"image": "x:1"}]}}
        pod = self.server.put("Pod", space, name, body, "create")
        ready_at = {"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-01-01T00:00:09Z"}
        running = {"restartCount": 2, "state": {"running": {"startedAt": "2026-01-01T00:00:02Z"}}}
        pod["status"] = {
            "podIP": "10.0.0.7",
            "hostIP": "10.1.0.1",
            "conditions": [ready_at],
            "containerStatuses": [running],
        }


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def controllers(server: ApiServer) -> Iterator[Controllers]:
    with Controllers(server) as controllers:
        yield controllers


@pytest.fixture
def cluster(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KubernetesCluster:
    monkeypatch.setattr(on_kubernetes, "START_SECONDS", 10.0)
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(server.kubeconfig(NAMESPACE))
    # Helm keeps its records as protobuf, which this server does not speak.
    return KubernetesCluster(kubeconfig, SECRETS, records="memory")


def test_an_installation_has_a_namespace_and_secrets_of_its_own_and_leaves_nothing(
    server: ApiServer, cluster: KubernetesCluster, controllers: Controllers
) -> None:
    cluster.install(values())

    assert ("Namespace", "", cluster.space) in server.objects
    secret = server.objects["Secret", cluster.space, "tellurion-identity"]
    assert base64.b64decode(secret["data"]["pepper"]) == b"\0\xff"
    assert ("Deployment", cluster.space, f"{RELEASE}-ocean") in server.objects
    assert cluster.template("ocean")["spec"]["containers"][0]["name"] == "ocean"
    cluster.close()
    assert {kind for kind, _, _ in server.objects} <= {"Secret"}  # which go with the namespace


def test_an_upgrade_and_a_rollback_are_of_the_same_release(
    server: ApiServer, cluster: KubernetesCluster, controllers: Controllers
) -> None:
    def level() -> str:
        return str(server.objects["ConfigMap", cluster.space, f"{RELEASE}-ocean"]["data"]["TELLURION_LOG_LEVEL"])

    cluster.install(values())
    before = level()
    cluster.upgrade(values(logLevel="DEBUG"))
    between = level()
    cluster.rollback()
    assert (before, between, level()) == ("INFO", "DEBUG", "INFO")


def test_what_does_not_become_ready_is_named(cluster: KubernetesCluster, controllers: Controllers) -> None:
    cluster.install(values())
    controllers.updated = 0
    with pytest.raises(Failed, match=r"not ready after 10 s: .*tellurion-ocean"):
        cluster.until_ready()


def test_a_pod_that_ends_is_waited_for(server: ApiServer, cluster: KubernetesCluster, controllers: Controllers) -> None:
    cluster.prepare()
    controllers.start(cluster.space, "ocean", "ocean-old")
    server.objects["Pod", cluster.space, "ocean-old"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    with pytest.raises(Failed, match=r"not ready after 10 s: ocean-old"):
        cluster.until_ready()


def test_a_pod_is_what_the_cluster_says_of_it(cluster: KubernetesCluster, controllers: Controllers) -> None:
    cluster.prepare()
    controllers.start(cluster.space, "ocean", "ocean-1", ready=False)
    controllers.start(cluster.space, "ocean", "ocean-2")
    pod = cluster.pod("ocean")
    assert (pod.name, pod.component, pod.address, pod.image) == ("ocean-2", "ocean", "10.0.0.7", "x:1")
    assert (pod.ready, pod.restarts, pod.started_after) == (True, 2, 7.0)
    assert not next(pod for pod in cluster.pods() if pod.name == "ocean-1").ready
    with pytest.raises(Failed, match="no pod of splat"):
        cluster.pod("splat")


def test_a_killed_pod_is_gone_without_notice(
    server: ApiServer, cluster: KubernetesCluster, controllers: Controllers
) -> None:
    cluster.prepare()
    controllers.start(cluster.space, "ocean", "ocean-1")
    cluster.kill("ocean")
    assert [(each.verb, each.name) for each in server.asked if each.kind == "Pod"] == [
        ("create", "ocean-1"),
        ("delete", "ocean-1"),
    ]
