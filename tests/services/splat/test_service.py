"""The splat service as a process of its own, asked over gRPC for frames, edits, scores, formats and descriptions."""

from __future__ import annotations

import io
import json
import os
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from asking import SIZE, Asked, cameras, many, none, one, transforms
from painted_scene import intrinsics, view, viewmats, write_masks
from PIL import Image

from tellurion.splat.v1 import splat_pb2
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import InvalidInput, NotFound
from tellurion_splat.evaluation import Evaluation, ViewScores
from tellurion_splat.rendering import Models
from tellurion_splat.service import _tidied
from tellurion_splat.stored import Stored
from tellurion_splat.wire import evaluate_report, scene_description
from tellurion_splatting.files import encoded_gaussians, read_gaussians
from tellurion_splatting.scenes import read_scene

ALPHA, REFLECTED_ALPHA, WEIGHT = 0.6, 0.5, 0.25
COLOR, REFLECTED_COLOR = np.array([0.9, 0.4, 0.2]), np.array([0.1, 0.8, 0.3])
"""Those of `asking.one`."""
CENTRE = (7, 10)
"""The pixel that the axis goes through."""
NAMES = {
    "all": splat_pb2.COMPONENT_ALL,
    "transmitted": splat_pb2.COMPONENT_TRANSMITTED,
    "reflected": splat_pb2.COMPONENT_REFLECTED,
    "depth": splat_pb2.COMPONENT_DEPTH,
    "weight": splat_pb2.COMPONENT_WEIGHT,
    "normal": splat_pb2.COMPONENT_NORMAL,
}


@pytest.fixture(scope="module")
def splat(served: Any) -> Asked:
    return Asked(served)


def test_the_components_of_one_gaussian_are_those_of_the_formulas(splat: Asked) -> None:
    """At its centre alpha is its opacity: W = αβ, Tc = αc + (1 − α)b, R = α'c', I = (1 − W)Tc + WR, depth z."""
    model, behind = splat.model(one()), np.array([0.2, 0.1, 0.7])
    W, Tc = ALPHA * WEIGHT, ALPHA * COLOR + (1 - ALPHA) * behind
    R = REFLECTED_ALPHA * REFLECTED_COLOR
    expected = {
        "all": (1 - W) * Tc + W * R,
        "transmitted": (1 - W) * Tc,
        "reflected": W * R,
        "depth": 4.0,
        "weight": W,
        "normal": [0, 0, -ALPHA],  # its shortest axis is z, and is turned to the camera
    }
    for name, value in expected.items():
        (frame,) = splat.arrays(model, cameras(), NAMES[name], background=behind)
        assert frame.dtype == np.float32
        assert frame.shape[:2] == SIZE[::-1]
        np.testing.assert_allclose(frame[CENTRE], value, atol=2e-6, err_msg=name)


def test_frames_are_named_and_ordered_as_their_cameras(splat: Asked) -> None:
    asked = cameras(np.eye(4), np.eye(4))
    request = splat_pb2.RenderRequest(model=splat.model(one()), cameras=asked)
    assert list(splat.frames("Render", request)) == ["000000", "000001"]
    asked.arrays.names.extend(["b", "a"])
    frames = splat.frames("Render", splat_pb2.RenderRequest(model=request.model, cameras=asked))
    assert list(frames) == ["b", "a"]
    assert frames["a"].startswith(b"\x89PNG")


def test_cameras_of_a_file_see_what_their_matrices_see(splat: Asked) -> None:
    model = splat.model(many())
    file = splat_pb2.Cameras(transforms=splat.put(transforms(), "transforms.json"))
    request = splat_pb2.RenderRequest(model=model, cameras=file, format=splat_pb2.FRAME_FORMAT_EXR)
    by_file = splat.frames("Render", request)
    request.cameras.CopyFrom(cameras())
    assert list(by_file) == ["only"]
    assert list(by_file.values()) == list(splat.frames("Render", request).values())


def test_no_gaussian_is_the_background(splat: Asked) -> None:
    model = splat.model(none())
    (frame,) = splat.arrays(model, cameras(), background=[0.25, 0.5, 1])
    np.testing.assert_array_equal(frame, np.broadcast_to(np.float32([0.25, 0.5, 1]), frame.shape))
    for name in ("depth", "weight", "normal", "reflected"):
        assert not splat.arrays(model, cameras(), NAMES[name])[0].any(), name


def test_a_camera_inside_a_gaussian_sees_numbers(splat: Asked) -> None:
    for z in (0.0, 0.005, 0.02, -1.0):
        for name, component in NAMES.items():
            (frame,) = splat.arrays(splat.model(one(z=z)), cameras(), component)
            assert np.isfinite(frame).all(), (z, name)


def test_a_reflection_is_taken_out_put_back_and_coloured(splat: Asked) -> None:
    model, seen = splat.model(many()), cameras()

    def edit(**options: Any) -> np.ndarray:
        request = splat_pb2.EditRequest(model=model, cameras=seen, format=splat_pb2.FRAME_FORMAT_EXR, **options)
        return read_exr(*splat.frames("Edit", request).values())

    whole, transmitted, reflected = (
        splat.arrays(model, seen, NAMES[name])[0] for name in ("all", "transmitted", "reflected")
    )
    assert reflected.max() > 0.05
    np.testing.assert_allclose(edit(reflection=1), whole, atol=1e-6)
    np.testing.assert_allclose(edit(reflection=0), transmitted, atol=1e-6)
    tinted = edit(reflection=0.5, tint=[1, 0.5, 0])
    np.testing.assert_allclose(tinted, transmitted + 0.5 * np.float32([1, 0.5, 0]) * reflected, atol=1e-6)


def test_an_edit_stays_within_its_mask(splat: Asked, tmp_path: Path) -> None:
    mats, lens = viewmats(2), intrinsics(1)[0]
    seen = cameras(*mats, lens=lens, size=(40, 30))
    seen.arrays.names.extend(["000", "001"])
    gaussians = many()
    model = splat.model(gaussians)
    request = splat_pb2.EditRequest(
        model=model,
        cameras=seen,
        masks=splat.folder(write_masks(tmp_path / "masks", 2)),
        format=splat_pb2.FRAME_FORMAT_EXR,
    )
    frames = splat.frames("Edit", request)
    transmitted = splat.arrays(model, seen, NAMES["transmitted"])
    whole = splat.arrays(model, seen)
    for data, without, unchanged in zip(frames.values(), transmitted, whole, strict=True):
        edited = read_exr(data)
        np.testing.assert_allclose(edited[:, :20], without[:, :20], atol=1e-6)
        np.testing.assert_allclose(edited[:, 20:], unchanged[:, 20:], atol=1e-6)
        assert np.abs(without - unchanged).max() > 0.05


def test_scores_are_against_the_photographs_that_are_held_out(splat: Asked, scene_folder: Path) -> None:
    """What shows nothing scores as black does, which is known of the painted scene."""
    request = splat_pb2.EvaluateRequest(model=splat.model(none()), scene=splat.folder(scene_folder))
    *progress, last = splat.ask("Evaluate", request)
    report = last.report
    assert [step.progress.fraction for step in progress] == sorted(step.progress.fraction for step in progress)
    assert set(report.views) == {"000", "008"}
    for name, scores in report.views.items():
        image, transmitted = (read_image(scene_folder / folder / f"{name}.png") for folder in ("images", "transmitted"))
        depth = view(viewmats(10)[int(name)])[2]
        assert scores.psnr == pytest.approx(-10 * np.log10((image**2).mean()), abs=1e-4)
        assert scores.plain_psnr == scores.transmitted_psnr == pytest.approx(-10 * np.log10((transmitted**2).mean()))
        assert scores.depth_error == pytest.approx((1 / depth).mean(), abs=1e-5)
        assert 0 < scores.ssim < 0.2
    assert report.mean.psnr == pytest.approx(np.mean([scores.psnr for scores in report.views.values()]))


def test_without_the_truth_its_scores_are_not_there(splat: Asked, scene_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(scene_folder, tmp_path / "scene", ignore=shutil.ignore_patterns("transmitted", "depth"))
    scene = splat.folder(tmp_path / "scene")
    *_, last = splat.ask("Evaluate", splat_pb2.EvaluateRequest(model=splat.model(none()), scene=scene))
    told = {field.name for field, _ in last.report.mean.ListFields()}
    assert told - {"lpips"} == {"psnr", "ssim"}
    names = {field.name for field in splat_pb2.ViewScores.DESCRIPTOR.fields}
    assert set(last.report.unavailable) == names - told
    assert "folder depth" in last.report.unavailable["depth_error"]


@pytest.mark.parametrize(
    ("form", "suffix", "degree"),
    [
        (splat_pb2.MODEL_FORMAT_PLY, ".ply", 1),
        (splat_pb2.MODEL_FORMAT_SPLAT, ".splat", 0),
        (splat_pb2.MODEL_FORMAT_SPZ, ".spz", 1),
        (splat_pb2.MODEL_FORMAT_SOG, ".sog", 1),
    ],
)
def test_a_model_goes_into_each_format(splat: Asked, form: int, suffix: str, degree: int) -> None:
    gaussians = many(50, reflective=False)
    answer = splat.ask("Convert", splat_pb2.ConvertRequest(model=splat.model(gaussians), format=form))
    data = splat.bytes(answer.model)
    assert splat.artifacts.get("local", answer.model).name == f"scene{suffix}"
    assert (answer.gaussians, answer.total_bytes, answer.sh_degree) == (50, len(data), degree)
    back = read_gaussians(data, suffix)
    by_place = [np.lexsort(each.means.round(2).T) for each in (back, gaussians)]
    np.testing.assert_allclose(back.means[by_place[0]], gaussians.means[by_place[1]], atol=2e-3)
    describe = splat.ask("Describe", splat_pb2.DescribeRequest(model=answer.model))
    assert (describe.model.gaussians, describe.model.sh_degree, describe.model.reflective) == (50, degree, False)


def test_half_a_model_is_only_converted_where_that_is_asked_for(splat: Asked) -> None:
    request = splat_pb2.ConvertRequest(model=splat.model(many()), format=splat_pb2.MODEL_FORMAT_SPZ)
    with pytest.raises(InvalidInput, match="reflect"):
        splat.ask("Convert", request)
    request.transmitted = True
    assert splat.ask("Convert", request).gaussians == 200


def test_a_model_is_described(splat: Asked) -> None:
    gaussians = many()
    described = splat.ask("Describe", splat_pb2.DescribeRequest(model=splat.model(gaussians))).model
    assert (described.gaussians, described.sh_degree) == (200, 1)
    assert (described.reflective, described.reflected_sh_degree) == (True, 1)
    np.testing.assert_array_equal(np.float32(described.least), gaussians.means.min(axis=0))
    np.testing.assert_array_equal(np.float32(described.greatest), gaussians.means.max(axis=0))
    empty = splat.ask("Describe", splat_pb2.DescribeRequest(model=splat.model(none()))).model
    assert (empty.gaussians, list(empty.least)) == (0, [])


def test_a_scene_is_described(splat: Asked, scene_folder: Path) -> None:
    described = splat.ask("Describe", splat_pb2.DescribeRequest(scene=splat.folder(scene_folder))).scene
    assert list(described.views) == [f"{index:03d}" for index in range(10)]
    assert list(described.held_out) == ["000", "008"]
    assert (described.width, described.height, described.points) == (40, 30, 300)
    assert list(described.folders) == ["depth", "transmitted"]


def test_folders_of_a_scene_are_those_with_an_image_of_a_view(scene_folder: Path, tmp_path: Path) -> None:
    scene = Path(shutil.copytree(scene_folder, tmp_path / "scene"))
    (scene / "images").rename(scene / "photographs")
    (scene / "images").symlink_to(scene / "photographs")
    for name in ("sparse/a.txt", "others/999.png"):
        (scene / name).parent.mkdir()
        (scene / name).write_bytes(b"")
    assert list(scene_description(read_scene(scene)).folders) == ["depth", "transmitted"]


def test_scores_are_told_as_far_as_they_are_known() -> None:
    views = tuple(ViewScores(name, 20.0, 0.5, 0.25, None, None, None) for name in "ab")
    report = evaluate_report(Evaluation(views))
    assert report.mean.lpips == report.views["a"].lpips == 0.25
    assert set(report.unavailable) == {"transmitted_psnr", "plain_psnr", "depth_error"}


def test_what_is_unpacked_lies_in_the_state_folder_and_goes(served: Any, splat: Asked, scene_folder: Path) -> None:
    splat.ask("Describe", splat_pb2.DescribeRequest(scene=splat.folder(scene_folder)))
    assert [*(served.state / "scratch" / "splat").iterdir()] == []


def test_what_was_left_by_a_process_that_was_killed_goes(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "old", (1, 1))
    assert [path.name for path in _tidied(tmp_path).iterdir()] == ["new"]


def test_a_model_that_is_loaded_holds_up_no_other_and_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts = ArtifactStore(tmp_path)
    stored = Stored(artifacts, "local")
    ids = [
        artifacts.put("local", [encoded_gaussians(many(n), ".ply")], media_type="m", name="a.ply", keep=None).id
        for n in (1, 2, 3)
    ]
    models, read, begun, go_on = Models(), Stored.gaussians, threading.Event(), threading.Event()
    first, second = (models.load(stored, each) for each in ids[:2])
    models.load(stored, ids[0])  # and so the second is the one that goes

    def slowly(self: Stored, artifact_id: str) -> Any:
        begun.set()
        assert go_on.wait(30)
        return read(self, artifact_id)

    monkeypatch.setattr(Stored, "gaussians", slowly)
    left = weakref.ref(second.means)
    del second
    with ThreadPoolExecutor(1) as thread:
        loading = thread.submit(models.load, stored, ids[2])
        assert begun.wait(30)
        assert models.load(stored, ids[0]) is first
        assert left() is None
        go_on.set()
        assert len(loading.result(30)) == 3


def test_another_tenants_files_look_like_none(splat: Asked, scene_folder: Path) -> None:
    """Also once the service has the model in memory for its owner."""
    model = splat.model(one())
    splat.arrays(model, cameras())
    theirs = splat.put(transforms(near=json.dumps("theirs")), "transforms.json", tenant="other")
    with pytest.raises(NotFound):
        splat.arrays(theirs, cameras())
    with pytest.raises(NotFound):
        splat.arrays(model, splat_pb2.Cameras(transforms=theirs))
    splat.artifacts.delete("local", model)
    with pytest.raises(NotFound):
        splat.arrays(model, cameras())


def read_exr(data: bytes) -> np.ndarray:
    with OpenEXR.File(io.BytesIO(data)) as file:
        return np.array(file.channels()["RGB"].pixels)


def read_image(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image, np.float64) / 255
