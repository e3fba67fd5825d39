"""Gaussian2Scene's commands, on two small rooms that one camera each looks down on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.gaussian2scene import Frame, Gaussian2Scene, Spec
from tellurion_pointcloud.gaussian2scene.fitting import fitted_gaussians
from tellurion_pointcloud.gaussian2scene.model import FAR
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.rooms.folder import MOST_OBJECTS
from tellurion_pointcloud.scene_encoder import SceneSpec
from tellurion_pointcloud.training import fitted as fitted_command
from tellurion_pointcloud.training import gaussian2scene as command
from tellurion_pointcloud.training.fitted import fit_rooms, fitted_means
from tellurion_pointcloud.training.seen_rooms import draw
from tellurion_splatting import rasterization
from tellurion_splatting.gaussians import SH_C0

SIDE = 32
SPEC = Spec(
    SceneSpec(groups=16, group_size=8, hidden=8, width=16, depth=1, heads=2),
    points=128,
    image_height=SIDE,
    image_width=SIDE,
    image_patch=8,
    image_depth=1,
    shared_depth=1,
    decoder_depth=1,
)


def frame(seed: int) -> Frame:
    """From 3 m above a floor of coloured squares, with a box 1 m high."""
    colour = np.random.default_rng(seed).integers(60, 200, (4, 4, 3), dtype=np.uint8)
    depth = np.full((SIDE, SIDE), 3.0, np.float32)
    depth[8:16, 8:24] = 2
    K = np.array([[16.0, 0, 16], [0, 16, 16], [0, 0, 1]])
    pose = np.diag([1.0, -1, -1, 1])
    pose[2, 3] = 3
    return Frame(np.repeat(np.repeat(colour, 8, 0), 8, 1), depth, K, pose)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rooms")
    frames = [frame(0), frame(1)]
    points, colours = (np.stack(each) for each in zip(*(each.points() for each in frames), strict=True))
    arrays = {
        "points": points.astype(np.float32),
        "colours": colours,
        "pictures": np.stack([[each.colour] for each in frames]),
        "depths": np.stack([[each.depth] for each in frames]),
        "intrinsics": np.stack([[each.K] for each in frames]),
        "world_to_camera": np.stack([[each.world_to_camera] for each in frames]),
        "boxes": np.zeros((2, MOST_OBJECTS, 7)),
        "bounds": np.zeros((2, MOST_OBJECTS, 6)),
        "kinds": np.full((2, MOST_OBJECTS), -1),
        "groups": np.full((2, MOST_OBJECTS), -1),
    }
    for name, array in arrays.items():
        np.save(path / f"{name}.npy", array)
    (path / "about.json").write_text(json.dumps({"classes": [], "groups": [], "source": "two floors"}))
    return path


@pytest.fixture(scope="module")
def rooms(folder: Path) -> Rooms:
    return Rooms.open(folder)


@pytest.fixture(scope="module")
def means(rooms: Rooms, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fitted") / "gaussians"
    fit_rooms(rooms, path, count=64, steps=2, seed=0)
    return path


def test_rooms_that_are_turned_and_stretched_are_seen_alike(rooms: Rooms) -> None:
    drawn = draw(rooms, replace(SPEC, channels=4), 16, np.random.default_rng(0))
    views, centres = drawn.seen.views, drawn.seen.centres
    places = centres @ views.world_to_camera[:, :3, :3].mT + views.world_to_camera[:, None, :3, 3]
    pixels = places @ views.K.mT
    column, row = (pixels[..., :2] / pixels[..., 2:]).unbind(-1)
    torch.testing.assert_close(row % 1, torch.full_like(row, 0.5), rtol=0, atol=1e-3)  # points are pixels' middles
    values = views.images[torch.arange(16)[:, None], :, row.long(), column.long()]
    torch.testing.assert_close((values[..., 3] + 0.5) * FAR, places[..., 2], rtol=1e-4, atol=0)
    of_points = drawn.seen.patches[:, :, 0, 3:]  # of the point at the centre
    coloured = of_points.flatten(1).std(1) > 0
    assert 8 <= coloured.sum() < 16
    torch.testing.assert_close(values[coloured][..., :3], of_points[coloured], rtol=0, atol=1.01 / 255)
    assert len({round(float(each), 3) for each in torch.linalg.det(views.world_to_camera[:, :3, :3])}) == 2  # mirrored


def test_fitted_places_go_with_their_room(rooms: Rooms) -> None:
    points = np.asarray(rooms.points)[:, :100]
    drawn = draw(rooms, SPEC, 4, np.random.default_rng(0), points)
    places = drawn.fitted @ drawn.others.world_to_camera[:, :3, :3].mT + drawn.others.world_to_camera[:, None, :3, 3]
    pixels = places @ drawn.others.K.mT
    torch.testing.assert_close((pixels[..., 0] / pixels[..., 2]) % 1, torch.full((4, 100), 0.5), rtol=0, atol=1e-3)


def test_a_descent_brings_gaussians_nearer_to_what_is_seen() -> None:
    view = frame(0)
    height = np.abs(fitted_gaussians([view], count=200, steps=10, seed=0).means[:, 2, None] - [0, 1]).min(1)
    assert height.max() < 0.1  # still at the floor and on the box
    few, many = (_error(view, steps) for steps in (0, 25))
    assert many < 0.7 * few


def _error(view: Frame, steps: int) -> float:
    """Mean absolute error of the render of what was fitted."""
    found = fitted_gaussians([view], count=200, steps=steps, seed=0)
    values = found.means, found.quats, found.scales, found.opacities, found.sh[:, 0] * SH_C0 + 0.5
    tensors = [torch.tensor(np.asarray(each), dtype=torch.float32) for each in values]
    cameras = (torch.tensor(each, dtype=torch.float32)[None] for each in (view.world_to_camera, view.K))
    render = rasterization(*tensors, *cameras, SIDE, SIDE)[0][0]
    return float((render - torch.tensor(view.colour) / 255).abs().mean())


def test_frames_without_depth_are_refused() -> None:
    blank = replace(frame(0), depth=np.zeros((SIDE, SIDE)))
    with pytest.raises(InvalidInput, match="frames"):
        fitted_gaussians([blank], count=10, steps=1, seed=0)
    with pytest.raises(InvalidInput, match="count"):  # whose distances to each other give no size
        fitted_gaussians([frame(0)], count=3, steps=1, seed=0)


def test_only_rooms_that_are_not_there_are_fitted(rooms: Rooms, means: Path) -> None:
    first, second = (means / f"0000{index}.npz" for index in range(2))
    before = second.read_bytes()
    first.unlink()
    second.write_bytes(before + b"left alone")
    fit_rooms(rooms, means, count=64, steps=2, seed=0)
    assert first.exists()
    assert second.read_bytes() == before + b"left alone"
    second.write_bytes(before)


def test_another_fit_is_not_gone_on_with(rooms: Rooms, means: Path) -> None:
    with pytest.raises(InvalidInput, match="output"):
        fit_rooms(rooms, means, count=64, steps=3, seed=0)


def test_fitted_gaussians_of_other_rooms_are_refused(rooms: Rooms, means: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="fitted"):
        fitted_means(means, replace(rooms, points=rooms.points + 1))
    with pytest.raises(InvalidInput, match="fitted"):
        fitted_means(tmp_path, rooms)
    with pytest.raises(InvalidInput, match="fitted"):
        fitted_means(means, replace(rooms, points=rooms.points[:1]))


@pytest.mark.parametrize("precision", [[], ["--bfloat16"]])
def test_stage_2_goes_on_from_stage_1(
    folder: Path, means: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: list[str]
) -> None:
    monkeypatch.setattr(command, "SMALL", SPEC)
    monkeypatch.setattr(command, "SCORED", 1)
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    common = [str(folder), "--steps", "2", "--batch", "2", "--held-out", str(folder), *precision, "--stage"]
    command.main([*common, "1", "--output", str(one)])
    fitted = ["--fitted", str(means), "--held-out-fitted", str(means)]
    command.main([*common, "2", "--output", str(two), "--first", str(one), *fitted])
    first, second = Gaussian2Scene.load(one), Gaussian2Scene.load(two)
    assert (first.stage, second.stage) == (1, 2)
    assert not torch.equal(first.encoder.positions[0].weight, second.encoder.positions[0].weight)
    assert set(weights.card(one)["scores"]) == {"points", "image", "image of another room"}
    assert set(weights.card(two)["scores"]) == {"means", "l1", "d-ssim"}
    assert weights.card(two)["first"] == weights.sha256(one)
    assert weights.card(two)["trained_on"] == "2 rooms of two floors"


@pytest.mark.parametrize("arguments", [["--stage", "2"], ["--stage", "1"]])
def test_what_a_stage_needs_is_asked_for(
    folder: Path, tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([str(folder), *arguments, "--output", str(tmp_path / "weights.safetensors")])
    assert ended.value.code == 2
    assert ("first" if "2" in arguments else "steps, minutes") in capsys.readouterr().err


def test_a_number_of_gaussians_that_no_memory_holds_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        fitted_command.main([str(folder), str(tmp_path / "fitted"), "--count", "1000000000000"])
    assert ended.value.code == 2
