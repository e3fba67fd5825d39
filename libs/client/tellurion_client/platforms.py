"""Where services are: at an address, behind a gateway, on a `tellurion up`, embedded (`tellurion_client.embedded`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tellurion_client.state import State
from tellurion_core.errors import Unavailable


class Platform(Protocol):
    """Where services are."""

    @property
    def lasting(self) -> bool:
        """Whether it goes on when this client has gone."""

    def address(self, service: str) -> str:
        """Where a service listens: `host:port` or `unix:/path`.

        Raises:
            Unavailable: it does not run and cannot be started.
        """

    def silence(self, service: str) -> str:
        """Why a service does not answer, for a person."""

    def keep_working(self, service: str) -> None:
        """Sees to it that a service's long work is done; to be called now and again while some is waited for.

        Raises:
            InvalidInput: what does it cannot use its settings.
            Unavailable: what does it cannot be started.
        """

    def configure(self, service: str, **settings: str) -> None:
        """Sets settings of a service that this client starts; a service that it does not start has its own."""

    def close(self) -> None:
        """Stops what this client started."""


@dataclass(frozen=True)
class Remote:
    """All services at one address."""

    target: str
    """`host:port` or `unix:/path`."""
    url: str
    """The address as the caller gave it."""

    @property
    def lasting(self) -> bool:
        """See `Platform.lasting`."""
        return True

    def address(self, service: str) -> str:
        """See `Platform.address`."""
        return self.target

    def silence(self, service: str) -> str:
        """See `Platform.silence`."""
        trusted = " with a certificate that is trusted" if self.url.startswith(("grpcs:", "https:")) else ""
        return f"no Tellurion service answers at {self.url}{trusted}"

    def keep_working(self, service: str) -> None:
        """Whoever runs the services sees to it."""

    def configure(self, service: str, **settings: str) -> None:
        """Whoever runs the services has set them."""

    def close(self) -> None:
        """Nothing was started."""


class Gateway(Remote):
    """All services behind one gateway."""

    def address(self, service: str) -> str:
        """See `Platform.address`: the URL under which the gateway has the service."""
        return f"{self.target}/v1/grpc/{service}"


@dataclass(frozen=True)
class Running:
    """The platform of a `tellurion up`."""

    addresses: Mapping[str, str]
    """Address by service."""
    state: Path
    """Its state folder."""

    @property
    def lasting(self) -> bool:
        """See `Platform.lasting`."""
        return True

    def address(self, service: str) -> str:
        """See `Platform.address`."""
        if service not in self.addresses:
            raise Unavailable(f"the platform on {self.state} runs {', '.join(self.addresses)}, not {service}")
        return self.addresses[service]

    def silence(self, service: str) -> str:
        """See `Platform.silence`."""
        return f"the {service} service of the platform on {self.state} does not answer; see `tellurion status`"

    def keep_working(self, service: str) -> None:
        """The platform's supervisor sees to it."""

    def configure(self, service: str, **settings: str) -> None:
        """Whoever runs the services has set them."""

    def close(self) -> None:
        """Nothing was started."""


def running_platform(state: State) -> Running:
    """The platform that runs on a state folder.

    Raises:
        Unavailable: there is none, or it has not finished starting.
    """
    run = state.run()
    if run is None:
        raise Unavailable(f"no platform runs on {state.folder}; start one: tellurion up --state {state.folder}")
    if not run.ready:
        raise Unavailable(f"the platform on {state.folder} is still starting")
    return Running({name: service.address for name, service in run.services.items()}, state.folder)
