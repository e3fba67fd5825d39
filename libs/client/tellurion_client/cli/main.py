"""The command `tellurion` and its subcommands."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Annotated

import typer

from tellurion_client.cli import (
    agent,
    assimilation,
    benchmark,
    keys,
    models,
    ocean,
    operations,
    platform,
    pointcloud,
    splat,
)

app = typer.Typer(
    name="tellurion",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Example: tellurion ocean reconstruct observations.nc -o analysis.nc --month 2",
)
app.add_typer(ocean.app)
app.add_typer(assimilation.app)
app.add_typer(benchmark.app)
app.add_typer(splat.app)
app.add_typer(agent.app)
app.add_typer(pointcloud.app)
app.add_typer(models.app)
app.add_typer(operations.app)
app.add_typer(keys.app)
platform.add_commands(app)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"tellurion {version('tellurion-client')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """AI for the Earth sciences: ocean, atmosphere, scenes, point clouds, models evaluated, analyses on request."""


def main() -> None:
    """Runs the command of `sys.argv` and exits with its code."""
    # What is half done is removed on SIGTERM as it is on Ctrl-C; `up` sets handlers of its own.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    code = run(sys.argv[1:])
    gc.freeze()  # to search what libraries leave in memory for garbage takes a good part of a short command's time
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs one command: 0 done, 1 failed, 2 bad input; a failure is one line on stderr."""
    try:
        code = app(arguments, standalone_mode=False, prog_name="tellurion")
    except Exception as error:
        if os.environ.get("TELLURION_LOG_LEVEL") == "DEBUG":
            raise
        return _failed(error)
    if code == _INTERRUPTED:
        _say("cancelled")
    return code if isinstance(code, int) else 0


_INTERRUPTED = 130


def _failed(error: Exception) -> int:
    """Says what went wrong, and gives the exit code."""
    from tellurion_core.errors import Internal, TellurionError

    if isinstance(error, typer.TyperException):
        _say(_unparsed(error) or error.format_message() or "give a command; `tellurion --help` lists them")
        return error.exit_code
    if isinstance(error, typer.Abort | BrokenPipeError):
        return 1
    hint = "; with TELLURION_LOG_LEVEL=DEBUG it shows where"
    if isinstance(error, TellurionError):
        _say(error.message + (hint if isinstance(error, Internal) else ""))
        return error.exit_code
    _say(f"{type(error).__name__}: {error}{hint}")
    return 1


def _unparsed(error: typer.TyperException) -> str:
    """What to say of a value of the wrong type, in the words of all other violations."""
    from pydantic import ValidationError

    from tellurion_core.errors import FieldViolation, shown

    if not isinstance(error, typer.BadParameter) or not isinstance(error.__cause__, ValidationError):
        return ""
    first = error.__cause__.errors()[0]
    accepted = first["msg"].removeprefix("Input should be ").partition(",")[0]
    return str(FieldViolation((error.param and error.param.name) or "option", shown(first["input"]), accepted))


def _say(message: str) -> None:
    print("tellurion:", " ".join(message.split()), file=sys.stderr)
