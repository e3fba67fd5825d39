"""The commands give the same by three ways: embedded, by gRPC on a platform, by HTTPS through its gateway."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tellurion_client.cli.main import run
from tellurion_splatting.files import write_gaussians
from tellurion_splatting.gaussians import Gaussians

pytestmark = pytest.mark.timeout(300)
TELLURION = str(Path(sys.executable).with_name("tellurion"))
TESTS = Path(__file__).parents[1]
SERVICES = "ocean,assimilation,splat,pointcloud,benchmark,agent,gateway"
OTHERS = {"seconds", "operation"}
"""What is another each time."""
Words = Sequence[object]


def module(path: Path) -> ModuleType:
    """A module of other tests."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    loaded = sys.modules[path.stem] = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded


demo, data_files = module(TESTS / "e2e/demo.py"), module(TESTS / "services/benchmark/data_files.py")


@dataclass(frozen=True)
class Outcome:
    """What came of a command."""

    code: int
    printed: object
    said: str
    files: dict[str, bytes]


Ways = dict[str, dict[str, object]]
"""Settings of each way, by its name."""


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    """A platform of all services, and the ways to it; beside them, the way of none."""
    folder = tmp_path_factory.mktemp("platform")
    state = folder / "state"
    certificate, key = demo.self_signed(folder)
    tls = ("--port", "0", "--tls-certificate", certificate, "--tls-key", key)
    asked = [TELLURION, "up", "--detach", "--json", "--services", SERVICES, *tls, "--state", state]
    up = subprocess.run(list(map(str, asked)), check=True, capture_output=True, text=True)
    ready = json.loads(up.stdout)
    gateway = ready["services"]["gateway"]
    assert gateway.startswith("https://127.0.0.1:")
    yield {
        "embedded": {"STATE": folder / "embedded"},
        "grpc": {"STATE": state},
        "https": {
            "STATE": folder / "nothing",
            "URL": gateway,
            "TLS_CA": certificate,
            "API_KEY": ready["api_key"],
        },
    }
    subprocess.run([TELLURION, "down", "--state", str(state)], check=True, capture_output=True)


@pytest.fixture
def by_all(
    ways: Ways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[Outcome]]:
    """Runs commands one after the other, by one way after the other; the outcomes, the same for all."""

    def outcome(words: Words, folder: Path) -> Outcome:
        monkeypatch.chdir(folder)
        before = set(folder.iterdir())
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        made = sorted(path for path in set(folder.iterdir()) - before if path.is_file())
        return Outcome(code, same(json.loads(out) if "--json" in words and out else out), err, contents(made))

    def outcomes(*commands: Words) -> list[Outcome]:
        found = {}
        for way, settings in ways.items():
            folder = tmp_path / f"by {way}"
            folder.mkdir()
            with monkeypatch.context() as patched:
                for name in ("STATE", "URL", "TLS_CA", "API_KEY"):
                    patched.delenv(f"TELLURION_{name}", raising=False)
                for name, value in settings.items():
                    patched.setenv(f"TELLURION_{name}", str(value))
                found[way] = [outcome(words, folder) for words in commands]
        assert found["grpc"] == found["embedded"]
        assert found["https"] == found["embedded"]
        return found["https"]

    return outcomes


def same(document: Any) -> Any:
    """A document without what is another each time."""
    if isinstance(document, dict):
        return {key: same(value) for key, value in document.items() if key not in OTHERS}
    return [same(each) for each in document] if isinstance(document, list) else document


def contents(paths: Sequence[Path]) -> dict[str, bytes]:
    """The bytes of files; of a report, what does not tell of the time."""
    told = {path.name: path.read_bytes() for path in paths}
    return {name: data for name, data in told.items() if name not in ("report.html", "run.json")}


@pytest.mark.slow
def test_the_ocean(by_all: Callable[..., list[Outcome]], tmp_path: Path) -> None:
    trial = demo.experiment(2, profiles=20, seed=1)
    observed = tmp_path / "observed.nc"
    demo.write_profiles(observed, trial.observations, 2)
    analysed = ["ocean", "reconstruct", observed, "--seed", 5, "--members", 2, "--json"]
    oi, scores, refused = by_all(
        [*analysed, "--method", "oi", "-o", "oi.nc"],
        ["ocean", "evaluate", "--month", 2, "--observed", 0.075, "--method", "climatology", "--members", 2, "--json"],
        [*analysed, "--method", "posterior", "--weights", "nonesuch", "-o", "no.nc"],
    )
    assert [oi.code, scores.code, refused.code] == [0, 0, 1]
    assert list(oi.files) == ["oi.nc"]
    assert refused.said == "tellurion: there are no weights nonesuch for ocean; registered: none\n"


@pytest.mark.slow
def test_assimilation(by_all: Callable[..., list[Outcome]]) -> None:
    twin = ["assimilation", "twin", "--system", "lorenz96", "--method", "etkf", "--members", 24, "--json"]
    figures, unknown, refused = by_all(
        [*twin, "--inflation", 1.013, "--rotate", "--cycles", 450],  # is submitted, and waited for
        ["operations", "get", "assimilation/operations/" + "0" * 32],
        [*twin, "--cycles", 400],
    )
    assert [figures.code, unknown.code, refused.code] == [0, 1, 2]
    assert 0 < figures.printed["rmse_analysis"] < 1
    assert refused.said == "tellurion: cycles: received 400; accepted: more than the 400 of the burn-in\n"


@pytest.mark.slow
def test_scenes(by_all: Callable[..., list[Outcome]], tmp_path: Path) -> None:
    scene, random = tmp_path / "scene.ply", np.random.default_rng(3)
    gaussians = Gaussians(
        means=random.normal(size=(20_000, 3)),
        quats=random.normal(size=(20_000, 4)),
        scales=random.uniform(0.01, 0.1, (20_000, 3)),
        opacities=random.uniform(size=20_000),
        sh=random.normal(size=(20_000, 1, 3)),
    )
    write_gaussians(scene, gaussians)
    converted, again, refused = by_all(
        ["splat", "convert", scene, "scene.spz", "--json"],
        ["splat", "convert", scene, "again.ply", "--json"],  # the service has the scene by now
        ["splat", "convert", scene, "scene.obj"],
    )
    assert [converted.code, again.code, refused.code] == [0, 0, 2]
    assert converted.printed["total_bytes"] == len(converted.files["scene.spz"])


@pytest.mark.slow
def test_point_clouds(by_all: Callable[..., list[Outcome]], tmp_path: Path) -> None:
    clouds = [tmp_path / f"{index}.npy" for index in range(3)]
    for index, path in enumerate(clouds):
        np.save(path, np.random.default_rng(index).normal(size=(2000, 3)))
    (encoded,) = by_all(["pointcloud", "encode", *clouds, "-o", "encoded.npz", "--json"])
    assert (encoded.code, list(encoded.files)) == (0, ["encoded.npz"])


@pytest.mark.slow
def test_benchmarks(by_all: Callable[..., list[Outcome]], tmp_path: Path) -> None:
    data = data_files.write_dataset(tmp_path / "data", "msearth", count=12, form="jsonl")
    answers = [{"id": line["question_id"], "prediction": "B"} for line in questions(data)]
    predictions = tmp_path / "predictions.jsonl"
    predictions.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    scored = ["score", "--suite", "msearth", "--data", data, "--predictions", predictions, "--judge", "none"]
    suites, report, none = by_all(
        ["benchmark", "suites", "--json"],
        ["benchmark", *scored, "--variant", "official", "-o", "report.json", "--json"],
        ["benchmark", "report", "benchmark/operations/" + "0" * 32, "-o", "none"],
    )
    assert [suites.code, report.code, none.code] == [0, 0, 1]


def questions(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "questions.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_the_agent(by_all: Callable[..., list[Outcome]]) -> None:
    (recipes,) = by_all(["agent", "recipes", "--json"])
    assert recipes.code == 0
    assert len(recipes.printed) > 10
