"""The rendered chart on podman: one node, whose kubelet, network plug-in, DNS and controllers are this process."""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from ..chart.network import Network, Node, selects
from ..chart.rendering import NAMESPACE, objects_of
from .adapter import Given, Object, adapted, pod_template
from .cluster import COMPONENT, START_SECONDS, Failed
from .engine import Engine
from .firewall import Translation, rules
from .names import Names
from .pods import Pod
from .volumes import Volumes

HOOK, WEIGHT = "helm.sh/hook", "helm.sh/hook-weight"
FILES = 65532
"""Group of the platform's files, as the chart's `fsGroup` has it."""


class PodmanCluster:
    """See `cluster.Cluster`.

    `sizes` has claims that are disks of their own, of so many bytes; others have as much as this machine. Folders that
    are `lent` are seen by every pod, as `lent.py` has it.
    """

    def __init__(
        self,
        credentials: Mapping[str, Mapping[str, bytes]],
        sizes: Mapping[str, int] | None = None,
        lent: Sequence[Path] = (),
    ) -> None:
        self.name = f"tellurion-{secrets.token_hex(3)}"
        self._folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self._folder.chmod(0o711)  # pods go through it to their volumes
        self._memory = Path("/dev/shm") / self.name
        self._memory.mkdir(0o711)
        self._credentials = credentials
        self._lent = lent
        self._releases: list[Sequence[Object]] = []
        self._pods: list[Pod] = []
        self._templates: dict[str, Object] = {}
        self._lock = threading.RLock()
        self._disks: list[Path] = []
        self._names: Names | None = None
        try:
            self._disks += [_disk(self._volumes_at(name), size) for name, size in (sizes or {}).items()]
            self.node = _bridge(self.name)
            self._podman = Engine(self._folder, self.node, NAMESPACE)
            self._names = Names(self.node, self._addresses)
        except BaseException:
            self.close()
            raise

    # What a user of Helm does.

    def install(self, values: Mapping[str, Any]) -> None:
        """The stores first, then one after the other, each ready before the next. Raises Failed."""
        objects = objects_of(values)
        self._releases.append(objects)
        for workload in self._workloads(objects):
            self._play(workload)
            self._until_ready(workload)

    def upgrade(self, values: Mapping[str, Any]) -> None:
        """Hooks first; then each Deployment that differs gets its new pod before the old one goes. Raises Failed."""
        self._release(objects_of(values), "pre-upgrade")

    def rollback(self) -> None:
        """The release before the last, as `helm rollback` without hooks of its own. Raises Failed."""
        self._release(self._releases[-2])

    def test(self) -> str:
        """What `helm test` prints. Raises Failed."""
        return "".join(self._run(hook) for hook in self._hooks("test"))

    # What a user of kubectl does.

    def pod(self, component: str) -> Pod:
        """The pod of a component; of several, one that is ready."""
        found = [pod for pod in self._pods if pod.component == component]
        return sorted(found, key=lambda pod: not pod.ready)[0]

    def pods(self) -> list[Pod]:
        return list(self._pods)

    def template(self, component: str) -> Object:
        """The pod that the chart renders for a component."""
        return self._templates[component]

    def kill(self, component: str) -> None:
        """Ends the process of a pod, which podman starts again, and waits until all are ready. Raises Failed."""
        pod = self.pod(component)
        before = pod.process()
        pod.kill()
        until = time.monotonic() + 60
        while pod.ready or pod.process() in (None, before):
            if time.monotonic() > until:
                raise Failed(f"{component} was not started again")
            time.sleep(0.1)
        self.until_ready()

    def until_ready(self) -> None:
        """Waits for every pod. Raises Failed."""
        for workload in self._workloads(self._releases[-1]):
            self._until_ready(workload)

    def job(self, cron: str, change: Callable[[Object], None] = lambda template: None) -> str:
        """Runs the pod of a CronJob now, after a change to it; its log. Raises Failed."""
        crons = {each["metadata"]["name"]: each for each in self._releases[-1] if each["kind"] == "CronJob"}
        spec = deepcopy(crons[cron]["spec"]["jobTemplate"]["spec"])
        change(spec["template"])
        return self._run({"kind": "Job", "metadata": {"name": f"{cron}-now"}, "spec": spec})

    def gateway(self) -> str:
        """Host and port of a gateway's pod that is ready."""
        pod = self.pod("gateway")
        if not pod.ready:
            raise Failed("no gateway is ready")
        return f"{pod.address}:8080"

    def certificate(self) -> bytes:
        return self._credentials["tellurion-tls"]["tls.crt"]

    def set_env(self, component: str, **variables: str) -> None:
        """Variables beside those of the chart, as `kubectl set env`; its pod is replaced. Raises Failed."""
        objects = deepcopy(list(self._releases[-1]))
        (workload,) = (each for each in self._workloads(objects) if _template_labels(each)[COMPONENT] == component)
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        container["env"] += [{"name": name, "value": value} for name, value in variables.items()]
        self._release(objects)

    def claim(self, name: str) -> Path:
        """The folder of a claim on this machine."""
        return self._volumes_at(name)

    def stop(self) -> None:
        """Ends all pods that Deployments keep, as `kubectl scale --replicas=0`."""
        for workload in self._workloads(self._releases[-1]):
            if workload["kind"] == "Deployment":
                self._end(self.pod(_template_labels(workload)[COMPONENT]))

    def go_on(self) -> None:
        """Starts them again. Raises Failed."""
        for workload in self._workloads(self._releases[-1]):
            if workload["kind"] == "Deployment":
                self._play(workload)
                self._until_ready(workload)

    def close(self) -> None:
        """Ends everything at once, and leaves nothing."""
        for pod in reversed(self.pods()):
            pod.grace = 0
            pod.close()
        if self._names is not None:
            self._names.close()
        subprocess.run(["podman", "network", "rm", "--force", self.name], capture_output=True, check=False)
        for disk in self._disks:
            subprocess.run(["umount", disk], check=False)
        for folder in (self._folder, self._memory):
            shutil.rmtree(folder, ignore_errors=True)

    # How it is done.

    def _workloads(self, objects: Iterable[Object]) -> list[Object]:
        """In an order in which each may wait for those before it: stores, services, and the gateway that asks them."""
        found = [each for each in objects if each["kind"] in ("StatefulSet", "Deployment") and not _hooks_of(each)]
        return sorted(
            found, key=lambda each: (each["kind"] == "Deployment", _template_labels(each)[COMPONENT] == "gateway")
        )

    def _hooks(self, event: str) -> list[Object]:
        """What a hook runs; policies and accounts of hooks hold as those of the release do."""
        found = [each for each in self._releases[-1] if event in _hooks_of(each) and each["kind"] in ("Job", "Pod")]
        return sorted(found, key=lambda each: int(each["metadata"]["annotations"].get(WEIGHT, 0)))

    def _given(self) -> Given:
        maps = {each["metadata"]["name"]: each["data"] for each in self._releases[-1] if each["kind"] == "ConfigMap"}
        return Given(maps, self._credentials)

    def _volumes(self) -> Volumes:
        return Volumes(self._folder, self._memory, self._given())

    def _volumes_at(self, claim: str) -> Path:
        return Volumes(self._folder, self._memory, Given({}, {})).claim(claim)

    def _release(self, objects: Sequence[Object], event: str = "") -> None:
        """The hooks of an event, then the pods; what fails is not the last release."""
        self._releases.append(objects)
        try:
            for hook in self._hooks(event):
                self._run(hook)
            self._roll(objects)
        except Failed:
            self._releases.pop()
            raise

    def _roll(self, objects: Sequence[Object]) -> None:
        ending: list[threading.Thread] = []
        try:
            for workload in self._workloads(objects):
                component = _template_labels(workload)[COMPONENT]
                if pod_template(workload) == self._templates.get(component):
                    continue  # annotations have checksums of the settings: nothing of it is another
                before = [pod for pod in self._pods if pod.component == component]
                if workload["kind"] == "StatefulSet":
                    for pod in before:
                        self._end(pod)
                self._replaced(workload)
                for pod in before:
                    if pod in self._pods:  # nothing waits for those that end, as in a cluster
                        ending.append(threading.Thread(target=self._end, args=[pod]))
                        ending[-1].start()
        finally:
            for thread in ending:
                thread.join()

    def _replaced(self, workload: Object) -> None:
        """Starts a new pod beside the old; one that does not become ready goes again. Raises Failed."""
        component = _template_labels(workload)[COMPONENT]
        old = self._templates[component]
        new = self._play(workload)
        try:
            self._until(new)
        except Failed:
            self._end(new)
            self._templates[component] = old
            raise

    def _play(self, workload: Object) -> Pod:
        """Makes a pod, lets it reach whom it may, starts it and its probes."""
        template = pod_template(workload)
        labels = template["metadata"]["labels"]
        name = workload["metadata"]["name"]
        name = {"StatefulSet": f"{name}-0", "Pod": name}.get(workload["kind"], f"{name}-{secrets.token_hex(3)}")
        (container,) = template["spec"]["containers"]
        grace = template["spec"].get("terminationGracePeriodSeconds", 30)
        pod = Pod(self._podman, name, labels[COMPONENT], labels, container["name"], grace, self.name)
        group = template["spec"]["securityContext"]["fsGroup"]
        volumes = self._volumes()
        folder = partial(volumes.made, name, group=group)
        manifest = adapted(pod.played, template, self._given(), folder, self._lent)
        pod.make(manifest, self.name)
        with self._lock:
            self._pods.append(pod)
            self._admit()
        pod.start()
        pod.watched(template)
        if workload["kind"] in ("StatefulSet", "Deployment"):
            self._templates[pod.component] = template
        return pod

    def _run(self, hook: Object) -> str:
        pod = self._play(hook)
        try:
            spec = hook["spec"] if hook["kind"] == "Pod" else hook["spec"] | hook["spec"]["template"]["spec"]
            return pod.ended(spec.get("activeDeadlineSeconds", 600))
        finally:
            self._end(pod)

    def _end(self, pod: Pod) -> None:
        pod.close()
        with self._lock:
            self._pods.remove(pod)
            self._admit()
        self._volumes().forget(pod.name)

    def _until_ready(self, workload: Object) -> None:
        component = _template_labels(workload)[COMPONENT]
        for pod in [pod for pod in self._pods if pod.component == component]:
            self._until(pod)

    def _until(self, pod: Pod) -> None:
        until = time.monotonic() + START_SECONDS
        while not pod.ready:
            assert pod.watch is not None
            if time.monotonic() > until or pod.watch.restarts > 2:
                raise Failed(f"{pod.name} is not ready, restarted {pod.watch.restarts} times:\n{pod.log()[-5000:]}")
            time.sleep(0.2)

    def _admit(self) -> None:
        """Brings the rules of all pods up to date."""
        objects = self._releases[-1]
        policies = [each for each in objects if each["kind"] == "NetworkPolicy"]
        ports = {port["port"] for port in ports_of(policies)}
        space = {"kubernetes.io/metadata.name": NAMESPACE}
        nodes = [Node(pod.name, NAMESPACE, pod.labels, space, pod.address) for pod in self._pods if pod.address]
        edges = Network(policies).edges(nodes, ports)
        addresses = {pod.name: pod.address for pod in self._pods if pod.address}
        translations = list(self._translations())
        for pod in self._pods:
            if pod.address:
                pod.admit(rules(pod.name, addresses, edges, self.node, translations))

    def _translations(self) -> Iterable[Translation]:
        for service in self._services():
            for pod in self._behind(service):
                (container,) = self._templates.get(pod.component, {"spec": {"containers": [{}]}})["spec"]["containers"]
                named = {each["name"]: each["containerPort"] for each in container.get("ports", ())}
                for port in service["spec"]["ports"]:
                    target = port.get("targetPort", port["port"])
                    target = named.get(target, target)
                    if target != port["port"] and isinstance(target, int):
                        yield Translation(pod.address, port["port"], target)

    def _services(self) -> list[Object]:
        return [each for each in self._releases[-1] if each["kind"] == "Service"]

    def _behind(self, service: Object) -> list[Pod]:
        selector = {"matchLabels": service["spec"]["selector"]}
        return [pod for pod in self.pods() if pod.address and selects(selector, pod.labels)]

    def _addresses(self, name: str) -> list[str] | None:
        """Of the ready pods behind a Service, by its whole name."""
        for service in self._services():
            if name == f"{service['metadata']['name']}.{NAMESPACE}.svc.cluster.local":
                return [pod.address for pod in self._behind(service) if pod.ready]
        return None


def _disk(folder: Path, size: int) -> Path:
    """Makes a file system of so many bytes there."""
    folder.mkdir(parents=True)
    options = f"size={size},mode=2775,gid={FILES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tellurion", folder], check=True)
    return folder


def _bridge(name: str) -> str:
    """Makes a network that leads nowhere else; the address that this machine has on it."""
    made = ["podman", "network", "create", "--internal", "--disable-dns"]
    with Path(tempfile.gettempdir(), "tellurion-networks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another installation would take the subnet between the two
        subprocess.run([*made, name], capture_output=True, check=True)
        inspected = subprocess.run(["podman", "network", "inspect", name], capture_output=True, check=True).stdout
        # One that leads nowhere has no address of this machine by itself. What subnet is free is known now.
        subnet = ip_network(json.loads(inspected)[0]["subnets"][0]["subnet"])
        subprocess.run(["podman", "network", "rm", name], capture_output=True, check=True)
        subprocess.run([*made, f"--subnet={subnet}", f"--gateway={subnet[1]}", name], capture_output=True, check=True)
    return str(subnet[1])


def _hooks_of(object: Object) -> list[str]:
    return str(object["metadata"].get("annotations", {}).get(HOOK, "")).split(",") if _has_hook(object) else []


def _has_hook(object: Object) -> bool:
    return HOOK in (object["metadata"].get("annotations") or {})


def _template_labels(workload: Object) -> dict[str, str]:
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def ports_of(policies: Iterable[Object]) -> Iterable[Object]:
    """Ports that policies speak of. Raises ValueError for a policy that leads out of the cluster: nothing does here."""
    for policy in policies:
        for direction in ("ingress", "egress"):
            for rule in policy["spec"].get(direction) or ():
                for peer in rule.get("to", ()):
                    if "ipBlock" in peer:
                        name = policy["metadata"]["name"]
                        raise ValueError(f"policy {name}: received a way out of the cluster; accepted here: none")
                yield from rule.get("ports", ())
