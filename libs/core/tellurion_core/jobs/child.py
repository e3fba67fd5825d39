"""The process of one attempt: `python -m tellurion_core.jobs.child FD`, where FD is an open file that says what to do.

It forks at once: the parent stays behind as guard, the child does the work and tells its worker by its standard output.
"""

from __future__ import annotations

import os
import sys

from tellurion_core.jobs.given import Given
from tellurion_core.jobs.guard import forked


def main() -> None:
    """Does the work."""
    with open(int(sys.argv[1]), "rb") as file:  # noqa: PTH123 -- a file descriptor
        given, body = Given.read(file)
    asked = forked(given.silence_seconds, given.since)
    from tellurion_core.jobs.doing import do  # only here, in the process that works: the guard stays small

    # What the function and its libraries print goes to the log; the pipe is for us alone.
    pipe = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    do(given, body, pipe, cancelled=lambda: asked[0] != 0)
    sys.stdout.flush()
    # Nothing is left to do; libraries that take their time to unload would keep the job's place.
    os._exit(0)


if __name__ == "__main__":
    main()
