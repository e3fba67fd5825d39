"""Podman as these tests use it: pods ask the test's own server of names, and commands may have a limit and input."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ..images.podman import Podman

COMMANDS = {
    "podman": "podman",
    "runc": "runc",
    "catatonit": "catatonit",
    "nsenter": "util-linux",
    "iptables-restore": "iptables",
    "ip6tables-restore": "iptables",
}
"""What is needed, and Debian's package that has it."""
DRILLS = {"socat": "socat", "cc": "gcc libc6-dev"}
"""What the whole needs beside: a port that leads to the gateway, and a clock that is wrong."""


def missing(**more: str) -> list[str]:
    """What this machine lacks of these commands and more, each in a line that says what to do."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    needed = COMMANDS | more
    lacks = sorted({package for command, package in needed.items() if shutil.which(command, path=path) is None})
    lines = [f"{package} is not installed: apt-get install {package}" for package in lacks]
    if not Path("/usr/lib/podman/netavark").exists():
        lines.append("netavark, podman's networks, is not installed: apt-get install netavark")
    if os.geteuid() != 0:
        lines.append("it sets rules in the pods' network namespaces and owners of claims: run it as root")
    return lines


def absent(images: Iterable[str]) -> list[str]:
    """Those that podman has not kept, each in a line that says what to do."""
    podman = Podman()
    lacks = [image for image in sorted(images) if podman("image", "exists", image, check=False).returncode]
    return [f"{image} is not built: tests/cluster/README.md says how" for image in lacks]


def permitted() -> bool:
    """Whether this machine's kernel lets us do what containers need: namespaces of our own, and rules in them."""
    rules = "iptables -t nat -L -n && iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT && ip6tables -L -n"
    tried = ["unshare", "--mount", "--net", "--pid", "--fork", "sh", "-c", f"mount -t tmpfs none /mnt && {rules}"]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    done = subprocess.run(tried, capture_output=True, env={**os.environ, "PATH": path}, check=False)
    return done.returncode == 0


class Engine(Podman):
    """The command, with pods that ask a server for names."""

    def __init__(self, folder: Path, names: str, space: str) -> None:
        super().__init__()
        self.environment["PATH"] = f"{self.environment['PATH']}:/usr/sbin:/sbin"
        given = self.environment.get("CONTAINERS_CONF")
        text = Path(given).read_text() if given else "[containers]\n"
        domains = f'"{space}.svc.cluster.local", "svc.cluster.local", "cluster.local"'
        ours = f'[containers]\ndns_servers = ["{names}"]\ndns_searches = [{domains}]\n'
        file = folder / "containers.conf"
        file.write_text(text.replace("[containers]\n", ours, 1))
        self.environment["CONTAINERS_CONF"] = str(file)

    def __call__(
        self, *words: str, check: bool = True, timeout: float | None = None, fed: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs it. Raises AssertionError where it fails, and TimeoutExpired where it takes longer, in seconds."""
        command = ["podman", *words]
        done = subprocess.run(command, input=fed, capture_output=True, text=True, env=self.environment, timeout=timeout)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stderr}")
        return done
