"""Memory of pods as Kubernetes counts it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .cluster import RunningPod

MEMORY = """
cd /sys/fs/cgroup
if [ -d memory ]; then cat memory/memory.usage_in_bytes; grep -w total_inactive_file memory/memory.stat
else cat memory.current; grep -w inactive_file memory.stat; fi
"""
"""Of control groups of both versions: bytes that are used, and those of files that would be given back at once."""


def working_set(pod: RunningPod) -> int:
    """Bytes that count against a container's limit."""
    used, _, inactive = pod.inside("sh", "-c", MEMORY).stdout.split()
    return int(used) - int(inactive)


class Peaks:
    """The largest working sets by component, looked at two seconds and more apart, until the block ends.

    What cannot be looked at, as a pod that has just been ended, is raised there.
    """

    def __init__(self, pods: Sequence[RunningPod]) -> None:
        self.bytes = {pod.component: working_set(pod) for pod in pods}
        self._pods = pods
        self._failed: Exception | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def _look(self) -> None:
        try:
            while not self._end.wait(2):
                for pod in self._pods:
                    self.bytes[pod.component] = max(self.bytes[pod.component], working_set(pod))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is raised where it is heard
            self._failed = error


def kept(**row: Any) -> None:
    """Adds a row to the file of the acceptance's part `pods`, where that asks for one."""
    if name := os.environ.get("TELLURION_PODS_MEASURED"):
        with Path(name).open("a") as file:
            file.write(json.dumps(row) + "\n")
