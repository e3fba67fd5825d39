"""Requests of every kind to every path of the document, valid and hostile, at all services as they are.

None is answered with a server's failure, and every answer is one that the document describes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from tellurion_gateway.upstreams import METHODS

CASES = int(os.environ.get("TELLURION_OPENAPI_CASES", "1000"))
THOROUGH = CASES > 1000
"""Whether every bound of every field is tried, too: some 5000 requests more."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
COMPUTE = ":evaluate$"
"""What takes minutes where it is asked for rightly."""


@pytest.fixture(scope="module")
def everything(
    serving: Callable[[str], AbstractContextManager[Any]], start_gateway: Callable[..., Any]
) -> Iterator[Any]:
    """A gateway in front of every service."""
    with ExitStack() as stack, ThreadPoolExecutor() as threads, pytest.MonkeyPatch.context() as environment:
        environment.setenv("TELLURION_STOP_SECONDS", "0")  # what is still computed in the end is nobody's
        started = threads.map(lambda name: stack.enter_context(serving(name)).address, METHODS)
        addresses = {f"{name}_address": address for name, address in zip(METHODS, started, strict=True)}
        # Requests come faster from here than a tenant may ask, and 429 would be the answer to all.
        yield start_gateway(**addresses, tenant_rate=1e6, tenant_burst=1_000_000)


@pytest.fixture
def ask(everything: Any, certificate: tuple[Path, Path], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Sends requests as the document describes them, and others; returns what schemathesis reports."""

    def report(*options: str) -> dict[str, Any]:
        path = tmp_path / "report.json"
        asked = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{everything.address}/openapi.json"),
                *("--tls-verify", str(certificate[0]), "--checks", ",".join(CHECKS), "--request-timeout", "60"),
                *("--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"),
                *("--no-color", "--continue-on-failure", "--workers", "2", "--report-json-path", str(path), *options),
            ],
            cwd=tmp_path,
            env=os.environ | {"SCHEMATHESIS_HOOKS": "request_bodies", "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stdout[-8000:] + asked.stderr
        return json.loads(path.read_text())

    return report


@pytest.mark.timeout(3600 if THOROUGH else 300)
def test_every_answer_is_one_of_the_document(ask: Callable[..., dict[str, Any]], everything: Any) -> None:
    paths = everything.client.get("/openapi.json").json()["paths"]
    operations = sum(len(item) for path, item in paths.items() if not path.endswith(":evaluate"))
    each = str(-(-CASES // operations) + 1)
    phases = "coverage,fuzzing" if THOROUGH else "fuzzing"
    told = ask("--phases", phases, "--mode", "all", "--max-examples", each, "--exclude-path-regex", COMPUTE)
    assert told["test_cases"]["generated"] >= CASES
    ask("--phases", "fuzzing", "--mode", "negative", "--max-examples", each, "--include-path-regex", COMPUTE)
