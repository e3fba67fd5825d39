"""Settings of the gateway, from environment variables with the prefix `TELLURION_`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from tellurion_gateway.upstream_settings import UpstreamSettings

HostPort = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$")]
"""`host:port`, port 0 for any free one."""
Origin = Annotated[str, Field(pattern=r"^https?://(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]+)(:\d{1,5})?$")]
"""A web origin, in full: a wildcard is none."""


def _checked_redis(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("redis://", "rediss://", "unix:///")):
        raise ValueError("a Redis server: redis://host:port/0, rediss://… with TLS, or unix:///path")
    return value


RedisUrl = Annotated[SecretStr, AfterValidator(_checked_redis)]
"""URL of a Redis server; it may hold a password."""


class GatewaySettings(UpstreamSettings):
    """Where the gateway listens, whom it calls, and how much it takes on."""

    listen: HostPort = "127.0.0.1:8080"
    """Where HTTP or HTTPS is served."""
    tls_certificate: FilePath | None = None
    """PEM chain of the gateway; plain HTTP without it."""
    tls_key: FilePath | None = None
    """PEM private key that belongs to the certificate."""

    api_key_pepper: FilePath | None = None
    """Pepper of the API keys (`tellurion keys`); with it, every request but those of probes must carry a key."""
    token_private_key: FilePath | None = None
    """PEM Ed25519 key that signs the tokens by which services know for whom they are called."""
    audit_log: Path | None = None
    """File that every request for a change is written to, with who made it; none by default."""

    max_upload_bytes: int = Field(default=256 << 20, ge=1 << 10)
    """Most bytes of one uploaded file, and of the form around it."""
    max_resumable_bytes: int = Field(default=20 << 30, ge=1 << 10, le=20 << 30)
    """Most bytes of a file that is uploaded in parts."""
    upload_hours: float = Field(default=24.0, gt=0)
    """How long such an upload may take before it is given up."""
    uploaded_hours: float = Field(default=168.0, gt=0)
    """How long a file that was uploaded so is kept."""
    max_json_bytes: int = Field(default=16 << 20, ge=1 << 10)
    """Most bytes of one JSON body; it is held in memory, a file is not."""
    upload_seconds: float = Field(default=300.0, gt=0)
    """Longest time that a request's body may take to arrive."""
    file_seconds: float = Field(default=60.0, gt=0, le=3600)
    """Longest time that reading an uploaded NetCDF file, or drawing one, may take."""
    max_call_seconds: float = Field(default=3600.0, gt=0)
    """Longest time for one request, passed on as the deadline of the calls it makes."""
    max_concurrent_requests: int = Field(default=320, ge=1, le=100_000)
    """Requests answered at once; further ones are refused with 503. Probes do not count."""

    max_connections: int = Field(default=1000, ge=1, le=100_000)
    """Connections at once; a further one takes the place of that which is idle for longest."""
    head_seconds: float = Field(default=10.0, gt=0)
    """How long the head of a request may take, from its first byte or, of the first request, from the handshake, which
    may take as long before."""
    stall_seconds: float = Field(default=60.0, gt=0)
    """How long a MiB of an upload may take to arrive, and how long a client may take nothing of an answer."""
    tenant_rate: float = Field(default=200.0, gt=0)
    """Requests a second that one tenant may make in the long run; more are refused with 429."""
    tenant_burst: int = Field(default=1000, ge=1)
    """Requests that it may make at once after a pause."""
    tenant_requests: int = Field(default=256, ge=1, le=100_000)
    """Requests of one tenant that are answered at once, in all gateways together."""
    limits_redis: RedisUrl | None = None
    """Redis server by which several gateways hold tenants to these limits together; each by itself without one."""
    hosts: tuple[str, ...] = ()
    """What a gateway on loopback, without keys and TLS, answers to besides names of its machine, as a JSON list."""
    cors_origins: tuple[Origin, ...] = ()
    """Origins whose pages may call the gateway from a browser, as a JSON list; none by default."""

    artifact_hours: float = Field(default=24.0, gt=0)
    """How long an analysis that was answered as a link is kept."""
    sweep_seconds: float = Field(default=300.0, gt=0)
    """Time between two deletions of what has expired."""
    comment_seconds: float = Field(default=15.0, gt=0)
    """Longest silence in a stream of events before a comment keeps the connection open."""

    drain_seconds: float = Field(default=0.0, ge=0, le=300)
    """After SIGTERM, how long requests are still taken while `/readyz` already fails."""
    stop_seconds: float = Field(default=30.0, ge=0, le=3600)
    """Then, how long requests in progress may take to end."""

    @property
    def on_loopback(self) -> bool:
        """Whether only those on its machine can reach it."""
        return self.listen.startswith(("127.", "localhost:", "[::1]:"))

    @model_validator(mode="after")
    def _identity_is_whole(self) -> Self:
        # Without tokens, the services would take all tenants for one.
        if (self.api_key_pepper is None) != (self.token_private_key is None):
            raise ValueError("TELLURION_API_KEY_PEPPER and TELLURION_TOKEN_PRIVATE_KEY are given together")
        return self

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TELLURION_TLS_CERTIFICATE and TELLURION_TLS_KEY are given together")
        return self
