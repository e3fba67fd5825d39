"""Images and containers of podman, as the tests need them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BASE = "localhost/debian:bookworm-slim"
RESTRICTED = (
    *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65532:65532"),
    *("--tmpfs=/tmp", "--volume=/var/lib/tellurion"),
)
"""As Kubernetes runs a pod under the Pod Security Standard `restricted`, with the folders that the chart gives it."""


class Podman:
    """The command, with settings under which it can run containers on this machine."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        if "CONTAINERS_CONF" not in self.environment and not _unlimited():
            self.environment["CONTAINERS_CONF"] = str(Path(__file__).with_name("containers.conf"))

    def __call__(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = ["podman", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stderr}")
        return done

    def built(self, service: str) -> str:
        """The image of a service: built with its base, or the one that TELLURION_IMAGES names, SERVICE in its place."""
        if given := self.environment.get("TELLURION_IMAGES"):
            return given.replace("SERVICE", service)
        from_base = {**self.environment, "ENGINE": "podman"}
        subprocess.run([str(ROOT / "containers/base.sh"), BASE], check=True, env=from_base)
        command = [sys.executable, str(ROOT / "containers/build.py"), f"--base={BASE}", "--tag=tested", service]
        subprocess.run(command, check=True, env=self.environment)
        return f"localhost/tellurion-{service}:tested"

    @contextmanager
    def running(self, image: str, *command: str, flags: tuple[str, ...] = ()) -> Iterator[Container]:
        """A container that is removed afterwards, and its log is shown where the test failed."""
        name = self("run", "--detach", *RESTRICTED, *flags, image, *command).stdout.strip()
        container = Container(self, name)
        try:
            yield container
        finally:
            print(self("logs", name, check=False).stderr[-5000:], file=sys.stderr)
            self("rm", "--force", "--volumes", name)


@dataclass(frozen=True)
class Container:
    """One that runs."""

    podman: Podman
    name: str

    def inside(self, script: str) -> subprocess.CompletedProcess[str]:
        """What a shell in it says."""
        return self.podman("exec", self.name, "sh", "-c", script, check=False)

    def said(self, key: str, within: float = 120.0) -> dict[str, Any]:
        """The line of JSON on its standard output that has this key. Raises AssertionError where none comes in time."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            for line in self.podman("logs", self.name).stdout.splitlines():
                if line.startswith("{") and key in (told := json.loads(line)):
                    return dict(told)
            if self.podman("inspect", "--format={{.State.Running}}", self.name).stdout.strip() != "true":
                raise AssertionError(f"it ended: {self.podman('logs', self.name).stderr[-5000:]}")
            time.sleep(0.2)
        raise AssertionError(f"it has not said {key!r} within {within} s")

    def address(self, port: int) -> str:
        """host:port by which this machine reaches a published port of it."""
        return self.podman("port", self.name, str(port)).stdout.split()[0].replace("0.0.0.0", "127.0.0.1")

    def stopped(self, seconds: int) -> int:
        """Its exit code after SIGTERM, or after SIGKILL where it took longer."""
        self.podman("stop", f"--time={seconds}", self.name)
        return int(self.podman("inspect", "--format={{.State.ExitCode}}", self.name).stdout)


def _unlimited() -> bool:
    """Whether containers may have the limits that podman gives them: a process may raise its own."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, 1 << 20))
    except (ValueError, OSError):
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return True


def installed() -> bool:
    """Whether there is a podman."""
    return shutil.which("podman") is not None
