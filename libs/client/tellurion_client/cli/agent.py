"""`tellurion agent …`: analyses that are asked for in plain language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, connected

if TYPE_CHECKING:
    from tellurion_client.agent_results import Answer, Lesson, Plan
    from tellurion_client.benchmark_request import Endpoint

CODES = {"answered": 0, "failed": 1, "clarify": 3, "abstained": 4}
"""Exit codes."""
REPORT, RECORD, RUN = "report.html", "record.json", "run"

app = typer.Typer(
    name="agent",
    no_args_is_help=True,
    help="Ask for an analysis in plain language; get a number, a figure and a report that can be checked.",
    epilog='Example: tellurion agent ask "How fast has the North Atlantic warmed since 1980?" --data DIR',
)

DataOption = Annotated[
    list[Path] | None, typer.Option("--data", metavar="DIR", help="Folder of NetCDF files; may be given again.")
]
LibraryOption = Annotated[
    list[str] | None, typer.Option("--library", metavar="NAME", help="Data that a platform has; may be given again.")
]


@app.command(
    epilog='Example: tellurion agent ask "What is the mean seasonal cycle of SST in the Niño 3.4 region?" '
    "--data cmip6 --out nino --yes --json"
)
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.", show_default=False)],
    data: DataOption = None,
    library: LibraryOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="RUN", help="Folder for the report; agent-<id> by default.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Run the best plan without asking.")] = False,
    session: Annotated[
        str, typer.Option(metavar="S", help='Conversation; "and for the Pacific?" is understood in it.')
    ] = "",
    llm_endpoint: Annotated[
        str, typer.Option(metavar="URL", help="OpenAI-compatible server that plans beside the recipes.")
    ] = "",
    llm_model: Annotated[str, typer.Option(metavar="NAME", help="Model of it.")] = "",
    api_key_env: Annotated[str, typer.Option(metavar="VAR", help="Environment variable with its key.")] = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question about data, or ask back, or say why it cannot be answered.

    Exit code 0 answered, 1 failed, 3 a question back, 4 no honest answer. On a terminal, without --yes, the plans are
    shown and one is chosen. JSON where --json asks for it or stdout is no terminal.
    """
    import sys

    from tellurion_client.cli import display
    from tellurion_core.errors import InvalidInput

    if bool(llm_endpoint) != bool(llm_model):
        raise InvalidInput.of("llm-endpoint, llm-model", received="one of them", accepted="both, or none")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidInput.of("out", received=f"{out}, which is there", accepted="a new folder, or an empty one")
    asks = not yes and sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    with connected(state) as client, nullcontext(display.note) if asks else _told() as told:
        answer = client.agent.ask(
            question,
            data=data or (),
            libraries=library or (),
            session=session,
            choose=_chosen if asks else None,
            model=_endpoint(llm_endpoint, llm_model, api_key_env),
            told=told,
        )
        folder = None
        if answer.files:
            folder = out or Path(f"agent-{answer.run.rpartition('/')[2][:8]}")
            client.agent.download(answer, folder)
            (folder / RUN).write_text(f"{answer.run}\n")
    if as_json or not sys.stdout.isatty():
        display.json_line(_document(answer, folder))
    else:
        _show(answer, folder)
    raise typer.Exit(CODES[answer.status])


@app.command(epilog="Example: tellurion agent feedback agent-3f2a9c1e 'base period 1991–2020, please'")
def feedback(
    run: Annotated[str, typer.Argument(help="Folder of a run, or its name: agent/runs/<id>.", show_default=False)],
    text: Annotated[
        str,
        typer.Argument(help='"good", a correction, or "remember this as …".', show_default=False),
    ],
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what was good or wrong about a run; later runs on the same topic heed it."""
    from tellurion_client.cli import display

    with connected(state) as client:
        taken = client.agent.feedback(_run_name(run), text)
    if as_json:
        lesson = None if taken.lesson is None else _lesson(taken.lesson)
        display.json_line({"outcome": taken.outcome, "understood": taken.understood, "lesson": lesson})
    else:
        display.line(taken.understood)
    raise typer.Exit(1 if taken.outcome == "nothing_learned" else 0)


@app.command(epilog="Example: tellurion agent replay agent-3f2a9c1e --data cmip6")
def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)],
    data: DataOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run an analysis again from its record, and compare; exit code 1 where data or numbers are others.

    --data are read in the place of the run's own data.
    """
    from tellurion_client.cli import display
    from tellurion_core.errors import InvalidInput

    record = run / RECORD if run.is_dir() else run
    if not record.is_file():
        raise InvalidInput.of("run", received=f"no {RECORD} in {run}", accepted="the folder of a run")
    with connected(state) as client, _told() as told:
        answer = client.agent.replay(record, data=data or (), told=told)
    same = answer.differs == ""
    if as_json:
        display.json_line(_document(answer, None) | {"same": same, "differs": answer.differs})
    else:
        display.line("the same outcome from the same data" if same else answer.reason)
    raise typer.Exit(0 if same else 1)


@app.command(epilog="Example: tellurion agent recipes --json")
def recipes(state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the analyses that are known, with an example of how each may be asked for."""
    from dataclasses import asdict

    from tellurion_client.cli import agent_tables, display

    with connected(state) as client:
        known = client.agent.recipes()
    if as_json:
        display.json_line([asdict(recipe) for recipe in known])
    else:
        agent_tables.recipes(known)


@app.command(epilog="Example: tellurion agent catalogue cmip6 --json")
def catalogue(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR…", help="Folders of NetCDF files.", show_default=False)],
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the data sets in folders, and the files that cannot be read."""
    from dataclasses import asdict

    from tellurion_client.cli import agent_tables, display

    with connected(state) as client:
        listing = client.agent.catalogue(folders)
    if as_json:
        display.json_line(asdict(listing))
    else:
        agent_tables.listing(listing)


@app.command(epilog="Example: tellurion agent learn recipe_ocean_example.yml")
def learn(
    recipe: Annotated[Path, typer.Argument(metavar="FILE", help="A recipe of ESMValTool.", show_default=False)],
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn what a recipe of ESMValTool does: each part of it is then asked for by its name."""
    from tellurion_client.cli import agent_tables, display

    with connected(state) as client:
        learned = client.agent.learn(recipe)
    if as_json:
        display.json_line({"lessons": [*map(_lesson, learned.lessons)], "not_learned": dict(learned.not_learned)})
    else:
        agent_tables.learned(learned)
    raise typer.Exit(0 if learned.lessons else 1)


@app.command(epilog="Example: tellurion agent lessons --revert 3f2a9c1e5b7d4f60a8e1c2d3b4a59687")
def lessons(
    revert: Annotated[str, typer.Option(metavar="ID", help="Take a lesson back.")] = "",
    restore: Annotated[str, typer.Option(metavar="ID", help="Take a lesson up again.")] = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was taught; nothing is forgotten, and everything can be taken back."""
    from tellurion_client.cli import agent_tables, display

    with connected(state) as client:
        for id, active in ((revert, False), (restore, True)):
            if id:
                client.agent.set_lesson(id, active=active)
        taught = client.agent.lessons()
    if as_json:
        display.json_line([_lesson(lesson) for lesson in taught])
    else:
        agent_tables.lessons(taught)


@contextmanager
def _told() -> Iterator[Any]:
    """What is being done, as it comes."""
    from tellurion_client.cli import display

    with display.progress("working") as progress:
        yield None if progress is None else (lambda doing: progress(0.0, doing))


def _chosen(plans: Sequence[Plan]) -> int | None:
    """The plan that whoever sits at the terminal wants."""
    from tellurion_client.cli import agent_tables

    if not plans:
        return None
    agent_tables.plans(plans)
    answer = typer.prompt(f"Which plan, 1 to {len(plans)}, or 0 for none?", default=1, type=int)
    return answer - 1 if 1 <= answer <= len(plans) else None


def _endpoint(url: str, model: str, key: str) -> Endpoint | None:
    from tellurion_client.benchmark_request import Endpoint

    return Endpoint(url=url, model=model, api_key_env=key) if url else None


def _run_name(given: str) -> str:
    """The name of a run, or what its folder has it as."""
    from tellurion_core.errors import InvalidInput

    if given.startswith("agent/runs/"):
        return given
    path = Path(given) / RUN
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        accepted = "the folder of a run, or agent/runs/<id>"
        raise InvalidInput.of("run", received=f"no {path}", accepted=accepted) from None


def _document(answer: Answer, folder: Path | None) -> dict[str, Any]:
    """The answer as the contract of the command has it."""
    values = [_value(value) for value in answer.values]
    document: dict[str, Any] = {"status": answer.status}
    if values:
        document["answer"] = values[0] if len(values) == 1 else values
    document |= {
        name: value
        for name, value in (("plan", answer.plan), ("question", answer.question), ("reason", answer.reason))
        if value
    }
    if answer.options:
        document["options"] = list(answer.options)
    document["notes"] = list(answer.notes)
    document["run"] = answer.run
    if folder is not None:
        document |= {**_basis(folder), "report": str(folder / REPORT)}
    return document


def _basis(folder: Path) -> dict[str, Any]:
    """What an answer rests on: its data, and what was assumed because nobody said it."""
    import json

    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    settings = ((setting["name"], setting["value"]) for setting in record["settings"] if setting["assumed"])
    return {"data": [source["title"] for source in record["sources"]], "assumed": dict(settings)}


def _value(value: Any) -> dict[str, Any]:
    bounds = {} if value.low is None else {"low": value.low, "high": value.high}
    return {"value": value.value, "units": value.units, "label": value.label, **bounds}


def _show(answer: Answer, folder: Path | None) -> None:
    from tellurion_client.cli import display

    for value in answer.values:
        bounds = "" if value.low is None else f" ({value.low:.4g} to {value.high:.4g})"
        shown = value.value if isinstance(value.value, str) else f"{value.value:.5g}"
        display.line(f"{value.label}: {shown} {value.units}{bounds}")
    for said in (answer.question, answer.reason, *answer.notes):
        if said:
            display.line(said)
    for option in answer.options:
        display.line(f"  - {option}")
    if folder is not None:
        basis = _basis(folder)
        for title in basis["data"]:
            display.line(f"data: {title}")
        for name, value in basis["assumed"].items():
            display.line(f"assumed: {name}: {value}")
        display.line(f"report: {folder / REPORT}")


def _lesson(lesson: Lesson) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(lesson), "created": lesson.created.isoformat()}
