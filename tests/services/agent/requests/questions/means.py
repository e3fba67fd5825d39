# ruff: noqa: E501 — a wording is one line
"""Averages, their variability, and the seasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..fields import Series
from ..parameters import MODELS
from ..request import Answer, Clarify, Expected, Listed, Request, Within, any_of, month, spread
from ..wording import (
    EVERYWHERE,
    GLOBE,
    NORTH,
    PR,
    PSL,
    SOUTH,
    TAS,
    TEMPERATE,
    TROPICS,
    Ask,
    Case,
    period,
    requests,
    source,
)
from ..world import World

PERIODS = ((1980, 2014), (1985, 2014), (1981, 2010), (1990, 2009), (1995, 2014))

MEAN = {
    "full": (
        "What was the mean {variable} {region} {period} {source}?",
        "Please compute the area-weighted average of {variable} {region} for {years}, {data} data.",
        "{data} {variable} mean {years} {area}",
        "I need the time-mean {variable} {source} {region}, {years}. Give it in {units}.",
        "hi, could you tell me the climatological {variable} ({units}) of {area} in {data}, period {years}? thanks",
        "average {variable}, {area}, {data}, {years}, units {units}",
        "For my thesis I want the long-term mean of the {variable} {region} {source} {period}.",
        "Which value has the mean {variable} {region} {period}? Take please {data}.",
        "*Give me one number: {variable} averaged in space and time {region}, {data}, {years}.",
        "*{years} climatology of {variable} {region} {source}, I only need the average",
        "+Our report needs a baseline figure, so kindly provide the {years} average of {variable} for {area} as it stands in {data}.",
        "+{variable}, {data}, {area}; averaging period {years}; result in {units}",
        "+Taking every month {period} together, at what value does {variable} average out over {area} in {data}?",
        "+I want to check a number from a colleague: mean {variable} {region}, {data}, {years}, expressed in {units}.",
        "+Determine the climatological normal ({years}) of {variable} {region} {source}.",
        "+which is the average value of {variable} in {area}? must be of {data}, years {years}, weighted by area please",
        "+What number do you get when {variable} of {data} is averaged over {area} and over all of {years}?",
        "+Long-period mean wanted. Field: {variable}. Dataset: {data}. Domain: {area}. Span: {years}.",
        "=Dear colleague, could you please send me the {years} mean of {variable} for {area} from {data}? Kind regards",
        "={data} {area} {variable} {years} avg [{units}]",
        "=What does {data} have as the climatological {variable} of {area}, with {years} as the averaging window?",
        "=Need a sanity check on my own script: area-weighted {variable} {region}, all months of {years}, {data}. What do you get in {units}?",
        "=Anyone knows the typical {variable} {region} {source}? I mean the average of all of {years}, {units}",
        "=compute climatology of {variable}, domain = {area}, dataset = {data}, time = {years}, then the spatial mean",
        "=I'm writing a fact sheet and miss one figure, the average {variable} of {area} during {dashed} in {data}; can you supply it?",
        "=For {years}, {data} gives which average {variable} when we integrate on {area} and divide by its surface?",
    ),
    "unique": (
        "What is the mean sea surface salinity {region}?",
        "how salty is the sea surface on average {region} {period}",
        "+Averaged over {area}, what is the salinity of the ocean's surface?",
        "+I am preparing a lecture on the water cycle: mean salinity at the sea surface {region}, {years}?",
        "=Sea surface salinity, area average {region}, {years}: value?",
        "=I'd like the typical salinity of surface sea water {region}, in psu, as a mean {period}.",
    ),
    "open": (
        "What is the mean {variable} {region} {period}?",
        "long-term mean {variable} {region} {period}, please",
        "avg {variable} {area} {years}",
        "*Could you work out the {period} mean of {variable} {region}?",
        "+For a water-balance sketch I need to know how large {variable} is, as a long-term mean, {region} {period}.",
        "+{area}, {years}: {variable}, mean over the whole time?",
        "+how many mm per day of {variable} do we have over {area}, mean {years}?",
        "=Hydrology question: what's the time-averaged {variable} {region} {period}, in mm/day?",
        "=Mean {variable} {region}, averaging window {years}. Thank you in advance!",
        "=give climatological {variable} {area}, all years {years}, mm d-1",
    ),
}
RAIN = {
    "rate": (
        "What is the average {variable} {region} {period} {source}, in mm/day?",
        "mean {variable} {area} {years} {data} mm/d",
        "Compute the climatological mean daily {variable} {region} {source} ({years}).",
        "how rainy is {area}? i mean the average {variable} in mm per day, {data} {years}",
        "Please give the area-mean {variable} {region} in {data}, averaged {period}.",
        "Tell me how many millimeters per day of rain fall in average {region} {period} by {data}",
        "{data}: precip climatology, {area}, {years}",
        "I would like to know the mean {variable} (kg m-2 s-1) {source} {region} for {years}.",
        "*what's the {years} mean {variable} {region} in the {data} dataset",
        "*On average, how much does it rain per day {region} {source} {period}?",
        "+To calibrate a crop model I need the mean daily rainfall {region} {period}; use {data}.",
        "+{data} / {area} / {years}: average rainfall rate in mm per day",
        "+How many millimetres does it rain on an average day over {area}, if {data} is right ({years})?",
        "+What does {data} say about the long-term average {variable} over {area} {period}? Answer in mm/d.",
        "+Area-weighted {variable} normal, {years}, {area}, source: {data}, unit kg/m2/s",
        "+Find the climatological {variable} of {area} in the {data} archive, averaging {period}.",
        "+quick one: {data} average {variable} for {area}, mm per day, {years}?",
        "+How much water falls from the sky per day, as a mean of {years}, {region}? Take {data}.",
        "=I run a hydrological model and would need {data}'s mean daily {variable} over {area}, {years}, mm/day.",
        "=climatological {variable} | {area} | {data} | {years} | mm day-1",
        "=Averaged {period}, what {variable} (in mm per day) does {data} show for {area}?",
        "=Sir, kindly inform the average daily {variable} for {area} as per {data} during {dashed}.",
        "=How wet is {area} in {data}? I am after the {years} mean of {variable}, expressed as mm/day.",
        "=Put a number on the rain: {data}, {area}, {years} average, mm/d",
        "=Time- and area-mean of {variable}, {data}, {years}, restricted to {area} — units mm day^-1 please.",
        "=what is the long run average of {variable} {region}? using {data} and only {years}, output mm/day",
    ),
    "total": (
        "What is the mean annual total {variable} {region} {source} {period}, in mm per year?",
        "average yearly precipitation sum (mm/yr), {area}, {data}, {years}",
        "*how many mm of precipitation per year {region} on average, {data}, {years}?",
        "+The farmers' association asks how much precipitation a year brings on average to {area}: {data}, {years}, in mm please.",
        "+annual rainfall amount (mm), mean of {years}, {area}, {data}",
        "=How many millimetres of precipitation accumulate in a typical year {region}? {data}, average of {years}.",
        "=MAP (mean annual precipitation, mm per year) of {area} from {data}, years {years}",
    ),
}
SPREAD = {
    "annual": (
        "What is the interannual standard deviation of area-averaged annual-mean {variable} {region} {source} {period}?",
        "std of the yearly mean {variable} series averaged {region}, {data}, {years}",
        "How much does annual {variable}, averaged {region}, vary from year to year (one sigma) {source} {period}?",
        "Standard deviation between years of the {area} mean {variable} ({data}, annual means, {years})?",
        "I want the year-to-year variability (std) of the regional mean annual {variable} {source}, {area}, {years}",
        "sigma of annual means, area mean {variable} {area}, {data} {years}",
        "please to calculate interannual variability as standard deviation of annual mean {variable} {region} in {data} {period}",
        "Take {data}, average the {variable} {region} and over each year {period}: what's the standard deviation?",
        "*By how many hPa (standard deviation) do annual means of the spatially averaged {variable} differ {region}, {data} {years}?",
        "+From one year to the next, how far does the annual mean {variable} of {area} typically stray from its average ({data}, {years}, standard deviation)?",
        "+I plot yearly means of {variable} {region} {source} and see wiggles: what is their standard deviation {period}?",
        "+{data} | {variable} | {area} | {years} | standard deviation of the yearly means",
        "+Kindly quantify the interannual variability of {variable} in {data}, {years}: spatial mean of {area} first, then annual means, then the standard deviation.",
        "+how big is 1 sigma of the annual averages of {variable} {region}? {data} and {years}",
        "+Let x be the annual mean {variable} of {area}; I need the standard deviation of x across {years} in {data}.",
        "+Needed for a signal-to-noise estimate: year-to-year standard deviation of {variable} {region} {source} {period}, from annual means of the area average.",
        "+What scatter (std. dev., hPa) do the yearly averages of {variable} have when {area} is averaged in {data}, {years}?",
        "=How noisy is {variable} on interannual time scales {region}? Please report the standard deviation of the annual-mean area average, {data}, {years}, hPa.",
        "=interannual sd of {variable}, {area}, {data}, {years}; spatial mean before anything else",
        "=Dear all, I require the standard deviation amongst the {years} annual means of {variable} averaged on {area}, dataset {data}.",
        "=Yearly {variable} of {area} in {data}, one value per year {period}: what is the std of these values?",
        "=Give interannual variability (1 std) of {variable} {region} {source}; use calendar-year means of {years}.",
        "=Year-to-year fluctuations: sigma of the annually averaged regional-mean {variable}, {area}, {data} {period}",
        "=For error bars on a bar chart of annual {variable} {region} I want one standard deviation across the years {dashed} in {data}.",
        "=annual mean series, {variable}, area mean of {area}, {data}, {years} -> std dev in hPa",
    ),
    "detrended": (
        "Interannual standard deviation of the detrended annual-mean global near-surface temperature {source}, {years}?",
        "remove the linear trend from yearly global mean tas of {data} ({years}); what is the std of the rest?",
        "*detrended interannual std dev of annual global mean 2m temperature, {data} {period}",
        "+How much does the global annual temperature near the surface wobble around its linear trend in {data} {period}? Standard deviation, please.",
        "+Global tas, {data}, {years}: take out the straight line from the yearly means and quote the sigma of the residuals",
        "=Natural variability estimate: global annual mean surface air temperature of {data}, {years}, linear trend removed, standard deviation?",
        "=After linear detrending, what standard deviation is left in the yearly global-mean 2 m temperature {source} {period}?",
    ),
}
SEASONS = {
    "range": (
        "How large is the mean annual range of {variable} (warmest minus coldest month) {region} {source} {period}?",
        "seasonal cycle of {variable} {area} {data} {years}: difference between warmest and coldest month",
        "Peak-to-peak amplitude of the climatological seasonal cycle of {variable} {region}, {data}, {years}",
        "From the mean annual cycle {period} {region}, max minus min of monthly {variable} in {data} please",
        "*what is the annual temperature range, i.e. hottest month minus coldest month of the climatology, {area} {data} {years}",
        "+How many kelvin separate the hottest from the coldest month of an average year over {area}? {data}, {years}",
        "+{data}, {area}: span of the mean annual cycle of {variable} (max month minus min month), {years}",
        "+We compare continentality between regions and need the annual temperature range {region} {source} {period}, meaning warmest less coldest climatological month.",
        "+Build a 12-month climatology of {variable} {region} from {data}, {years}, and subtract its lowest value from its highest.",
        "=Seasonality check: climatological monthly {variable} {region}, {data}, {years}. What is the hottest month's value minus the coldest month's?",
        "=annual temperature range (max monthly normal − min monthly normal) {area} {data} {years}",
        "=From coldest to warmest month of the mean year, by how many degrees does {variable} change {region} {source} {period}?",
        "=In climatology of {data} for {years}, how big is difference between the highest and lowest monthly mean {variable} of {area}?",
    ),
    "amplitude": (
        "What is the amplitude of the seasonal cycle of {variable} {region} {source} {period}?",
        "seasonal amplitude {variable} {area} {data} {years}",
        "+How large is the seasonal amplitude of {variable} {region} {source} ({years})?",
        "+amplitude of the yearly cycle in {variable}, {area}, {data}, {years}, pls",
        "=How strong is the annual cycle of {variable} {region} in {data} ({years})? Amplitude wanted.",
        "=What seasonal-cycle amplitude has {variable} in the {data} data for {area} ({dashed})?",
    ),
    "peak": (
        "In which month does the {variable} climatology peak {region} {source} ({years})?",
        "Which month is on average the warmest {region} in {data} {period}?",
        "month of max {variable} in mean seasonal cycle, {area}, {data}, {years}",
        "*When in the year is it warmest {region}? ({variable}, {data}, {years}, month please)",
        "+At what time of the year does {variable} reach its maximum over {area}? Month only, {data}, {years}.",
        "+A pupil asks which calendar month is the hottest in the long-term mean for {area}. What does {data} say ({years})?",
        "+Name the month in which climatological {variable} is highest {region} {source} {period}.",
        "=Which calendar month comes out warmest {region} in the {years} normals of {data}? ({variable})",
        "=timing of annual maximum of {variable}: month? {area} {data} {years}",
        "=I need for a school poster the hottest month of the average year {region}, taken from {data} {variable}, {years}.",
    ),
    "season": (
        "What is the mean {season} {variable} {region} {source} {period}?",
        "{season} {variable} average {area} {data} {years}",
        "Could you give me the average {variable} in {season} {region}, {data}, {years}, in °C?",
        "mean {variable} for {season} only, {period}, {area}, {data}",
        "*{season} climatology {variable}, {data} {area} ({years})",
        "+How warm is it on average in {season} over {area} {source} {period}?",
        "+Only {season} counts for us: mean {variable} {region}, {data}, {years}.",
        "+{area}; {season}; {variable}; {data}; average over {years}, °C",
        "+Restrict {data} to {season} and {years}, then average {variable} over {area}.",
        "=For tourism planning: typical {variable} in {season} {region}, {data}, {years} normals, in °C",
        "={data}: {variable}, {season} mean, {area}, {years}, deg C",
        "=Keeping just {season} of each year {period}, which mean {variable} results for {area} in {data}?",
        "=What {variable} can one expect in {season} {region}, judging by the {years} climatology of {data}?",
    ),
    "wettest": (
        "Which is the wettest month of the year {region} {source} {period}?",
        "month with most precipitation in the mean annual cycle, {area}, {data}, {years}",
        "+When does it rain most over {area}? I mean the calendar month of the mean annual cycle, {data}, {years}.",
        "+month of maximum climatological precipitation {region} {source}, {years}",
        "=Peak of the rainy season {region}: which month, in the {data} climatology of {years}?",
        "=In {data}, climatology {years}, the highest monthly precipitation {region} falls in what month?",
    ),
}  # fmt: skip
_SEASONS = {
    "DJF": (12, 1, 2), "JJA": (6, 7, 8), "MAM": (3, 4, 5), "SON": (9, 10, 11), "winter (DJF)": (12, 1, 2),
    "July": (7,), "January": (1,), "summer (June-August)": (6, 7, 8), "boreal autumn (SON)": (9, 10, 11),
}  # fmt: skip


def questions(world: World) -> Iterator[Request]:
    """All of this file's."""
    yield from requests(world, "mean", MEAN, _mean)
    yield from requests(world, "rain", RAIN, _rain)
    yield from requests(world, "variability", SPREAD, _variability)
    yield from requests(world, "seasons", SEASONS, _seasons)


def _mean(ask: Ask) -> Case:
    region, years = ask.one(EVERYWHERE), ask.one(PERIODS)
    if ask.kind == "full":
        name, data = ask.one((*[("tas", m) for m in MODELS], *[("tas", "ERA5")] * 2, *PRESSURES))
    else:
        name, data = ask.one((("mrro", "ERA5"), ("evspsbl", "ERA5"))) if ask.kind == "open" else ("sos", "ESACCI-SSS")
        region = GLOBE if name == "mrro" else ask.one((GLOBE, NORTH, SOUTH, TROPICS))
        years = years if ask.kind == "open" else (2005, 2014)
    words, units, absolute, relative = _KINDS[name]

    def answer(source: str, label: str = "") -> Within:
        series = ask.world.series(name, source, region.box).between(*years)
        return spread(series.means(), units[0], relative=relative, absolute=absolute, label=label)

    expected: Expected = answer(data)
    if ask.kind == "open":
        each = tuple(answer(source, source) for source in ("ERA5", "MIROC6", "CESM2"))
        expected = any_of(Listed(each), *each, Clarify())
    slots = {"variable": words, "units": units, **region.slots, **period(*years), **source(data)}
    return Case(slots, expected, f"area mean of {name}, {data}; by days or by months")


PRESSURES = (("psl", "ERA5"), ("psl", "MIROC6"), ("psl", "JRA-55"))
_KINDS: dict[str, tuple[Sequence[str], Sequence[str], float, float]] = {
    "tas": (TAS, ("degC", "°C", "degrees Celsius", "K"), 0.12, 0.004),
    "psl": (PSL, ("hPa", "hPa", "Pa"), 0.15, 0.0),
    "mrro": (("runoff", "total runoff", "land runoff"), ("mm day-1", "mm/day"), 0.0, 0.02),
    "evspsbl": (("evaporation", "evapotranspiration"), ("mm day-1", "mm/day"), 0.0, 0.02),
    "sos": (("sea surface salinity", "surface salinity of the ocean"), ("1e-3", "psu"), 0.03, 0.0),
}
"""Words, units, and tolerances."""


def _rain(ask: Ask) -> Case:
    region = ask.one(EVERYWHERE)
    data = ask.one(("ERA5", "GPCP-SG", "NCEP-NCAR-R1", "GPCP-SG", *MODELS[:4]))
    years = ask.one([years for years in PERIODS if years[0] >= 1985])
    series = ask.world.series("pr", data, region.box).between(*years)
    rate = spread(series.means(), "mm day-1")
    slots = {"variable": PR, **region.slots, **period(*years), **source(data)}
    if ask.kind == "rate":
        return Case(slots, rate, "kg m-2 s-1 are mm/day by 86400; months missing in GPCP-SG")
    sums = [mean * days for mean in series.means() for days in (360, 365.25)]
    total = spread(sums, "mm", relative=0.015)
    return Case(slots, any_of(spread(sums, "mm year-1", relative=0.015), total, rate), "365 days of the mean rate")


def _variability(ask: Ask) -> Case:
    years = ask.one([(1980, 2014), (1985, 2014), (1981, 2010)])
    if ask.kind == "detrended":
        data = ask.one((*MODELS, "ERA5"))
        found = _deviations(ask.world.series("tas", data).between(*years), (0, 1, 2), detrend=True)
        expected = spread(found, "K", relative=0.03, difference=True)
        return Case({**period(*years), **source(data)}, expected, "residuals of the annual means' line")
    region, data = ask.one((GLOBE, NORTH, SOUTH, TROPICS, *EVERYWHERE[6:])), ask.one(("ERA5", "MIROC6"))
    series = ask.world.series("psl", data, region.box).between(*years)
    expected = spread(_deviations(series, (0, 1)), "hPa", relative=0.03)
    slots = {"variable": PSL, **region.slots, **period(*years), **source(data)}
    return Case(slots, expected, "of annual means of the area mean; N or N − 1")


def _deviations(series: Series, ddofs: Sequence[int], *, detrend: bool = False) -> list[float]:
    found = []
    for by_days in (False, True):
        years, means = series.annual(by_days=by_days)
        rest = means - np.polyval(np.polyfit(years, means, 1), years) if detrend else means
        found += [float(np.std(rest, ddof=ddof)) for ddof in ddofs]
    return found


def _seasons(ask: Ask) -> Case:
    region, years = ask.one(TEMPERATE), ask.one(PERIODS)
    if ask.kind == "wettest":
        region, data = ask.one((NORTH, SOUTH)), ask.one(("ERA5", *MODELS[:4]))
        climatology = ask.world.series("pr", data, region.box).between(*years).climatology()
        slots = {**region.slots, **period(*years), **source(data)}
        return Case(slots, month(int(climatology.argmax()) + 1), "the mean annual cycle's greatest month")
    data = ask.one((*MODELS, "ERA5", "ERA5"))
    series = ask.world.series("tas", data, region.box).between(*years)
    climatology = series.climatology()
    slots: dict[str, str | Sequence[str]] = {"variable": TAS, **region.slots, **period(*years), **source(data)}
    span = float(np.ptp(climatology))
    if ask.kind == "range":
        return Case(slots, Answer(span, "K", 0.02, difference=True), "greatest minus least month of the climatology")
    if ask.kind == "amplitude":
        harmonic = float(np.abs(np.fft.rfft(climatology)[1]) / 6)
        either = any_of(*(Answer(v, "K", 0.02, difference=True) for v in (span, span / 2, harmonic)), Clarify())
        return Case(slots, either, "a range, half of it or a harmonic's amplitude: all are so called")
    if ask.kind == "peak":
        return Case(slots, month(int(climatology.argmax()) + 1), "the mean annual cycle's greatest month")
    name = ask.one(list(_SEASONS))
    found = spread(series.means(_SEASONS[name]), "degC", relative=0.004, absolute=0.12)
    return Case({**slots, "season": name}, found, "mean over those months; by days or by months")
