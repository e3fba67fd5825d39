"""Settings of a service process, from environment variables with the prefix `TELLURION_`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, FilePath, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import FieldViolation, InvalidInput, shown


def _is_address(value: str) -> bool:
    host, _, port = value.rpartition(":")
    numbered = host and port.isascii() and port.isdigit() and int(port) <= 65535
    return value.startswith("unix:/") or bool(numbered and re.fullmatch(r"\[[0-9a-fA-F:]+\]|[^:\s]+", host))


def _checked_address(value: str) -> str:
    if not _is_address(value):
        raise ValueError("host:port with a port of 0 to 65535, or unix:/path")
    return value


Address = Annotated[str, AfterValidator(_checked_address)]
"""`host:port`, port 0 for any free one, or `unix:/path`."""


def _checked_serving(value: str) -> str:
    scheme, _, address = value.partition("://")
    if value != LOCAL and not (scheme == "grpc" and _is_address(address) and not address.endswith(":0")):
        raise ValueError(f"{LOCAL}, or grpc://host:port with a port of 1 to 65535")
    return value


LOCAL = "local"
"""Of ServingSettings: in the service's own process."""

S = TypeVar("S", bound=BaseSettings)
_CONFIG = SettingsConfigDict(env_prefix="TELLURION_", extra="ignore", frozen=True)


class TelemetrySettings(BaseSettings):
    """Where logs, metrics and traces go."""

    model_config = _CONFIG

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe line that is logged."""
    metrics_address: Address | None = None
    """Where Prometheus may scrape `/metrics`; nowhere by default."""
    otlp_endpoint: str | None = None
    """OpenTelemetry collector that takes traces, OTLP over gRPC; none by default."""


class ServerSettings(BaseSettings):
    """How a service listens, how much it takes on, and how it stops."""

    model_config = _CONFIG

    listen: Address = "127.0.0.1:0"
    """Where the gRPC server listens."""
    tls_certificate: FilePath | None = None
    """PEM chain of the server; plain text without it."""
    tls_key: FilePath | None = None
    """PEM private key that belongs to the certificate."""
    tls_client_ca: FilePath | None = None
    """PEM authorities of client certificates; with it, every client must present one (mTLS)."""
    token_public_keys: FilePath | None = None
    """PEM Ed25519 public keys of gateways; with it, every call must carry a token that one of them signed."""
    trust_socket: bool = False
    """Whether calls over a Unix socket need none: whoever may open it is then the installation's own user."""
    max_concurrent_calls: int = Field(default=256, ge=1, le=100_000)
    """Calls answered at once; further ones are refused with RESOURCE_EXHAUSTED."""
    max_call_seconds: float = Field(default=3600.0, gt=0)
    """Longest call, whatever deadline the caller sets."""
    max_request_bytes: int = Field(default=256 << 20, ge=1 << 20)
    """Most bytes of tensors in one request."""
    connection_seconds: float = Field(default=300.0, ge=1, le=1_000_000)
    """How long a connection takes new calls; then its client opens another, maybe to another server of that name."""
    drain_seconds: float = Field(default=0.0, ge=0, le=300)
    """After SIGTERM, how long the server goes on taking calls while it already reports NOT_SERVING."""
    stop_seconds: float = Field(default=30.0, ge=0, le=3600)
    """Then, how long calls in progress may take to end."""

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TELLURION_TLS_CERTIFICATE and TELLURION_TLS_KEY are given together")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError("TELLURION_TLS_CLIENT_CA needs TELLURION_TLS_CERTIFICATE")
        return self


class StateSettings(BaseSettings):
    """Where a process keeps what must survive it."""

    model_config = _CONFIG

    state: Path = Path.home() / ".local" / "state" / "tellurion"
    """Folder for artifacts, weights, sockets and databases of an embedded platform."""
    models: Path | None = None
    """Folder of registered weights; `models` in the state folder where it is not set."""
    tenant_bytes: int = Field(default=256 << 30, ge=1 << 20)
    """Most bytes that the files of one tenant may have together. Results of long work count, and are kept beyond it."""

    @property
    def models_folder(self) -> Path:
        """Folder of registered weights."""
        return self.models or self.state / "models"

    def artifacts(self) -> ArtifactStore:
        """The store of artifacts."""
        return ArtifactStore(self.state / "artifacts", tenant_bytes=self.tenant_bytes)


class ServingSettings(BaseSettings):
    """Where models run."""

    model_config = _CONFIG

    serving: Annotated[str, AfterValidator(_checked_serving)] = LOCAL
    """`local`, in their service's process, or `grpc://host:port`, on that server of the Open Inference Protocol."""
    serving_tensors: Path | None = None
    """Folder, shared with that server (`TELLURION_RAY_TENSORS`), for tensors that no message of 64 MiB holds."""


def load(kind: type[S]) -> S:
    """Reads settings from the environment.

    Raises:
        InvalidInput: naming each variable that cannot be used; the values of secrets are not repeated.
    """
    try:
        return kind()
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix"))
        raise InvalidInput(*(_violation(prefix, e) for e in error.errors(include_url=False))) from None


def _violation(prefix: str, error: object) -> FieldViolation:
    assert isinstance(error, dict)
    name = prefix + "_".join(str(part).upper() for part in error["loc"]) if error["loc"] else "settings"
    if error["type"] == "missing":
        return FieldViolation(name, "nothing", "a value")
    accepted = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "path_not_directory":
        accepted = "a folder that is there"
    received = re.sub(r"//.*@", "//…@", str(error["input"]))  # a URL's password
    return FieldViolation(name, shown(received) if error["loc"] else "this combination", accepted)
