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
from tellurion_agent.regions import named
from tellurion_agent.slots import Level, Period, Region


class Unreadable(Exception):
    """There is no recipe here that does that; the reason is what the user is told."""


@dataclass
class Reduced:
    """What a chain of steps makes of a field."""

    in_ocean: bool
    """Whether levels are depths in m, and not pressures in Pa."""
    cuts: dict[str, Any] = field(default_factory=dict)
    """What is taken out of it, by the name of the slot; `surface` of the region's."""
    space: str = ""
    """``area`` or ``zonal`` where the mean over that is taken."""
    time: frozenset[str] = frozenset()
    """What is done over time: ``annual mean``, ``full mean``, ``trend``. In which order is ESMValCore's to say."""
    remarks: tuple[str, ...] = ()
    """Where the numbers here may differ."""

    def cut(self, slot: str, value: Any) -> None:
        """Raises Unreadable where it was cut so before."""
        if slot in self.cuts:
            raise Unreadable(f"a field is cut once by its {slot} here, and not twice")
        self.cuts[slot] = value

    @property
    def slots(self) -> dict[str, Any]:
        """The cuts, as slots."""
        found = {name: value for name, value in self.cuts.items() if name != "surface"}
        if surface := self.cuts.get("surface"):
            region = found.get("region", Region(f"global {surface}"))
            found["region"] = replace(region, surface=surface)
        return found


def reduced(steps: Mapping[str, Facets], *, in_ocean: bool) -> Reduced:
    """What these steps make of a field. Raises Unreadable."""
    found, left_out = Reduced(in_ocean), []
    for name, options in steps.items():
        if name in _NOTHING:
            continue
        if name in _LEFT_OUT:
            left_out.append(name)
            continue
        if name not in _STEPS:
            raise Unreadable(f"no recipe here does {name}")
        step, known = _STEPS[name]
        if unknown := [word(option) for option in options if option not in known.split()]:
            raise Unreadable(f"no recipe here has the option {unknown[0]} of {name}")
        try:
            step(options, found)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unreadable(f"the options of {name} are not understood ({word(str(error))})") from None
    if left_out:
        are = "is" if len(left_out) == 1 else "are"
        found.remarks += (f"ESMValTool's {', '.join(left_out)} {are} not done here.",)
    if "annual mean" in found.time:
        found.remarks += ("In a year's mean, months are weighed with their lengths.",)
    if "trend" in found.time:
        found.remarks += ("The trend is of the yearly means, a decade.",)
    if (season := found.cuts.get("season")) is not None and 12 in season.months and 1 in season.months[1:]:
        found.remarks += ("A season that passes the turn of the year counts to the year in which it ends.",)
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
    found.cut("period", _dated(options))


def _clip_timerange(options: Facets, found: Reduced) -> None:
    found.cut("period", years(word(options["timerange"])))


def _extract_region(options: Facets, found: Reduced) -> None:
    west, east, south, north = (
        _number(options[f"{end}_{axis}"]) for axis in ("longitude", "latitude") for end in ("start", "end")
    )
    width = east - west if 0 < east - west <= 360 else (east - west) % 360
    sides = (west % 360, west % 360 + width) if width < 360 else (0.0, 360.0)
    found.cut("region", _between(south, north, *sides))


def _extract_point(options: Facets, found: Reduced) -> None:
    if options.get("scheme") != "nearest" or found.space:
        raise Unreadable("points are taken from the nearest cell here, and not interpolated")
    latitude, longitude = _number(options["latitude"]), _number(options["longitude"]) % 360
    found.cut("region", _between(latitude, latitude, longitude, longitude))
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
    found.cut("region", region)


def _mask_landsea(options: Facets, found: Reduced) -> None:
    found.cut("surface", {"sea": "land", "land": "ocean"}[options["mask_out"]])


def _extract_levels(options: Facets, found: Reduced) -> None:
    levels = options["levels"]
    if isinstance(levels, list) and len(levels) == 1:
        levels = levels[0]
    known = options.get("coordinate", "air_pressure") in ("air_pressure", "depth")
    if isinstance(levels, list | Mapping | str) or not known:
        raise Unreadable("one pressure or one depth is looked at here, and not several levels")
    found.cut("level", _level(_number(levels), _number(levels), in_ocean=found.in_ocean))


def _extract_volume(options: Facets, found: Reduced) -> None:
    if not found.in_ocean:
        raise Unreadable("layers are of the ocean here")
    found.cut("level", _level(_number(options["z_min"]), _number(options["z_max"]), in_ocean=True))


def _level(upper: float, lower: float, *, in_ocean: bool) -> Level:
    if not 0 <= upper <= lower:
        raise ValueError(f"a level from {upper:g} to {lower:g}")
    return Level(upper, lower, "m") if in_ocean else Level(upper / 100, lower / 100, "hPa")


def _extract_season(options: Facets, found: Reduced) -> None:
    initials = word(options["season"]).upper()
    if not 2 <= len(initials) <= 12:
        raise ValueError(f"season {initials}")
    start = (2 * INITIALS).index(initials)
    found.cut("season", months_from(start + 1, (start + len(initials) - 1) % 12 + 1))


def _extract_month(options: Facets, found: Reduced) -> None:
    month = int(options["month"])
    if not 1 <= month <= 12:
        raise ValueError(f"month {month}")
    found.cut("season", months_from(month, month))


def _area_statistics(options: Facets, found: Reduced) -> None:
    _mean_over("area", options, found)


def _zonal_statistics(options: Facets, found: Reduced) -> None:
    _mean_over("zonal", options, found)


def _mean_over(space: str, options: Facets, found: Reduced) -> None:
    if options.get("operator", "mean") != "mean" or found.space:
        raise Unreadable("over space one mean is taken here, and no other statistic")
    found.space = space


def _climate_statistics(options: Facets, found: Reduced) -> None:
    found.time |= {f"{_PERIODS[options.get('period', 'full')]} {word(options.get('operator', 'mean'))}"}


def _annual_statistics(options: Facets, found: Reduced) -> None:
    found.time |= {f"annual {word(options.get('operator', 'mean'))}"}


def _monthly_statistics(options: Facets, found: Reduced) -> None:
    if options.get("operator", "mean") != "mean":
        raise Unreadable("of a month the mean is taken here")


def _anomalies(options: Facets, found: Reduced) -> None:
    reference = options.get("reference")
    if options.get("standardize") or not isinstance(reference, Mapping):
        raise Unreadable("anomalies are of one period from another here, and the recipe names no such reference")
    found.cut("base", _dated(reference))
    found.time |= {"anomaly"}


def _linear_trend(options: Facets, found: Reduced) -> None:
    found.time |= {"trend"}


_PERIODS = {"full": "full", **dict.fromkeys(("month", "monthly", "mon"), "month")}
_DATES = " ".join(f"{end}_{part}" for end in ("start", "end") for part in ("year", "month", "day"))
_STEPS: Mapping[str, tuple[Callable[[Facets, Reduced], None], str]] = MappingProxyType(
    {
        "anomalies": (_anomalies, "period reference standardize"),
        "annual_statistics": (_annual_statistics, "operator"),
        "area_statistics": (_area_statistics, "operator"),
        "climate_statistics": (_climate_statistics, "operator period"),
        "clip_timerange": (_clip_timerange, "timerange"),
        "extract_levels": (_extract_levels, "levels scheme coordinate"),
        "extract_month": (_extract_month, "month"),
        "extract_point": (_extract_point, "latitude longitude scheme"),
        "extract_region": (_extract_region, "start_longitude end_longitude start_latitude end_latitude"),
        "extract_season": (_extract_season, "season"),
        "extract_shape": (_extract_shape, "shapefile ids method crop decomposed"),
        "extract_time": (_extract_time, _DATES),
        "extract_volume": (_extract_volume, "z_min z_max"),
        "linear_trend": (_linear_trend, "coordinate"),
        "mask_landsea": (_mask_landsea, "mask_out"),
        "monthly_statistics": (_monthly_statistics, "operator"),
        "zonal_statistics": (_zonal_statistics, "operator"),
    }
)
"""What each does, and which of its options it knows."""
_NOTHING = frozenset({"align_metadata", "custom_order", "regrid_time"})
"""What changes no number."""
_LEFT_OUT = frozenset({"convert_units", "ensemble_statistics", "mask_fillvalues", "multi_model_statistics", "regrid"})
"""Steps that do not change what is asked: grids, units, and what is made of several data sets beside each."""
