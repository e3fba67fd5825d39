"""Scores of splats, against images that are known and formulas worked out here."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_splat import evaluation
from tellurion_splat.evaluation import Evaluation, ViewScores, evaluate
from tellurion_splat.initialisation import first_splats
from tellurion_splat.spec import FitSpec
from tellurion_splat.splats import Splats
from tellurion_splat.variants import FIXED
from tellurion_splat.views import Views
from tellurion_splatting.scenes import Scene, read_scene


@pytest.fixture(scope="module")
def scene(scene_folder: Path) -> Scene:
    return read_scene(scene_folder)


@pytest.fixture(scope="module")
def nothing(scene: Scene) -> Splats:
    """No Gaussian at all, and so a black image of no depth."""
    spec = FitSpec(variant="fixed")
    of = first_splats(scene, Views(scene, spec), spec, FIXED)
    return Splats({name: tensor[:0] for name, tensor in of.parameters.items()})


def test_a_black_image_has_the_scores_of_a_black_image(scene: Scene, nothing: Splats) -> None:
    found = evaluate(nothing, scene)
    assert [view.name for view in found.views] == ["000", "008"]
    for view, row in zip(found.views, (0, 8), strict=True):
        photograph, name = scene.image(row), scene.cameras.names[row]
        behind = scene.color(scene.folder("transmitted")[name])
        inverse_depth = scene.inverse_depth(scene.folder("depth")[name])
        assert view.psnr == pytest.approx(-10 * math.log10(np.mean(photograph.astype(float) ** 2)), abs=1e-3)
        assert view.plain_psnr == pytest.approx(-10 * math.log10(np.mean(behind.astype(float) ** 2)), abs=1e-3)
        assert view.transmitted_psnr == view.plain_psnr
        assert view.depth_error == pytest.approx(inverse_depth.mean(), rel=1e-4)
        kept = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
        expected = structural_similarity(photograph, np.zeros_like(photograph), channel_axis=-1, **kept)
        assert view.ssim == pytest.approx(expected, abs=1e-4)


def test_what_is_transmitted_is_held_against_what_is(scene: Scene) -> None:
    """Splats all of whose light is reflected transmit nothing."""
    spec = FitSpec(variant="fixed")
    of = first_splats(scene, Views(scene, spec), spec, FIXED)
    of.parameters["logit_beta"] += math.inf
    of.parameters["logit_opacities"] += 6
    of.parameters["reflected_logit_opacities"] += 6
    of.parameters["log_scales"] += 1
    (view,) = evaluate(of, scene, [3]).views
    black = -10 * math.log10(np.mean(scene.color(scene.folder("transmitted")["003"]).astype(float) ** 2))
    assert view.name == "003"
    assert view.transmitted_psnr == pytest.approx(black, abs=0.3)
    assert view.plain_psnr > black + 3


def test_what_is_not_known_is_not_scored(scene: Scene, nothing: Splats, tmp_path: Path) -> None:
    (view,) = evaluate(nothing, replace(scene, root=tmp_path), [1]).views
    assert view.transmitted_psnr is view.plain_psnr is view.depth_error is None
    assert view.psnr > 0


def test_a_perceptual_distance_is_scored_where_its_network_is_at_hand(
    scene: Scene, nothing: Splats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "lpips", lambda image, truth: float(truth.mean() - image.mean()))
    assert evaluate(nothing, scene).mean("lpips") is None  # images of 40 by 30, and the network takes 31
    monkeypatch.setattr(evaluation, "ALEXNET_SIDE", 30)
    found = evaluate(nothing, scene)
    assert found.mean("lpips") == pytest.approx(np.mean([scene.image(row).mean() for row in (0, 8)]))


def test_photographs_alone_are_scored_where_that_is_asked_for(scene: Scene, nothing: Splats) -> None:
    (view,) = evaluate(nothing, scene, [1], truth=False).views
    assert view.transmitted_psnr is view.depth_error is None


def test_images_that_ssim_has_no_window_for_are_refused(scene: Scene, nothing: Splats) -> None:
    small = replace(scene, cameras=replace(scene.cameras, height=10))
    with pytest.raises(InvalidInput, match=r"scene\.images: received 40×10 pixels"):
        evaluate(nothing, small)


def test_a_mean_is_over_views_and_only_of_what_all_have() -> None:
    views = tuple(ViewScores(str(i), 20.0 + i, 0.5, None, 10.0 * i, None if i else 3.0, 0.1) for i in range(3))
    found = Evaluation(views)
    assert found.mean("psnr") == pytest.approx(21)
    assert found.mean("transmitted_psnr") == pytest.approx(10)
    assert found.mean("plain_psnr") is None


def test_it_stops_when_it_is_cancelled(scene: Scene, nothing: Splats) -> None:
    told: list[str] = []
    with pytest.raises(Cancelled):
        evaluate(nothing, scene, cancelled=lambda: bool(told), progress=lambda _, message: told.append(message))
    assert told == ["view 1 of 2"]
