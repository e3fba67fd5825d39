"""What is in no file but follows from others, and whose data plain files hold."""

from __future__ import annotations

from pathlib import Path

import catalogue_files as files
import numpy as np
import pytest

from tellurion_agent.catalogue.canonical import canonical
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.libraries import read, written


@pytest.fixture
def winds(tmp_path: Path) -> Catalogue:
    """Components of 3 and 4 m s-1 of one model, the one in km h-1; of another model the eastward one alone."""
    axes = {"time": files.months(2000, 12), "lat": files.lat(), "lon": files.lon()}
    size = (12, 2, 3)
    for name, standard, speed in (("uas", "eastward_wind", 3.0), ("vas", "northward_wind", -4.0)):
        files.cmip6(tmp_path, name, np.full(size, speed), axes, source="BOTH", units="m s-1", standard_name=standard)
    files.cmip6(tmp_path, "uas", np.full(size, 3.0), axes, source="ONE", units="m s-1", standard_name="eastward_wind")
    return files.catalogue(tmp_path)


def test_the_speed_of_a_wind_whose_components_are_there(winds: Catalogue) -> None:
    (data,) = winds.find("wind speed")
    assert (data.source, data.name) == ("BOTH", "uas, vas")
    assert len(data.files) == 2
    field = canonical(data)
    assert field.dims == ("time", "lat", "lon")
    assert (field.attrs["standard_name"], field.attrs["units"]) == ("wind_speed", "m s-1")
    np.testing.assert_allclose(field, 5.0)


def test_it_is_the_same_for_a_script_that_opens_it(winds: Catalogue) -> None:
    (data,) = winds.find("wind speed")
    np.testing.assert_allclose(canonical(read(written({"field": data}))["field"]), 5.0)


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("E-OBS", "E-OBS"),
        ("JRA-55", "JRA-55"),
        ("surface observations gridded by optimal interpolation", "my_rain"),
        ("observations", "my_rain"),
    ],
)
def test_a_plain_file_is_of_the_product_that_its_source_names(tmp_path: Path, said: str, source: str) -> None:
    axes = {"time": files.months(2000, 12), "lat": files.lat(), "lon": files.lon()}
    files.write(tmp_path / "my_rain.nc", "pr", np.zeros((12, 2, 3)), axes, units="mm day-1", attrs={"source": said})
    (data,) = files.catalogue(tmp_path).datasets
    assert data.source == source
