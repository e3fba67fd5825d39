"""A fit that was killed at any moment and begun again ends with the same bytes as one that was not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_fit import CHECKPOINT_EVERY, ITERATIONS, small_fit

from tellurion_core.errors import Cancelled, DataCorrupted, InvalidInput
from tellurion_splat.fit import CHECKPOINT, Fit
from tellurion_splatting.files import encoded_gaussians
from tellurion_splatting.scenes import read_scene

PROGRAM = Path(__file__).with_name("small_fit.py")
KILLED_AT = 18


@pytest.fixture(scope="module")
def undisturbed(scene_folder: Path) -> bytes:
    """The file that the small fit ends with."""
    fit = small_fit(scene_folder, None)
    fitted = fit.run()
    assert len(fitted.gaussians) > 300  # the schedule did add some
    return encoded_gaussians(fitted.gaussians, ".ply")


@pytest.mark.parametrize("stopped_at", [1, 4, 9, 21, 29])
def test_stopped_at_any_iteration_it_ends_with_the_same_bytes(
    scene_folder: Path, tmp_path: Path, undisturbed: bytes, stopped_at: int
) -> None:
    first = small_fit(scene_folder, tmp_path)
    with pytest.raises(Cancelled):
        first.run(cancelled=lambda: first.done == stopped_at)
    resumed = small_fit(scene_folder, tmp_path)
    assert resumed.done == stopped_at // CHECKPOINT_EVERY * CHECKPOINT_EVERY
    fitted = resumed.run()
    assert resumed.done == ITERATIONS
    assert encoded_gaussians(fitted.gaussians, ".ply") == undisturbed


def test_killed_in_mid_iteration_it_ends_with_the_same_bytes(
    scene_folder: Path, tmp_path: Path, undisturbed: bytes
) -> None:
    command = [sys.executable, str(PROGRAM), str(scene_folder), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < KILLED_AT:
            pass
        process.kill()
    assert process.returncode == -signal.SIGKILL
    resumed = small_fit(scene_folder, tmp_path)
    assert resumed.done > KILLED_AT - CHECKPOINT_EVERY
    assert encoded_gaussians(resumed.run().gaussians, ".ply") == undisturbed


def test_a_fit_that_was_done_is_not_done_again(scene_folder: Path, tmp_path: Path, undisturbed: bytes) -> None:
    first = small_fit(scene_folder, tmp_path)
    losses = first.run().losses
    again = small_fit(scene_folder, tmp_path)
    assert again.done == ITERATIONS
    fitted = again.run()
    assert (encoded_gaussians(fitted.gaussians, ".ply"), fitted.losses) == (undisturbed, losses)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_time_counts_over_resumptions(scene_folder: Path, tmp_path: Path) -> None:
    ticks = iter(range(10_000))
    scene, spec = read_scene(scene_folder), replace(small_fit(scene_folder, None).spec, iterations=2)
    options = {"clock": lambda: float(next(ticks)), "checkpoint_seconds": 1e9}
    Fit(scene, spec, tmp_path, **options).run()
    spent = torch.load(tmp_path / CHECKPOINT, weights_only=True)["seconds"]
    assert Fit(scene, spec, tmp_path, **options).run().seconds > spent > 0


def test_a_checkpoint_is_written_when_it_has_been_long(scene_folder: Path, tmp_path: Path) -> None:
    seconds = iter(float(20 * tick) for tick in range(10_000))
    fit = Fit(read_scene(scene_folder), small_fit(scene_folder, None).spec, tmp_path, clock=lambda: next(seconds))
    with pytest.raises(Cancelled):
        fit.run(cancelled=lambda: fit.done == 3)
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["done"] in (1, 2, 3)


@pytest.mark.parametrize("change", [{"seed": 5}, {"iterations": 31}, {"sh_degree": 0}, {"depth_folder": ""}])
def test_the_checkpoint_of_another_fit_is_refused(
    scene_folder: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    fit = small_fit(scene_folder, tmp_path)
    fit.save()
    with pytest.raises(InvalidInput, match=r"checkpoint\.pt: spec"):
        Fit(fit.scene, replace(fit.spec, **change), tmp_path)


def test_the_checkpoint_of_another_scene_is_refused(scene_folder: Path, tmp_path: Path) -> None:
    fit = small_fit(scene_folder, tmp_path)
    fit.save()
    other = replace(fit.scene, cameras=fit.scene.cameras[:9], images=fit.scene.images[:9])
    with pytest.raises(InvalidInput, match=r"checkpoint\.pt: scene"):
        Fit(other, fit.spec, tmp_path)


@pytest.mark.parametrize("changed", ["images/003.png", "depth/003.png", "transforms.json", "points.ply"])
def test_the_checkpoint_of_a_scene_that_has_changed_is_refused(
    scene_folder: Path, tmp_path: Path, changed: str
) -> None:
    """Whatever keeps its names."""
    scene, job = Path(shutil.copytree(scene_folder, tmp_path / "scene")), tmp_path / "job"
    job.mkdir()
    small_fit(scene, job).save()
    assert small_fit(Path(shutil.copytree(scene, tmp_path / "moved")), job).done == 0
    path = scene / changed
    match path.suffix:
        case ".png":
            path.write_bytes(path.with_stem("004").read_bytes())
        case ".json":
            path.write_text(path.read_text().replace('"fl_x": 40.0', '"fl_x": 41.0'))
        case ".ply":
            path.write_text(path.read_text().replace(" 0 ", " 0.5 "))
    with pytest.raises(InvalidInput, match=r"checkpoint\.pt: scene"):
        small_fit(scene, job)


@pytest.mark.parametrize("kept", [0, 100, -300])
def test_a_damaged_checkpoint_is_refused(scene_folder: Path, tmp_path: Path, kept: int) -> None:
    small_fit(scene_folder, tmp_path).save()
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataCorrupted, match=r"checkpoint\.pt"):
        small_fit(scene_folder, tmp_path)


def test_one_that_lacks_something_is_refused(scene_folder: Path, tmp_path: Path) -> None:
    small_fit(scene_folder, tmp_path).save()
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    del state["splats"]["quats"]
    torch.save(state, tmp_path / CHECKPOINT)
    with pytest.raises(DataCorrupted, match="does not hold a fit"):
        small_fit(scene_folder, tmp_path)
