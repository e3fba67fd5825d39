"""What the routes share: settings, the services behind them, and whether the process is stopping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from tellurion_core.artifacts import ArtifactStore
from tellurion_gateway.ocean import Ocean
from tellurion_gateway.settings import GatewaySettings


@dataclass
class Gateway:
    """The state of one gateway process."""

    settings: GatewaySettings
    """See there."""
    ocean: Ocean
    """The ocean service."""
    artifacts: ArtifactStore
    """Where analyses are kept that were answered as links."""
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
