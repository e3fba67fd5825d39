"""The services that are installed beside this client, and the environment each is started with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from tellurion_core.errors import InvalidInput

GROUP = "tellurion.services"
"""Entry-point group in which a service's distribution names its `main`."""
JOB_GROUP = "tellurion.jobs"
"""Entry-point group in which it names the functions of its long work: `<service>.<what>`."""
GATEWAY = "gateway"
"""The service that speaks HTTP and calls the others; it is started last."""
JOBS = "jobs"
"""The process that does the long work of all services; it is started first, and nobody calls it."""

RAY = "ray"
"""The process that runs models on Ray, where services do not run them; it is started before all."""
RAY_MAIN = "tellurion_core.ray_serving.__main__:main"
"""What it runs."""

LOOPBACK = "localhost,127.0.0.1,[::1]"
"""Which endpoints a platform of one user may ask where the user names none; a service alone may ask none."""

_PER_PROCESS = (
    "TELLURION_LISTEN",
    "TELLURION_METRICS_ADDRESS",
    "TELLURION_TLS_CERTIFICATE",
    "TELLURION_TLS_KEY",
    "TELLURION_TLS_CLIENT_CA",
    "TELLURION_SERVICES_TLS_CA",
    "TELLURION_SERVICES_TLS_CERTIFICATE",
    "TELLURION_SERVICES_TLS_KEY",
    "TELLURION_API_KEY",
)
"""Settings that cannot be the same in two processes, would put TLS on a private socket, or are the caller's secret."""


def installed_services() -> dict[str, str]:
    """Name and `module:function` of each installed service, in the order in which they are started."""
    found = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    return {name: found[name] for name in sorted(found, key=lambda name: (name == GATEWAY, name != JOBS, name))}


def services_with_jobs() -> frozenset[str]:
    """The installed services that have long work; none where what does it, core's extra `jobs`, is not installed."""
    if find_spec("celery") is None:
        return frozenset()
    return frozenset(entry.name.partition(".")[0] for entry in entry_points(group=JOB_GROUP))


def chosen_services(names: Iterable[str] | None) -> dict[str, str]:
    """The installed services of these names, all where None, in the order in which they are started.

    `jobs` is among them where one of them has long work.

    Raises:
        InvalidInput: a name that no installed service has, or no service at all.
    """
    installed = installed_services()
    wanted = set(installed) - {JOBS} if names is None else set(names)
    accepted = ", ".join(installed) or "none: install one, for example tellurion-ocean"
    for name in sorted(wanted - set(installed)) or ([] if wanted else [""]):
        raise InvalidInput.of("services", received=name or "nothing", accepted=accepted)
    if wanted & services_with_jobs():
        wanted.add(JOBS)
    return {name: function for name, function in installed.items() if name in wanted}


def jobs_broker(folder: Path) -> str | None:
    """The broker of a platform whose sockets are in `folder`; None where the environment names another."""
    return None if os.environ.get("TELLURION_JOBS_BROKER") else f"redis+socket://{folder / 'redis.sock'}"


def check_science(name: str) -> None:
    """Raises InvalidInput unless an installed service of this name may have models: not the gateway, nor the jobs."""
    known = [service for service in installed_services() if service not in (GATEWAY, JOBS)]
    if name not in known:
        accepted = ", ".join(known) or "none: install one, for example tellurion-ocean"
        raise InvalidInput.of("service", received=name, accepted=accepted)


def environment(*, listen: str, addresses: Mapping[str, str], **settings: str | None) -> dict[str, str]:
    """Our own environment, for a service that listens at `listen` and finds the others at `addresses`.

    `settings` are further ones by the lower-case name without `TELLURION_`; None leaves one as it is.
    """
    own = {"listen": listen, **{f"{name}_address": address for name, address in addresses.items()}, **settings}
    inherited = {name: value for name, value in os.environ.items() if name not in _PER_PROCESS}
    inherited.setdefault("TELLURION_ENDPOINTS", LOOPBACK)
    inherited["TELLURION_TRUST_SOCKET"] = "true"  # those of our services are in a folder that only this user can enter
    return inherited | {f"TELLURION_{name.upper()}": value for name, value in own.items() if value is not None}
