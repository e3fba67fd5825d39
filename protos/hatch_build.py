"""Generates the Python stubs from tellurion/**/*.proto, and keeps their comments, in the wheel, editable or not."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMMENTS = "tellurion/common/v1/protos.binpb"
"""The protos as a FileDescriptorSet with their comments, which the stubs do not keep."""


class StubsHook(BuildHookInterface):
    """Runs protoc with its Python, gRPC and type-stub plugins, and force-includes what they wrote."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Writes the stubs to a temporary folder and adds them to the build."""
        self._out = tempfile.mkdtemp(prefix="tellurion-stubs-")
        root = Path(self.root)
        protos = sorted(str(p.relative_to(root)) for p in root.glob("tellurion/*/v*/*.proto"))
        scripts = os.pathsep.join([sysconfig.get_path("scripts"), str(Path(sys.executable).parent)])
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", "")])
        comments = Path(self._out) / COMMENTS
        comments.parent.mkdir(parents=True)
        code = protoc.main(
            [
                "protoc",
                f"--descriptor_set_out={comments}",
                "--include_source_info",
                f"--proto_path={root}",
                f"--proto_path={files('grpc_tools') / '_proto'}",
                *(f"--{kind}_out={self._out}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")),
                *protos,
            ]
        )
        if code != 0:
            raise RuntimeError(f"protoc failed with exit code {code}")
        included = {}
        for package in sorted({Path(p).parent for p in protos}):
            (Path(self._out) / package / "__init__.py").write_text(f'"""Generated from {package}/*.proto."""\n')
            (Path(self._out) / package / "py.typed").touch()
        for stub in sorted(Path(self._out).rglob("*")):
            if stub.is_file():
                included[str(stub)] = str(stub.relative_to(self._out))
        # The same files in both kinds of wheel: an editable install of contracts is remade by `make setup`.
        build_data["force_include"].update(included)
        build_data["force_include_editable"] = included

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the temporary folder."""
        shutil.rmtree(self._out, ignore_errors=True)
