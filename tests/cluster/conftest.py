"""An installation of the whole chart, and callers of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from ..images.podman import Podman
from . import engine, lent, on_kubernetes, releases
from .callers import NAME, Caller, key_of
from .cluster import Cluster
from .credentials import made
from .drills import Undisturbed
from .on_kubernetes import KubernetesCluster
from .on_podman import PodmanCluster

STATE_BYTES = 2 << 30
"""Of the claim that all pods share, so that it can be filled."""


def pytest_configure() -> None:
    on_kubernetes.check_given()


@pytest.fixture(scope="session", autouse=True)
def ended() -> Iterator[None]:
    """Whoever ends a run politely, as CI does at its limit, leaves no pods behind, either."""

    def end(number: int, frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # to say it once more would end the clearing up, too
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def engine_there() -> None:
    """Skips where this machine cannot run pods, and says what is missing; fails where they were asked for."""
    if on_kubernetes.there():
        pytest.skip("needs what lies below pods, which podman shows: images, volumes' folders")
    lacks = engine.missing(**engine.DRILLS) if releases.WHOLE else engine.missing() + lent.missing()
    if releases.WHOLE and not lacks:
        lacks = engine.absent(releases.images())
    if lacks and (releases.WHOLE or os.environ.get("CI")):
        pytest.fail("; ".join(lacks))
    if lacks:
        pytest.skip("; ".join(lacks))
    if not releases.WHOLE and not engine.permitted():
        pytest.skip("this machine is a container itself, or its kernel has no containers")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """An installation for all tests but those of the backup, which need two of their own."""
    with ExitStack() as stack:
        here: Cluster
        more: Mapping[str, Any] = {}
        if kubeconfig := on_kubernetes.there():
            here = KubernetesCluster(kubeconfig, made(NAME), on_kubernetes.given_gateway())
        else:
            request.getfixturevalue("engine_there")
            shared = {"tellurion-state": STATE_BYTES}
            if releases.WHOLE:
                here = PodmanCluster(made(NAME), shared)
            else:
                folder = request.getfixturevalue("tmp_path_factory").mktemp("lent")
                more = releases.merged(releases.FEW, stack.enter_context(lent.images(Podman(), folder)))
                here = PodmanCluster(made(NAME), shared, lent.folders())
        stack.callback(here.close)
        here.install(releases.values(**more))
        yield here


@pytest.fixture(scope="session")
def whole() -> None:
    """Skips where a part of the chart runs: the drills are of all of it."""
    if not releases.WHOLE:
        pytest.skip("is tried on the whole chart: make cluster-run")


@pytest.fixture
def podman(engine_there: None, cluster: Cluster) -> PodmanCluster:
    """The same, for what needs its volumes' folders and its pods' processes on this machine."""
    assert isinstance(cluster, PodmanCluster)
    return cluster


@pytest.fixture(scope="session")
def new_key() -> Callable[[Cluster], str]:
    """Makes a key of an installation, as Helm's notes say."""

    def make(cluster: Cluster) -> str:
        words = ("keys", "create", "--tenant", "navy", "--subject", "ann", "--days", "1", "--json")
        said = cluster.pod("gateway").inside("tellurion", *words)
        assert said.returncode == 0, said.stderr
        return key_of(said.stdout)

    return make


@pytest.fixture(scope="session")
def caller(cluster: Cluster, new_key: Callable[[Cluster], str]) -> Caller:
    """Somebody with a key."""
    return Caller(cluster.gateway, cluster.certificate(), new_key(cluster))


@pytest.fixture(scope="session")
def undisturbed(whole: None, caller: Caller) -> Undisturbed:
    """What the platform answers before anything happens to it."""
    return Undisturbed.of(caller)
