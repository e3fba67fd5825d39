"""Whose data a file holds, in each published layout: by attributes, else by its name."""

from __future__ import annotations

from pathlib import Path, PurePath

import catalogue_files as files
import numpy as np
import pytest

from tellurion_agent.catalogue.naming import naming
from tellurion_agent.catalogue.units import unit
from tellurion_agent.catalogue.variables import VARIABLES, meant, named


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "CMIP6/ScenarioMIP/X/MODEL-A/ssp585/r10i1p1f2/Amon/tas/gr1/v20200101/"
            "tas_Amon_MODEL-A_ssp585_r10i1p1f2_gr1_201501-210012.nc",
            ("CMIP6", "MODEL-A", "ssp585", "r10i1p1f2", "gr1", "model"),
        ),
        (
            "tos_Omon_MODEL-A_dcppA-hindcast_s1960-r1i1p1f1_gn.nc",
            ("CMIP6", "MODEL-A", "dcppA-hindcast", "s1960-r1i1p1f1", "gn", "model"),
        ),
        ("tas_Amon_MODEL5_rcp85_r1i1p1_200601-210012.nc", ("CMIP5", "MODEL5", "rcp85", "r1i1p1", "", "model")),
        ("OBS_HadISST_reanaly_1_OImon_sic_187001-202112.nc", ("OBS", "HadISST", "", "", "", "observation")),
        ("OBS6_ERA5_reanaly_v1_Amon_tas_1979-2019.nc", ("OBS", "ERA5", "", "", "", "observation")),
        ("pr_mon_GPCP-SG_BE_gn_197901-201712.nc", ("obs4MIPs", "GPCP-SG", "", "BE", "gn", "observation")),
        ("tos_ATSR_L3_ARC-v1.1.1_199701-201112.nc", ("obs4MIPs", "ATSR", "", "", "", "observation")),
        ("coads_climatology.cdf", ("", "coads_climatology", "", "", "", "observation")),
        ("A1B_north_america.nc", ("", "north_america", "A1B", "", "", "model")),
        ("product.19900101-19901231.nc", ("", "product", "", "", "", "")),
        ("my_sst_2001.nc", ("", "my", "", "", "", "")),
    ],
)
def test_names_of_files(name: str, expected: tuple[str, ...]) -> None:
    found = naming({}, {}, PurePath(name), alone="sst")
    assert (found.project, found.source, found.experiment, found.member, found.grid_label, found.kind) == expected


def test_attributes_go_before_names() -> None:
    attrs = {"source_id": "B", "experiment_id": "piControl", "variant_label": "r2i1p1f1", "mip_era": "CMIP6"}
    found = naming(attrs, {}, PurePath("renamed.nc"))
    assert (found.project, found.source, found.experiment, found.member) == (
        "CMIP6",
        "B",
        "piControl",
        "r2i1p1f1",
    )
    fifth = {"realization": np.int32(3), "initialization_method": 1, "physics_version": 2, "model_id": "M"}
    assert naming(fifth, {}, PurePath("a.nc")).member == "r3i1p2"


def test_the_newest_version_counts(tmp_path: Path) -> None:
    for version in ("v20190101", "v20200607", "v20191231"):
        files.cmip6(tmp_path, "tas", np.zeros(12), {"time": files.months(1850, 12)}, version=version, units="K")
    (data,) = files.catalogue(tmp_path).datasets
    assert (data.version, len(data.files)) == ("v20200607", 1)


def test_plain_files_of_years_are_one_series_and_of_other_folders_another(tmp_path: Path) -> None:
    for folder, year in (("a", 1990), ("a", 1991), ("b", 1990)):
        time = files.months(year, 12)
        files.write(tmp_path / f"{folder}/{year}/sst_{year}.nc", "sst", np.zeros(12), {"time": time}, units="degC")
    one, other = files.catalogue(tmp_path).datasets
    assert [len(one.files), len(other.files)] == [2, 1]
    assert one.source != other.source


def test_files_of_one_month_each_are_monthly(tmp_path: Path) -> None:
    for month in range(1, 13):
        time = files.axis([month * 30.0 - 15], "days since 1990-01-01", standard_name="time", calendar="360_day")
        files.write(tmp_path / f"sst_1990{month:02d}.nc", "sst", [1.0], {"time": time}, units="degC")
    (data,) = files.catalogue(tmp_path).datasets
    assert (data.frequency, len(data.files)) == ("mon", 12)


@pytest.mark.parametrize(
    ("step", "frequency"), [(1 / 24, "1hr"), (0.25, "6hr"), (1.0, "day"), (30.0, "mon"), (365.0, "yr"), (5.0, "5 d")]
)
def test_frequencies_by_the_step(tmp_path: Path, step: float, frequency: str) -> None:
    time = files.axis(np.arange(3) * step, "days since 1990-01-01", standard_name="time", calendar="noleap")
    path = files.write(tmp_path / "a.nc", "tas", np.zeros(3), {"time": time}, units="K")
    assert files.dataset(path).frequency == frequency


@pytest.mark.parametrize(
    ("name", "attrs", "variable"),
    [
        ("x", {"standard_name": "sea_water_practical_salinity", "units": "1"}, "sea_water_salinity"),
        ("SST", {"units": "Deg C"}, "sea_surface_temperature"),
        ("T2M", {"units": "K"}, "air_temperature"),
        ("v", {"units": "K", "long_name": "sea surface temperature"}, "sea_surface_temperature"),
        ("r", {"units": "m"}, "r"),  # no relative humidity
        ("x", {"standard_name": "a_name_of_its_own", "units": "1"}, "a_name_of_its_own"),
    ],
)
def test_variables_by_standard_name_else_by_name_and_units(
    tmp_path: Path, name: str, attrs: dict[str, str], variable: str
) -> None:
    path = files.write(tmp_path / "a.nc", name, np.ones((2, 3)), {"lat": files.lat(), "lon": files.lon()}, **attrs)
    assert files.dataset(path).variable == variable


class TestVariables:
    """The table of what people ask for."""

    def test_each_name_means_one_variable(self) -> None:
        for kind in ("short_names", "words", "aliases"):
            names = [name.casefold() for variable in VARIABLES.values() for name in getattr(variable, kind)]
            assert len(names) == len(set(names)), kind
        assert not {alias for variable in VARIABLES.values() for alias in variable.aliases} & VARIABLES.keys()

    def test_units_are_known(self) -> None:
        assert [name for name, variable in VARIABLES.items() if unit(variable.units) is None] == []

    @pytest.mark.parametrize(
        ("name", "variable"),
        [
            ("tos", "sea_surface_temperature"),
            ("sst", "sea_surface_temperature"),
            ("Sea Surface  Temperature", "sea_surface_temperature"),
            ("rainfall", "precipitation_flux"),
            ("lwe_precipitation_rate", "precipitation_flux"),
            ("air_pressure_at_sea_level", "air_pressure_at_mean_sea_level"),
            ("AMOC", "ocean_meridional_overturning_mass_streamfunction"),
        ],
    )
    def test_any_name_will_do(self, name: str, variable: str) -> None:
        assert named(name).standard_name == variable

    def test_unknown_names_mean_nothing(self) -> None:
        assert named("phlogiston") is None

    def test_a_file_may_mean_another_than_people_do(self) -> None:
        assert named("temperature").standard_name == "air_temperature"
        assert next(meant("temperature")).standard_name == "sea_water_temperature"


@pytest.mark.parametrize(
    "text", ["", "unknown", "m" * 70, "10^9^9^9", "days since 1850-01-01", "\x00", "°°", "no_unit"]
)
def test_what_are_no_units(text: str) -> None:
    assert unit(text) is None
