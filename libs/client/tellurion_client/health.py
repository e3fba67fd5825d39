"""Whether a service answers at an address."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def answers(address: str, timeout: float = 2.0, trust: ssl.SSLContext | None = None) -> bool:
    """Whether the service at `unix:/path`, `host:port` or an HTTP URL says within `timeout` seconds that it serves.

    `trust` says whom of HTTPS to believe; whoever answers there where None.
    """
    if address.startswith("http"):
        return _answers_http(address, timeout, trust)
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _answers_http(address: str, timeout: float, trust: ssl.SSLContext | None) -> bool:
    url = urlsplit(address)
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        context = trust or ssl.create_default_context()
        if trust is None:  # whether it answers is all that is asked: nothing is sent to it, nothing believed
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
