"""`tellurion models …`: weights of one's own for learned methods, and the models that inference servers can run."""

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
    help="Register weights of your own, and run the models of services on inference servers.",
    epilog="Example: tellurion models add north.safetensors --service ocean --name north",
)

ServiceOption = Annotated[str, typer.Option("--service", metavar="SERVICE", help="Service that they are for: ocean.")]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model", metavar="MODEL", help="A model, as `models served` tells it; once for each; all by default."
    ),
]


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
    """List what is registered; the models themselves are told by `tellurion models served`."""
    from tellurion_client.cli import display
    from tellurion_client.services import check_science

    if service is not None:
        check_science(service)
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


@app.command(epilog="Example: tellurion models served --json")
def served(as_json: JsonOption = False) -> None:
    """List the models of the installed services, which they run themselves or have an inference server run."""
    from dataclasses import asdict

    from tellurion_client.cli import display
    from tellurion_core.model_discovery import installed_models

    sources = installed_models().values()
    if not as_json:
        display.served_models(sources)
        return
    display.json_line(
        [
            {
                "name": source.name,
                "distribution": source.distribution,
                "inputs": {name: asdict(spec) for name, spec in source.inputs.items()},
                "outputs": {name: asdict(spec) for name, spec in source.outputs.items()},
            }
            for source in sources
        ]
    )


@app.command(epilog="Example: tellurion models export repository --model ocean_gp --model ocean_oi")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The repository: a folder that is new or empty.")],
    model: ModelsOption = None,
    instances: Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Processes that run each model.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Write a model repository of NVIDIA Triton, whose Python backend runs the models.

    What was written is read back and compared, and every model loaded, before DIR is there. The python3 that is first
    on the server's PATH must have the same distributions installed.
    """
    from tellurion_client.cli import display
    from tellurion_client.serving import need
    from tellurion_core.model_discovery import chosen_models

    need("triton")
    models = chosen_models(model or [])
    from tellurion_core.triton_serving.export import export

    export(models, folder, instances=instances)
    if as_json:
        display.json_line({"repository": str(folder.absolute()), "models": [each.name for each in models]})
    else:
        display.line(f"{folder}: {len(models)} {'model' if len(models) == 1 else 'models'}, each of which was loaded")


@app.command(epilog="Example: tellurion models serve --backend ray --model ocean_gp --listen 127.0.0.1:8001")
def serve(
    backend: Annotated[str, typer.Option(help="What runs the models: ray.")] = "ray",
    model: ModelsOption = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where it listens; port 0 for a free one.")
    ] = "127.0.0.1:8001",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run models on Ray on this machine, for whoever speaks the Open Inference Protocol (KServe v2 gRPC).

    Prints one line when all are loaded; Ctrl-C or SIGTERM stops it in order. Its log is DIR/log/serve.log. Settings are
    those of TELLURION_RAY_* and TELLURION_TLS_*.
    """
    from tellurion_client.cli.serve import serve

    serve(backend, model or [], listen, state, as_json=as_json)


def _store(state: Path | None) -> WeightsStore:
    """The weights that services on this state folder find."""
    from tellurion_core.settings import StateSettings, load
    from tellurion_core.weights import WeightsStore

    settings = load(StateSettings).model_copy(update={"state": state_folder(state)})
    return WeightsStore(settings.models_folder)
