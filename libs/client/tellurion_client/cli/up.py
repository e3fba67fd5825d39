"""What `tellurion up` does: check everything it was given, then run, in the foreground or detached."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from tellurion_client.cli import display
from tellurion_client.cli.platform import state_folder
from tellurion_client.identity import first_key, identity_settings
from tellurion_client.services import GATEWAY, chosen_services
from tellurion_client.serving import chosen_serving
from tellurion_client.sockets import check_free
from tellurion_client.state import State
from tellurion_client.supervisor import GatewaySettings, Supervisor
from tellurion_core.errors import InvalidInput


@dataclass(frozen=True)
class Plan:
    """A platform that can be started."""

    services: Mapping[str, str]
    """`module:function` by name, in the order of starting; those that run the services' models among them."""
    state: State
    """Where it keeps its state."""
    gateway: GatewaySettings
    """How its gateway faces the world."""
    settings: Mapping[str, str]
    """What all its processes get, by the lower-case name without `TELLURION_`."""
    options: tuple[str, ...]
    """What it was asked for with, beside state and gateway."""


def plan(
    services: str | None,
    serving: str | None,
    state: Path | None,
    host: str,
    port: int | None,
    certificate: Path | None,
    key: Path | None,
) -> Plan:
    """The platform that the options ask for.

    Raises:
        InvalidInput: naming the option that cannot be used.
        Unavailable: what is to run the models is not installed, or not there.
    """
    chosen = chosen_services(None if services is None else [name.strip() for name in services.split(",")])
    models = chosen_serving(serving, chosen)
    _check_pair(certificate, key)
    if port is None:
        port = 8080 if certificate is None else 8443
    if not 0 <= port <= 65535:
        raise InvalidInput.of("port", received=port, accepted="0 to 65535")
    place = State(state_folder(state))
    if place.run() is None:  # where one runs, that is the better answer
        if GATEWAY in chosen:
            check_free(host, port)
        models.check()
    pair = [None if path is None else str(path.absolute()) for path in (certificate, key)]
    options = ("--services", ",".join(chosen)) + (() if serving is None else ("--serving", serving))
    return Plan({**models.processes, **chosen}, place, GatewaySettings(host, port, *pair), models.settings, options)


def foreground(plan: Plan, *, as_json: bool) -> None:
    """Runs the platform until a signal stops it."""

    def ready(addresses: Mapping[str, str]) -> None:
        about = {"ready": "tellurion", "state": str(plan.state.folder), "pid": os.getpid(), "services": addresses}
        if GATEWAY in addresses and (key := first_key(plan.state)) is not None:
            about["api_key"] = key
        _say(about, as_json=as_json)

    with plan.state.held():
        identity = identity_settings(plan.state) if GATEWAY in plan.services else {}
        settings = {**plan.settings, **identity}
        Supervisor(plan.services, plan.state, plan.gateway, say=display.note, settings=settings).run(ready)


def detached(plan: Plan, *, as_json: bool) -> None:
    """Starts the platform in a process that stays, and returns when it is ready."""
    command = [sys.executable, "-P", "-m", "tellurion_client", "up", "--state", str(plan.state.folder)]
    command += [*plan.options, "--host", plan.gateway.host, "--port", str(plan.gateway.port)]
    if plan.gateway.certificate and plan.gateway.key:
        command += ["--tls-certificate", plan.gateway.certificate, "--tls-key", plan.gateway.key]
    command.append("--json")
    log = log_for(plan.state, "up")
    with log.open("ab") as stderr:
        start = stderr.tell()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )
    assert process.stdout is not None
    if line := process.stdout.readline():
        _say(json.loads(line), as_json=as_json)
        return
    code = process.wait()
    said = log.read_bytes()[start:].decode(errors="replace").strip().splitlines()
    display.note(said[-1].removeprefix("tellurion: ") if said else f"the platform did not start (log: {log})")
    raise typer.Exit(code or 1)


def _say(about: Mapping[str, Any], *, as_json: bool) -> None:
    """Says that the platform is ready, and how to come in."""
    if as_json:
        display.json_line(about)
        return
    services = about["services"]
    display.line("ready: " + ", ".join(f"{name} {address}" for name, address in services.items()))
    if "api_key" in about:
        display.line(f"key of {services[GATEWAY]}, shown this once: {about['api_key']}")
    elif GATEWAY in services:
        display.line(f"{services[GATEWAY]} asks for a key: `tellurion keys create` makes one")


def log_for(state: State, name: str) -> Path:
    """The log of this name in a state folder, where it can be written to. Raises InvalidInput."""
    try:
        state.make()
        log = state.logs / f"{name}.log"
        log.touch()
    except OSError as error:
        received = f"{state.folder}: {error.strerror}"
        raise InvalidInput.of("state", received=received, accepted="a folder to write in") from None
    return log


def _check_pair(certificate: Path | None, key: Path | None) -> None:
    for name, path, other in (("tls-certificate", certificate, key), ("tls-key", key, certificate)):
        if path is None and other is not None:
            raise InvalidInput.of(name, received="nothing", accepted="--tls-certificate and --tls-key together")
        if path is not None and not path.is_file():
            raise InvalidInput.of(name, received=str(path), accepted="a PEM file")
    if certificate is None or key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError) as error:
        received = f"{certificate} with {key}: {error.strerror or error}"
        raise InvalidInput.of(
            "tls-certificate", received=received, accepted="a PEM chain and its unencrypted key"
        ) from None


def _no_password() -> str:
    raise OSError("the key is encrypted")
