"""Regions: what names mean, and which cells lie in them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tellurion_agent.diagnostics.cells import areas
from tellurion_agent.diagnostics.land import land
from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.recipes.selection import part
from tellurion_agent.regions import GAZETTEER, mask, named
from tellurion_agent.slots import Region

LAT = xr.DataArray(np.arange(-89.5, 90.0), dims="lat")
LON = xr.DataArray(np.arange(0.5, 360.0), dims="lon")


def globe(lat: np.ndarray, lon: np.ndarray, name: str = "air_temperature") -> xr.DataArray:
    coords = {"lat": lat, "lon": lon}
    return xr.DataArray(np.ones((lat.size, lon.size)), coords, ("lat", "lon"), attrs={"standard_name": name})


@pytest.mark.parametrize(
    ("name", "south", "north", "west", "east"),
    [
        ("Niño 3.4", -5, 5, 190, 240),
        ("nino34", -5, 5, 190, 240),
        ("the Sahel", 10, 20, 342, 400),
        ("AMV box", 0, 60, 280, 360),
        ("  north   america ", 15, 75, 190, 310),
        ("NH", 0, 90, 0, 360),
    ],
)
def test_a_name_means_its_box(name: str, south: float, north: float, west: float, east: float) -> None:
    found = named(name)
    assert found is not None
    assert (found.south, found.north, found.west, found.east) == (south, north, west, east)


def test_an_unknown_name_means_nothing() -> None:
    assert named("Atlantis") is None


def test_every_region_is_a_box_of_the_sphere_and_holds_cells() -> None:
    for region in set(GAZETTEER.values()):
        assert -90 <= region.south < region.north <= 90
        assert 0 <= region.west < 360
        assert region.west < region.east <= region.west + 360
        if not region.shape:
            assert mask(region, LAT, LON).any(), region.name


def test_no_name_stands_for_two_regions() -> None:
    from tellurion_agent.regions import _entries

    names = [name for name, _ in _entries()]
    assert sorted(names) == sorted(set(names))


def test_a_box_across_greenwich_has_cells_on_both_sides() -> None:
    inside = mask(Region("across", -10, 10, 350, 370), LAT, LON)
    assert int(inside.sum()) == 20 * 20
    assert set(LON.values[inside.any("lat")]) == {*np.arange(350.5, 360), *np.arange(0.5, 10)}


def test_longitudes_may_be_counted_from_minus_180() -> None:
    west_first = xr.DataArray(np.arange(-179.5, 180.0), dims="lon")
    assert int(mask(named("Europe"), LAT, west_first).sum()) == int(mask(named("Europe"), LAT, LON).sum()) == 37 * 50


def test_a_cell_counts_by_its_centre_edges_included() -> None:
    lat, lon = xr.DataArray([-5.0, 0.0, 5.0, 5.1], dims="lat"), xr.DataArray([189.9, 190.0, 240.0, 240.1], dims="lon")
    assert mask(named("niño 3.4"), lat, lon).values.tolist() == [[False, True, True, False]] * 3 + [[False] * 4]


def test_a_shape_is_the_polygon_in_its_box() -> None:
    region = named("srex CEU")
    inside = mask(region, LAT, LON)
    box = mask(Region("box", region.south, region.north, region.west, region.east), LAT, LON)
    assert 0 < int(inside.sum()) < int(box.sum())
    assert not (inside & ~box).any()
    assert bool(inside[140, 10])  # 50.5°N, 10.5°E


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="XYZ"):
        mask(Region("x", 0, 10, 0, 10, shape="XYZ"), LAT, LON)


def test_land_covers_29_percent_of_the_globe() -> None:
    earth = globe(LAT.values, LON.values)
    area = areas(earth)
    assert float((area * land(earth)).sum() / area.sum()) == pytest.approx(0.292, abs=0.005)  # NOAA, ETOPO1: 29.2 %


@pytest.mark.parametrize(
    ("lat", "lon", "is_land"),
    [(48.0, 10.0, True), (0.0, 200.0, False), (-80.0, 90.0, True), (-25.0, 135.0, True), (40.0, 330.0, False)],
)
def test_places_are_on_land_or_not(lat: float, lon: float, is_land: bool) -> None:
    assert bool(land(globe(np.array([lat]), np.array([lon])))[0, 0]) is is_land


def test_land_of_a_region_leaves_the_ocean_out() -> None:
    notes: list[str] = []
    chosen = part(globe(LAT.values, LON.values), {"region": Region("Africa's land", -35, 38, 342, 412, "land")}, notes)
    inside = chosen.area > 0
    assert bool(inside.sel(lat=20.5, lon=370.5))  # the Sahara, 10.5°E counted on from 342
    assert not bool(inside.sel(lat=-20.5, lon=365.5))  # the South Atlantic
    assert "GLOBE" in " ".join(notes)


def test_the_models_own_land_fraction_goes_first() -> None:
    earth = globe(np.array([-45.0, 45.0]), np.array([90.0, 270.0]))
    fraction = earth.copy(data=[[100.0, 0.0], [51.0, 49.0]])
    notes: list[str] = []
    chosen = part(earth, {"region": named("land")}, notes, fraction=fraction)
    assert (chosen.lon.values.tolist(), (chosen.area > 0).values.tolist()) == ([90.0], [[True], [True]])
    assert "land fraction" in " ".join(notes)


def test_the_missing_values_of_an_ocean_variable_are_its_coast() -> None:
    sea = globe(np.array([-45.0, 45.0]), np.array([10.0, 190.0]), "sea_surface_temperature")
    assert (part(sea, {"region": named("ocean")}, []).area > 0).all()
    with pytest.raises(NoAnswer, match="sea"):
        part(sea, {"region": named("land")}, [])


def test_a_region_that_the_data_do_not_cover_is_refused() -> None:
    regional = globe(np.arange(35.0, 60.0), np.arange(0.0, 30.0))
    with pytest.raises(NoAnswer, match=r"global"):
        part(regional, {"region": named("global")}, [])
    with pytest.raises(NoAnswer, match="Australia"):
        part(regional, {"region": named("Australia")}, [])


def test_a_point_is_the_cell_that_holds_it() -> None:
    chosen = part(globe(LAT.values, LON.values), {"region": Region("55°N 3°W", 55.2, 55.2, 357.3, 357.3)}, [])
    assert (chosen.lat.item(), chosen.lon.item() % 360) == (55.5, 357.5)
