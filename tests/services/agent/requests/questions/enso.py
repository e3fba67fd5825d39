# ruff: noqa: E501 — a wording is one line
"""El Niño: indices, events, their kinds, their period, and what goes with them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from ..fields import Box, Series, correlation, least_squares
from ..parameters import HISTORY
from ..request import ANY_UNITS, Answer, Clarify, Request, any_of, spread
from ..wording import SST, Ask, Case, period, requests, source
from ..world import World

BOXES: dict[str, Box] = {
    "3.4": (-5, 5, 190, 240),
    "3": (-5, 5, 210, 270),
    "4": (-5, 5, 160, 210),
    "1+2": (-10, 0, 270, 280),
}
BASE = (1981, 2010)

INDEX = {
    "month": (
        "What was the {nino} index in {month} {year} in HadISST, relative to the 1981–2010 monthly climatology?",
        "{nino} anomaly {month} {year}, HadISST, base 1981-2010",
        "How warm was the {nino} region in {month} {year} compared to its 1981-2010 normal (HadISST)?",
        "value of {nino} SST anomaly for {month}/{year} with reference period 1981 to 2010, HadISST data, in °C",
        "*HadISST {nino}, {month} {year}: departure from the monthly normals of 1981–2010?",
        "+For a bulletin about {month} {year}: which {nino} value do we get from HadISST when normals of 1981-2010 are subtracted?",
        "+HadISST SST averaged in the {nino} box, {month} {year}, minus the 1981–2010 mean of that calendar month",
        "+How many degrees above or below the usual (1981–2010) was the sea in the {nino} region in {month} {year}, if HadISST is trusted?",
        "+{nino}, {month} {year}, HadISST. Climatology: 1981 to 2010. Anomaly?",
        "=ENSO monitoring: {nino} SST anomaly in HadISST for {month} {year}, with respect to the 1981–2010 climatology of that month?",
        "=HadISST {nino} {month} {year} minus clim(1981-2010), K",
        "=Please, what was anomaly of sea surface temperature in {nino} region for {month} of {year}? HadISST, normal is 1981-2010.",
        "=How did the {nino} index stand in {month} {year}? I use HadISST and a 1981–2010 baseline.",
    ),
    "open": (
        "What was {nino} in {month} {year} according to HadISST?",
        "HadISST {nino} index {month} {year}",
        "+Please look up the {nino} SST anomaly of {month} {year} in HadISST.",
        "+Which {nino} index value does HadISST give in {month} {year}?",
        "=I lost my table: what did HadISST have for {nino} in {month} {year}?",
        "=state of {nino} SST anomaly, {month} {year}, HadISST",
    ),
    "oni": (
        "What was the ONI in {season} {years} (HadISST, base period 1981-2010)?",
        "Oceanic Nino Index HadISST, three months centred on December {year}, reference 1981-2010",
        "*ONI value for {season} {years} with HadISST and climatology of 1981–2010",
        "+Give the three-month running mean of the Niño 3.4 anomaly for {season} {years}, HadISST, 1981-2010 as reference (that is, the ONI).",
        "+How high or low stood the Oceanic Niño Index around December {year}? HadISST, {season}, normal period 1981–2010",
        "=HadISST-based ONI, {season} {years} season, anomalies from the 1981-2010 mean: value in °C?",
        "=Running 3-month Niño 3.4 anomaly (Oceanic Niño Index) centred on December {year}; HadISST; climatology 1981–2010. How much?",
    ),
    "deviation": (
        "Standard deviation of the monthly {nino} index in HadISST, {span}, anomalies w.r.t. 1981-2010?",
        "how strong is ENSO variability: std of monthly {nino} anomalies (HadISST, 1981-2010 base, {span})",
        "+With what standard deviation do monthly {nino} anomalies scatter in HadISST, {span}, if 1981-2010 is the base?",
        "+ENSO strength as sigma of the {nino} index: HadISST, all months of {span}, climatology 1981–2010",
        "=Std dev of {nino} in HadISST over all months {span}; anomalies from the 1981–2010 monthly climatology",
        "=As a measure of ENSO amplitude I'd take the standard deviation of monthly {nino} anomalies: HadISST, {span}, base 1981-2010. Result?",
    ),
}
EVENTS = {
    "warm": (
        "How many El Niño events are there in HadISST from 1980 to 2014 (ONI at least 0.5 °C for five overlapping seasons, base 1981-2010)?",
        "number of el nino events 1980-2014 HadISST oni",
        "Count the El Niños in the HadISST record 1980-2014 using the Oceanic Niño Index.",
        "how often was there an El Nino in HadISST between 1980 and 2014? base 1981-2010",
        "*HadISST, 1980–2014: how many El Niño episodes by the ONI criterion?",
        "+Going through HadISST from 1980 to 2014, how many separate El Niño episodes satisfy the ONI rule (five seasons in a row at +0.5 °C or more, 1981-2010 normals)?",
        "+El Niño tally, HadISST, 1980–2014, NOAA's ONI definition with base 1981-2010",
        "+A journalist wants to know how many El Niños occurred in the years 1980-2014. Please answer from HadISST with the Oceanic Niño Index.",
        "+detect warm ENSO events by ONI in HadISST SST 1980-2014 and give their number",
        "=Could you count El Niño events in HadISST, January 1980 to December 2014? Definition: ONI >= +0.5 K for five or more consecutive 3-month seasons, climatology 1981–2010.",
        "=Frequency of El Niño, HadISST 1980–2014: how many distinct events under NOAA's operational ONI definition, fixed base 1981-2010?",
        "=nb of El Niño episodes 1980–2014 (HadISST, ONI threshold 0.5, base 1981–2010)",
        "=In HadISST, how many warm phases of ENSO qualify as El Niño during 1980-2014, ONI criterion?",
    ),
    "cold": (
        "How many La Niña events did HadISST have 1980-2014 according to the ONI, base 1981-2010?",
        "count la nina events, HadISST, 1980–2014, ONI <= -0.5 for 5 seasons",
        "Please detect the La Niña episodes in HadISST SST (1980 to 2014) and say me how many.",
        "+How many times did La Niña come between 1980 and 2014? Data HadISST, criterion ONI, normals 1981–2010.",
        "+HadISST 1980-2014: cold ENSO episodes, counted (ONI at or below −0.5 °C during at least five consecutive overlapping seasons)",
        "+I need the number of La Niñas in HadISST for 1980–2014; please go by the Oceanic Niño Index with base 1981–2010.",
        "=La Niña events in HadISST, 1980–2014: total number, ONI-based, 1981-2010 climatology",
        "=How many La Niña episodes can be identified from the Oceanic Niño Index in HadISST for the period 1980-2014?",
        "=Please tally cold events of ENSO (ONI of −0.5 or lower for min. 5 successive seasons) in HadISST between 1980 and 2014; base is 1981–2010.",
    ),
    "peak": (
        "What was the highest ONI value in HadISST between 1980 and 2014 (base 1981-2010)?",
        "peak oni of the strongest el nino 1980-2014, HadISST, 1981-2010 base, in K",
        "*maximum of the Oceanic Niño Index, HadISST, 1980-2014, reference 1981–2010",
        "+How strong did El Niño ever get in HadISST, 1980-2014, measured by the highest ONI (base 1981–2010)?",
        "+Largest value reached by the Oceanic Niño Index in 1980–2014; HadISST; anomalies from 1981-2010",
        "=What ONI did the most intense El Niño of 1980-2014 reach at its height? HadISST SST, 1981–2010 climatology.",
        "=max(ONI) over 1980–2014 from HadISST, anomalies against 1981-2010",
    ),
    "year": (
        "In which year did the strongest El Niño in HadISST peak (1980–2014)?",
        "year of the strongest El Nino event HadISST 1980-2014?",
        "+When (year) did the mightiest El Niño of 1980–2014 culminate according to HadISST?",
        "+HadISST 1980-2014, biggest El Niño by ONI: year of its peak",
        "=Which year saw the peak of the most powerful El Niño in HadISST, 1980–2014?",
        "=The record El Niño in HadISST (1980-2014, by ONI) had its maximum in what year?",
    ),
}
DIVERSITY = {
    "eastern": (
        "How many El Niño events in HadISST 1980-2014 were Eastern Pacific events, i.e. DJF Niño3 larger than DJF Niño4?",
        "count EP el ninos HadISST 1980-2014 (Niño method)",
        "Classify El Niños of HadISST (1980–2014) into EP and CP by comparing Niño3 with Niño4: number of EP?",
        "number of eastern-Pacific type El Ninos, HadISST, 1980 to 2014",
        "*ENSO diversity in HadISST, 1980–2014: how many El Niños are of the Eastern Pacific flavour?",
        "+Sort the El Niños in HadISST, 1980-2014, by where they were strongest in DJF: in how many cases did Niño3 beat Niño4?",
        "+EP-type El Niño events: how many in HadISST 1980–2014, using the Niño3/Niño4 comparison?",
        "+I teach ENSO flavours and want the number of Eastern Pacific El Niños {span} seen by HadISST.",
        "+HadISST, {span}. El Niño events with winter (DJF) Niño3 anomaly above the Niño4 anomaly. Count?",
        "=ENSO flavours: number of canonical (Eastern Pacific) El Niños in HadISST {span}, i.e. Niño3 exceeding Niño4 in boreal winter DJF",
        "=How many of HadISST's El Niños {span} count as EP type when DJF Niño3 and Niño4 are compared?",
        "=EP El Niño count please, HadISST, {span}, DJF Niño3 > Niño4",
        "=Using the Niño3–Niño4 criterion, give the number of eastern Pacific El Niño events {span}, HadISST SST",
    ),
    "central": (
        "How many El Niños of HadISST from 1980 to 2014 are of the Central Pacific (Modoki) type, with Niño4 > Niño3 in DJF?",
        "CP El Nino count, HadISST, 1980-2014",
        "ENSO diversity: number of central Pacific El Niño events in HadISST {span}?",
        "please tell how many Central-Pacific events of El Niño exist in HadISST between 1980 and 2014 with nino3/nino4 method",
        "*Niño3 versus Niño4 in winter: how many El Niño events of HadISST (1980-2014) are CP?",
        "+How often between 1980 and 2014 was an El Niño in HadISST of the dateline kind, that is, Niño4 above Niño3 in DJF?",
        "+HadISST {span}, CP events of El Niño, how many (Niño method)?",
        "+Count those El Niños in HadISST 1980–2014 whose DJF warming is larger in Niño4 than in Niño3.",
        "+Of all El Niño events {span} in HadISST, what number belongs to the Central Pacific class?",
        "=How many Modoki-type El Niños, meaning DJF Niño4 anomaly above Niño3, do we see in HadISST {span}?",
        "=HadISST: CP (warm-pool) El Niño events {span}, number by the comparison of Niño3 and Niño4 in DJF",
        "=Please split the El Niño events of HadISST {span} by the Niño3/Niño4 method and return how many fall in the Central Pacific category.",
        "=N of El Niño with Niño4 > Niño3 in winter DJF, HadISST, {span}",
    ),
    "amplitude": (
        "Mean DJF Niño3 anomaly of the Eastern Pacific El Niño events in HadISST 1980–2014, base 1981-2010?",
        "average amplitude of EP El Niños (Nino3, DJF mean, HadISST, 1980-2014, anomalies from 1981-2010)",
        "+When an Eastern Pacific El Niño happens in HadISST (1980–2014), how warm is Niño3 in DJF on average, relative to 1981-2010?",
        "+EP El Niños of HadISST 1980-2014: composite mean of the DJF Niño3 anomaly, base period 1981–2010, K",
        "=How warm does Niño3 get in the DJF mean of an average EP-type El Niño? HadISST, {span}, anomalies from 1981–2010.",
        "=HadISST {span}: take the Eastern Pacific El Niños (Niño3 > Niño4), average their DJF Niño3 anomalies (climatology 1981-2010); result in K",
    ),
}
PERIOD = {
    "wavelet": (
        "What is the dominant ENSO period in {data}'s {nino} index according to a Morlet wavelet analysis, {span}?",
        "wavelet: main period of Nino3.4 in {data} (years)",
        "Use continuous wavelet transform on the Niño 3.4 series of {data} and report the period with the most global power.",
        "dominant periodicity of El Nino in {data} by CWT, in years please",
        "ENSO period {data} wavelet",
        "how many years lie between El Niños in {data}, on average, if a wavelet spectrum of Niño 3.4 is taken?",
        "*With Torrence & Compo's wavelets, which period dominates Niño3.4 {source}?",
        "+On what time scale does El Niño return in {data}? Wavelet spectrum of {nino}, please, answer in years.",
        "+{data}, {nino}, {span}: global wavelet spectrum, period at its maximum",
        "+I'd like to know where the Morlet wavelet power of {nino} in {data} is largest: period in years?",
        "+Which periodicity is preferred by the simulated ENSO of {data}, when analysed with wavelets?",
        "+ENSO cycle length {data}, from time-averaged wavelet power of {nino} SST anomalies",
        "+Perform a wavelet transform of the {nino} index from the {data} historical run and state the period that carries most power",
        "=Which ENSO periodicity does {data} simulate? Morlet wavelet of {nino}, peak of the global power spectrum, in years.",
        "=Wavelet analysis, {data}, {nino}, {span}: dominant period (yr)",
        "=At what period (years) does time-mean wavelet power of the {nino} index reach its maximum {source}?",
        "=I would be thankful for the leading ENSO period in {data} by continuous wavelet transform of {nino} anomalies.",
        "=How often does El Niño recur in {data}, in years, according to CWT of the {nino} series?",
        "=CWT (Morlet, omega0 = 6) on {nino} from {data}; return the period with strongest mean power, in years",
    ),
    "spectrum": (
        "At which period does the power spectrum of the Southern Oscillation Index peak (1951-2014)?",
        "SOI spectrum: dominant period in years",
        "What's the main period of the SOI? Use spectral analysis.",
        "spectral peak of the monthly southern oscillation index, which period in months?",
        "*periodogram of the SOI: the period of its largest peak",
        "+How many years is the main cycle of the Southern Oscillation Index, judged from its power spectrum?",
        "+SOI 1951–2014, Fourier spectrum: period of the strongest peak",
        "+We suspect an oscillation in the SOI record. At which period is the spectral power greatest?",
        "+dominant period of southern oscillation index (whole series), spectral method, in years",
        "=What periodicity, in years, shows up most strongly in a spectral analysis of the SOI?",
        "=SOI: FFT, peak period in years?",
        "=Estimate the power spectral density of the monthly Southern Oscillation Index, 1951-2014, and tell the period of its maximum in years.",
        "=The SOI swings with which dominant period (spectral maximum, whole 1951–2014 record)?",
    ),
}
TOGETHER = {
    "soi": (
        "What is the correlation between the SOI and HadISST's Niño 3.4 index over 1980-2014?",
        "corr(SOI, Nino3.4 HadISST) monthly, 1980-2014",
        "How strongly do the Southern Oscillation Index and the Niño3.4 anomalies (HadISST) correlate, 1980–2014? Pearson r",
        "*Pearson correlation of monthly SOI with Niño 3.4 SST anomalies of HadISST, 1980 to 2014",
        "+Do the SOI and Niño 3.4 in HadISST mirror each other? Correlation coefficient of the monthly series 1980–2014.",
        "+r between monthly SOI and HadISST Nino 3.4 anomaly, years 1980 through 2014",
        "+Textbooks say the pressure seesaw and equatorial SST are tightly linked: what is the correlation of the monthly SOI with HadISST's Niño3.4, 1980-2014?",
        "=Linear correlation SOI vs. Niño3.4 (HadISST anomalies), months of 1980–2014?",
        "=How tightly is the Southern Oscillation Index coupled to Niño 3.4 from HadISST? I need r at zero lag, monthly values, 1980-2014.",
        "=Atmosphere–ocean coupling check: Pearson coefficient of monthly SOI and HadISST Niño-3.4 anomalies during 1980–2014",
    ),
    "regression": (
        "Regress ERA5 precipitation anomalies averaged over 10S-10N, 150E-150W on HadISST's Niño 3.4 index, {span}: slope in mm/day per K?",
        "How many mm/day does ERA5 rain over 10°S–10°N, 150°E–150°W increase per degree of Niño3.4 (HadISST, {span})?",
        "regression coefficient ERA5 pr (10S-10N, 150E-210E) onto nino3.4 HadISST monthly anomalies {span}",
        "*slope of monthly rain anomalies (ERA5, box 10S-10N / 150E-150W) against Niño-3.4 of HadISST, {span}",
        "+When Niño 3.4 (HadISST) warms by one kelvin, how does ERA5 rainfall over 10S-10N, 150E-150W respond in mm/day? Linear regression of monthly anomalies, {span}.",
        "+linear response of precipitation (ERA5, 10°S-10°N, 150°E-150°W) to HadISST nino 3.4, monthly anomalies {span}, mm/day/K",
        "+Take monthly anomalies, {span}: ERA5 rain in the box 10S-10N, 150E-150W as y, HadISST Niño3.4 as x. Slope of the fit?",
        "=Sensitivity of equatorial Pacific rain to ENSO: d(pr)/d(Niño3.4), pr from ERA5 over 10S–10N, 150E–150W, index from HadISST, monthly anomalies {span}, mm/day per K",
        "=By least squares, how many mm/day of ERA5 precipitation anomaly in 10S-10N, 150E-150W go with +1 °C of HadISST Niño 3.4? Months of {span}.",
        "=ERA5 precip anomalies (mean of 10°S–10°N, 150°E–150°W) regressed on Niño3.4 anomalies, HadISST, {span}, monthly: regression coefficient in mm/d/K please",
    ),
    "rain": (
        "Correlation of ERA5 rainfall anomalies over 10S–10N, 150E–150W with Niño 3.4 from HadISST, {span}?",
        "correlate nino 3.4 (HadISST) with ERA5 precip in 10S-10N 150E-150W, monthly anomalies, {span}",
        "+How closely does ERA5 rainfall over 10S-10N, 150E-150W follow Niño 3.4 of HadISST? Pearson r of monthly anomalies, {span}.",
        "+corr. coeff. of monthly anomalies, {span}: HadISST Nino3.4 and ERA5 pr averaged over 10S-10N, 150E-150W",
        "=Is ERA5 rain at 10S-10N, 150E-150W in phase with Niño3.4 (HadISST)? Correlation coefficient of the monthly anomalies, {span}",
        "=Zero-lag correlation, monthly anomalies {span}: Niño 3.4 in HadISST against area-mean ERA5 precipitation of 10°S–10°N, 150°E–150°W",
    ),
    "indices": (
        "Correlation between the monthly Niño 3 and Niño 4 anomalies in HadISST, {span}?",
        "r of Nino3 and Nino4 monthly SST anomalies HadISST {span}",
        "+To what degree do Niño 3 and Niño 4 go together in HadISST ({span})? Correlation of monthly anomalies.",
        "+Pearson coefficient, Niño3 vs Niño4, HadISST SST anomalies by month, {span}",
        "=How similar are Niño3 and Niño4 in HadISST? Give the correlation of their monthly anomaly series for {span}.",
        "=corr(Niño3, Niño4), monthly anomalies, HadISST SST, {span}",
    ),
}  # fmt: skip
_MONTHS = {11: ("November", "Nov"), 12: ("December", "Dec")}
RAINY: Box = (-10, 10, 150, 210)


def questions(world: World) -> Iterator[Request]:
    """All of this file's."""
    yield from requests(world, "nino", INDEX, _index)
    yield from requests(world, "enso-events", EVENTS, _events)
    yield from requests(world, "enso-diversity", DIVERSITY, _diversity)
    yield from requests(world, "enso-period", PERIOD, _period)
    yield from requests(world, "teleconnection", TOGETHER, _together)


def nino(world: World, region: str, source: str = "HadISST", base: tuple[int, int] = BASE) -> Series:
    """Monthly anomalies of an index, K."""
    return world.series("tos", source, BOXES[region]).anomalies(*base)


def episodes(index: Series, sign: int) -> list[slice]:
    """Runs of at least five overlapping seasons at ±0.5 K or beyond."""
    beyond = np.concatenate([[False], sign * index.running(3).values >= 0.5, [False]])
    starts, ends = np.flatnonzero(beyond[1:] & ~beyond[:-1]), np.flatnonzero(beyond[:-1] & ~beyond[1:])
    return [slice(a, b) for a, b in zip(starts, ends, strict=True) if b - a >= 5]


def winter(index: Series, year: int) -> float:
    """The mean of December of a year and the two months that follow."""
    return float(np.mean([index.at(year, 12), index.at(year + 1, 1), index.at(year + 1, 2)]))


@lru_cache
def kinds(world: World) -> list[tuple[int, bool]]:
    """El Niños: the year of the December, and whether Niño 3 exceeds Niño 4 that winter."""
    index, east, west = nino(world, "3.4"), nino(world, "3"), nino(world, "4")
    found = []
    for run in episodes(index, 1):
        peak = run.start + int(np.argmax(index.running(3).values[run]))
        year = int(index.year[peak]) - int(index.month[peak] < 7)
        found.append((year, winter(east, year) > winter(west, year)))
    return found


def _index(ask: Ask) -> Case:
    event = ask.one(ask.world.parameters.events)
    region = ask.one(("3.4", "3.4", "3", "4", "1+2") if ask.kind == "month" else ("3.4",))
    number = ask.one((11, 12))
    slots = {
        "nino": [f"{name}{gap}{region}" for name in ("Niño", "Nino", "NINO") for gap in (" ", "", "-")],
        "month": _MONTHS[number], "year": str(event.year), "season": "NDJ", "span": ("1980-2014", "1980 to 2014"),
        "years": (f"{event.year}/{(event.year + 1) % 100:02d}", f"{event.year}-{event.year + 1}"),
    }  # fmt: skip
    if ask.kind == "deviation":
        expected = spread([float(np.std(nino(ask.world, "3.4").values, ddof=d)) for d in (0, 1)], "K", difference=True)
        return Case(slots, expected, "of all months; N or N − 1")
    if ask.kind == "oni":
        value = nino(ask.world, "3.4").running(3).at(event.year, 12)
        return Case(slots, Answer(value, "K", 0.02, 0.02, difference=True), "the three-month mean of the anomalies")
    if ask.kind == "month":
        value = nino(ask.world, region).at(event.year, number)
        return Case(slots, Answer(value, "K", 0.02, 0.02, difference=True), "SST less the month's normal")
    values = [nino(ask.world, region, base=base).at(event.year, number) for base in (BASE, HISTORY, (1985, 2014))]
    either = (Answer(value, "K", 0.02, 0.02, difference=True) for value in values)
    return Case(slots, any_of(*either, Clarify()), "the base period is not stated: a usual one, or a question back")


def _events(ask: Ask) -> Case:
    index = nino(ask.world, "3.4")
    oni = index.running(3)
    if ask.kind in ("warm", "cold"):
        count = len(episodes(index, 1 if ask.kind == "warm" else -1))
        return Case({}, Answer(count, ANY_UNITS, relative=0), "runs of five seasons of the ONI beyond 0.5 K")
    peak = int(np.nanargmax(oni.values))
    if ask.kind == "peak":
        expected = Answer(float(oni.values[peak]), "K", 0.02, 0.02, difference=True)
        return Case({}, expected, "the three-month means' maximum")
    year = int(oni.year[peak]) - int(oni.month[peak] < 7)
    years = {year, int(oni.year[peak])}
    names = [Answer(f"{year}/{(year + 1) % 100:02d}"), Answer(f"{year}-{year + 1}")]
    return Case({}, any_of(*(Answer(y, ANY_UNITS, relative=0) for y in sorted(years)), *names), "where the ONI peaks")


def _diversity(ask: Ask) -> Case:
    found = kinds(ask.world)
    slots = {"span": ("1980-2014", "from 1980 to 2014")}
    if ask.kind == "amplitude":
        east = nino(ask.world, "3")
        value = float(np.mean([winter(east, year) for year, eastern in found if eastern]))
        return Case(slots, Answer(value, "K", 0.04, 0.03, difference=True), "the winters' mean Niño 3")
    count = sum(eastern == (ask.kind == "eastern") for _, eastern in found)
    return Case(slots, Answer(count, ANY_UNITS, relative=0), "El Niños by the larger of Niño 3 and Niño 4 in winter")


def _period(ask: Ask) -> Case:
    data = "SOI" if ask.kind == "spectrum" else ask.one(("CESM2", "MIROC6"))
    slots = {"nino": ("Niño 3.4", "Nino3.4"), "span": "1980-2014", **source(data)}
    expected = Answer(ask.world.parameters.periods[data], "year", 0.12 if ask.kind == "spectrum" else 0.1)
    return Case(
        slots,
        expected,
        "the oscillation's prescribed period; scales and frequencies of usual spectra are about 10 % apart",
    )


def _together(ask: Ask) -> Case:
    years = ask.one(((1980, 2014), (1985, 2014), (1981, 2010)))
    slots = {"span": period(*years)["years"], "variable": SST}
    index = nino(ask.world, "3.4")
    if ask.kind == "soi":
        soi = ask.world.series("soi", "BoM").between(*HISTORY)
        found = [correlation(values, index.values) for values in (soi.values, soi.anomalies().values)]
        return Case(
            slots, spread(found, "1", relative=0, absolute=0.03), "of months; the SOI as it is or its anomalies"
        )
    index = index.between(*years)
    if ask.kind == "indices":
        found = [correlation(nino(ask.world, "3").between(*years).values, nino(ask.world, "4").between(*years).values)]
        return Case(slots, spread(found, "1", relative=0, absolute=0.02), "of monthly anomalies")
    rain = ask.world.series("pr", "ERA5", RAINY).between(*years).anomalies()
    index = index.anomalies()
    if ask.kind == "rain":
        found = [correlation(index.values, rain.values)]
        return Case(slots, spread(found, "1", relative=0, absolute=0.03), "of monthly anomalies")
    slope = least_squares(index.values, rain.values)[0]
    return Case(slots, Answer(slope, "mm day-1 K-1", 0.04, difference=True), "of monthly anomalies, least squares")
