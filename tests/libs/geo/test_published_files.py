"""Files as institutes publish them: NEMO, ORCA2, OSTIA and Atlantic profiles of the Iris sample data."""

from __future__ import annotations

from pathlib import Path

import iris_sample_data
import numpy as np
import pytest

from tellurion_geo import Curvilinear, Grid, read_field, read_points, regridding

SAMPLES = Path(iris_sample_data.path)


@pytest.mark.parametrize(("file", "month"), [("0101-20150201", 1), ("0201-20150301", 2), ("0301-20150401", 3)])
def test_nemo_sea_surface_temperature(file: str, month: int) -> None:
    """Curvilinear 1°, calendar of 360 days, a time axis without units beside the real one."""
    field = read_field(SAMPLES / f"NEMO/nemo_1m_2015{file}_grid-T.nc")
    assert field.values.shape == (1, 1, 330, 360)
    assert (field.year[0], field.month[0], field.quantity) == (2015, month, "sea_surface_temperature")
    assert np.nanmin(field.values) > -2.5
    assert np.nanmax(field.values) < 36


def test_nemo_regridded_to_regular_cells_is_warm_at_the_equator_and_freezing_in_the_antarctic() -> None:
    field = read_field(SAMPLES / "NEMO/nemo_1m_20150101-20150201_grid-T.nc")
    target = Grid([0], np.arange(-89.0, 90, 2), np.arange(1.0, 360, 2))
    sst = regridding(Curvilinear(field.lat, field.lon), target, "bilinear")(field.values)[0, 0]
    equator, antarctic = sst[np.abs(target.lat) < 5], sst[(target.lat > -72) & (target.lat < -66)]
    assert 24 < np.nanmean(equator) < 30
    assert -2 < np.nanmean(antarctic) < 1
    # A quarter of the globe is land, and no land value came through; the seam at Greenwich is closed.
    assert 0.6 < np.isfinite(sst).mean() < 0.75
    atlantic = (target.lat > -50) & (target.lat < 0)
    assert np.isfinite(sst[atlantic][:, [0, -1]]).all()


def test_orca2_potential_temperature_at_a_scalar_depth() -> None:
    field = read_field(SAMPLES / "orca2_votemper.nc")
    assert field.curvilinear
    assert field.depth[0] == pytest.approx(5, abs=0.01)
    assert field.quantity == "sea_water_potential_temperature"


def test_ostia_in_kelvin_over_54_months() -> None:
    field = read_field(SAMPLES / "ostia_monthly.nc", "surface_temperature")
    assert field.values.shape == (54, 1, 18, 432)
    months = field.year * 12 + field.month
    np.testing.assert_array_equal(np.diff(months), 1)
    assert (field.year[0], field.month[0]) == (2006, 4)
    assert 15 < np.nanmin(field.values) < np.nanmax(field.values) < 33


def test_atlantic_profiles_are_a_field_and_its_points() -> None:
    path = SAMPLES / "atlantic_profiles.nc"
    field, points = read_field(path), read_points(path)
    assert field.values.shape == (1, 40, 6, 8)
    assert len(points) == np.isfinite(field.values).sum()
    assert points.missing == np.isnan(field.values).sum()
    np.testing.assert_allclose(np.sort(points.temperature), np.sort(field.values[np.isfinite(field.values)]), atol=1e-5)
    deep, shallow = points.depth > 3000, points.depth < 20
    assert points.temperature[deep].max() < 4 < 20 < points.temperature[shallow].min()
