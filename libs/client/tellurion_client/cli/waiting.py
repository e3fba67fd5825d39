"""Waiting for work that is not lost when the waiting is interrupted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from tellurion_client.cli import display


def command(*words: str, state: Path | None) -> str:
    """A command of ours as it is typed, on the state folder that this one was given."""
    return shlex.join(["tellurion", *words, *([] if state is None else ["--state", str(state)])])


@contextmanager
def going_on(fetches: Mapping[str, str], *, state: Path | None, lasting: bool) -> Iterator[None]:
    """Where the waiting is interrupted, says of each operation how it is fetched later, and how it is cancelled.

    `lasting` is whether it goes on meanwhile: on a running platform, see `Client.lasting`.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as error:
        for name, fetch in fetches.items():
            later = f"goes on: `{fetch}` fetches it" if lasting else f"stops here: `{fetch}` goes on with it"
            display.note(f"{name} {later}, `{command('operations', 'cancel', name, state=state)}` cancels it")
        if isinstance(error, KeyboardInterrupt) and fetches:
            raise typer.Exit(1) from None
        raise
