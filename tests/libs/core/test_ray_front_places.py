"""A front is on a node that may have one, and not on a head without cores: real Ray, of two nodes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
import ray
from ray import serve
from ray.cluster_utils import Cluster
from ray.util.state import list_actors

from tellurion_core.ray_serving.declared import FrontArguments, fronts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def worker(ray_token: str) -> Iterator[str]:
    """The id of the node beside the head."""
    with pytest.MonkeyPatch.context() as environment, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        environment.setenv("RAY_AUTH_TOKEN", ray_token)
        environment.setenv("TELLURION_LISTEN", f"127.0.0.1:{probe.getsockname()[1]}")
        environment.setenv("TELLURION_RAY_SERVICES", '["ocean"]')
        probe.close()
        store = {"object_store_memory": 100 << 20}
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **store})
        try:
            node = cluster.add_node(num_cpus=1, resources={"front": 1}, **store)
            ray.init(address=cluster.address, ignore_reinit_error=True)
            serve.start(proxy_location="Disabled")
            yield node.node_id
            serve.shutdown()
        finally:
            ray.shutdown()
            cluster.shutdown()


def test_a_front_is_where_its_resource_is(worker: str) -> None:
    serve.run(fronts(FrontArguments(node_resource="front")), name="fronts", route_prefix=None)
    until = time.monotonic() + 60
    while not (found := [each for each in list_actors() if "Front" in each.class_name]):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert {each.node_id for each in found if each.state == "ALIVE"} == {worker}
