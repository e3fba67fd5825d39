"""Refuses to build a wheel without the console, which `make setup` builds; an editable one may have it later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = "tellurion_gateway/console_dist/index.html"


class ConsoleHook(BuildHookInterface):
    """Looks whether the console was built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raises FileNotFoundError where a wheel would ship none."""
        if version != "editable" and not (Path(self.root) / PAGE).is_file():
            raise FileNotFoundError(f"{PAGE}: the console is not built; python console/node.py build")
