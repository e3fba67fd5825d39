"""NetworkPolicies as rules of each pod's own network namespace, as a network plug-in of Kubernetes has them.

Pods share one bridge that leads nowhere else; what a policy allows is written out address by address and port by port,
and all else is dropped in both directions. A pod cannot change its rules: it has no capabilities.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..chart.network import Edge

CLOSED = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\nCOMMIT\n"
"""Nothing at all, not even to itself; of IPv6, by which neighbours would reach each other beside all rules."""


@dataclass(frozen=True)
class Translation:
    """A port of a Service that its pods have under another number."""

    address: str
    port: int
    target: int


def rules(
    pod: str, addresses: Mapping[str, str], edges: Iterable[Edge], node: str, translations: Sequence[Translation]
) -> str:
    """What `iptables-restore` takes for one pod.

    `addresses` has those of all pods by name, `edges` what is allowed among them. `node` is this machine on the bridge:
    the kubelet's probes come from it, and it answers lookups of names.
    """
    lines = ["*nat", ":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [":POSTROUTING ACCEPT [0:0]"]
    # Before the filter, so that policies see the pod's port, as they do where kube-proxy translates.
    for each in translations:
        there = f"{each.address}:{each.target}"
        lines.append(f"-A OUTPUT -d {each.address} -p tcp --dport {each.port} -j DNAT --to-destination {there}")
    lines += ["COMMIT", "*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT DROP [0:0]"]
    for chain, interface in (("INPUT", "-i lo"), ("OUTPUT", "-o lo")):
        lines.append(f"-A {chain} {interface} -j ACCEPT")
        lines.append(f"-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
    lines.append(f"-A INPUT -s {node} -j ACCEPT")
    lines += [f"-A OUTPUT -d {node} -p {protocol} --dport 53 -j ACCEPT" for protocol in ("udp", "tcp")]
    for edge in sorted(set(edges), key=lambda edge: (edge.sender, edge.receiver, edge.port)):
        if edge.receiver == pod:
            lines.append(f"-A INPUT -s {addresses[edge.sender]} -p tcp --dport {edge.port} -j ACCEPT")
        if edge.sender == pod:
            lines.append(f"-A OUTPUT -d {addresses[edge.receiver]} -p tcp --dport {edge.port} -j ACCEPT")
    return "\n".join([*lines, "COMMIT", ""])
