"""TLS of the gateway, by a certificate that may be renewed while it runs."""

from __future__ import annotations

import ssl
from pathlib import Path

from tellurion_core.errors import InvalidInput
from tellurion_core.renewed import Renewed
from tellurion_gateway.settings import GatewaySettings


def server_context(settings: GatewaySettings) -> ssl.SSLContext:
    """Every handshake is by the certificate that the files hold then; connections that are there keep theirs.

    Files that cannot be used, once they have changed, are logged, and the certificate before stays.

    Raises:
        InvalidInput: the files cannot be used as it starts.
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    assert certificate is not None
    assert key is not None
    pair = Renewed([certificate, key], lambda: _context(certificate, key))
    context = pair.latest

    def choose(connection: ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> None:
        pair.renew()
        connection.context = pair.latest

    # It is asked at every handshake, whether or not the client names the server.
    context.sni_callback = choose
    return context


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password="")  # of an encrypted key nobody is asked for one
    except (ssl.SSLError, OSError):
        raise InvalidInput.of(
            "TELLURION_TLS_CERTIFICATE",
            received=str(certificate),
            accepted="a PEM certificate chain, with its private key in TELLURION_TLS_KEY",
        ) from None
    return context
