"""Long reconstructions from the caller's side: submitted, followed, fetched, cancelled, on a real platform."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from tellurion.ocean.v1 import ocean_pb2
from tellurion_client import Cancelled, Client, Conflict, DeadlineExceeded, InvalidInput, NotFound, connect
from tellurion_client.cli.main import run

Start = Callable[..., subprocess.Popen[str]]
Observed = Callable[..., Path]
NONE = "ocean/operations/" + "0" * 32
MINUTES: dict[str, Any] = {"method": "reconmost", "members": 8}
"""A reconstruction that takes minutes."""


@pytest.fixture(scope="module")
def client(platform: dict[str, Any]) -> Iterator[Client]:
    with connect(platform["state"]) as client:
        yield client


@pytest.fixture
def command(
    platform: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs `tellurion ocean …` on the platform: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def ran(*arguments: object) -> tuple[int, str, str]:
        code = run(["ocean", *map(str, arguments), "--state", platform["state"]])
        return code, *capsys.readouterr()

    return ran


def test_the_result_is_what_the_call_answers(
    client: Client, platform: dict[str, Any], observed: Observed, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"method": "oi", "members": 2, "seed": 5}
    called = client.ocean.reconstruct(observed(), **options)
    operation = client.ocean.submit(observed(), **options)
    states = [status.state for status in operation.watch(timeout=100)]
    assert (states[0] in ("QUEUED", "RUNNING"), states[-1]) == (True, "SUCCEEDED")
    told: list[float] = []
    found = client.ocean.operation(operation.name).result(progress=lambda fraction, _: told.append(fraction))
    assert told == [1.0]
    for name in ("mean", "std", "members"):
        assert getattr(found, name).tobytes() == getattr(called, name).tobytes()
    for axis in ("depth", "lat", "lon"):
        assert np.array_equal(getattr(found.grid, axis), getattr(called.grid, axis))
    found.report.seconds = called.report.seconds
    assert found.report == called.report

    called.write(tmp_path / "called.nc")
    answered = operation.operation.result(ocean_pb2.ReconstructionResult)
    stored = Path(platform["state"]) / "artifacts" / "local" / answered.analysis[:2] / answered.analysis
    assert stored.read_bytes() == (tmp_path / "called.nc").read_bytes()


@pytest.mark.slow
def test_what_may_take_long_is_an_operation_also_for_who_calls(client: Client, observed: Observed) -> None:
    before = {status.name for status in client.operations.list("ocean")}
    analysis = client.ocean.reconstruct(observed(), method="gp", members=1)
    assert analysis.report.method == "gp"
    assert analysis.members is not None
    (done,) = [status for status in client.operations.list("ocean") if status.name not in before]
    assert (done.kind, done.state) == ("ocean.reconstruction", "SUCCEEDED")


def test_who_calls_and_waits_no_longer_has_no_use_for_it(client: Client, observed: Observed) -> None:
    before = {status.name for status in client.operations.list("ocean")}
    with pytest.raises(DeadlineExceeded):
        client.ocean.reconstruct(observed(), timeout=3, **MINUTES)
    (given_up,) = [status for status in client.operations.list("ocean") if status.name not in before]
    assert client.operations.named(given_up.name).wait(timeout=20).state == "CANCELLED"


def test_more_members_and_steps_take_longer(client: Client) -> None:
    known = {method.name: method for method in client.ocean.methods()}
    assert known["hybrid"].seconds(32) == 4 * known["hybrid"].seconds(8) == 4 * known["hybrid"].seconds(1)
    assert known["posterior"].seconds(16, 24) == 4 * known["posterior"].typical_seconds
    assert known["reconmost"].seconds(8) == 4 * known["reconmost"].typical_seconds
    assert [known["hybrid"].long(members) for members in (8, 22, 23)] == [False, False, True]  # 3.5 s for 8
    assert [known["reconmost"].long(2, steps) for steps in (50, 100)] == [False, True]  # 150 s for 1000


def test_a_request_that_comes_again_is_the_same_operation(client: Client, observed: Observed) -> None:
    operation = client.ocean.submit(observed(), method="climatology", request_id="a:1")
    assert client.ocean.submit(observed(), method="climatology", request_id="a:1").name == operation.name
    with pytest.raises(Conflict):
        client.ocean.submit(observed(), method="climatology", request_id="a:1", seed=1)
    others = [client.ocean.submit(observed(), method="climatology") for _ in range(2)]
    assert len({each.name for each in (operation, *others)}) == 3
    for each in (operation, *others):
        each.cancel()


def test_what_is_cancelled_has_no_result(client: Client, observed: Observed) -> None:
    operation = client.ocean.submit(observed(), **MINUTES)
    with pytest.raises(DeadlineExceeded):
        operation.result(timeout=0.3)
    operation.cancel()
    with pytest.raises(Cancelled):
        operation.result(timeout=100)


@pytest.mark.slow
def test_what_fails_raises_what_the_call_raises(client: Client) -> None:
    sahara = {"latitude": [25.0], "longitude": [15.0], "depth": [10.0], "temperature": [20.0]}
    with pytest.raises(InvalidInput) as called:
        client.ocean.reconstruct(sahara, month=2, method="climatology")
    with pytest.raises(InvalidInput) as failed:
        client.ocean.submit(sahara, month=2, method="climatology").result(timeout=100)
    assert failed.value.violations == called.value.violations


def test_what_cannot_be_is_refused_before_it_is_submitted(client: Client, observed: Observed) -> None:
    bad = ({"members": 65}, {"month": 13}, {"method": "x"}, {"timeout": 0}, {"steps": 5}, {"priority": 2})
    for options in (*bad, {"request_id": ""}, {"request_id": "a b"}, {"request_id": "a" * 65}, {"request_id": 7}):
        with pytest.raises(InvalidInput) as refused:
            client.ocean.submit(observed(), **options)
        assert refused.value.violations[0].field == next(iter(options))
    for name in ("", "benchmark/operations/" + "0" * 32, "ocean/operations/1"):
        with pytest.raises(InvalidInput, match=r"^name: "):
            client.ocean.operation(name)
    with pytest.raises(NotFound):
        client.ocean.operation(NONE).result()


@pytest.mark.slow
def test_embedded_the_work_is_done_while_it_is_waited_for(
    observed: Observed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("TELLURION_URL", raising=False)
    with connect() as client:
        assert not client.lasting
        operation = client.ocean.submit(observed(), method="climatology", members=1)
        assert operation.result(timeout=100).report.method == "climatology"


def test_a_long_method_is_an_operation(
    command: Callable[..., tuple[int, str, str]], client: Client, observed: Observed, tmp_path: Path
) -> None:
    observed()
    asked = ("obs.nc", "-o", "a.nc", "--method", "gp", "--members", 1)
    code, out, err = command("reconstruct", *asked, "--json")
    document = json.loads(out)
    assert (code, err) == (0, f"tellurion: February is {document['operation']}\n")
    assert set(document) == {"output", "method", "month", "observations", "seconds", "operation"}
    assert (document["output"], document["method"], document["month"]) == ("a.nc", "gp", 2)
    assert client.operations.named(document["operation"]).get().state == "SUCCEEDED"
    first = (tmp_path / "a.nc").read_bytes()
    assert command("fetch", document["operation"], "-o", "b.nc", "--json") == (
        0,
        json.dumps(document | {"output": "b.nc"}) + "\n",
        "",
    )
    assert (tmp_path / "b.nc").read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "b.nc", "obs.nc"]


def test_detached_it_is_fetched_later(
    command: Callable[..., tuple[int, str, str]],
    client: Client,
    platform: dict[str, Any],
    observed: Observed,
    tmp_path: Path,
) -> None:
    observed("a.nc", months=(2,))
    observed("b.nc", months=(3,))
    options = ("--method", "oi", "--members", 2, "--detach")
    code, out, err = command("reconstruct", "a.nc", "b.nc", *options, "--json")
    documents = json.loads(out)
    assert (code, err) == (0, "")
    assert [(document["month"], document["method"]) for document in documents] == [(2, "oi"), (3, "oi")]
    code, out, err = command("reconstruct", "a.nc", "-o", "my out.nc", *options)
    name = out.partition(":")[0]
    assert (code, err) == (0, "")
    fetches = f"`tellurion ocean fetch {name} -o 'my out.nc' --state {platform['state']}` fetches it"
    assert out == f"{name}: February by oi; {fetches}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "b.nc"]
    for other in (name, documents[0]["operation"]):
        client.ocean.operation(other).cancel()

    fetched = command("fetch", documents[1]["operation"], "-o", "out.nc", "--members-out", "m.nc")
    assert (fetched[0], fetched[2]) == (0, "")
    assert fetched[1].startswith("out.nc and m.nc: March by oi in ")
    assert command("reconstruct", "b.nc", "-o", "called.nc", "--members-out", "called-m.nc", *options[:4])[0] == 0
    for one, other in (("out.nc", "called.nc"), ("m.nc", "called-m.nc")):
        assert (tmp_path / one).read_bytes() == (tmp_path / other).read_bytes()
    with netCDF4.Dataset(tmp_path / "m.nc") as members:
        assert members["thetao_member"].shape[0] == 2


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 1), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_an_interrupt_ends_the_waiting_and_not_the_work(
    started: Start, client: Client, platform: dict[str, Any], observed: Observed, tmp_path: Path, number: int, code: int
) -> None:
    asked = (observed(), "-o", tmp_path / "a.nc", "--method", "reconmost", "--state", platform["state"])
    waiting = started("ocean", "reconstruct", *asked)
    assert waiting.stderr is not None
    name = waiting.stderr.readline().strip().removeprefix("tellurion: February is ")
    waiting.send_signal(number)
    assert waiting.wait(30) == code
    said = waiting.stderr.read()
    operation = client.ocean.operation(name)
    assert operation.operation.get().state in ("QUEUED", "RUNNING")
    fetch = f"`tellurion ocean fetch {name} -o {tmp_path / 'a.nc'} --state {platform['state']}` fetches it"
    cancel = f"`tellurion operations cancel {name} --state {platform['state']}` cancels it"
    assert said == f"tellurion: {name} goes on: {fetch}, {cancel}\n"
    operation.cancel()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["obs.nc"]


def test_waiting_for_the_analysis_ends_in_time(
    command: Callable[..., tuple[int, str, str]], client: Client, observed: Observed, tmp_path: Path
) -> None:
    name = client.ocean.submit(observed(), **MINUTES).name
    assert command("fetch", name, "-o", "a.nc", "--timeout", 0.2) == (
        1,
        "",
        f"tellurion: {name} has not ended within 0.2 s\n",
    )
    client.ocean.operation(name).cancel()
    assert command("fetch", name, "-o", "a.nc")[0] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["obs.nc"]


@pytest.mark.slow
def test_embedded_a_long_method_is_called(
    observed: Observed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TELLURION_URL", raising=False)
    options = ("--method", "gp", "--members", 1, "--json", "--state", tmp_path / "state")
    assert run([str(word) for word in ("ocean", "reconstruct", observed(), "-o", tmp_path / "a.nc", *options)]) == 0
    out, err = capsys.readouterr()
    assert (err, "operation" in json.loads(out)) == ("", False)
