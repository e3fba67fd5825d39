"""The agent on gRPC: plans what is asked for, has plans worked on as jobs, and keeps what is taught."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict

from tellurion.agent.v1 import agent_pb2, agent_pb2_grpc
from tellurion_agent import proposals, wire
from tellurion_agent.capabilities.services import Caller, Services
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.esmvaltool.recipe_file import read
from tellurion_agent.feedback.lessons import Lessons
from tellurion_agent.job import KIND, REPLAY
from tellurion_agent.libraries import Libraries, labelled
from tellurion_agent.looking import Looking
from tellurion_agent.planning.conversation import EndpointModel, endpoint_of
from tellurion_agent.planning.model_planner import ModelPlanner
from tellurion_agent.planning.offers import Offers, for_recipes
from tellurion_agent.planning.plan import Abstain, Clarify, Planning, Plans, noted
from tellurion_agent.planning.plan import Context as Before
from tellurion_agent.planning.planner import Planner
from tellurion_agent.planning.request_files import Listing
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.sandbox.choosing import SandboxSettings
from tellurion_agent.settings import AgentSettings, ServiceSettings
from tellurion_agent.store import Run, Store
from tellurion_agent.uploads import check_files
from tellurion_core import artifact_service
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import Identity, answering
from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.keys import KeyList
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.errors import NotFound, TellurionError
from tellurion_core.jobs import operations
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.opening import job_store
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.submission import submit
from tellurion_core.server import Service
from tellurion_core.settings import ServerSettings, StateSettings, load

Context = Any
T = TypeVar("T")
SERVICE = "agent"
KEEP, TIDY_SECONDS = timedelta(days=30), 3600.0
LOOK_SECONDS = 0.2
"""Between two looks at a run that is followed."""
PAGE_SIZE = 100
PLANS_AT_ONCE = 8
"""Requests that are planned, or whose data are looked through, at once; further ones wait."""
NO_SERVICES = Services({})


class AgentServicer(agent_pb2_grpc.AgentServiceServicer):
    """Answers tellurion.agent.v1.AgentService."""

    def __init__(
        self,
        store: Store,
        jobs: JobStore,
        artifacts: ArtifactStore,
        libraries: Libraries,
        planner: Planner,
        endpoints: EndpointSettings,
        state: Path,
        others: Services = NO_SERVICES,
        keep: timedelta = KEEP,
    ) -> None:
        """`state` is a folder for what is made again where it is lost; runs are kept as long as jobs."""
        self._store = store
        self._jobs = jobs
        self._artifacts = artifacts
        self._looking = Looking(libraries, artifacts, state, keep)
        self._planner = planner
        self._endpoints = endpoints
        self._services = others
        self._lessons = Lessons(store, planner.correction, planner.is_word)
        # Not asyncio's own threads: looking through data takes one for long, and a model may keep it waiting.
        self._threads = ThreadPoolExecutor(PLANS_AT_ONCE, thread_name_prefix="plan")

    async def start(self) -> None:
        """Begins to forget what is old, now and then."""
        self._tidying = asyncio.create_task(self._tidy())

    async def stop(self) -> None:
        """Ends that."""
        self._tidying.cancel()
        with suppress(asyncio.CancelledError):
            await self._tidying

    async def _tidy(self) -> None:
        while True:
            for tidy in (self._looking.sweep, lambda: self._store.forget(self._looking.keep.total_seconds() / 86_400)):
                with suppress(OSError, TellurionError):  # next time, then
                    await asyncio.to_thread(tidy)
            await asyncio.sleep(TIDY_SECONDS)

    async def Ask(  # noqa: N802
        self, request: agent_pb2.AskRequest, context: Context
    ) -> AsyncIterator[agent_pb2.AskResponse]:
        """Plans, and follows the best plan where it is to be run."""
        caller = answering().identity
        if request.HasField("model"):
            EndpointModel(endpoint_of(MessageToDict(request.model, preserving_proto_field_name=True)), self._endpoints)
        asked = MessageToDict(request, preserving_proto_field_name=True)
        begin = {"session": request.session, "question": request.question, "request": asked}
        run = await asyncio.to_thread(
            lambda: self._store.begin(caller.tenant, caller.subject, request.request_id, **begin)
        )
        if run.proposal is None:
            await asyncio.to_thread(check_files, self._artifacts, caller.tenant, request.data.files)
            yield agent_pb2.AskResponse(doing="looking through the data")
            libraries, catalogue = await self._planning(self._looking.through, request.data, caller.tenant)
            yield agent_pb2.AskResponse(doing=f"planning, with {len(catalogue.datasets)} data sets")
            run = await self._planning(self._plan, run, catalogue, libraries)
        proposal = wire.proposal(run)
        yield agent_pb2.AskResponse(proposal=proposal)
        if not proposal.plans:
            yield agent_pb2.AskResponse(answer=proposal.answer)
            return
        if run.job is None and request.choose == agent_pb2.CHOICE_BEST:
            run = await asyncio.to_thread(self._choose, run, 0, caller, request.priority)
        if run.job is not None:
            async for news in self._followed(run):
                yield news

    async def ChoosePlan(  # noqa: N802
        self, request: agent_pb2.ChoosePlanRequest, context: Context
    ) -> agent_pb2.ChoosePlanResponse:
        """Has a plan worked on."""
        caller = answering().identity
        run = await asyncio.to_thread(self._run, request.run, caller.tenant)
        if request.plan >= len((run.proposal or {}).get("plans", [])):
            raise NotFound(f"{request.run} has no plan {request.plan}")
        run = await asyncio.to_thread(self._choose, run, request.plan, caller, 0)
        return agent_pb2.ChoosePlanResponse(operation=f"{SERVICE}/operations/{run.job}")

    async def GetRun(self, request: agent_pb2.GetRunRequest, context: Context) -> agent_pb2.GetRunResponse:  # noqa: N802
        """All that is known of a run."""
        run = await asyncio.to_thread(self._run, request.run, answering().identity.tenant)
        told = await asyncio.to_thread(self._store.told, run, about="step ")
        message = await asyncio.to_thread(self._described, run)
        message.steps.extend(wire.news(content).step for _, content in told)
        return agent_pb2.GetRunResponse(run=message)

    async def ListRuns(self, request: agent_pb2.ListRunsRequest, context: Context) -> agent_pb2.ListRunsResponse:  # noqa: N802
        """The tenant's runs."""
        tenant, size = answering().identity.tenant, request.page_size or PAGE_SIZE

        def page() -> agent_pb2.ListRunsResponse:
            runs, token = self._store.runs(tenant, session=request.session, size=size, token=request.page_token)
            return agent_pb2.ListRunsResponse(runs=map(self._described, runs), next_page_token=token)

        return await asyncio.to_thread(page)

    async def Replay(self, request: agent_pb2.ReplayRequest, context: Context) -> agent_pb2.ReplayResponse:  # noqa: N802
        """Has a run done again."""
        caller = answering().identity
        await asyncio.to_thread(self._artifacts.get, caller.tenant, request.record)
        await asyncio.to_thread(check_files, self._artifacts, caller.tenant, request.data.files)
        submission = agent_pb2.AskRequest(request_id=request.request_id)
        name = await asyncio.to_thread(submit, self._jobs, caller, REPLAY, submission, request)
        return agent_pb2.ReplayResponse(operation=name)

    async def Feedback(self, request: agent_pb2.FeedbackRequest, context: Context) -> agent_pb2.FeedbackResponse:  # noqa: N802
        """Learns from what is said of a run."""
        caller = answering().identity
        run = await asyncio.to_thread(self._run, request.run, caller.tenant)
        ended = await asyncio.to_thread(self._answer, run)
        learned = await asyncio.to_thread(self._lessons.learn, run, ended, request.request_id, request.text)
        lesson = None if learned.lesson is None else wire.lesson(learned.lesson)
        return agent_pb2.FeedbackResponse(lesson=lesson, understood=learned.understood, outcome=learned.outcome)

    async def LearnRecipe(  # noqa: N802
        self, request: agent_pb2.LearnRecipeRequest, context: Context
    ) -> agent_pb2.LearnRecipeResponse:
        """Learns what a recipe of ESMValTool does."""
        tenant = answering().identity.tenant

        def learned() -> agent_pb2.LearnRecipeResponse:
            lessons, unknown = self._lessons.read(tenant, request.request_id, read(request.file, request.content))
            left = [agent_pb2.NotLearned(name=each.name, reason=each.reason) for each in unknown]
            return agent_pb2.LearnRecipeResponse(lessons=map(wire.lesson, lessons), not_learned=left)

        return await self._planning(learned)

    async def ListLessons(  # noqa: N802
        self, request: agent_pb2.ListLessonsRequest, context: Context
    ) -> agent_pb2.ListLessonsResponse:
        """What the tenant has taught."""
        tenant = answering().identity.tenant
        kept = await asyncio.to_thread(lambda: list(self._store.lessons(tenant, topic=request.topic)))
        return agent_pb2.ListLessonsResponse(lessons=map(wire.lesson, kept))

    async def SetLesson(self, request: agent_pb2.SetLessonRequest, context: Context) -> agent_pb2.SetLessonResponse:  # noqa: N802
        """Takes a lesson back, or up again."""
        tenant = answering().identity.tenant
        kept = await asyncio.to_thread(self._store.set_active, tenant, request.id, request.active)
        return agent_pb2.SetLessonResponse(lesson=wire.lesson(kept))

    async def ListRecipes(  # noqa: N802
        self, request: agent_pb2.ListRecipesRequest, context: Context
    ) -> agent_pb2.ListRecipesResponse:
        """The recipes."""
        return agent_pb2.ListRecipesResponse(recipes=map(wire.recipe, (RECIPES[name] for name in sorted(RECIPES))))

    async def ListDataSets(  # noqa: N802
        self, request: agent_pb2.ListDataSetsRequest, context: Context
    ) -> AsyncIterator[agent_pb2.ListDataSetsResponse]:
        """The data sets, and the files that cannot be read."""
        libraries, catalogue = await self._planning(self._looking.through, request.data, answering().identity.tenant)
        for each in catalogue.datasets:
            yield agent_pb2.ListDataSetsResponse(data_set=wire.data_set(each))
        for path, reason in catalogue.problems.items():
            problem = agent_pb2.Problem(file=libraries.place(path), reason=reason)
            yield agent_pb2.ListDataSetsResponse(problem=problem)

    async def _planning(self, do: Callable[..., T], *given: Any) -> T:
        """What a function answers, in a thread for planning."""
        within = copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: within.run(do, *given))

    def _plan(self, run: Run, catalogue: Catalogue, libraries: Libraries) -> Run:
        """The run with what it is understood as."""
        lessons = self._lessons.in_use(run.tenant)
        said = proposals.context(self._last(run), lessons.preferred)
        if (named := lessons.said(run.question)) is not None:
            found = self._planner.named(*named, catalogue, for_recipes(said))
        else:
            found = self._understood(run, catalogue, libraries, said)
        if catalogue.problems:
            found = noted(found, _unread([libraries.place(path) for path in catalogue.problems]))
        return self._store.propose(run, proposals.stored(found, libraries, lessons.lessons))

    def _understood(
        self, run: Run, catalogue: Catalogue, libraries: Libraries, said: Before
    ) -> Plans | Clarify | Abstain:
        """What a request that says no name is understood as."""
        planner: Planning = self._planner
        caller = Caller.of(run.tenant, run.subject, run.request_id)
        offers = Offers(
            lambda: Listing.of(libraries.folders.values()), lambda service: self._services.missing(service, caller)
        )
        if (asked := run.request.get("model")) is not None:
            planner = ModelPlanner(self._planner, EndpointModel(endpoint_of(asked), self._endpoints), offers)
        return offers.plan(run.question, said) or planner.plan(run.question, catalogue, for_recipes(said))

    def _last(self, run: Run) -> Mapping[str, Any]:
        """What was proposed last in the session of a run."""
        if not run.session:
            return {}
        runs, _ = self._store.runs(run.tenant, session=run.session, size=10)
        return next((each.proposal for each in runs if each.id != run.id and each.proposal is not None), {})

    def _choose(self, run: Run, plan: int, caller: Identity, priority: int) -> Run:
        run = self._store.choose(run, plan)
        if run.job is not None:
            return run
        body = agent_pb2.ChoosePlanRequest(run=wire.RUNS + run.id, plan=plan)
        submission = agent_pb2.AskRequest(request_id=f"{run.id}:{plan}", priority=priority)
        operation = submit(self._jobs, caller, KIND, submission, body)
        return self._store.begun(run, operation.rpartition("/")[2])

    async def _followed(self, run: Run) -> AsyncIterator[agent_pb2.AskResponse]:
        """News of a run that is worked on, its answer last."""
        yield agent_pb2.AskResponse(operation=f"{SERVICE}/operations/{run.job}")
        number = 0
        while True:
            ended = await asyncio.to_thread(self._answer, run)  # first, so that no news come after it
            told = await asyncio.to_thread(self._store.told, run, number)
            for _, content in told:
                yield wire.news(content)
            if ended is not None and not told:
                yield agent_pb2.AskResponse(answer=ended)
                return
            number = told[-1][0] if told else number
            if not told:
                await asyncio.sleep(LOOK_SECONDS)

    def _run(self, name: str, tenant: str) -> Run:
        return self._store.run(tenant, wire.run_id(name))

    def _answer(self, run: Run) -> agent_pb2.Answer | None:
        """How a run ended; None where it has not."""
        if run.job is None:
            ended = wire.proposal(run).answer
            return ended if ended.status else None
        try:
            job = self._jobs.get(run.tenant, run.job)
        except NotFound:
            return agent_pb2.Answer(reason="how it ended is not kept any more")
        return wire.ended(job) if job.finished is not None else None

    def _described(self, run: Run) -> agent_pb2.Run:
        operation = "" if run.job is None else f"{SERVICE}/operations/{run.job}"
        message = agent_pb2.Run(
            name=wire.RUNS + run.id,
            question=run.question,
            session=run.session,
            proposal=wire.proposal(run),
            operation=operation,
            answer=self._answer(run),
        )
        message.created.FromMilliseconds(round(1000 * run.created))
        return message


def services(settings: ServerSettings) -> list[Service]:
    """The service, and beside it those by which its jobs are followed and its files come and go.

    Raises:
        InvalidInput: a setting cannot be used.
        Unavailable: the database cannot be reached.
    """
    state, jobs = load(StateSettings), load(JobSettings)
    artifacts, store = state.artifacts(), job_store()
    libraries = Libraries.of(load(AgentSettings).libraries)
    folder = state.state / SERVICE
    endpoints = load(EndpointSettings)
    AllowList(endpoints.endpoints)  # what cannot be read is refused now, and not with the first request
    load(SandboxSettings)
    KeyList(endpoints.endpoint_keys)
    kept, planner = Store(open_engine(jobs.database_url(state))), Planner(RECIPES, cache=folder)
    others = Services.of(load(ServiceSettings))
    keep = timedelta(days=jobs.retention_days)
    servicer = AgentServicer(kept, store, artifacts, libraries, planner, endpoints, folder, others, keep)
    register = agent_pb2_grpc.add_AgentServiceServicer_to_server
    return [
        Service("tellurion.agent.v1.AgentService", register, servicer, start=servicer.start, stop=servicer.stop),
        *operations.services(SERVICE, store, [KIND, REPLAY]),
        artifact_service.service(artifacts, keep=keep),
    ]


def _unread(places: Sequence[str]) -> str:
    """That files are left out."""
    return f"Left out, as it cannot be read: {labelled(sorted(places))}."
