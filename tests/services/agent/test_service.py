"""The agent from a question to its answer: the servicer and the job as they are, in one process."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from sqlalchemy import update

from tellurion.agent.v1 import agent_pb2
from tellurion_agent.libraries import Libraries
from tellurion_agent.planning.planner import Planner
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.report.record import RECORD
from tellurion_agent.service import AgentServicer
from tellurion_agent.store import RUNS, Store
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import Identity, current_call
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from tellurion_core.fields import validate
from tellurion_core.jobs.claims import Claims
from tellurion_core.jobs.database import open_engine, writing
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore

from .working import Agent

QUESTION = "What is the mean sea surface temperature from 2001 to 2005?"
ANSWERED, CLARIFY, ABSTAINED, FAILED = (
    agent_pb2.Status.Value(f"STATUS_{name}") for name in ("ANSWERED", "CLARIFY", "ABSTAINED", "FAILED")
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sea of 10 °C until 2005 and of 12 °C after it; a file that is none."""
    folder = tmp_path_factory.mktemp("library")
    time = xr.date_range("2001-01-01", periods=120, freq="MS")
    lat, lon = np.arange(-80.0, 81, 20), np.arange(10.0, 360, 20)
    coordinates = {
        "time": time,
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    values = np.where(np.asarray(time.year)[:, None, None] <= 2005, 10.0, 12.0) + np.zeros((1, 9, 18))
    attributes = {"standard_name": "sea_surface_temperature", "units": "degC"}
    xr.DataArray(values, coordinates, ("time", "lat", "lon"), "tos", attributes).to_dataset().to_netcdf(
        folder / "tos.nc"
    )
    (folder / "broken.nc").write_bytes(b"CDF\x01 no more")
    return folder


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    return Planner(RECIPES, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def agent(library: Path, planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    database = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    settings = {"JOBS_DATABASE": database, "STATE": str(tmp_path), "AGENT_LIBRARIES": f"obs={library}"}
    for name, value in settings.items():
        monkeypatch.setenv(f"TELLURION_{name}", value)
    engine = open_engine(database)
    jobs, artifacts = JobStore(engine), ArtifactStore(tmp_path / "artifacts")
    libraries = Libraries.of(f"obs={library}")
    servicer = AgentServicer(Store(engine), jobs, artifacts, libraries, planner, EndpointSettings(), tmp_path / "agent")
    yield Agent(servicer, Claims(engine, JobSettings(), "worker"), artifacts, tmp_path)
    current_call.set(None)


def test_a_question_is_planned_chosen_worked_on_and_reported(agent: Agent) -> None:
    name, answer = agent.answered(QUESTION)
    assert (answer.status, answer.reason) == (ANSWERED, "")
    assert answer.values[0].number == pytest.approx(10.0, abs=1e-6)
    assert answer.values[0].units == "degC"
    assert {"report.html", "report.md", RECORD, "prov.json", "script.py", "data.nc", "figure.png"} <= set(answer.files)
    record = json.loads(agent.file(answer, RECORD))
    assert (record["question"], record["run"]) == (QUESTION, name)
    assert "obs/broken.nc" in agent.file(answer, "report.md").decode()
    assert "season: nothing was said of it" in record["reasons"]
    described = agent.call("GetRun", agent_pb2.GetRunRequest(run=name)).run
    assert [step.name for step in described.steps] == ["hash the data", "run the script", "check the answer"]


def test_a_run_is_replayed_from_its_record_to_the_same_numbers(agent: Agent, library: Path) -> None:
    _, answer = agent.answered(QUESTION)
    request = agent_pb2.ReplayRequest(request_id="again", record=answer.files[RECORD])
    again = agent.done("Replay", request)
    assert (again.status, again.values, again.differs) == (answer.status, answer.values, "")
    assert (again.run, again.HasField("differs"), answer.HasField("differs")) == (answer.run, True, False)
    forged = json.loads(agent.file(answer, RECORD))
    forged["values"][0]["value"] += 1
    kept = agent.keep(json.dumps(forged).encode(), RECORD)
    other = agent.done("Replay", agent_pb2.ReplayRequest(request_id="forged", record=kept))
    assert other.status == FAILED
    assert other.reason == f"not the same: {other.differs}"
    damaged = agent.keep(json.dumps(forged | {"slots": [1]}).encode(), RECORD)
    with pytest.raises(InvalidInput, match=r"record\.slots"):
        agent.done("Replay", agent_pb2.ReplayRequest(request_id="damaged", record=damaged))


@pytest.mark.slow
def test_a_replay_reads_the_data_that_are_given(agent: Agent, library: Path, tmp_path: Path) -> None:
    with xr.open_dataset(library / "tos.nc") as sea:
        (sea + 5).assign(tos=(sea.tos + 5).assign_attrs(sea.tos.attrs)).to_netcdf(tmp_path / "warmer.nc")
    read, warmer = (agent.keep(path.read_bytes(), "tos.nc") for path in (library / "tos.nc", tmp_path / "warmer.nc"))
    _, sent = agent.answered(QUESTION, data=agent_pb2.Data(files={"mine/tos.nc": read}))
    _, installed = agent.answered(QUESTION, "2")

    def replayed(request_id: str, answer: agent_pb2.Answer, name: str, sha256: str) -> agent_pb2.Answer:
        data = agent_pb2.Data(files={name: sha256})
        return agent.done(
            "Replay", agent_pb2.ReplayRequest(request_id=request_id, record=answer.files[RECORD], data=data)
        )

    other = replayed("3", sent, "theirs/tos.nc", warmer)
    assert (other.status, len(other.values)) == (FAILED, 0)
    assert other.differs == "the data are not those that the run read: @files/theirs/tos.nc"
    assert replayed("4", installed, "mine/tos.nc", warmer).differs.endswith("@files/mine/tos.nc")
    same = replayed("5", sent, "theirs/tos.nc", read)
    assert (same.status, same.values, same.differs, same.run) == (ANSWERED, sent.values, "", sent.run)
    with pytest.raises(NotFound, match=r"no file tos\.nc in theirs"):
        replayed("6", sent, "theirs/sea.nc", read)


@pytest.mark.slow
def test_a_library_may_be_called_files(agent: Agent, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLURION_AGENT_LIBRARIES", f"files={library}")
    looking = agent.servicer._looking
    agent.servicer._looking = replace(looking, libraries=Libraries.of(f"files={library}"))
    _, answer = agent.answered(QUESTION)
    again = agent.done("Replay", agent_pb2.ReplayRequest(request_id="again", record=answer.files[RECORD]))
    assert (again.status, again.values) == (answer.status, answer.values)


def test_one_plan_of_a_run_is_worked_on(agent: Agent) -> None:
    run = agent.ask("How warm is the sea surface on average?").run
    stored = agent.servicer._store
    first = agent_pb2.ChoosePlanRequest(run=run, plan=0)
    operation = agent.call("ChoosePlan", first).operation
    assert agent.call("ChoosePlan", first).operation == operation
    with pytest.raises(Conflict, match="chosen before"):
        agent.servicer._choose(stored.run("a", run.rpartition("/")[2]), 1, Identity("a", "ann"), 0)
    jobs, _ = agent.servicer._jobs.list("a", kinds=["agent.run"])
    assert [f"agent/operations/{job.id}" for job in jobs] == [operation]


@pytest.mark.slow
def test_a_run_whose_work_is_forgotten_is_still_told_of(agent: Agent) -> None:
    name, _ = agent.answered(QUESTION)
    run = agent.call("GetRun", agent_pb2.GetRunRequest(run=name)).run
    agent.servicer._jobs.delete("a", run.operation.rpartition("/")[2])
    for found in (
        agent.call("GetRun", agent_pb2.GetRunRequest(run=name)).run,
        *agent.call("ListRuns", agent_pb2.ListRunsRequest()).runs,
    ):
        assert (found.question, found.answer.reason) == (QUESTION, "how it ended is not kept any more")
    said = agent_pb2.FeedbackRequest(request_id="f", run=name, text="remember this as the marbled palimpsest index")
    assert agent.call("Feedback", said).understood.startswith("nothing is learned")


def test_the_same_request_is_the_same_run(agent: Agent) -> None:
    assert agent.ask(QUESTION) == agent.ask(QUESTION)
    with pytest.raises(Conflict):
        agent.ask("How salty is it?")


def test_absent_data_are_named_and_nothing_is_made_up(agent: Agent) -> None:
    proposal = agent.ask("What is the mean precipitation over land from 2001 to 2005?")
    assert (len(proposal.plans), proposal.answer.status) == (0, ABSTAINED)
    assert "precipitation" in proposal.answer.reason
    assert proposal.answer.reason.endswith("Left out, as it cannot be read: obs/broken.nc.")


def test_feedback_changes_later_requests_on_its_topic_of_its_tenant_until_it_is_taken_back(agent: Agent) -> None:
    name, _ = agent.answered("What is the mean sea surface temperature?")
    said = agent_pb2.FeedbackRequest(request_id="f", run=name, text="use the years 2006-2010, please")
    learned = agent.call("Feedback", said)
    assert [(each.name, each.value) for each in learned.lesson.settings] == [("period", "2006–2010")]

    def period(request_id: str, question: str = "How warm is the sea surface on average?", tenant: str = "a") -> str:
        return setting(request_id, question, tenant).value

    def lesson(request_id: str, question: str = "How warm is the sea surface on average?") -> str:
        return setting(request_id, question).lesson

    def setting(request_id: str, question: str, tenant: str = "a") -> agent_pb2.Setting:
        plan = agent.ask(question, request_id, tenant).plans[0]
        return next((each for each in plan.settings if each.name == "period"), agent_pb2.Setting())

    assert period("2") == "2006–2010"
    assert period("3", QUESTION) == "2001–2005"  # what is said counts more
    assert [lesson("2"), lesson("3", QUESTION)] == [learned.lesson.id, ""]
    assert period("4", tenant="b") == ""
    assert period("5", "What is the seasonal cycle of sea surface temperature?") == ""
    agent.call("SetLesson", agent_pb2.SetLessonRequest(id=learned.lesson.id, active=False))
    assert period("6") == ""


def test_a_run_is_remembered_under_a_name_and_only_where_it_was_answered(agent: Agent) -> None:
    name, _ = agent.answered(QUESTION)
    text = "remember this as the marbled palimpsest index"
    learned = agent.call("Feedback", agent_pb2.FeedbackRequest(request_id="f", run=name, text=text))
    assert (learned.lesson.recipe, learned.outcome) == ("the marbled palimpsest index", agent_pb2.OUTCOME_LEARNED)
    good = agent.call("Feedback", agent_pb2.FeedbackRequest(request_id="good", run=name, text="Good, thanks"))
    assert good.outcome == agent_pb2.OUTCOME_ACCEPTED
    plan = agent.ask("Compute the marbled palimpsest index", "2").plans[0]
    assert (plan.recipe, plan.title) == ("area_mean", "the marbled palimpsest index")
    assert ("period", "2001–2005") in [(each.name, each.value) for each in plan.settings]
    assert {each.lesson for each in plan.settings} == {learned.lesson.id}
    later = agent.ask("the Marbled  Palimpsest index from 2006 to 2010", "2a").plans[0]
    assert ("period", "2006–2010") in [(each.name, each.value) for each in later.settings]
    common = agent_pb2.FeedbackRequest(request_id="c", run=name, text="remember this as average")
    assert "any request may have the word" in agent.call("Feedback", common).understood
    asked = agent.ask("What is the mean precipitation?", "3")
    refused = agent.call("Feedback", agent_pb2.FeedbackRequest(request_id="g", run=asked.run, text=text))
    assert (refused.HasField("lesson"), refused.outcome) == (False, agent_pb2.OUTCOME_NOTHING_LEARNED)
    assert refused.understood.startswith("nothing is learned")


ESMVALTOOL = b"""
documentation: {title: Sea surface temperature of the south}
datasets: [{dataset: "", project: OBS, timerange: 2006/2010}]
preprocessors:
  south:
    extract_region: {start_longitude: 0, end_longitude: 360, start_latitude: -90, end_latitude: -20}
    regrid: {target_grid: 1x1}
    area_statistics: {operator: mean}
    climate_statistics: {operator: mean, period: full}
diagnostics:
  sst:
    variables: {tos: {mip: Omon, preprocessor: south}}
  left_to_its_script:
    variables: {tos: {mip: Omon}}
    scripts: {one: {script: ocean/diagnostic_maps_quad.py}}
"""


def test_a_recipe_of_esmvaltool_is_learned_and_asked_for_by_its_name(agent: Agent) -> None:
    request = agent_pb2.LearnRecipeRequest(request_id="r", file="recipe_south.yml", content=ESMVALTOOL)
    learned = agent.call("LearnRecipe", request)
    (lesson,) = learned.lessons
    assert (lesson.recipe, lesson.topic, lesson.run) == ("recipe_south/sst/tos", "area_mean", "")
    assert [(each.name, each.reason) for each in learned.not_learned] == [
        ("recipe_south/left_to_its_script/tos", "what is computed is left to ocean/diagnostic_maps_quad.py")
    ]
    assert agent.call("LearnRecipe", request) == learned, "said again, it is learned once"
    more = agent_pb2.LearnRecipeRequest(request_id="r2", file="recipe_south.yml", content=ESMVALTOOL)
    (lesson,) = agent.call("LearnRecipe", more).lessons
    taught = agent.call("ListLessons", agent_pb2.ListLessonsRequest()).lessons
    assert taught[0].id == lesson.id
    assert [each.active for each in taught] == [True, False], "learned anew, it takes the place of what it was"
    for unclear in ("trend of recipe_south/sst/tos", "recipe_south/sst/tos and recipe_south/sst/tos"):
        assert agent.ask(unclear, unclear[:5]).answer.status == CLARIFY
    _, answer = agent.answered("What does recipe_south/sst/tos give?", "1")
    assert (answer.status, answer.values[0].number) == (ANSWERED, pytest.approx(12.0))
    assert "20°S" in answer.values[0].label
    report = agent.file(answer, "report.md").decode()
    assert "ESMValTool's regrid is not done here" in report
    _, earlier = agent.answered("recipe_south/sst/tos from 2001 to 2005", "2")
    assert earlier.values[0].number == pytest.approx(10.0)
    other = agent.ask("recipe_south/sst/tos", "3", tenant="b")
    assert not [each for plan in other.plans for each in plan.settings if each.lesson]
    agent.call("SetLesson", agent_pb2.SetLessonRequest(id=lesson.id, active=False))
    assert not [each for plan in agent.ask("recipe_south/sst/tos", "4").plans for each in plan.settings if each.lesson]


def test_what_is_no_recipe_of_esmvaltool_teaches_nothing(agent: Agent) -> None:
    with pytest.raises(InvalidInput, match="no diagnostics"):
        agent.call("LearnRecipe", agent_pb2.LearnRecipeRequest(request_id="r", file="a.yml", content=b"a: 1"))
    for refused in ({"file": "../a.yml", "content": b"a"}, {"file": "a.yml", "content": 524_289 * b"a"}):
        with pytest.raises(InvalidInput):
            validate(agent_pb2.LearnRecipeRequest(request_id="r", **refused))
    assert not agent.call("ListLessons", agent_pb2.ListLessonsRequest()).lessons


def test_runs_are_their_tenants_alone(agent: Agent) -> None:
    proposal = agent.ask(QUESTION)
    for method, request in (
        ("GetRun", agent_pb2.GetRunRequest(run=proposal.run)),
        ("ChoosePlan", agent_pb2.ChoosePlanRequest(run=proposal.run)),
        ("Feedback", agent_pb2.FeedbackRequest(request_id="f", run=proposal.run, text="good")),
    ):
        with pytest.raises(NotFound):
            agent.call(method, request, "b")
    assert len(agent.call("ListRuns", agent_pb2.ListRunsRequest()).runs) == 1
    assert len(agent.call("ListRuns", agent_pb2.ListRunsRequest(), "b").runs) == 0


@pytest.mark.slow
def test_data_come_as_files_too(agent: Agent, library: Path) -> None:
    kept = agent.keep((library / "tos.nc").read_bytes(), "tos.nc")
    data = agent_pb2.Data(files={"mine/tos.nc": kept})
    _, answer = agent.answered(QUESTION, data=data)
    assert answer.values[0].number == pytest.approx(10.0, abs=1e-6)
    record = json.loads(agent.file(answer, RECORD))
    assert record["sources"][0]["files"][0]["name"] == "@files/mine/tos.nc"
    for name in ("../tos.nc", "/tos.nc", "a//tos.nc", ".hidden", ""):
        with pytest.raises(InvalidInput, match=r"data\.files"):
            agent.ask(QUESTION, f"2{name.replace('/', ':')}", data=agent_pb2.Data(files={name: kept}))


def test_what_was_kept_to_look_through_data_goes_when_nobody_asks_for_it(agent: Agent, library: Path) -> None:
    kept = agent.keep((library / "tos.nc").read_bytes(), "tos.nc")
    for name in ("old.nc", "new.nc"):
        agent.call("ListDataSets", agent_pb2.ListDataSetsRequest(data=agent_pb2.Data(files={name: kept})))
    state = agent.folder / "agent"
    (old,) = (path.parent for path in state.glob("files/*/old.nc"))
    long_ago = time.time() - 31 * 86_400
    first, *_ = sorted(state.glob("catalogue-*.sqlite"), key=lambda path: path.stat().st_mtime)
    for path in (old, first):
        os.utime(path, (long_ago, long_ago))
    agent.servicer._looking.sweep()
    assert [path.name for path in state.glob("files/*/*")] == ["new.nc"]
    assert len(list(state.glob("catalogue-*"))) == len(list(state.glob("catalogue-*.sqlite*"))) == 2
    assert not first.exists()


def test_what_is_old_is_forgotten_while_the_service_runs(agent: Agent) -> None:
    run = agent.ask(QUESTION).run
    store = agent.servicer._store
    with writing(store._engine) as connection:
        connection.execute(update(RUNS).values(created=RUNS.c.created - 31 * 86_400))

    async def served() -> None:
        await agent.servicer.start()
        async with asyncio.timeout(30):
            while store.runs("a")[0]:  # noqa: ASYNC110 -- of a database
                await asyncio.sleep(0.05)
        await agent.servicer.stop()

    asyncio.run(served())
    with pytest.raises(NotFound):
        agent.call("GetRun", agent_pb2.GetRunRequest(run=run))


@pytest.mark.parametrize(
    "request_",
    [
        agent_pb2.AskRequest(request_id="1", question="How warm\0?"),
        agent_pb2.FeedbackRequest(request_id="1", run="agent/runs/1", text="good\0"),
        agent_pb2.ListLessonsRequest(topic="\0"),
        agent_pb2.ListRunsRequest(page_token="1:\0"),
        agent_pb2.SetLessonRequest(id="\0"),
    ],
)
def test_no_text_holds_what_a_database_cannot_keep(request_: Any) -> None:
    with pytest.raises(InvalidInput, match=r"matching"):
        validate(request_)


def test_what_there_is_and_what_cannot_be_read_is_listed(agent: Agent) -> None:
    items = agent.call("ListDataSets", agent_pb2.ListDataSetsRequest())
    (found,) = (item.data_set for item in items if item.HasField("data_set"))
    assert (found.variable, found.period, dict(found.sizes)) == (
        "sea_surface_temperature",
        "2001/2010",
        {"time": 120, "lat": 9, "lon": 18},
    )
    (problem,) = (item.problem for item in items if item.HasField("problem"))
    assert problem.file == "obs/broken.nc"
    with pytest.raises(InvalidInput, match="library: received other; accepted: obs"):
        agent.call("ListDataSets", agent_pb2.ListDataSetsRequest(data=agent_pb2.Data(libraries=["other"])))


@pytest.mark.slow
def test_a_file_whose_name_is_no_utf8_is_named_as_far_as_it_can_be(agent: Agent, library: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(library) + b"/t\xe9.nc"))
    file.write_bytes((library / "tos.nc").read_bytes())
    try:
        listed = agent.call("ListDataSets", agent_pb2.ListDataSetsRequest())
        assert "obs/t?.nc" in {each.problem.file for each in listed}
        assert agent.answered(QUESTION)[1].status == ANSWERED
    finally:
        file.unlink()


@pytest.mark.slow
def test_a_run_reads_what_it_was_planned_with_where_another_worker_has_other_folders(
    agent: Agent, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = agent.ask(QUESTION)
    other = tmp_path / "other"
    other.mkdir()
    with xr.open_dataset(library / "tos.nc") as sea:
        (sea + 5).assign(tos=(sea.tos + 5).assign_attrs(sea.tos.attrs)).to_netcdf(other / "tos.nc")
    monkeypatch.setenv("TELLURION_AGENT_LIBRARIES", f"obs={other}")
    answer = agent.done("ChoosePlan", agent_pb2.ChoosePlanRequest(run=proposal.run, plan=0))
    assert answer.values[0].number == pytest.approx(10.0)


def test_a_model_that_may_not_be_asked_is_refused_before_anything_is_kept(agent: Agent) -> None:
    model = agent_pb2.Endpoint(url="http://169.254.169.254/v1", model="m")
    with pytest.raises(PermissionDenied):
        agent.ask(QUESTION, model=model)
    assert len(agent.call("ListRuns", agent_pb2.ListRunsRequest()).runs) == 0


def test_recipes_are_listed_with_examples(agent: Agent) -> None:
    recipes = agent.call("ListRecipes", agent_pb2.ListRecipesRequest()).recipes
    assert len(recipes) >= 30
    assert all(recipe.method and recipe.examples for recipe in recipes)
