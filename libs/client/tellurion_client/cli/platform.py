"""`tellurion up`, `status` and `down`: a platform that stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tellurion_client.client import Client

StateOption = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="State folder; $TELLURION_STATE, or ~/.local/state/tellurion."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
UP_EXAMPLES = """Example: tellurion up --detach --port 8080

Example: tellurion up --services ocean,gateway --serving ray

Example: tellurion up --serving triton=localhost:8001"""


def add_commands(app: typer.Typer) -> None:
    """Adds the commands of this module to the root."""
    app.command(epilog=UP_EXAMPLES)(up)
    app.command(epilog="Example: tellurion status --json")(status)
    app.command(epilog="Example: tellurion down")(down)


def up(
    services: Annotated[
        str | None, typer.Option(metavar="A,B", help="Services to run; all that are installed by default.")
    ] = None,
    serving: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="Where models run: local, in their services; ray, on Ray, which is started; triton=HOST:PORT, on that "
            "inference server. $TELLURION_SERVING, or local.",
        ),
    ] = None,
    state: StateOption = None,
    host: Annotated[str, typer.Option(help="Address on which the gateway listens.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port of the gateway, 0 for a free one; 8443 with TLS, else 8080.")
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Certificate chain of the gateway; HTTP without it.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="PEM", help="Private key of the certificate.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is ready, and leave it running.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the services and keep them running; later commands find them by the state folder.

    Prints where they are when all are ready, and the first time a key for the gateway: it is shown that once. Ctrl-C,
    SIGTERM or `tellurion down` stops them in order. Logs are in DIR/log.
    """
    from tellurion_client.cli import up as command

    plan = command.plan(services, serving, state, host, port, tls_certificate, tls_key)
    (command.detached if detach else command.foreground)(plan, as_json=as_json)


def status(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Say what runs on the state folder; exit code 1 where nothing does."""
    from tellurion_client.cli import display
    from tellurion_client.health import answers
    from tellurion_client.state import State

    folder = state_folder(state)
    run = State(folder).run()
    services: dict[str, dict[str, Any]] = {}
    for name, service in run.services.items() if run is not None else ():
        phase = service.phase if service.phase != "ready" or answers(service.address) else "not answering"
        services[name] = {
            "status": phase,
            "address": service.address,
            "pid": service.pid,
            "restarts": service.restarts,
        }
    running = run is not None and run.ready
    if as_json:
        display.json_line(
            {"running": running, "state": str(folder), "pid": run.pid if run else None, "services": services}
        )
    elif run is None:
        display.line(f"nothing runs on {folder}")
    else:
        display.services(folder, run.pid, services)
    if not running:
        raise typer.Exit(1)


def down(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Stop what runs on the state folder, in order; nothing running is as good as stopped."""
    import os
    import signal
    from contextlib import suppress

    from tellurion_client.cli import display
    from tellurion_client.state import State
    from tellurion_core.errors import Unavailable

    place = State(state_folder(state))
    run = place.run()
    if run is not None:
        with suppress(ProcessLookupError):  # it ended just now
            os.kill(run.pid, signal.SIGTERM)
        if not place.wait_until_free(120.0):
            raise Unavailable(f"process {run.pid} has not stopped within 120 s")
    if as_json:
        display.json_line({"stopped": run is not None, "state": str(place.folder)})
    else:
        display.line(f"stopped what ran on {place.folder}" if run else f"nothing runs on {place.folder}")


def state_folder(given: Path | None) -> Path:
    """The state folder: the option's, else that of the environment, else the user's own."""
    from tellurion_core.settings import StateSettings, load

    return (given or load(StateSettings).state).absolute()


def connected(state: Path | None) -> Client:
    """The platform of $TELLURION_URL, else the one that runs on the state folder, else an embedded one."""
    import os

    from tellurion_client.client import Client, connect
    from tellurion_client.embedded import Embedded
    from tellurion_client.state import State

    if state is None and os.environ.get("TELLURION_URL"):
        return connect()
    folder = state_folder(state)
    if State(folder).run() is not None:
        return connect(folder)
    return Client(Embedded(timeout=60.0, state=folder))
