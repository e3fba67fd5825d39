"""The work on a plan that another service does: hash what it is sent, call it, keep what comes back, record everything.

<folder>/steps/        the steps that are done
<folder>/results/      the files that came back

No script runs, and nothing of this happens inside the sandbox: there is no network in there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tellurion_agent.capabilities.capability import Call, Capability
from tellurion_agent.laboratory.digests import digest, files_of
from tellurion_agent.laboratory.steps import Steps
from tellurion_agent.libraries import Libraries, labelled
from tellurion_agent.recipes.recipe import Value
from tellurion_agent.report.record import File, Record, Setting, Source
from tellurion_client.client import Client
from tellurion_client.operations import Operation
from tellurion_core.errors import Cancelled, DeadlineExceeded, InvalidInput, NotFound, TellurionError, Unavailable
from tellurion_core.whole_files import placed

LOOK_SECONDS = 1.0
"""Between two looks at whether the run is cancelled, while long work of a service goes on."""


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A plan that was chosen, with all that its service needs."""

    run: str
    question: str
    capability: Capability
    options: Mapping[str, Any]
    settings: tuple[Setting, ...]
    reasons: tuple[str, ...]
    places: Mapping[str, tuple[str, ...]]
    """Files or a folder by input, as places in libraries."""
    request_id: str
    """Under which long work is submitted: the same for all attempts at a run, and no other run's."""
    seconds: float
    """That one exchange with the service may take."""


@dataclass(frozen=True, kw_only=True)
class Messenger:
    """Who does errands."""

    client: Client
    """Speaks for whoever asked."""
    libraries: Libraries
    cancelled: Callable[[], bool]

    def record(self, errand: Errand, folder: Path, steps: Steps) -> Record:
        """Does what is not done yet of an errand, in a folder of its own; the record of the run.

        What the service refuses is how the run ended. Long work that the service has begun goes on while a run that
        was killed is away, and is found again.

        Raises:
            NotFound: a file of the data is not there any more.
            Unavailable: the service does not answer; nothing is lost by trying again.
            Cancelled: soon after it was cancelled.
        """
        name = errand.capability.name
        hashed = steps.once("hash the data", lambda: self._hashed(errand))
        came = steps.once(f"call {name}", lambda: self._called(errand, folder / "results"))
        return Record(
            run=errand.run,
            question=errand.question,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            recipe=name,
            title=errand.capability.title,
            method=errand.capability.method,
            references=errand.capability.references,
            settings=errand.settings,
            slots=errand.options,
            reasons=errand.reasons,
            sources=tuple(_source(role, places, hashed[role]) for role, places in errand.places.items()),
            script="",
            attempts=(),
            steps=steps.described(),
            status="failed" if came["trouble"] else "answered",
            reason=came["trouble"],
            values=tuple(Value(**value) for value in came["values"]),
            notes=tuple(came["notes"]),
            checks=(),
            results=tuple(File(**each) for each in came["files"]),
            services=({"service": errand.capability.service, "request_id": errand.request_id, **came["by"]},),
        )

    def _hashed(self, errand: Errand) -> tuple[str, Mapping[str, Any]]:
        """Files by input, with hashes that were made before they were sent."""
        hashed: dict[str, Any] = {}
        for role, places in errand.places.items():
            paths = [self.libraries.path(place) for place in places]
            if gone := next((place for place, path in zip(places, paths, strict=True) if not path.exists()), ""):
                raise NotFound(f"there is no file {gone} any more")
            files = [file for path in paths for file in files_of(path)]
            hashed[role] = [
                asdict(File(name=self.libraries.place(str(file)), **digest(file, self.cancelled))) for file in files
            ]
        every = [file for files in hashed.values() for file in files]
        total = sum(file["bytes"] for file in every) / 1e6
        return f"{len(every)} {'file' if len(every) == 1 else 'files'}, {total:.1f} MB", hashed

    def _called(self, errand: Errand, results: Path) -> tuple[str, Mapping[str, Any]]:
        """What the service answers; the files that come with it become `results`."""
        paths = {role: tuple(map(self.libraries.path, places)) for role, places in errand.places.items()}
        shutil.rmtree(results, ignore_errors=True)
        try:
            with placed(results) as output:
                output.mkdir()
                returned = errand.capability.call(
                    Call(
                        client=self.client,
                        files=paths,
                        options=errand.options,
                        output=output,
                        request_id=errand.request_id,
                        wait=self._wait,
                        seconds=errand.seconds,
                    )
                )
                files = [
                    asdict(File(name=path.name, **digest(path, self.cancelled))) for path in sorted(output.iterdir())
                ]
        except (Unavailable, Cancelled):
            raise
        except TellurionError as error:
            trouble = self._told(error.message, paths)
            return trouble, {"trouble": trouble, "values": [], "notes": [], "files": [], "by": {}}
        kept = {"values": [asdict(value) for value in returned.values], "notes": list(returned.notes), "files": files}
        by = {name: value for name, value in returned.by.items() if value}
        count = f"{len(files)} {'file' if len(files) == 1 else 'files'} came back"
        return count, {**kept, "trouble": "", "by": by}

    def _wait(self, operation: Operation) -> None:
        """Until long work has ended; it is cancelled where the run is. Raises Cancelled."""
        while True:
            try:
                operation.wait(timeout=LOOK_SECONDS)
            except DeadlineExceeded:
                if self.cancelled():
                    operation.cancel(timeout=LOOK_SECONDS)
                    raise Cancelled("the run was cancelled") from None
            else:
                return

    def _told(self, message: str, paths: Mapping[str, tuple[Path, ...]]) -> str:
        """A message for the user, who knows files by their places."""
        for path in sorted((path for each in paths.values() for path in each), key=lambda path: -len(path.parts)):
            message = message.replace(str(path), self.libraries.place(str(path)))
        return message


def check(capability: Capability, options: Mapping[str, Any], places: Mapping[str, Any]) -> None:
    """Raises InvalidInput where a record's options and places are none that a run of this capability has written."""
    accepted = f"what “{capability.title}” can be told"
    known = {option.name: option for option in capability.options}
    needed = {option.name for option in capability.options if option.required}
    if lacking := needed - set(options) or {each.name for each in capability.inputs if not each.optional} - set(places):
        raise InvalidInput.of("record", received=f"no {min(lacking)}", accepted=accepted)
    for name, value in options.items():
        if name not in known or known[name].read(str(value).lower()) != value:
            raise InvalidInput.of(f"record.slots.{name}", received=str(value), accepted=accepted)
    for name, found in places.items():
        listed = isinstance(found, list | tuple) and found and all(isinstance(place, str) for place in found)
        if not listed or all(each.name != name for each in capability.inputs):
            raise InvalidInput.of(f"record.sources.{name}", received=str(found), accepted=accepted)


def _source(role: str, places: tuple[str, ...], files: list[dict[str, Any]]) -> Source:
    kept = tuple(File(**each) for each in files)
    return Source(role=role, title=labelled(places), facets={"places": list(places)}, files=kept)
