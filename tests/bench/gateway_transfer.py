"""A 2-GiB file sent to the gateway and fetched from it, beside nginx that takes and serves the same file over TLS.

    python tests/bench/gateway_transfer.py        after `make .cache/nginx/usr/sbin/nginx`

The gateway takes it by tus, hashes it on the way and makes it an artifact; nginx takes it by PUT and hashes nothing.
The two alternate, and one client, Python's own, reads and writes for both.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from gateway_site import certificate, peak_mib, running_gateway
from targets import Target, at_least, at_most, exit_code, markdown

MIB = 1 << 20
SIZE = 2 << 30
ROUNDS = 3
TUS = {"Tus-Resumable": "1.0.0"}
NGINX = Path(__file__).parents[2] / ".cache/nginx/usr/sbin/nginx"
CONFIGURATION = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/temporary; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; sendfile on; client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
        root {folder}/files; dav_methods PUT DELETE;
    }}
}}
"""


def table() -> dict[str, Any]:
    """Seconds of each transfer in each round, and how far the gateway's memory grew, in MiB."""
    with TemporaryDirectory(prefix="tellurion-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        source = folder / "source"
        with source.open("wb") as file:
            for _ in range(SIZE // MIB):
                file.write(os.urandom(MIB))
        certificate(folder)
        nginx = stack.enter_context(_nginx(folder))
        gateway = stack.enter_context(running_gateway(folder, f"unix:{folder}/nobody", tls=True))
        _through_gateway(gateway.address, folder, source, 16 * MIB)  # all that is imported late is imported now
        before = peak_mib(gateway.process.pid)
        rounds = []
        for _ in range(ROUNDS):
            through_nginx = _through_nginx(nginx, folder, source, SIZE)
            rounds.append((through_nginx, _through_gateway(gateway.address, folder, source, SIZE)))
        return {"rounds": rounds, "growth": peak_mib(gateway.process.pid) - before}


def targets(rows: Mapping[str, Any]) -> Iterator[Target]:
    """What the gateway is held to."""
    for number, what in enumerate(("upload", "download")):
        ratio = median(nginx[number] / gateway[number] for nginx, gateway in rows["rounds"])
        yield at_least(f"2-GiB {what} through the gateway, throughput over nginx's", ratio, 0.3)
    yield at_most("growth of the gateway's memory meanwhile, MiB", rows["growth"], 64)


def report(rows: Mapping[str, Any]) -> str:
    """Throughputs."""
    lines = (
        [what, *(f"{SIZE / MIB / median(pair[server][number] for pair in rows['rounds']):.0f}" for server in (0, 1))]
        for number, what in enumerate(("upload", "download"))
    )
    return "## A 2-GiB file over HTTPS\n\n" + markdown(["", "nginx, MiB/s", "gateway, MiB/s"], lines)


@contextmanager
def _nginx(folder: Path) -> Iterator[str]:
    """The address of an nginx that takes and serves files over TLS."""
    files = folder / "nginx" / "files"
    files.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"certificate": folder / "server.pem", "key": folder / "server.key"}
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder / "nginx", port=port, **settings))
    if os.geteuid() == 0:
        configuration.write_text("user root;" + configuration.read_text())
    process = subprocess.Popen([NGINX, "-c", configuration, "-p", folder / "nginx"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def missing_files() -> list[str]:
    """What is not there."""
    return [] if NGINX.exists() else ["gateway-transfer needs nginx: make .cache/nginx/usr/sbin/nginx"]


def _through_nginx(address: str, folder: Path, source: Path, size: int) -> tuple[float, float]:
    """Seconds up and down."""
    with _connected(address, folder) as connection:
        up = _sent(connection, "PUT", "/file", source, size, {})[0]
        down = _fetched(connection, "/file", size)
        _asked(connection, "DELETE", "/file", {})
    return up, down


def _through_gateway(address: str, folder: Path, source: Path, size: int) -> tuple[float, float]:
    """Seconds up and down."""
    with _connected(address, folder) as connection:
        url = _asked(connection, "POST", "/v1/uploads", {**TUS, "Upload-Length": str(size)}).headers["Location"]
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        up, answer = _sent(connection, "PATCH", url, source, size, headers)
        artifact = f"/v1/artifacts/{answer.headers['Tellurion-Artifact']}"
        down = _fetched(connection, f"{artifact}/content", size)
        _asked(connection, "DELETE", artifact, {})
    return up, down


@contextmanager
def _connected(address: str, folder: Path) -> Iterator[http.client.HTTPSConnection]:
    trust = ssl.create_default_context(cafile=str(folder / "server.pem"))
    connection = http.client.HTTPSConnection(address.removeprefix("https://"), context=trust, blocksize=MIB)
    try:
        yield connection
    finally:
        connection.close()


def _asked(connection: Any, method: str, path: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    connection.request(method, path, headers=dict(headers))
    answer: http.client.HTTPResponse = connection.getresponse()
    assert answer.status < 300, answer.read()
    answer.read()
    return answer


def _sent(
    connection: Any, method: str, path: str, source: Path, size: int, headers: Mapping[str, str]
) -> tuple[float, http.client.HTTPResponse]:
    start = time.perf_counter()
    with source.open("rb") as file:
        body = iter(lambda: file.read(min(MIB, size - file.tell())), b"")
        connection.request(method, path, body=body, headers={**headers, "Content-Length": str(size)})
        answer: http.client.HTTPResponse = connection.getresponse()
    assert answer.status < 300, answer.read()
    answer.read()
    return time.perf_counter() - start, answer


def _fetched(connection: Any, path: str, size: int) -> float:
    start = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    block, received = memoryview(bytearray(MIB)), 0
    while count := answer.readinto(block):
        received += count
    assert (answer.status, received) == (200, size)
    return time.perf_counter() - start


if __name__ == "__main__":
    measured = table()
    print(report(measured))
    print(json.dumps(measured))
    sys.exit(exit_code(targets(measured)))
