"""What was backed up comes back into an empty platform: the same keys, the same listing, the same files."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .adapter import Object
from .callers import NAME, Caller
from .credentials import made
from .on_podman import PodmanCluster
from .releases import values

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@contextmanager
def installed(credentials: dict[str, dict[str, bytes]]) -> Iterator[PodmanCluster]:
    cluster = PodmanCluster(credentials)
    try:
        cluster.install(values())
        yield cluster
    finally:
        cluster.close()


def restoring(template: Object) -> None:
    """The change that the chart's README makes to the pod of a backup."""
    (container,) = template["spec"]["containers"]
    container["command"] = ["sh", "/scripts/restore.sh"]
    container["volumeMounts"][1]["readOnly"] = False
    template["spec"]["volumes"][1]["persistentVolumeClaim"]["readOnly"] = False


def listing(caller: Caller) -> list[dict[str, Any]]:
    """All operations of the caller's tenant."""
    answer = caller.ask("GET", "/v1/ocean/operations", params={"page_size": 1000}).raise_for_status()
    return list(answer.json()["operations"])


def hashes(state: Path) -> dict[str, str]:
    """SHA-256 of every file that a backup keeps, by its place."""
    files = [file for name in ("artifacts", "models", "jobs") for file in (state / name).rglob("*") if file.is_file()]
    return {str(file.relative_to(state)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def moved(disk: Path, there: Path) -> None:
    """Brings a disk with backups to another place, owners and all."""
    there.mkdir(parents=True)
    subprocess.run(["cp", "--archive", f"{disk}/.", there], check=True)


def test_a_backup_restored_into_an_empty_platform_gives_the_same(
    whole: None, engine_there: None, new_key: Any, tmp_path: Path
) -> None:
    credentials = made(NAME)
    with installed(credentials) as before:
        key = new_key(before)
        caller = Caller(before.gateway, before.certificate(), key)
        names = [caller.submit(f"kept-{number}").raise_for_status().json()["operation"] for number in range(3)]
        results = [caller.done(name, 240) for name in names]
        told = listing(caller)
        assert "kept" in before.job("tellurion-backup")
        files = hashes(before.claim("tellurion-state"))
        moved(before.claim("backup"), tmp_path / "backup")

    assert len(told) == 3
    assert files
    with installed(credentials) as after:
        assert hashes(after.claim("tellurion-state")) == {}
        moved(tmp_path / "backup", after.claim("backup"))
        after.stop()
        assert "restored" in after.job("tellurion-backup", restoring)
        after.go_on()

        caller = Caller(after.gateway, after.certificate(), key)
        assert listing(caller) == told
        assert [caller.done(name, 10) for name in names] == results
        assert {
            place: each for place, each in hashes(after.claim("tellurion-state")).items() if place in files
        } == files
        for result in results:
            content = caller.ask("GET", f"/v1/artifacts/{result}/content")
            assert hashlib.sha256(content.content).hexdigest() == result
