"""A process that reads the headers of files, so that what a damaged one may do to a library ends here.

The first line of its input are the files and folders that it may read, in JSON; each other line is a path, and each
line of its output that file's records, or why there are none. Landlock, where the system has it, lets it read nothing
else, whatever a file may do to a library.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from tellurion_agent.catalogue.reading import records
from tellurion_agent.catalogue.record import to_json
from tellurion_core import landlock
from tellurion_core.errors import InvalidInput

ADDRESS_SPACE = 4 << 30
"""Bytes; an attribute or a coordinate that needs more is refused by the allocator."""


def main() -> None:
    """Answers until its input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a C library prints is no answer
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    places = json.loads(sys.stdin.readline())
    if landlock.abi() >= landlock.MIN_ABI:
        _confine(places)
    print("ready", file=answers, flush=True)  # what a file takes does not count from the start of the interpreter
    for line in sys.stdin:
        answers.write(json.dumps(answer(Path(json.loads(line)))) + "\n")
        answers.flush()


def _confine(places: list[str]) -> None:
    """No file but these and the interpreter's own, and none to write."""
    landlock.no_new_privileges()
    there = (Path(place) for place in places if Path(place).exists())
    landlock.restrict([*landlock.python(), *((place, landlock.READ) for place in there)])


def answer(path: Path) -> dict[str, str]:
    """The `records` of one file, as JSON, or its `problem`."""
    try:
        return {"records": to_json(records(path))}
    except InvalidInput as error:
        return {"problem": error.message}
    except MemoryError:
        return {"problem": "its header alone needs more memory than there is for it"}
    except Exception as error:  # noqa: BLE001 - whatever a hostile file provokes is that file's problem
        return {"problem": f"cannot be read ({type(error).__name__})"}


if __name__ == "__main__":
    main()
