"""Loads models as Triton's Python backend would.

python -m tellurion_core.triton_serving.loading REPOSITORY MODEL …
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import ModuleType

from tellurion_core.errors import TellurionError


def main() -> None:
    """Loads each model by its model.py; where one cannot be, says which and why on stderr, and exits 1."""
    # The backend's own module is in Triton's processes alone, and only requests need what it holds.
    sys.modules["triton_python_backend_utils"] = ModuleType("triton_python_backend_utils")
    repository, *names = sys.argv[1:]
    for name in names:
        try:
            written = runpy.run_path(str(Path(repository, name, "1", "model.py")))
            written["TritonPythonModel"]().initialize({"model_name": name})
        except Exception as error:  # noqa: BLE001 -- whatever a model raises
            reason = error.message if isinstance(error, TellurionError) else f"{type(error).__name__}: {error}"
            print(f"{name} cannot be loaded: {' '.join(reason.split())}", file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main()
