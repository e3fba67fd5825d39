"""Scenes with reflections as a person uses them: the command line and the SDK, on a platform and without one."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import OpenEXR
import pytest
from PIL import Image

import tellurion_client
from tellurion_client import Cancelled, Client, SplatCameras
from tellurion_client.cli.main import run
from tellurion_splat.evaluation import evaluate
from tellurion_splat.splats import Splats
from tellurion_splatting.files import read_gaussians
from tellurion_splatting.scenes import read_scene

TELLURION = str(Path(sys.executable).with_name("tellurion"))
NAMES = [f"{index:03d}" for index in range(10)]
SHORT = ("--iterations", 20, "--sh-degree", 1, "--reflected-sh-degree", 1, "--seed", 7)
Printed = Callable[..., tuple[int, str, str]]


def module(path: Path) -> ModuleType:
    """A module beside the service's own tests."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded


painted = module(Path(__file__).parents[1] / "services" / "splat" / "painted_scene.py")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a platform with the splat service."""
    state = tmp_path_factory.mktemp("state")
    options = ["--services", "splat", "--detach", "--state", str(state)]
    subprocess.run([TELLURION, "up", *options], check=True, capture_output=True)
    yield state
    subprocess.run([TELLURION, "down", "--state", str(state)], check=True, capture_output=True)


@pytest.fixture
def printed(platform: Path, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Exit code, stdout and stderr of a command on the platform, which runs in this process."""

    def command(*arguments: object) -> tuple[int, str, str]:
        code = run(["splat", *map(str, arguments), "--state", str(platform)])
        return code, *capsys.readouterr()

    return command


@pytest.fixture(scope="module")
def client(platform: Path) -> Iterator[Client]:
    with tellurion_client.connect(platform) as connected:
        yield connected


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return painted.write_scene(tmp_path_factory.mktemp("e2e") / "scene")


@pytest.fixture(scope="module")
def fitted(platform: Path, scene: Path) -> tuple[Path, dict[str, Any]]:
    """A model that the command fitted, and what it told of it."""
    output = scene.parent / "scene.ply"
    command = [TELLURION, "splat", "fit", str(scene), "-o", str(output), *map(str, SHORT), "--json"]
    command += ["--clean-folder", "transmitted", "--depth-folder", "depth", "--state", str(platform)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return output, json.loads(done.stdout)


@pytest.fixture
def transforms(scene: Path) -> Path:
    return scene / "transforms.json"


def test_a_fit_answers_the_contract(fitted: tuple[Path, dict[str, Any]], scene: Path) -> None:
    output, told = fitted
    assert list(told) == [
        *("output", "operation", "mode", "variant", "iterations", "seed"),
        *("gaussians", "psnr_held_out", "seconds", "losses", "sha256", "version"),
    ]
    assert [told[name] for name in ("mode", "variant", "iterations", "seed")] == ["ref-unlock", "virtual", 20, 7]
    gaussians = read_gaussians(output)
    assert told["gaussians"] == len(gaussians)
    assert gaussians.reflection is not None
    assert (gaussians.degree, gaussians.reflection.degree) == (1, 1)
    expected = evaluate(Splats.of(gaussians), read_scene(scene)).mean("psnr")
    assert told["psnr_held_out"] == pytest.approx(expected, abs=1e-4)


def test_a_model_is_rendered_from_the_cameras_of_its_scene(
    printed: Printed, fitted: tuple[Path, Any], transforms: Path, tmp_path: Path
) -> None:
    frames = tmp_path / "frames"
    code, out, err = printed("render", fitted[0], "--cameras", transforms, "-o", frames, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"output": str(frames), "frames": 10, "component": "all", "format": "png"}
    assert sorted(path.name for path in frames.iterdir()) == [f"{name}.png" for name in NAMES]
    with Image.open(frames / "003.png") as image:
        assert (image.size, image.mode) == (painted.SIZE, "RGB")


def test_components_add_up(printed: Printed, fitted: tuple[Path, Any], transforms: Path, tmp_path: Path) -> None:
    shown: dict[str, np.ndarray] = {}
    for component in ("all", "transmitted", "reflected", "depth", "weight", "normal"):
        folder = tmp_path / component
        options = ("--cameras", transforms, "-o", folder, "--component", component, "--format", "npy")
        assert printed("render", fitted[0], *options)[:2] == (0, f"{folder}: 10 frames\n")
        shown[component] = np.load(folder / "005.npy")
    np.testing.assert_allclose(shown["all"], shown["transmitted"] + shown["reflected"], atol=1e-6)
    height_width = painted.SIZE[::-1]
    assert shown["depth"].shape == shown["weight"].shape == height_width
    assert (shown["weight"] >= 0).all()
    assert shown["reflected"].max() > 0
    inside = shown["depth"][10:20, 15:25]
    assert np.abs(inside - painted.view(painted.viewmats(10)[5])[2][10:20, 15:25]).max() < 1
    assert (np.linalg.norm(shown["normal"], axis=-1) <= 1 + 1e-5).all()


def test_floating_point_images_have_the_channels_that_programs_look_for(
    printed: Printed, fitted: tuple[Path, Any], transforms: Path, tmp_path: Path
) -> None:
    options = ("--cameras", transforms, "-o", tmp_path / "out", "--component", "depth", "--format", "exr")
    assert printed("render", fitted[0], *options)[0] == 0
    with OpenEXR.File(str(tmp_path / "out" / "000.exr"), separate_channels=True) as file:
        assert list(file.channels()) == ["Z"]


def test_a_model_is_scored_as_the_library_scores_it(printed: Printed, fitted: tuple[Path, Any], scene: Path) -> None:
    code, out, err = printed("evaluate", fitted[0], scene, "--json")
    assert (code, err) == (0, "")
    scores = json.loads(out)
    expected = evaluate(Splats.of(read_gaussians(fitted[0])), read_scene(scene))
    assert set(scores["views"]) == {"000", "008"}
    for name in ("psnr", "ssim", "transmitted_psnr", "plain_psnr", "depth_error"):
        assert scores[name] == pytest.approx(expected.mean(name), rel=1e-5)
    assert printed("evaluate", fitted[0], scene)[1].startswith(f"{fitted[0]} on 2 views of {scene}: psnr ")


def test_a_reflection_is_removed_where_a_mask_says_so(
    printed: Printed, fitted: tuple[Path, Any], transforms: Path, tmp_path: Path
) -> None:
    masks = painted.write_masks(tmp_path / "masks")
    usual = (fitted[0], "--cameras", transforms, "--format", "npy", "-o")
    for component in ("all", "transmitted"):
        assert printed("render", *usual, tmp_path / component, "--component", component)[0] == 0
    edited = tmp_path / "edited"
    code, out, _ = printed("edit", *usual, edited, "--mask-dir", masks, "--reflection", 0, "--json")
    assert (code, json.loads(out)["frames"]) == (0, 10)
    frame, whole, without = (np.load(tmp_path / each / "002.npy") for each in ("edited", "all", "transmitted"))
    middle = painted.SIZE[0] // 2
    np.testing.assert_allclose(frame[:, :middle], without[:, :middle], atol=1e-6)
    np.testing.assert_allclose(frame[:, middle:], whole[:, middle:], atol=1e-6)


def test_a_model_becomes_another_format_without_its_reflection(
    printed: Printed, fitted: tuple[Path, Any], tmp_path: Path
) -> None:
    output = tmp_path / "scene.spz"
    code, out, err = printed("convert", fitted[0], output)
    assert (code, out) == (2, "")
    assert err.startswith("tellurion: gaussians.reflection: received a reflected branch")
    assert not output.exists()
    code, out, err = printed("convert", fitted[0], output, "--transmitted", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["total_bytes"] == output.stat().st_size
    shown = read_gaussians(fitted[0]).transmitted()
    assert json.loads(out)["gaussians"] == len(shown) < len(read_gaussians(fitted[0]))
    np.testing.assert_allclose(read_gaussians(output).means, shown.means, atol=2e-4)


def test_the_sdk_renders_arrays_from_matrices(client: Client, fitted: tuple[Path, Any], scene: Path) -> None:
    cameras = SplatCameras(painted.viewmats(10)[3:5], painted.intrinsics(2), *painted.SIZE, names=["near", "far"])
    frames = {frame.name: frame.array() for frame in client.splat.render(fitted[0], cameras, form="npy")}
    assert list(frames) == ["near", "far"]
    image = painted.view(painted.viewmats(10)[3])[0]
    assert np.abs(frames["near"] - image).mean() < np.abs(image).mean()  # nearer to it than nothing is
    described = client.splat.describe_model(fitted[0])
    assert (described.gaussians, described.reflected_sh_degree) == (fitted[1]["gaussians"], 1)
    assert client.splat.describe_scene(scene).held_out == ("000", "008")
    by_sum = client.splat.render(fitted[1]["sha256"], cameras, form="npy")
    np.testing.assert_array_equal(next(by_sum).array(), frames["near"])


def test_a_fit_is_left_alone_and_cancelled(printed: Printed, client: Client, scene: Path, tmp_path: Path) -> None:
    code, out, _ = printed("fit", scene, "--detach", "--iterations", 100_000, "--json")
    assert code == 0
    operation = client.splat.operation(json.loads(out)["operation"])
    running = next(status for status in operation.watch(timeout=100) if status.fraction > 0)
    assert (running.state, running.message[:10]) == ("RUNNING", "iteration ")
    operation.cancel()
    asked = time.monotonic()
    with pytest.raises(Cancelled):
        operation.result(timeout=60)
    assert time.monotonic() - asked < 5  # a second, and what a busy machine adds
    code, out, err = printed("fetch", operation.name, "-o", tmp_path / "scene.ply")
    assert (code, out, err) == (1, "", "tellurion: cancelled\n")
    assert [*tmp_path.iterdir()] == []


def test_a_scene_that_cannot_be_fitted_is_bad_input(printed: Printed, scene: Path, tmp_path: Path) -> None:
    lonely = tmp_path / "lonely"
    (lonely / "images").mkdir(parents=True)
    document = json.loads((scene / "transforms.json").read_text())
    one = document | {"frames": document["frames"][:1], "ply_file_path": None}
    (lonely / "transforms.json").write_text(json.dumps({key: value for key, value in one.items() if value is not None}))
    (lonely / "images" / "000.png").write_bytes((scene / "images" / "000.png").read_bytes())
    code, out, err = printed("fit", lonely, "-o", tmp_path / "scene.ply")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "tellurion: scene.images: received one image; accepted: at least two"
    assert not (tmp_path / "scene.ply").exists()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ref-unlock", "3dgs"])
def test_a_shipped_scene_goes_all_the_way(printed: Printed, tmp_path: Path, mode: str) -> None:
    shipped, model = Path(str(files("tellurion_splat"))) / "data" / "pane", tmp_path / "pane.ply"
    truth = ("--clean-folder", "transmitted") if mode == "ref-unlock" else ()
    options = ("--mode", mode, "--iterations", 10, "--max-gaussians", 5000, "--depth-folder", "depth", *truth)
    code, out, _ = printed("fit", shipped, "-o", model, *options, "--json")
    assert (code, json.loads(out)["gaussians"]) == (0, len(read_gaussians(model)))
    code, out, _ = printed("evaluate", model, shipped, "--json")
    scores = json.loads(out)
    assert code == 0
    scene = read_scene(shipped)
    held_out = np.flatnonzero(scene.held_out)
    assert list(scores["views"]) == [scene.cameras.names[row] for row in held_out]
    black = np.mean([-10 * np.log10((scene.image(row) ** 2).mean()) for row in held_out])
    assert scores["psnr"] > black + 1
    assert all(scores[name] is not None for name in ("transmitted_psnr", "plain_psnr", "depth_error"))
    assert (scores["transmitted_psnr"] == scores["plain_psnr"]) == (mode == "3dgs")  # which tells nothing apart


@pytest.mark.slow
def test_without_a_platform_the_command_starts_the_service_itself(
    fitted: tuple[Path, Any], transforms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ("--state", str(tmp_path / "state"))
    output = tmp_path / "frames"
    assert run(["splat", "render", str(fitted[0]), "--cameras", str(transforms), "-o", str(output), *state]) == 0
    assert len([*output.iterdir()]) == 10
    capsys.readouterr()
    assert run(["splat", "fit", str(transforms.parent), "--detach", *state]) == 2
    assert capsys.readouterr().err.startswith("tellurion: detach: received it, and nothing runs; accepted: ")
