"""Settings of the services behind the gateway."""

from __future__ import annotations

from typing import Self

from pydantic import FilePath, model_validator

from tellurion_core.client import ClientTls
from tellurion_core.settings import Address, StateSettings


class UpstreamSettings(StateSettings):
    """Where the services are, `host:port` or `unix:/path` each, and whom to trust; one that is not set is not there."""

    ocean_address: Address | None = None
    assimilation_address: Address | None = None
    splat_address: Address | None = None
    pointcloud_address: Address | None = None
    benchmark_address: Address | None = None
    agent_address: Address | None = None
    services_tls_ca: FilePath | None = None
    """PEM authorities of the services' certificates; with it, they are called over TLS."""
    services_tls_certificate: FilePath | None = None
    """PEM chain that the gateway presents to the services, where they ask for one (mTLS)."""
    services_tls_key: FilePath | None = None
    """PEM private key that belongs to that chain."""

    def services_tls(self) -> ClientTls | None:
        """TLS towards the services; None where they are called without."""
        if self.services_tls_ca is None:
            return None
        return ClientTls(self.services_tls_ca, self.services_tls_certificate, self.services_tls_key)

    @model_validator(mode="after")
    def _services_tls_is_whole(self) -> Self:
        if (self.services_tls_certificate is None) != (self.services_tls_key is None):
            raise ValueError("TELLURION_SERVICES_TLS_CERTIFICATE and TELLURION_SERVICES_TLS_KEY are given together")
        if self.services_tls_certificate is not None and self.services_tls_ca is None:
            raise ValueError("TELLURION_SERVICES_TLS_CERTIFICATE needs TELLURION_SERVICES_TLS_CA")
        return self
