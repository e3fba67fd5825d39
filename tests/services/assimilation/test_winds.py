"""The shipped winds: what they hold, how they are split, and that packing them again gives the same."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tellurion_assimilation.systems.winds import Winds, evaluation_winds, read_winds, training_winds
from tellurion_assimilation.training.pack import MONTHS, pack
from tellurion_core.errors import InvalidInput


def test_a_hundred_months_train_and_the_last_thirty_two_test():
    assert len(training_winds()) == 100
    assert len(evaluation_winds()) == 32
    months = np.concatenate([training_winds().months, evaluation_winds().months])
    np.testing.assert_array_equal(months, np.arange("1982-01", "1993-01", dtype="datetime64[M]"))


def test_winds_blow_where_they_blow_on_earth():
    winds = training_winds()
    mean = winds.climatology().mean(axis=0)
    at = {name: np.abs(winds.latitude - value).argmin() for name, value in {"trades": 15, "westerlies": -50}.items()}
    assert mean[0, at["trades"]].mean() < -2
    assert mean[0, at["westerlies"]].mean() > 5
    arabian_sea = np.abs(winds.latitude - 12.5).argmin(), np.abs(winds.longitude - 60).argmin()
    january, july = winds.climatology()[[0, 6]][:, 1, *arabian_sea]
    assert july > 3  # the summer monsoon blows from the south-west
    assert january < 0


def test_the_area_of_rows_is_that_of_the_sphere_between_their_edges():
    area, latitude = training_winds().area, np.radians(training_winds().latitude)
    assert area.sum() == pytest.approx(1)
    assert area @ np.sin(latitude) ** 2 == pytest.approx(1 / 3, rel=1e-3)


def test_a_climatology_is_the_mean_of_its_months_and_anomalies_are_the_rest():
    fields = np.arange(24.0, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 3, 4), dtype=np.float32)
    winds = Winds(np.array([-90.0, 0, 90]), np.arange(4) * 90.0, np.arange("2001-03", "2003-03", dtype="M8[M]"), fields)
    climatology = winds.climatology()
    assert climatology[2, 0, 0, 0] == 6  # March: months 0 and 12 of the record
    assert climatology[1, 0, 0, 0] == 17  # February: 11 and 23
    np.testing.assert_array_equal(winds.anomalies(climatology)[:, 0, 0, 0], [-6.0] * 12 + [6.0] * 12)
    np.testing.assert_array_equal(winds.persistence()[:, 0, 0, 0], np.arange(23))


def test_a_climatology_needs_every_month():
    winds = training_winds()
    half = Winds(winds.latitude, winds.longitude, winds.months[:6], winds.fields[:6])
    with pytest.raises(InvalidInput, match="every month of the year"):
        half.climatology()


def test_the_shared_winds_cannot_be_changed():
    assert training_winds() is training_winds()
    with pytest.raises(ValueError, match="read-only"):
        training_winds().fields[0] = 0.0


def source(path, months=MONTHS):
    """A file in the layout of the Ferret data set: longitudes from 20° on, an old time axis."""
    longitude, latitude = 20 + 2.5 * np.arange(144), np.linspace(-90, 90, 73)
    fields = np.random.default_rng(0).normal(0, 8, (2, len(months), 73, 144)).astype(np.float32)
    hours = (months.astype("datetime64[D]") + 14 - np.datetime64("1980-01-14")) / np.timedelta64(1, "h") + 10.0
    axes = {"TIME": ("TIME", hours, {"units": "hour since 1980-01-14 14:00:00"}), "FNOCY": latitude, "FNOCX": longitude}
    winds = {name: (tuple(axes), field) for name, field in zip(("UWND", "VWND"), fields, strict=True)}
    xr.Dataset(winds, axes).to_netcdf(path)
    return fields


def test_packing_turns_longitudes_splits_and_rounds(tmp_path):
    fields = source(tmp_path / "winds.cdf")
    train, test = (read_winds(path) for path in pack(tmp_path / "winds.cdf", tmp_path))
    assert (len(train), len(test)) == (100, 32)
    np.testing.assert_allclose(train.longitude, 2.5 * np.arange(144))
    np.testing.assert_allclose(train.fields[:, :, :, 8], fields[:, :100, :, 0].swapaxes(0, 1), atol=0.0101)  # 20° E
    np.testing.assert_allclose(test.fields[-1, 1, :, 0], fields[1, -1, :, 136], atol=0.0101)  # 0° is 360°


def test_a_source_of_other_months_is_refused(tmp_path):
    source(tmp_path / "winds.cdf", MONTHS[:-1])
    with pytest.raises(InvalidInput, match="1982-01 to 1992-12"):
        pack(tmp_path / "winds.cdf", tmp_path)
