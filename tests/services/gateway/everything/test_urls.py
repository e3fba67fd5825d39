"""No field of a request makes a service connect to where its sender could not.

There is one way out, the transport of an allow-list; that it holds against names that change their address, redirects
and proxies is tested with it, in tests/libs/core/endpoints.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tellurion_gateway.rest.bindings import bindings
from tellurion_gateway.rest.comments import comments
from tellurion_gateway.rest.examples import example
from tellurion_gateway.upstreams import METHODS

ALL = {f"{binding.service}.{binding.method.name}": binding for binding in bindings(tuple(METHODS))}
HOSTILE = [
    "http://127.0.0.1:{port}/v1",
    "http://localhost:{port}/v1",
    "http://[::1]:{port}/v1",
    "http://[::ffff:127.0.0.1]:{port}/v1",
    "http://2130706433:{port}/v1",
    "http://0x7f.1:{port}/v1",
    "http://0.0.0.0:{port}/v1",
    "http://127.0.0.1.nip.io:{port}/v1",
    "http://public.example@127.0.0.1:{port}/v1",
    "http://10.0.0.1/v1",
    "http://192.168.1.1/v1",
    "http://[fd00::1]/v1",
    "http://169.254.169.254/latest/meta-data",
    "http://metadata.google.internal/computeMetadata/v1",
    "http://[fe80::1]/v1",
    "http://kubernetes.default.svc/api",
    "https://public.example/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "unix:///run/docker.sock",
    "//127.0.0.1:{port}/v1",
    "http://127.0.0.1:{port}/v1\r\nX-Injected: 1",
]


def urls(kind: Descriptor, within: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The fields of a request that hold an address, by their names or by what the protos say of them."""
    for field in kind.fields:
        if field.message_type is not None:
            yield from urls(field.message_type, (*within, field.name))
        elif field.type == FieldDescriptor.TYPE_STRING:
            said = f"{field.name} {comments().get(field.full_name, '')}".lower()
            about = {"url", "uri", "address", "host", "href"} & set(said.replace(".", " ").split())
            if about and field.name != "api_key_env":  # the variable of a key for an address
                yield (*within, field.name)


FIELDS = [(call, path) for call, binding in ALL.items() for path in urls(binding.method.input_type)]


class Listening:
    """A server of this machine that nobody outside may reach."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            do_GET = do_POST  # noqa: N815

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def listening() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def navy(everything: Any) -> httpx.Client:
    """A client of a tenant's."""
    client: httpx.Client = everything.client("navy")
    return client


def test_these_are_the_fields_that_hold_an_address() -> None:
    assert FIELDS == [
        ("agent.Ask", ("model", "url")),
        ("benchmark.CreateEvaluation", ("model", "url")),
        ("benchmark.CreateEvaluation", ("judge", "url")),
    ]


@pytest.mark.parametrize(("call", "path"), FIELDS, ids=[f"{call}.{'.'.join(path)}" for call, path in FIELDS])
def test_addresses_that_are_not_allowed_are_refused_and_not_asked(
    navy: httpx.Client, listening: Listening, call: str, path: tuple[str, ...]
) -> None:
    binding, (place, name) = ALL[call], path
    request = example(binding.method.input_type) | {"request_id": uuid4().hex}
    if call == "benchmark.CreateEvaluation":
        request |= {"suite": "earthse"} | ({"predictions": "0" * 64} if place == "judge" else {})
    for url in HOSTILE:
        request[place] = {name: url.format(port=listening.port), "model": "any"}
        refused = navy.request(binding.verb, binding.path, json=request)
        assert refused.status_code in (403, 422), (url, refused.text)
        assert refused.status_code == 403 or refused.json()["errors"][0]["field"] == ".".join(path), url
        assert "127.0.0.1" not in refused.text, url
    assert not listening.asked
