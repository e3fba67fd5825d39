"""The packed atlas is the source, rounded, month by month in its own file; the shipped values are a tuned set."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib import resources

import numpy as np
import pytest
import xarray as xr

from tellurion_ocean.atlas import EVALUATION_MONTHS, TRAINING_MONTHS, read_atlas
from tellurion_ocean.prior import Hyperparameters
from tellurion_ocean.training import tune
from tellurion_ocean.training.pack import SCALE, pack
from tellurion_ocean.training.tune import CANDIDATES


@pytest.fixture
def source(tmp_path):
    """Twelve months in the layout of the Ferret data sets: longitudes 20.5…380, land NaN."""
    longitude = np.arange(20.5, 380.0, 40.0)
    field = np.random.default_rng(0).uniform(-2, 30, (12, 2, 3, len(longitude)))
    field[:, :, 0, 0] = np.nan
    names = ("TIME", "ZAX", "YAX", "XAX")
    axes = {"TIME": np.arange(12.0), "ZAX": [0.0, 10.0], "YAX": [-10.0, 0.0, 10.0], "XAX": longitude}
    xr.Dataset({"TEMP": (names, field)}, coords=axes).to_netcdf(tmp_path / "source.nc")
    return tmp_path / "source.nc"


def test_packing_keeps_every_value_to_half_a_step_and_sorts_longitudes(source, tmp_path):
    with xr.open_dataset(source, decode_times=False) as file:
        field, longitude = file["TEMP"].values, file["XAX"].values
    training, evaluation = (read_atlas(path) for path in pack(source, tmp_path))
    assert (training.months, evaluation.months) == (TRAINING_MONTHS, EVALUATION_MONTHS)
    order = np.argsort(longitude % 360)
    np.testing.assert_allclose(training.grid.lon, (longitude % 360)[order])
    for atlas in (training, evaluation):
        for month in atlas.months:
            np.testing.assert_allclose(atlas.of(month), field[month - 1][..., order], atol=SCALE / 2 + 1e-5)


def test_a_packed_file_says_what_it_holds(source, tmp_path):
    pack(source, tmp_path)
    with xr.open_dataset(tmp_path / "atlas_train.nc") as file:
        assert file["thetao"].attrs["standard_name"] == "sea_water_temperature"
        assert file["thetao"].attrs["units"] == "degree_C"
        assert file["thetao"].encoding["dtype"] == np.int16
        assert file["depth"].attrs["positive"] == "down"


def test_the_shipped_values_are_among_the_candidates():
    shipped = Hyperparameters.shipped()
    tuned = {name: values for candidates in CANDIDATES.values() for name, values in candidates.items()}
    for name, candidates in tuned.items():
        assert getattr(shipped, name) in candidates
    assert {f.name for f in fields(Hyperparameters)} >= set(tuned)


def test_every_shipped_value_has_a_stated_origin():
    card = json.loads(resources.files("tellurion_ocean").joinpath("weights", "hyperparameters.json").read_text())
    origins = card["origins"]
    assert origins.keys() == card["hyperparameters"].keys()
    by_command = {name for name, origin in origins.items() if origin.startswith("tuned: ")}
    assert by_command == {name for method in card["commands"] for name in CANDIDATES[method]}
    assert all(
        origin.startswith(("fixed: ", "by hand: ")) for name, origin in origins.items() if name not in by_command
    )


def test_tuning_states_the_origin_of_what_it_tuned_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tune, "leave_one_out", lambda *_, **__: tune.LeftOut(1.0, 1.0, 1.0, 1.0, (1.0, 1.0)))
    output = tmp_path / "hyperparameters.json"
    output.write_text(json.dumps({"origins": {"harmonics": "fixed: published", "localisation": "by hand: a guess"}}))
    tune.main(["--method", "hybrid", "--output", str(output)])
    origins = json.loads(output.read_text())["origins"]
    assert origins == {"harmonics": "fixed: published"} | dict.fromkeys(CANDIDATES["hybrid"], "tuned: hybrid")
