# ruff: noqa: E501 — a wording is one line
"""Patterns: EOFs, zonal means, models against observations, and observations against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from ..fields import Array, Box
from ..parameters import MODELS
from ..request import Answer, Listed, Request, spread
from ..wording import BOXES, EVERYWHERE, GLOBE, PR, TAS, Ask, Case, period, place, requests, source
from ..world import World

EOF = {
    "one": (
        "What share of the variance does the {nth} EOF of monthly sea level pressure anomalies explain in 20CR over the North Atlantic?",
        "explained variance {nth} EOF, 20CR slp north atlantic, monthly anomalies, %",
        "EOF analysis (cos-lat weighted) of the deseasonalised 20CR pressure field: how many percent belongs to mode {number}?",
        "Perform principal component analysis of monthly SLP anomalies in 20CR, give variance fraction of the {nth} mode",
        "20CR: variance explained by PC{number} of SLP (anomalies from the monthly climatology)",
        "how much of SLP variability is captured by the {nth} empirical orthogonal function? dataset 20CR 1980-2009",
        "Please calculate EOFs of SLP anomalies in the 20CR file and state percentage of {nth} one",
        "*Percentage of variance of EOF{number} for monthly North Atlantic MSLP anomalies (20CR, 1980–2009)?",
        "+Decompose the 20CR monthly sea level pressure anomalies over the North Atlantic into EOFs: which percentage of the variance falls to the {nth} one?",
        "+20CR slp anomalies, area-weighted EOFs, explained variance of mode {number} in percent",
        "+How dominant is the {nth} mode of North Atlantic pressure variability in 20CR? Fraction of total variance, from monthly anomalies",
        "+For the {nth} principal component of monthly MSLP anomalies (20CR, North Atlantic, 1980–2009), what fraction of variance is represented?",
        "+pca on slp, 20CR file, seasonal cycle removed; variance ratio of component {number}?",
        "+I am learning EOFs with 20CR sea-level pressure. After taking off the monthly climatology and weighting by latitude, what share of the variance has EOF {number}?",
        "+Kindly report the explained variance (%) belonging to the {nth} eigenvector of North Atlantic SLP anomalies from 20CR, monthly data.",
        "=North Atlantic SLP from 20CR, monthly anomalies: fraction of total variance carried by EOF{number}, as percent?",
        "=20CR / MSLP / deseasonalised monthly data / EOF {number}: explained variance",
        "=How much of the variance does the {nth} mode take in an EOF analysis of 20CR monthly pressure anomalies?",
        "=Dear Sir or Madam, I would kindly request the percentage of variance accounted for by the {nth} EOF of the North Atlantic sea level pressure anomalies in 20CR (monthly, latitude-weighted).",
        "=lambda_{number} / sum(lambda) in % for the SLP anomaly covariance matrix, 20CR monthly, North Atlantic, sqrt(cos lat) weights (EOF analysis)",
        "=My supervisor asks how important is {nth} principal component of 20CR monthly SLP anomalies; answer as explained variance in %.",
        "=After removing the mean annual cycle from the 20CR sea level pressure, run a PCA: what variance percentage has the {nth} mode?",
    ),
    "sum": (
        "How much variance do the first two EOFs of 20CR's monthly sea level pressure anomalies explain together?",
        "cumulative explained variance EOF1+EOF2, 20CR SLP anomalies",
        "sum of variance fractions of the two leading EOF modes, sea level pressure, 20CR",
        "*20CR SLP anomalies: what do modes 1 and 2 explain in total, in %?",
        "+If I keep only EOF 1 and EOF 2 of the monthly 20CR pressure anomalies, what percentage of the variance do I retain?",
        "+20CR North Atlantic SLP, monthly anomalies: variance explained by the leading pair of EOFs taken together",
        "+Add up the explained variances of the first and second mode of 20CR sea level pressure anomalies (monthly), please; the total in %.",
        "=Two-mode truncation of 20CR monthly SLP anomalies (EOFs 1 and 2): how many per cent of the total variance does it keep?",
        "=What part of the North Atlantic monthly pressure variance (20CR anomalies) is explained jointly by the two leading principal components?",
        "=20CR EOFs of monthly MSLP anomalies, cumulative variance at mode 2",
    ),
}
ZONAL = {
    "band": (
        "What is the zonal-mean {variable} between {ends} {source} {period}?",
        "zonal mean {variable}, {band}, {data}, {years}",
        "Average {variable} of the latitude band {band} in {data} for {years}?",
        "mean over all longitudes of {variable} for {band}, {data}, {period}",
        "I want zonally averaged {variable} for {band} {source} ({years}), in °C",
        "*{band} zonal average of {variable}, {data}, {years}, what value",
        "+Around the whole latitude circle, how warm is the air near the ground between {ends} in {data}, {years}?",
        "+{data} {years} | zonal mean | {band} | {variable}",
        "+Averaging over all longitudes, what {variable} is found in the belt {band} {source} {period}?",
        "+I need one point of a zonal-mean profile: {variable}, band {band}, {data}, averaged {period}.",
        "+2 m temperature of the latitude belt {band}, all longitudes, {data}, mean of {years} in celsius",
        "=What {variable} do we get when {data} is averaged around all longitudes between {ends}, years {years}?",
        "=[zonal mean] {variable}, lat {band}, {data}, {years}, °C",
        "=For validation of an energy balance model: {data} {variable} in the latitude belt {band}, averaged {period}",
        "=Give me zonally averaged {variable} {source} for latitudes {band}; time mean of {years}; Celsius.",
        "=Between {ends}, all meridians included, the mean {variable} in {data} {period} is how much?",
    ),
    "contrast": (
        "How much warmer is {band} than {colder} in the zonal mean {variable} {source} {period}?",
        "difference of zonal mean {variable}: {band} minus {colder}, {data}, {years}",
        "Equator-to-pole contrast: {variable} of {band} minus that of {colder}, {data}, {years}",
        "meridional gradient of {variable}, defined as mean({band}) - mean({colder}), {data} {years}",
        "please compute temperature contrast between {band} and {colder} {source} for {years}",
        "*{variable}, {data} {years}: {band} less {colder}?",
        "+How strong is the temperature contrast between low and high latitudes? Zonal mean {variable}, {band} minus {colder}, {data}, {years}.",
        "+{data}: by how many kelvin does {variable} in {band} exceed {variable} in {colder} ({years} means)?",
        "+meridional contrast {years}, {variable}, average of {band} less average of {colder}, {data}",
        "+Take the belts {band} and {colder} in {data} {period}: by how much is the first warmer in mean {variable}?",
        "+What is left when the mean {variable} of {colder} is subtracted from that of {band}? {data}, {years}",
        "=Meridional temperature difference in {data}, {years}: zonal-mean {variable} at {band} minus {colder}",
        "=Low- minus high-latitude {variable}: {band} against {colder}, {data}, {years} mean, in K",
        "=How much colder is {colder} than {band} in terms of mean {variable} {source} {period}? Positive number please.",
        "=Please quantify the equator–pole gradient as mean {variable} of {band} less mean {variable} of {colder} for {years}, {data}.",
        "=Tropics–polar contrast wanted! {data}, {variable}, [{band}] - [{colder}], {years}",
    ),
}
EVALUATION = {
    "bias": (
        "What is the mean bias of {model}'s {variable} against ERA5 {region} {period}?",
        "{model} minus ERA5, {variable}, {area}, {years}",
        "How much too warm or too cold is {model} compared with ERA5 {region}, {years}? ({variable})",
        "mean {variable} bias {model} vs ERA5 {area} {years} in K",
        "Evaluate {model} (historical) with ERA5 as reference: average bias of {variable} {region} {period}",
        "*By how many K does {model} deviate from ERA5 on average {region}, {variable}, {years}?",
        "+Before I use {model} over {area} I want its mean error in {variable} with respect to ERA5, {years}.",
        "+{variable}: {model} less ERA5, averaged over {area}, {years}, K",
        "+Does {model} run hot or cold over {area} {period}? Quantify the average departure from ERA5 in {variable}.",
        "+systematic error of {model} against ERA5: {variable}, {area}, time mean {years}",
        "+With ERA5 taken as truth, what is the mean offset of {variable} in {model} {region} {period}?",
        "=Mean error of {model} in {variable}, reference ERA5, {area}, {years}, kelvin",
        "=Relative to ERA5, how biased is the historical {model} run in {variable} {region} {period}?",
        "=Model validation: time-mean area-mean {variable} of {model} minus the same from ERA5, {area}, {years}",
        "=Is {model} warmer or colder than ERA5 {region}? Please the mean difference model minus reanalysis of {variable} in {years}.",
        "=Compute bias = <{model}> - <ERA5> for {variable} {region}, {years}",
    ),
    "rmse": (
        "What is the area-weighted RMSE of {model}'s climatological annual-mean {variable} map against ERA5, {years}, global?",
        "rmse of time mean {variable}, {model} vs ERA5, {years}, whole globe",
        "Root mean square error between {model} and ERA5 climatology of {variable} ({years})",
        "*global RMSE of the {years} mean {variable} field in {model} with respect to ERA5",
        "+How far off is the climatological {variable} map of {model}, {years}, from ERA5's over the globe? Root mean square difference, area-weighted.",
        "+{model} / ERA5, {variable}, {years} mean fields, RMSE over all grid cells with area weights",
        "+Please score {model}: RMSE of its long-term mean {variable} pattern versus ERA5 ({years}, global).",
        "=Global area-weighted root-mean-square deviation of {model} from ERA5 for the {years} climatological mean {variable} field?",
        "=skill of {model}: RMSE against the ERA5 climatology, {variable}, {years}, global, K",
        "=I need the spatial RMSE between two maps, {variable} averaged {period}: one from {model}, the other from ERA5, whole globe, weighted with cos(lat).",
    ),
    "correlation": (
        "Spatial pattern correlation of the {years} mean {variable} between {model} and ERA5?",
        "pattern correlation {model} ERA5 {variable} climatology {years} global",
        "+How similar in shape are the {years} mean {variable} fields of {model} and ERA5 over the globe? Pattern correlation please.",
        "+centred, area-weighted spatial correlation of the {variable} climatology, {model} with ERA5, {years}",
        "=Taylor diagram input: pattern correlation of {model} with ERA5 for the {years} mean {variable}, global",
        "=How well does the spatial pattern of {years} climatological {variable} in {model} correlate with that in ERA5 over the globe (centred, cos-lat weights)?",
    ),
    "best": (
        "Which of {three} has the smallest RMSE of climatological {variable} against ERA5 ({years})?",
        "rank {three} by rmse of mean {variable} vs ERA5 {years}; who is best?",
        "Which model is closest to ERA5 in {years} mean {variable} (RMSE, global): {three}?",
        "*Best model for {variable} climatology {years} w.r.t. ERA5 by RMSE, candidates {three}?",
        "+I may choose only one of {three}. Which reproduces ERA5's {years} mean {variable} with the smallest global RMSE?",
        "+model ranking {three}: climatological {variable} {years}, RMSE relative to ERA5, name the winner",
        "+Among {three}, whose mean {variable} field ({years}) comes nearest to ERA5 in the root-mean-square sense over the globe?",
        "={three}: whose {years} mean {variable} climatology agrees best with ERA5 by global RMSE?",
        "=Need to select one model from {three} - take the one with lowest RMSE of the mean {variable} ({years}) against ERA5 globally. Which?",
        "=smallest climatological {variable} error (global RMSE vs ERA5, {years}) among {three}?",
    ),
}
OBSERVED = {
    "difference": (
        "How much wetter is {first} than {second} {region} {period}?",
        "{first} minus {second} mean {variable} {area} {years} mm/day",
        "Compare {first} and {second}: what is the difference in mean {variable} {region}, {years} ({first} - {second})?",
        "What's the mean {variable} difference between the data sets {first} and {second} ({first} minus {second}) {region} {period}",
        "difference of area average {variable} {area}: {first} less {second}, years {years}",
        "*mean {variable}, {years}, {area}: by how much does {first} exceed {second}?",
        "+By how much does mean {variable} {region} in {first} lie above that in {second} {period}?",
        "+{variable} {years}, {area}, {first} less {second}, mm per day",
        "+My supervisor says {first} rains more than {second}. What is the difference of their mean {variable} {region}, {years}?",
        "+Subtract {second} from {first}: mean {variable} {region}, {years}",
        "+observational uncertainty of {variable}, expressed as {first} minus {second}, {area}, mean of {years}, mm/day",
        "=How large is the gap {first} minus {second} in mean {variable} {region}, {years}, mm/day?",
        "=Dataset intercomparison: mean {variable} of {area}, {years}, ({first}) − ({second}), in mm/d",
        "=Please compute excess of {first} over {second} for average {variable} {region} {period}.",
        "={first} gives more {variable} than {second} {region}, but how much more on average {period} (mm per day)?",
        "=Does {first} overestimate {variable} with respect to {second} {region}? {years} mean difference please, in mm day-1, {first} as minuend",
    ),
    "each": (
        "Compare mean {variable} {region} in GPCP-SG, NCEP-NCAR-R1 and ERA5 {period}: one number for each.",
        "mean {variable} of ERA5, GPCP-SG, NCEP-NCAR-R1; {area}; {years}",
        "Give the {years} average {variable} {region} for every one of these observational products: GPCP-SG, ERA5, NCEP-NCAR-R1",
        "*list {variable} averages ({area}, {years}) of the three products GPCP-SG / NCEP-NCAR-R1 / ERA5",
        "+The products disagree about mean {variable} {region} {period}, I am told. Give me the value of ERA5, that of GPCP-SG and that of NCEP-NCAR-R1.",
        "+{area}, {years}, mean {variable}: GPCP-SG? NCEP-NCAR-R1? ERA5?",
        "+Tabulate the mean {variable} {region} {period} for the datasets NCEP-NCAR-R1, ERA5 and GPCP-SG.",
        "=Average {variable} {region}, {years}, according to ERA5 and to GPCP-SG and to NCEP-NCAR-R1, three values please",
        "=I'd like to see how ERA5, GPCP-SG and NCEP-NCAR-R1 differ: state the mean {variable} {region} {period} of each one.",
        "=table: dataset (GPCP-SG, ERA5, NCEP-NCAR-R1) | mean {variable} {area} {years}",
    ),
    "wettest": (
        "Which of the observational products GPCP-SG, NCEP-NCAR-R1 and ERA5 is the wettest {region} {period}?",
        "highest mean {variable} {area} {years}: ERA5, GPCP-SG or NCEP-NCAR-R1?",
        "+GPCP-SG, ERA5, NCEP-NCAR-R1: in which one is mean {variable} over {area} the largest ({years})?",
        "+Name the dataset that rains most {region} {period}, out of ERA5, NCEP-NCAR-R1 and GPCP-SG.",
        "=Of NCEP-NCAR-R1, GPCP-SG and ERA5, which one has the most {variable} on average {region} {period}?",
        "=ERA5 vs GPCP-SG vs NCEP-NCAR-R1, {area}, {years}: who is wettest on average?",
    ),
}
SPANS = ((1985, 2014), (1981, 2010), (1980, 2014), (1995, 2014))
PRODUCTS = ("GPCP-SG", "NCEP-NCAR-R1", "ERA5")


def questions(world: World) -> Iterator[Request]:
    """All of this file's."""
    yield from requests(world, "eof", EOF, _eof)
    yield from requests(world, "zonal", ZONAL, _zonal)
    yield from requests(world, "evaluation", EVALUATION, _evaluation)
    yield from requests(world, "observations", OBSERVED, _observed)


@lru_cache
def shares(world: World) -> Array:
    """Shares of variance by mode of the monthly anomalies, weighted by the roots of cos φ."""
    field = world.field("psl", "20CR")
    normals = np.stack([field.values[field.month == month].mean(axis=0) for month in range(1, 13)])
    anomalies = (field.values - normals[field.month - 1]) * np.sqrt(field.cosines)
    flat = anomalies.reshape(field.year.size, -1)
    powers = np.linalg.eigvalsh(flat.T @ flat)[::-1]
    return powers / powers.sum()


def _eof(ask: Ask) -> Case:
    found = 100 * shares(ask.world)
    if ask.kind == "sum":
        return Case({}, Answer(float(found[:2].sum()), "%", 0.02), "two eigenvalues' share of the trace")
    number = ask.one((1, 1, 2, 3))
    names = {1: ("first", "leading", "1st"), 2: ("second", "2nd"), 3: ("third", "3rd")}[number]
    expected = Answer(float(found[number - 1]), "%", 0.03)
    return Case({"nth": names, "number": str(number)}, expected, "the eigenvalue's share of the trace")


def _latitude(value: float) -> str:
    return f"{abs(value):g}{'S' if value < 0 else 'N'}" if value else "0°"


def _zonal(ask: Ask) -> Case:
    data, years = ask.one((*MODELS, "ERA5", "ERA5")), ask.one(SPANS)
    south = 10 * int(ask.rng.integers(-7, 8))
    box: Box = (south, south + 10, 0, 360)
    slots = {"variable": TAS, **period(*years), **source(data)}
    field = ask.world.field("tas", data).between(*years)
    if ask.kind == "band":
        expected = spread(field.mean(box).means(), "degC", absolute=0.12, relative=0.004)
        ends = [_latitude(south), _latitude(south + 10)]
        named = {"band": ("-".join(ends), "–".join(ends)), "ends": " and ".join(ends)}
        return Case({**slots, **named}, expected, "all longitudes, that band")
    pole = ask.one(((60, 90), (-90, -60)))
    slots |= {"band": ("30S-30N", "30°S-30°N"), "colder": ("60N-90N" if pole[0] > 0 else "60S-90S",)}
    pairs = zip(field.mean((-30, 30, 0, 360)).means(), field.mean((*pole, 0, 360)).means(), strict=True)
    return Case(slots, spread([a - b for a, b in pairs], "K", relative=0.01, difference=True), "two bands' difference")


def error(world: World, model: str, years: tuple[int, int]) -> float:
    """Root mean square over the globe of the difference of the mean fields from ERA5's, K."""
    ours, reference = (world.field("tas", data).between(*years) for data in (model, "ERA5"))
    return float(np.sqrt(ours.over((ours.climatology() - reference.climatology()) ** 2)))


def _evaluation(ask: Ask) -> Case:
    model, years = ask.one(MODELS), ask.one(SPANS)
    region = ask.one(EVERYWHERE)
    slots: dict[str, str | Sequence[str]] = {"variable": TAS, "model": model, **region.slots, **period(*years)}
    ours, reference = (ask.world.field("tas", data).between(*years) for data in (model, "ERA5"))
    if ask.kind == "bias":
        pairs = zip(ours.mean(region.box).means(), reference.mean(region.box).means(), strict=True)
        expected = spread([a - b for a, b in pairs], "K", relative=0.02, absolute=0.02, difference=True)
        return Case(slots, expected, "the model's mean less ERA5's")
    if ask.kind == "rmse":
        expected = Answer(error(ask.world, model, years), "K", 0.03, difference=True)
        return Case(slots, expected, "of annual-mean climatologies, by area")
    if ask.kind == "correlation":
        a, b = ours.climatology(), reference.climatology()
        a, b = a - ours.over(a), b - ours.over(b)
        r = ours.over(a * b) / np.sqrt(ours.over(a * a) * ours.over(b * b))
        return Case(slots, Answer(float(r), "1", 0, 0.002), "centred, by area")
    errors = {name: error(ask.world, name, years) for name in MODELS}
    order = sorted(errors, key=errors.__getitem__)
    best = ask.one(order[:4])
    others = [name for name in order if errors[name] > 1.15 * errors[best]]
    chosen = [best, *(str(name) for name in ask.rng.permutation(others)[:2])]
    three = ", ".join(str(name) for name in ask.rng.permutation(chosen))
    return Case({**slots, "three": three}, Answer(best), "the least error, by more than 15 %")


def _observed(ask: Ask) -> Case:
    region = ask.one((GLOBE, *EVERYWHERE[2:6], *BOXES))
    years = ask.one(((1985, 2014), (1995, 2014), (2000, 2014)))
    means = {name: ask.world.series("pr", name, region.box).between(*years).means() for name in PRODUCTS}
    slots: dict[str, str | Sequence[str]] = {"variable": PR, **place(region.names), **period(*years)}
    if ask.kind == "difference":
        wet, dry = ask.one((("NCEP-NCAR-R1", "ERA5"), ("ERA5", "GPCP-SG"), ("NCEP-NCAR-R1", "GPCP-SG")))
        found = [a - b for a, b in zip(means[wet], means[dry], strict=True)]
        expected = spread(found, "mm day-1", relative=0.03, absolute=0.01)
        return Case({**slots, "first": wet, "second": dry}, expected, "the difference of area means")
    if ask.kind == "each":
        items = tuple(spread(means[name], "mm day-1", label=name) for name in PRODUCTS)
        return Case(slots, Listed(items), "three area means")
    wettest = max(PRODUCTS, key=lambda name: means[name][0])
    return Case(slots, Answer(wettest), "the greatest area mean")
