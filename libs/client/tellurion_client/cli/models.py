"""`tellurion models …`: weights of one's own for the learned methods of services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, state_folder

if TYPE_CHECKING:
    from tellurion_core.weights import WeightsStore

app = typer.Typer(
    name="models",
    no_args_is_help=True,
    help="Register weights of your own, for services that run on this machine.",
    epilog="Example: tellurion models add north.safetensors --service ocean --name north",
)

ServiceOption = Annotated[str, typer.Option("--service", metavar="SERVICE", help="Service that they are for: ocean.")]


@app.command(epilog="Example: tellurion models add north.safetensors --service ocean --name north")
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights, safetensors.")],
    service: ServiceOption,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name to ask for them by, with --weights.")],
    spec: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="What they are weights of, where FILE does not say it.")
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register weights under a name; the file is copied, and known by its SHA-256 as well.

    What they are weights of is the JSON object under `spec` in their metadata, or in FILE.json. They are kept in
    $TELLURION_MODELS, or in the folder `models` of the state folder; services that run need no restart.
    """
    from tellurion_client.cli import display
    from tellurion_client.services import check_science

    check_science(service)
    entry = _store(state).add(file, service=service, name=name, spec=spec)
    if as_json:
        display.json_line(entry.model_dump(mode="json"))
    else:
        display.line(f"{entry.name} for {entry.service}: {entry.size / 1e6:.1f} MB, SHA-256 {entry.sha256}")


@app.command("list", epilog="Example: tellurion models list --json")
def list_(
    service: Annotated[str | None, typer.Option(metavar="SERVICE", help="Only those for this service.")] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is registered."""
    from tellurion_client.cli import display

    registered = _store(state).list(service)
    if as_json:
        display.json_line([entry.model_dump(mode="json") for entry in registered])
    else:
        display.models(registered)


@app.command(epilog="Example: tellurion models remove north --service ocean")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name that they are registered under.")],
    service: ServiceOption,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a name; the copy is deleted where no other name means it."""
    from tellurion_client.cli import display

    entry = _store(state).remove(service, name)
    if as_json:
        display.json_line(entry.model_dump(mode="json"))
    else:
        display.line(f"{entry.name} for {entry.service} is no longer registered")


def _store(state: Path | None) -> WeightsStore:
    """The weights that services on this state folder find."""
    from tellurion_core.settings import StateSettings, load
    from tellurion_core.weights import WeightsStore

    settings = load(StateSettings).model_copy(update={"state": state_folder(state)})
    return WeightsStore(settings.models_folder)
