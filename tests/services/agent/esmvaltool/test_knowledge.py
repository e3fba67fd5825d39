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
            assert each.settings.keys() <= {"member", *(slot.name for slot in RECIPES[each.recipe].slots)}
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
        (SPREAD | ANNUAL | AREA, "variability", {"quantity": "standard deviation"}),
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
    assert known(steps | AREA | FULL, {"dataset": "CanESM5"}).settings[slot] == value


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
    assert known(AREA | ANNUAL, ONE).remarks == ("In a year's mean, months are weighed with their lengths.",)
    assert known(AREA | {"linear_trend": {}}, ONE).remarks == ("The trend is of the yearly means, a decade.",)
    winter = known(AREA | FULL | {"extract_season": {"season": "DJF"}}, ONE)
    assert winter.remarks[0].startswith("A season that passes the turn of the year")
    daily = known(AREA | FULL, ONE, mip="day")
    assert daily.remarks == ("Its data are of the table day: any frequency is taken here.",)


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


def test_years_may_be_numbers_and_meet_those_of_the_preprocessor() -> None:
    assert known(AREA | FULL, {"start_year": 1, "end_year": 150}).settings["period"] == Period(1, 150)
    met = known(AREA | FULL | {"clip_timerange": {"timerange": "1991/2020"}}, ONE)
    assert met.settings["period"] == Period(1991, 2010)


def test_the_member_is_kept_where_it_is_one() -> None:
    member = ONE | {"ensemble": "r2i1p1f1"}
    assert known(AREA, member).settings["member"] == "r2i1p1f1"
    several = known(AREA, member, ONE | {"ensemble": "r1i1p1f1"})
    assert "member" not in several.settings
    assert several.remarks == ("Its data sets are several members: name one where several are there.",)


def test_a_name_is_given_once() -> None:
    script = {"script": "climate_metrics/ecs.py"}
    recipe = {"diagnostics": {"d": {"variables": {"tas": {}, "rtnt": {}}, "scripts": {"a": script, "b": script}}}}
    found = [*knowledge(read("recipe_x.yml", yaml.safe_dump(recipe).encode()))]
    assert [each.name for each in found] == ["recipe_x/d"]


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
        ({"area_statistics": {"operator": "max"}}, [ONE], {}, "over space one mean"),
        ({"area_statistics": {"operator": "mean", "normalize": "divide"}}, [ONE], {}, "option normalize of area_stat"),
        (AREA | {"climate_statistics": {"operator": "max"}}, [ONE], {}, "over time full max"),
        (AREA | {"annual_statistics": {"operator": "max"}} | FULL, [ONE], {}, "over time annual max, full mean"),
        (AREA | SPREAD, [ONE], {}, "over time full std_dev"),
        (AREA | {"detrend": {}}, [ONE], {}, "no recipe here does detrend"),
        (AREA | FULL, [ONE | {"exp": ["historical", "ssp585"]}], {}, "of the facet exp, one name"),
        (AREA | FULL, [ONE | {"dataset": [1]}], {}, "of the facet dataset, one name"),
        (AREA | FULL, [{"start_year": [1], "end_year": 2005}], {}, "the years /2005 are not whole ones"),
        (AREA | FULL | {"clip_timerange": {"timerange": "1961/1970"}}, [ONE], {}, "do not meet"),
        (
            AREA | FULL | {"extract_season": {"season": "DJF"}, "extract_month": {"month": 1}},
            [ONE],
            {},
            "cut once by its season",
        ),
        (AREA | FULL | {"extract_season": {"season": ""}}, [ONE], {}, "options of extract_season"),
        (AREA | FULL | {"extract_levels": {"levels": float("nan")}}, [ONE], {}, "options of extract_levels"),
        (AREA | FULL | {"extract_levels": {"levels": -5}}, [ONE], {}, "options of extract_levels"),
        (AREA | {"anomalies": {"period": "month"}}, [ONE], {}, "names no such reference"),
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
        (
            AREA | FULL | {"extract_point": {"latitude": 1, "longitude": 2, "scheme": "linear"}},
            [ONE],
            {},
            "nearest cell",
        ),
        (FULL | {"extract_shape": {"shapefile": "Elbe.shp"}}, [ONE], {}, "of shapes"),
        (AREA | MONTHS | {"extract_season": {"season": "DJF"}}, [ONE], {}, "has no use for season"),
    ],
)
def test_what_no_recipe_does_quite_so_is_refused(
    steps: dict[str, Any], datasets: list[dict[str, Any]], more: dict[str, Any], why: str
) -> None:
    assert re.search(why, reason(steps, *datasets, **more))
