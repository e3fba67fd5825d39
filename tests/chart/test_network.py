"""The network policies, as a graph: exactly the edges of the architecture, from and to everybody that matters."""

from __future__ import annotations

import pytest
import yaml

from .network import Edge, Network, Node, selects
from .rendering import CHART, NAMESPACE, SETS, Object, objects_of, pod_templates, rendered, values_of

SERVICES = ("agent", "assimilation", "benchmark", "ocean", "pointcloud", "splat")
CALLERS_OF_MODELS = {
    "assimilation": ("assimilation", "assimilation-worker"),
    "ocean": ("ocean", "ocean-worker"),
    "pointcloud": ("pointcloud",),
}
WORKERS = tuple(f"{service}-worker" for service in SERVICES if service != "pointcloud")
GRPC, HTTP, METRICS, POSTGRES, REDIS, DNS = 50051, 8080, 9090, 5432, 6379, 53
PORTS = (22, 53, 80, 443, 4317, 5432, 6379, 6380, 6443, 8000, 8001, 8002, 8080, 8265, 8500, 9000, 9090, 10001, 50051)
"""Those that the chart speaks of, and others that nobody may reach."""


def outside(name: str, space: str = "", address: str = "10.9.9.9", **labels: str) -> Node:
    return Node(name, space, labels, {"kubernetes.io/metadata.name": space} if space else {}, address)


def everybody(objects: tuple[Object, ...]) -> list[Node]:
    """A pod of each component, and who is around them."""
    labels = [template["metadata"]["labels"] for object in objects for _, template in pod_templates(object)]
    pods = {f"{each['app.kubernetes.io/component']}{'-head' * ('tellurion.io/ray' in each)}": each for each in labels}
    space = {"kubernetes.io/metadata.name": NAMESPACE}
    return [
        *(Node(name, NAMESPACE, labels, space) for name, labels in pods.items()),
        outside("neighbour", NAMESPACE, app="other"),
        outside("stranger", "other", app="other"),
        outside("prometheus", "monitoring"),
        outside("keda", "keda"),
        outside("kuberay", "kuberay-system"),
        outside("public", "gateways"),
        Node("dns", "kube-system", {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"}),
        Node("kubelet", "kube-system", {"k8s-app": "other"}, {"kubernetes.io/metadata.name": "kube-system"}),
        outside("internet", address="203.0.113.7"),
        outside("kubernetes", address="192.0.2.40"),
        outside("postgres", address="192.0.2.10"),
        outside("provider", address="192.0.2.20"),
        outside("language-model", address="192.0.2.30"),
    ]


def among(name: str) -> set[Edge]:
    """What is allowed in a value set, lookups of names aside."""
    objects = rendered(name)
    found = Network(objects).edges(everybody(objects), PORTS)
    ours = {node.name for node in everybody(objects) if node.namespace == NAMESPACE} - {"neighbour"}
    return {
        edge
        for edge in found
        if (edge.sender in ours or edge.receiver in ours) and (edge.receiver, edge.port) != ("dns", DNS)
    }


def to_all(sender: str, receivers: tuple[str, ...], port: int) -> set[Edge]:
    return {Edge(sender, receiver, port) for receiver in receivers}


def from_all(senders: tuple[str, ...], receiver: str, port: int) -> set[Edge]:
    return {Edge(sender, receiver, port) for sender in senders}


OTHERS = tuple(service for service in SERVICES if service != "agent")
WITH_JOBS = tuple(service for service in SERVICES if service != "pointcloud")
PLATFORM = (
    to_all("gateway", SERVICES, GRPC)
    | to_all("agent", OTHERS, GRPC)
    | to_all("agent-worker", OTHERS, GRPC)
    | to_all("test", SERVICES, GRPC)
    | {Edge("test", "gateway", HTTP)}
    | to_all("prometheus", (*SERVICES, *WORKERS, "gateway"), METRICS)
)
"""What is the same in every installation."""
USERS_OF_DATABASE = ("gateway", *WITH_JOBS, *WORKERS, "migration", "test")
USERS_OF_REDIS = ("gateway", *WITH_JOBS, *WORKERS)


def test_a_trial_has_exactly_these_edges() -> None:
    around = ("neighbour", "stranger", "prometheus", "keda", "kuberay", "public", "dns", "kubelet")
    addresses = ("internet", "kubernetes", "postgres", "provider", "language-model")
    ours = {node.name for node in everybody(rendered("laptop")) if node.namespace == NAMESPACE} - {"neighbour"}
    # The gateway is for whoever comes, unless `networkPolicy.peers.clients` names them.
    callers = from_all((*around, *addresses, *sorted(ours)), "gateway", HTTP)
    sent = {edge for edge in callers if edge.sender not in ours or edge.sender == "test"}
    expected = PLATFORM | sent
    expected |= from_all(USERS_OF_DATABASE, "postgresql", POSTGRES) | from_all(USERS_OF_REDIS, "redis", REDIS)
    assert among("laptop") == expected


def test_an_institute_has_exactly_these_edges() -> None:
    expected = PLATFORM | {Edge("public", "gateway", HTTP), Edge("gateway", "provider", 443)}
    expected |= to_all("public", SERVICES, GRPC)  # GRPCRoutes
    expected |= from_all((*USERS_OF_DATABASE, "backup"), "postgres", POSTGRES)
    expected |= from_all(USERS_OF_REDIS, "redis", REDIS)
    expected |= from_all((*SERVICES, *WORKERS, "gateway"), "prometheus", 4317)
    expected |= from_all(("agent", "agent-worker", "benchmark", "benchmark-worker"), "language-model", 443)
    expected |= {Edge("agent-worker", "kubernetes", port) for port in (443, 6443)}
    for service, callers in CALLERS_OF_MODELS.items():
        pods = (f"{service}-ray", f"{service}-ray-head")
        expected |= {Edge(caller, pod, 8001) for caller in callers for pod in pods}
        expected |= from_all(pods, "prometheus", 4317)
        expected |= {Edge(one, other, port) for one in pods for other in pods for port in PORTS}
        expected |= {Edge(pods[1], "kubernetes", port) for port in (443, 6443)} | from_all(pods, "redis", REDIS)
        expected |= to_all("kuberay", pods, 8265)
        expected |= {Edge("prometheus", pod, port) for pod in pods for port in (8080, METRICS)}
    assert among("institute") == expected


def test_triton_is_reached_by_those_whose_models_it_has() -> None:
    reached = {(edge.sender, edge.port) for edge in among("air-gapped") if edge.receiver == "triton"}
    callers = {(caller, 8001) for callers in CALLERS_OF_MODELS.values() for caller in callers}
    assert reached == callers | {("prometheus", 8002)}
    assert {edge for edge in among("air-gapped") if edge.sender == "triton"} == set()


def allowed(values: Object) -> Network:
    return Network(tuple(objects_of({**values_of("laptop"), **values})))


def test_a_server_of_models_elsewhere_is_reached_by_those_whose_models_it_has() -> None:
    peers = {"externalServing": [{"ipBlock": {"cidr": "192.0.2.50/32"}}]}
    network = allowed(
        {"serving": {"mode": "external", "address": "models.example.org:8500"}, "networkPolicy": {"peers": peers}}
    )
    nodes = [*everybody(rendered("laptop")), outside("models", address="192.0.2.50")]
    senders = {edge.sender for edge in network.edges(nodes, PORTS) if edge.receiver == "models" and edge.port == 8500}
    assert {"ocean", "ocean-worker", "assimilation", "assimilation-worker", "pointcloud"} <= senders
    assert not senders & {"gateway", "splat", "agent", "benchmark"}


def test_ports_follow_the_addresses_that_are_given() -> None:
    oidc = {
        "issuer": "https://login.example.org",
        "audience": "tellurion",
        "jwksUrl": "https://login.example.org:8443/k",
    }
    network = allowed(
        {
            "tracing": {"endpoint": "http://collector:14317"},
            "identity": {"oidc": oidc},
            "networkPolicy": {"dnsPorts": [5353]},
        }
    )
    nodes = {node.name: node for node in everybody(rendered("laptop"))}
    gateway = nodes["gateway"]
    assert network.allows(gateway, nodes["prometheus"], 14317)
    assert not network.allows(gateway, nodes["prometheus"], 4317)
    assert network.allows(gateway, nodes["provider"], 8443)
    assert not network.allows(gateway, nodes["provider"], 443)
    assert network.allows(gateway, nodes["dns"], 5353, "UDP")
    assert not network.allows(gateway, nodes["dns"], DNS, "UDP")


@pytest.mark.parametrize("name", SETS)
def test_everybody_finds_names_and_nobody_else_answers_there(name: str) -> None:
    objects = rendered(name)
    nodes = everybody(objects)
    dns, kubelet = (next(node for node in nodes if node.name == wanted) for wanted in ("dns", "kubelet"))
    for node in nodes:
        if node.namespace == NAMESPACE and node.name != "neighbour":
            assert Network(objects).allows(node, dns, DNS, "UDP"), node.name
            assert Network(objects).allows(node, dns, DNS, "TCP"), node.name
            assert not Network(objects).allows(node, kubelet, DNS, "UDP"), node.name


@pytest.mark.parametrize("name", SETS)
def test_a_pod_that_no_edge_names_is_shut_off(name: str) -> None:
    objects = rendered(name)
    labels = {"app.kubernetes.io/name": "tellurion", "app.kubernetes.io/instance": "tellurion"}
    unnamed = Node("unnamed", NAMESPACE, labels, {"kubernetes.io/metadata.name": NAMESPACE})
    touching = {
        edge
        for edge in Network(objects).edges([unnamed, *everybody(objects)], PORTS)
        if "unnamed" in (edge.sender, edge.receiver)
    }
    clients = {Edge("unnamed", "gateway", HTTP)}  # its own egress is shut
    assert touching - clients == set()


def test_scripts_of_the_sandbox_have_no_network_and_the_agent_finds_its_policy() -> None:
    from tellurion_agent.sandbox.manifests import LABELS, POLICY, network_policy

    objects = rendered("institute")
    (policy,) = (o for o in objects if o["kind"] == "NetworkPolicy" and o["metadata"]["name"] == POLICY)
    assert policy["spec"] == network_policy()["spec"]
    script = Node("script", "tellurion-sandbox", LABELS, {"kubernetes.io/metadata.name": "tellurion-sandbox"})
    edges = Network(objects).edges([script, *everybody(objects)], (*PORTS, DNS))
    assert {edge for edge in edges if "script" in (edge.sender, edge.receiver)} == set()


def test_the_migration_is_let_in_by_policies_of_a_release_that_knows_it() -> None:
    """It runs before they are brought up to date: the upgrade that switches it on needs `--no-hooks`."""
    new = objects_of(values_of("laptop"))
    old = objects_of(values_of("laptop") | {"migration": {"enabled": False}})
    before = [object for object in new if "pre-upgrade" in str(object["metadata"].get("annotations"))]
    job, database = (node for node in everybody(tuple(new)) if node.name in ("migration", "postgresql"))
    assert not Network([*old, *before]).allows(job, database, POSTGRES)
    assert Network(new).allows(job, database, POSTGRES)


def test_without_policies_everything_is_open() -> None:
    """That the evaluator finds edges where nothing forbids them."""
    objects = tuple(objects_of(values_of("laptop") | {"networkPolicy": {"enabled": False}}))
    nodes = everybody(objects)
    assert len(Network(objects).edges(nodes, [GRPC])) > 20 * 20


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selectors_are_read_as_kubernetes_reads_them(selector: Object, selected: bool) -> None:
    assert selects(selector, {"a": "1"}) is selected


def test_an_empty_list_of_peers_is_nobody() -> None:
    peers = yaml.safe_load((CHART / "values.yaml").read_text())["networkPolicy"]["peers"]
    values = {key: value for key, value in values_of("institute").items() if key != "services"}  # which ask endpoints
    objects = objects_of({**values, "networkPolicy": {"peers": {peer: [] for peer in peers}}})
    policies = [object["spec"] for object in objects if object["kind"] == "NetworkPolicy"]
    rules = [rule for policy in policies for rule in (policy.get("ingress") or []) + (policy.get("egress") or [])]
    assert rules
    assert all(rule.get("from") or rule.get("to") for rule in rules)
    assert {peer.keys() == {"podSelector"} for rule in rules for peer in (rule.get("from") or rule["to"])} == {True}
