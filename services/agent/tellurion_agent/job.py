"""The job that works on a chosen plan, or on a run that is replayed, and stores what comes of it.

    <job's folder>/files/      the files that came with the request
    <job's folder>/steps/      the steps that are done (`laboratory.steps`)
    <job's folder>/            script and results (`laboratory.analysis`, `laboratory.errand`)

Killed at any moment and begun again, it repeats no finished step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.protobuf import any_pb2

from tellurion.agent.v1 import agent_pb2
from tellurion_agent import wire
from tellurion_agent.capabilities.registry import CAPABILITIES
from tellurion_agent.capabilities.services import Caller, Services
from tellurion_agent.laboratory.analysis import Laboratory, Mender, Task, figure, leave, unchanged
from tellurion_agent.laboratory.errand import Errand, Messenger, check
from tellurion_agent.laboratory.instruments import FIGURE
from tellurion_agent.laboratory.script import script
from tellurion_agent.laboratory.steps import Steps
from tellurion_agent.libraries import Libraries
from tellurion_agent.news import News
from tellurion_agent.planning.conversation import EndpointModel, endpoint_of
from tellurion_agent.planning.model_planner import mended
from tellurion_agent.proposals import SCRIPT, libraries_of
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.report.pages import html, markdown
from tellurion_agent.report.provenance import provenance
from tellurion_agent.report.record import PROVENANCE, RECORD, Record, Setting
from tellurion_agent.sandbox.choosing import SandboxSettings, sandbox_of
from tellurion_agent.settings import AgentSettings, ServiceSettings
from tellurion_agent.slot_json import from_json
from tellurion_agent.stand_in import StandIn
from tellurion_agent.store import Run, Store
from tellurion_agent.uploads import LIBRARY, laid_out
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.errors import DataCorrupted, InvalidInput, NotFound
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.running import RunningJob
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import StateSettings, load
from tellurion_core.whole_files import write_whole

KIND, REPLAY = "agent.run", "agent.replay"
MEDIA_TYPES: Mapping[str, str] = {
    ".json": "application/json",
    ".html": "text/html",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".nc": "application/netcdf",
    ".png": "image/png",
}


def run(body: any_pb2.Any, job: RunningJob) -> agent_pb2.Answer:
    """Works on the plan that a ChoosePlanRequest names.

    Raises:
        NotFound: a file of the data is not there any more.
        Unavailable: the sandbox cannot hold a script here, or a service does not answer.
        Cancelled: it was asked to stop.
    """
    request = agent_pb2.ChoosePlanRequest()
    _unpack(body, request)
    store = _store()
    kept = store.run(job.tenant, wire.run_id(request.run))
    plan = _plan(kept, request.plan)
    libraries = _with_files(libraries_of(kept.proposal or {}), kept.request.get("data", {}).get("files", {}), job)
    news = News(lambda key, content: store.tell(kept.id, key, content), job)
    if plan["recipe"] in CAPABILITIES:
        return _stored(_fetched(_errand(kept, plan, job), libraries, job, news), job, news)
    record = _recorded(_task(kept, plan, libraries), libraries, job, news, _mender(kept, plan))
    return _stored(record, job, news)


def replay(body: any_pb2.Any, job: RunningJob) -> agent_pb2.Answer:
    """Runs again what the record of a ReplayRequest has, and compares the numbers.

    Raises:
        InvalidInput: the artifact is no record.
        NotFound: it, or a file of its data, is not there, or not among those that are given.
        Unavailable, Cancelled: as `run`.
    """
    request = agent_pb2.ReplayRequest()
    _unpack(body, request)
    path = job.folder / "replayed.json"
    job.artifacts.fetch(job.tenant, request.record, path)
    before = Record.of(_json(path))
    libraries = _again(before, request.data, job)
    news = News(lambda key, content: None, job)
    if before.recipe in CAPABILITIES:
        return _compared(before, _fetched(_errand_again(before, job), libraries, job, news), job, news)
    facets = {source.role: source.facets for source in before.sources}
    known = {name: getattr(before, name) for name in ("question", "recipe", "title", "method", "references")}
    task = Task(
        run=before.run,
        **known,
        settings=before.settings,
        slots=before.slots,
        reasons=before.reasons,
        data=libraries.data(facets),
        script=before.script,
        limits=load(AgentSettings).limits,
    )
    return _compared(before, _recorded(task, libraries, job, news), job, news)


def _store() -> Store:
    """Where runs are kept."""
    return Store(open_engine(load(JobSettings).database_url(load(StateSettings))))


def _again(before: Record, data: agent_pb2.Data, job: RunningJob) -> Libraries:
    """The folders that a run read, or what is given in the place of them."""
    sent = {
        file.name.removeprefix(f"{LIBRARY}/"): file.sha256
        for source in before.sources
        for file in source.files
        if file.name.startswith(f"{LIBRARY}/")
    }
    if not data.libraries and not data.files:
        return _with_files(_known(before.run, job), sent, job)
    installed = Libraries.of(load(AgentSettings).libraries)
    named = installed.chosen(data.libraries) if data.libraries else Libraries({})
    return StandIn.with_given(_with_files(named, data.files, job), _known(before.run, job) if sent else Libraries({}))


def _known(run: str, job: RunningJob) -> Libraries:
    """The folders of the settings; without any, those that a run was planned with, where it is known here."""
    if (libraries := Libraries.of(load(AgentSettings).libraries)).folders:
        return libraries
    try:
        return libraries_of(_store().run(job.tenant, wire.run_id(run)).proposal or {})
    except (InvalidInput, NotFound):  # of another installation
        return libraries


def _recorded(task: Task, libraries: Libraries, job: RunningJob, news: News, mend: Mender = leave) -> Record:
    laboratory = Laboratory(
        sandbox=sandbox_of(load(SandboxSettings)),
        libraries=libraries,
        cancelled=job.cancelled,
        log=news.line,
        mend=mend,
    )
    (job.folder / "steps").mkdir(exist_ok=True)
    return laboratory.record(task, job.folder, Steps(job.folder / "steps", told=news.step))


def _fetched(errand: Errand, libraries: Libraries, job: RunningJob, news: News) -> Record:
    """What another service does, for whoever asked."""
    caller = Caller.of(job.tenant, job.subject, job.request_id)
    (job.folder / "steps").mkdir(exist_ok=True)
    with Services.of(load(ServiceSettings)).client(caller) as client:
        messenger = Messenger(client=client, libraries=libraries, cancelled=job.cancelled)
        return messenger.record(errand, job.folder, Steps(job.folder / "steps", told=news.step))


def _errand(kept: Run, plan: Mapping[str, Any], job: RunningJob) -> Errand:
    return Errand(
        run=wire.RUNS + kept.id,
        question=kept.question,
        capability=CAPABILITIES[plan["recipe"]],
        options=plan["slots"],
        settings=tuple(Setting(**each) for each in plan["settings"]),
        reasons=tuple(plan["reasons"]),
        places={name: tuple(places) for name, places in plan["files"].items()},
        request_id=f"{job.id}:{plan['recipe']}",
        seconds=load(AgentSettings).service_seconds,
    )


def _errand_again(before: Record, job: RunningJob) -> Errand:
    """What a record has; under an id of its own, so that the service does it again. Raises InvalidInput."""
    places = {source.role: source.facets.get("places") for source in before.sources}
    check(CAPABILITIES[before.recipe], before.slots, places)
    return Errand(
        run=before.run,
        question=before.question,
        capability=CAPABILITIES[before.recipe],
        options=before.slots,
        settings=before.settings,
        reasons=before.reasons,
        places={name: tuple(each) for name, each in places.items() if each},
        request_id=f"{job.id}:{before.recipe}",
        seconds=load(AgentSettings).service_seconds,
    )


def _compared(before: Record, again: Record, job: RunningJob, news: News) -> agent_pb2.Answer:
    """What a replay comes to."""
    if differs := unchanged(before, again):
        again = replace(again, status="failed", reason=f"not the same: {differs}", values=())
    answer = _stored(again, job, news)
    answer.differs = differs
    return answer


def _with_files(libraries: Libraries, files: Mapping[str, str], job: RunningJob) -> Libraries:
    """These, and the files that came with the request."""
    if not files:
        return libraries
    folder = job.folder / "files"
    folder.mkdir(exist_ok=True)
    laid_out(job.artifacts, job.tenant, files, folder)
    return libraries.with_folder(LIBRARY, folder)


def _plan(kept: Run, number: int) -> Mapping[str, Any]:
    plans = (kept.proposal or {}).get("plans", [])
    if number >= len(plans):
        raise NotFound(f"the run has no plan {number}")
    plan: Mapping[str, Any] = plans[number]
    return plan


def _task(kept: Run, plan: Mapping[str, Any], libraries: Libraries) -> Task:
    return Task(
        run=wire.RUNS + kept.id,
        question=kept.question,
        recipe=plan["recipe"],
        title=plan["title"],
        **_code(kept, plan),
        settings=tuple(Setting(**each) for each in plan["settings"]),
        slots=plan["slots"],
        reasons=tuple(plan["reasons"]),
        data=libraries.data(plan["data"]),
        limits=load(AgentSettings).limits,
    )


def _code(kept: Run, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Script, method and references of a plan."""
    if plan["recipe"] == SCRIPT:
        return {"script": plan["script"], "method": plan["method"], "references": ()}
    recipe = RECIPES.get(plan["recipe"])
    if recipe is None:
        raise NotFound(f"there is no recipe {plan['recipe']} any more")
    text = script(recipe, from_json(plan["slots"]), kept.question)
    return {"script": text, "method": recipe.method, "references": recipe.references}


def _mender(kept: Run, plan: Mapping[str, Any]) -> Mender:
    """The language model that wrote a script mends it; a recipe's is right, or the recipe is wrong."""
    asked = kept.request.get("model")
    if plan["recipe"] != SCRIPT or asked is None:
        return leave
    model = EndpointModel(endpoint_of(asked), load(EndpointSettings))
    return lambda text, trouble: mended(model, text, trouble)


def _stored(record: Record, job: RunningJob, news: News) -> agent_pb2.Answer:
    """Writes the report, and keeps all files as artifacts as long as the job is remembered."""
    results = job.folder / "results"
    picture = figure(results, record.results)
    pages = {
        RECORD: json.dumps(record.json(), ensure_ascii=False, indent=1),
        PROVENANCE: provenance(record, requester=job.subject),
        "report.html": html(record, picture),
        "report.md": markdown(record, figure=picture is not None),
        **({"script.py": record.script} if record.script else {}),
    }
    for name, content in pages.items():
        write_whole(job.folder / "report" / name, content.encode())
    paths = [*(job.folder / "report" / name for name in pages), *(results / file.name for file in record.results)]
    files = {path.name: _artifact(path, job) for path in paths}
    if FIGURE in files:
        news.figure(files[FIGURE])
    return wire.answer(record, files)


def _artifact(path: Path, job: RunningJob) -> str:
    keep = timedelta(days=load(JobSettings).retention_days)
    with path.open("rb") as file:
        chunks = iter(lambda: file.read(1 << 20), b"")
        kind = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
        return job.artifacts.put(job.tenant, chunks, media_type=kind, name=path.name, keep=keep).id


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _unpack(body: any_pb2.Any, message: Any) -> None:
    if not body.Unpack(message):
        raise DataCorrupted(f"the job's body is {body.TypeName()}, not {message.DESCRIPTOR.full_name}")
