"""Whatever form files have, recipes read one: axes, units, time stamps, missing values."""

from __future__ import annotations

from pathlib import Path

import catalogue_files as files
import cftime
import dask
import numpy as np
import pytest
import xarray as xr

from tellurion_agent.catalogue.canonical import canonical
from tellurion_core.errors import InvalidInput

GRID = {"lat": files.lat(), "lon": files.lon()}


def read(path: Path, name: str | None = None) -> xr.DataArray:
    return canonical(files.dataset(path, name))


def test_axes_are_named_ordered_and_lazy(tmp_path: Path) -> None:
    """Descending latitudes, longitudes −180…180, levels upwards below the sea, dimensions in any order."""
    y, x, z = np.array([60.0, 0.0, -60.0]), np.array([-170.0, -10.0, 10.0, 170.0]), np.array([-500.0, -5.0])
    values = 100 * y[:, None, None] + x[:, None] + z / 1000  # what a cell holds tells where it is
    path = files.write(
        tmp_path / "a.nc",
        "thetao",
        values,
        {"nav_lat": files.lat(y), "nav_lon": files.lon(x), "z": files.axis(z, "m", axis="Z", positive="up")},
        standard_name="sea_water_potential_temperature",
        units="degC",
    )
    field = read(path)
    assert field.dims == ("level", "lat", "lon")
    assert dask.is_dask_collection(field.data)
    np.testing.assert_array_equal(field.lat, [-60, 0, 60])
    np.testing.assert_array_equal(field.lon, [10, 170, 190, 350])
    np.testing.assert_array_equal(field.level, [5, 500])
    assert (field.level.attrs["units"], field.level.attrs["positive"]) == ("m", "down")
    signed = xr.where(field.lon > 180, field.lon - 360, field.lon)
    xr.testing.assert_allclose(
        field.drop_attrs(), (100 * field.lat + signed - field.level / 1000).transpose(*field.dims)
    )


def test_longitudes_from_20_to_380_come_round_and_a_repeated_meridian_counts_once(tmp_path: Path) -> None:
    x = np.arange(20.0, 381.0, 60.0)  # 20, 80, …, 380: the last is the first
    path = files.write(
        tmp_path / "a.nc", "sst", np.tile(x % 360, (2, 1)), {"lat": files.lat(), "lon": files.lon(x)}, units="Deg C"
    )
    field = read(path)
    np.testing.assert_array_equal(field.lon, [20, 80, 140, 200, 260, 320])
    np.testing.assert_array_equal(field.isel(lat=0), field.lon)


@pytest.mark.parametrize(
    ("name", "units", "stored", "canonical_units", "value"),
    [
        ("tas", "K", 300.0, "degC", 26.85),
        ("tos", "degrees_C", 20.0, "degC", 20.0),
        ("pr", "kg m-2 s-1", 1e-5, "mm day-1", 0.864),
        ("pr", "m s-1", 1e-8, "mm day-1", 0.864),
        ("psl", "Pa", 101325.0, "hPa", 1013.25),
        ("slp", "MB", 1000.0, "hPa", 1000.0),
        ("siconc", "1", 0.15, "%", 15.0),
        ("so", "PSU", 35.0, "1e-3", 35.0),
        ("so", "1", 35.0, "1e-3", 35.0),
        ("so", "kg kg-1", 0.035, "1e-3", 35.0),
        ("huss", "kg/kg", 0.012, "g kg-1", 12.0),
        ("z", "m**2 s**-2", 9806.65, "m", 1000.0),
        ("uo", "cm/s", 50.0, "m s-1", 0.5),
        ("rlut", "W/m2", 240.0, "W m-2", 240.0),
    ],
)
def test_units_are_those_of_the_variable(
    tmp_path: Path, name: str, units: str, stored: float, canonical_units: str, value: float
) -> None:
    path = files.write(tmp_path / "a.nc", name, np.full((2, 3), stored), GRID, units=units)
    field = read(path)
    assert field.attrs["units"] == canonical_units
    np.testing.assert_allclose(field, value, rtol=1e-12)


@pytest.mark.parametrize("units", ["mm", "mm/month", "mm month-1", "kg m-2 month-1", "cm per month"])
def test_monthly_totals_become_rates_by_the_length_of_each_month(tmp_path: Path, units: str) -> None:
    """31 mm in a January and 28 mm in a February without leap day are 1 mm a day."""
    time = files.axis([15.0, 45.0], "days since 2001-01-01", standard_name="time", calendar="noleap")
    totals = np.array([31.0, 28.0]) / (10 if "cm" in units else 1)
    path = files.write(tmp_path / "a.nc", "precip", totals, {"time": time}, units=units)
    np.testing.assert_allclose(read(path), 1.0, rtol=1e-12)


def test_a_rate_per_month_of_years_is_of_the_mean_month(tmp_path: Path) -> None:
    """A twelfth of UDUNITS' year, which is 365.24219878 days."""
    time = files.axis([182.0, 547.0], "days since 2001-01-01", standard_name="time", calendar="noleap")
    path = files.write(tmp_path / "a.nc", "precip", [365.24219878 / 12] * 2, {"time": time}, units="mm/month")
    np.testing.assert_allclose(read(path), 1.0, rtol=1e-9)


@pytest.mark.parametrize(("days", "total"), [(1 / 24, 0.125), (0.25, 0.75), (1.0, 3.0), (5.0, 15.0), (8.0, 24.0)])
def test_totals_become_rates_by_the_length_of_their_steps(tmp_path: Path, days: float, total: float) -> None:
    """3 mm a day, whatever the step."""
    time = files.axis((np.arange(4) + 0.5) * days, "days since 2001-01-01", standard_name="time", calendar="noleap")
    path = files.write(tmp_path / "a.nc", "precip", np.full(4, total), {"time": time}, units="mm")
    np.testing.assert_allclose(read(path), 3.0, rtol=1e-12)


@pytest.mark.parametrize("axes", [{}, {"time": files.axis([15.0], "days since 2001-01-01", standard_name="time")}])
def test_totals_of_an_unknown_time_are_no_rates(tmp_path: Path, axes: dict) -> None:
    path = files.write(tmp_path / "a.nc", "precip", np.ones((*(1 for _ in axes), 2, 3)), {**axes, **GRID}, units="mm")
    with pytest.raises(InvalidInput, match=r"a.nc.units: received mm, of a time that the file does not say"):
        read(path)


@pytest.mark.parametrize(
    "said",
    [
        {"long_name": "air temperature anomaly"},
        {"cell_methods": "time: standard_deviation"},
        {"units_metadata": "temperature: difference"},
    ],
)
def test_a_difference_of_temperature_has_no_offset(tmp_path: Path, said: dict[str, str]) -> None:
    path = files.write(tmp_path / "a.nc", "tas", np.full((2, 3), 1.5), GRID, units="K", **said)
    np.testing.assert_array_equal(read(path), 1.5)


def test_units_of_something_else_are_refused_by_name(tmp_path: Path) -> None:
    path = files.write(tmp_path / "a.nc", "x", np.ones((2, 3)), GRID, standard_name="air_temperature", units="kg")
    with pytest.raises(InvalidInput, match=r"x.units: received kg; accepted: units that convert to degC"):
        read(path)


def test_packed_and_missing_values(tmp_path: Path) -> None:
    stored = np.array([[100, -999, 300], [20000, 400, 500]], np.int16)
    packing = {"scale_factor": np.float32(0.5), "add_offset": np.float32(-10), "valid_max": np.int16(10000)}
    path = files.write(tmp_path / "a.nc", "tos", stored, GRID, units="degC", fill=-999, **packing)
    np.testing.assert_array_equal(read(path), [[40, np.nan, 140], [np.nan, 190, 240]])


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_calendars_are_kept_and_months_stamped_on_their_15th(tmp_path: Path, calendar: str) -> None:
    time = files.months(1850, 24, calendar)
    path = files.write(tmp_path / "a.nc", "tas", np.arange(24.0), {"time": time}, units="degC")
    field = read(path)
    assert isinstance(field.time.values[0], cftime.datetime)
    assert field.time.dt.calendar == calendar
    np.testing.assert_array_equal(field.time.dt.month, np.tile(np.arange(1, 13), 2))
    np.testing.assert_array_equal(field.time.dt.day, 15)
    np.testing.assert_array_equal(field.time.dt.year, np.repeat([1850, 1851], 12))


def test_a_month_is_where_the_middle_of_its_bounds_is(tmp_path: Path) -> None:
    """Stamped at its end, 1 February 00:00, January is January."""
    ends = np.cumsum([31.0, 28.0, 31.0])
    bounds = np.stack([ends - [31, 28, 31], ends], axis=1)
    path = files.write(
        tmp_path / "a.nc",
        "tas",
        np.arange(3.0),
        {"time": files.axis(ends, "days since 2001-01-01", standard_name="time", bounds="time_bnds")},
        beside={"time_bnds": (("time", "bnds"), bounds, {})},
        units="degC",
    )
    field = read(path, "tas")
    np.testing.assert_array_equal(field.time.values, np.array(["2001-01-15", "2001-02-15", "2001-03-15"], "M8[ns]"))


def test_months_of_different_stamps_align(tmp_path: Path) -> None:
    first = files.axis([0.0, 31.0], "days since 2001-01-01", standard_name="time")
    middle = files.axis([15.5, 45.0], "days since 2001-01-01", standard_name="time")
    a = read(files.write(tmp_path / "a/tas.nc", "tas", [1.0, 2.0], {"time": first}, units="degC"))
    b = read(files.write(tmp_path / "b/tas.nc", "tas", [3.0, 5.0], {"time": middle}, units="degC"))
    np.testing.assert_array_equal(b - a, [2, 3])


def test_months_since_a_date(tmp_path: Path) -> None:
    time = files.axis([0.5, 1.5, 12.5], "months since 1960-01-01", standard_name="time", calendar="360")
    field = read(files.write(tmp_path / "a.nc", "soi", np.arange(3.0), {"T": time}))
    assert [(t.year, t.month) for t in field.time.values] == [(1960, 1), (1960, 2), (1961, 1)]


@pytest.mark.parametrize("year", ["0000", "0001"])
def test_the_months_of_old_climatologies(tmp_path: Path, year: str) -> None:
    """Ferret's: hours since the year 0, 365.2425 days of them, and no calendar."""
    time = files.axis((np.arange(12) + 0.5) * 730.485, f"hour since {year}-01-01 00:00:00", axis="T", modulo=" ")
    data = files.dataset(files.write(tmp_path / "a.nc", "SST", np.arange(12.0), {"TIME": time}, units="Deg C"))
    field = canonical(data)
    assert (data.frequency, data.period, "climatology" in field.attrs) == ("clim", None, True)
    np.testing.assert_array_equal(field.time.dt.month, np.arange(1, 13))
    np.testing.assert_array_equal(field, np.arange(12))


@pytest.mark.parametrize("years", [1, 29, 30])
@pytest.mark.parametrize("day", [1, 16, 31])
def test_the_months_of_a_climatology_with_bounds(tmp_path: Path, years: int, day: int) -> None:
    """Each month from its first day in 1961 to its last in the last year, stamped at its begin, middle or end."""
    units, calendar = "days since 1900-01-01", "standard"
    first = [cftime.datetime(1961, month, 1) for month in range(1, 13)]
    last = [cftime.datetime(1960 + years + (month == 12), month % 12 + 1, 1) for month in range(1, 13)]
    bounds = np.stack([cftime.date2num(each, units, calendar) for each in (first, last)], axis=1)
    time = files.axis(bounds[:, 0] + day - 1, units, standard_name="time", climatology="climatology_bounds")
    beside = {"climatology_bounds": (("time", "nv"), bounds, {})}
    path = files.write(tmp_path / "a.nc", "tas", np.arange(1.0, 13), {"time": time}, beside=beside, units="degC")
    data = files.dataset(path)
    field = canonical(data)
    assert (data.frequency, data.period) == ("clim", None)
    np.testing.assert_array_equal(field.time.dt.month, np.arange(1, 13))
    np.testing.assert_array_equal(field, np.arange(1, 13))


def test_files_of_a_series_are_joined_in_time_and_a_step_that_comes_twice_counts_once(tmp_path: Path) -> None:
    for start, stop in ((0, 12), (24, 36), (10, 24)):
        time = files.months(1850, 36)
        part = (time[0][start:stop], time[1])
        years = f"{1850 + start // 12}{start % 12 + 1:02d}-{1850 + (stop - 1) // 12}{(stop - 1) % 12 + 1:02d}"
        files.cmip6(tmp_path, "tas", np.arange(start, stop) + 0.0, {"time": part}, years=years, units="degC")
    (data,) = files.catalogue(tmp_path).datasets
    assert (len(data.files), data.period.first, data.period.last, data.covered(data.period)) == (3, 1850, 1852, 1.0)
    np.testing.assert_array_equal(canonical(data), np.arange(36))


def test_a_file_on_another_grid_is_named(tmp_path: Path) -> None:
    for year, shift in ((1850, 0.0), (1851, 5.0)):
        grid = {"time": files.months(year, 12), "lat": files.lat(np.array(files.LAT) + shift)}
        files.cmip6(tmp_path, "tas", np.zeros((12, 2)), grid, years=f"{year}01-{year}12", units="K")
    (data,) = files.catalogue(tmp_path).datasets
    with pytest.raises(InvalidInput, match=r"185101-185112.nc: received other cells"):
        canonical(data)


def test_pressure_levels_are_hpa_ascending_and_one_beside_the_variable_is_a_level(tmp_path: Path) -> None:
    levels = files.axis([85000.0, 50000.0], "Pa", standard_name="air_pressure", positive="down", axis="Z")
    field = read(files.write(tmp_path / "a/a.nc", "ta", [1.0, 2.0], {"plev": levels}, units="degC"))
    np.testing.assert_array_equal(field.level, [500, 850])
    np.testing.assert_array_equal(field, [2, 1])
    beside = {"p": ((), 500.0, {"standard_name": "air_pressure", "units": "hPa"})}
    path = files.write(tmp_path / "b/b.nc", "zg", np.ones((2, 3)), GRID, beside=beside, units="m", coordinates="p")
    assert (read(path).dims, read(path).level.item()) == (("level", "lat", "lon"), 500)


def test_two_metres_above_the_ground_are_no_level(tmp_path: Path) -> None:
    height = files.axis([2.0], "m", standard_name="height", positive="up", axis="Z")
    axes = {"height": height, **GRID}
    assert read(files.write(tmp_path / "a.nc", "tas", np.ones((1, 2, 3)), axes, units="K")).dims == ("lat", "lon")


def test_the_atlantic_is_taken_from_basins(tmp_path: Path) -> None:
    basins = ["global_ocean", "atlantic_arctic_ocean", "indian_pacific_ocean"]
    path = files.write(
        tmp_path / "a.nc",
        "msftmz",
        np.arange(3.0)[:, None] * [1e9, 1e9],
        {"basin": files.axis(np.arange(3)), "lat": files.lat()},
        beside={"sector": (("basin",), np.array(basins, object), {"standard_name": "region"})},
        units="kg s-1",
    )
    field = read(path, "msftmz")
    assert (field.dims, field.attrs["units"], field.attrs["basin"]) == (("lat",), "1e9 kg s-1", basins[1])
    np.testing.assert_array_equal(field, 1.0)


def turned(path: Path, west: float) -> xr.DataArray:
    """A field of latitude on a grid of degrees turned against the parallels, from this meridian on."""
    u, v = np.meshgrid(np.arange(30.0), np.arange(30.0))
    y, x = -15 + v + 0.2 * u, (west + u - 0.2 * v + 180) % 360 - 180
    places = {"nav_lat": (("y", "x"), y, {"standard_name": "latitude", "units": "degrees_north"})}
    places["nav_lon"] = (("y", "x"), x, {"standard_name": "longitude", "units": "degrees_east"})
    axes = {"y": files.axis(np.arange(30)), "x": files.axis(np.arange(30))}
    files.write(path, "tos", y, axes, beside=places, units="degC", coordinates="nav_lat nav_lon")
    return read(path, "tos").load()


def test_a_curvilinear_grid_is_regridded_and_a_linear_field_stays_linear(tmp_path: Path) -> None:
    """Bilinear keeps it but for the curvature."""
    field = turned(tmp_path / "a.nc", 100)
    assert "curvilinear" in field.attrs["regridded"]
    inside = field.sel(lat=slice(-5, 5), lon=slice(108, 118))
    assert inside.notnull().all()
    np.testing.assert_allclose(inside, inside.lat.broadcast_like(inside), atol=0.02)


@pytest.mark.parametrize("west", [0, 100, 340, 350])
def test_a_curvilinear_region_stays_one_also_across_greenwich(tmp_path: Path, west: int) -> None:
    """It begins 0.2 · 29 degrees west of its first corner, and is as wide as 29 more."""
    field = turned(tmp_path / "a.nc", west)
    assert field.sizes == {"lat": 35, "lon": 35}
    assert (field.lon.diff("lon") > 0).all()
    east = (field.lon - west) % 360
    assert ((east > 353) | (east < 30)).all()
    inside = field.sel(lat=slice(-5, 5)).isel(lon=np.flatnonzero((east > 8) & (east < 18)))
    assert inside.sizes == {"lat": 10, "lon": 10}
    np.testing.assert_allclose(inside, inside.lat.broadcast_like(inside), atol=0.02)


@pytest.mark.parametrize(
    ("axes", "beside", "reason"),
    [
        ({"cell": files.axis(np.arange(4))}, {"lat": (("cell",), np.zeros(4), files.lat()[1])}, "unstructured"),
        ({"lat": files.lat(np.arange(4.0)), "realization": files.axis(np.arange(13))}, {}, "realization of 13"),
        ({"lev": files.axis(np.arange(4.0), "1", axis="Z")}, {}, "lev in 1"),
    ],
)
def test_what_is_on_no_such_grid_is_listed_with_the_reason(
    tmp_path: Path, axes: dict, beside: dict, reason: str
) -> None:
    if "lat" in beside:
        beside["lon"] = (("cell",), np.zeros(4), files.lon()[1])
    values = np.ones([len(points) for points, _ in axes.values()])
    path = files.write(tmp_path / "a.nc", "tos", values, axes, beside=beside, units="degC", coordinates="lat lon")
    data = files.dataset(path, "tos")
    assert reason in data.refused
    with pytest.raises(InvalidInput, match=reason):
        canonical(data)


def test_chunks_are_bounded_whole_maps_first(tmp_path: Path) -> None:
    grid = {
        "time": files.months(1850, 120),
        "lat": files.lat(np.linspace(-88, 88, 40)),
        "lon": files.lon(np.arange(0, 360, 6.0)),
    }
    path = files.write(tmp_path / "a.nc", "tas", np.zeros((120, 40, 60), np.float32), grid, units="K")
    field = canonical(files.dataset(path), chunks=1 << 18)
    assert field.chunks[1:] == ((40,), (60,))
    assert max(field.chunks[0]) * 40 * 60 * 8 <= 1 << 18
    assert min(field.chunks[0][:-1]) > 1


def test_a_file_that_is_damaged_since_is_named(tmp_path: Path) -> None:
    path = files.write(tmp_path / "a.nc", "tas", np.zeros((2, 3)), GRID, units="K")
    data = files.dataset(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InvalidInput, match=r"a\.nc: received a damaged file"):
        canonical(data)


def test_a_zarr_store(tmp_path: Path) -> None:
    source = xr.Dataset(
        {"tas": (("lat", "lon"), np.full((2, 3), 273.15), {"units": "K"})},
        {"lat": ("lat", files.LAT, files.lat()[1]), "lon": ("lon", files.LON, files.lon()[1])},
    )
    source.to_zarr(tmp_path / "a.zarr", consolidated=False)
    (data,) = files.catalogue(tmp_path).datasets
    np.testing.assert_allclose(canonical(data), 0.0, atol=1e-12)
