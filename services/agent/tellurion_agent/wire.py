"""Plans, answers and lessons as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import any_pb2
from google.rpc import status_pb2

from tellurion.agent.v1 import agent_pb2
from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.recipes.recipe import Recipe, Value
from tellurion_agent.report.record import Record
from tellurion_agent.slot_json import from_json
from tellurion_agent.slot_text import text
from tellurion_agent.store import Lesson, Run
from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_core.jobs.operations import operation_name
from tellurion_core.jobs.table import Job, State
from tellurion_core.status import from_status

RUNS = "agent/runs/"
STATUSES = {
    "answered": agent_pb2.STATUS_ANSWERED,
    "clarify": agent_pb2.STATUS_CLARIFY,
    "abstained": agent_pb2.STATUS_ABSTAINED,
    "failed": agent_pb2.STATUS_FAILED,
}


def run_id(name: str) -> str:
    """The id of a run. Raises InvalidInput where no run can have the name."""
    digits = name.removeprefix(RUNS)
    if not name.startswith(RUNS) or len(digits) != 32 or not set(digits) <= set("0123456789abcdef"):
        raise InvalidInput.of("run", received=name, accepted=f"{RUNS}<id>, as it was answered")
    return digits


def proposal(run: Run) -> agent_pb2.Proposal:
    """What a run was understood as."""
    kept = run.proposal or {"plans": []}
    message = agent_pb2.Proposal(run=RUNS + run.id, plans=map(_plan, kept["plans"]))
    if end := kept.get("end"):
        message.answer.CopyFrom(
            agent_pb2.Answer(
                status=STATUSES[end["status"]],
                question=end.get("question", ""),
                options=end.get("options", []),
                reason=end.get("reason", ""),
            )
        )
    return message


def answer(record: Record, files: Mapping[str, str]) -> agent_pb2.Answer:
    """How a run ended, and its artifacts by file name."""
    return agent_pb2.Answer(
        status=STATUSES[record.status],
        values=map(_value, record.values),
        plan=record.title,
        reason=record.reason,
        files=files,
        notes=record.notes,
        run=record.run,
    )


def ended(job: Job) -> agent_pb2.Answer:
    """How a job's run ended. Raises DataCorrupted."""
    if job.state is not State.SUCCEEDED:
        why = from_status(status_pb2.Status.FromString(job.error)).message if job.error else ""
        return agent_pb2.Answer(status=agent_pb2.STATUS_FAILED, reason=f"{job.state.name.lower()}: {why}".strip(": "))
    message = agent_pb2.Answer()
    if not any_pb2.Any.FromString(job.result).Unpack(message):
        raise DataCorrupted(f"the result of {operation_name(job)} is no answer")
    return message


def news(content: Mapping[str, Any]) -> agent_pb2.AskResponse:
    """News of a run as the store keeps them."""
    match content:
        case {"step": {**step}}:
            return agent_pb2.AskResponse(step=agent_pb2.Step(**step))
        case {"log": str(lines)}:
            return agent_pb2.AskResponse(log=lines)
        case {"figure": str(sha256)}:
            return agent_pb2.AskResponse(figure=sha256)
    return agent_pb2.AskResponse(doing=str(content.get("doing", "")))


def lesson(kept: Lesson) -> agent_pb2.Lesson:
    """A lesson."""
    settings = from_json(kept.content.get("settings", {}))
    message = agent_pb2.Lesson(
        id=kept.id,
        topic=kept.topic,
        version=kept.version,
        text=kept.text,
        settings=[agent_pb2.Setting(name=name, value=text(value), lesson=kept.id) for name, value in settings.items()],
        recipe=kept.content.get("recipe", ""),
        run=RUNS + kept.run if kept.run else "",
        active=kept.active,
    )
    message.created.FromMilliseconds(round(1000 * kept.created))
    return message


def recipe(known: Recipe) -> agent_pb2.Recipe:
    """A recipe."""
    return agent_pb2.Recipe(
        name=known.name,
        title=known.title,
        method=known.method,
        references=known.references,
        examples=known.phrases,
        slots={slot.name: slot.question for slot in known.slots},
    )


def data_set(found: DataSet) -> agent_pb2.DataSet:
    """A data set."""
    period = found.period
    sizes = zip([name for name in ("lat", "lon") if name in found.dimensions], found.box.shape, strict=False)
    return agent_pb2.DataSet(
        name=found.label,
        variable=found.variable,
        units=found.units,
        source=found.source,
        experiment=found.experiment,
        member=found.member,
        frequency=found.frequency,
        calendar=found.calendar,
        period="" if period is None else f"{period.first:04d}/{period.last:04d}",
        sizes={**dict(sizes), **({"time": sum(file.steps for file in found.files)} if found.calendar else {})},
        files=len(found.files),
    )


def _plan(kept: Mapping[str, Any]) -> agent_pb2.Plan:
    return agent_pb2.Plan(
        recipe=kept["recipe"],
        title=kept["title"],
        settings=[agent_pb2.Setting(**each) for each in kept["settings"]],
        data=kept["labels"],
        reasons=kept["reasons"],
        bytes=kept["bytes"],
        seconds=kept["seconds"],
        score=kept["score"],
    )


def _value(value: Value) -> agent_pb2.Value:
    said = {"text": value.value} if isinstance(value.value, str) else {"number": value.value}
    return agent_pb2.Value(label=value.label, units=value.units, low=value.low, high=value.high, **said)
