"""What the tests ask of an installation, wherever it runs: podman here, or a cluster that is there."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any, Protocol

from .adapter import Object

COMPONENT = "app.kubernetes.io/component"
START_SECONDS = 600.0
"""Longest that a pod may take to be ready; its own probes restart it before."""


class Failed(Exception):
    """A pod that did not do what it is there for; the message has the end of its log."""


class RunningPod(Protocol):
    """A pod of one container: those of the chart have no more."""

    @property
    def name(self) -> str: ...

    @property
    def component(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def ready(self) -> bool: ...

    @property
    def restarts(self) -> int: ...

    @property
    def started_after(self) -> float:
        """Seconds from the container's start until it was first ready to be asked."""

    @property
    def image(self) -> str: ...

    @property
    def image_bytes(self) -> float:
        """What a node keeps of its image, not compressed; not a number where nobody says."""

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """What a command in it says."""


class Cluster(Protocol):
    """An installation of the chart, gone with everything of it when it is closed."""

    @property
    def node(self) -> str:
        """Address of a machine that has pods."""

    # What a user of Helm does; each raises Failed.

    def install(self, values: Mapping[str, Any]) -> None: ...

    def upgrade(self, values: Mapping[str, Any]) -> None: ...

    def rollback(self) -> None:
        """To the release before the last."""

    def test(self) -> str:
        """What `helm test` prints."""

    # What a user of kubectl does.

    def pods(self) -> list[Any]:
        """Those of the chart's Deployments and StatefulSets, each a `RunningPod`."""

    def pod(self, component: str) -> Any:
        """The pod of a component; of several, one that is ready."""

    def template(self, component: str) -> Object:
        """The pod that the chart has for a component."""

    def kill(self, component: str) -> None:
        """Ends a pod's process without notice, and waits until another does its work. Raises Failed."""

    def gateway(self) -> str:
        """Host and port where the gateway is reached now. Raises Failed."""

    def certificate(self) -> bytes: ...

    def close(self) -> None: ...
