# ruff: noqa: E501 — a wording is one line
"""Trends, changes between periods, anomalies, and the years that stand out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..fields import mann_kendall, theil_sen, trends
from ..parameters import MODELS
from ..request import ANY_UNITS, Answer, Clarify, Request, any_of, spread
from ..wording import BOXES, EVERYWHERE, PR, PSL, SST, TAS, TROPICS, Ask, Case, period, requests, source
from ..world import World

PERIODS = ((1980, 2014), (1985, 2014), (1981, 2010), (1980, 2009))

TREND = {
    "slope": (
        "What is the linear trend of {variable} {region} {source} {period}, in {units} per decade?",
        "{variable} trend {area} {data} {years} ({units}/decade)",
        "How fast did {variable} change {region} {period} {source}? Please answer in {units} per decade.",
        "Fit a least-squares line to annual mean {variable} {region}, {data}, {years}, and tell me its slope.",
        "warming rate / trend of {variable} {area} in {data}, {years}?",
        "At which rate has the {variable} {region} been changing {period} in {data}",
        "I am interested in the long term trend of {variable}, averaged over {area}. Data: {data}. Time: {years}.",
        "Give please the tendency of {variable} by decade {region} {source} for {years}",
        "decadal trend, {variable}, {data}, {area}, {years}",
        "Estimate the {years} linear trend in {variable} {region} (per year) {source}.",
        "*By how much per ten years does {variable} rise {region} in {data} {period}?",
        "*regress yearly {variable} on time {region}, {data} {years}: slope please ({units} per year)",
        "+Is {variable} going up or down over {area}, and how fast per decade? {data}, {years}.",
        "+For a policy brief we need the rate of change of {variable} {region} {source} {period}, per decade.",
        "+{data}: slope of {variable} vs. time, {area}, {years}, {units} per 10 years",
        "+By least squares, what trend has the annual mean {variable} {region} in {data} ({years})?",
        "+what's the decadal change in {variable} for {area} you see in {data}, {years} (linear fit)",
        "+Put a straight line through {variable} averaged over {area} {source} {period}: how steep is it, in {units} per decade?",
        "+I would be grateful for the linear trend of {variable} {region} during {dashed} as computed from {data}.",
        "+At what pace has {variable} changed over {area} {period}? Please take {data}, unit {units} per year.",
        "+trend {years} of the {variable}, area average of {area}, dataset {data}, in {units} per annum",
        "+Teacher asks for the slope: {variable} of {area} against the year, {data}, {years}. What is it?",
        "=Hi, what linear trend per decade do you find for {variable} {region} in {data}, {years}? Ordinary least squares is fine.",
        "=OLS slope of annual {variable}, {area} mean, {data}, {years}, {units}/decade",
        "=The minister would like to know how quickly {variable} is changing {region}; please use {data} for {years} and state the change per decade.",
        "=Compute d({variable})/dt by linear regression, {area}, {data}, {years}; answer in {units} per decade",
        "=Long-term tendency, {variable}, {area}, {data}: what is the rate per decade {period}?",
        "=Could somebody tell me the {years} trend in {variable} {region}? Dataset {data}, {units} per decade.",
        "=Linear rate of change of {variable} {source} {region} {period}, quoted as {units} per year.",
        "=From a straight-line fit to {data}: by how many {units} per 10 years does {variable} of {area} change in {dashed}?",
        "=I have to report decadal trend of {variable}; region is {area}, product is {data}, first and last year are {years}.",
        "=trend analysis: {data}, {variable}, {area}, {years} → slope per decade",
    ),
    "century": (
        "What's the trend of {variable} {region} {source} {period}, expressed per century?",
        "+If the linear trend of {variable} {region} {source} for {years} is scaled to one hundred years, how much is that?",
        "={variable}, {area}, {data}, {years}: linear rate of change in {units} per 100 years",
    ),
}
ROBUST = {
    "sen": (
        "What is the Theil–Sen slope of annual-mean {variable} {region} {source} {period} (per decade)?",
        "Sen's slope {variable} {area} {data} {years}",
        "robust trend estimate (Theil-Sen) for {variable} {region}, {data}, {years}, in K per decade",
        "Use the Theil Sen estimator: trend of {variable} averaged {region} {period} in {data}?",
        "I don't trust least squares because of outliers. What's the median-of-slopes trend of {variable} {region}, {data} {years}?",
        "non-parametric trend (sen) of {variable} for {area}, {data}, {years}",
        "*theil sen slope for yearly {variable} {region}, {data} {period} pls",
        "+My referee insists on a Theil-Sen fit. Which slope does it give for yearly mean {variable} {region} {source} {period}?",
        "+{area} {variable}, {data}, {years}: Sen slope per decade?",
        "+Take all pairs of years, compute the slope of each and quote the median: annual {variable}, {area}, {data}, {years}.",
        "+outlier-resistant trend (Theil & Sen) in annual {variable} {region}, {data} {years}",
        "+Determine Sen's estimator of the warming rate {region} in {data} for {years}, from annual means, K per decade.",
        "+How many degrees per decade by Sen's method? Variable: {variable}; area: {area}; source: {data}; time: {years}",
        "=Kendall-Theil robust line for the annual means of {variable} {region}, {data}, {years}: slope in K/decade?",
        "=How fast is it warming {region} if one fits yearly {variable} of {data} ({years}) by Theil-Sen instead of OLS? Per decade.",
        "={data} {years} {area} annual {variable}, Sen's slope estimator, K per 10 yr",
        "=Please apply a Theil–Sen regression to annual {variable} {region} {source} {period} and return the slope (°C per decade).",
        "=The median pairwise slope (Sen 1968) of year-mean {variable} in {data} on {area}, {years}, how much is it by decade?",
        "=We worry about a few odd years, so use Sen's estimator: decadal rate of annual {variable} {region} {period} with {data}",
    ),
    "p": (
        "What p-value does the Mann–Kendall test give for annual {variable} {region} {source} {period}?",
        "mann kendall p value, annual mean {variable}, {area}, {data}, {years}",
        "Is there a monotonic trend in yearly {variable} {region} {source} ({years})? I want the p-value of Mann-Kendall.",
        "Mann-Kendall significance (p) of {variable} {region} {period}, data {data}, annual means",
        "*apply the MK trend test on annual means of {variable} {region} in {data}, {years}; report p",
        "+Could the change in yearly {variable} {region} be chance? Run a Mann–Kendall test on {data}, {years}, and return the p-value.",
        "+{data}, {area}, {variable}, annual, {years}: p from Mann-Kendall",
        "+Which p-value results from the rank test of Mann and Kendall for a trend in annual mean {variable} {region} {source} {period}?",
        "+Please test yearly averages of {variable} {region} for a monotone trend (Mann Kendall, two-sided) with {data} for {years}, and give p.",
        "=Mann-Kendall: is the trend of yearly {variable} significant {region}, {data}, {years}? p-value only.",
        "=Statistical significance by Mann–Kendall of the change of annual-mean {variable} {region} {source} {period}: which p?",
        "=p(MK) for {variable}, year means, {area}, {data} {years}",
        "=Reviewer 2 wants the Mann-Kendall p-value for our annual {variable} series ({data}, {area}, {years}). Can you compute it?",
    ),
}
CHANGE = {
    "change": (
        "How much warmer was {later} than {earlier} {region} {source}?",
        "change in {variable} {region}: {later} minus {earlier}, {data}",
        "What is the difference in mean {variable} between {later} and {earlier} {region} {source} (later minus earlier)?",
        "By how many degrees did {variable} increase from {earlier} to {later} {region} in {data}?",
        "{data} {variable} {area}: mean {later} relative to mean {earlier}",
        "*Compare {later} with {earlier}: how much did {variable} rise {region} {source}?",
        "+We picked two periods, {earlier} and {later}. How many degrees lie between their mean temperatures {region} {source}, later minus earlier?",
        "+{area}, {data}: {variable} averaged over {later} less {variable} averaged over {earlier}",
        "+Between the periods {earlier} and {later}, how much has it warmed over {area} in {data}?",
        "+What is the rise of mean {variable} {region} when {later} is set against {earlier} in {data}?",
        "+Subtract the {earlier} mean of {variable} from the {later} mean for {area}, {data}.",
        "=Epoch difference of {variable}: ({later}) − ({earlier}), {area}, {data}",
        "=How many °C of warming in mean {variable} separate {earlier} and {later} {region} in {data}?",
        "=Please contrast two climates, {earlier} and {later}: increase in mean {variable} {region} {source}, in kelvin",
        "=Mean {variable} {region} rose by what amount between the {earlier} and the {later} averages according to {data}?",
        "={data}, {area}: delta {variable}, reference period {earlier}, target period {later}",
    ),
    "percent": (
        "By what percentage did mean {rain} change from {earlier} to {later} {region} {source}?",
        "percent change of {rain}, {later} relative to {earlier}, {area}, {data}",
        "+Did it get wetter over {area}? Give the relative change of mean {rain} in {data}, {later} against {earlier}, in percent.",
        "+{data}, {area}: mean {rain} in {later} compared with {earlier}, difference as % of the earlier value",
        "=Relative change (%) in average {rain} {region}, {data}: from the reference {earlier} to {later}",
        "=How many per cent more or less does it rain {region} in {later} than in {earlier}, going by {data}?",
    ),
    "anomaly": (
        "What was the {variable} anomaly of the year {year} relative to 1981-2010 {region} {source}?",
        "{year} anomaly {variable} {area} {data} (ref. 1981-2010)",
        "How much above the 1981–2010 average was {variable} in {year} {region}, {data}?",
        "annual {variable} anomaly in {year} w.r.t. the baseline 1981 to 2010, averaged {region}, {data} data",
        "*taking 1981-2010 as normal, how anomalous was {year}'s {variable} {region} in {data}?",
        "+How unusual was {year}? I need its annual mean {variable} {region} {source} as a departure from the 1981–2010 mean.",
        "+departure of {year} from 1981-2010 normal, annual {variable}, {area}, {data}",
        "+Against a 1981-2010 baseline, by how much was the year {year} warmer (or colder) over {area} in {data}?",
        "+{data}: annual {variable} of {year} minus its 1981-2010 average for {area}",
        "=Annual mean {variable} of {year} against the 1981–2010 norm {region}, {data}: difference in K?",
        "={year} vs 1981-2010: {variable} departure, {area}, {data}, °C",
        "=Was {year} a warm year {region}? Tell me the annual {variable} anomaly in {data} (WMO-style normals 1981–2010).",
        "=With the 1981-2010 climatology as zero line, where did the yearly {variable} of {year} end up {region} in {data}?",
    ),
    "open": (
        "What was the anomaly of {variable} in {year} {region} {source}?",
        "+How far from normal was {variable} in {year} {region}, {data}?",
        "=Annual {variable} anomaly for {year} {region}, {data}?",
    ),
    "warmest": (
        "Which was the warmest year {region} {source} {period}?",
        "warmest calendar year in {variable}, {area}, {data}, {years}",
        "In what year had {area} the highest annual mean {variable} in {data} ({years})?",
        "*year with record {variable}, {area}, {data}, {years}?",
        "+Name the hottest year {region} in {data}, looking at {years} only.",
        "+{data}, {area}, {years}: which year tops the ranking of annual mean {variable}?",
        "+For a news item: when was the annual temperature {region} at its highest {period} {source}? The year, please.",
        "=Record holder for heat: which single year {period} had the greatest annual mean {variable} {region} in {data}?",
        "=argmax over years of annual {variable}, {area}, {data}, {years}",
        "=According to {data}, what year is ranked no. 1 in warmth {region}, if we look at {years}?",
    ),
    "coldest": (
        "Which year was the coldest {region} {source} {period}?",
        "coldest year {variable} {area} {data} {years}",
        "+In which calendar year was annual mean {variable} lowest {region}, {data}, {years}?",
        "+Find me the chilliest year on record {region} in {data}, considering {years}",
        "=Which of the years {dashed} had the lowest yearly {variable} {region} in {data}?",
        "=coolest year for {area}, {data} annual means of {variable}, {years}; just the year",
    ),
}


def questions(world: World) -> Iterator[Request]:
    """All of this file's."""
    yield from requests(world, "trend", TREND, _trend)
    yield from requests(world, "robust-trend", ROBUST, _robust)
    yield from requests(world, "change", CHANGE, _change)


def _trend(ask: Ask) -> Case:
    region, years = ask.one(EVERYWHERE), ask.one(PERIODS)
    name, data = ask.one(
        (*[("tas", m) for m in MODELS], *[("tas", "ERA5")] * 3, ("tos", "HadISST"), ("sfcWind", "MIROC6"))
    )
    if name == "tos":
        region = ask.one((EVERYWHERE[0], TROPICS, *EVERYWHERE[2:4]))
    words = {"tas": TAS, "tos": SST, "sfcWind": ("near-surface wind speed", "10 m wind speed")}[name]
    units = "m s-1" if name == "sfcWind" else "K"
    found = [slope * 10 for slope in trends(ask.world.series(name, data, region.box).between(*years))]
    expected = spread(found, f"{units} (10 year)^-1", relative=0.03, difference=True)
    said = ("m/s", "m s-1") if name == "sfcWind" else ("K", "°C", "degC")
    slots = {"variable": words, "units": said, **region.slots, **period(*years), **source(data)}
    return Case(slots, expected, "of annual means or monthly anomalies, by least squares or Sen")


def _robust(ask: Ask) -> Case:
    region, years = ask.one(EVERYWHERE), ask.one(PERIODS)
    temperature = ask.kind == "sen" or ask.rng.random() < 0.4
    name, data = ("tas", ask.one((*MODELS, "ERA5"))) if temperature else ("psl", ask.one(("ERA5", "MIROC6")))
    series = ask.world.series(name, data, region.box).between(*years)
    both = [series.annual(by_days=by_days) for by_days in (False, True)]
    slots = {"variable": TAS if temperature else PSL, **region.slots, **period(*years), **source(data)}
    if ask.kind == "sen":
        slopes = [10 * theil_sen(*one) for one in both]
        expected = spread(slopes, "K (10 year)^-1", relative=0.03, difference=True)
        return Case(slots, expected, "the median of all pairs' slopes of annual means")
    expected = spread(
        [mann_kendall(means)[1] for _, means in both], "1", relative=0.02, absolute=0.03 if name == "psl" else 1e-4
    )
    return Case(slots, expected, "the plain test on annual means; the normal approximation")


def _change(ask: Ask) -> Case:
    region, data = ask.one(EVERYWHERE), ask.one((*MODELS, "ERA5", "ERA5"))
    slots = {"variable": TAS, **region.slots, **source(data)}
    if ask.kind in ("change", "percent"):
        earlier, later = ask.one(
            (((1980, 1989), (2005, 2014)), ((1981, 1995), (1996, 2014)), ((1980, 1994), (2000, 2014)))
        )
        slots |= {"earlier": period(*earlier)["dashed"], "later": period(*later)["dashed"], "rain": PR}
        if ask.kind == "percent":
            data, region = ask.one(("ERA5", *MODELS[:4])), ask.one((EVERYWHERE[0], *BOXES[:2]))
            slots |= {**region.slots, **source(data)}
        series = ask.world.series("tas" if ask.kind == "change" else "pr", data, region.box)
        pairs = list(zip(series.between(*later).means(), series.between(*earlier).means(), strict=True))
        if ask.kind == "change":
            expected = spread([b - a for b, a in pairs], "K", relative=0.02, absolute=0.01, difference=True)
        else:
            expected = spread([100 * (b - a) / a for b, a in pairs], "%", relative=0.03, absolute=0.03)
        return Case(slots, expected, "later minus earlier mean")
    series = ask.world.series("tas", data, region.box)
    if ask.kind in ("anomaly", "open"):
        year = int(ask.rng.integers(2004, 2015))
        bases = [(1981, 2010)] if ask.kind == "anomaly" else [(1981, 2010), (1980, 2014), (1985, 2014), (1980, 2009)]
        slots |= {"year": str(year)}
        found = [
            Answer(series.between(year, year).mean() - series.between(*base).mean(), "K", 0.02, 0.01, difference=True)
            for base in bases
        ]
        unsure = [] if ask.kind == "anomaly" else [Clarify()]
        return Case(slots, any_of(*found, *unsure) if unsure else found[0], "the year's mean less the base period's")
    years = ask.one([(1980, 2014), (1980, 2010), (1985, 2014)])
    sign = 1 if ask.kind == "warmest" else -1
    best: set[int] = set()
    for by_days in (False, True):
        known, means = series.between(*years).annual(by_days=by_days)
        best |= {int(year) for year in known[np.max(sign * means) - sign * means < 0.004]}
    expected = any_of(*(Answer(year, ANY_UNITS, relative=0) for year in sorted(best)))
    return Case({**slots, **period(*years)}, expected, "of annual means; ties within 0.004 K")
