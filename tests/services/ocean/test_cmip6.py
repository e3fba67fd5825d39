"""CMIP6 is read as it is published: its folders, its grids, its calendars, one month at a time."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cftime
import netCDF4
import numpy as np
import pytest

from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_geo import Curvilinear, Grid, area_weights, regridding
from tellurion_ocean.atlas import training_atlas
from tellurion_ocean.network import Network
from tellurion_ocean.prior import Prior
from tellurion_ocean.training import corpus as corpus_module
from tellurion_ocean.training import train
from tellurion_ocean.training.anomalies import Anomalies, Climatology, anomalies
from tellurion_ocean.training.cmip6 import find, split
from tellurion_ocean.training.corpus import Corpus
from tellurion_ocean.training.generated import GeneratedEnsemble
from tellurion_ocean.training.simulated import SimulatedEnsemble
from tellurion_ocean.training.vertical import Columns

TARGET = Grid([0, 10, 55, 200, 900], np.arange(-78.0, 90, 4), np.arange(2.0, 360, 4))
LEVELS = np.array([5.0, 15, 50, 100, 250, 500, 1000, 3000])
"""Of the models: none at the target's depths, and the deepest below them all."""


def temperature(lat: Any, lon: Any, depth: Any, month: Any = 0) -> Any:
    """°C: smooth on the sphere, with no seam; linear in depth."""
    phi, lam = np.radians(lat), np.radians(lon)
    return 15 + 8 * np.sin(phi) + 4 * np.cos(phi) * np.cos(lam - 0.5) - 0.003 * depth + 0.2 * month


def expected(month: Any = 0) -> np.ndarray:
    """[Z, Y, X] the same on the target; above the shallowest level the water is mixed."""
    depth = np.maximum(TARGET.depth, LEVELS[0])[:, None, None]
    return temperature(TARGET.lat[:, None], TARGET.lon, depth, month)


def assert_smooth(field: np.ndarray, month: int = 0) -> None:
    """The field is `temperature` to what cells of 4° can tell; one meridian beside it would be 0.07 °C off.

    The second derivative of `temperature` along the sphere is at most 12 °C, which bounds the difference of a mean or a
    linear interpolation from the value at the centre; and towards the poles the middle of a cell's area lies ever more
    equatorward of its centre, by Δφ² tan φ / 12, where the first derivative is at most 12 °C too.
    """
    error = np.radians(4) ** 2 * (12 / 8 + 12 / 12 * np.tan(np.radians(np.abs(TARGET.lat))))
    difference = np.abs(field - expected(month))
    sea = np.isfinite(difference)
    assert (difference <= error[:, None])[sea].all(), np.nanmax(difference, axis=(0, 2))
    assert sea.mean() > 0.9


class Archive:
    """Writes runs in the layout of the DRS."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, source: str, experiment: str, member: str, grid: str, version: str) -> Path:
        activity = "ScenarioMIP" if experiment.startswith("ssp") else "CMIP"
        path = self.root / "CMIP6" / activity / "INST" / source / experiment / member / "Omon/thetao" / grid / version
        path.mkdir(parents=True, exist_ok=True)
        return path

    def path(
        self,
        period: str = "200001-200003",
        *,
        source: str = "MODEL-1",
        experiment: str = "historical",
        member: str = "r1i1p1f1",
        grid: str = "gr",
        version: str = "v20200101",
    ) -> Path:
        name = f"thetao_Omon_{source}_{experiment}_{member}_{grid}_{period}.nc"
        return self.folder(source, experiment, member, grid, version) / name

    def write(
        self,
        horizontal: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]],
        field: Callable[[int], np.ndarray],
        period: str = "200001-200003",
        *,
        levels: np.ndarray = LEVELS,
        lev: dict[str, str] | None = None,
        units: str | None = "degC",
        calendar: str = "noleap",
        fill: float | None = 1e20,
        months: int | None = None,
        **labels: str,
    ) -> Path:
        """A file of monthly means; `field` gives [Z, Y, X] by months since 1850-01, NaN on land."""
        path = self.path(period, **labels)
        start, end = ((int(date[:4]) - 1850) * 12 + int(date[4:]) - 1 for date in period.split("-"))
        nths = range(start, end + 1)[:months]
        lev = {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"} if lev is None else lev
        middles = [cftime.datetime(1850 + n // 12, n % 12 + 1, 16, calendar=calendar) for n in nths]
        since = "days since 1850-01-01"
        attrs = {"standard_name": "time", "units": since, "calendar": calendar, "axis": "T"}
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("time", None)
            file.createDimension("lev", len(levels))
            for dimensions, values, _ in horizontal.values():
                for dimension, size in zip(dimensions, values.shape, strict=True):
                    if dimension not in file.dimensions:
                        file.createDimension(dimension, size)
            coordinates = {
                "time": (("time",), cftime.date2num(middles, since, calendar), attrs),
                "lev": (("lev",), levels, lev),
                **horizontal,
            }
            for name, (dimensions, values, given) in coordinates.items():
                file.createVariable(name, "f8", dimensions).setncatts(given)
                file[name][:] = values
            space = ("lat", "lon") if "lat" in horizontal else horizontal["latitude"][0]
            data = file.createVariable("thetao", "f4", ("time", "lev", *space), fill_value=fill)
            data.setncatts({"standard_name": "sea_water_potential_temperature", "coordinates": "latitude longitude"})
            if units is not None:
                data.units = units
            for nth, month in enumerate(nths):
                values = field(month)
                data[nth] = np.where(np.isnan(values), 1e20, values)
        return path


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def axes(lat: np.ndarray, lon: np.ndarray) -> dict[str, Any]:
    """The horizontal of a `gr` file."""
    return {
        "lat": (("lat",), lat, {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}),
        "lon": (("lon",), lon, {"standard_name": "longitude", "units": "degrees_east", "axis": "X"}),
    }


RECTILINEAR = np.arange(89.0, -90, -2), np.arange(-179.0, 180, 2)
"""2°, from north to south and from the date line eastward."""
COARSE = np.arange(-75.0, 76, 15), np.arange(0.0, 360, 20)


def on(lat: np.ndarray, lon: np.ndarray) -> Callable[[int], np.ndarray]:
    """`temperature` at the places of a model, by months since 1850."""
    lat, lon = (lat[:, None], lon) if lat.ndim == 1 else (lat, lon)
    return lambda months: temperature(lat, lon, LEVELS[:, None, None], months % 12)


def tripolar(step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Latitude and longitude of centres [Y, X] and corners [Y, X, 4]: regular up to 60°N, then two poles on land.

    In the polar stereographic plane the rows of the cap are half-ellipses that flatten from the circle of 60°N to the
    segment between the two poles, along which the last row meets itself.
    """
    around, flatness = np.radians(np.arange(0, 360 + step, step)), np.linspace(1, 0, round(30 / step) + 1)[1:]
    x, y = np.broadcast_arrays(np.cos(around), flatness[:, None] * np.sin(around))
    radius = np.tan(np.radians(15))
    cap_lat = 90 - 2 * np.degrees(np.arctan(radius * np.hypot(x, y)))
    cap_lon = np.degrees(np.arctan2(y, x))
    south = np.arange(-80, 60 + step / 2, step)
    lat = np.concatenate([np.broadcast_to(south[:, None], (south.size, around.size)), cap_lat])
    lon = np.concatenate([np.broadcast_to(np.degrees(around), (south.size, around.size)), cap_lon])
    nodes = on_sphere(lat, lon)
    corners = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]], axis=2)
    return *places(corners.mean(axis=2)), *places(corners)


def on_sphere(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    phi, lam = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def places(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    at = at / np.linalg.norm(at, axis=-1, keepdims=True)
    return np.degrees(np.arcsin(np.clip(at[..., 2], -1, 1))), np.degrees(np.arctan2(at[..., 1], at[..., 0])) % 360


def native(lat: np.ndarray, lon: np.ndarray, *corners: np.ndarray) -> dict[str, Any]:
    """The horizontal of a `gn` file, with or without vertices."""
    names = ("latitude", "degrees_north"), ("longitude", "degrees_east")
    found: dict[str, Any] = {}
    for (name, units), values in zip(names, (lat, lon), strict=True):
        bounds = {"bounds": f"vertices_{name}"} if corners else {}
        found[name] = (("j", "i"), values, {"standard_name": name, "units": units, **bounds})
    for (name, units), values in zip(names, corners, strict=False):
        found[f"vertices_{name}"] = (("j", "i", "vertices"), values, {"units": units})
    return found


def only(archive: Archive, **choices: Any) -> Corpus:
    return Corpus(find(archive.root, **choices), TARGET)


# The folders


def test_runs_are_found_by_model_experiment_and_member_without_opening_a_file(archive: Archive) -> None:
    for source, experiment, member in [
        ("B-2", "historical", "r1i1p1f1"),
        ("A-1", "ssp245", "r2i1p1f1"),
        ("A-1", "historical", "r2i1p1f1"),
        ("A-1", "historical", "r1i1p1f1"),
    ]:
        archive.path(source=source, experiment=experiment, member=member).write_bytes(b"never opened")
    runs = find(archive.root)
    labels = [(run.source, run.experiment, run.member) for run in runs]
    assert labels == [
        ("A-1", "historical", "r1i1p1f1"),
        ("A-1", "historical", "r2i1p1f1"),
        ("A-1", "ssp245", "r2i1p1f1"),
        ("B-2", "historical", "r1i1p1f1"),
    ]
    assert find(archive.root, models=["A-1"], members=["r2i1p1f1"]) == runs[1:3]
    assert find(archive.root, experiments=["ssp245"]) == runs[2:3]
    assert find(archive.root, variable="so") == []
    assert len(Corpus(runs, TARGET)) == 4 * 3


def test_of_several_versions_the_latest_that_has_files_counts_and_its_files_come_in_time(archive: Archive) -> None:
    for version in ("v20190101", "v20200513"):
        for period in ("195001-201412", "185001-194912"):
            archive.path(period, version=version).touch()
    archive.path("185001-185001", version="v20210101").with_suffix(".nc.part").touch()
    (archive.path("185001-185001", version="v20200513").parent / "._thetao.nc").touch()
    (archive.path().parent.parent / "latest").symlink_to("v20190101")
    (run,) = find(archive.root)
    assert run.version == "v20200513"
    assert [path.name[-16:-3] for path in run.files] == ["185001-194912", "195001-201412"]
    moments = Corpus([run], TARGET).moments
    assert len(moments) == 165 * 12
    assert (moments[1200].year, moments[1200].month, moments[1200].nth) == (1950, 1, 0)


def test_a_file_under_another_members_folder_is_refused(archive: Archive) -> None:
    path = archive.path(member="r1i1p1f1")
    (path.parent / path.name.replace("r1i1p1f1", "r2i1p1f1")).touch()
    with pytest.raises(InvalidInput, match="thetao_Omon_MODEL-1_historical_r2i1p1f1_gr_200001-200003"):
        find(archive.root)


def test_a_folder_without_cmip6_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="CMIP6/<activity>") as error:
        find(tmp_path)
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize(
    ("periods", "wrong"),
    [
        (["200001-200112", "200112-200212"], "200112-200212"),
        (["200012-200001"], "200012-200001"),
        (["20000101-20001231"], "20000101-20001231"),
    ],
    ids=["overlapping", "backwards", "daily"],
)
def test_dates_that_are_no_months_in_order_are_refused(archive: Archive, periods: list[str], wrong: str) -> None:
    for period in periods:
        archive.path(period).touch()
    with pytest.raises(InvalidInput, match=f"gr_{wrong}.nc"):
        only(archive)


def test_held_out_members_and_years_are_kept_apart(archive: Archive) -> None:
    for member in ("r1i1p1f1", "r2i1p1f1", "r3i1p1f1"):
        for source in ("A-1", "B-2"):
            archive.path("199901-200112", member=member, source=source).touch()
    training, held_out = split(find(archive.root), held_out=["r3i1p1f1"])
    assert {run.member for run in training} == {"r1i1p1f1", "r2i1p1f1"}
    assert [(run.source, run.member) for run in held_out] == [("A-1", "r3i1p1f1"), ("B-2", "r3i1p1f1")]
    assert {m.year for m in Corpus(training, TARGET, excluded_years=range(2000, 2015)).moments} == {1999}
    with pytest.raises(InvalidInput, match="at least one month"):
        Corpus(training, TARGET, excluded_years=range(1990, 2015))
    with pytest.raises(InvalidInput, match="r3i1p1f1"):
        split(training, held_out=["r3i1p1f1"])


# The grids


def test_a_regular_model_finer_than_the_target_is_averaged(archive: Archive) -> None:
    archive.write(axes(*RECTILINEAR), on(*RECTILINEAR))
    corpus = only(archive)
    for i, (field, month) in enumerate(corpus):
        assert month == i + 1
        assert field.dtype == np.float32
        assert_smooth(field, i)
    assert i == 2


def test_a_regular_model_coarser_than_the_target_is_interpolated(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE))
    field, _ = only(archive)[0]
    within = np.abs(TARGET.lat) <= 75
    error = np.abs(field - expected())[:, within]
    assert error.max() < 12 * np.radians(20) ** 2 / 8 * 2  # linear along two axes, steps of up to 20°
    seam = field[0, within][:, [-1, 0]]  # 358° and 2°, on both sides of the model's meridian 0
    assert np.abs(np.diff(seam)).max() < 12 * np.radians(4)


@pytest.fixture(scope="module")
def orca() -> tuple[np.ndarray, ...]:
    """2° tripolar, with two columns that repeat the first ones, as models keep them for their boundary condition."""
    return tuple(np.concatenate([part, part[:, :2]], axis=1) for part in tripolar(2))


def test_a_tripolar_model_with_vertices_keeps_a_smooth_field(archive: Archive, orca: tuple[np.ndarray, ...]) -> None:
    lat, lon, *_ = orca
    values = on(lat, lon)

    def with_dry_repetition(month: int) -> np.ndarray:
        field = values(month)
        field[:, :, -2:] = np.nan
        return field

    archive.write(native(*orca), with_dry_repetition, grid="gn")
    field, _ = only(archive)[1]
    assert_smooth(field, 1)
    assert np.isfinite(field).all()


def test_a_tripolar_model_with_vertices_averages_what_a_cell_covers(
    archive: Archive, orca: tuple[np.ndarray, ...]
) -> None:
    checkers = (-1.0) ** np.indices(orca[0].shape).sum(axis=0)
    archive.write(native(*orca), lambda month: np.broadcast_to(10 + checkers, (8, *checkers.shape)), grid="gn")
    field, _ = only(archive)[0]
    regular = TARGET.lat < 58  # four cells each, on two parallels: their areas differ by the cosine of latitude
    by_area = np.cos(np.radians(TARGET.lat[regular, None] + [-1, 1]))
    np.testing.assert_allclose(by_area[:, 0] / by_area.sum(axis=1), 0.5, atol=0.1)
    np.testing.assert_allclose(field[:, regular], 10, atol=1e-3)


def test_places_whose_vertices_lie_elsewhere_are_left_out(archive: Archive, orca: tuple[np.ndarray, ...]) -> None:
    lat, lon, *corners = (part.copy() for part in orca)
    land = np.zeros(lat.shape, dtype=bool)
    land[10:30, 20:50] = True
    for part, anywhere in zip(corners, ([0, 0, 40, 40], [180, 220, 220, 180]), strict=True):
        part[land] = anywhere
        part[20:30, 20:50] = 0.0
    archive.write(native(lat, lon, *corners), lambda m: np.where(land, np.nan, on(lat, lon)(m)), grid="gn")
    field, _ = only(archive)[0]
    inside = (TARGET.lat[:, None] > -58) & (TARGET.lat[:, None] < -22) & (TARGET.lon > 42) & (TARGET.lon < 98)
    assert np.isnan(field[:, inside]).all()
    assert_smooth(field)


@pytest.mark.parametrize("vertices", ["none", "zeros"])
def test_a_tripolar_model_without_vertices_is_interpolated_between_centres(
    archive: Archive, orca: tuple[np.ndarray, ...], vertices: str
) -> None:
    lat, lon, *corners = orca
    zeros = [np.zeros_like(part) for part in corners]
    archive.write(native(lat, lon, *(zeros if vertices == "zeros" else [])), on(lat, lon), grid="gn")
    field, _ = only(archive)[2]
    assert_smooth(field, 2)


def test_a_tripolar_model_coarser_than_the_target_is_interpolated(archive: Archive) -> None:
    lat, lon, *corners = tripolar(10)
    archive.write(native(lat, lon, *corners), on(lat, lon), grid="gn")
    field, _ = only(archive)[0]
    south = np.abs(TARGET.lat + 5) < 60
    error = np.abs(field - expected())[:, south]
    assert error.max() < 12 * np.radians(10) ** 2 / 8 * 2  # half a cell of 10° is ten times as much


def test_the_whole_sea_comes_through_to_the_pole_and_none_is_counted_twice() -> None:
    lat, lon, *corners = tripolar(1)
    target = Grid([0], np.arange(-89.0, 90, 2), np.arange(1.0, 360, 2))
    regrid = regridding(Curvilinear(lat, lon, np.stack(corners, axis=-1)), target, "conservative")
    cells = area_weights(target) * 4 * np.pi / target.lat.size / target.lon.size
    cap = 2 * np.pi * (1 - np.sin(np.radians(-80)))  # solid angle of the model's ocean, north of 80°S
    assert (cells.ravel() @ regrid.weights).sum() == pytest.approx(cap, rel=1e-4)
    covered = regrid.weights.sum(axis=1).reshape(cells.shape)[target.lat > -80]
    np.testing.assert_allclose(covered, 1, atol=0.05)


@pytest.mark.parametrize("vertices", [True, False])
def test_land_is_left_out_and_not_spread(archive: Archive, orca: tuple[np.ndarray, ...], vertices: bool) -> None:
    sea = np.cos(np.radians(orca[1])) < 0.5  # land between 60°W and 60°E
    archive.write(
        native(*(orca if vertices else orca[:2])),
        lambda month: np.where(sea, 7.0, np.nan) * np.ones((8, 1, 1)),
        grid="gn",
    )
    field, _ = only(archive)[0]
    far = np.cos(np.radians(TARGET.lon)) - 0.5
    south = TARGET.lat < 56
    assert np.isnan(field[:, south][..., far > 0.08]).all()
    np.testing.assert_allclose(field[:, south][..., far < -0.08], 7, rtol=1e-6)


def test_grids_are_prepared_once_for_all_files_on_them(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []
    monkeypatch.setattr(corpus_module, "regridding", lambda *given: prepared.append(given) or regridding(*given))
    for source, places in (("A-1", COARSE), ("A-2", COARSE), ("B-1", RECTILINEAR)):
        for period in ("200001-200001", "200002-200002"):
            archive.write(axes(*places), on(*places), period, source=source)
    assert [month for _, month in only(archive)] == [1, 2] * 3
    assert len(prepared) == 2


# The levels


@pytest.mark.parametrize(
    ("levels", "lev"),
    [
        (100 * LEVELS, {"standard_name": "depth", "units": "centimeters", "positive": "down", "axis": "Z"}),
        (-LEVELS, {"standard_name": "depth", "units": "m", "positive": "up", "axis": "Z"}),
    ],
    ids=["centimetres", "positive up"],
)
def test_levels_in_centimetres_or_counted_upward(archive: Archive, levels: np.ndarray, lev: dict[str, str]) -> None:
    archive.write(axes(*RECTILINEAR), on(*RECTILINEAR), levels=levels, lev=lev)
    assert_smooth(only(archive)[0][0])


def test_levels_from_the_bottom_up(archive: Archive) -> None:
    values = on(*RECTILINEAR)
    archive.write(axes(*RECTILINEAR), lambda month: values(month)[::-1], levels=LEVELS[::-1])
    assert_smooth(only(archive)[0][0])


def test_nothing_is_extrapolated_below_a_columns_deepest_wet_cell(archive: Archive) -> None:
    lat, lon = RECTILINEAR

    def shelf(month: int) -> np.ndarray:
        field = on(lat, lon)(month)
        field[3:, lat < -20] = np.nan  # the deepest wet level is at 50 m
        return field

    archive.write(axes(lat, lon), shelf)
    field, _ = only(archive)[0]
    south, north = TARGET.lat < -20, TARGET.lat > -20
    np.testing.assert_array_equal(np.isnan(field[:, south]).all(axis=(1, 2)), [False, False, True, True, True])
    assert np.isfinite(field[:2]).all()
    assert np.isfinite(field[:, north]).all()


def test_columns_are_linear_between_levels_and_end_where_they_end() -> None:
    source, target = np.array([5.0, 15, 35]), np.array([0.0, 5, 10, 20, 35.0000001, 36])
    columns = Columns.between(source, target)
    assert columns.span == slice(0, 3)
    np.testing.assert_allclose(columns(2 * source), [10, 10, 20, 40, 70, np.nan])
    np.testing.assert_allclose(columns(np.array([10.0, 30, np.nan])), [10, 10, 20, np.nan, np.nan, np.nan])
    deep = Columns.between(source, np.array([20.0, 30]))
    assert deep.span == slice(1, 3)
    np.testing.assert_allclose(deep(2 * source[deep.span]), [40, 60])
    assert Columns.between(source, np.array([100.0])).span == slice(0, 0)


# Units, calendars, one month at a time


def test_kelvin_becomes_celsius(archive: Archive) -> None:
    archive.write(axes(*RECTILINEAR), lambda month: on(*RECTILINEAR)(month) + 273.15, units="K")
    assert_smooth(only(archive)[0][0])


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "standard", "proleptic_gregorian"])
def test_every_calendar_gives_its_months(archive: Archive, calendar: str) -> None:
    archive.write(axes(*COARSE), on(*COARSE), "199911-200102", calendar=calendar)
    corpus = only(archive)
    assert [month for _, month in corpus] == [11, 12, *range(1, 13), 1, 2]
    january, february = corpus[2][0], corpus[-1][0]
    np.testing.assert_allclose((february - january)[np.isfinite(january)], 0.2, atol=1e-4)


def test_a_month_opens_its_own_file_alone(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), "200001-200002")
    archive.path("200003-200004").write_bytes(b"a damaged file")
    corpus = only(archive)
    assert len(corpus) == 4
    np.testing.assert_array_equal(corpus[1][0], corpus[-3][0])
    with pytest.raises(InvalidInput, match="gr_200003-200004"):
        corpus[2]
    with pytest.raises(IndexError):
        corpus[4]


def test_a_century_in_one_file_takes_the_memory_of_a_month(archive: Archive) -> None:
    lat, lon = np.arange(-89.0, 90, 2), np.arange(0.0, 360, 2)
    path = archive.write(axes(lat, lon), on(lat, lon), "190001-190001")
    with netCDF4.Dataset(path, "a") as file:  # months that are never written take no room on the disk
        file["time"][:] = 50 * 365 + (np.arange(1200) + 0.5) * 365 / 12
    month, century = file_bytes = (8 * lat.size * lon.size * 4, 1200 * 8 * lat.size * lon.size * 4)
    assert file_bytes == (518_400, 622_080_000)
    century_path = path.rename(path.with_name(path.name.replace("190001-190001", "190001-199912")))
    assert century_path.stat().st_size < 10_000_000
    corpus = only(archive)
    tracemalloc.start()
    corpus[0]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * month < century / 20


# What is refused


def sigma(archive: Archive) -> None:
    lev = {"standard_name": "ocean_sigma_coordinate", "units": "1", "positive": "up", "axis": "Z"}
    archive.write(axes(*COARSE), on(*COARSE), lev=lev)


def without_units(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), units=None)


def too_few_months(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), months=2)


def kelvin_called_celsius(archive: Archive) -> None:
    archive.write(axes(*COARSE), lambda month: on(*COARSE)(month) + 273.15)


def undeclared_fill(archive: Archive) -> None:
    archive.write(axes(*COARSE), lambda month: np.full((8, 11, 18), np.nan), fill=None)


def nothing_but_land(archive: Archive) -> None:
    archive.write(axes(*COARSE), lambda month: np.full((8, 11, 18), np.nan))


def three_corners(archive: Archive) -> None:
    lat, lon, *corners = tripolar(10)
    archive.write(native(lat, lon, *(part[..., :3] for part in corners)), on(lat, lon), grid="gn")


def unstructured(archive: Archive) -> None:
    lat, lon, *_ = tripolar(10)
    horizontal = {name: (("i",), v[1].ravel(), v[2]) for name, v in native(lat, lon).items()}
    archive.write(horizontal, lambda month: np.full((8, lat.size), 10.0), grid="gn")


def latitude_out_of_range(archive: Archive) -> None:
    archive.write(axes(COARSE[0] * 2, COARSE[1]), on(*COARSE))


def too_deep(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), levels=LEVELS + 4000)


def truncated(archive: Archive) -> None:
    path = archive.write(axes(*COARSE), on(*COARSE))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def another_variable(archive: Archive) -> None:
    path = archive.write(axes(*COARSE), on(*COARSE))
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("thetao", "so")


@pytest.mark.parametrize(
    ("write", "field", "received", "accepted"),
    [
        (sigma, ".lev", "ocean_sigma_coordinate", "depth in m or cm"),
        (without_units, ".thetao.units", "no units", "degC"),
        (too_few_months, ".time", "2 times, 2000-01…2000-02", "the 3 months 2000-01…2000-03"),
        (kelvin_called_celsius, ".thetao", "°C in 2000-01", "-10…60 °C"),
        (undeclared_fill, ".thetao", "1e+20 °C", "_FillValue"),
        (nothing_but_land, ".thetao", "no value", "_FillValue"),
        (three_corners, ".vertices_latitude", "(17, 36, 3)", "(17, 36, 4)"),
        (unstructured, ".latitude", "latitude", "unstructured"),
        (latitude_out_of_range, ".lat", "-150", "-90…90"),
        (too_deep, ".lev", "4005…7000 m", "0…900 m"),
        (truncated, "", "damaged", "whole NetCDF file"),
        (another_variable, "", "so", "thetao"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    archive: Archive, write: Callable[[Archive], None], field: str, received: str, accepted: str
) -> None:
    write(archive)
    (run,) = find(archive.root)
    with pytest.raises(InvalidInput) as error:
        Corpus([run], TARGET)[0]
    (violation,) = error.value.violations
    assert violation.field == run.files[0].name + field
    assert received in violation.received
    assert accepted in violation.accepted
    assert str(archive.root) not in str(error.value)


# The anomalies


@pytest.fixture
def two_models(archive: Archive) -> Corpus:
    """Three years of each; they differ in bias, in amplitude and in their year's cycle. An island in both."""
    rng = np.random.default_rng(3)
    for source, bias, amplitude in (("COLD-1", -3, 0.5), ("WARM-1", 4, 2.0)):
        lat, lon = COARSE

        def field(months: int, bias: float = bias, amplitude: float = amplitude) -> np.ndarray:
            found = on(*COARSE)(months) + bias * (1 + 0.1 * (months % 12)) + amplitude * rng.normal(size=(8, 11, 18))
            found[:, 4:6, 3:6] = np.nan
            return found

        for period in ("200001-200012", "200101-200212"):
            archive.write(axes(lat, lon), field, period, source=source)
    return only(archive)


def test_each_models_own_year_and_spread_are_removed(two_models: Corpus) -> None:
    scaled = anomalies(two_models, floor=0.05)
    assert len(scaled) == len(two_models) == 72
    raw = np.array([field for field, _ in two_models], dtype=np.float64).reshape(2, 3, 12, *TARGET.shape)
    departures = raw - raw.mean(axis=1, keepdims=True)
    variance = (departures**2).sum(axis=(1, 2)) / (36 - 12)
    wanted = departures / np.sqrt(variance + 0.05**2)[:, None, None]
    found = np.array([scaled[i][0] for i in range(72)]).reshape(wanted.shape)
    assert [scaled[i][1] for i in range(72)] == [*range(1, 13)] * 6
    np.testing.assert_allclose(found, wanted, atol=2e-3)  # float32 of 20 °C, in units of a spread of 0.1 °C
    assert 0.5 < np.isfinite(found).mean() < 1
    np.testing.assert_array_equal(np.isnan(found), np.isnan(raw))


def test_what_is_held_out_is_scaled_by_what_was_learned_without_it(archive: Archive, two_models: Corpus) -> None:
    runs = find(archive.root)
    training = Corpus(runs, TARGET, excluded_years=[2002])
    held_out = Corpus(runs, TARGET, excluded_years=[2000, 2001])
    scaled = Anomalies(held_out, anomalies(training, floor=0.0).climatologies)
    raw = np.array([field for field, _ in two_models], dtype=np.float64).reshape(2, 3, 12, *TARGET.shape)
    learned, new = raw[:, :2], raw[:, 2]
    std = learned.std(axis=1, ddof=1)  # of each month; the pooled variance is their mean
    wanted = (new - learned.mean(axis=1)) / np.sqrt((std**2).mean(axis=1))[:, None]
    found = np.array([field for field, _ in scaled]).reshape(wanted.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-3)


def test_a_model_that_was_not_learned_from_cannot_be_scaled(two_models: Corpus) -> None:
    learned = anomalies(two_models).climatologies
    with pytest.raises(InvalidInput, match="WARM-1"):
        Anomalies(two_models, {"COLD-1": learned["COLD-1"]})


def test_anomalies_report_progress_and_stop_when_cancelled(two_models: Corpus) -> None:
    seen: list[float] = []
    anomalies(two_models, progress=lambda fraction, message: seen.append(fraction))
    np.testing.assert_allclose(seen, np.arange(1, 73) / 72)
    with pytest.raises(Cancelled):
        anomalies(two_models, cancelled=lambda: True)


def test_one_year_has_no_departures_from_itself(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), "200001-200012")
    with pytest.raises(InvalidInput, match="more than one year"):
        anomalies(only(archive))


def test_a_climatology_takes_the_memory_of_the_answer_however_many_months_there_are() -> None:
    rng = np.random.default_rng(0)
    field_bytes = 4 * 40 * 50 * 60
    months = ((rng.normal(size=(40, 50, 60)).astype(np.float32), n % 12 + 1) for n in range(120))
    tracemalloc.start()
    climatology = Climatology.of(months, floor=0.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * field_bytes
    assert np.mean(climatology.std**2) == pytest.approx(1, abs=0.005)  # 120 000 cells of 108 degrees of freedom


# The samples to train with


def test_a_sample_is_a_simulated_month_with_zeros_where_only_the_model_has_land(
    archive: Archive, small_prior: Callable[..., Prior]
) -> None:
    prior = small_prior()
    lat, lon = np.arange(-24.0, 25, 2), np.arange(0.0, 360, 5)
    continent = (lon >= 180) & (lon <= 240)  # the small ocean has none here, and its island is sea in the model
    rng = np.random.default_rng(5)

    def field(months: int) -> np.ndarray:
        noise = rng.normal(size=(LEVELS.size, lat.size, lon.size))
        return np.where(continent, np.nan, on(lat, lon)(months) + noise)

    archive.write(axes(lat, lon), field, "200001-200312")
    months = anomalies(Corpus(find(archive.root), prior.grid))
    generated = GeneratedEnsemble(prior, 1)
    ensemble = SimulatedEnsemble(months, generated, 1)
    only_land_there = np.broadcast_to((prior.grid.lon > 182) & (prior.grid.lon < 238), prior.grid.shape)[prior.wet]
    only_land_here = ~prior.wet & np.isfinite(months[0][0])
    assert only_land_there.any()
    assert only_land_here.any()
    for index in range(4):
        sample = ensemble.sample(index)
        assert (sample.clean.shape, sample.clean.dtype) == (prior.std.shape, np.float32)
        assert (sample.clean[only_land_there] == 0).all()
        simulated = [field[prior.wet] for field, month in months if month == sample.month]
        assert any(np.array_equal(sample.clean, np.where(np.isnan(one), 0, one)) for one in simulated)
        np.testing.assert_array_equal(sample.noise, generated.sample(index).noise)
        np.testing.assert_array_equal(sample.clean, ensemble.sample(index).clean)


@pytest.mark.parametrize(
    ("folders", "options", "message"),
    [
        ([], [], "without a folder CMIP6"),
        (["CMIP6"], [], "at least one month"),
        (["CMIP6"], ["--held-out", "r3i1p1f1"], "received r3i1p1f1; accepted: no members"),
    ],
)
def test_training_refuses_a_folder_without_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folders: list[str], options: list[str], message: str
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir()
    with pytest.raises(SystemExit) as left:
        train.main(["--cmip6", str(tmp_path), *options, "--steps", "1", "--output", str(tmp_path / "x.safetensors")])
    assert left.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.safetensors"))


def test_members_are_held_out_of_an_archive_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        train.main(["--held-out", "r1i1p1f1"])
    assert left.value.code == 2
    assert "--held-out needs --cmip6" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_network_is_trained_on_an_archive_and_measured_on_the_members_held_out(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    grid, rng = training_atlas().grid, np.random.default_rng(4)
    for member in ("r1i1p1f1", "r2i1p1f1"):
        archive.write(
            axes(*COARSE),
            lambda months: on(*COARSE)(months) + rng.normal(size=(8, 11, 18)),
            "200001-200112",
            member=member,
        )
    output = archive.root / "x.safetensors"
    options = ["--steps", "2", "--width", "8", "--batch", "1", "--held-out", "r2i1p1f1", "--output", str(output)]
    train.main(["--cmip6", str(archive.root), *options])
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (card["corpus"], card["held_out"], card["samples"]) == ("CMIP6", ["r2i1p1f1"], 2)
    np.testing.assert_array_equal(Network.load(output).grid.lat, grid.lat)
