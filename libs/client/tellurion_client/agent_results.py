"""What the agent answers: plans, news and ends of runs, recipes, lessons, data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tellurion.agent.v1 import agent_pb2


@dataclass(frozen=True)
class Value:
    """One number of an answer, or one in words."""

    label: str
    value: float | str
    units: str
    low: float | None
    """Lower end of its uncertainty; 95 % unless the method says otherwise."""
    high: float | None

    @classmethod
    def of(cls, wire: agent_pb2.Value) -> Value:
        """From the message."""
        value = wire.text if wire.WhichOneof("value") == "text" else wire.number
        low, high = (getattr(wire, name) if wire.HasField(name) else None for name in ("low", "high"))
        return cls(wire.label, value, wire.units, low, high)


@dataclass(frozen=True)
class Answer:
    """How a request ended."""

    run: str
    """Name of the run: ``agent/runs/<id>``."""
    status: str
    """``answered``, ``clarify``, ``abstained`` or ``failed``."""
    values: tuple[Value, ...]
    """The answer itself first."""
    plan: str
    """What was done, in a line."""
    question: str
    """What is asked back."""
    options: tuple[str, ...]
    """Ways to answer that."""
    reason: str
    """Why there is no answer."""
    notes: tuple[str, ...]
    """What a careful reader should know."""
    files: Mapping[str, str]
    """SHA-256 of the run's artifacts, by file name."""
    differs: str | None = None
    """What differs from the run that was run again, empty where nothing does; None where none was."""

    @classmethod
    def of(cls, run: str, wire: agent_pb2.Answer) -> Answer:
        """From the message."""
        return cls(
            run or wire.run,
            _status(wire.status),
            tuple(map(Value.of, wire.values)),
            wire.plan,
            wire.question,
            tuple(wire.options),
            wire.reason,
            tuple(wire.notes),
            dict(wire.files),
            wire.differs if wire.HasField("differs") else None,
        )


@dataclass(frozen=True)
class Setting:
    """One choice of a plan, or of a lesson."""

    name: str
    value: str
    assumed: bool
    """Whether nobody said it."""
    lesson: str
    """Id of the lesson that it comes from."""

    @classmethod
    def of(cls, wire: agent_pb2.Setting) -> Setting:
        """From the message."""
        return cls(wire.name, wire.value, wire.assumed, wire.lesson)


@dataclass(frozen=True)
class Plan:
    """One way to answer."""

    recipe: str
    title: str
    settings: tuple[Setting, ...]
    data: Mapping[str, str]
    """Data sets by the role that they have."""
    reasons: tuple[str, ...]
    bytes: int
    """That are read."""
    seconds: float
    """About how long it takes."""
    score: float
    """How well it fits, 0 to 1."""

    @classmethod
    def of(cls, wire: agent_pb2.Plan) -> Plan:
        """From the message."""
        settings = tuple(map(Setting.of, wire.settings))
        return cls(
            wire.recipe,
            wire.title,
            settings,
            dict(wire.data),
            tuple(wire.reasons),
            wire.bytes,
            wire.seconds,
            wire.score,
        )


@dataclass(frozen=True)
class Lesson:
    """What was taught."""

    id: str
    topic: str
    """Name of the recipe that it is about."""
    version: int
    text: str
    """What was said."""
    settings: tuple[Setting, ...]
    recipe: str
    """Name of the recipe that it teaches; empty for a correction."""
    run: str
    created: datetime
    active: bool
    """Whether it is used."""

    @classmethod
    def of(cls, wire: agent_pb2.Lesson) -> Lesson:
        """From the message."""
        return cls(
            wire.id,
            wire.topic,
            wire.version,
            wire.text,
            tuple(map(Setting.of, wire.settings)),
            wire.recipe,
            wire.run,
            wire.created.ToDatetime(UTC),
            wire.active,
        )


@dataclass(frozen=True)
class LearnedRecipe:
    """What was learned of a recipe of ESMValTool."""

    lessons: tuple[Lesson, ...]
    """One for each part that can be done here."""
    not_learned: Mapping[str, str]
    """Why the other parts cannot, by their names."""

    @classmethod
    def of(cls, wire: agent_pb2.LearnRecipeResponse) -> LearnedRecipe:
        """From the message."""
        return cls(tuple(map(Lesson.of, wire.lessons)), {each.name: each.reason for each in wire.not_learned})


@dataclass(frozen=True)
class Feedback:
    """How what was said of a run was taken."""

    outcome: str
    """``accepted``, ``learned`` or ``nothing_learned``."""
    lesson: Lesson | None
    """What was learned."""
    understood: str
    """In a line; where nothing was learned, why."""

    @classmethod
    def of(cls, wire: agent_pb2.FeedbackResponse) -> Feedback:
        """From the message."""
        lesson = Lesson.of(wire.lesson) if wire.HasField("lesson") else None
        outcome = agent_pb2.Outcome.Name(wire.outcome).removeprefix("OUTCOME_").lower()
        return cls(outcome, lesson, wire.understood)


@dataclass(frozen=True)
class Recipe:
    """An analysis that is known."""

    name: str
    title: str
    method: str
    references: tuple[str, ...]
    examples: tuple[str, ...]
    """How it may be asked for."""
    slots: Mapping[str, str]
    """What it has to know: name and question."""

    @classmethod
    def of(cls, wire: agent_pb2.Recipe) -> Recipe:
        """From the message."""
        return cls(wire.name, wire.title, wire.method, tuple(wire.references), tuple(wire.examples), dict(wire.slots))


@dataclass(frozen=True)
class DataSet:
    """Files that make one series of one variable."""

    name: str
    variable: str
    units: str
    """In the files."""
    source: str
    experiment: str
    member: str
    frequency: str
    calendar: str
    period: str
    """First and last year, ``1850/2014``; empty where it has no time."""
    sizes: Mapping[str, int]
    files: int

    @classmethod
    def of(cls, wire: agent_pb2.DataSet) -> DataSet:
        """From the message."""
        return cls(
            wire.name,
            wire.variable,
            wire.units,
            wire.source,
            wire.experiment,
            wire.member,
            wire.frequency,
            wire.calendar,
            wire.period,
            dict(wire.sizes),
            wire.files,
        )


@dataclass(frozen=True)
class Listing:
    """What there is in folders or libraries."""

    data_sets: tuple[DataSet, ...]
    problems: Mapping[str, str]
    """Why a file cannot be read, by its name."""


def _status(status: agent_pb2.Status.ValueType) -> str:
    return agent_pb2.Status.Name(status).removeprefix("STATUS_").lower()
