"""`tellurion operations …`: long work that was submitted, on any service."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, connected

if TYPE_CHECKING:
    from tellurion_client.operations import OperationStatus

app = typer.Typer(
    name="operations",
    no_args_is_help=True,
    help="Follow, cancel and forget long work: evaluations, reconstructions and the like.",
    epilog="Example: tellurion operations list --service benchmark",
)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the operation: <service>/operations/<id>.", show_default=False)
]
NAME = "benchmark/operations/3f2a9c1e5b7d4f60a8e1c2d3b4a59687"


@app.command("list", epilog="Example: tellurion operations list --service benchmark --filter 'state = RUNNING'")
def list_(
    service: Annotated[str, typer.Option(metavar="SERVICE", help="Service that works, such as benchmark or ocean.")],
    matching: Annotated[
        str, typer.Option("--filter", metavar="F", help="'state = RUNNING', 'kind = K', or both joined by AND.")
    ] = "",
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Most operations that are listed.")] = 50,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List operations, newest first."""
    from tellurion_client.cli import display

    with connected(state) as client:
        found = list(islice(client.operations.list(service, matching=matching), limit))
    if as_json:
        display.json_line([_document(status) for status in found])
    else:
        display.operations(found)


@app.command(epilog=f"Example: tellurion operations get {NAME}")
def get(name: NameArgument, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Say how an operation stands."""
    with connected(state) as client:
        _show(client.operations.named(name).get(), as_json)


@app.command(epilog=f"Example: tellurion operations wait {NAME} --timeout 600")
def wait(
    name: NameArgument,
    timeout: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds to wait at most; the work goes on after them.")
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Wait until an operation has ended; exit code 0 where it succeeded.

    Ctrl-C ends the waiting, not the work.
    """
    from tellurion_client.cli import display

    with connected(state) as client, display.progress("waiting") as progress:
        status = client.operations.named(name).wait(progress=progress, timeout=timeout)
    if status.error is not None:
        raise status.error
    _show(status, as_json)


@app.command(epilog=f"Example: tellurion operations cancel {NAME}")
def cancel(name: NameArgument, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Ask that an operation be cancelled; it ends within a second or so, and one that has ended stays as it is."""
    with connected(state) as client:
        operation = client.operations.named(name)
        operation.cancel()
        _show(operation.get(), as_json)


@app.command(epilog=f"Example: tellurion operations delete {NAME}")
def delete(name: NameArgument, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Forget an operation that has ended."""
    from tellurion_client.cli import display

    with connected(state) as client:
        client.operations.named(name).delete()
    if as_json:
        display.json_line({"name": name, "deleted": True})
    else:
        display.line(f"{name} is deleted")


def _show(status: OperationStatus, as_json: bool) -> None:
    """Prints how one operation stands."""
    from tellurion_client.cli import display

    if as_json:
        display.json_line(_document(status))
        return
    now = status.error.message if status.error is not None else status.message
    attempt = f" (attempt {status.attempt})" if status.attempt > 1 else ""
    stands = f"{status.name}: {status.kind} {status.state}{attempt}, {status.fraction:.0%}"
    display.line(stands + (f", {now}" if now else ""))


def _document(status: OperationStatus) -> dict[str, Any]:
    """How an operation stands, for a program."""
    moments = {
        name: moment and moment.isoformat()
        for name, moment in (("created", status.created), ("started", status.started), ("finished", status.finished))
    }
    error = status.error and {"reason": status.error.reason, "message": status.error.message}
    return vars(status) | moments | {"error": error, "done": status.done}
