"""The bell: a Celery message that says only that there is work of some kind. The work itself is a row of SQL.

Every worker hears it (a fanout exchange), and whoever has a place free looks into the database. Nothing is lost with a
message: who hears no bell finds the work by its next sweep.
"""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any

import structlog
from celery import Celery
from kombu.common import Broadcast
from kombu.entity import Exchange

TASK = "tellurion.jobs.bell"
EXPIRES_SECONDS = 60
"""After which a message that nobody took is worth nothing: sweeps have found the work."""
CONNECT_SECONDS = 1.0
KEEPALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}
"""A broker that went away without a word is missed after a minute."""

_NAME = "tellurion.jobs"
_EXCHANGE = Exchange(_NAME, type="fanout")  # type: ignore[no-untyped-call]

log = structlog.get_logger()


def bell_app(broker: str) -> Celery:
    """The Celery application of both sides; messages are acknowledged as they come, and nobody keeps results."""
    app = Celery("tellurion-jobs", broker=broker, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_queues=[Broadcast(_NAME)],  # type: ignore[no-untyped-call]
        task_default_queue=_NAME,
        task_default_exchange=_NAME,
        task_default_exchange_type="fanout",
        task_default_routing_key=_NAME,
        # With rediss:// Celery would take any certificate. The authorities are OpenSSL's, which SSL_CERT_FILE names.
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if broker.startswith("rediss://") else False,
        # Whoever listens looks at the broker before it is connected to again.
        broker_connection_retry=False,
        broker_connection_retry_on_startup=False,
        broker_transport_options={
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": 5.0,
            "max_retries": 0,
            "socket_keepalive": True,
            "socket_keepalive_options": KEEPALIVE,
        },
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
    )
    return app


class Bell:
    """Rings the bell, from a thread of its own: who submits work waits for no broker."""

    def __init__(self, broker: str) -> None:
        self._app = bell_app(broker)
        self._kinds: set[str] = set()
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def ring(self, kind: str) -> None:
        """Tells workers that there is work of this kind; many calls at once may be one message."""
        with self._lock:
            self._kinds.add(kind)
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_all, name="bell", daemon=True)
                self._thread.start()
        self._news.set()

    def _send_all(self) -> None:
        heard = True
        while self._news.wait():
            self._news.clear()
            with self._lock:
                kinds, self._kinds = self._kinds, set()
            try:
                for kind in kinds:
                    self._send(kind)
            except Exception as error:  # noqa: BLE001 -- whatever a broker's client raises: the work is found without it
                if heard:
                    log.warning(
                        "the bell cannot be rung; workers find work by their sweeps", error=type(error).__name__
                    )
                heard = False
            else:
                heard = True

    def _send(self, kind: str) -> None:
        options: dict[str, Any] = {"exchange": _NAME, "routing_key": _NAME, "declare": [_EXCHANGE]}
        self._app.send_task(TASK, [kind], retry=False, ignore_result=True, expires=EXPIRES_SECONDS, **options)
