"""Which pods reach which, by NetworkPolicies as Kubernetes reads them: what both ends allow, and nothing else.

A pod that no policy of a direction selects is open in that direction; one that is selected by several has the union of
their rules. A packet passes where the sender's egress and the receiver's ingress both allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Node:
    """A pod, or with an address alone something outside of the cluster."""

    name: str
    namespace: str = ""
    labels: Labels = field(default_factory=dict, hash=False)
    namespace_labels: Labels = field(default_factory=dict, hash=False)
    address: str = "10.244.0.1"

    @property
    def is_pod(self) -> bool:
        return bool(self.namespace)


@dataclass(frozen=True)
class Edge:
    """One node reaches a port of another."""

    sender: str
    receiver: str
    port: int


class Network:
    """The policies of some objects."""

    def __init__(self, objects: Iterable[Mapping[str, Any]]) -> None:
        self._policies = [object for object in objects if object["kind"] == "NetworkPolicy"]

    def allows(self, sender: Node, receiver: Node, port: int, protocol: str = "TCP") -> bool:
        """Whether a packet from one gets to a port of the other."""
        return self._one_way("Egress", sender, receiver, port, protocol) and self._one_way(
            "Ingress", receiver, sender, port, protocol
        )

    def edges(self, nodes: Sequence[Node], ports: Iterable[int]) -> set[Edge]:
        """All that is allowed among these nodes, on these ports; from and to pods, not among those outside."""
        return {
            Edge(sender.name, receiver.name, port)
            for sender in nodes
            for receiver in nodes
            for port in ports
            if (sender.is_pod or receiver.is_pod) and self.allows(sender, receiver, port)
        }

    def _one_way(self, direction: str, of: Node, other: Node, port: int, protocol: str) -> bool:
        if not of.is_pod:
            return True
        policies = [policy for policy in self._policies if _governs(policy, direction, of)]
        return not policies or any(
            _passes(rule, direction, policy["metadata"]["namespace"], other, port, protocol)
            for policy in policies
            for rule in policy["spec"].get(direction.lower()) or ()
        )


def _governs(policy: Mapping[str, Any], direction: str, node: Node) -> bool:
    spec = policy["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
    here = policy["metadata"]["namespace"] == node.namespace
    return here and direction in types and selects(spec["podSelector"], node.labels)


def _passes(rule: Mapping[str, Any], direction: str, space: str, other: Node, port: int, protocol: str) -> bool:
    peers = rule.get("from" if direction == "Ingress" else "to")
    ports = rule.get("ports")
    reached = not ports or any(_has(each, port, protocol) for each in ports)
    return reached and (not peers or any(_is(peer, space, other) for peer in peers))


def _has(allowed: Mapping[str, Any], port: int, protocol: str) -> bool:
    first = allowed.get("port")
    assert first is None or isinstance(first, int), "ports are numbers here: a name is known to the pod alone"
    in_range = first is None or first <= port <= allowed.get("endPort", first)
    return allowed.get("protocol", "TCP") == protocol and in_range


def _is(peer: Mapping[str, Any], space: str, node: Node) -> bool:
    if block := peer.get("ipBlock"):
        address = ip_address(node.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(part) for part in block.get("except", ())
        )
    if not node.is_pod:
        return False
    spaces = peer.get("namespaceSelector")
    there = node.namespace == space if spaces is None else selects(spaces, node.namespace_labels)
    return there and selects(peer.get("podSelector", {}), node.labels)


def selects(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether a label selector has these labels."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(each, labels) for each in selector.get("matchExpressions") or ())


def _expression(each: Mapping[str, Any], labels: Labels) -> bool:
    present, values = each["key"] in labels, each.get("values", ())
    match each["operator"]:
        case "In":
            return present and labels[each["key"]] in values
        case "NotIn":
            return not present or labels[each["key"]] not in values
        case "Exists":
            return present
        case "DoesNotExist":
            return not present
    raise AssertionError(each["operator"])
