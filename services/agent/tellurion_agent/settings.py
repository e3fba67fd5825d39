"""Settings of the agent, from environment variables: its own, and where the other services are."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, FilePath
from pydantic_settings import BaseSettings, SettingsConfigDict

from tellurion_agent.sandbox.sandbox import Limits
from tellurion_core.settings import Address


class AgentSettings(BaseSettings):
    """Which data there are, and how much a script may take; variables with the prefix `TELLURION_AGENT_`."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_AGENT_", extra="ignore", frozen=True)

    libraries: str = ""
    """Folders of data by name, `NAME=FOLDER` separated by commas; every tenant may read them."""
    script_seconds: float = Field(default=600.0, gt=0, le=86_400)
    """Time that one script may take."""
    script_memory_mib: int = Field(default=2048, ge=256, le=1 << 20)
    """Memory that it may take."""
    script_disk_mib: int = Field(default=2048, ge=1, le=1 << 20)
    """What it may write."""
    model_seconds: float = Field(default=120.0, gt=0, le=3600)
    """Time that a language model may take for an answer."""
    service_seconds: float = Field(default=3600.0, gt=0, le=86_400)
    """Time that one exchange with another service may take; long work there may take longer."""

    @property
    def limits(self) -> Limits:
        """Of a script."""
        return Limits(
            seconds=self.script_seconds,
            memory_bytes=self.script_memory_mib << 20,
            disk_bytes=self.script_disk_mib << 20,
        )


class ServiceSettings(BaseSettings):
    """Where the platform's other services are, from variables with the prefix `TELLURION_`; none where not set."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_", extra="ignore", frozen=True)

    ocean_address: Address | None = None
    assimilation_address: Address | None = None
    splat_address: Address | None = None
    pointcloud_address: Address | None = None
    benchmark_address: Address | None = None
    agent_services_ca: FilePath | None = None
    """PEM authorities of the services' certificates; with it they are called over TLS."""
    agent_services_certificate: FilePath | None = None
    """PEM chain that the agent presents to them, where they ask for one (mTLS)."""
    agent_services_key: FilePath | None = None
    """PEM private key that belongs to that chain."""
    token_private_key: FilePath | None = None
    """PEM Ed25519 key that signs the tokens by which they know for whom they are called."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Address by service, of those that are known."""
        fields = {name.removesuffix("_address"): value for name, value in self if name.endswith("_address")}
        return {service: address for service, address in fields.items() if address is not None}
