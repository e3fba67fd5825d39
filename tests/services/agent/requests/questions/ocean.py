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
        "+How many joules did the top {depth} m of the world ocean take up from {earlier} to {later}? {data}",
        "+{data}: global OHC, surface to {depth} m, average {later} less average {earlier}, in zettajoules",
        "+For a budget of the Earth's energy, please work out the rise in ocean heat content above {depth} m between the periods {earlier} and {later} with {data}.",
        "+heat storage change ocean 0–{depth} m, {data}, ({later}) − ({earlier})",
        "=Heat uptake of the global ocean between {earlier} and {later}: OHC(0–{depth} m) difference in {data}, ZJ?",
        "=How much more heat (in 10^21 J) did the 0-{depth} m layer of the world ocean hold in {later} than in {earlier}, according to {data}?",
        "=ΔOHC{depth} {data} [{later} minus {earlier}] in J",
        "=I'm an engineer curious about ocean warming: energy gained by the upper {depth} m of all oceans, mean {later} less mean {earlier}, {data}, in joules please.",
    ),
    "trend": (
        "What is the trend of global 0-{depth} m ocean heat content {source} {period}, in ZJ per year?",
        "OHC{depth} trend {data} {years} J/yr",
        "Rate of change of the upper {depth} m ocean heat content, {data}, {years}, please in J per year.",
        "linear trend ocean heat content upper {depth} meters {data} {years}",
        "How quickly does heat accumulate in the upper {depth} m of the ocean in {data} {period} (ZJ/decade)?",
        "*{data} {years}: tendency of the heat content of the 0–{depth} m layer",
        "+At what rate is the upper {depth} m of the ocean gaining heat in {data} {period}? ZJ per year.",
        "+{data}, {years}: dOHC/dt for 0-{depth} m, global, J per year",
        "+I want a line fitted to global ocean heat content down to {depth} m {source}, {years}; what is its slope?",
        "+Ocean warming expressed as heat content tendency of the layer 0–{depth} m, {data} {years}, ZJ per decade",
        "+how much heat per year goes in the ocean above {depth} m, {data}, linear trend of {years}?",
        "=Ocean heat content 0–{depth} m: linear rate in ZJ/yr, {data}, {years}",
        "=How many zettajoules per year does the ocean down to {depth} m gain {source} {period} (regression)?",
        "=Please provide slope of the global OHC time series, upper {depth} m, from {data} for {years}, unit ZJ/year.",
        "=OHC({depth} m) tendency {period}, {data}, J/yr, least squares",
        "=Decadal rate of global upper-ocean (0-{depth} m) heat gain in {data}, {years}, ZJ per decade?",
    ),
    "flux": (
        "What ocean heat uptake in W m-2 of ocean area does the 0-{depth} m trend {source} {period} imply?",
        "+Convert the heat content trend of the upper {depth} m {source} {period} into a flux per square metre of ocean surface (W/m2).",
        "=Planetary heat uptake view: 0–{depth} m OHC trend in {data}, {years}, divided by the ocean surface area, in W/m²?",
    ),
}
AMOC = {
    "strength": (
        "What is the mean AMOC strength at 26.5°N {source} {period}?",
        "AMOC 26.5N {data} {years} Sv",
        "How strong is the Atlantic meridional overturning at 26.5N in {data} on average {period}?",
        "compute max of the overturning streamfunction at 26.5°N, {data}, {years} mean",
        "mean atlantic overturning strength at RAPID latitude 26.5N in model {data}, {years}, in Sverdrup",
        "*Give the time-mean AMOC ({data}, 26.5 degrees north, {years}).",
        "+Time-averaged transport of the Atlantic overturning at 26.5°N {source} {period}, in Sv?",
        "+How many Sverdrup does the AMOC carry at 26.5 N in {data} ({years})?",
        "+{data} {years}: maximum over depth of the Atlantic meridional streamfunction, latitude 26.5N, mean",
        "+To compare with the RAPID array I need the model's mean overturning at 26.5°N; model {data}, years {years}.",
        "+AMOC intensity for {data} at 26.5 degrees north please, averaged {period}",
        "=Mean strength of the Atlantic overturning cell at 26.5°N, {data}, {years}, Sv?",
        "=AMOC index (max. streamfunction, 26.5N): {data} average of {years}",
        "=How vigorous is the AMOC at the RAPID section (26.5°N) {source}, mean over {dashed}, in Sverdrups?",
        "=Please what is the {years} average of overturning at 26.5 degree North in Atlantic of {data}?",
        "=For a model documentation paper: {data}, {years}, mean AMOC at 26.5°N in Sv",
    ),
    "deviation": (
        "Interannual standard deviation of the annual-mean AMOC strength at 26.5°N {source} {period}?",
        "std of annual AMOC 26.5N, {data}, {years}",
        "*How much does annual mean AMOC strength at 26.5N fluctuate (std), {data} {years}?",
        "+From year to year, how unsteady is the AMOC at 26.5°N in {data}? Standard deviation of annual means, {years}.",
        "+sigma (annual averages) of overturning strength 26.5N, {data}, {years}, Sv",
        "=Interannual AMOC variability at 26.5°N in {data}, {years}: std of the yearly means, in Sv",
        "=By how many Sv (one standard deviation) does the annual AMOC at 26.5N vary {source} {period}?",
    ),
    "depth": (
        "At what depth is the mean AMOC streamfunction at 26.5°N strongest {source}, {years}?",
        "depth of the AMOC maximum at 26.5N, {data} {years}",
        "+How deep down does the mean Atlantic overturning at 26.5°N reach its maximum in {data}, {years}?",
        "+{data}, {years}, AMOC at 26.5N: level of the streamfunction maximum in metres",
        "=Where in the vertical does the {years} mean AMOC streamfunction of {data} peak at 26.5°N? Depth in m.",
        "=depth (m) of maximum Atlantic overturning, 26.5N, {data}, climatology {years}",
    ),
    "year": (
        "What was the annual mean AMOC at 26.5°N in {year} {source}?",
        "AMOC strength {year} annual mean 26.5N {data}",
        "+For {year} alone, what was the AMOC strength at 26.5°N in {data} (annual mean)?",
        "+{data}: overturning at 26.5 N, average of the twelve months of {year}, Sv",
        "=AMOC at 26.5°N, year {year}, {data}: annual average in Sv?",
        "=How many Sverdrups on average did the Atlantic overturning at 26.5N have in {year} in the {data} run?",
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
        "+At which depth does the water cool to 20 °C in the tropical Pacific ({pacific})? {data}, mean of {years}",
        "+{data} / Z20 / {pacific} / {years} average",
        "+Please determine how far below the surface the 20-degree isotherm runs on average in {pacific} {source} {period}.",
        "+Thermocline depth is needed for a delayed-oscillator model: D20 mean, {pacific}, {data}, {years}.",
        "+mean depth 20°C level, {pacific}, from {data} temperatures, {years}",
        "=Average 20 °C isotherm depth of {pacific}, {data}, {years}, in metres?",
        "=Thermocline (Z20) climatology: {data}, {pacific}, mean over {dashed}",
        "=In the {years} mean of {data}, how many metres down is the 20°C surface on average over {pacific}?",
        "=We compare warm water volume proxies and need mean D20 {source} for {pacific} {period}.",
        "=Please compute mean depth where potential temperature equals 20 °C, {pacific}, dataset {data}, time {years}.",
    ),
    "half": (
        "Mean 20 °C isotherm depth in the {side} equatorial Pacific ({half}) {source}, {years}?",
        "D20 {half} {data} {years}",
        "thermocline (20C) depth of {side} Pacific {half}, {data}, {years}",
        "In {data}, at which depth lies the 20°C isotherm over {half} ({years} mean)?",
        "*{half}: depth of 20 °C water, {data} mean {years}",
        "+How deep does the thermocline lie in the {side} equatorial Pacific, {half}? Take the 20°C isotherm of {data}, {years}.",
        "+{data} D20 average, {side} Pacific = {half}, {years}",
        "+Within {half}, find the mean depth of the 20 °C surface {source} {period}.",
        "+How many metres below the surface does the 20°C isotherm lie in {half}, {data}, averaging {years}?",
        "=Z20 of the {side} half of the equatorial Pacific, {half}, {data}, {years} average in m",
        "=How deep is the thermocline (20°C) on the {side} side of the Pacific basin, {half}, {source} {period}?",
        "=average depth of 20 degC isotherm within {half} ({data}, {dashed})",
        "=For {side} equatorial Pacific ({half}) I need the 20-degree isotherm depth of {data}, time mean {years}.",
    ),
    "difference": (
        "How much deeper is the 20 °C isotherm in {west} than in {east} {source}, {years}?",
        "tilt of thermocline: D20 {west} minus D20 {east}, {data} {years}",
        "+The thermocline slopes up to the east: by how many metres does D20 differ, {west} minus {east}, {data}, {years}?",
        "+{data} {years}: depth of 20 °C isotherm in {west} compared to {east} (first minus second)",
        "=East–west thermocline tilt: mean D20 of {west} less mean D20 of {east}, {data}, {years}, m",
        "=By how many metres is the 20°C isotherm deeper in {west} compared with {east}? {data}, averaged {period}",
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
        "+Over how many million km² of sea in the {hemisphere} does ice cover at least 15 % in {month}? {data}, averaged {period}",
        "+{data}, {years}: {month} extent of sea ice, {hemisphere}",
        "+For a press release: typical {month} sea ice extent in the {hemisphere} {source}, mean of {years}, in million square kilometres",
        "+Average the {month} sea-ice extent of the {hemisphere} over {years} in {data}.",
        "+mean extent (ice conc > 15%) {hemisphere} {month}, {data} {years}",
        "=Climatological {month} sea ice extent of the {hemisphere}, {data}, {years}, 15% concentration threshold, million km²",
        "=How much ocean is ice-covered (extent, >= 15 %) in {month} on average in the {hemisphere}? Use {data} {period}.",
        "={month} SIE, {hemisphere}, {data}, mean of {dashed}, in 10^6 km^2",
        "=I am journalist and need usual extent of {hemisphere} sea ice in {month}, mean {years}, {data}",
        "=Mean of all {month} values of sea-ice extent {source} for the {hemisphere}, {years}",
    ),
    "area": (
        "What is the mean {month} sea ice area (not extent) in the {hemisphere} {source} {period}?",
        "sea ice area {hemisphere} {month} mean {data} {years}, 10^6 km2",
        "*{month} ice-covered area (concentration times cell area), {hemisphere}, {data}, {years}",
        "+Not the extent but the true ice area: {hemisphere}, {month}, {data}, mean {years}?",
        "+Weight every cell by its ice concentration and add up: what sea ice area has the {hemisphere} in {month}? {data}, mean of {years}",
        "=Integrated sea ice area (sum of concentration x cell area) of the {hemisphere} in {month}: {data}, {years} mean, 10^6 km2",
        "=SIA rather than SIE please: {hemisphere}, {month} average, {data}, {years}",
    ),
    "trend": (
        "What is the trend of September Arctic sea ice extent {source} {period}, in million km2 per decade?",
        "september arctic sea ice extent trend {data} {years}",
        "How quickly does Arctic September ice extent shrink in {data}, {years}? (km2 per decade)",
        "+Arctic sea ice extent of September: what linear change per decade in {data} {period}?",
        "+{data}, {years}: linear fit to September sea ice extent in the Arctic, km2 per decade",
        "+We need the slope of Arctic September ice extent for {years} from {data}; 10^6 km2 per 10 years.",
        "=How fast is the September minimum of Arctic sea ice extent changing in {data}, {years}? million km² per decade, with sign",
        "=Sept Arctic SIE slope, {data}, {years}, OLS, 10^6 km2/decade",
        "=Please compute decadal trend for Arctic sea-ice extent in September with {data} {period}.",
    ),
    "loss": (
        "By how much is {data}'s mean September Arctic sea ice extent of 2005-2014 smaller than that of 1980-1989?",
        "+How much September ice extent did the Arctic lose in {data} from 1980–1989 to 2005–2014?",
        "=Arctic September sea ice extent in {data}: 1980-1989 average minus 2005-2014 average, million km²",
    ),
}
LEVELS = {
    "ta": (
        "What is the mean air temperature at {level} hPa {region} in ERA5, 2005–2014?",
        "ERA5 ta {level} hPa {area} 2005-2014 mean",
        "average temperature on the {level} hPa surface, {area}, ERA5 2005-2014, in °C",
        "how cold is the air at {level} hPa {region} according to ERA5 (2005-2014)",
        "*T{level} climatology ERA5 2005–2014 {area}",
        "+Up at {level} hPa, how warm or cold is the air over {area} in ERA5 (mean of 2005–2014)?",
        "+2005-2014 mean of ERA5 air temperature, pressure level {level} hPa, {area}, degC",
        "+For comparison with radiosondes: ERA5 T at {level} hPa over {area}, averaged 2005–2014",
        "+Which mean temperature has the {level} hPa level over {area}, as given by ERA5 during 2005-2014?",
        "=ERA5 upper-air climatology: mean temperature {region} at {level} hPa, 2005–2014, °C?",
        "={level} hPa temp, {area}, ERA5, avg 2005–2014 (deg C)",
        "=For an aviation study, please give the average air temperature on {level} hPa {region} in ERA5 from 2005 to 2014.",
        "=What is ERA5's 2005-2014 mean temperature of the {level} hPa pressure level when averaged over {area}?",
    ),
    "zg": (
        "Mean geopotential height at {level} hPa {region}, ERA5, 2005-2014?",
        "Z{level} ERA5 {area} 2005-2014 average (m)",
        "*what is the average height of the {level} hPa level {region} in ERA5, 2005–2014",
        "+How high up does the {level} hPa surface lie over {area}? Mean geopotential height of ERA5, 2005-2014",
        "+geopotential height, {level} hPa, {area}, ERA5, ten-year mean 2005–2014, metres",
        "=Geopotential height of {level} hPa in ERA5: what is the 2005–2014 mean {region}, in m?",
        "=At what mean altitude (geopotential metres) is the {level} hPa surface found {region}, ERA5, 2005–2014?",
    ),
    "so": (
        "What is the mean salinity at {depth} m depth {region} in IAP, 2005-2014?",
        "IAP salinity {depth}m {area} 2005-2014",
        "how salty is sea water at {depth} m in IAP, {area}, 2005-2014 average",
        "average ocean salinity in {depth} metres depth {region}, data IAP, 2005 to 2014",
        "*so at {depth} m, IAP, {area}, mean 2005–2014, psu",
        "+What salinity does IAP show {depth} m below the surface over {area} (2005-2014 mean)?",
        "+{area}, {depth} m, salinity, IAP, 2005–2014, psu",
        "+I study water masses and need the average salinity at a depth of {depth} metres over {area}; data IAP, 2005-2014.",
        "+How saline is the sea {depth} m down, averaged over {area}? IAP, average of 2005–2014, g/kg",
        "=IAP ocean salinity at the {depth} m level, averaged 2005–2014 {region}, psu?",
        "=Salinity {depth} m below surface: IAP mean 2005-2014 {region}",
        "=Which salinity do gridded IAP data have at {depth} m {region}? average 2005 to 2014",
        "=One point of a salinity profile: S at {depth} m, {area}, IAP, 2005–2014 mean",
    ),
}
BUDGET = {
    "zonal": (
        "In IPSL-CM6A-LR, what is the zonal advection term (-u dT/dx) of the mixed-layer heat budget over {box}, 0-50 m, 1990–1999, in K per month?",
        "zonal heat advection -u*dT/dx, IPSL-CM6A-LR, {box}, upper 50 m, 1990-1999, K/month",
        "How much does zonal advection warm the upper 50 m of {box} in IPSL-CM6A-LR (1990-1999, K/month)?",
        "*IPSL-CM6A-LR 1990-1999 {box}: mean zonal temperature advection in the top 50 m, K/month",
        "+How many kelvin per month do the zonal currents bring to the upper 50 m of {box} in IPSL-CM6A-LR? Term −u ∂T/∂x, mean of 1990–1999.",
        "+IPSL-CM6A-LR, 1990-1999, mixed layer 0–50 m, {box}: -u dT/dx in K/month",
        "+Please diagnose east-west temperature advection (zonal term of the heat budget) averaged over {box} and the top 50 m, IPSL-CM6A-LR 1990–1999, K per month.",
        "=Mixed layer heat budget of IPSL-CM6A-LR, {box}, 0–50 m, 1990–1999: mean of −u·∂T/∂x in K per month?",
        "=What heating (K/month) results from zonal temperature advection in the upper 50 m over {box}, IPSL-CM6A-LR, 1990-1999 average?",
        "=zonal term, heat budget, top 50 m, {box}, IPSL-CM6A-LR 1990–1999, K mon-1",
    ),
    "vertical": (
        "Vertical advection term (-w dT/dz) over {box}, 0-50 m, IPSL-CM6A-LR, 1990-1999, in K per month?",
        "heat budget IPSL-CM6A-LR {box} 0-50m: vertical advection, 1990-1999, K/month",
        "how much does upwelling cool the top 50 m of {box} in IPSL-CM6A-LR, K per month, mean of 1990–1999",
        "+Upwelling brings cold water up: what is the mean tendency −w ∂T/∂z in the top 50 m of {box}, IPSL-CM6A-LR, 1990–1999, in K/month?",
        "+IPSL-CM6A-LR {box}, 0–50 m, 1990-1999: temperature tendency from vertical advection in K per month",
        "+What does vertical advection contribute to the heat budget of the upper 50 m in {box}? IPSL-CM6A-LR, average of 1990–1999, K per month",
        "=Value of −w·∂T/∂z averaged in the upper 50 m of {box} for IPSL-CM6A-LR, 1990–1999, K per month please",
        "=Vertical advective temperature tendency of the 0–50 m layer, {box}, IPSL-CM6A-LR (1990-1999): how many K/month?",
        "=In IPSL-CM6A-LR, which temperature tendency in K/month comes from vertical motion (−w dT/dz) over {box}, 0–50 m, mean of 1990–1999?",
    ),
    "meridional": (
        "Meridional advection (-v dT/dy) in the 0-50 m heat budget of {box}, IPSL-CM6A-LR, 1990-1999, K/month?",
        "meridional heat advection IPSL-CM6A-LR upper 50 m {box} 1990-1999",
        "+North-south advection of temperature (−v ∂T/∂y) in the 0–50 m layer, {box}, IPSL-CM6A-LR, 1990-1999: K per month?",
        "+contribution of meridional currents to the heating of the top 50 m, {box}, IPSL-CM6A-LR mean 1990–1999, K/month",
        "=Meridional term of the upper-50-m heat budget, {box}, IPSL-CM6A-LR, 1990–1999, K/month (−v·dT/dy)",
        "=How many K per month does north–south temperature advection contribute over {box} in the 0-50 m layer of IPSL-CM6A-LR, average 1990-1999?",
    ),
    "surface": (
        "What warming rate does the surface heat flux give for a 50 m layer over {box} in IPSL-CM6A-LR, 1990-1999, in K per month?",
        "surface flux term hfds/(rho cp h), h = 50 m, {box}, IPSL-CM6A-LR 1990-1999, K/month",
        "*Q/(rho*cp*50m) averaged over {box}, IPSL-CM6A-LR, 1990–1999, in K/month",
        "+If the net surface heat flux were spread over 50 m of water, how fast would {box} warm in IPSL-CM6A-LR (1990–1999)? K per month.",
        "+surface heating term of the heat budget, 50 m slab, {box}, IPSL-CM6A-LR, 1990-1999, K/month",
        "=Net surface heating expressed as K/month for a 50 m deep layer: {box}, IPSL-CM6A-LR, 1990-1999",
        "=Heat budget of {box}, IPSL-CM6A-LR, 1990–1999: contribution of Qnet/(rho cp H) with H = 50 m, in K per month?",
    ),
    "flux": (
        "Mean net surface heat flux into the ocean over {box} in IPSL-CM6A-LR, 1990–1999?",
        "+How many W/m² does the ocean receive through its surface in {box}? hfds of IPSL-CM6A-LR, average 1990–1999",
        "=Time-mean net downward heat flux at the sea surface (hfds), {box}, IPSL-CM6A-LR, 1990-1999, W m-2",
    ),
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
