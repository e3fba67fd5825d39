"""Methods side by side: which fits there are, that none is done twice, and intervals over the same views."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tellurion_core.errors import Cancelled
from tellurion_splat.comparison import METHODS, Fits, Method, compare, folders_of, interval
from tellurion_splat.degradation import degrade
from tellurion_splatting.scenes import read_scene


def test_rows_have_what_their_regime_knows_and_no_more() -> None:
    for method in METHODS:
        folders = folders_of(method.regime, 1)
        spec = method.spec(folders, seed=1, iterations=5, max_gaussians=10)
        assert spec.depth_folder == folders[1]
        assert spec.clean_folder == (folders[0] if method.mode == "ref-unlock" else "")
    assert {folders_of("degraded", seed) for seed in (1, 2)} == {
        ("degraded-1", "degraded-depth-1"),
        ("degraded-2", "degraded-depth-2"),
    }
    assert {method.variant for method in METHODS if method.regime == "degraded"} == {"virtual", "fixed", "released"}
    assert len({(method.regime, method.name) for method in METHODS}) == len(METHODS)


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Four scenes of levels of their own, five views each, three seeds that err together."""
    rng, levels = np.random.default_rng(0), np.array([0.0, 5.0, 10.0, 20.0])
    covered = 0
    for _ in range(2000):
        seeds = 0.1 * rng.standard_normal((3, 1))
        found = interval([level + rng.standard_normal(5) + seeds for level in levels])
        covered += found.low <= levels.mean() <= found.high
    assert covered / 2000 == pytest.approx(0.95, abs=0.015)


def kept(left: float, right: float, noise: np.ndarray) -> Fits:
    scores = {}
    for seed in (0, 1):
        for name, level in (("ours", left), ("theirs", right)):
            for scene in ("a", "b"):
                values = level + noise + (1 if seed else -1)
                scores[scene, "none", name, seed] = {"psnr": values.tolist()}
    return Fits(scores)


def test_differences_are_of_the_same_views_and_seeds() -> None:
    noise = 5 * np.random.default_rng(0).standard_normal(5)
    fits = kept(21.0, 20.0, noise)
    np.testing.assert_allclose(fits.table("none", "ours", "psnr")["a"], [20 + noise, 22 + noise])
    difference = fits.difference("none", ("ours", "psnr"), ("theirs", "psnr"))
    assert difference.keys() == {"", "a", "b"}
    for figure in difference.values():
        assert figure == pytest.approx((1, 1, 1))  # the noise of views and seeds is common to both
    mean = fits.mean("none", "ours", "psnr")
    assert mean.value == pytest.approx(21 + noise.mean())
    assert mean.high - mean.low > 1


@pytest.fixture
def scenes(scene_folder: Path, tmp_path: Path) -> dict[str, Path]:
    return {"painted": Path(shutil.copytree(scene_folder, tmp_path / "painted"))}


TWO = (Method("degraded", "virtual"), Method("degraded", "3dgs on clean", mode="3dgs", on_clean=True))
SMALL = {"methods": TWO, "seeds": (0,), "iterations": 2, "max_gaussians": 400}


def test_it_goes_on_from_the_fits_that_are_done(scenes: dict[str, Path], tmp_path: Path) -> None:
    results, told = tmp_path / "results", []
    with pytest.raises(Cancelled):
        compare(
            scenes,
            results,
            **SMALL,
            cancelled=lambda: any(message.startswith("2 of 2") for message in told),
            progress=lambda _, message: told.append(message),
        )
    (done,) = results.glob("*.json")
    assert done.name.startswith("painted-degraded-virtual-0-")
    record = json.loads(done.read_text())
    record["scores"]["psnr"] = [1.0, 2.0]
    done.write_text(json.dumps(record))
    fits = compare(scenes, results, **SMALL)
    assert fits.table("degraded", "virtual", "psnr")["painted"].tolist() == [[1, 2]]  # as it was found
    assert fits.table("degraded", "3dgs on clean", "plain_psnr")["painted"].shape == (1, 2)
    assert sorted(path.name.rpartition("-")[0] for path in results.iterdir()) == [
        "painted-degraded-3dgs-on-clean-0",
        "painted-degraded-virtual-0",
    ]
    longer = compare(scenes, results, **SMALL | {"iterations": 3})
    assert longer.table("degraded", "virtual", "psnr")["painted"].tolist() != [[1, 2]]


def test_who_is_fitted_to_clean_images_sees_no_photograph_but_those_held_out(scenes: dict[str, Path]) -> None:
    clean, _ = degrade(read_scene(scenes["painted"]))
    scene = read_scene(scenes["painted"])
    seen = TWO[1].scene(scene, clean)
    for row, (path, photograph) in enumerate(zip(seen.images, scene.images, strict=True)):
        assert path.parent.name == ("images" if row in (0, 8) else "degraded-0")
        assert path.stem == photograph.stem
    assert TWO[0].scene(scene, clean) is scene
