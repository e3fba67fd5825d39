"""The work on a chosen plan: hash what is read, write the script, run it, check what it says, record everything.

<folder>/steps/        the steps that are done
<folder>/script.py     the script that ran last
<folder>/results/      what it left: answer.json, data.nc, figure.png
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.laboratory import answers
from tellurion_agent.laboratory.digests import digest
from tellurion_agent.laboratory.instruments import ANSWER, FIGURE
from tellurion_agent.laboratory.steps import Steps
from tellurion_agent.libraries import Libraries, labelled, written
from tellurion_agent.recipes.recipe import Value
from tellurion_agent.report.record import PROVENANCE, RECORD, File, Record, Setting, Source
from tellurion_agent.sandbox.results import collected
from tellurion_agent.sandbox.sandbox import Limits, Sandbox
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_core.whole_files import placed, write_whole

ATTEMPTS = 4
"""Runs of a script that is mended in between."""
LARGEST_FIGURE = 8 << 20
"""Bytes."""
TAIL = 4000
"""Characters of what a script printed that are kept."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A plan that was chosen, with all that its script needs."""

    run: str
    question: str
    recipe: str
    title: str
    method: str
    references: tuple[str, ...]
    settings: tuple[Setting, ...]
    slots: Mapping[str, Any]
    """As `slot_json` stores them."""
    reasons: tuple[str, ...]
    data: Mapping[str, DataSet]
    """By role."""
    script: str
    limits: Limits = field(default_factory=Limits)


class Mender(Protocol):
    """Mends scripts that failed."""

    def __call__(self, script: str, trouble: str) -> str | None:
        """A better script; None where there is none."""


def leave(script: str, trouble: str) -> str | None:
    """A recipe's script is right, or the recipe is wrong."""
    return None


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """Where tasks are done."""

    sandbox: Sandbox
    libraries: Libraries
    cancelled: Callable[[], bool]
    log: Callable[[str], None]
    """Told what a script prints, line by line."""
    mend: Mender = leave

    def record(self, task: Task, folder: Path, steps: Steps) -> Record:
        """Does what is not done yet of a task, in a folder of its own; the record of the run.

        Raises:
            NotFound: a file of the data is not there any more.
            Unavailable: the sandbox cannot hold a script here.
            Cancelled: soon after it was cancelled.
        """
        sources = steps.once("hash the data", lambda: self._hashed(task))
        ran = steps.once("run the script", lambda: self._run(task, folder))
        found = steps.once("check the answer", lambda: _checked(ran, folder / "results"))
        return Record(
            run=task.run,
            question=task.question,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            recipe=task.recipe,
            title=task.title,
            method=task.method,
            references=task.references,
            settings=task.settings,
            slots=task.slots,
            reasons=task.reasons,
            sources=tuple(self._source(task, each) for each in sources["sources"]),
            script=ran["script"],
            attempts=tuple(ran["attempts"]),
            steps=steps.described(),
            status=found["status"],
            reason=found["reason"],
            values=tuple(Value(**value) for value in found["values"]),
            notes=tuple(found["notes"]),
            checks=tuple((states, holds) for states, holds in found["checks"]),
            results=tuple(File(**each) for each in ran["results"]),
        )

    def _hashed(self, task: Task) -> tuple[str, Mapping[str, Any]]:
        """Hashes of all files, made here, before anything reads them."""
        sources, total = [], 0
        for role, data in task.data.items():
            files = []
            for file in data.files:
                hashed = digest(file.path, self.cancelled)
                files.append(asdict(File(name=self.libraries.place(file.location), **hashed)))
                total += files[-1]["bytes"]
            sources.append({"role": role, "files": files})
        count = sum(len(each["files"]) for each in sources)
        return f"{count} {'file' if count == 1 else 'files'}, {total / 1e6:.1f} MB", {"sources": sources}

    def _source(self, task: Task, hashed: Mapping[str, Any]) -> Source:
        role = hashed["role"]
        data = task.data[role]
        facets = self.libraries.stored({role: data})[role]
        return Source(role=role, title=data.label, facets=facets, files=tuple(File(**each) for each in hashed["files"]))

    def _run(self, task: Task, folder: Path) -> tuple[str, Mapping[str, Any]]:
        """Runs the script, and mends it where it fails; what it left becomes `results`."""
        script, attempts = task.script, []
        while True:
            trouble, run, results = self._attempt(task, script, folder)
            attempts.append({**run, "trouble": trouble})
            better = self.mend(script, trouble) if trouble and len(attempts) < ATTEMPTS else None
            if better is None:
                break
            script = better
        outcome = trouble or f"{len(results)} results in {run['seconds']:.1f} s"
        return outcome, {"script": script, "attempts": attempts, "results": results, "trouble": trouble}

    def _attempt(self, task: Task, script: str, folder: Path) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
        """What is wrong with a run, empty where nothing is; what is known of it; its results."""
        path, manifest, results = folder / "script.py", folder / "manifest.json", folder / "results"
        write_whole(path, script.encode())
        write_whole(manifest, written(task.data))
        inputs = [manifest, *(file.path for data in task.data.values() for file in data.files)]
        shutil.rmtree(results, ignore_errors=True)
        with placed(results) as output:
            output.mkdir()
            ran = self.sandbox.run(path, inputs, output, task.limits, cancelled=self.cancelled, log=self.log)
            known = {
                "seconds": round(ran.seconds, 3),
                "peak_memory_bytes": ran.peak_memory_bytes,
                "layers": list(ran.layers),
                "refused": list(ran.refused),
                "stderr": ran.stderr[-TAIL:],
            }
            if self.cancelled():
                raise Cancelled("the run was cancelled")
            if ran.reason is not None:
                return f"{ran.reason}: {ran.detail}", known, []
            try:
                found = [File(name=each.name, sha256=each.sha256, bytes=each.size) for each in collected(output)]
            except InvalidInput as error:
                return f"RESULT_REFUSED: {error.message}", known, []
            if forged := [each.name for each in found if each.name in (RECORD, PROVENANCE)]:
                return f"RESULT_REFUSED: {' and '.join(forged)} may not be written by a script", known, []
            trouble = _trouble(output, found)
        return trouble, known, [asdict(each) for each in found]


def figure(folder: Path, results: Iterable[File]) -> bytes | None:
    """The figure among the results in a folder; None where there is none, or a larger one than a page can hold."""
    held = any(each.name == FIGURE and each.bytes <= LARGEST_FIGURE for each in results)
    return (folder / FIGURE).read_bytes() if held else None


def _trouble(output: Path, results: Sequence[File]) -> str:
    """Why what a script wrote is no answer; empty where it is one, or says why there is none."""
    if not any(each.name == ANSWER for each in results):
        return f"it wrote no {ANSWER}"
    try:
        found = answers.read((output / ANSWER).read_bytes())
    except answers.Unusable as reason:
        return str(reason)
    if large := [each.bytes for each in results if each.name == FIGURE and each.bytes > LARGEST_FIGURE]:
        return f"the figure has {large[0]} bytes; at most {LARGEST_FIGURE} are accepted"
    return "" if found.no_answer else "; ".join(answers.troubles(found, figure(output, results)))


def _checked(ran: Mapping[str, Any], results: Path) -> tuple[str, Mapping[str, Any]]:
    """How the run ended, from what the script left."""
    empty: dict[str, Any] = {"values": [], "notes": [], "checks": []}
    if ran["trouble"]:
        return ran["trouble"], {**empty, "status": "failed", "reason": ran["trouble"]}
    found = answers.read((results / ANSWER).read_bytes())
    if found.no_answer:
        return found.no_answer, {**empty, "status": "abstained", "reason": found.no_answer}
    said = {"values": [asdict(each) for each in found.values], "notes": list(found.notes), "checks": list(found.checks)}
    return f"{len(found.checks)} checks hold", {**said, "status": "answered", "reason": ""}


def unchanged(record: Record, again: Record) -> str:
    """What differs between a run and its replay; empty where the data and the numbers are the same."""
    before, after = _read(record), _read(again)
    if before.keys() != after.keys():
        others = [after[sha256] for sha256 in after.keys() - before.keys()]
        gone = [before[sha256] for sha256 in before.keys() - after.keys()]
        return f"the data are not those that the run read: {labelled(sorted(others or gone))}"
    if again.status != record.status:
        return f"the run ended as {record.status}, its replay as {again.status}: {again.reason}"
    other_hands = _made(record) != _made(again)
    by = f"; it was {_made(record)}, and is {_made(again)} now" if other_hands else ""
    if len(record.values) != len(again.values):
        return f"the replay gives other values{by}"
    for one, other in zip(record.values, again.values, strict=True):
        if not _same(one, other):
            return f"{one.label} was {json.dumps(one.value)}, and is {json.dumps(other.value)} now{by}"
    return ""


def _read(record: Record) -> dict[str, str]:
    """Names of the files that a run read, by their hashes."""
    return {file.sha256: file.name for source in record.sources for file in source.files}


def _made(record: Record) -> str:
    """By which services a run was done, and which versions and weights of them."""
    named = ({name: each[name] for name in each if name != "request_id"} for each in record.services)
    return "; ".join(", ".join(f"{name} {value}" for name, value in each.items()) for each in named)


def _same(one: Value, other: Value) -> bool:
    """To 1e-9: sums of many numbers may round otherwise on another machine."""
    if isinstance(one.value, str) or isinstance(other.value, str):
        return one == other
    return one.label == other.label and abs(one.value - other.value) <= 1e-9 * max(abs(one.value), abs(other.value))
