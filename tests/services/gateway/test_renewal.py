"""A certificate that is renewed while the gateway runs, with its files swapped as a cluster swaps those of a Secret."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509


class Secret:
    """A folder in which `server.pem` and `server.key` are links into a folder that one rename exchanges."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0
        folder.mkdir()
        self.pair = folder / "server.pem", folder / "server.key"

    def put(self, pair: tuple[Path, Path]) -> None:
        """Exchanges both files in one step."""
        self._number += 1
        version = self._folder / f"..{self._number}"
        version.mkdir()
        for file, place in zip(pair, self.pair, strict=True):
            (version / place.name).write_bytes(file.read_bytes())
            if not place.is_symlink():
                place.symlink_to(Path("..data", place.name))
        (self._folder / "..new").symlink_to(version.name)
        (self._folder / "..new").replace(self._folder / "..data")


def connected(address: str) -> http.client.HTTPSConnection:
    """A connection that has shaken hands; it trusts whoever answers, for the tests look at whom."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(address.removeprefix("https://"), timeout=20, context=context)
    connection.connect()
    return connection


def serial(connection: http.client.HTTPSConnection) -> int:
    """Of the certificate that the other side has shown."""
    assert isinstance(connection.sock, ssl.SSLSocket)
    shown = connection.sock.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def number(pair: tuple[Path, Path]) -> int:
    return x509.load_pem_x509_certificate(pair[0].read_bytes()).serial_number


def answered(connection: http.client.HTTPSConnection) -> int:
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.fixture
def pairs(make_certificate: Callable[[Path], tuple[Path, Path]], tmp_path: Path) -> list[tuple[Path, Path]]:
    return [make_certificate(tmp_path / name) for name in ("first", "second")]


def test_new_connections_are_by_the_renewed_certificate_and_old_ones_go_on(
    start_gateway: Callable[..., Any], served_ocean: Any, pairs: list[tuple[Path, Path]], tmp_path: Path
) -> None:
    secret = Secret(tmp_path / "secret")
    secret.put(pairs[0])
    files = dict(zip(("tls_certificate", "tls_key"), secret.pair, strict=True))
    gateway = start_gateway(ocean_address=served_ocean.address, **files)
    old = connected(gateway.address)
    assert (serial(old), answered(old)) == (number(pairs[0]), 200)
    secret.put(pairs[1])
    new = connected(gateway.address)
    assert (serial(new), answered(new)) == (number(pairs[1]), 200)
    assert answered(old) == 200
    assert [line["event"] for line in gateway.log()].count("files that changed are used") == 1


@pytest.mark.parametrize("damage", ["another key", "cut off", "gone"])
def test_a_pair_that_cannot_be_used_changes_nothing_until_it_is_whole(
    start_gateway: Callable[..., Any], served_ocean: Any, pairs: list[tuple[Path, Path]], tmp_path: Path, damage: str
) -> None:
    secret = Secret(tmp_path / "secret")
    secret.put(pairs[0])
    files = dict(zip(("tls_certificate", "tls_key"), secret.pair, strict=True))
    gateway = start_gateway(ocean_address=served_ocean.address, **files)
    match damage:
        case "another key":
            secret.put((pairs[1][0], pairs[0][1]))
        case "cut off":
            half = tmp_path / "half.pem"
            half.write_bytes(pairs[1][0].read_bytes()[:100])
            secret.put((half, pairs[1][1]))
        case _:
            secret.pair[1].unlink()
    for _ in range(2):
        connection = connected(gateway.address)
        assert (serial(connection), answered(connection)) == (number(pairs[0]), 200)
    (warned,) = (line for line in gateway.log() if line["level"] == "warning" and "changed" in line["event"])
    assert warned["files"] == [str(file) for file in secret.pair]
    secret.put(pairs[1])
    connection = connected(gateway.address)
    assert (serial(connection), answered(connection)) == (number(pairs[1]), 200)
