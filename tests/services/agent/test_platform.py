"""Plans that other services work on: the services as they are, each in a process of its own."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import torch
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tellurion_client
from tellurion.agent.v1 import agent_pb2
from tellurion_agent.capabilities.registry import CAPABILITIES
from tellurion_agent.capabilities.services import Caller, Services
from tellurion_agent.laboratory.analysis import unchanged
from tellurion_agent.laboratory.errand import Errand, Messenger
from tellurion_agent.laboratory.steps import Steps
from tellurion_agent.libraries import Libraries
from tellurion_agent.planning.planner import Planner
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.report.record import RECORD, Record
from tellurion_agent.service import AgentServicer
from tellurion_agent.settings import ServiceSettings
from tellurion_agent.store import Store
from tellurion_client.state import State
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import Identity, current_call
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.errors import Cancelled, NotFound, Unavailable
from tellurion_core.identity.authenticator import TokenAuthenticator
from tellurion_core.identity.roles import Role
from tellurion_core.identity.tokens import TokenVerifier
from tellurion_core.jobs.claims import Claims
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.server import Server
from tellurion_core.settings import ServerSettings, load
from tellurion_splat.service import services as splat_services
from tellurion_splatting.files import write_gaussians
from tellurion_splatting.gaussians import Gaussians

from .working import Agent

TELLURION = str(Path(sys.executable).with_name("tellurion"))
pytestmark = pytest.mark.timeout(300)  # each long work of the ocean service starts a process that imports PyTorch
ANSWERED, ABSTAINED, FAILED = (agent_pb2.Status.Value(f"STATUS_{name}") for name in ("ANSWERED", "ABSTAINED", "FAILED"))
CENTRES = torch.tensor([[-1.0, 0, 4], [2, 0, 4], [0, -3, 5], [0, 1, 6], [0, 0, 4.5]])
RECONSTRUCT = "reconstruct the global ocean temperature for February from obs.nc by climatology"
DESCRIBE = "what is in scene.ply (Gaussians)"
CALLER = Caller(Identity("a", "ann"), "r")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Observations of two months, five Gaussians, two cameras."""
    folder = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(3)
    with netCDF4.Dataset(folder / "obs.nc", "w") as file:
        file.Conventions, file.featureType = "CF-1.11", "point"
        file.createDimension("obs", 40)
        columns = {
            "latitude": ("degrees_north", generator.uniform(-40, 40, 40)),
            "longitude": ("degrees_east", generator.uniform(180, 220, 40)),
            "depth": ("m", np.zeros(40)),
            "temperature": ("degree_C", np.full(40, 20.0)),
            "time": ("days since 2001-01-01", np.where(np.arange(40) < 30, 40.0, 70.0)),
        }
        for name, (units, values) in columns.items():
            file.createVariable(name, "f8", ("obs",)).units = units
            file[name][:] = values
        file["temperature"].standard_name = "sea_water_temperature"
        file["depth"].positive = "down"
    (folder / "broken.nc").write_bytes(b"CDF\x01 no more")
    turned = torch.tensor([[1.0, 0, 0, 0]]).repeat(5, 1)
    scales, opacities = torch.full((5, 3), 0.3), torch.full((5,), 0.9)
    write_gaussians(folder / "scene.ply", Gaussians(CENTRES, turned, scales, opacities, torch.rand(5, 4, 3)))
    frames = [{"file_path": f"{n}.png", "transform_matrix": np.diag([1.0, -1, -1, 1]).tolist()} for n in range(2)]
    lens = {"camera_model": "PINHOLE", "fl_x": 20.0, "fl_y": 20.0, "cx": 12.0, "cy": 8.0, "w": 24, "h": 16}
    (folder / "cameras.json").write_text(json.dumps({**lens, "frames": frames}))
    return folder


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of a platform with the ocean and splat services, and what does their long work."""
    state = tmp_path_factory.mktemp("state")
    command = [TELLURION, "up", "--services", "ocean,splat", "--detach", "--state", str(state)]
    subprocess.run(command, check=True, capture_output=True)
    running = State(state).run()
    assert running is not None
    yield {name: service.address for name, service in running.services.items() if name != "jobs"}
    subprocess.run([TELLURION, "down", "--state", str(state)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def pointcloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the point-cloud service listens, with small models that have learned nothing."""
    path = Path(__file__).parents[1] / "pointcloud" / "small_models.py"
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    small = importlib.util.module_from_spec(found)
    found.loader.exec_module(small)
    folder = tmp_path_factory.mktemp("pointcloud")
    small.write_weights(folder / "weights")
    with tempfile.TemporaryDirectory(prefix="pointcloud-") as private:
        settings = {"LISTEN": f"unix:{private}/s", "POINTCLOUD_WEIGHTS": folder / "weights", "STATE": folder}
        process = subprocess.Popen(
            [sys.executable, "-m", "tellurion_pointcloud"],
            env=os.environ | {f"TELLURION_{name}": str(value) for name, value in settings.items()},
            stdout=subprocess.PIPE,
            stderr=(folder / "log").open("w"),
            text=True,
        )
        assert process.stdout is not None
        with process:
            try:
                yield json.loads(process.stdout.readline())["address"]
            finally:
                process.terminate()


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    return Planner(RECIPES, cache=tmp_path_factory.mktemp("cache"))


Start = Callable[..., Agent]
Seen = list[tuple[Identity, str, str]]
"""For whom a service was called, under which request id, and by which token."""


@pytest.fixture
def start(data: Path, planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts an agent that knows services at these addresses."""

    def started(addresses: dict[str, str], folder: Path = data) -> Agent:
        database = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
        settings = {"JOBS_DATABASE": database, "STATE": str(tmp_path), "AGENT_LIBRARIES": f"lab={folder}"}
        settings |= {f"{name.upper()}_ADDRESS": address for name, address in addresses.items()}
        for name, value in settings.items():
            monkeypatch.setenv(f"TELLURION_{name}", value)
        engine = open_engine(database)
        jobs, artifacts = JobStore(engine), ArtifactStore(tmp_path / "artifacts")
        others, libraries = Services.of(load(ServiceSettings)), Libraries.of(f"lab={folder}")
        servicer = AgentServicer(
            Store(engine), jobs, artifacts, libraries, planner, EndpointSettings(), tmp_path / "agent", others
        )
        return Agent(servicer, Claims(engine, JobSettings(), "worker"), artifacts, tmp_path)

    yield started
    current_call.set(None)


def errand(**changes: object) -> Errand:
    """The reconstruction of February, as a plan of it is worked on."""
    known = Errand(
        run="agent/runs/" + "0" * 32,
        question=RECONSTRUCT,
        capability=CAPABILITIES["ocean.reconstruct"],
        options={"month": 2, "method": "climatology", "members": 2, "seed": 0},
        settings=(),
        reasons=(),
        places={"observations": ("lab/obs.nc",)},
        request_id="killed:ocean.reconstruct",
        seconds=60.0,
    )
    return replace(known, **changes)


def steps(folder: Path) -> Steps:
    (folder / "steps").mkdir(exist_ok=True)
    return Steps(folder / "steps")


@pytest.mark.slow
def test_a_reconstruction_is_what_the_service_answers_with_all_that_it_takes_to_believe_it(
    start: Start, platform: dict[str, str], data: Path, tmp_path: Path
) -> None:
    agent = start(platform)
    name, answer = agent.answered(RECONSTRUCT)
    assert (answer.status, answer.reason) == (ANSWERED, "")
    with tellurion_client.connect(platform["ocean"]) as client:
        direct = client.ocean.reconstruct(data / "obs.nc", month=2, method="climatology")
    wet = np.isfinite(direct.mean[0])
    edges = np.sin(np.radians(direct.grid.lat_bounds))
    areas = np.broadcast_to((edges[:, 1] - edges[:, 0])[:, None], wet.shape)  # all cells are of one width
    expected = float((direct.mean[0][wet] * areas[wet]).sum() / areas[wet].sum())
    assert answer.values[0].number == pytest.approx(expected, rel=1e-6)
    assert answer.values[0].units == "degC"
    (tmp_path / "analysis.nc").write_bytes(agent.file(answer, "data.nc"))
    with netCDF4.Dataset(tmp_path / "analysis.nc") as file:
        mean = next(each for each in file.variables.values() if each.shape[-3:] == direct.mean.shape)
        np.testing.assert_allclose(np.ma.filled(mean[:].squeeze().astype(float), np.nan), direct.mean, atol=1e-4)
    record = json.loads(agent.file(answer, RECORD))
    assert record["sources"][0]["files"][0]["name"] == "lab/obs.nc"
    assert {each["name"]: each["sha256"] for each in record["results"]} == {"data.nc": answer.files["data.nc"]}
    (service,) = record["services"]
    assert (service["service"], service["method"]) == ("ocean", "climatology")
    assert "tellurion:service-ocean" in agent.file(answer, "prov.json").decode()
    assert "By the ocean service" in agent.file(answer, "report.html").decode()
    assert "script.py" not in answer.files
    described = agent.call("GetRun", agent_pb2.GetRunRequest(run=name)).run
    assert [step.name for step in described.steps] == ["hash the data", "call ocean.reconstruct"]
    again = agent.done("Replay", agent_pb2.ReplayRequest(request_id="again", record=answer.files[RECORD]))
    assert (again.status, again.values) == (ANSWERED, answer.values)
    before = Record.of(record)
    other = replace(before, values=(), services=({**before.services[0], "version": "0.0.1"},))
    assert unchanged(other, before).startswith("the replay gives other values; it was")
    assert "version 0.0.1" in unchanged(other, before)


def test_what_a_service_refuses_is_told_without_the_paths_of_this_machine(
    start: Start, platform: dict[str, str], data: Path
) -> None:
    _, answer = start(platform).answered("reconstruct the ocean temperature in March from broken.nc")
    assert answer.status == FAILED
    assert answer.reason
    assert not answer.values
    assert str(data) not in answer.reason


def test_gaussians_are_described_and_rendered(start: Start, platform: dict[str, str], data: Path) -> None:
    agent = start(platform)
    _, answer = agent.answered(DESCRIBE)
    told = {each.label: each.number for each in answer.values}
    assert (told["Gaussians"], told["degree of the spherical harmonics of the colour"]) == (5, 1)
    for which, corner in (("least", CENTRES.amin(0)), ("greatest", CENTRES.amax(0))):
        assert [told[f"{which} {axis} of the centres"] for axis in "xyz"] == corner.tolist()
    _, answer = agent.answered("render scene.ply from cameras.json", "2")
    assert (answer.status, answer.values[0].number) == (ANSWERED, 2)
    with tellurion_client.connect(platform["splat"]) as client:
        frames = [frame.data for frame in client.splat.render(data / "scene.ply", data / "cameras.json")]
    assert [agent.file(answer, f"view-00{number}.png") for number in range(2)] == frames
    assert agent.file(answer, "figure.png") == frames[0]


@pytest.mark.slow
def test_clouds_are_encoded_completed_classified_and_searched(start: Start, pointcloud: str, tmp_path: Path) -> None:
    folder, generator = tmp_path / "clouds", np.random.default_rng(5)
    for label, stretch in (("ball", 1), ("rod", 12)):
        (folder / "labelled" / label).mkdir(parents=True)
        for number in range(2):
            np.save(folder / "labelled" / label / f"{number}.npy", generator.normal(size=(150, 3)) * [stretch, 1, 1])
    np.save(folder / "thing.npy", generator.normal(size=(150, 3)) * [12, 1, 1])
    agent = start({"pointcloud": pointcloud}, folder)
    _, answer = agent.answered("encode the clouds in labelled")
    assert (answer.values[0].number, answer.values[1].number) == (4, 48)
    with np.load(io.BytesIO(agent.file(answer, "encodings.npz"))) as arrays:
        assert arrays["embedding"].shape == (4, 48)
    _, answer = agent.answered("complete the point cloud thing.npy", "2")
    assert {each.label: each.number for each in answer.values} == {"points added": 32, "points given": 150}
    assert agent.file(answer, "completed.ply").startswith(b"ply\n")
    _, answer = agent.answered("classify the point cloud thing.npy by the examples", "3")
    assert [(each.label, each.text) for each in answer.values] == [("class of thing.npy", "rod")]
    _, answer = agent.answered("detect the furniture in thing.npy with a min score of 0.01", "4")
    found = json.loads(agent.file(answer, "boxes.json"))
    assert answer.values[0].number == len(found["boxes"])
    assert all(box["score"] >= 0.01 for box in found["boxes"])


def test_a_service_that_is_not_known_or_does_not_answer_is_why_there_is_no_answer(
    start: Start, platform: dict[str, str], tmp_path: Path
) -> None:
    agent = start({"ocean": f"unix:{tmp_path / 'nobody'}", "splat": platform["splat"]})
    for request, why in (
        (RECONSTRUCT, "the ocean service does not answer"),
        ("encode the point cloud scene.ply", "knows no pointcloud service: `tellurion up` starts it"),
    ):
        proposal = agent.ask(request, why[:8].strip())
        assert (len(proposal.plans), proposal.answer.status) == (0, ABSTAINED)
        assert why in proposal.answer.reason
    assert len(agent.ask(DESCRIBE, "3").plans) == 1


@pytest.mark.slow
def test_long_work_of_a_run_that_was_killed_is_found_again_and_done_once(
    platform: dict[str, str], data: Path, tmp_path: Path
) -> None:
    program = f"""
import os, signal
from pathlib import Path
from tellurion_agent.capabilities.registry import CAPABILITIES
from tellurion_agent.capabilities.services import Caller, Services
from tellurion_agent.laboratory.analysis import unchanged
from tellurion_agent.laboratory.errand import Errand, Messenger
from tellurion_agent.laboratory.steps import Steps
from tellurion_agent.libraries import Libraries
from tellurion_core.call import Identity

def killed(self, operation):
    print(operation.name, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

Messenger._wait = killed
work = Errand(run="", question="", capability=CAPABILITIES["ocean.reconstruct"], options={dict(errand().options)},
    settings=(), reasons=(), places={dict(errand().places)}, request_id={errand().request_id!r}, seconds=60.0)
folder = Path({str(tmp_path)!r})
(folder / "steps").mkdir()
client = Services({platform!r}).client(Caller(Identity("a", "ann"), "r"))
messenger = Messenger(client=client, libraries=Libraries({{"lab": Path({str(data)!r})}}), cancelled=lambda: False)
messenger.record(work, folder, Steps(folder / "steps"))
"""
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert killed.returncode == -9
    operation = killed.stdout.strip()
    libraries = Libraries({"lab": data})
    with Services(platform).client(CALLER) as client:
        messenger = Messenger(client=client, libraries=libraries, cancelled=lambda: False)
        record = messenger.record(errand(), tmp_path, steps(tmp_path))
        assert record.status == "answered"
        made = [each.name for each in client.operations.list("ocean") if each.request_id == errand().request_id]
        assert made == [operation]
    with Services({}).client(CALLER) as nobody:  # nothing is left to ask a service for
        messenger = Messenger(client=nobody, libraries=libraries, cancelled=lambda: False)
        resumed = messenger.record(errand(), tmp_path, steps(tmp_path))
        assert replace(resumed, created=record.created) == record
        (tmp_path / "other").mkdir()
        with pytest.raises(Unavailable, match="knows no ocean service"):
            messenger.record(errand(), tmp_path / "other", steps(tmp_path / "other"))


def test_a_run_that_is_cancelled_cancels_the_long_work(platform: dict[str, str], data: Path, tmp_path: Path) -> None:
    long = errand(options={"month": 2, "method": "gp", "members": 64, "seed": 0}, request_id="long")
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2  # not while files are hashed

    with Services(platform).client(CALLER) as client:
        messenger = Messenger(client=client, libraries=Libraries({"lab": data}), cancelled=cancelled)
        with pytest.raises(Cancelled):
            messenger.record(long, tmp_path, steps(tmp_path))
        (status,) = (each for each in client.operations.list("ocean") if each.request_id == "long")
        assert client.operations.named(status.name).wait(timeout=30).state == "CANCELLED"


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Seen, Path]]:
    """The splat service, which asks for tokens, and an agent that has the key: address, who called, state folder."""
    state, seen, loop = tmp_path / "guarded", Seen(), asyncio.new_event_loop()
    key, form = Ed25519PrivateKey.generate(), (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    (tmp_path / "token.key").write_bytes(key.private_bytes(*form, serialization.NoEncryption()))
    monkeypatch.setenv("TELLURION_STATE", str(state))
    monkeypatch.setenv("TELLURION_TOKEN_PRIVATE_KEY", str(tmp_path / "token.key"))
    settings = ServerSettings(listen=f"unix:{tmp_path / 's'}")
    asking = TokenAuthenticator(TokenVerifier([key.public_key()]))

    def authenticate(metadata: dict[str, str], context: Any) -> Identity:
        identity = asking(metadata, context)
        seen.append((identity, metadata["x-request-id"], metadata["authorization"]))
        return identity

    async def started() -> Server:
        server = Server(splat_services(settings), settings, authenticate=authenticate)
        await server.start()
        return server

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(started(), loop).result(60)
    yield server.address, seen, state
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_service_is_called_with_the_rights_of_whoever_asked(
    start: Start, guarded: tuple[str, Seen, Path], data: Path
) -> None:
    address, seen, state = guarded
    agent = start({"splat": address})
    name, answer = agent.answered(DESCRIBE)
    assert answer.status == ANSWERED
    assert {each[:2] for each in seen} == {(Identity("a", "ann", Role.USER), f"{name.rpartition('/')[2]}:0")}
    assert len({token for *_, token in seen}) == len(seen) > 1  # however long the work takes, none is too old
    kept, sent = ArtifactStore(state / "artifacts"), json.loads(agent.file(answer, RECORD))["sources"][0]["files"][0]
    assert kept.get("a", sent["sha256"]).size == sent["bytes"]
    with pytest.raises(NotFound):
        kept.get("b", sent["sha256"])
