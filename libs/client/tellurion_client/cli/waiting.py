"""Waiting for work that is not lost when the waiting is interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

from tellurion_client.cli import display


@contextmanager
def going_on(fetches: Mapping[str, str], *, lasting: bool) -> Iterator[None]:
    """Where the waiting is interrupted, says of each operation how it is fetched later, and how it is cancelled.

    `lasting` is whether it goes on meanwhile: on a running platform, see `Client.lasting`.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as error:
        for name, command in fetches.items():
            later = f"goes on: `{command}` fetches it" if lasting else f"stops here: `{command}` goes on with it"
            display.note(f"{name} {later}, `tellurion operations cancel {name}` cancels it")
        if isinstance(error, KeyboardInterrupt) and fetches:
            raise typer.Exit(1) from None
        raise
