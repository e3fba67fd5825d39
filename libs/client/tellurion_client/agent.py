"""The agent service, as a client sees it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellurion.agent.v1 import agent_pb2, agent_pb2_grpc
from tellurion_client.agent_data import check_folders, libraries_of, setting_of, to_send
from tellurion_client.agent_results import Answer, DataSet, Feedback, LearnedRecipe, Lesson, Listing, Plan, Recipe
from tellurion_client.artifacts import ArtifactsClient
from tellurion_client.operations import Operation, cancelled_if_left
from tellurion_client.options import check_request_id, check_timeout, countdown
from tellurion_core.call import call_metadata, new_request_id
from tellurion_core.errors import DataCorrupted, InvalidInput

if TYPE_CHECKING:
    from tellurion_client.benchmark_request import Endpoint
    from tellurion_client.client import Client

SERVICE = "agent"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")
MOST_RECIPE = 512 * 1024
"""Bytes of a recipe of ESMValTool."""

Told = Callable[[str], None]
"""Told what is being done, in a few words."""
Choose = Callable[[Sequence[Plan]], int | None]
"""From the plans, the best first, to the number of that which is run; None for none."""


class AgentClient:
    """Asks for analyses in plain language. Got from `Client.agent`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._artifacts = ArtifactsClient(client, SERVICE)

    def ask(
        self,
        question: str,
        *,
        data: Iterable[str | os.PathLike[str]] = (),
        libraries: Iterable[str] = (),
        session: str = "",
        choose: Choose | None = None,
        model: Endpoint | None = None,
        told: Told | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Asks a question about data, and waits for what comes of it.

        `data` are folders of NetCDF files; a platform is sent them, an embedded one reads them where they are. What
        cannot be sent is `told`.
        `libraries` are names of folders that a platform has. Questions of one `session` are understood together. The
        best plan is run, or that which `choose` says. `model` is a language model that plans beside the recipes.

        Raises:
            InvalidInput: a question or data that cannot be used, or a library that there is not.
            DeadlineExceeded: not done within `timeout` seconds; the work is cancelled.
            Unavailable: the service cannot be reached or started.
        """
        left = countdown(timeout)
        if request_id is not None:
            check_request_id(request_id)
        request = agent_pb2.AskRequest(
            request_id=request_id or new_request_id(),
            question=question,
            session=session,
            choose=agent_pb2.CHOICE_BEST if choose is None else agent_pb2.CHOICE_ASK,
        )
        if model is not None:
            request.model.CopyFrom(agent_pb2.Endpoint(url=model.url, model=model.model, api_key_env=model.api_key_env))
        request.data.CopyFrom(self._told_data(data, libraries, told, left()))
        run, plans, answer = self._followed(request, told, left())
        if answer is None and choose is not None:
            chosen = choose(plans)
            if chosen is None:
                return Answer(run, "clarify", (), "", "Which plan?", tuple(plan.title for plan in plans), "", (), {})
            operation = self._asked("ChoosePlan", agent_pb2.ChoosePlanRequest(run=run, plan=chosen), left()).operation
            answer = self._awaited(run, operation, told, left())
        if answer is None:
            raise DataCorrupted("the answer ended before its end")
        return answer

    def replay(
        self,
        record: str | os.PathLike[str],
        *,
        data: Iterable[str | os.PathLike[str]] = (),
        told: Told | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Runs again what a record.json has; FAILED where data or numbers are others, and `differs` says which.

        `data` are folders in the place of those that the run was about; without any, a platform still has what it was
        sent.

        Raises:
            InvalidInput: the file is no record.
            NotFound: its data are not there, or not there any more.
            DeadlineExceeded, Unavailable: as for `ask`.
        """
        left = countdown(timeout)
        path = Path(record)
        about = self._told_data(data, (), told, left())
        self._client.keep_working(SERVICE)  # embedded, both start at once
        sha256 = self._artifacts.upload([path], timeout=left())[path]
        request = agent_pb2.ReplayRequest(request_id=new_request_id(), record=sha256, data=about)
        return self._awaited("", self._asked("Replay", request, left()).operation, told, left())

    def feedback(self, run: str, text: str, *, request_id: str | None = None, timeout: float | None = None) -> Feedback:
        """Says of a run that it is good, what is wrong with it, or that it is to be remembered; how that was taken.

        Raises:
            InvalidInput: no run can have the name.
            NotFound: there is no such run.
            DeadlineExceeded, Unavailable: as for `ask`.
        """
        request = agent_pb2.FeedbackRequest(request_id=request_id or new_request_id(), run=run, text=text)
        return Feedback.of(self._asked("Feedback", request, timeout))

    def learn(
        self, recipe: str | os.PathLike[str], *, request_id: str | None = None, timeout: float | None = None
    ) -> LearnedRecipe:
        """Learns what a recipe of ESMValTool does, each part of it under the name ``recipe/diagnostic/variable``.

        Raises:
            InvalidInput: the file is no such recipe, is too large, or cannot be read.
            DeadlineExceeded, Unavailable: as for `ask`.
        """
        path = Path(recipe)
        try:
            with path.open("rb") as file:
                content = file.read(MOST_RECIPE + 1)
        except OSError as error:
            raise InvalidInput.of("recipe", received=f"{recipe} ({error.strerror})", accepted="a file") from None
        name = _NOT_IN_NAMES.sub("_", path.name).lstrip("._+-")[:64] or "recipe"
        request = agent_pb2.LearnRecipeRequest(request_id=request_id or new_request_id(), file=name, content=content)
        return LearnedRecipe.of(self._asked("LearnRecipe", request, timeout))

    def lessons(self, *, topic: str = "", timeout: float | None = None) -> list[Lesson]:
        """What was taught, newest first. Raises DeadlineExceeded and Unavailable."""
        response = self._asked("ListLessons", agent_pb2.ListLessonsRequest(topic=topic), timeout)
        return [Lesson.of(each) for each in response.lessons]

    def set_lesson(self, id: str, *, active: bool, timeout: float | None = None) -> Lesson:
        """Takes a lesson back, or up again. Raises NotFound, DeadlineExceeded and Unavailable."""
        return Lesson.of(self._asked("SetLesson", agent_pb2.SetLessonRequest(id=id, active=active), timeout).lesson)

    def recipes(self, *, timeout: float | None = None) -> list[Recipe]:
        """The analyses that are known, by name. Raises DeadlineExceeded and Unavailable."""
        response = self._asked("ListRecipes", agent_pb2.ListRecipesRequest(), timeout)
        return [Recipe.of(each) for each in response.recipes]

    def catalogue(
        self,
        data: Iterable[str | os.PathLike[str]] = (),
        *,
        libraries: Iterable[str] = (),
        timeout: float | None = None,
    ) -> Listing:
        """The data sets in folders or libraries, and the files that cannot be read.

        Raises:
            InvalidInput: a folder that cannot be used, or a library that there is not.
            DeadlineExceeded, Unavailable: as for `ask`.
        """
        left = countdown(timeout)
        about, problems = self._data(data, libraries, left())
        request = agent_pb2.ListDataSetsRequest(data=about)
        sets: list[DataSet] = []
        with self._client.calling(SERVICE):
            for item in self._stub().ListDataSets(request, timeout=left(), metadata=call_metadata()):
                if item.HasField("data_set"):
                    sets.append(DataSet.of(item.data_set))
                else:
                    problems[item.problem.file] = item.problem.reason
        return Listing(tuple(sets), problems)

    def download(self, answer: Answer, folder: Path, *, timeout: float | None = None) -> list[Path]:
        """Writes the files of a run into a folder, which is made where it is not there.

        Raises:
            InvalidInput: it cannot be written.
            NotFound: they are not kept any more.
            DeadlineExceeded, Unavailable: as for `ask`.
        """
        left = countdown(timeout)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / name for name in sorted(answer.files) if Path(name).name == name]
        for path in paths:
            self._artifacts.download(answer.files[path.name], path, timeout=left())
        return paths

    def _followed(
        self, request: agent_pb2.AskRequest, told: Told | None, timeout: float | None
    ) -> tuple[str, list[Plan], Answer | None]:
        """The run, its plans, and how it ended where it was run; its work is cancelled where the waiting ends early."""
        run, plans, answer = "", list[Plan](), None
        self._client.keep_working(SERVICE)
        with ExitStack() as waiting, self._client.calling(SERVICE):
            for news in self._stub().Ask(request, timeout=timeout, metadata=call_metadata()):
                match news.WhichOneof("news"):
                    case "proposal":
                        run, plans = news.proposal.run, list(map(Plan.of, news.proposal.plans))
                    case "operation":
                        waiting.enter_context(cancelled_if_left(Operation(self._client, news.operation).cancel))
                    case "answer":
                        answer = Answer.of(run, news.answer)
                    case "doing" | "log" as kind if told is not None:
                        told(getattr(news, kind))
                    case "step" if told is not None:
                        told(f"{news.step.name}: {news.step.outcome}")
        return run, plans, answer

    def _awaited(self, run: str, operation: str, told: Told | None, timeout: float | None) -> Answer:
        def progress(fraction: float, message: str) -> None:
            if told is not None and message:
                told(message)

        work = Operation(self._client, operation)
        with cancelled_if_left(work.cancel):
            return Answer.of(run, work.result(agent_pb2.Answer, progress=progress, timeout=timeout))

    def _told_data(
        self,
        given: Iterable[str | os.PathLike[str]],
        libraries: Iterable[str],
        told: Told | None,
        timeout: float | None,
    ) -> agent_pb2.Data:
        """What a request is about; why some of it is left out is told."""
        about, left_out = self._data(given, libraries, timeout)
        if told is not None:
            for path, reason in left_out.items():
                told(f"{path}: {reason}")
        return about

    def _data(
        self, given: Iterable[str | os.PathLike[str]], libraries: Iterable[str], timeout: float | None
    ) -> tuple[agent_pb2.Data, dict[str, str]]:
        """What a request is about, and why some of it is left out, by path.

        The folders are read where they are, or their files are sent.
        """
        folders = [Path(folder) for folder in given]
        check_folders(folders)
        if not self._client.lasting:
            named = libraries_of(folders)
            if named:
                self._client.configure(SERVICE, agent_libraries=setting_of(named))
            return agent_pb2.Data(libraries=[*named, *libraries]), {}
        files, left_out = to_send(folders)
        sent = self._artifacts.upload(files.values(), timeout=timeout)
        hashes = {name: sent[path] for name, path in files.items()}
        return agent_pb2.Data(libraries=list(libraries), files=hashes), left_out

    def _asked(self, method: str, request: Any, timeout: float | None) -> Any:
        check_timeout(timeout)
        with self._client.calling(SERVICE):
            return getattr(self._stub(), method)(request, timeout=timeout, metadata=call_metadata())

    def _stub(self) -> agent_pb2_grpc.AgentServiceStub:
        return agent_pb2_grpc.AgentServiceStub(self._client.channel(SERVICE))
