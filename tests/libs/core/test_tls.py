"""TLS and mTLS with certificates of an authority of the test's own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tellurion.common.v1.progress_pb2 import Progress
from tellurion_core.call import current_call
from tellurion_core.client import Channels, ClientTls
from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_core.status import rpc_errors


@dataclass
class Pair:
    """A certificate and its key, as files and as objects."""

    certificate: Path
    key: Path
    issued: x509.Certificate
    secret: ec.EllipticCurvePrivateKey


@pytest.fixture(scope="module")
def issue(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pair]:
    """Issues certificates that last an hour; their own authority where none is given."""
    folder = tmp_path_factory.mktemp("tls")

    def issued(name: str, authority: Pair | None = None) -> Pair:
        secret = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority.issued.subject if authority else subject)
            .public_key(secret.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        )
        certificate = builder.sign(authority.secret if authority else secret, hashes.SHA256())
        pair = Pair(folder / f"{name}.pem", folder / f"{name}.key", certificate, secret)
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pair.key.write_bytes(
            secret.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return pair

    return issued


@pytest.fixture(scope="module")
def authority(issue: Callable[..., Pair]) -> Pair:
    return issue("authority")


@pytest.fixture(scope="module")
def host(issue: Callable[..., Pair], authority: Pair) -> Pair:
    return issue("host", authority)


async def tell_subject(request: Progress, context: Any) -> Progress:
    return Progress(message=current_call.get().identity.subject)


async def said(ask, probe_descriptor, address: str, tls: ClientTls | None) -> str:
    channels = Channels([probe_descriptor], tls)
    try:
        with rpc_errors():
            return await ask(channels.to(address), "write", timeout=10)
    finally:
        await channels.close()


def files(pair: Pair, **more: Path) -> dict[str, Any]:
    return {"listen": "127.0.0.1:0", "tls_certificate": pair.certificate, "tls_key": pair.key, **more}


async def test_a_client_that_trusts_the_authority_is_answered(start, ask, probe_descriptor, authority, host) -> None:
    server = await start(tell_subject, **files(host))
    assert await said(ask, probe_descriptor, server.address, ClientTls(ca=authority.certificate)) == "local"


async def test_a_server_of_another_authority_is_not_trusted(start, ask, probe_descriptor, issue, host) -> None:
    server = await start(tell_subject, **files(host))
    with pytest.raises(Unavailable):
        await said(ask, probe_descriptor, server.address, ClientTls(ca=issue("stranger").certificate))


async def test_plain_text_is_not_answered(start, ask, probe_descriptor, host) -> None:
    server = await start(tell_subject, **files(host))
    with pytest.raises(Unavailable):
        await said(ask, probe_descriptor, server.address, None)


async def test_under_mtls_the_subject_is_the_common_name(start, ask, probe_descriptor, issue, authority, host) -> None:
    server = await start(tell_subject, **files(host, tls_client_ca=authority.certificate))
    ferry = issue("ferry", authority)
    own = ClientTls(ca=authority.certificate, certificate=ferry.certificate, key=ferry.key)
    assert await said(ask, probe_descriptor, server.address, own) == "ferry"


async def test_under_mtls_a_client_needs_a_certificate_of_the_authority(
    start, ask, probe_descriptor, issue, authority, host
) -> None:
    server = await start(tell_subject, **files(host, tls_client_ca=authority.certificate))
    forged = issue("forged")
    for own in ({}, {"certificate": forged.certificate, "key": forged.key}):
        with pytest.raises(Unavailable):
            await said(ask, probe_descriptor, server.address, ClientTls(ca=authority.certificate, **own))


def shown(address: str) -> int:
    """Serial number of the certificate that a server shows to a new connection."""
    host, _, port = address.rpartition(":")
    return x509.load_pem_x509_certificate(ssl.get_server_certificate((host, int(port))).encode()).serial_number


async def test_new_connections_are_by_a_renewed_certificate_and_old_ones_go_on(
    start, ask, probe_descriptor, issue, authority, tmp_path
) -> None:
    first, second = issue("first", authority), issue("second", authority)
    place = {"tls_certificate": tmp_path / "server.pem", "tls_key": tmp_path / "server.key"}

    def put(certificate: Pair, key: Pair) -> None:
        place["tls_certificate"].write_bytes(certificate.certificate.read_bytes())
        place["tls_key"].write_bytes(key.key.read_bytes())

    put(first, first)
    server = await start(tell_subject, **files(first) | place)
    channels = Channels([probe_descriptor], ClientTls(ca=authority.certificate))
    try:
        old = channels.to(server.address)
        assert await ask(old, "write", timeout=10) == "local"
        for certificate, key, expected in ((second, first, first), (second, second, second)):
            put(certificate, key)
            for _ in range(2):
                assert await asyncio.to_thread(shown, server.address) == expected.issued.serial_number
            assert await ask(old, "write", timeout=10) == "local"
    finally:
        await channels.close()


async def test_a_file_that_is_no_certificate_is_refused(start, host, tmp_path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("not a certificate")
    with pytest.raises(InvalidInput, match="TELLURION_TLS_CERTIFICATE"):
        await start(tell_subject, **files(host) | {"tls_certificate": text})
