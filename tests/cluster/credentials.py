"""The Secrets that an installation needs before it, made as the chart's README has them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PEM = serialization.Encoding.PEM


def made(gateway: str) -> dict[str, dict[str, bytes]]:
    """By name and key; the certificate is of the gateway's Service, and of a port of this machine that leads there."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    identity = {"pepper": secrets.token_bytes(32), "token.key": _private(key), "token.pub": public}
    return {
        "tellurion-identity": identity,
        "tellurion-database": {"password": secrets.token_hex(24).encode()},
        "tellurion-redis": {"password": secrets.token_hex(24).encode()},
        "tellurion-tls": _certificate(gateway),
    }


def _certificate(name: str) -> dict[str, bytes]:
    """A key and a certificate that vouches for itself, for thirty days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(each) for each in (name, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a clock that is put back is not what is tried with it
        .not_valid_after(now + timedelta(days=30))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return {"tls.crt": certificate.public_bytes(PEM), "tls.key": _private(key)}


def _private(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
