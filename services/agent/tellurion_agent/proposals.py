"""What a request was understood as, as the database keeps it: plans whose data are places in libraries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tellurion_agent.laboratory.digests import files_of
from tellurion_agent.libraries import Libraries, labelled
from tellurion_agent.planning.plan import Abstain, Clarify, Context, Plan, Plans, ScriptPlan, ServicePlan
from tellurion_agent.report.record import Setting
from tellurion_agent.slot_json import from_json, to_json
from tellurion_agent.slot_text import text
from tellurion_agent.uploads import LIBRARY

SCRIPT = "script"
"""Instead of the name of a recipe: code that a language model wrote."""


def stored(
    found: Plans | Clarify | Abstain, libraries: Libraries, lessons: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """As JSON. `lessons` are ids of lessons by recipe and slot.

    With the folders that the libraries were: another worker on the same state may know others by the same names.
    """
    if isinstance(found, Abstain):
        return {"plans": [], "end": {"status": "abstained", "reason": found.reason}}
    if isinstance(found, Clarify):
        end = {"status": "clarify", "question": found.question, "options": list(found.options)}
        return {"plans": [], "end": end, "context": _context(found.context)}
    first = found.candidates[0]
    kept = {"context": _context(first.context)} if isinstance(first, Plan) else {}
    folders = {name: str(folder) for name, folder in libraries.folders.items() if name != LIBRARY}
    return {"plans": [_any(plan, libraries, lessons) for plan in found.candidates], "folders": folders, **kept}


def libraries_of(proposal: Mapping[str, Any]) -> Libraries:
    """Those that a request was planned with, without the files that came with it."""
    return Libraries({name: Path(folder) for name, folder in proposal.get("folders", {}).items()})


def context(proposal: Mapping[str, Any], preferred: Mapping[str, Mapping[str, Any]]) -> Context:
    """What was said before in a session, as the last proposal there has it."""
    kept = proposal.get("context", {"recipe": "", "slots": {}})
    return Context(kept["recipe"], from_json(kept["slots"]), preferred)


def _context(said: Context) -> dict[str, Any]:
    return {"recipe": said.recipe, "slots": to_json(said.slots)}


def _any(
    plan: Plan | ScriptPlan | ServicePlan, libraries: Libraries, lessons: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    if isinstance(plan, Plan):
        of_name = {} if plan.taught is None else dict.fromkeys(plan.taught.settings, plan.taught.lesson)
        return _plan(plan, libraries, {**lessons.get(plan.recipe.name, {}), **of_name})
    if isinstance(plan, ServicePlan):
        return _service_plan(plan, libraries)
    size = sum(file.size for each in plan.data.values() for file in each.files)
    return {
        "recipe": SCRIPT,
        "title": plan.title,
        "method": plan.method,
        "script": plan.code,
        "settings": [],
        "slots": {},
        "reasons": list(plan.reasons),
        "data": libraries.stored(plan.data),
        "labels": {role: each.label for role, each in plan.data.items()},
        "bytes": size,
        "seconds": 0.0,
        "score": 0.0,
    }


def _plan(plan: Plan, libraries: Libraries, lessons: Mapping[str, str]) -> dict[str, Any]:
    settings = [
        vars(
            Setting(
                name=name,
                value=text(value),
                assumed=name in plan.assumptions,
                lesson="" if name in plan.said else lessons.get(name, ""),
            )
        )
        for name, value in plan.slots.items()
        if value is not None
    ]
    return {
        "recipe": plan.recipe.name,
        "title": plan.recipe.title,
        "settings": settings,
        "slots": to_json(plan.slots),
        "reasons": [*plan.reasons, *(f"{name.replace('_', ' ')}: {why}" for name, why in plan.assumptions.items())],
        "data": libraries.stored(plan.data),
        "labels": {role: each.label for role, each in plan.data.items()},
        "bytes": plan.bytes_read,
        "seconds": plan.seconds,
        "score": plan.score,
    }


def _service_plan(plan: ServicePlan, libraries: Libraries) -> dict[str, Any]:
    places = {name: [libraries.place(str(path)) for path in paths] for name, paths in plan.files.items()}
    settings = [
        vars(Setting(name=name, value=text(value), assumed=name in plan.assumptions))
        for name, value in plan.options.items()
    ]
    sizes = (file.stat().st_size for paths in plan.files.values() for path in paths for file in files_of(path))
    return {
        "recipe": plan.capability.name,
        "title": plan.capability.title,
        "settings": settings,
        "slots": dict(plan.options),
        "reasons": [*plan.reasons, *plan.assumptions.values()],
        "data": {},
        "files": places,
        "labels": {name: labelled(each) for name, each in places.items()},
        "bytes": sum(sizes),
        "seconds": 0.0,
        "score": 1.0,
    }
