"""Installations of the whole chart, and callers of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from . import engine
from .callers import NAME, Caller, key_of
from .credentials import made
from .drills import Undisturbed
from .on_podman import PodmanCluster
from .releases import rendered

STATE_BYTES = 2 << 30
"""Of the claim that all pods share, so that it can be filled."""


@pytest.fixture(scope="session")
def engine_there() -> None:
    """Skips where this machine cannot run pods, and says what is missing; fails where they were asked for."""
    if lacks := engine.missing():
        told = "; ".join(lacks)
        assert not os.environ.get("TELLURION_CLUSTER_RUN"), told
        pytest.skip(told)


@pytest.fixture(scope="session")
def cluster(engine_there: None) -> Iterator[PodmanCluster]:
    """An installation for all tests but those of the backup, which come before and need two of their own."""
    here = PodmanCluster(made(NAME), {"tellurion-state": STATE_BYTES})
    try:
        here.install(rendered())
        yield here
    finally:
        here.close()


@pytest.fixture(scope="session")
def new_key() -> Callable[[PodmanCluster], str]:
    """Makes a key of an installation, as Helm's notes say."""

    def make(cluster: PodmanCluster) -> str:
        words = ("keys", "create", "--tenant", "navy", "--subject", "ann", "--days", "1", "--json")
        said = cluster.pod("gateway").inside("tellurion", *words)
        assert said.returncode == 0, said.stderr
        return key_of(said.stdout)

    return make


@pytest.fixture(scope="session")
def caller(cluster: PodmanCluster, new_key: Callable[[PodmanCluster], str]) -> Caller:
    """Somebody with a key."""
    return Caller(cluster.gateway, cluster.certificate(), new_key(cluster))


@pytest.fixture(scope="session")
def undisturbed(caller: Caller) -> Undisturbed:
    """What the platform answers before anything happens to it."""
    return Undisturbed.of(caller)
