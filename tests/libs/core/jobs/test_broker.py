"""The broker carries the bell; it must not evict, it may be away, and on one machine a worker keeps it running."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from structlog.testing import capture_logs

from tellurion_core.errors import InvalidInput
from tellurion_core.jobs.bell import Bell, bell_app
from tellurion_core.jobs.broker import answers, refuse_eviction
from tellurion_core.jobs.embedded_redis import EmbeddedRedis
from tellurion_core.jobs.hearing import Hearing


@pytest.fixture
def redis(socket_folder: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(socket_folder / "redis.sock")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker(redis: EmbeddedRedis, socket_folder: Path) -> str:
    return f"redis+socket://{socket_folder}/redis.sock"


@pytest.fixture
def client(broker: str, socket_folder: Path) -> Iterator[Redis]:
    with Redis(unix_socket_path=f"{socket_folder}/redis.sock") as client:
        yield client


def server_pid(client: Redis) -> int:
    info: Any = client.info("server")
    return int(info["process_id"])


def eventually(holds: Any, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_embedded_server_evicts_nothing_and_writes_to_disk(broker: str, client: Redis, socket_folder: Path) -> None:
    assert refuse_eviction(broker)
    persistence: Any = client.info("persistence")
    assert persistence["aof_enabled"] == 1
    assert (socket_folder / "redis.sock.aof").exists()
    assert (socket_folder / "redis.sock").stat().st_mode & 0o077 == 0


def test_a_broker_that_evicts_is_refused(broker: str, client: Redis) -> None:
    client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(InvalidInput, match=r"TELLURION_JOBS_BROKER: received .*allkeys-lru; accepted: .*noeviction"):
        refuse_eviction(broker)


def test_a_worker_does_not_start_on_a_broker_that_evicts(broker: str, client: Redis, platform: Any) -> None:
    client.config_set("maxmemory-policy", "volatile-lru")
    command = [sys.executable, "-P", "-m", "tellurion_core.jobs.main"]
    environment = platform.environment | {"TELLURION_JOBS_BROKER": broker}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("TELLURION_JOBS_BROKER: received a Redis server with")


def test_a_broker_that_is_away_is_not_refused_and_said_to_be_away_at_once(socket_folder: Path) -> None:
    began = time.monotonic()
    for _ in range(5):
        assert not refuse_eviction(f"redis+socket://{socket_folder}/none.sock")
        assert not answers(f"redis+socket://{socket_folder}/none.sock")
    assert time.monotonic() - began < 5


def test_a_server_that_died_is_started_again_with_what_it_had(broker: str, client: Redis) -> None:
    client.set("kept", "1")
    first = server_pid(client)
    time.sleep(1.1)  # the file is written each second
    os.kill(first, signal.SIGKILL)
    eventually(lambda: answers(broker))
    assert server_pid(client) != first
    assert client.get("kept") == b"1"


def test_a_server_that_runs_already_is_used(broker: str, client: Redis, socket_folder: Path) -> None:
    first = server_pid(client)
    second = EmbeddedRedis(socket_folder / "redis.sock")
    second.start()
    second.stop()
    assert server_pid(client) == first


def test_the_server_ends_with_its_keeper(redis: EmbeddedRedis, client: Redis) -> None:
    server = psutil.Process(server_pid(client))
    redis.stop()
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_a_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="TELLURION_JOBS_BROKER"):
        EmbeddedRedis(tmp_path / ("x" * 100))


def test_every_worker_hears_the_bell_also_after_breaks(broker: str, client: Redis) -> None:
    heard: list[str] = []
    workers = [Hearing(broker, lambda kind, name=name: heard.append(f"{name} {kind}")) for name in "ab"]
    for worker in workers:
        worker.start()
    bell = Bell(broker)

    def rung() -> bool:
        bell.ring("probe.count")
        return {"a probe.count", "b probe.count"} <= set(heard)

    eventually(rung)
    for _ in range(3):
        os.kill(server_pid(client), signal.SIGKILL)
        eventually(lambda: answers(broker))
        time.sleep(0.1)
        heard.clear()
        eventually(rung)
    for worker in workers:
        worker.stop()


def test_a_broker_that_begins_to_evict_is_not_listened_to(broker: str, client: Redis) -> None:
    heard: list[str] = []
    with capture_logs() as logs:
        hearing, bell = Hearing(broker, heard.append), Bell(broker)
        hearing.start()

        def rung() -> bool:
            bell.ring("probe.count")
            return bool(heard)

        eventually(rung)
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        eventually(lambda: any(line["event"].startswith("the bell is not listened to") for line in logs))
        channels: Any = client.execute_command("PUBSUB", "NUMPAT")
        assert channels == 0
        heard.clear()
        client.config_set("maxmemory-policy", "noeviction")
        eventually(rung)
        hearing.stop()


def test_a_broker_without_a_disk_is_warned_of(broker: str, client: Redis) -> None:
    client.config_set("appendonly", "no")
    with capture_logs() as logs:
        assert refuse_eviction(broker)
    assert [line["log_level"] for line in logs] == ["warning"]
    assert "appendonly no" in logs[0]["event"]


def test_ringing_without_a_broker_takes_no_time_and_raises_nothing(socket_folder: Path) -> None:
    bell = Bell(f"redis+socket://{socket_folder}/none.sock")
    began = time.monotonic()
    for _ in range(1000):
        bell.ring("probe.count")
    assert time.monotonic() - began < 5
    assert sum(thread.name == "bell" and thread.is_alive() for thread in threading.enumerate()) >= 1


def test_a_broker_over_tls_has_to_prove_who_it_is() -> None:
    """Celery by itself would take any certificate."""
    connection = bell_app("rediss://redis.example.org/0").connection_for_write()
    assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    own = bell_app("rediss://redis.example.org/0?ssl_ca_certs=/etc/ca.crt").connection_for_write()
    assert own.ssl == {"ssl_ca_certs": "/etc/ca.crt"}  # by which redis-py requires one
    assert not bell_app("redis://redis.example.org/0").connection_for_write().ssl
