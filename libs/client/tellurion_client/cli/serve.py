"""What `tellurion models serve` does: run Ray with our application in a process of its own, until a signal ends it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import typer
from pydantic import TypeAdapter, ValidationError

from tellurion_client.cli import display
from tellurion_client.cli.platform import state_folder
from tellurion_client.cli.up import log_for
from tellurion_client.process import ServiceProcess, ended
from tellurion_client.services import RAY, RAY_MAIN
from tellurion_client.serving import need
from tellurion_client.sockets import SocketFolder, check_free
from tellurion_client.state import State
from tellurion_client.supervisor import RAY_STARTS_WITHIN, STOPS_WITHIN
from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_core.settings import Address


def serve(backend: str, models: Sequence[str], listen: str, state: Path | None, *, as_json: bool) -> None:
    """Serves the models of these names, or all, and says so when they can be asked.

    Raises:
        InvalidInput: naming the option that cannot be used.
        Unavailable: it did not start, or ended by itself.
    """
    if backend != RAY:
        accepted = f"{RAY}; for Triton, `tellurion models export` writes a model repository"
        raise InvalidInput.of("backend", received=backend, accepted=accepted)
    _check_listen(listen)
    need(RAY)
    log = log_for(State(state_folder(state)), "serve")
    folder = SocketFolder()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        env = os.environ | {"TELLURION_LISTEN": listen}
        process = ServiceProcess(RAY, RAY_MAIN, folder.path, env, log, models)
        try:
            address = process.address(RAY_STARTS_WITHIN)
            if as_json:
                display.json_line({"ready": RAY, "address": address, "pid": os.getpid(), "log": str(log)})
            else:
                display.line(f"ready: {RAY} {address} (log: {log})")
            raise Unavailable(f"{RAY} {ended(process.wait())} (log: {log})")
        finally:
            process.stop(STOPS_WITHIN)
    finally:
        folder.remove()


def _end(number: int, frame: FrameType | None) -> None:
    raise typer.Exit


def _check_listen(listen: str) -> None:
    try:
        TypeAdapter(Address).validate_python(listen)
    except ValidationError:
        accepted = "host:port with a port of 0 to 65535, or unix:/path"
        raise InvalidInput.of("listen", received=listen, accepted=accepted) from None
    if not listen.startswith("unix:"):
        host, _, port = listen.rpartition(":")
        check_free(host.strip("[]"), int(port), options=("listen", "listen"))
