"""What the routes share: settings, the services behind them, and whether the process is stopping."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.identity.api_keys import ApiKeys
from tellurion_gateway.files import FileProcesses
from tellurion_gateway.ocean import Ocean
from tellurion_gateway.settings import GatewaySettings
from tellurion_gateway.uploads.store import UploadStore
from tellurion_gateway.upstreams import Upstreams


@dataclass
class Gateway:
    """The state of one gateway process."""

    settings: GatewaySettings
    """See there."""
    upstreams: Upstreams
    """The services."""
    ocean: Ocean
    """The ocean service, in its own terms."""
    artifacts: ArtifactStore
    """Where analyses are kept that were answered as links."""
    uploads: UploadStore
    """Files on their way to the artifacts."""
    upload_threads: ThreadPoolExecutor
    """Write uploads; each holds one for as long as its sender takes."""
    files: FileProcesses
    """Open what callers send as NetCDF, and draw."""
    keys: ApiKeys | None
    """API keys; None where nobody is asked for one."""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    """The metrics of this process."""
    stopping: bool = False
    """Whether SIGTERM has come: no longer ready, still answering."""


def gateway_of(request: Request) -> Gateway:
    """The gateway that this request came to."""
    gateway = request.app.state.gateway
    assert isinstance(gateway, Gateway)
    return gateway


Here = Annotated[Gateway, Depends(gateway_of)]
"""A route's parameter: the gateway that the request came to."""
