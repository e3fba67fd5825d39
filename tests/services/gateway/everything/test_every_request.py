"""Requests of every kind to every path of the document, valid and hostile, at all services as they are.

None is answered with a server's failure, and every answer is one that the document describes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture
def ask(everything: Any, certificate: tuple[Path, Path], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Sends requests as the document describes them, and others; returns what schemathesis reports."""

    def report(*options: str) -> dict[str, Any]:
        path = tmp_path / "report.json"
        asked = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{everything.gateway.address}/openapi.json"),
                *("--header", f"Authorization: Bearer {everything.key('navy')}"),
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


@pytest.mark.slow
@pytest.mark.timeout(1500 if THOROUGH else 300)
def test_every_answer_is_one_of_the_document(ask: Callable[..., dict[str, Any]], everything: Any) -> None:
    paths = everything.client("navy").get("/openapi.json").json()["paths"]
    operations = sum(len(item) for path, item in paths.items() if not path.endswith(":evaluate"))
    # Bounds come on top; without them, each has more than its part, as some have fewer that differ.
    each = str(CASES // operations if THOROUGH else 5 * CASES // (4 * operations))
    phases = "coverage,fuzzing" if THOROUGH else "fuzzing"
    told = ask("--phases", phases, "--mode", "all", "--max-examples", each, "--exclude-path-regex", COMPUTE)
    assert told["test_cases"]["generated"] >= CASES
    ask("--phases", "fuzzing", "--mode", "negative", "--max-examples", each, "--include-path-regex", COMPUTE)
