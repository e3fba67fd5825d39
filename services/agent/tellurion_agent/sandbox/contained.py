"""The process of a pod: runs a script in the inner sandbox, and leaves word of how that ended.

`python -m tellurion_agent.sandbox.contained LIMITS TOLD SCRIPT OUTPUT [INPUT …]`. What the script prints becomes the
container's log; the file TOLD, which the script cannot open, takes the rest as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.sandbox import Limits
from tellurion_core.errors import TellurionError

MOST_BYTES = 4096
"""Of a container's last words, as a cluster keeps them."""
MOST_REFUSED = 20


def main() -> None:
    """Runs it."""
    limits, told, script, output, *inputs = sys.argv[1:]
    try:
        run = InnerSandbox().run(
            Path(script),
            [Path(path) for path in inputs],
            Path(output),
            Limits(**json.loads(limits)),
            cancelled=lambda: False,  # whoever cancels ends the pod
            log=lambda line: print(line, flush=True),
        )
    except TellurionError as error:
        said: dict[str, Any] = {"missing": error.message[:1000]}
    else:
        said = {**asdict(run), "stdout": "", "refused": run.refused[:MOST_REFUSED]}
    Path(told).write_bytes(fitting(said))


def fitting(said: dict[str, Any]) -> bytes:
    """As JSON that a cluster keeps whole, with as much of the end of stderr as there is room for."""
    while len(encoded := json.dumps(said).encode()) > MOST_BYTES and said["stderr"]:
        said = {**said, "stderr": said["stderr"][len(said["stderr"]) // 8 + 1 :]}
    return encoded


if __name__ == "__main__":
    main()
