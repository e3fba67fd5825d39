"""Which recipe here does what ESMValTool's preprocessors say, and what is refused because none does quite that."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tellurion_agent.esmvaltool.knowledge import Known, Unknown, knowledge
from tellurion_agent.esmvaltool.recipe_file import read
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.slots import Level, Period, Region, Season

MEAN: dict[str, Any] = {"operator": "mean"}
AREA, FULL = {"area_statistics": MEAN}, {"climate_statistics": {"operator": "mean", "period": "full"}}
SPREAD = {"climate_statistics": {"operator": "std_dev"}}
LAND, OCEAN = {"mask_landsea": {"mask_out": "sea"}}, {"mask_landsea": {"mask_out": "land"}}
ANNUAL, MONTHS = {"annual_statistics": MEAN}, {"climate_statistics": {"operator": "mean", "period": "month"}}
BOX = {"start_longitude": -80, "end_longitude": 0, "start_latitude": 0, "end_latitude": 60}
REFERENCE = {"start_year": 1961, "start_month": 1, "start_day": 1, "end_year": 1990, "end_month": 12, "end_day": 31}
ONE = {"dataset": "CanESM5", "exp": "historical", "timerange": "1981/2010"}


def pieces(
    steps: dict[str, Any], *datasets: dict[str, Any], variable: str = "tas", mip: str = "Amon", **script: Any
) -> list[Known | Unknown]:
    recipe = {
        "datasets": [*datasets],
        "preprocessors": {"p": steps},
        "diagnostics": {
            "d": {
                "variables": {variable: {"mip": mip, "preprocessor": "p"}},
                "scripts": {"s": {"script": "examples/diagnostic.py", **script}},
            }
        },
    }
    found = [*knowledge(read("recipe_x.yml", yaml.safe_dump(recipe, sort_keys=False).encode()))]
    for each in found:
        if isinstance(each, Known):
            assert each.settings.keys() <= {slot.name for slot in RECIPES[each.recipe].slots}
    return found


def known(steps: dict[str, Any], *datasets: dict[str, Any], **more: Any) -> Known:
    (found,) = pieces(steps, *datasets, **more)
    assert isinstance(found, Known), found
    return found


def reason(steps: dict[str, Any], *datasets: dict[str, Any], **more: Any) -> str:
    (found,) = pieces(steps, *datasets, **more)
    assert isinstance(found, Unknown), found
    return found.reason


@pytest.mark.parametrize(
    ("steps", "recipe", "choice"),
    [
        (AREA | FULL, "area_mean", {}),
        (AREA | ANNUAL | FULL, "area_mean", {}),
        (AREA, "time_series", {"sampling": "monthly"}),
        (AREA | ANNUAL, "time_series", {"sampling": "yearly"}),
        (AREA | MONTHS, "seasonal_cycle", {}),
        (AREA | {"linear_trend": None}, "linear_trend", {}),
        ({"linear_trend": None}, "trend_map", {}),
        (FULL, "climatology_map", {}),
        (FULL | {"zonal_statistics": MEAN}, "zonal_mean", {}),
        (AREA | {"anomalies": {"period": "month", "reference": REFERENCE}}, "period_anomaly", {}),
        (
            AREA | ANNUAL | {"climate_statistics": {"operator": "std_dev"}},
            "variability",
            {"quantity": "standard deviation"},
        ),
        (
            AREA | ANNUAL | {"detrend": {"method": "linear"}} | SPREAD,
            "variability",
            {"quantity": "detrended standard deviation"},
        ),
    ],
)
def test_what_is_left_of_space_and_time_says_which_recipe_it_is(
    steps: dict[str, Any], recipe: str, choice: dict[str, Any]
) -> None:
    found = known(steps, ONE)
    assert (found.name, found.recipe) == ("recipe_x/d/tas", recipe)
    assert {name: value for name, value in found.settings.items() if name in choice} == choice
    assert found.settings["variable"] == "air_temperature"
    assert (found.settings["source"], found.settings["period"]) == ("CanESM5", Period(1981, 2010))


@pytest.mark.parametrize(
    ("steps", "slot", "value"),
    [
        ({"extract_region": BOX}, "region", Region("0°–60°N, 80°W–0°", 0, 60, 280, 360)),
        (
            {"extract_region": BOX, "mask_landsea": {"mask_out": "land"}},
            "region",
            Region("0°–60°N, 80°W–0°", 0, 60, 280, 360, "ocean"),
        ),
        (
            {"mask_landsea": {"mask_out": "sea"}, "extract_region": BOX},
            "region",
            Region("0°–60°N, 80°W–0°", 0, 60, 280, 360, "land"),
        ),
        (LAND, "region", Region("global land", surface="land")),
        (
            {"extract_region": BOX | {"start_longitude": 350, "end_longitude": 30}},
            "region",
            Region("0°–60°N, 10°W–30°E", 0, 60, 350, 390),
        ),
        ({"extract_region": BOX | {"start_longitude": -180, "end_longitude": 180}}, "region", Region("0°–60°N", 0, 60)),
        ({"extract_levels": {"levels": 85000, "scheme": "linear"}}, "level", Level(850, 850, "hPa")),
        ({"extract_season": {"season": "djf"}}, "season", Season("DJF", (12, 1, 2))),
        ({"extract_month": {"month": 9}}, "season", Season("September", (9,))),
        ({"clip_timerange": {"timerange": "19910101/20201231"}}, "period", Period(1991, 2020)),
        ({"extract_time": REFERENCE}, "period", Period(1961, 1990)),
    ],
)
def test_what_is_taken_out_of_a_field_becomes_a_slot(steps: dict[str, Any], slot: str, value: object) -> None:
    assert known(steps | AREA | FULL, ONE).settings[slot] == value


def test_levels_of_the_ocean_are_depths() -> None:
    deep = known({"extract_levels": {"levels": 100.0, "scheme": "linear"}} | AREA | FULL, variable="thetao", mip="Omon")
    assert deep.settings == {
        "variable": "sea_water_potential_temperature",
        "level": Level(100, 100, "m"),
    }
    layer = known({"extract_volume": {"z_min": 0, "z_max": 700}} | AREA | FULL, variable="so", mip="Omon")
    assert layer.settings["level"] == Level(0, 700, "m")


def test_what_is_not_done_here_is_remarked_and_nothing_else_changes() -> None:
    plain = known(AREA | FULL, ONE)
    more = known({"regrid": {"target_grid": "1x1"}, "convert_units": {"units": "degrees_C"}} | AREA | FULL, ONE)
    assert (more.settings, plain.remarks) == (plain.settings, ())
    assert more.remarks == ("ESMValTool's regrid, convert_units are not done here.",)


def test_many_data_sets_are_compared_where_a_recipe_can_and_else_one_has_to_be_named() -> None:
    other = ONE | {"dataset": "MIROC6"}
    compared = known(AREA | FULL, ONE, other)
    assert (compared.recipe, compared.settings["quantity"]) == ("data_set_comparison", "each")
    assert compared.settings["period"] == Period(1981, 2010)
    series = known(AREA, ONE, other | {"timerange": "1991/2020"})
    assert "source" not in series.settings
    assert "period" not in series.settings
    assert series.remarks[0] == "Its data sets are CanESM5, MIROC6: name one where several are there."
    assert series.remarks[1].startswith("Its data sets have years of their own")
    assert series.settings["experiment"] == "historical"


def test_years_may_be_numbers() -> None:
    assert known(AREA | FULL, {"start_year": 1, "end_year": 150}).settings["period"] == Period(1, 150)


def test_scripts_that_do_the_whole_work_are_known_by_their_name() -> None:
    (one,) = pieces(AREA, ONE, script="climate_metrics/ecs.py")
    assert one == Known("recipe_x/d", "equilibrium_sensitivity", {"source": "CanESM5"}, ())
    (several,) = pieces(AREA, ONE, ONE | {"dataset": "MIROC6"}, script="climate_metrics/tcr.py")
    assert isinstance(several, Known)
    assert (several.recipe, several.settings) == ("transient_response_of_models", {})
    (ice,) = pieces(
        {}, ONE, variable="siconc", mip="SImon", script="seaice/seaice_tsline.ncl", region="Arctic", month="9"
    )
    assert isinstance(ice, Known)
    assert (ice.name, ice.recipe, ice.settings["hemisphere"]) == ("recipe_x/d/Arctic 9", "sea_ice_extent", "northern")
    assert ice.settings["season"] == Season("September", (9,))


def test_cloud_radiative_effects_are_computed_from_the_fluxes() -> None:
    found = known(AREA | FULL, ONE, variable="swcre")
    assert (found.recipe, found.settings["component"]) == ("cloud_radiative_effect", "shortwave effect")


@pytest.mark.parametrize(
    ("steps", "datasets", "more", "why"),
    [
        ({}, [ONE], {}, "what is computed is left to examples/diagnostic.py"),
        (AREA | {"rolling_window_statistics": {}}, [ONE], {}, "no recipe here does rolling_window_statistics"),
        ({"area_statistics": {"operator": "max"}}, [ONE], {}, "over an area the mean"),
        (AREA | {"climate_statistics": {"operator": "max"}}, [ONE], {}, r"over time max \(full\)"),
        (AREA | {"detrend": {}}, [ONE], {}, "no recipe here ends so"),
        (AREA | {"anomalies": {"period": "month"}}, [ONE], {}, "names no reference"),
        (AREA | FULL, [ONE | {"timerange": "2000/P1M"}], {}, "the years 2000/P1M are not whole ones"),
        (AREA | FULL, [ONE | {"timerange": "20000601/20010531"}], {}, "not whole ones"),
        (AREA | FULL, [ONE], {"variable": "tasmax"}, "tasmax is not known here"),
        (AREA | FULL, [ONE], {"variable": "xyz"}, "xyz is not known here"),
        (AREA | FULL | {"extract_levels": {"levels": [85000, 50000]}}, [ONE], {}, "not several levels"),
        (AREA | FULL | {"extract_region": {"start_longitude": 0}}, [ONE], {}, "options of extract_region"),
        (AREA | FULL | {"extract_region": BOX | {"end_latitude": 95}}, [ONE], {}, "options of extract_region"),
        (
            AREA | FULL | {"extract_region": BOX | {"end_latitude": float("nan")}},
            [ONE],
            {},
            "options of extract_region",
        ),
        (AREA | FULL | {"extract_month": {"month": 13}}, [ONE], {}, "options of extract_month"),
        (AREA | FULL | {"extract_point": {"latitude": 1, "longitude": 2, "scheme": "linear"}}, [ONE], {}, "nearest"),
        (FULL | {"extract_shape": {"shapefile": "Elbe.shp"}}, [ONE], {}, "of shapes"),
        (AREA | MONTHS | {"extract_season": {"season": "DJF"}}, [ONE], {}, "has no use for season"),
    ],
)
def test_what_no_recipe_does_quite_so_is_refused(
    steps: dict[str, Any], datasets: list[dict[str, Any]], more: dict[str, Any], why: str
) -> None:
    assert re.search(why, reason(steps, *datasets, **more))
