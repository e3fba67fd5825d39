# ruff: noqa: E501 — a wording is one line
"""The sea below its surface, its ice, and its heat."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from ..fields import DAYS, EARTH_RADIUS, Array, Box, Field, Series, trends
from ..ocean import DEPTHS, layers
from ..request import Answer, Request, Within, any_of, spread
from ..wording import ARCTIC, GLOBE, NORTH, SOUTH, TROPICS, Ask, Case, boxed, period, requests, source
from ..world import World

HEAT_CAPACITIES = (1025 * 3850.0, 1025 * 3985.0, 1026 * 3991.868, 1035 * 3992.0)
"""J m-3 K-1, of the constants in use."""
PACIFIC: Box = (-10, 10, 150, 270)

OHC = {
    "change": (
        "How much did the global ocean heat content of the upper {depth} m change from {earlier} to {later} {source}? In ZJ.",
        "OHC change 0-{depth} m, {later} minus {earlier}, {data}, ZJ",
        "Ocean heat content 0–{depth}m in {data}: mean of {later} minus mean of {earlier}",
        "by how many zettajoules the ocean above {depth} m gained heat between {earlier} and {later} in {data}",
        "*heat gained by the top {depth} metres of the ocean, {later} relative to {earlier}, {data} (J)",
    ),
    "trend": (
        "What is the trend of global 0-{depth} m ocean heat content {source} {period}, in ZJ per year?",
        "OHC{depth} trend {data} {years} J/yr",
        "Rate of change of the upper {depth} m ocean heat content, {data}, {years}, please in J per year.",
        "linear trend ocean heat content upper {depth} meters {data} {years}",
        "How quickly does heat accumulate in the upper {depth} m of the ocean in {data} {period} (ZJ/decade)?",
        "*{data} {years}: tendency of the heat content of the 0–{depth} m layer",
    ),
    "flux": ("What ocean heat uptake in W m-2 of ocean area does the 0-{depth} m trend {source} {period} imply?",),
}
AMOC = {
    "strength": (
        "What is the mean AMOC strength at 26.5°N {source} {period}?",
        "AMOC 26.5N {data} {years} Sv",
        "How strong is the Atlantic meridional overturning at 26.5N in {data} on average {period}?",
        "compute max of the overturning streamfunction at 26.5°N, {data}, {years} mean",
        "mean atlantic overturning strength at RAPID latitude 26.5N in model {data}, {years}, in Sverdrup",
        "*Give the time-mean AMOC ({data}, 26.5 degrees north, {years}).",
    ),
    "deviation": (
        "Interannual standard deviation of the annual-mean AMOC strength at 26.5°N {source} {period}?",
        "std of annual AMOC 26.5N, {data}, {years}",
        "*How much does annual mean AMOC strength at 26.5N fluctuate (std), {data} {years}?",
    ),
    "depth": (
        "At what depth is the mean AMOC streamfunction at 26.5°N strongest {source}, {years}?",
        "depth of the AMOC maximum at 26.5N, {data} {years}",
    ),
    "year": (
        "What was the annual mean AMOC at 26.5°N in {year} {source}?",
        "AMOC strength {year} annual mean 26.5N {data}",
    ),
}
THERMOCLINE = {
    "whole": (
        "What is the mean depth of the 20 °C isotherm in the equatorial Pacific ({pacific}) {source} {period}?",
        "D20 mean {pacific} {data} {years}",
        "Thermocline depth (20°C isotherm), {pacific}, {data}, {years}?",
        "how deep is in average the 20 degree isotherm in {pacific}, {data}, {years}",
        "Depth of the thermocline, taken as 20 °C isotherm, averaged over {pacific}, {data} climatology {years}",
        "*Z20 averaged over {pacific} in {data} ({years})",
    ),
    "half": (
        "Mean 20 °C isotherm depth in the {side} equatorial Pacific ({half}) {source}, {years}?",
        "D20 {half} {data} {years}",
        "thermocline (20C) depth of {side} Pacific {half}, {data}, {years}",
        "In {data}, at which depth lies the 20°C isotherm over {half} ({years} mean)?",
        "*{half}: depth of 20 °C water, {data} mean {years}",
    ),
    "difference": (
        "How much deeper is the 20 °C isotherm in {west} than in {east} {source}, {years}?",
        "tilt of thermocline: D20 {west} minus D20 {east}, {data} {years}",
    ),
}
ICE = {
    "extent": (
        "What is the mean {month} sea ice extent in the {hemisphere} {source} {period}?",
        "{hemisphere} {month} sea ice extent {data} {years} million km2",
        "Average {month} sea-ice extent (15 % threshold), {hemisphere}, {data}, {years}",
        "how many square kilometers of sea ice extent has the {hemisphere} in {month}, {data}, {years} mean?",
        "mean {month} SIE {hemisphere} {data} {years}",
        "*extent of {hemisphere} sea ice in {month}, averaged {period}, {data}",
    ),
    "area": (
        "What is the mean {month} sea ice area (not extent) in the {hemisphere} {source} {period}?",
        "sea ice area {hemisphere} {month} mean {data} {years}, 10^6 km2",
        "*{month} ice-covered area (concentration times cell area), {hemisphere}, {data}, {years}",
    ),
    "trend": (
        "What is the trend of September Arctic sea ice extent {source} {period}, in million km2 per decade?",
        "september arctic sea ice extent trend {data} {years}",
        "How quickly does Arctic September ice extent shrink in {data}, {years}? (km2 per decade)",
    ),
    "loss": (
        "By how much is {data}'s mean September Arctic sea ice extent of 2005-2014 smaller than that of 1980-1989?",
    ),
}
LEVELS = {
    "ta": (
        "What is the mean air temperature at {level} hPa {region} in ERA5, 2005–2014?",
        "ERA5 ta {level} hPa {area} 2005-2014 mean",
        "average temperature on the {level} hPa surface, {area}, ERA5 2005-2014, in °C",
        "how cold is the air at {level} hPa {region} according to ERA5 (2005-2014)",
        "*T{level} climatology ERA5 2005–2014 {area}",
    ),
    "zg": (
        "Mean geopotential height at {level} hPa {region}, ERA5, 2005-2014?",
        "Z{level} ERA5 {area} 2005-2014 average (m)",
        "*what is the average height of the {level} hPa level {region} in ERA5, 2005–2014",
    ),
    "so": (
        "What is the mean salinity at {depth} m depth {region} in IAP, 2005-2014?",
        "IAP salinity {depth}m {area} 2005-2014",
        "how salty is sea water at {depth} m in IAP, {area}, 2005-2014 average",
        "average ocean salinity in {depth} metres depth {region}, data IAP, 2005 to 2014",
        "*so at {depth} m, IAP, {area}, mean 2005–2014, psu",
    ),
}
BUDGET = {
    "zonal": (
        "In IPSL-CM6A-LR, what is the zonal advection term (-u dT/dx) of the mixed-layer heat budget over {box}, 0-50 m, 1990–1999, in K per month?",
        "zonal heat advection -u*dT/dx, IPSL-CM6A-LR, {box}, upper 50 m, 1990-1999, K/month",
        "How much does zonal advection warm the upper 50 m of {box} in IPSL-CM6A-LR (1990-1999, K/month)?",
        "*IPSL-CM6A-LR 1990-1999 {box}: mean zonal temperature advection in the top 50 m, K/month",
    ),
    "vertical": (
        "Vertical advection term (-w dT/dz) over {box}, 0-50 m, IPSL-CM6A-LR, 1990-1999, in K per month?",
        "heat budget IPSL-CM6A-LR {box} 0-50m: vertical advection, 1990-1999, K/month",
        "how much does upwelling cool the top 50 m of {box} in IPSL-CM6A-LR, K per month, mean of 1990–1999",
    ),
    "meridional": (
        "Meridional advection (-v dT/dy) in the 0-50 m heat budget of {box}, IPSL-CM6A-LR, 1990-1999, K/month?",
        "meridional heat advection IPSL-CM6A-LR upper 50 m {box} 1990-1999",
    ),
    "surface": (
        "What warming rate does the surface heat flux give for a 50 m layer over {box} in IPSL-CM6A-LR, 1990-1999, in K per month?",
        "surface flux term hfds/(rho cp h), h = 50 m, {box}, IPSL-CM6A-LR 1990-1999, K/month",
        "*Q/(rho*cp*50m) averaged over {box}, IPSL-CM6A-LR, 1990–1999, in K/month",
    ),
    "flux": ("Mean net surface heat flux into the ocean over {box} in IPSL-CM6A-LR, 1990–1999?",),
}  # fmt: skip


def questions(world: World) -> Iterator[Request]:
    """All of this file's."""
    yield from requests(world, "heat-content", OHC, _heat)
    yield from requests(world, "amoc", AMOC, _amoc)
    yield from requests(world, "thermocline", THERMOCLINE, _thermocline)
    yield from requests(world, "sea-ice", ICE, _ice)
    yield from requests(world, "levels", LEVELS, _levels)
    yield from requests(world, "heat-budget", BUDGET, _budget)


@lru_cache
def heat(world: World, data: str, depth: float) -> Series:
    """Volume-integrated temperature above a depth, K m³: the layer that straddles it is clipped."""
    field = world.field("thetao", data)
    edges = np.minimum(layers(DEPTHS), depth)
    columns = np.einsum("tzyx,z->tyx", field.values, np.diff(edges))
    return Series(field.year, field.month, np.nansum(columns * field.areas, axis=(1, 2)))


def wet_area(world: World, data: str) -> float:
    """Area of the sea's surface, m²."""
    field = world.field("thetao", data)
    return float(field.areas[np.isfinite(field.values[0, 0])].sum())


def _heat(ask: Ask) -> Case:
    data, depth = ask.one(("IAP", "MPI-ESM1-2-LR")), ask.one((300, 700, 700, 2000))
    years = ask.one(((1980, 2014), (1985, 2014), (1980, 2010)))
    earlier, later = ask.one((((1980, 1989), (2005, 2014)), ((1980, 1994), (2000, 2014)), ((1981, 1990), (2001, 2010))))
    slots = {
        "depth": str(depth), "earlier": period(*earlier)["dashed"], "later": period(*later)["dashed"],
        **period(*years), **source(data),
    }  # fmt: skip
    content = heat(ask.world, data, depth)
    if ask.kind == "change":
        pairs = zip(content.between(*later).means(), content.between(*earlier).means(), strict=True)
        found = [c * (a - b) for a, b in pairs for c in HEAT_CAPACITIES]
        return Case(
            slots, spread(found, "J", relative=0.025), "the straddling layer clipped; ρ cₚ of any usual constant"
        )
    slopes = [c * slope for slope in trends(content.between(*years)) for c in HEAT_CAPACITIES]
    if ask.kind == "trend":
        return Case(slots, spread(slopes, "J year-1", relative=0.025), "the straddling layer clipped; any usual ρ cₚ")
    seconds = 365.25 * 86400 * wet_area(ask.world, data)
    return Case(slots, spread([s / seconds for s in slopes], "W m-2", relative=0.03), "per area of the sea")


def _amoc(ask: Ask) -> Case:
    data = ask.one(("MPI-ESM1-2-LR", "CESM2"))
    years = ask.one(((1990, 2014), (1995, 2014), (1990, 2009)))
    year = int(ask.rng.integers(1992, 2013))
    slots = {"year": str(year), **period(*years), **source(data)}
    strength, depth = overturning(ask.world, data)
    relative = 0.04 if data == "CESM2" else 0.02
    if ask.kind == "strength":
        return Case(slots, spread(strength.between(*years).means(), "Sv", relative=relative), "the greatest over depth")
    if ask.kind == "year":
        return Case(slots, spread(strength.between(year, year).means(), "Sv", relative=relative), "the year's mean")
    if ask.kind == "depth":
        return Case(slots, Within(*depth, "m"), "an edge of a layer, or the centre of one beside it")
    found = []
    for by_days in (False, True):
        means = strength.between(*years).annual(by_days=by_days)[1]
        found += [float(np.std(means, ddof=ddof)) for ddof in (0, 1)]
    return Case(slots, spread(found, "Sv", relative=relative + 0.02), "of annual means; N or N − 1")


def overturning(world: World, data: str) -> tuple[Series, tuple[float, float]]:
    """Strength by month in Sv, and the bounds between which the depth of the maximum may be told, m."""
    if data == "CESM2":
        field = world.field("msftmz", data)
        return Series(field.year, field.month, field.values[:, :, 2, 0].max(axis=1)), (950, 1050)
    field = world.field("vo", data)
    psi = world.streamfunction
    assert field.lev is not None
    edge = int(psi.mean(axis=0).argmax())
    return Series(field.year, field.month, psi.max(axis=1)), (
        float(field.lev[edge - 1]) - 1,
        float(field.lev[edge]) + 1,
    )


def isotherm(field: Field, degrees: float = 20.0) -> Array:
    """Depth of an isotherm by column [Y, X] of the mean field, linear between levels, m."""
    mean = field.climatology()
    depths = np.full(mean.shape[1:], np.nan)
    assert field.lev is not None
    for y, x in np.ndindex(depths.shape):
        column = mean[:, y, x]
        if np.isfinite(column).all() and column.max() > degrees > column.min():
            depths[y, x] = np.interp(-degrees, -column, field.lev)
    return depths


def _thermocline(ask: Ask) -> Case:
    data, years = ask.one(("IAP", "MPI-ESM1-2-LR")), ask.one(((1980, 2014), (1985, 2014), (1995, 2014)))
    field = ask.world.field("thetao", data).between(*years)
    image = isotherm(field)
    west, east = (-10.0, 10.0, 150.0, 210.0), (-10.0, 10.0, 210.0, 270.0)
    side, half = ask.one((("western", west), ("eastern", east)))
    slots = {
        "pacific": boxed(*PACIFIC).names, "side": side, "half": boxed(*half).names, "west": boxed(*west).names,
        "east": boxed(*east).names, **period(*years), **source(data),
    }  # fmt: skip
    if ask.kind == "difference":
        value = field.over(image, west) - field.over(image, east)
        return Case(slots, Answer(value, "m", 0.04, 1.5), "linear between levels")
    value = field.over(image, PACIFIC if ask.kind == "whole" else half)
    return Case(slots, Answer(value, "m", 0.025), "linear between levels")


def extent(world: World, data: str, north: bool, *, area: bool = False) -> Series:
    """Area of the cells with at least 15 % ice, or of the ice itself, 10⁶ km²."""
    field = world.field("siconc", data)
    half = (field.lat > 0) == north
    covered = field.values / 100 if area else (field.values >= 15).astype(float)
    total = (covered * field.areas * half[:, None]).sum(axis=(1, 2)) / 1e12
    return Series(field.year, field.month, total)


def _ice(ask: Ask) -> Case:
    data, years = ask.one(("HadISST", "MIROC6")), ask.one(((1980, 2014), (1985, 2014), (1980, 2009)))
    name, number = ask.one((("September", 9), ("March", 3), ("February", 2), ("September", 9)))
    hemisphere = ask.one(
        (("Arctic", True), ("Antarctic", False), ("Northern Hemisphere", True), ("Southern Hemisphere", False))
    )
    slots = {"month": name, "hemisphere": hemisphere[0], **period(*years), **source(data)}
    if ask.kind in ("extent", "area"):
        series = extent(ask.world, data, hemisphere[1], area=ask.kind == "area").between(*years)
        return Case(
            slots, Answer(series.mean([number]), "1e6 km2", 0.02, 0.01), "cells of 15 % or more, or the ice's own area"
        )
    series = extent(ask.world, data, True)
    if ask.kind == "loss":
        value = series.between(1980, 1989).mean([9]) - series.between(2005, 2014).mean([9])
        found = any_of(*(Answer(sign * value, "1e6 km2", 0.03, 0.01) for sign in (1, -1)))
        return Case(slots, found, "the extents' difference, by either sign")
    slopes = [10 * slope for slope in trends(series.between(*years), [9])]
    return Case(slots, spread(slopes, "1e6 km2 (10 year)^-1", relative=0.03), "of each September's extent")


def _levels(ask: Ask) -> Case:
    region = ask.one((GLOBE, NORTH, SOUTH, TROPICS) if ask.kind == "so" else (GLOBE, NORTH, SOUTH, TROPICS, ARCTIC))
    level, depth = ask.one((850, 500, 250)), ask.one((50, 100, 200, 500))
    slots = {"level": str(level), "depth": str(depth), **region.slots}
    data = "IAP" if ask.kind == "so" else "ERA5"
    found = ask.world.field(ask.kind, data).level(depth if ask.kind == "so" else level).mean(region.box).means()
    units, absolute = {"ta": ("degC", 0.15), "zg": ("m", 5.0), "so": ("1e-3", 0.02)}[ask.kind]
    return Case(slots, spread(found, units, relative=0, absolute=absolute), "the stored level's area mean")


@lru_cache
def budget(world: World) -> dict[str, float]:
    """Terms over the whole box and the upper 50 m, K s-1, and the flux in W m-2 (its term for ρ cₚ = 1)."""
    fields = {name: world.field(name, "IPSL-CM6A-LR") for name in ("thetao", "uo", "vo", "wo", "hfds")}
    theta = fields["thetao"]
    assert theta.lev is not None
    upper = theta.lev < 50
    metres = EARTH_RADIUS * np.pi / 180
    east = np.gradient(theta.values, theta.lon, axis=3) / (metres * np.cos(np.radians(theta.lat))[:, None])
    north = np.gradient(theta.values, theta.lat, axis=2) / metres
    up = -np.gradient(theta.values, theta.lev, axis=1)
    terms = {}
    for name, velocity, gradient in (("zonal", "uo", east), ("meridional", "vo", north), ("vertical", "wo", up)):
        layer = (-fields[velocity].values * gradient)[:, upper].mean(axis=1)
        terms[name] = fields["hfds"].with_values(layer).mean().mean()
    terms["flux"] = fields["hfds"].mean().mean()
    return terms


def _budget(ask: Ask) -> Case:
    terms = budget(ask.world)
    names = boxed(-10, 10, 150, 270).names
    slots = {"box": [f"the equatorial Pacific ({name})" for name in names]}
    if ask.kind == "flux":
        return Case(slots, Answer(terms["flux"], "W m-2", 0.02), "hfds, downward positive")
    month = float(DAYS.mean()) * 86400
    value = terms["flux"] / 50 if ask.kind == "surface" else terms[ask.kind]
    factors = [1 / c for c in HEAT_CAPACITIES] if ask.kind == "surface" else [1.0]
    found = [value * factor * month for factor in factors]
    per_month = spread(found, "K month-1", relative=0.04, absolute=0.002, difference=True)
    return Case(slots, per_month, "uniform gradients and currents: exact by any difference scheme")
