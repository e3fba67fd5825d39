"""Cells with corners share with a grid what they cover: nothing lost, nothing twice, no matter how they lie."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_geo import Curvilinear, Grid, area_weights, regridding, suited_method
from tellurion_geo.overlaps import SAMPLES


def globe(step: float) -> Grid:
    return Grid([0], np.arange(-90 + step / 2, 90, step), np.arange(step / 2, 360, step))


def tilted(step: float, tilt: float) -> Curvilinear:
    """The sphere in square cells of `step` degrees whose pole is tilted, so that rows and columns are no parallels."""
    lat, lon = np.meshgrid(globe(step).lat, globe(step).lon, indexing="ij")
    around = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) * step / 2
    corners = rotated(lat[..., None] + around[:, 0], lon[..., None] + around[:, 1], tilt)
    return Curvilinear(*rotated(lat, lon, tilt), np.stack(corners, axis=-1))


def rotated(lat: np.ndarray, lon: np.ndarray, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    phi, lam, a = np.radians(lat), np.radians(lon), np.radians(tilt)
    x, y, z = np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    return np.degrees(np.arcsin(np.clip(z, -1, 1))), np.degrees(np.arctan2(y, x))


@pytest.mark.parametrize("tilt", [0, 20, 90])
def test_the_whole_sphere_is_shared_out_once(tilt: float) -> None:
    source, target = tilted(2, tilt), globe(5)
    weights = regridding(source, target, "conservative").weights
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=2 / SAMPLES)  # each side is counted to one piece
    areas = area_weights(target).ravel() / area_weights(target).sum()
    own = np.cos(np.radians(globe(2).lat))[:, None] * np.ones(180)  # of the untilted cells: tilting keeps areas
    received = (areas @ weights).reshape(own.shape) / (own / own.sum())
    beside_pole = np.abs(globe(2).lat) > 85  # triangles of which a flat patch tells some percent less
    np.testing.assert_allclose(received[~beside_pole], 1, atol=0.01)
    assert (areas @ weights).sum() == pytest.approx(1, abs=1e-3)


def test_untilted_it_is_the_exact_mean_over_parallels_and_meridians() -> None:
    target = globe(6)
    values = np.random.default_rng(2).normal(size=(90, 180))
    counted = regridding(tilted(2, 0), target, "conservative")(values)
    exact = regridding(globe(2), target, "conservative")(values)
    far = np.abs(target.lat) < 72  # beyond 75° neighbours on a parallel are averaged too
    np.testing.assert_allclose(counted[far], exact[far], atol=2e-3)


def test_cells_whose_corners_lie_elsewhere_are_left_out() -> None:
    source = tilted(2, 20)
    source.corners[40:44, 80:90] = 0.0
    values = np.full(source.lat.shape, 4.0)
    values[40:44, 80:90] = 1e20
    result = regridding(source, globe(5), "conservative")(values)
    np.testing.assert_allclose(result[np.isfinite(result)], 4)
    assert np.isfinite(result).mean() > 0.95


def test_finer_cells_are_averaged_and_coarser_ones_or_those_without_corners_interpolated() -> None:
    source = tilted(2, 20)
    bare = Curvilinear(source.lat, source.lon)
    assert suited_method(source, globe(5)) == suited_method(globe(2), globe(5)) == "conservative"
    assert suited_method(source, globe(1)) == suited_method(globe(2), globe(1)) == "bilinear"
    assert suited_method(bare, globe(5)) == "bilinear"
    nowhere = Curvilinear(source.lat, source.lon, np.zeros_like(source.corners))
    assert suited_method(nowhere, globe(5)) == "bilinear"
    with pytest.raises(InvalidInput, match="nearest, bilinear"):
        regridding(nowhere, globe(5), "conservative")
