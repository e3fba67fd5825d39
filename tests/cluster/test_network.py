"""Rules of a pod's network, and the answers of its server of names, by the book."""

from __future__ import annotations

import struct

import pytest

from ..chart.network import Edge
from .firewall import Translation, rules
from .names import answer
from .on_podman import ports_of

ADDRESSES = {"gateway": "10.0.0.2", "ocean": "10.0.0.3", "redis": "10.0.0.4"}
EDGES = {Edge("gateway", "ocean", 50051), Edge("gateway", "redis", 6379), Edge("ocean", "redis", 6379)}


def accepted(pod: str) -> list[str]:
    """What a pod's rules let through, beside itself and what has begun."""
    text = rules(pod, ADDRESSES, EDGES, "10.0.0.1", [Translation("10.0.0.2", 443, 8080)])
    lines = [line for line in text.splitlines() if line.endswith("ACCEPT") and line.startswith("-A")]
    return [line for line in lines if " lo " not in line and "conntrack" not in line]


def test_a_pod_lets_in_and_out_what_edges_say_and_nothing_else() -> None:
    node = ["-A INPUT -s 10.0.0.1 -j ACCEPT"]
    node += [f"-A OUTPUT -d 10.0.0.1 -p {each} --dport 53 -j ACCEPT" for each in ("udp", "tcp")]

    assert accepted("ocean") == [
        *node,
        "-A INPUT -s 10.0.0.2 -p tcp --dport 50051 -j ACCEPT",
        "-A OUTPUT -d 10.0.0.4 -p tcp --dport 6379 -j ACCEPT",
    ]
    assert accepted("redis") == [
        *node,
        "-A INPUT -s 10.0.0.2 -p tcp --dport 6379 -j ACCEPT",
        "-A INPUT -s 10.0.0.3 -p tcp --dport 6379 -j ACCEPT",
    ]


def test_what_no_rule_names_is_dropped_both_ways() -> None:
    text = rules("ocean", ADDRESSES, EDGES, "10.0.0.1", [])

    for chain in ("INPUT", "OUTPUT", "FORWARD"):
        assert f":{chain} DROP [0:0]" in text.partition("*filter")[2].splitlines()


def test_a_services_port_becomes_its_pods_port_before_the_filter() -> None:
    text = rules("ocean", ADDRESSES, EDGES, "10.0.0.1", [Translation("10.0.0.2", 443, 8080)])

    nat = text.partition("*filter")[0].splitlines()
    assert "-A OUTPUT -d 10.0.0.2 -p tcp --dport 443 -j DNAT --to-destination 10.0.0.2:8080" in nat


def test_a_policy_that_leads_out_of_the_cluster_is_refused() -> None:
    policy = {"metadata": {"name": "x"}, "spec": {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}}
    with pytest.raises(ValueError, match="policy x: received a way out of the cluster"):
        list(ports_of([policy]))


def query(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def known(name: str) -> list[str] | None:
    return {"ocean.earth.svc.cluster.local": ["10.0.0.3", "10.0.0.5"], "away.earth.svc.cluster.local": []}.get(name)


@pytest.mark.parametrize(
    ("name", "kind", "code", "addresses"),
    [
        ("ocean.earth.svc.cluster.local", 1, 0, [b"\x0a\0\0\x03", b"\x0a\0\0\x05"]),
        ("Ocean.EARTH.svc.cluster.local", 1, 0, [b"\x0a\0\0\x03", b"\x0a\0\0\x05"]),
        ("ocean.earth.svc.cluster.local", 28, 0, []),  # no IPv6
        ("away.earth.svc.cluster.local", 1, 0, []),  # a Service without a pod that is ready
        ("example.org", 1, 3, []),
    ],
)
def test_names_are_answered_with_the_addresses_behind_them(
    name: str, kind: int, code: int, addresses: list[bytes]
) -> None:
    asked = query(name, kind)

    said = answer(asked, known)

    identity, flags, questions, answers, *_ = struct.unpack_from("!HHHHHH", said)
    assert (identity, flags & 0x800F, questions, answers) == (7, 0x8000 | code, 1, len(addresses))
    records = said[len(asked) :]
    assert [records[start + 12 : start + 16] for start in range(0, len(records), 16)] == addresses
