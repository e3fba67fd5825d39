"""The chart on a cluster that is there: Helm installs it in a namespace of its own, kubectl looks at it and kills.

What the chart has outside its namespace (the sandbox's namespace, priority classes) is called as in every release: Helm
refuses to install where another one has it, and says so.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from ..chart.rendering import CHART, RELEASE
from .adapter import Object
from .cluster import COMPONENT, START_SECONDS, Failed

HOOK_SECONDS = 900
GATEWAY = f"{RELEASE}-gateway"


@dataclass(frozen=True)
class KubernetesPod:
    """A pod as it was when the cluster was asked."""

    cluster: KubernetesCluster
    found: Object

    @property
    def name(self) -> str:
        return str(self.found["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.found["metadata"]["uid"])

    @property
    def component(self) -> str:
        return str(self.found["metadata"]["labels"][COMPONENT])

    @property
    def address(self) -> str:
        return str(self.found["status"].get("podIP", ""))

    @property
    def image(self) -> str:
        return str(self.found["spec"]["containers"][0]["image"])

    @property
    def image_bytes(self) -> float:
        return float("nan")

    @property
    def ready(self) -> bool:
        return "deletionTimestamp" not in self.found["metadata"] and self._ready_since() is not None

    @property
    def restarts(self) -> int:
        return sum(each["restartCount"] for each in self.found["status"].get("containerStatuses", ()))

    @property
    def started_after(self) -> float:
        ready = self._ready_since()
        (status,) = self.found["status"]["containerStatuses"]
        begun = status["state"].get("running", {}).get("startedAt")
        return (ready - datetime.fromisoformat(begun)).total_seconds() if ready and begun else float("nan")

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.cluster.kubectl("exec", self.name, "--", *command, check=False)

    def log(self) -> str:
        done = self.cluster.kubectl("logs", self.name, check=False)
        return done.stdout + done.stderr

    def _ready_since(self) -> datetime | None:
        for each in self.found["status"].get("conditions", ()):
            if (each["type"], each["status"]) == ("Ready", "True"):
                return datetime.fromisoformat(each["lastTransitionTime"])
        return None


class KubernetesCluster:
    """See `cluster.Cluster`. `reached` is where the gateway is from here; by itself it is reached by a forwarded port,
    which breaks with the gateway's pod."""

    def __init__(
        self,
        kubeconfig: Path,
        credentials: Mapping[str, Mapping[str, bytes]],
        reached: str | None = None,
        records: str | None = None,
    ) -> None:
        self.space = f"{RELEASE}-run-{secrets.token_hex(3)}"
        self._kubeconfig = kubeconfig
        self._credentials = credentials
        self._reached = reached
        self._forward: subprocess.Popen[str] | None = None
        self._forwarded = ""
        self._forwarding = threading.Lock()
        self._helm = helm_python.Config(kubeconfig_path=kubeconfig, namespace=self.space, storage_driver=records)

    @property
    def node(self) -> str:
        return str(self.pod("gateway").found["status"]["hostIP"])

    def install(self, values: Mapping[str, Any]) -> None:
        self.prepare()
        self._helm_does(self._helm.install, CHART, RELEASE, dict(values))
        self.until_ready()

    def prepare(self) -> None:
        """The namespace, and the Secrets that the chart's guide asks for."""
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        self._create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space, "labels": restricted}})
        for name, data in self._credentials.items():
            encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
            self._create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded})

    def upgrade(self, values: Mapping[str, Any]) -> None:
        self._helm_does(self._helm.upgrade, CHART, RELEASE, dict(values))
        self.until_ready()

    def rollback(self) -> None:
        self._helm_does(self._helm.rollback, RELEASE)
        self.until_ready()

    def test(self) -> str:
        self._helm_does(self._helm.test, RELEASE)
        found = [
            pod["metadata"] for pod in self._get("pods") if "helm.sh/hook" in pod["metadata"].get("annotations", {})
        ]
        return "".join(self.kubectl("logs", each["name"]).stdout for each in found)

    def pods(self) -> list[KubernetesPod]:
        found = (pod for pod in self._get("pods") if COMPONENT in pod["metadata"].get("labels", {}))
        kept = {"ReplicaSet", "StatefulSet"}
        return [
            KubernetesPod(self, pod)
            for pod in found
            if {owner["kind"] for owner in pod["metadata"].get("ownerReferences", ())} & kept
        ]

    def pod(self, component: str) -> KubernetesPod:
        found = [pod for pod in self.pods() if pod.component == component]
        if not found:
            raise Failed(f"no pod of {component} is there")
        return sorted(found, key=lambda pod: not pod.ready)[0]

    def template(self, component: str) -> Object:
        return next(
            each["spec"]["template"]
            for each in self._get("deployments,statefulsets")
            if each["spec"]["template"]["metadata"]["labels"][COMPONENT] == component
        )

    def kill(self, component: str) -> None:
        killed = self.pod(component)
        self.kubectl("delete", "pod", killed.name, "--grace-period=0", "--force", "--wait=false")
        until = time.monotonic() + START_SECONDS
        while any(pod.uid == killed.uid for pod in self.pods()):
            if time.monotonic() > until:
                raise Failed(f"{killed.name} does not go")
            time.sleep(0.5)
        self.until_ready()

    def until_ready(self) -> None:
        """Waits for every Deployment and StatefulSet to be what was asked for, its old pods gone. Raises Failed."""
        until = time.monotonic() + START_SECONDS
        while lacking := [
            *(each["metadata"]["name"] for each in self._get("deployments,statefulsets") if not _as_asked(each)),
            *(pod.name for pod in self.pods() if "deletionTimestamp" in pod.found["metadata"]),
        ]:
            if time.monotonic() > until:
                names = ", ".join(lacking)
                logs = "\n".join(pod.log()[-2000:] for pod in self.pods() if not pod.ready)
                raise Failed(f"not ready after {START_SECONDS:.0f} s: {names}\n{logs}")
            time.sleep(1)

    def gateway(self) -> str:
        if self._reached is not None:
            return self._reached
        with self._forwarding:  # a load has several callers
            if self._forward is None or self._forward.poll() is not None:
                words = self._words("port-forward", f"service/{GATEWAY}", ":443")
                self._forward = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                assert self._forward.stdout is not None
                said = self._forward.stdout.readline()  # Forwarding from 127.0.0.1:40123 -> 8080
                if not said:
                    raise Failed("the gateway's port is not forwarded")
                self._forwarded = said.split()[2]
            return self._forwarded

    def certificate(self) -> bytes:
        return self._credentials["tellurion-tls"]["tls.crt"]

    def close(self) -> None:
        if self._forward is not None:
            self._forward.kill()
            self._forward.wait()
        try:
            self._helm.uninstall(RELEASE, ignore_not_found=True, timeout=HOOK_SECONDS)
        finally:
            self._helm.close()
            self.kubectl("delete", "namespace", self.space, "--ignore-not-found")

    def kubectl(self, *words: str, check: bool = True, fed: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs it in the namespace. Raises Failed where it fails."""
        done = subprocess.run(self._words(*words), input=fed, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise Failed(f"kubectl {' '.join(words)}: {done.stderr}")
        return done

    def _words(self, *words: str) -> list[str]:
        return ["kubectl", f"--kubeconfig={self._kubeconfig}", f"--namespace={self.space}", *words]

    def _create(self, object: Object) -> None:
        self.kubectl("create", "--filename=-", fed=json.dumps(object))

    def _get(self, kinds: str) -> list[Object]:
        return list(json.loads(self.kubectl("get", kinds, "--output=json").stdout)["items"])

    def _helm_does(self, action: Any, *given: Any) -> None:
        more = {} if action == self._helm.test else {"wait": "hookOnly"}
        try:
            action(*given, timeout=HOOK_SECONDS, **more)
        except helm_python.HelmError as error:
            raise Failed(str(error)) from error


def _as_asked(workload: Object) -> bool:
    """Whether all pods of it are of the last release, and ready."""
    asked, status = workload["spec"].get("replicas", 1), workload.get("status", {})
    seen = status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")]
    return seen and counts == [asked] * 3


def there() -> Path | None:
    """The kubeconfig that says on which cluster the tests run; None for podman here."""
    given = os.environ.get("TELLURION_CLUSTER_KUBECONFIG")
    return Path(given) if given else None


def given_values() -> Path | None:
    """The file of values for it: where its images are, and what else it needs."""
    given = os.environ.get("TELLURION_CLUSTER_VALUES")
    return Path(given) if given else None


def given_gateway() -> str | None:
    """Host and port where its gateway is reached; None where a port has to be forwarded."""
    return os.environ.get("TELLURION_CLUSTER_GATEWAY") or None


def check_given() -> None:
    """Raises pytest.UsageError for a setting that cannot be, and for a cluster that does not answer."""
    kubeconfig, values, gateway = there(), given_values(), given_gateway()
    if kubeconfig is None:
        for name, given in (("TELLURION_CLUSTER_VALUES", values), ("TELLURION_CLUSTER_GATEWAY", gateway)):
            if given is not None:
                raise pytest.UsageError(f"{name} is for a cluster: TELLURION_CLUSTER_KUBECONFIG names it")
        return
    if values is not None:
        try:
            found = yaml.safe_load(values.read_text())
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise pytest.UsageError(f"TELLURION_CLUSTER_VALUES: {values}: {error}") from None
        if not isinstance(found, dict):
            raise pytest.UsageError(f"TELLURION_CLUSTER_VALUES: {values} has no values by name")
    if gateway is not None and not re.fullmatch(r"[^\s/:]+:\d{1,5}", gateway):
        raise pytest.UsageError(f"TELLURION_CLUSTER_GATEWAY: {gateway!r}; accepted: host:port")
    for command in ("kubectl", "socat"):
        if shutil.which(command) is None:
            raise pytest.UsageError(f"{command} is needed to reach a cluster, and is not in PATH")
    asked = ["kubectl", f"--kubeconfig={kubeconfig}", "--request-timeout=10s", "get", "--raw=/version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise pytest.UsageError(f"TELLURION_CLUSTER_KUBECONFIG: {kubeconfig}: {said}")
