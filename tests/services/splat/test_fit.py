"""A fit learns what is seen, tells reflections apart where it is shown them, and does what its schedule says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import tellurion_splat
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_splat.densification import PULL
from tellurion_splat.evaluation import evaluate
from tellurion_splat.fit import Fit
from tellurion_splat.spec import FitSpec
from tellurion_splat.splats import Splats
from tellurion_splatting.scenes import Scene, read_scene

SHIPPED = Path(tellurion_splat.__file__).parent / "data" / "pane"
KNOWN = {"clean_folder": "transmitted", "depth_folder": "depth"}


@pytest.fixture(scope="module")
def scene(scene_folder: Path) -> Scene:
    return read_scene(scene_folder)


def fit(scene: Scene, *, mode: str = "ref-unlock", iterations: int = 40, **options: Any) -> Fit:
    given = {"sh_degree": 1, "reflected_sh_degree": 1, "max_gaussians": 1000} | options
    return Fit(scene, FitSpec(mode=mode, iterations=iterations, **given))


def scores(of: Fit) -> dict[str, float | None]:
    with torch.no_grad():
        found = evaluate(Splats.of(of.splats.gaussians(of.variant)), of.scene)
    return {score: found.mean(score) for score in ("psnr", "transmitted_psnr", "plain_psnr", "depth_error")}


@pytest.mark.parametrize(("mode", "folders"), [("3dgs", {}), ("ref-unlock", KNOWN)])
def test_a_shipped_scene_is_learnt(mode: str, folders: dict[str, str]) -> None:
    fitting = fit(read_scene(SHIPPED), mode=mode, iterations=60, max_gaussians=5000, **folders)
    before = scores(fitting)["psnr"]
    fitted = fitting.run()
    assert fitted.evaluation.mean("psnr") > before + 4
    assert fitting.done == 60


@pytest.mark.parametrize("variant", ["virtual", pytest.param("fixed", marks=pytest.mark.slow)])
def test_shown_what_lies_behind_it_tells_the_reflection_apart(scene: Scene, variant: str) -> None:
    fitting = fit(scene, iterations=200, variant=variant, **KNOWN)
    before = scores(fitting)
    fitting.run()
    after = scores(fitting)
    assert after["transmitted_psnr"] > before["transmitted_psnr"] + 2
    assert after["transmitted_psnr"] > after["plain_psnr"] + (3 if variant == "fixed" else 2)
    assert after["psnr"] > before["psnr"] + 6


def test_every_view_comes_once_in_an_epoch_in_another_order_each_time(scene: Scene) -> None:
    fitting, numbers = fit(scene), []
    while fitting.done < 24:
        numbers.append(fitting._view_number())
        fitting.done += 1
    epochs = [numbers[start : start + 8] for start in (0, 8, 16)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(8))] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_seed_decides_everything(scene: Scene) -> None:
    runs = [fit(scene, iterations=6, seed=seed) for seed in (1, 1, 2)]
    for each in runs:
        each.run()
    assert torch.equal(runs[0].splats.means, runs[1].splats.means)
    assert not torch.equal(runs[0].splats.means, runs[2].splats.means)


def test_terms_follow_what_is_known_and_when(scene: Scene) -> None:
    known = fit(scene, iterations=30, variant="fixed", **KNOWN)
    known.advance()
    common = {"image", "roughness of weight", "roughness of depth"}
    assert known.losses.keys() == common | {"transmitted", "transmitted square", "depth"}
    while known.done <= 10:  # a third of thirty
        known.advance()
    assert known.losses.keys() == common | {"transmitted", "depth"}
    blind, plain = fit(scene), fit(scene, mode="3dgs", depth_folder="depth")
    blind.advance()
    plain.advance()
    assert blind.losses.keys() == common
    assert plain.losses.keys() == {"image", "depth"}


def test_without_points_a_prior_waits_for_a_render_to_be_aligned_to(scene: Scene) -> None:
    bare = replace(scene, points=scene.points[:20], point_colors=scene.point_colors[:20])
    fitting = fit(bare, mode="3dgs", iterations=400, depth_folder="depth", max_gaussians=20)
    fitting.splats.parameters["log_scales"].data += 1.5  # so that most pixels are covered
    fitting.splats.parameters["logit_opacities"].data += 4
    fitting.advance()
    assert fitting.losses.keys() == {"image"}
    fitting.done = 200
    fitting.advance()
    assert fitting.losses.keys() == {"image", "depth"}


def test_it_densifies_and_resets_when_its_schedule_says(scene: Scene) -> None:
    fitting = fit(scene, iterations=2000, max_gaussians=310, variant="fixed")
    fitting.done = 59
    fitting.densification.pulls[:] = 2 * PULL
    fitting.densification.views[:] = 1
    fitting.advance()
    assert len(fitting.splats) == 310
    assert not fitting.densification.views.any()
    fitting.done = 499
    fitting.advance()
    assert fitting.splats.opacities.max().item() <= 0.01 + 1e-6
    assert fitting.splats.weights.max().item() <= 0.1 + 1e-6


def test_degrees_rise_with_the_schedule(scene: Scene) -> None:
    fitting = fit(scene, iterations=12, mode="3dgs")
    fitting.advance()
    assert not fitting.splats.parameters["sh_rest"].any()
    fitting.done = 2
    fitting.advance()
    assert fitting.splats.parameters["sh_rest"].any()


def test_previews_and_progress_are_told(scene: Scene) -> None:
    fitting = Fit(
        scene, FitSpec(mode="ref-unlock", iterations=25, sh_degree=0, reflected_sh_degree=0), preview_every=10
    )
    told: list[tuple[float, str]] = []
    pictures: dict[int, np.ndarray] = {}
    fitting.run(lambda *step: told.append(step), preview=pictures.__setitem__)
    assert [fraction for fraction, _ in told] == pytest.approx([0.4, 0.8, 1.0])
    assert told[0][1].startswith("iteration 10 of 25, 600 Gaussians, loss ")
    assert list(pictures) == [10, 20, 25]
    width, height = scene.size
    for picture in pictures.values():
        assert picture.shape == (height, 3 * width, 3)  # the image, what is transmitted, what is reflected
        assert 0 <= picture.min() <= picture.max() <= 1
        parts = np.split(picture, 3, axis=1)
        np.testing.assert_allclose(np.clip(parts[1] + parts[2], 0, 1), parts[0], atol=1e-5)


def test_a_long_fit_has_no_more_previews_than_can_be_looked_at(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pictures(folder: Path) -> list[int]:
        taken: list[int] = []
        Fit(scene, spec, folder, preview_every=1).run(preview=lambda done, _: taken.append(done))
        return taken

    spec = FitSpec(iterations=100)
    monkeypatch.setattr(Fit, "advance", lambda self: setattr(self, "done", self.done + 1))
    monkeypatch.setattr(Fit, "_told", lambda self: "")
    assert pictures(tmp_path) == list(range(5, 101, 5))
    assert pictures(tmp_path) == [100]  # where it goes on, though nothing is left to do


def test_it_stops_when_it_is_cancelled(scene: Scene) -> None:
    fitting = fit(scene)
    with pytest.raises(Cancelled):
        fitting.run(cancelled=lambda: fitting.done == 3)
    assert fitting.done == 3


def test_a_loss_that_is_not_finite_names_the_view(scene: Scene) -> None:
    fitting = fit(scene, mode="3dgs")
    fitting.views[fitting._view_number()].photograph[0, 0, 0] = torch.nan
    with pytest.raises(InvalidInput, match=r"view 00\d: received losses of"):
        fitting.run()


def test_what_is_written_is_what_was_scored(scene: Scene) -> None:
    fitting = fit(scene, iterations=3, variant="released", reflected_sh_degree=5)
    fitted = fitting.run()
    again = evaluate(Splats.of(fitted.gaussians), scene)
    assert again.mean("psnr") == pytest.approx(fitted.evaluation.mean("psnr"), abs=1e-4)
    assert fitted.losses == fitting.losses
    everything = fit(scene, iterations=1, hold_out=False).run()
    assert everything.evaluation.views == ()


@pytest.fixture
def spoilt(scene_folder: Path, tmp_path: Path) -> Path:
    """A copy of the scene to be spoilt."""
    return Path(shutil.copytree(scene_folder, tmp_path / "scene"))


@pytest.mark.parametrize("suffix", ["png", "exr"])
def test_photographs_alone_are_scored_where_the_truth_is_none(spoilt: Path, suffix: str) -> None:
    """A folder `depth` may as well hold pictures of depths in colour, or files that no one reads here."""
    for path in [*(spoilt / "depth").iterdir()]:
        path.unlink()
        Image.new("RGB", (40, 30)).save(path) if suffix == "png" else path.with_suffix(".exr").write_bytes(b"v/1\x01")
    asked, scene = FitSpec(iterations=1, sh_degree=0), read_scene(spoilt)
    assert Fit(scene, asked, truth=False).run().evaluation.mean("psnr") is not None
    with pytest.raises(InvalidInput):
        Fit(scene, asked)


def test_a_photograph_that_cannot_be_scored_against_is_found_before_the_first_iteration(spoilt: Path) -> None:
    photograph = spoilt / "images" / "008.png"
    photograph.write_bytes(photograph.read_bytes()[:400])
    with pytest.raises(InvalidInput, match=r"008\.png"):
        fit(read_scene(spoilt))


@pytest.mark.cuda
def test_it_fits_on_a_gpu(scene: Scene) -> None:
    spec = FitSpec(mode="ref-unlock", iterations=60, sh_degree=1, reflected_sh_degree=1, **KNOWN)
    fitting = Fit(scene, spec, device="cuda")
    before = fitting.picture()
    fitted = fitting.run()
    assert fitting.splats.means.is_cuda
    assert fitted.evaluation.mean("psnr") > 15
    assert not np.array_equal(fitting.picture(), before)
