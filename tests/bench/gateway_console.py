"""What the console costs a reader: first loads, the map dragged at 1°, a scene of 200 000 Gaussians turned.

In Debian's Chromium, drawn by software, over HTTPS from a platform that runs beside it.

    python tests/bench/gateway_console.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from targets import Target, at_least, at_most, exit_code, markdown

TESTS = Path(__file__).parents[1]
PAGES = sorted(path.stem for path in (TESTS / "services/gateway/console/stories").glob("*.py"))
MEASURED = "ocean", "scenes"
"""Those whose stories measure something."""
Rows = Mapping[str, float]


def table() -> Rows:
    """KB of the first load of each page, by its title, and what its story measured."""
    sys.path[:0] = [str(TESTS), str(TESTS / "e2e")]
    from demo import self_signed
    from services.gateway.console.installation import site
    from services.gateway.console.visit import browser, visit

    rows: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        certificate, key = self_signed(Path(folder))
        with site(Path(folder) / "state", certificate, key) as here, browser() as started:
            for page in PAGES:
                told = import_module(f"services.gateway.console.stories.{page}")
                with visit(started, here) as reader:
                    reader.sign_in()
                    reader.turn_to(told.TITLE)
                    reader.page.wait_for_load_state("networkidle")
                    rows[f"{told.TITLE}: first load, KB"] = reader.sent_bytes() / 1000
                    if page in MEASURED:
                        told.story(reader)
                        rows |= reader.measured
    return rows


def targets(rows: Rows) -> list[Target]:
    """Those of the console."""
    heaviest = max(size for name, size in rows.items() if name.endswith("first load, KB"))
    return [
        at_most("console: first load of the heaviest page, KB", heaviest, 500, 0),
        at_least("console: map at 1° while it is dragged, frames a second", rows["map, frames a second"], 30, 0),
        at_most(
            "console: 200 000 Gaussians turned, longest gap between frames, ms", rows["scene, longest gap, ms"], 200, 0
        ),
        at_least("console: 200 000 Gaussians turned, pictures a second", rows["scene, pictures a second"], 1, 1),
    ]


def report(rows: Rows) -> str:
    """The console's part of the results."""
    return "## The console\n\n" + markdown(
        ["what", "measured"], [[what, f"{value:.1f}"] for what, value in rows.items()]
    )


if __name__ == "__main__":
    measured = table()
    print(report(measured))
    print(json.dumps(measured))
    sys.exit(exit_code(targets(measured)))
