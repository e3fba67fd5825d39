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
    ),
    "century": ("What's the trend of {variable} {region} {source} {period}, expressed per century?",),
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
    ),
    "p": (
        "What p-value does the Mann–Kendall test give for annual {variable} {region} {source} {period}?",
        "mann kendall p value, annual mean {variable}, {area}, {data}, {years}",
        "Is there a monotonic trend in yearly {variable} {region} {source} ({years})? I want the p-value of Mann-Kendall.",
        "Mann-Kendall significance (p) of {variable} {region} {period}, data {data}, annual means",
        "*apply the MK trend test on annual means of {variable} {region} in {data}, {years}; report p",
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
    ),
    "percent": (
        "By what percentage did mean {rain} change from {earlier} to {later} {region} {source}?",
        "percent change of {rain}, {later} relative to {earlier}, {area}, {data}",
    ),
    "anomaly": (
        "What was the {variable} anomaly of the year {year} relative to 1981-2010 {region} {source}?",
        "{year} anomaly {variable} {area} {data} (ref. 1981-2010)",
        "How much above the 1981–2010 average was {variable} in {year} {region}, {data}?",
        "annual {variable} anomaly in {year} w.r.t. the baseline 1981 to 2010, averaged {region}, {data} data",
        "*taking 1981-2010 as normal, how anomalous was {year}'s {variable} {region} in {data}?",
    ),
    "open": ("What was the anomaly of {variable} in {year} {region} {source}?",),
    "warmest": (
        "Which was the warmest year {region} {source} {period}?",
        "warmest calendar year in {variable}, {area}, {data}, {years}",
        "In what year had {area} the highest annual mean {variable} in {data} ({years})?",
        "*year with record {variable}, {area}, {data}, {years}?",
    ),
    "coldest": (
        "Which year was the coldest {region} {source} {period}?",
        "coldest year {variable} {area} {data} {years}",
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
