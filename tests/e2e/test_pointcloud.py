"""Point clouds as a person uses them: the command line and the SDK, on a service with small untrained models."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from plyfile import PlyData

import tellurion_client
from tellurion_client import InvalidInput, pointcloud_files
from tellurion_client.cli import main
from tellurion_client.clouds import Cloud, read_cloud
from tellurion_client.pointcloud import PointCloudClient
from tellurion_pointcloud.corpus import Thing, write

Printed = Callable[..., tuple[int, str, str]]
RANDOM = np.random.default_rng(11)
CLOUD = RANDOM.normal(size=(200, 3)) * [2, 1, 1]
PYRAMID = """v 0 0 0\nv 2 0 0\nv 2 2 0\nv 0 2 0\nv 1 1 3\nf 1 2 3 4\nf 1 2 5\nf 2 3 5\nf 3 4 5\nf 4 1 5\n"""


def module(path: Path) -> ModuleType:
    """A module beside the service's own tests."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded


small = module(Path(__file__).parents[1] / "services" / "pointcloud" / "small_models.py")


def things() -> Iterator[Thing]:
    """Twelve labelled clouds, two and two near-duplicates."""
    for index in range(12):
        cloud = np.random.default_rng(index // 2).normal(size=(1024, 3)) * [1 + index % 2, 1, 1]
        cloud = (cloud / np.linalg.norm(cloud, axis=1).max()).astype(np.float32)
        colours, pictures = np.zeros((1024, 3), np.uint8), np.zeros((1, 8, 8, 3), np.uint8)
        yield Thing(str(index), cloud, colours, pictures, f"group {index // 2}", "ab"[index % 2], index // 2 % 3)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the service listens."""
    folder = tmp_path_factory.mktemp("pointcloud")
    small.write_weights(folder / "weights")
    (folder / "data" / "pointcloud").mkdir(parents=True)
    write(folder / "data" / "pointcloud" / "furniture", things(), 12, "blobs")
    with tempfile.TemporaryDirectory(prefix="pointcloud-") as private:
        settings = {"LISTEN": f"unix:{private}/s", "POINTCLOUD_WEIGHTS": folder / "weights", "DATA": folder / "data"}
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


@pytest.fixture
def printed(url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Exit code, stdout and stderr of a command, which runs in this process."""
    monkeypatch.setenv("TELLURION_URL", url)

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main.run(["pointcloud", *map(str, arguments)])
        return code, *capsys.readouterr()

    return command


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[PointCloudClient]:
    with tellurion_client.connect(url) as connected:
        yield connected.pointcloud


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Clouds in several formats."""
    np.save(tmp_path / "cloud.npy", CLOUD)
    np.savez(tmp_path / "coloured.npz", points=CLOUD, colours=np.full((200, 3), 90, np.uint8))
    (tmp_path / "pyramid.obj").write_text(PYRAMID)
    return [tmp_path / name for name in ("cloud.npy", "coloured.npz", "pyramid.obj")]


@pytest.mark.parametrize("model", ["mmpt", "gaussian2scene"])
def test_files_are_encoded_as_the_contract_has_it(
    printed: Printed, client: PointCloudClient, files: list[Path], tmp_path: Path, model: str
) -> None:
    output = tmp_path / "out.npz"
    code, out, err = printed("encode", *files, "-o", output, "--model", model, "--seed", 4, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["output"], told["files"], told["clouds"], told["model"]) == (str(output), 3, 3, model)
    with np.load(output) as arrays:
        assert arrays["names"].tolist() == ["cloud", "coloured", "pyramid"]
        shapes = {name: [*arrays[name].shape] for name in arrays}
        assert shapes == {"embedding": [3, 48], "tokens": [3, 8, 24], "centers": [3, 8, 3], "names": [3]}
        assert {name: told[name] for name in shapes} == shapes
        for row, encoding in enumerate(client.encode(files, model=model, seed=4)):
            np.testing.assert_allclose(arrays["embedding"][row], encoding.embedding, atol=1e-5)
            np.testing.assert_allclose(arrays["centers"][row], encoding.centers, atol=1e-5)
    again = tmp_path / "again.npz"
    assert printed("encode", *files, "-o", again, "--model", model, "--seed", 4)[0] == 0
    assert again.read_bytes() == output.read_bytes()


def test_a_scan_is_encoded_in_tiles(printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pointcloud_files, "MOST_WHOLE", 10_000)
    corner = np.array([400_000.0, 5_300_000.0, 80.0])
    scan = corner + RANDOM.uniform(size=(150_000, 3)) * [400, 200, 5]
    np.save(tmp_path / "scan.npy", scan)
    np.save(tmp_path / "cloud.npy", CLOUD)
    output = tmp_path / "out.npz"
    code, out, _ = printed("encode", tmp_path / "scan.npy", tmp_path / "cloud.npy", "-o", output)
    assert code == 0
    with np.load(output) as arrays:
        *tiles, last = arrays["names"].tolist()
        assert out.startswith(f"{output}: by mmpt, embedding [{len(tiles) + 1}, ")
        assert last == "cloud"
        assert len(tiles) >= 3
        assert tiles == [f"scan#{index:04d}" for index in range(len(tiles))]
        centers = arrays["centers"][:-1].reshape(-1, 3)
    assert (centers > corner - 1e-3).all()
    assert (centers < corner + np.array([400.001, 200.001, 5.001])).all()
    spread = np.ptp(centers, axis=0)
    assert spread[0] > 350
    assert spread[1] > 150


def test_a_scan_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pointcloud_files, "MOST_WHOLE", 10_000)
    np.save(tmp_path / "cloud.npy", CLOUD)
    np.save(tmp_path / "scan.npy", RANDOM.uniform(size=(150_000, 3)) * [400, 200, 5])
    named = pointcloud_files.NamedClouds([tmp_path / "cloud.npy", tmp_path / "scan.npy"], 0)
    tiles = sum(1 for _ in named) - 1
    np.testing.assert_allclose(named.done, [1 / 2, *(1 / 2 + np.arange(1, tiles + 1) / tiles / 2)])


def test_files_of_one_name_are_told_apart(printed: Printed, tmp_path: Path) -> None:
    paths = [tmp_path / folder / "cloud.npy" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        np.save(path, CLOUD)
    assert printed("encode", *paths, "-o", tmp_path / "out.npz")[0] == 0
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["names"].tolist() == [str(path) for path in paths]


def test_an_error_is_one_line(url: str, tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", CLOUD * np.nan)
    command = [Path(sys.executable).with_name("tellurion"), "pointcloud", "encode", "bad.npy", "-o", "out.npz"]
    done = subprocess.run(
        command, env=os.environ | {"TELLURION_URL": url}, cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_nothing_is_written_where_one_cloud_cannot_be_encoded(printed: Printed, tmp_path: Path) -> None:
    np.save(tmp_path / "good.npy", CLOUD)
    np.save(tmp_path / "bad.npy", np.where(np.arange(200)[:, None] == 7, np.nan, CLOUD))
    output = tmp_path / "out.npz"
    output.write_bytes(b"what was there before")
    code, out, err = printed("encode", tmp_path / "good.npy", tmp_path / "bad.npy", "-o", output)
    assert (code, out) == (2, "")
    assert "bad.npy: received x = nan; accepted: " in err
    assert output.read_bytes() == b"what was there before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.npy", "good.npy", "out.npz"]


def test_a_cloud_is_completed(printed: Printed, files: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "whole.ply"
    code, out, err = printed("complete", files[0], "-o", output, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["given"], told["added"]) == (200, 32)
    vertices = PlyData.read(output)["vertex"]
    points = np.stack([vertices[axis] for axis in "xyz"], axis=1)
    np.testing.assert_array_equal(points[:200], CLOUD)
    assert len(points) == 232
    assert vertices["added"].tolist() == [0] * 200 + [1] * 32
    assert read_cloud(output, most=1000).colours is None


def test_a_completed_cloud_keeps_its_colours(printed: Printed, files: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "whole.ply"
    assert printed("complete", files[1], "-o", output)[0] == 0
    read = read_cloud(output, most=1000)
    assert read.colours is not None
    assert read.colours.tolist() == [[90, 90, 90]] * 200 + [[255, 0, 0]] * 32


def test_clouds_are_classified_from_folders_of_examples(printed: Printed, tmp_path: Path) -> None:
    for label, stretch in (("ball", 1), ("rod", 12)):
        (tmp_path / "examples" / label).mkdir(parents=True)
        for index in range(4):
            cloud = RANDOM.normal(size=(150, 3)) * [stretch, 1, 1]
            np.save(tmp_path / "examples" / label / f"{index}.npy", cloud)
    unknown = [tmp_path / "first.npy", tmp_path / "second.npy"]
    for path, stretch in zip(unknown, (12, 1), strict=True):
        np.save(path, RANDOM.normal(size=(150, 3)) * [stretch, 1, 1])
    command = ("classify", "--examples", tmp_path / "examples", *unknown)
    code, out, err = printed(*command, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert [(each["name"], each["label"]) for each in told] == [("first", "rod"), ("second", "ball")]
    assert set(told[0]["probabilities"]) == {"ball", "rod"}
    code, out, _ = printed(*command)
    assert [line.split()[:2] for line in out.splitlines()] == [["first:", "rod"], ["second:", "ball"]]


def test_objects_of_a_scene_are_written_as_boxes(printed: Printed, files: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "boxes.json"
    code, out, err = printed("detect", files[1], "-o", output, "--json")
    document = json.loads(output.read_text())
    assert (code, err) == (0, "".join(f"tellurion: {files[1]}: {note}\n" for note in document["notes"]))
    assert "200 points are few" in document["notes"][0]
    assert json.loads(out) == {"output": str(output), **document}
    assert document["points"] == 200
    for box in document["boxes"]:
        assert list(box) == ["label", "score", "center", "size", "yaw"]
        assert len(box["center"]) == len(box["size"]) == 3
    code, out, _ = printed("detect", files[1], "-o", output, "--min-score", 1)
    assert (code, out) == (0, f"{output}: 0 boxes in 200 points\n")


def test_models_are_scored_on_the_data_of_the_service(printed: Printed) -> None:
    code, out, err = printed("evaluate", "--task", "completion", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["task"], told["samples"]) == ("completion", 12)
    figures = told["figures"]
    assert set(figures) == {"partial", "completed", "ratio"}
    assert figures["ratio"]["value"] == pytest.approx(
        figures["completed"]["value"] / figures["partial"]["value"], rel=0.2
    )
    low, high = figures["partial"]["ci95"]
    assert low <= figures["partial"]["value"] <= high
    code, out, err = printed("evaluate", "--task", "detection")
    assert (code, out) == (1, "")
    assert err.startswith("tellurion: there is no folder pointcloud/rooms/held-out in TELLURION_DATA")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["encode", "none.npy", "-o", "out.npz"], "none.npy: received No such file or directory; accepted: "),
        (["complete", "none.npy", "-o", "out.ply"], "none.npy: received No such file or directory; accepted: "),
        (["encode", "cloud.npy", "-o", "out.npy"], "output: received out.npy; accepted: a file named .npz"),
        (["encode", "cloud.npy", "-o", "no/out.npz"], "output: received no: "),
        (["encode", "cloud.txt", "-o", "out.npz"], "cloud.txt: received a file of .txt; accepted: .obj, .ply, "),
        (
            ["encode", "cloud.npy", "-o", "out.npz", "--model", "pointnet"],
            "model: received pointnet; accepted: mmpt or ",
        ),
        (["encode", "cloud.npy", "-o", "out.npz", "--points", "0"], "points: received 0; accepted: 1 to 65536"),
        (["encode", "cloud.npy", "-o", "out.npz", "--points", "7"], "points: received 7; accepted: at least 8, "),
        (["encode", "cloud.npy", "-o", "out.npz", "--seed", "-1"], "seed: received -1; accepted: "),
        (["complete", "cloud.npy", "-o", "out.obj"], "output: received out.obj; accepted: a file named .ply"),
        (["classify", "cloud.npy", "--examples", "."], "examples: received 1 classes; accepted: 2…256"),
        (["classify", "cloud.npy", "--examples", "none"], "examples: received none; accepted: "),
        (["detect", "cloud.npy", "-o", "out.json", "--min-score", "2"], "min_score: received 2.0; accepted: 0 to 1"),
        (["evaluate", "--task", "beauty"], "task: received beauty; accepted: svm, fewshot, completion, detection"),
    ],
)
def test_what_cannot_be_done_is_bad_input(
    printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], error: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("cloud.npy", CLOUD)
    Path("cloud.txt").write_text("0 0 0\n")
    Path("class").mkdir()
    Path(".hidden").mkdir()
    code, out, err = printed(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"tellurion: {error}")
    assert not [*tmp_path.glob("out.*")]


def test_models_are_listed_with_what_they_are_not_good_for(printed: Printed) -> None:
    code, out, _ = printed("models", "--json")
    assert code == 0
    assert [model["name"] for model in json.loads(out)] == ["mmpt", "gaussian2scene", "completion", "detector"]
    _, out, _ = printed("models")
    assert out.startswith("mmpt (encode, unmask): Encodes objects")
    assert out.count(small.CARD["limits"]) == 4


@pytest.mark.parametrize("command", ["encode", "complete", "classify", "detect", "evaluate", "models"])
def test_help_has_an_example(printed: Printed, command: str) -> None:
    code, out, _ = printed(command, "--help")
    assert code == 0
    assert f"Example: tellurion pointcloud {command}" in " ".join(out.split())


def test_the_sdk_takes_clouds_from_a_generator_and_tells_of_its_errors(client: PointCloudClient) -> None:
    def clouds() -> Iterator[object]:
        yield CLOUD
        yield Cloud(CLOUD)
        raise LookupError("no more")

    answers = client.encode(clouds())
    one, same = next(answers), next(answers)
    np.testing.assert_allclose(one.embedding, same.embedding, atol=1e-5)
    with pytest.raises(LookupError, match="no more"):
        next(answers)


def test_the_sdk_ends_what_is_not_wanted_any_more(client: PointCloudClient) -> None:
    taken: list[int] = []

    def endless() -> Iterator[np.ndarray]:
        while True:
            taken.append(1)
            yield CLOUD

    answers = client.encode(endless())
    next(answers)
    answers.close()
    assert len(taken) < 1000  # no more than are on their way
    assert client.models()[0].name == "mmpt"


@pytest.mark.parametrize("cloud", [[[1.0, 2.0]], "none.ply", [["a", "b", "c"]], 5.0, np.zeros((0, 3))])
def test_what_is_no_cloud_is_refused(client: PointCloudClient, cloud: object) -> None:
    with pytest.raises(InvalidInput):
        [*client.encode([cloud])]
    with pytest.raises(InvalidInput):
        client.complete(cloud)


@pytest.mark.parametrize("clouds", ["cloud.npy", Path("cloud.npy"), Cloud(CLOUD), 5])
def test_one_cloud_is_not_several(client: PointCloudClient, clouds: object) -> None:
    with pytest.raises(InvalidInput, match=r"one as \[cloud\]"):
        client.encode(clouds)
    with pytest.raises(InvalidInput, match=r"one as \[cloud\]"):
        client.classify({"a": [CLOUD], "b": clouds}, [CLOUD])


@pytest.mark.parametrize("labels", [[], ["a"], ["a", ""], ["a", "b" * 129], ["a", 5]])
def test_examples_are_of_classes(client: PointCloudClient, labels: list[str]) -> None:
    with pytest.raises(InvalidInput, match="examples"):
        client.classify({label: [CLOUD] for label in labels}, [CLOUD])


def test_the_sdk_shows_what_was_hidden_and_what_is_expected_there(client: PointCloudClient) -> None:
    told = client.unmask(CLOUD, seed=2)
    assert (told.given.shape, told.added.shape, told.points.shape) == ((24, 3), (40, 3), (64, 3))
    again = client.unmask(CLOUD, seed=2)
    np.testing.assert_array_equal(again.points, told.points)
