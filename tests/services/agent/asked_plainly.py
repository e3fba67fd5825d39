"""The agent asked in plain language, offline: its planner, catalogue, laboratory and sandbox, without the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.laboratory.analysis import Laboratory, Task
from tellurion_agent.laboratory.script import script
from tellurion_agent.laboratory.steps import Steps
from tellurion_agent.libraries import Libraries
from tellurion_agent.planning.plan import NOTHING_SAID, Abstain, Clarify, Plan
from tellurion_agent.planning.planner import Planner
from tellurion_agent.report.record import Record
from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.slot_json import to_json


@dataclass(frozen=True)
class Asked:
    """What became of a request."""

    recipe: str
    """Empty where there was no plan."""
    document: Mapping[str, Any]
    """As the command prints it: status, answer, question, reason."""
    notes: tuple[str, ...] = ()


class Asking:
    """The agent before a folder of data; several threads may ask at once."""

    def __init__(self, data: Path, work: Path, *, planner: Planner | None = None) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self._work, self._runs = work, count()
        self._planner = planner or Planner(cache=work)
        self.catalogue = Catalogue.open([data], work / "index.sqlite")
        self._laboratory = Laboratory(
            sandbox=InnerSandbox(), libraries=Libraries({"data": data}), cancelled=lambda: False, log=lambda line: None
        )

    def __call__(self, text: str) -> Asked:
        """The first plan is taken."""
        found = self._planner.plan(text, self.catalogue, NOTHING_SAID)
        if isinstance(found, Clarify):
            return Asked("", {"status": "clarify", "question": found.question})
        if isinstance(found, Abstain):
            return Asked("", {"status": "abstained", "reason": found.reason})
        plan = found.candidates[0]
        assert isinstance(plan, Plan)  # there is no language model
        folder = self._work / f"run-{next(self._runs)}"
        (folder / "steps").mkdir(parents=True)
        record = self._laboratory.record(_task(plan, text), folder, Steps(folder / "steps"))
        return Asked(plan.recipe.name, _printed(record), record.notes)


def _task(plan: Plan, text: str) -> Task:
    recipe = plan.recipe
    return Task(
        run="agent/runs/" + "0" * 32,
        question=text,
        recipe=recipe.name,
        title=recipe.title,
        method=recipe.method,
        references=recipe.references,
        settings=(),
        slots=to_json(plan.slots),
        reasons=plan.reasons,
        data=plan.data,
        script=script(recipe, plan.slots, text),
    )


def _printed(record: Record) -> Mapping[str, Any]:
    values = [{"value": each.value, "units": each.units, "label": each.label} for each in record.values]
    return {
        "status": record.status,
        "answer": values[0] if len(values) == 1 else values,
        "reason": record.reason,
    }
