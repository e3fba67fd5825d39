"""Months of CMIP6 come to one grid, from any grid, levels, unit and calendar, one month at a time."""

from __future__ import annotations

import tracemalloc

import netCDF4
import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_geo import Curvilinear, Grid, area_weights, regridding
from tellurion_ocean.training import corpus as corpus_module

from .archive import (
    COARSE,
    LEVELS,
    RECTILINEAR,
    TARGET,
    Archive,
    assert_smooth,
    axes,
    expected,
    native,
    on,
    only,
    tripolar,
)

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
