"""What ESMValCore's preprocessor functions do to a field, in terms of slots and of what is left of its dimensions.

Names, options and defaults are those of ESMValCore's documentation of the preprocessor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from tellurion_agent.esmvaltool.recipe_file import Facets, word
from tellurion_agent.planning.extraction.boxes import Impossible, box
from tellurion_agent.planning.extraction.seasons import INITIALS, months_from
from tellurion_agent.regions import GLOBAL, named
from tellurion_agent.slots import Level, Period, Region


class Unreadable(Exception):
    """There is no recipe here that does that; the reason is what the user is told."""


@dataclass
class Reduced:
    """What a chain of steps makes of a field."""

    in_ocean: bool
    """Whether levels are depths in m, and not pressures in Pa."""
    slots: dict[str, Any] = field(default_factory=dict)
    space: str = ""
    """``area`` or ``zonal`` where the mean over that is taken."""
    time: tuple[tuple[str, str], ...] = ()
    """Statistics over time, one after the other: period and operator."""
    trend: bool = False
    detrended: bool = False
    anomalies: bool = False
    left_out: tuple[str, ...] = ()
    """Steps that are not done here, as fields are read on their own grid and in one unit."""

    def place(self, region: Region) -> None:
        """Within a region, on its surface where one was named before."""
        before = self.slots.get("region", GLOBAL)
        self.slots["region"] = replace(region, surface=before.surface or region.surface)


def reduced(steps: Mapping[str, Facets], *, in_ocean: bool) -> Reduced:
    """What these steps make of a field. Raises Unreadable."""
    found = Reduced(in_ocean)
    for name, options in steps.items():
        if name in _LEFT_OUT:
            found.left_out += (name,)
        elif (step := _STEPS.get(name)) is None:
            raise Unreadable(f"no recipe here does {name}")
        else:
            try:
                step(options, found)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise Unreadable(f"the options of {name} are not understood ({word(str(error))})") from None
    return found


def years(text: str) -> Period:
    """``1850/2014``, ``18500101/20141231``. Raises ValueError for anything but whole years from one to another."""
    first, _, last = text.partition("/")
    for given, month_and_day in ((first, ("", "01", "0101")), (last, ("", "12", "1231", "1230"))):
        if not given.isdecimal() or given[4:] not in month_and_day or len(given) < 4:
            raise ValueError(f"{text} is not from one whole year to another")
    return _period(first[:4], last[:4])


def _period(first: Any, last: Any) -> Period:
    found = Period(int(first), int(last))
    if not 0 <= found.first <= found.last <= 9999:
        raise ValueError(f"{first} to {last}")
    return found


def _number(value: Any) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    return float(value)


def _dated(options: Facets) -> Period:
    """The years between the dates that options name."""
    whole = {"start_month": 1, "start_day": 1, "end_month": 12}
    if any(options.get(name) not in (None, month) for name, month in whole.items()):
        raise ValueError("not whole years")
    if options.get("end_day") not in (None, 30, 31):
        raise ValueError("not whole years")
    return _period(options["start_year"], options["end_year"])


def _extract_time(options: Facets, found: Reduced) -> None:
    found.slots["period"] = _dated(options)


def _clip_timerange(options: Facets, found: Reduced) -> None:
    found.slots["period"] = years(word(options["timerange"]))


def _extract_region(options: Facets, found: Reduced) -> None:
    west, east, south, north = (
        _number(options[f"{end}_{axis}"]) for axis in ("longitude", "latitude") for end in ("start", "end")
    )
    width = east - west if 0 < east - west <= 360 else (east - west) % 360
    found.place(_between(south, north, *((west % 360, west % 360 + width) if width < 360 else (0.0, 360.0))))


def _extract_point(options: Facets, found: Reduced) -> None:
    if options.get("scheme") != "nearest":
        raise Unreadable("points are taken from the nearest cell here, and not interpolated")
    latitude, longitude = _number(options["latitude"]), _number(options["longitude"]) % 360
    found.place(_between(latitude, latitude, longitude, longitude))
    found.space = "area"


def _between(south: float, north: float, west: float, east: float) -> Region:
    found = box((south, north), (west, east))
    if isinstance(found, Impossible) or south > north:
        raise ValueError(f"latitudes from {south:g} to {north:g}")
    return found


def _extract_shape(options: Facets, found: Reduced) -> None:
    ids = options.get("ids")
    chosen = next(iter(ids.values())) if isinstance(ids, Mapping) and len(ids) == 1 else ids
    region = named(f"srex {word(chosen[0])}") if isinstance(chosen, list) and len(chosen) == 1 else None
    if region is None or "srex" not in word(options.get("shapefile")).lower():
        raise Unreadable("of shapes, only a region of SREX is known")
    found.place(region)


def _mask_landsea(options: Facets, found: Reduced) -> None:
    surface = {"sea": "land", "land": "ocean"}[options["mask_out"]]
    region = found.slots.get("region", GLOBAL)
    name = f"global {surface}" if region == GLOBAL else region.name
    found.slots["region"] = replace(region, name=name, surface=surface)


def _extract_levels(options: Facets, found: Reduced) -> None:
    levels = options["levels"]
    if isinstance(levels, list) and len(levels) == 1:
        levels = levels[0]
    if not isinstance(levels, int | float) or options.get("coordinate", "air_pressure") not in (
        "air_pressure",
        "depth",
    ):
        raise Unreadable("one pressure or one depth is looked at here, and not several levels")
    found.slots["level"] = Level(levels, levels, "m") if found.in_ocean else Level(levels / 100, levels / 100, "hPa")


def _extract_volume(options: Facets, found: Reduced) -> None:
    if not found.in_ocean:
        raise Unreadable("layers are of the ocean here")
    found.slots["level"] = Level(_number(options["z_min"]), _number(options["z_max"]), "m")


def _extract_season(options: Facets, found: Reduced) -> None:
    initials = word(options["season"]).upper()
    start = (2 * INITIALS).index(initials)
    found.slots["season"] = months_from(start + 1, (start + len(initials) - 1) % 12 + 1)


def _extract_month(options: Facets, found: Reduced) -> None:
    month = int(options["month"])
    if not 1 <= month <= 12:
        raise ValueError(f"month {month}")
    found.slots["season"] = months_from(month, month)


def _area_statistics(options: Facets, found: Reduced) -> None:
    if options.get("operator", "mean") != "mean" or found.space:
        raise Unreadable("over an area the mean is taken here, once")
    found.space = "area"


def _zonal_statistics(options: Facets, found: Reduced) -> None:
    if options.get("operator", "mean") != "mean" or found.space:
        raise Unreadable("over longitudes the mean is taken here")
    found.space = "zonal"


def _climate_statistics(options: Facets, found: Reduced) -> None:
    found.time += ((_PERIODS[options.get("period", "full")], word(options.get("operator", "mean"))),)


def _annual_statistics(options: Facets, found: Reduced) -> None:
    found.time += (("annual", word(options.get("operator", "mean"))),)


def _monthly_statistics(options: Facets, found: Reduced) -> None:
    if options.get("operator", "mean") != "mean":
        raise Unreadable("of a month the mean is taken here")


def _anomalies(options: Facets, found: Reduced) -> None:
    if options.get("standardize"):
        raise Unreadable("anomalies are not divided by their standard deviation here")
    reference = options.get("reference")
    if not isinstance(reference, Mapping):
        raise Unreadable("anomalies are of one period from another here, and the recipe names no reference")
    found.slots["base"], found.anomalies = _dated(reference), True


def _linear_trend(options: Facets, found: Reduced) -> None:
    found.trend = True


def _detrend(options: Facets, found: Reduced) -> None:
    if options.get("method", "linear") != "linear":
        raise Unreadable("trends that are taken out are linear here")
    found.detrended = True


_PERIODS = {
    "full": "full",
    **dict.fromkeys(("month", "monthly", "mon"), "month"),
}
_STEPS: Mapping[str, Callable[[Facets, Reduced], None]] = MappingProxyType(
    {
        "anomalies": _anomalies,
        "annual_statistics": _annual_statistics,
        "area_statistics": _area_statistics,
        "climate_statistics": _climate_statistics,
        "clip_timerange": _clip_timerange,
        "detrend": _detrend,
        "extract_levels": _extract_levels,
        "extract_month": _extract_month,
        "extract_point": _extract_point,
        "extract_region": _extract_region,
        "extract_season": _extract_season,
        "extract_shape": _extract_shape,
        "extract_time": _extract_time,
        "extract_volume": _extract_volume,
        "linear_trend": _linear_trend,
        "mask_landsea": _mask_landsea,
        "monthly_statistics": _monthly_statistics,
        "zonal_statistics": _zonal_statistics,
    }
)
_LEFT_OUT = frozenset(
    {
        "align_metadata",
        "convert_units",
        "custom_order",
        "ensemble_statistics",
        "mask_fillvalues",
        "multi_model_statistics",
        "regrid",
        "regrid_time",
    }
)
"""Steps that do not change what is asked: grids, units, and what is made of several data sets beside each."""
