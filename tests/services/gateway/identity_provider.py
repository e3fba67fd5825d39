"""An identity provider as a gateway knows one: a set of keys over HTTPS, and tokens signed by them."""

from __future__ import annotations

import json
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
"""A private key by its algorithm, which is also its id."""
_TO_JWK: dict[str, Callable[..., Any]] = {
    "RS256": RSAAlgorithm.to_jwk,
    "ES256": ECAlgorithm.to_jwk,
    "EdDSA": OKPAlgorithm.to_jwk,
}


def jwk(algorithm: str, key: Any, key_id: str) -> dict[str, Any]:
    """The public key as a set of keys has it."""
    return {**_TO_JWK[algorithm](key.public_key(), as_dict=True), "kid": key_id, "use": "sig"}


def jwks(**more: Any) -> bytes:
    """The set of all keys, and others by their id."""
    keys = [jwk(algorithm, key, algorithm) for algorithm, key in KEYS.items()]
    return json.dumps({"keys": keys + [{**key, "kid": key_id} for key_id, key in more.items()]}).encode()


class IdentityProvider:
    """Listens on 127.0.0.1 in threads."""

    audience = "tellurion"

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        self.asked = 0
        """How often its keys were asked for."""
        self.status = 200
        self.answers = threading.Event()
        """Not set while it hangs."""
        self.answers.set()
        self.headers: Mapping[str, str] = {}
        self.body = jwks()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                provider.answers.wait(10)
                self.send_response(provider.status)
                for name, value in provider.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(provider.body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.issuer = f"https://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.issuer}/keys"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def claims(self, **changed: object) -> dict[str, Any]:
        """Those of a good token; None takes one away."""
        now = int(time.time())
        good = {"iss": self.issuer, "aud": self.audience, "sub": "ann", "jti": uuid.uuid4().hex, "role": "user"}
        good |= {"tenant": "navy", "iat": now, "nbf": now, "exp": now + 600}
        return {name: value for name, value in {**good, **changed}.items() if value is not None}

    def token(self, algorithm: str = "ES256", *, key: Any = None, header: Any = None, **changed: object) -> str:
        """A token signed by the provider's key, or another."""
        headers = {"kid": algorithm, **(header or {})}
        return jwt.encode(self.claims(**changed), key or KEYS[algorithm], algorithm, headers)

    def stop(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
