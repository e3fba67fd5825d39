"""Settings of the identity provider, from environment variables with the prefix `TELLURION_OIDC_`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, FilePath, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

HttpsUrl = Annotated[str, Field(pattern=r"^https://[^\s@#]+$")]


class OidcSettings(BaseSettings):
    """Whose tokens (OpenID Connect) are taken beside API keys, and what they say; nobody's by default."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_OIDC_", extra="ignore", frozen=True)

    issuer: str | None = None
    """The provider, as its tokens name it in `iss`."""
    audience: str | None = None
    """What tokens for this installation have in `aud`."""
    jwks_url: HttpsUrl | None = None
    """Where its public keys are (a JWK set, RFC 7517)."""
    jwks_ca: FilePath | None = None
    """PEM authorities to trust there; the system's where it is not set."""
    tenant_claim: str = "tenant"
    """The claim that tells the tenant."""
    role_claim: str = "role"
    """The claim that tells the role, viewer, user or admin; of a list, the highest of these is taken."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len({value is None for value in (self.issuer, self.audience, self.jwks_url)}) == 2:
            raise ValueError("TELLURION_OIDC_ISSUER, _AUDIENCE and _JWKS_URL are given together")
        return self
