"""A whole platform over HTTPS, started by its own command, for a browser to visit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TELLURION = str(Path(sys.executable).with_name("tellurion"))
SERVICES = "ocean,assimilation,splat,pointcloud,benchmark,agent,gateway"


@dataclass(frozen=True)
class Site:
    """A platform that runs."""

    address: str
    """Of its gateway: `https://127.0.0.1:8443`."""
    key: str
    """API key of its first administrator."""
    state: Path
    """Its state folder."""

    def command(self, *words: str) -> str:
        """What a `tellurion` command on this platform prints."""
        done = subprocess.run([TELLURION, *words, "--state", str(self.state)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def site(folder: Path, certificate: Path, key: Path, services: str = SERVICES) -> Iterator[Site]:
    """A platform of these services with its state in the folder, until the block ends."""
    tls = ("--tls-certificate", str(certificate), "--tls-key", str(key), "--port", "0")
    asked = ("up", "--detach", "--services", services, *tls, "--state", str(folder), "--json")
    started = subprocess.run([TELLURION, *asked], capture_output=True, text=True)
    assert started.returncode == 0, started.stderr
    told = json.loads(started.stdout)
    try:
        yield Site(told["services"]["gateway"], told["api_key"], folder)
    finally:
        stopped = subprocess.run([TELLURION, "down", "--state", str(folder)], capture_output=True, text=True)
        assert stopped.returncode == 0, stopped.stderr
