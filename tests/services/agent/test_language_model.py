"""A language model beside the recipes, from the question to the report: the service, its worker, the sandbox, HTTP.

The service and its worker are processes of their own; what is asked goes over gRPC.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import numpy as np
import pytest
import xarray as xr

from tellurion.agent.v1 import agent_pb2, agent_pb2_grpc
from tellurion_agent.laboratory.analysis import ATTEMPTS
from tellurion_agent.planning.model_planner import ASK, GIVE_UP, SCRIPT
from tellurion_core.artifacts import ArtifactStore

KNOWN = "What is the mean sea surface temperature from 2001 to 2005?"
KEY = "sk-only-for-its-endpoint"
ANSWERED, CLARIFY, ABSTAINED, FAILED = (
    agent_pb2.Status.Value(f"STATUS_{name}") for name in ("ANSWERED", "CLARIFY", "ABSTAINED", "FAILED")
)
MODEL_SECONDS = 3.0

RANGE = """\
import sys
from pathlib import Path
from tellurion_agent.laboratory.instruments import keep, opened
from tellurion_agent.recipes.recipe import Value
field = opened(sys.argv[1])["sst"]
keep([Value(label="its range", value=float(field.max() - field.min()), units="K")], Path.cwd())
"""


def unknown(word: str) -> str:
    """A request that no recipe answers, told from others by a word."""
    return f"How lacunar are the {word} whorls of the palimpsest?"


def calling(name: str, **arguments: Any) -> str:
    """A step of the scripted server: the model calls a tool."""
    call = {"function": {"name": name, "arguments": json.dumps(arguments)}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return "body:" + json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]})


def writing(code: str) -> str:
    """As `calling`: it writes a script about the first data set."""
    return calling(SCRIPT, title="The range of a field", code=code, data={"sst": 0})


RULES = {
    # What is said of scripts that failed; these conversations have the script in them.
    "1 / 0": writing(RANGE),
    "import one_that_is_not": writing("import another_that_is_not"),
    "import another_that_is_not": writing("import one_that_is_not"),
    # What is said of requests.
    "recipe-like": calling("area_mean", variable="SST", period="2006-2010"),
    "mended": writing("1 / 0"),
    "hopeless": writing("import one_that_is_not"),
    "ambiguous": calling(ASK, question="Which whorls?"),
    "vain": calling(GIVE_UP, reason="Palimpsests have no whorls."),
    "chattering": "answer",
    "unheard": calling("rm_rf", path="/"),
    "silent": "hang",
    "locked": "401",
    "strange": "html",
    "long": "huge",
}


@dataclass(frozen=True)
class Asked:
    """What came of a request."""

    proposal: agent_pb2.Proposal
    answer: agent_pb2.Answer
    """As it is where there is no plan, or where the plan has been done."""


class Agent:
    """The running service, as a caller has it."""

    def __init__(self, address: str, state: Path, scripted: str) -> None:
        self._stub = agent_pb2_grpc.AgentServiceStub(grpc.insecure_channel(address))
        self._artifacts = ArtifactStore(state / "artifacts")
        self._numbers = count()
        self.scripted = scripted

    def ask(self, question: str, url: str = "", *, run: bool = False, **model: str) -> Asked:
        """What a question comes to; its best plan is run where `run` says so."""
        request = agent_pb2.AskRequest(
            request_id=str(next(self._numbers)),
            question=question,
            choose=agent_pb2.CHOICE_BEST if run else agent_pb2.CHOICE_ASK,
            model=agent_pb2.Endpoint(url=url or self.scripted, **{"model": "planet-7b", **model}),
        )
        news = list(self._stub.Ask(request, timeout=120))
        (proposal,) = (each.proposal for each in news if each.HasField("proposal"))
        return Asked(proposal, news[-1].answer)

    def file(self, answer: agent_pb2.Answer, name: str) -> str:
        """One of the files of an answer."""
        with self._artifacts.open("local", answer.files[name]) as file:
            return file.read().decode()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sea of 10 °C until 2005 and of 12 °C after it."""
    folder = tmp_path_factory.mktemp("library")
    time = xr.date_range("2001-01-01", periods=120, freq="MS")
    coordinates = {
        "time": time,
        "lat": ("lat", np.arange(-80.0, 81, 20), {"units": "degrees_north"}),
        "lon": ("lon", np.arange(10.0, 360, 20), {"units": "degrees_east"}),
    }
    values = np.where(np.asarray(time.year)[:, None, None] <= 2005, 10.0, 12.0) + np.zeros((1, 9, 18))
    attributes = {"standard_name": "sea_surface_temperature", "units": "degC"}
    field = xr.DataArray(values, coordinates, ("time", "lat", "lon"), "tos", attributes)
    field.to_dataset().to_netcdf(folder / "tos.nc")
    return folder


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the scripted server writes down what it was asked."""
    return tmp_path_factory.mktemp("model")


@pytest.fixture(scope="module")
def agent(
    scripted: ModuleType, heard: Path, library: Path, embedded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Agent]:
    """The service and its worker, which may ask this machine's endpoints, and a scripted server among these."""
    state = tmp_path_factory.mktemp("state")
    shutil.copytree(embedded, state / "agent")
    distribution = state / "installed" / "agent_jobs-1.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: agent-jobs\nVersion: 1\n")
    (distribution / "entry_points.txt").write_text("[tellurion.jobs]\nagent.run = tellurion_agent.job:run\n")
    rules = [scripted.Rule(match=word, steps=(step,), forever=True) for word, step in RULES.items()]
    with scripted.serving(heard, *rules) as server:
        origin = server.url.removesuffix("/v1")
        settings = {
            "STATE": str(state),
            "LISTEN": "127.0.0.1:0",
            "AGENT_LIBRARIES": f"obs={library}",
            "AGENT_MODEL_SECONDS": str(MODEL_SECONDS),
            "ENDPOINTS": "127.0.0.1",
            "ENDPOINT_KEYS": f"PLANNER_KEY@{origin}",
            "JOBS_SWEEP_SECONDS": "0.1",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}
        environment = kept | {"PLANNER_KEY": KEY, "OTHER_KEY": KEY, "PYTHONPATH": str(distribution.parent)}
        environment |= {f"TELLURION_{name}": value for name, value in settings.items()}
        running = [_started(module, environment, state) for module in ("tellurion_agent", "tellurion_core.jobs.main")]
        try:
            addresses = [_address(process, state) for process in running]
            yield Agent(addresses[0], state, server.url)
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.communicate(timeout=30)
        assert "Traceback" not in (state / "log").read_text()
        assert KEY not in (state / "log").read_text()


def _started(module: str, environment: dict[str, str], state: Path) -> subprocess.Popen[bytes]:
    with (state / "log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-m", module], env=environment, stdout=subprocess.PIPE, stderr=log)


def _address(process: subprocess.Popen[bytes], state: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (state / "log").read_text()
    address: str = json.loads(line)["address"]
    return address


@pytest.mark.slow
def test_a_recipe_that_a_model_chooses_is_planned_run_and_reported(agent: Agent) -> None:
    asked = agent.ask(unknown("recipe-like"), run=True)
    assert (asked.answer.status, asked.answer.reason) == (ANSWERED, "")
    assert asked.answer.values[0].number == pytest.approx(12.0, abs=1e-6)
    record = json.loads(agent.file(asked.answer, "record.json"))
    assert (record["recipe"], record["slots"]["period"]["first"]) == ("area_mean", 2006)
    assert "tos.nc" in agent.file(asked.answer, "report.html")


@pytest.mark.slow
def test_a_script_that_a_model_writes_is_mended_by_it_and_its_number_is_what_the_sandbox_computed(
    agent: Agent,
) -> None:
    asked = agent.ask(unknown("mended"), run=True, api_key_env="PLANNER_KEY")
    assert (asked.answer.status, asked.answer.reason) == (ANSWERED, "")
    assert (asked.answer.values[0].number, asked.answer.values[0].units) == (pytest.approx(2.0, abs=1e-6), "K")
    record = json.loads(agent.file(asked.answer, "record.json"))
    assert ["ZeroDivisionError" in attempt["stderr"] for attempt in record["attempts"]] == [True, False]
    assert record["script"] == RANGE
    assert "planet-7b" in record["method"]
    assert "planet-7b" in agent.file(asked.answer, "report.md")
    assert not [name for name in asked.answer.files if KEY in agent.file(asked.answer, name)]


@pytest.mark.slow
def test_a_script_that_no_mending_helps_fails_with_its_reason_and_without_a_number(agent: Agent) -> None:
    asked = agent.ask(unknown("hopeless"), run=True)
    assert (asked.answer.status, list(asked.answer.values)) == (FAILED, [])
    assert asked.answer.reason.startswith("FAILED: ")
    record = json.loads(agent.file(asked.answer, "record.json"))
    assert len(record["attempts"]) == ATTEMPTS
    assert all("ModuleNotFoundError" in attempt["stderr"] for attempt in record["attempts"])


def test_a_model_may_ask_back_or_give_up(agent: Agent) -> None:
    assert agent.ask(unknown("ambiguous")).answer == agent_pb2.Answer(status=CLARIFY, question="Which whorls?")
    given_up = agent.ask(unknown("vain")).answer
    assert (given_up.status, given_up.reason) == (ABSTAINED, "Palimpsests have no whorls.")


TROUBLES = {
    "chattering": "said nothing that can be used: it called no tool.",
    "unheard": "said nothing that can be used: it called rm_rf otherwise than these tools allow.",
    "silent": "was of no help: the endpoint did not answer in time.",
    "locked": "was of no help: the endpoint answered HTTP 401, scripted_401.",
    "strange": "was of no help: the endpoint answered something else than a chat completion.",
    "long": "was of no help: the endpoint answered more than 4 MiB.",
}


@pytest.mark.parametrize("word", TROUBLES)
def test_what_a_useless_model_did_is_named_where_nothing_else_answers(agent: Agent, word: str) -> None:
    asked = agent.ask(unknown(word))
    assert (len(asked.proposal.plans), asked.answer.status) == (0, ABSTAINED)
    assert asked.answer.reason.endswith(f"The language model planet-7b {TROUBLES[word]}")


def test_what_the_offline_planner_found_stands_where_the_endpoint_refuses_the_connection(agent: Agent) -> None:
    with socket.socket() as taken:  # bound and not listened at
        taken.bind(("127.0.0.1", 0))
        (plan, *_) = agent.ask(KNOWN, f"http://127.0.0.1:{taken.getsockname()[1]}/v1").proposal.plans
    assert plan.recipe == "area_mean"
    assert "The language model planet-7b was of no help: the endpoint cannot be reached." in plan.reasons


def test_a_key_goes_to_its_endpoint_alone_and_no_endpoint_is_asked_that_is_not_listed(
    agent: Agent, scripted: ModuleType, heard: Path
) -> None:
    agent.ask(unknown("ambiguous whorled"), api_key_env="PLANNER_KEY")
    (seen,) = (each for each in scripted.questions(heard) if "ambiguous whorled" in each.text)
    assert seen.authorization == f"Bearer {KEY}"
    for url, key in (
        ("http://169.254.169.254/v1", ""),
        ("http://localhost:1/v1", ""),
        (agent.scripted, "OTHER_KEY"),
        ("http://127.0.0.1:1/v1", "PLANNER_KEY"),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            agent.ask(unknown("refused"), url, api_key_env=key)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert not [each for each in scripted.questions(heard) if "refused" in each.text]


@pytest.mark.slow
def test_a_small_real_model_may_say_what_it_likes(agent: Agent, real_model: ModuleType, tmp_path: Path) -> None:
    """It is too weak to plan: what the recipes know is answered all the same, and the rest honestly is not."""
    with real_model.serving(tmp_path, context=512, parallel=1) as url:
        known = agent.ask(KNOWN, url, run=True, model=real_model.MODEL)
        lacking = agent.ask(unknown("marbled"), url, model=real_model.MODEL)
    assert (known.answer.status, known.answer.reason) == (ANSWERED, "")
    assert known.answer.values[0].number == pytest.approx(10.0, abs=1e-6)
    assert known.proposal.plans[0].recipe == "area_mean"
    assert any(real_model.MODEL in reason for reason in known.proposal.plans[0].reasons)
    assert lacking.answer.status == ABSTAINED
    assert f"The language model {real_model.MODEL} " in lacking.answer.reason
