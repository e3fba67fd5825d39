"""Where the models of a platform run: in its services, on Ray that it starts, or on a server that is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from pydantic import ValidationError

from tellurion_client.services import RAY, RAY_MAIN
from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_core.model_discovery import services_with_models
from tellurion_core.module_process import run_module
from tellurion_core.settings import LOCAL, ServingSettings, load

ACCEPTED = f"{LOCAL}, {RAY}, or triton=HOST:PORT"


@dataclass(frozen=True)
class Serving:
    """What a platform is started with so that its models run where they should."""

    processes: Mapping[str, str]
    """`module:function` by name, to be started before the services."""
    settings: Mapping[str, str]
    """What every service gets, by the lower-case name without `TELLURION_`."""
    server: str = ""
    """Address of the inference server that has to be there."""
    services: tuple[str, ...] = ()
    """Those of the platform that have models."""

    def check(self) -> None:
        """Raises Unavailable where the server is not there, or has not every model of the services as it is here."""
        if not self.server:
            return
        code, said = run_module("tellurion_core.inference_check", self.server, *self.services)
        if code:
            raise Unavailable(said or f"{self.server} could not be checked")


def chosen_serving(option: str | None, services: Iterable[str]) -> Serving:
    """What `--serving` asks for, for these services; where it is not given, the environment decides.

    Raises:
        InvalidInput: it cannot be used.
        Unavailable: what it needs is not installed.
    """
    if option is None:
        load(ServingSettings)  # now rather than in each service
        return Serving({}, {})
    if option == LOCAL:
        return Serving({}, {"serving": LOCAL})
    backend, _, address = option.partition("=")
    if option != RAY and backend != "triton":
        raise InvalidInput.of("serving", received=option, accepted=ACCEPTED)
    modelled = tuple(sorted(services_with_models().intersection(services)))
    if not modelled:
        received = f"{option}, and no service that has models"
        raise InvalidInput.of("serving", received=received, accepted=LOCAL)
    if option == RAY:
        need(RAY)
        _check_ray()
        return Serving({RAY: RAY_MAIN}, {"ray_services": json.dumps(modelled)}, services=modelled)
    try:
        settings = ServingSettings(serving=f"grpc://{address}")
    except ValidationError:
        raise InvalidInput.of("serving", received=option, accepted=ACCEPTED) from None
    need("triton")
    return Serving({}, {"serving": settings.serving}, address, modelled)


def need(extra: str) -> None:
    """Raises Unavailable where an extra of tellurion-core, `ray` or `triton`, is not installed."""
    if find_spec({"ray": "ray", "triton": "tritonclient"}[extra]) is None:
        raise Unavailable(f"the extra {extra} is not installed: pip install 'tellurion-core[{extra}]'")


def _check_ray() -> None:
    """Reads Ray's settings now rather than in its process."""
    from tellurion_core.ray_serving.settings import RaySettings

    if (address := load(RaySettings).address) is not None:
        accepted = "nothing: --serving ray starts Ray on this machine"
        raise InvalidInput.of("TELLURION_RAY_ADDRESS", received=address, accepted=accepted)
