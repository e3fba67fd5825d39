"""One installation of the whole chart for the tests of a module, and a caller of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from . import engine
from .callers import NAME, Caller, key_of
from .credentials import made
from .on_podman import PodmanCluster
from .releases import rendered


@pytest.fixture(scope="module")
def cluster() -> Iterator[PodmanCluster]:
    """An installation; where this machine cannot run one, it says what is missing."""
    if lacks := engine.missing():
        told = "; ".join(lacks)
        assert not os.environ.get("TELLURION_CLUSTER_RUN"), told
        pytest.skip(told)
    here = PodmanCluster(made(NAME))
    try:
        here.install(rendered())
        yield here
    finally:
        here.close()


@pytest.fixture(scope="module")
def caller(cluster: PodmanCluster) -> Caller:
    """Somebody with a key."""
    words = ("keys", "create", "--tenant", "navy", "--subject", "ann", "--days", "1", "--json")
    said = cluster.pod("gateway").inside("tellurion", *words)
    assert said.returncode == 0, said.stderr
    return Caller(cluster.gateway, cluster.certificate(), key_of(said.stdout))
