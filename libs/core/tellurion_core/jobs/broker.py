"""The Redis server that carries the bell: whether it answers, and whether it keeps what it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tellurion_core.errors import InvalidInput

SOCKET_SCHEME = "redis+socket://"
ANSWER_SECONDS = 1.0

log = structlog.get_logger()


def socket_path(broker: str) -> Path | None:
    """The Unix socket of a broker of this machine; None for one that is reached over a network."""
    if not broker.startswith(SOCKET_SCHEME):
        return None
    return Path(broker.removeprefix(SOCKET_SCHEME).partition("?")[0])


def connected(broker: str) -> Redis:
    """A client of the broker; it connects when it is first used, and does not try again: whoever asks decides that."""
    limits: dict[str, Any] = {
        "socket_connect_timeout": ANSWER_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    path = socket_path(broker)
    if path is not None:
        return Redis(unix_socket_path=str(path), **limits)
    return Redis.from_url(broker, **limits)


def answers(broker: str) -> bool:
    """Whether the broker answers now."""
    try:
        with connected(broker) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False


def refuse_eviction(broker: str) -> bool:
    """Whether the broker was reached, and keeps all that it is given; one that does so in memory only is warned of.

    Raises:
        InvalidInput: it would throw away messages when its memory is full.
    """
    try:
        with connected(broker) as client:
            info: Any = client.info()  # CONFIG is closed on many that are hosted
    except (RedisError, OSError):
        return False
    policy = info["maxmemory_policy"]
    if policy != "noeviction":
        received, accepted = f"a Redis server with maxmemory-policy {policy}", "one with maxmemory-policy noeviction"
        raise InvalidInput.of("TELLURION_JOBS_BROKER", received=received, accepted=accepted)
    if not info["aof_enabled"]:
        log.warning("the broker keeps nothing on disk (appendonly no); sweeps find work that it forgets")
    return True
