"""A gateway that asks who calls, before a service that asks for tokens, and beside an identity provider."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tellurion_core.call import Identity
from tellurion_core.identity.api_keys import ApiKeys
from tellurion_core.identity.authenticator import TokenAuthenticator
from tellurion_core.identity.revoked_tokens import RevokedTokens
from tellurion_core.identity.tokens import TokenVerifier
from tellurion_core.jobs.database import open_engine

from .identity_provider import IdentityProvider


class Guarded:
    """The site, and what there is to know of it."""

    def __init__(self, folder: Path, start: Callable[..., Any], serve: Callable[..., Any], provider: Any, ca: Path):
        database = f"sqlite:///{folder / 'jobs.sqlite'}"
        self.audit = folder / "audit.jsonl"
        self.provider: IdentityProvider = provider
        self.pepper = secrets.token_bytes(32)
        (folder / "pepper").write_bytes(self.pepper)
        engine = open_engine(database)
        self.keys, self.revoked = ApiKeys(engine, self.pepper), RevokedTokens(engine)
        key, pem = Ed25519PrivateKey.generate(), serialization.Encoding.PEM
        self.private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        (folder / "token.key").write_text(self.private)
        self._authenticate = TokenAuthenticator(TokenVerifier([key.public_key()]))
        self.credentials: list[str] = []
        """What callers sent, and what the service was sent."""
        self.answered: list[str] = []
        """Heads and bodies of all answers but those that give a key that was made to who asked for it."""
        served = serve(self._seen)
        self.ocean = served.ocean
        self.gateway = start(
            ocean_address=served.address,
            api_key_pepper=folder / "pepper",
            token_private_key=folder / "token.key",
            audit_log=self.audit,
            jobs_database=database,
            log_level="DEBUG",
            oidc_issuer=provider.issuer,
            oidc_audience=provider.audience,
            oidc_jwks_url=provider.url,
            oidc_jwks_ca=ca,
        )

    def ask(self, method: str, path: str, credential: str | None, **more: Any) -> httpx.Response:
        """The answer to a request with this credential."""
        headers = {} if credential is None else {"Authorization": f"Bearer {credential}".encode("latin-1")}
        self.credentials.append(credential or "")
        answer = self.gateway.client.request(method, path, headers={**headers, **more.pop("headers", {})}, **more)
        made = (method, path, answer.status_code) == ("POST", "/v1/keys", 201)
        self.answered.append(f"{answer.headers}{'' if made else answer.text}")
        return answer

    def _seen(self, metadata: dict[str, str], context: Any) -> Identity:
        self.credentials.append(metadata.get("authorization", "").removeprefix("Bearer "))
        return self._authenticate(metadata, context)


@pytest.fixture(scope="session")
def guarded(
    tmp_path_factory: pytest.TempPathFactory,
    start_gateway: Callable[..., Any],
    serve_ocean: Callable[..., Any],
    certificate: tuple[Path, Path],
) -> Iterator[Guarded]:
    """See `Guarded`."""
    provider = IdentityProvider(certificate)
    yield Guarded(tmp_path_factory.mktemp("identity"), start_gateway, serve_ocean, provider, certificate[0])
    provider.stop()
