# ruff: noqa: E501 — a wording is one line
"""Clouds, albedo and wind; extremes of days; drought."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

from ..fields import Array, Field, Series, trends
from ..request import ANY_UNITS, MONTHS, Answer, Request, any_of, spread
from ..wording import ANTARCTIC, BOXES, EVERYWHERE, GLOBE, NORTH, SOUTH, TROPICS, Ask, Case, period, requests, source
from ..world import World

CLOUD = {
    "net": (
        "What is the mean net cloud radiative effect at the top of the atmosphere {region} {source} {period}?",
        "net CRE TOA {area} {data} {years}",
        "cloud radiative effect (SW+LW) averaged {region}, {data}, {years}, W/m2",
        "By how many W m-2 do clouds change the TOA energy budget {region} in {data} {period}? (net)",
        "*net cloud forcing at TOA, {area}, {data} climatology {years}",
        "+Do clouds warm or cool? Net cloud radiative effect at the top of the atmosphere {region}, {data}, {years}, W/m².",
        "+{data}: all-sky minus clear-sky net radiation at TOA, {area}, {years} average",
        "+The combined shortwave and longwave effect of clouds on the top-of-atmosphere budget {region} {source} {period} is required.",
        "+mean net CRE, {years}, {area}, dataset {data}",
        "=Net CRE = (SW + LW) at TOA: {data} mean of {years} {region}, W m-2?",
        "=All-sky versus clear-sky: what net radiative effect do clouds have at top of atmosphere {region} {source} {period}?",
        "=TOA net cloud radiative forcing, {data}, {area}, time mean {years}",
        "=Please evaluate for {years} how much clouds cool (negative) or heat (positive) the planet {region} in {data}: net CRE at TOA in W/m².",
    ),
    "short": (
        "What is the mean shortwave cloud radiative effect {region} {source} {period}?",
        "SWCRE {area} {data} {years}",
        "shortwave cloud forcing at TOA {data} {area} {years} mean please",
        "*how strong is the SW cloud radiative effect {region} in {data}, {years}",
        "+What is the shortwave part of the cloud radiative effect {region}? {data}, averaged {period}",
        "+SW CRE at TOA (clear-sky minus all-sky reflected flux), {area}, {data}, {years}",
        "+Solar component of cloud forcing at the top of the atmosphere, {data}, {years} mean, {area}, W m-2",
        "=Reflection by clouds: SW cloud radiative effect at TOA, {area}, {data}, average {years} (negative = cooling)",
        "=What is SWCRE {region} in {data} if averaged {period}, W/m²?",
        "=Shortwave CRE of {data} please, {area} mean, years {dashed}",
    ),
    "long": (
        "What is the mean longwave cloud radiative effect {region} {source} {period}?",
        "LWCRE {area} {data} {years} (W/m²)",
        "Mean long-wave CRE {region}, using clear-sky and all-sky OLR of {data}, {years}",
        "+How strong is the greenhouse effect of clouds {region}? Longwave cloud radiative effect at TOA, {data}, {years}",
        "+{data} LW cloud forcing, {area}, mean {years}",
        "+By how many W/m² do clouds reduce outgoing longwave radiation {region} in {data} {period}?",
        "=LW cloud radiative effect at top of atmosphere {region}: {data}, {years} climatology?",
        "=How many W m-2 of OLR are trapped by clouds {region}? (LWCRE, {data}, {years})",
        "=OLR clear-sky minus OLR all-sky, {data}, {area}, mean {years}, W/m2",
    ),
}
ALBEDO = {
    "mean": (
        "What is the mean surface albedo {region} {source} {period}?",
        "surface albedo {area} {data} {years}",
        "Which fraction of the incoming solar radiation does the surface reflect {region} in {data}, {years}?",
        "average albedo of the surface {region}, {data}, {years}",
        "mean surface albedo (rsus/rsds) {area} {data} {years}",
        "please compute the surface reflectivity, as upwelling over downwelling shortwave, {region} {source} {period}",
        "albedo of surface in {area}, {data}, average of {years}, in percent",
        "Evaluate {data}: surface albedo climatology {area} ({years})",
        "how bright is the surface {region}? mean albedo {data} {years}",
        "I want to know surface albedo mean {region} {source} for {years}",
        "*surface shortwave albedo, {data}, {area}, {years}?",
        "*{area} albedo at the ground in {data} {period}",
        "+What portion of the sunlight reaching the ground is thrown back over {area}? {data}, {years}",
        "+{data}, {area}, {years}: upward divided by downward shortwave at the surface",
        "+For my energy balance model I need the average reflectivity of the surface of {area} {source} {period}.",
        "+surface albedo, long-term mean {years}, from {data}, {area}",
        "+Determine from {data} how reflective the Earth's surface is over {area}, averaging {period}.",
        "+Which surface albedo do we find for {area} in {data}? mean of {years}, as a fraction",
        "+albedo at bottom of atmosphere (not planetary!) {area} {data} {years}",
        "+Ratio of reflected to incident solar flux at the ground {region}, {data}, {years}, in %",
        "+Please provide the {years} mean of albedo at the surface {region} as seen in {data}.",
        "+How large is the share of downwelling shortwave that the surface returns over {area}? {data}, average of {years}.",
        "=What fraction of downwelling solar radiation at the surface goes back up {region}, in {data}, {years} mean?",
        "=Surface albedo, {area}, {data}: mean over {dashed}, dimensionless please",
        "=Ground albedo {source} {region}; averaging window {years}. Value?",
        "=I model bifacial solar panels and need the mean surface albedo {region} from {data}, long-term average {years}.",
        "=rsus divided by rsds, {data}, {area}, {years} climatology",
        "=Would you please determine the time-averaged shortwave albedo of the surface {region} {period} on the basis of {data}?",
        "=how reflective is surface in average {region}? albedo, {data}, {years}",
        "=For the snow/ice-albedo discussion: mean surface albedo {region} as given by {data} for {years}, in per cent",
        "=albedo(sfc) {data} {area} avg {years}",
        "=Mean surface SW albedo of {area}, from upwelling and downwelling fluxes of {data} {period}?",
    ),
}
WIND = {
    "speed": (
        "What is the mean near-surface wind speed {region} {source} {period}?",
        "10m wind speed {area} {data} {years}",
        "average surface wind speed {region} in {data}, {years}, m/s",
        "How windy is it on average {region} in {data} ({years})? 10 m wind speed",
        "climatological full wind speed at the surface, {area}, {data}, {years}",
        "Compute mean scalar wind speed at 10 m {region} {period} {source}.",
        "*surface wind speed climatology {area} {data} {years} in metres per second",
        "+For a wind-energy study: mean wind speed at ten metres {region} {source} {period}, m/s",
        "+{data}, {years}, {area}: mean of the wind speed near the surface",
        "+Near the ground, what is the wind's mean speed {region} in {data}, {years}?",
        "+Please tell me the climatological 10-metre wind speed of {area} for {years} with {data}.",
        "+mean |V| at 10 m, {area}, {data} {years}; speed first, averaging afterwards",
        "+Surface winds are what we need: time and area mean of their speed {region}, {data}, {years}",
        "=Turbine siting, first guess: mean 10 m wind speed {region}, {data}, {years}, in m/s",
        "=What does {data} say about typical surface wind speed {region}, as the {years} mean?",
        "=mean(|U10|), {area}, {data}, {years}, full wind speed not a component",
        "=Averaged over all months of {years}, how fast does the wind blow at 10 m {region} according to {data}?",
        "=Please report climatological scalar wind speed near surface of {data}, area {area}, period {years}, m s-1.",
        "=10-metre wind: area and time mean of its magnitude {region}, {data}, {dashed}",
    ),
    "trend": (
        "What is the trend in MIROC6's near-surface wind speed {region} {period}, in m/s per decade?",
        "wind speed trend MIROC6 historical {area} {years}",
        "+Does the wind near the surface get stronger in MIROC6 over {area}? Linear trend of its speed {period}, m/s per decade.",
        "+MIROC6, sfcWind, {area}, {years}: change per decade by linear fit",
        "=Stilling or reversal? Linear trend of near-surface wind speed {region} in MIROC6, {years}, m/s per decade",
        "=MIROC6 historical 10 m wind speed, {area}: slope {period} in m s-1 per decade",
    ),
    "eastward": (
        "What is the mean eastward 10 m wind component {region} in ERA5 {period}?",
        "mean uas ERA5 {area} {years}",
        "*average zonal near-surface wind {region}, ERA5, {years}",
        "+How strong is the west-to-east part of the 10 m wind over {area} in the ERA5 mean of {years}?",
        "+ERA5 zonal wind component at 10 m, {area}, {years} mean, m/s (westerly positive)",
        "=u-component of the 10 m wind, ERA5, time mean {years} {region}, m/s",
        "=How strong are mean westerlies (positive) or easterlies (negative) at 10 m {region} in ERA5, {years}? Zonal component in m/s.",
    ),
}
EXTREMES = {
    "txx": (
        "What is the mean annual maximum of daily maximum temperature (TXx) in E-OBS, {years}?",
        "TXx E-OBS mean {years}",
        "hottest day of the year, averaged over years {years} and the E-OBS area, in °C",
        "*E-OBS {years}: average over the years of each year's highest daily Tmax",
        "+How hot does the hottest day of the year get in E-OBS, averaged over {years} and the grid? Daily maximum temperature.",
        "+E-OBS, {years}: TXx, mean over years and grid",
        "+For heat-health planning please compute the yearly maximum of Tmax at each point of E-OBS and average it over area and {years}, °C",
        "=ETCCDI TXx for the E-OBS region, average across grid and {years}, °C",
        "=What temperature does the hottest afternoon of a year reach in E-OBS ({years}), that is, the yearly maximum of tasmax averaged over years and cells?",
        "=Annual peak of daily max temperature in E-OBS, averaged {period}: how many degrees?",
    ),
    "summer": (
        "How many summer days (Tmax above 25 °C) per year are there on average in E-OBS, {years}?",
        "summer days per year E-OBS {years} (tx>25)",
        "*mean yearly number of days with maximum temperature over 25 degrees, E-OBS {years}",
        "+On how many days a year does the maximum temperature rise above 25 °C in E-OBS? Mean of {years}.",
        "+SU index (summer days) as yearly average, E-OBS, {years}",
        "=SU25 from E-OBS: mean days per year with Tx > 25 °C, {years}",
        "=How many summer days (ETCCDI SU) does an average year have in E-OBS {period}?",
    ),
    "hot": (
        "Mean number of hot days (tasmax > 30 °C) per year in E-OBS {years}?",
        "days above 30C per year, E-OBS, {years}",
        "+How many days with a maximum above 30 °C does an average year have, E-OBS, {years}?",
        "+E-OBS {years}: annual count of days whose Tmax exceeds 30 degrees, mean",
        "=Average annual count of days hotter than 30 °C (daily maximum) in E-OBS, {years}?",
        "=Tx > 30 °C: how many days a year, E-OBS, {years} mean",
    ),
    "p95": (
        "What is the 95th percentile of daily maximum temperature in E-OBS, {years}?",
        "p95 of tasmax E-OBS {years}",
        "+Above which daily maximum temperature lie only 5 % of the days in E-OBS, {years}?",
        "+E-OBS tx, 95th percentile, all days of {years}",
        "=E-OBS {years}: 95th percentile of the daily Tmax distribution, °C",
        "=What Tmax marks the hottest 5 % of days in E-OBS {period}?",
    ),
    "p90": (
        "90th percentile of daily Tmax, E-OBS, {years}",
        "+What daily maximum temperature is exceeded on one day in ten in E-OBS ({years})?",
        "=Upper decile threshold (90th percentile) of daily maximum temperature in E-OBS, all days {period}",
    ),
    "rx1": (
        "What is the mean annual maximum one-day precipitation (Rx1day) in E-OBS, {years}?",
        "Rx1day E-OBS mean {years}",
        "*heaviest daily rainfall of a year, averaged over {years}, E-OBS",
        "+How much rain does the wettest day of the year bring to a place in E-OBS, as an average over {years}?",
        "+annual maximum of daily precipitation, E-OBS, mean {years}, mm",
        "=ETCCDI Rx1day, E-OBS, average of the annual values {years}, mm",
        "=For drain design: the largest one-day rainfall of each year, averaged over {dashed} and the E-OBS grid, in mm?",
    ),
    "r10": (
        "How many days per year have at least 10 mm of rain in E-OBS, {years} average?",
        "R10mm E-OBS {years}",
        "number of heavy precipitation days (>=10mm) per year E-OBS, {years}",
        "+How often per year does it rain 10 mm or more in a day at a place, E-OBS, mean of {years}?",
        "+E-OBS: yearly number of days with precipitation >= 10 mm, averaged over {years}",
        "+The insurance office asks for the mean annual frequency of days with 10 mm of rain or more ({years}, E-OBS).",
        "=Mean annual number of days with rain of 10 mm and above in E-OBS, {years}?",
        "=ETCCDI R10mm averaged over E-OBS and {years}",
        "=On how many days in a normal year does daily precipitation reach at least 10 mm in E-OBS ({years})?",
    ),
    "cdd": (
        "What is the mean longest dry spell per year (consecutive days below 1 mm, CDD) in E-OBS, {years}?",
        "CDD E-OBS {years} mean",
        "+How many days does the longest rainless spell of a year last on average in E-OBS, {years}? (dry day = under 1 mm)",
        "+consecutive dry days index, E-OBS, yearly maximum averaged over {years}, threshold 1 mm",
        "=ETCCDI CDD for E-OBS, average of the yearly values {years} (dry: RR < 1 mm)",
        "=Longest run of consecutive days with less than 1 mm rain in a year, mean of {years}, E-OBS, how many days?",
    ),
}
DROUGHT = {
    "value": (
        "What was the SPI-{scale} at Bergheim in {month} {year} (gamma distribution, calibrated on the whole record)?",
        "SPI{scale} Bergheim gauge {month} {year}",
        "standardized precipitation index, {scale}-month, for the Bergheim rain gauge, {month} {year}?",
        "How dry was {month} {year} at Bergheim in terms of SPI-{scale}?",
        "Calculate for station Bergheim the SPI with {scale} months accumulation; value in {month} {year}",
        "Bergheim {month} {year}: {scale} month SPI please",
        "drought index SPI-{scale} {month} {year} Bergheim monthly rain",
        "*I need the {scale}-month standardised precipitation index of Bergheim for {month} {year}",
        "+Was {month} {year} a drought month at Bergheim? Give the SPI over {scale} months.",
        "+{month} {year}, Bergheim, SPI, accumulation {scale} months",
        "+From the Bergheim rain gauge series, please derive the {scale}-month SPI for {month} {year}.",
        "+Insurance claim: how exceptional was the rain of the {scale} months ending in {month} {year} at Bergheim, as standardized precipitation index?",
        "+spi({scale}) value at bergheim in {month} of {year}?",
        "+Fit a gamma distribution to the {scale}-month rain sums at Bergheim and convert {month} {year} to a standard normal value (SPI).",
        "+Which SPI-{scale} results for Bergheim in {month} {year}?",
        "=What SPI-{scale} do you compute for {month} {year} from the Bergheim gauge?",
        "=SPI, timescale {scale} months, station Bergheim, {month} {year}, gamma fit to full record",
        "=Please tell me the standardized precipitation index (accumulation period {scale} months) at Bergheim at the end of {month} {year}.",
        "=Agricultural drought check for Bergheim: SPI{scale} in {month} {year}?",
        "=Bergheim rainfall, {scale}-month totals ending {month} {year}, expressed as SPI",
        "=How many standard deviations wet or dry (SPI-{scale}) was {month} {year} at Bergheim?",
        "=index SPI of {scale} months for {month}, {year}, gauge of Bergheim, which number it is?",
    ),
    "count": (
        "In how many months was SPI-{scale} below -1 at Bergheim, 1975-2014?",
        "count of months with SPI{scale} < -1, Bergheim, whole record",
        "+How many dry months (SPI-{scale} under −1) has the Bergheim record 1975–2014?",
        "+Bergheim 1975-2014, number of months in which the {scale}-month SPI is less than -1",
        "=Number of months in the Bergheim series 1975–2014 with SPI-{scale} lower than −1 (moderate drought or worse)?",
        "=Bergheim SPI{scale} 1975-2014: how often (months) does it fall under -1?",
    ),
    "least": (
        "What is the lowest SPI-{scale} in the Bergheim record?",
        "minimum of SPI-{scale} Bergheim 1975-2014",
        "*most severe drought at Bergheim by SPI-{scale}: what value?",
        "+How severe was the worst drought at Bergheim by the {scale}-month SPI (lowest value)?",
        "+Bergheim, all years: smallest value of SPI-{scale}",
        "=Driest SPI-{scale} ever at Bergheim, 1975–2014: which value?",
        "=min(SPI{scale}) over the full Bergheim gauge record",
    ),
}  # fmt: skip


def questions(world: World) -> Iterator[Request]:
    """All of this file's."""
    yield from requests(world, "cloud", CLOUD, _cloud)
    yield from requests(world, "albedo", ALBEDO, _albedo)
    yield from requests(world, "wind", WIND, _wind)
    yield from requests(world, "extremes", EXTREMES, _extremes)
    yield from requests(world, "drought", DROUGHT, _drought)


def effect(world: World, data: str, kind: str) -> Field:
    """What clouds add to the energy that stays, W m-2."""
    short = world.field("rsutcs", data).values - world.field("rsut", data).values
    long = world.field("rlutcs", data).values - world.field("rlut", data).values
    return world.field("rsut", data).with_values({"net": short + long, "short": short, "long": long}[kind])


def _cloud(ask: Ask) -> Case:
    data, years = ask.one(("CERES-EBAF", "ISCCP-FH", "MIROC6")), ask.one(((2001, 2014), (2005, 2014), (2001, 2010)))
    region = ask.one((GLOBE, GLOBE, NORTH, SOUTH, TROPICS, *BOXES))
    found = effect(ask.world, data, ask.kind).mean(region.box).between(*years).means()
    slots = {**region.slots, **period(*years), **source(data)}
    return Case(slots, spread(found, "W m-2", absolute=0.1), "clear sky less all sky, outgoing")


def _albedo(ask: Ask) -> Case:
    data, years = ask.one(("ISCCP-FH", "MIROC6")), ask.one(((2001, 2014), (2005, 2014), (2001, 2010)))
    region = ask.one((ANTARCTIC, ANTARCTIC, GLOBE, NORTH, SOUTH, TROPICS))
    up, down = (ask.world.field(name, data).between(*years) for name in ("rsus", "rsds"))
    means = up.climatology(), down.climatology()
    found = [up.over(means[0], region.box) / up.over(means[1], region.box), up.over(means[0] / means[1], region.box)]
    slots = {**region.slots, **period(*years), **source(data)}
    return Case(slots, spread(found, "1", relative=0.02), "a ratio of means, or a mean of ratios")


def speed(world: World) -> Field:
    """ERA5's wind speed, m s-1."""
    east, north = world.field("uas", "ERA5"), world.field("vas", "ERA5")
    return east.with_values(np.hypot(east.values, north.values))


def _wind(ask: Ask) -> Case:
    data, years, region = (
        ask.one(("ERA5", "MIROC6")),
        ask.one(((1980, 2014), (1985, 2014), (1990, 2009))),
        ask.one(EVERYWHERE),
    )
    slots = {**region.slots, **period(*years), **source(data)}
    if ask.kind == "trend":
        slopes = [10 * s for s in trends(ask.world.series("sfcWind", "MIROC6", region.box).between(*years))]
        return Case(slots, spread(slopes, "m s-1 (10 year)^-1", relative=0.03), "of annual means or monthly anomalies")
    if ask.kind == "eastward":
        found = ask.world.series("uas", "ERA5", region.box).between(*years).means()
        return Case(slots, spread(found, "m s-1", absolute=0.03), "the component's area mean")
    field = speed(ask.world) if data == "ERA5" else ask.world.field("sfcWind", data)
    found = field.mean(region.box).between(*years).means()
    return Case(slots, spread(found, "m s-1", relative=0.015), "the mean of the speed, not the speed of the mean")


def _yearly(field: Field, of_days: Callable[[Array], Array]) -> float:
    """The mean over years and cells of an index of each year's days [T, Y, X] → [Y, X]."""
    images = [of_days(field.between(int(year), int(year)).values) for year in np.unique(field.year)]
    return field.over(np.mean(images, axis=0))


def longest(dry: Array) -> Array:
    """The longest run of true days, by cell."""
    best = run = np.zeros(dry.shape[1:])
    for day in dry:
        run = np.where(day, run + 1, 0)
        best = np.maximum(best, run)
    return best


def _extremes(ask: Ask) -> Case:
    years = ask.one(((1995, 2014), (1995, 2014), (2000, 2014)))
    slots = {**period(*years)}
    heat, rain = (ask.world.field(name, "E-OBS", "").between(*years) for name in ("tasmax", "pr"))
    if ask.kind == "txx":
        found = Answer(_yearly(heat, lambda t: t.max(axis=0)), "degC", 0, 0.15)
        return Case(slots, found, "each year's and cell's maximum, averaged")
    if ask.kind in ("summer", "hot"):
        limit = 25 if ask.kind == "summer" else 30
        days = Answer(_yearly(heat, lambda t: (t > limit).sum(axis=0)), ANY_UNITS, 0.02, 0.3)
        return Case(slots, days, "days of a year, by cell, averaged")
    if ask.kind in ("p95", "p90"):
        q = int(ask.kind[1:])
        ways = (
            heat.over(np.percentile(heat.values, q, axis=0)),
            *(np.percentile(v, q) for v in (heat.values, heat.mean().values)),
        )
        return Case(slots, spread(ways, "degC", relative=0, absolute=0.1), "by cell, of all, or of the area mean")
    if ask.kind == "rx1":
        value = _yearly(rain, lambda r: r.max(axis=0))
        either = any_of(Answer(value, "mm day-1", 0.02), Answer(value, "mm", 0.02))
        return Case(slots, either, "each year's and cell's maximum, averaged")
    if ask.kind == "r10":
        days = Answer(_yearly(rain, lambda r: (r >= 10).sum(axis=0)), ANY_UNITS, 0.02, 0.2)
        return Case(slots, days, "days of a year, by cell, averaged")
    value = _yearly(rain, lambda r: longest(r < 1))
    return Case(
        slots, Answer(value, ANY_UNITS, 0.05, 0.5), "by year and cell; spells across years have two conventions"
    )


def standardised(series: Series, scale: int) -> Series:
    """SPI: sums over `scale` months, a gamma distribution for each month of the year, and normal quantiles."""
    lengths = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[series.month - 1]
    sums = np.convolve(series.values * lengths, np.ones(scale), "full")[: series.values.size]
    sums[: scale - 1] = np.nan
    values = np.full(sums.size, np.nan)
    for month in range(1, 13):
        at = (series.month == month) & np.isfinite(sums)
        shape, _, width = stats.gamma.fit(sums[at], floc=0)
        values[at] = stats.norm.ppf(stats.gamma.cdf(sums[at], shape, scale=width))
    return Series(series.year, series.month, values)


def _drought(ask: Ask) -> Case:
    scale = ask.one((3, 3, 6, 12))
    index = standardised(ask.world.series("pr", "Bergheim"), scale)
    year, month = int(ask.rng.integers(1980, 2015)), int(ask.rng.integers(1, 13))
    slots = {"scale": str(scale), "year": str(year), "month": MONTHS[month - 1]}
    if ask.kind == "value":
        value = index.at(year, month)
        return Case(slots, Answer(value, "1", 0.05, 0.15), "a gamma distribution by maximum likelihood, or by moments")
    if ask.kind == "least":
        return Case(slots, Answer(float(np.nanmin(index.values)), "1", 0.06, 0.2), "the extreme tail differs by fit")
    count = int((index.values < -1).sum())
    return Case(slots, Answer(count, ANY_UNITS, 0.08, 3), "months whose index lies near −1 differ by fit")
