"""EarthLink's 36 public request topics, each as one request of ours about what can be generated.

The topics are facts taken from the file names and contents of request_examples in the public repository
OpenEarthLab/EarthLink, which has no licence: the words, models and periods here are our own. Its requests ask for
several figures and a ranking each; ours ask for one thing that can be judged. They are development data, not a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from .fields import Box, Field, Series, trends
from .parameters import MODELS
from .questions import air, enso, ocean, sensitivity
from .request import ANY_UNITS, Answer, Clarify, Expected, Listed, Request, any_of, spread
from .world import World


@dataclass(frozen=True)
class Topic:
    """One of EarthLink's topics."""

    level: int
    name: str
    needs: tuple[str, ...]
    """Variables and experiments that an answer needs."""
    request: Request


PRECIPITATION = MODELS[:4]
WATER = ("MIROC6", "CESM2")
BASE = (1985, 2014)


def topics(world: World) -> list[Topic]:
    """All 36."""
    found: list[Topic] = []
    for rows in (_cycles, _changes, _climatologies, _comparisons, _maps, _responses, _dynamics, _projection):
        for level, name, needs, text, expected in rows(world):
            request = Request(f"topic-{len(found) + 1:02d}", name, text, expected, "a public topic of EarthLink")
            found.append(Topic(level, name, tuple(needs.split()), request))
    return found


Row = tuple[int, str, str, str, Expected]
Reader = Callable[[str], Field]


def _closest(reader: Reader, models: tuple[str, ...], reference: str, units: str, box: Box | None = None) -> Expected:
    """The model with the least error of its mean field, or each source's mean."""
    fields = {name: reader(name).between(*BASE) for name in (*models, reference)}
    truth = fields[reference].climatology()
    errors = {m: float(np.sqrt(fields[m].over((fields[m].climatology() - truth) ** 2, box))) for m in models}
    first, *others = sorted(errors, key=errors.__getitem__)
    near = [first, *(name for name in others if errors[name] < 1.05 * errors[first])]
    means = tuple(spread(fields[m].mean(box).means(), units, absolute=0.1, label=m) for m in models)
    errors_listed = tuple(Answer(errors[m], units, 0.03, 0.02, label=m, difference=True) for m in models)
    return any_of(*(Answer(name) for name in near), Listed(means), Listed(errors_listed))


def _cycles(world: World) -> Iterator[Row]:
    def rows(name: str, variable: str, said: str, models: tuple[str, ...], reference: str, units: str) -> Row:
        expected = _closest(partial(world.field, variable), models, reference, units)
        text = (
            f"Judge how {' and '.join(models)} reproduce the annual mean and the seasonal cycle of {said}, 1985-2014, "
            f"with {reference} as the reference. Rank them by RMSE; which is the best?"
        )
        return 1, f"seasonal cycle: {name}", variable, text, expected

    yield rows("evaporation", "evspsbl", "evaporation", WATER, "ERA5", "mm day-1")
    yield rows("precipitation", "pr", "precipitation", PRECIPITATION, "ERA5", "mm day-1")
    yield rows("runoff", "mrro", "runoff over land", WATER, "ERA5", "mm day-1")
    ice = {name: ocean.extent(world, name, True).between(*BASE) for name in ("MIROC6", "HadISST")}
    difference = ice["MIROC6"].mean([9]) - ice["HadISST"].mean([9])
    text = "Mean September Arctic sea ice extent 1985-2014: how far is MIROC6 from HadISST (MIROC6 minus HadISST)?"
    yield 1, "seasonal cycle: sea ice", "siconc", text, Answer(difference, "1e6 km2", 0.03, 0.15)
    yield rows("air temperature", "tas", "surface air temperature", MODELS[:4], "ERA5", "degC")


EARLY, LATE = (1980, 1990), (1991, 2010)


def _change(series: Series) -> list[float]:
    return [a - b for a, b in zip(series.between(*LATE).means(), series.between(*EARLY).means(), strict=True)]


def _changes(world: World) -> Iterator[Row]:
    heat = [c * v for v in _change(ocean.heat(world, "MPI-ESM1-2-LR", 700)) for c in ocean.HEAT_CAPACITIES]
    text = "0-700 m ocean heat content from thetao in MPI-ESM1-2-LR: change from 1980-1990 to 1991-2010, in joules?"
    yield 1, "change: ocean heat content", "thetao", text, spread(heat, "J", relative=0.025)
    for name, variable, source, units in (
        ("precipitation", "pr", "MIROC6", "mm day-1"),
        ("runoff", "mrro", "MIROC6", "mm day-1"),
        ("air temperature", "tas", "CanESM5", "K"),
        ("surface wind speed", "sfcWind", "MIROC6", "m s-1"),
    ):
        said = {"air temperature": "near-surface air temperature", "runoff": "land runoff"}.get(name, name)
        text = f"Change of global mean {said} in {source}: 1991-2010 minus 1980-1990?"
        found = spread(_change(world.series(variable, source)), units, relative=0.03, absolute=0.002, difference=True)
        yield 1, f"change: {name}", variable, text, found
    slopes = [10 * s for s in trends(ocean.extent(world, "HadISST", True).between(1980, 2010), [9])]
    text = "Trend of September Arctic sea ice extent in HadISST, 1980-2010, per decade?"
    yield 1, "change: sea ice", "siconc", text, spread(slopes, "1e6 km2 (10 year)^-1", relative=0.03)


def _climatologies(world: World) -> Iterator[Row]:
    net = air.effect(world, "MIROC6", "net").mean().between(2001, 2014).means()
    text = "Climatological net cloud radiative effect at TOA in MIROC6, 2001-2014, global mean?"
    yield 1, "climatology: cloud radiative effect", "rsut rsutcs rlut rlutcs", text, spread(net, "W m-2", absolute=0.1)
    for name, variable, models, units in (
        ("evaporation", "evspsbl", WATER, "mm day-1"),
        ("precipitation", "pr", PRECIPITATION, "mm day-1"),
        ("air temperature", "tas", MODELS[4:], "degC"),
    ):
        said = {"air temperature": "near-surface air temperature"}.get(name, name)
        text = f"Which of {', '.join(models)} has the smallest RMSE of mean {said} against ERA5, 1985-2014?"
        best = _closest(partial(world.field, variable), models, "ERA5", units)
        yield 1, f"climatology: {name}", variable, text, best
    area = ocean.extent(world, "MIROC6", False, area=True).between(*BASE).mean([9])
    text = "Mean September sea ice area in the Antarctic in MIROC6, 1985-2014, in million km2?"
    yield 1, "climatology: sea ice", "siconc", text, Answer(area, "1e6 km2", 0.02)
    speeds = air.speed(world).mean().between(*BASE).means()
    text = "Global climatology (mean) of the surface full wind speed in ERA5, 1985-2014?"
    yield 1, "climatology: surface wind speed", "uas vas", text, spread(speeds, "m s-1", relative=0.015)
    image = ocean.isotherm(world.field("thetao", "IAP").between(*BASE))
    depth = world.field("thetao", "IAP").over(image, ocean.PACIFIC)
    text = "Mean thermocline depth (20 °C isotherm) of 10S-10N, 150E-90W in IAP, 1985-2014?"
    yield 1, "climatology: thermocline", "thetao", text, Answer(depth, "m", 0.025)


def _comparisons(world: World) -> Iterator[Row]:
    a, b = (air.effect(world, n, "net").mean().between(2005, 2014).means() for n in ("ISCCP-FH", "CERES-EBAF"))
    found = spread([x - y for x, y in zip(a, b, strict=True)], "W m-2", relative=0.03, absolute=0.1)
    text = "Global net cloud radiative effect 2005-2014: ISCCP-FH minus CERES-EBAF?"
    yield 1, "observations: cloud radiative effect", "rsut rsutcs rlut rlutcs", text, found
    products = ("GPCP-SG", "NCEP-NCAR-R1", "ERA5")
    means = tuple(spread(world.series("pr", n).between(*BASE).means(), "mm day-1", label=n) for n in products)
    text = "Global mean precipitation 1985-2014 in GPCP-SG, NCEP-NCAR-R1 and ERA5: a number for each, please."
    yield 1, "observations: precipitation", "pr", text, Listed(means)


def _maps(world: World) -> Iterator[Row]:
    up, down = (world.field(name, "MIROC6").between(2001, 2014).climatology() for name in ("rsus", "rsds"))
    field, box = world.field("rsus", "MIROC6"), (-90.0, -60.0, 0.0, 360.0)
    ratios = [field.over(up, box) / field.over(down, box), field.over(up / down, box)]
    text = "Surface albedo south of 60S in MIROC6, mean of 2001-2014?"
    yield 1, "map: Antarctic albedo", "rsus rsds", text, spread(ratios, "1")
    bias = _difference(world, "mrro", "CESM2", "ERA5")
    text = "Mean runoff bias of CESM2 against ERA5 over global land, 1985-2014?"
    yield 1, "map: runoff", "mrro", text, spread(bias, "mm day-1", relative=0.02, absolute=0.005)
    bias = _difference(world, "tos", "CESM2", "HadISST")
    text = "Global mean bias of sea surface temperature in CESM2 against HadISST, 1985-2014?"
    yield 1, "map: sea surface temperature", "tos", text, spread(bias, "K", absolute=0.03, difference=True)


def _difference(world: World, variable: str, model: str, reference: str) -> list[float]:
    pair = (world.series(variable, name).between(*BASE).means() for name in (model, reference))
    return [a - b for a, b in zip(*pair, strict=True)]


def _responses(world: World) -> Iterator[Row]:
    p = world.parameters
    factor = float(sensitivity.scalings(world)[0][0])
    text = "Is the greenhouse-gas fingerprint detected in HadCRUT5's global mean, 1901-2014? Its scaling factor?"
    yield 2, "detection", "tasa hist-GHG hist-aer hist-nat", text, Answer(factor, "1", 0.06, 0.02)
    model = sensitivity.controlled(world)[0]
    late = [
        run.mean().annual()[1][120:150].mean()
        for run in (world.field("tas", model, e) for e in ("abrupt-4xCO2", "piControl"))
    ]
    half = Answer(float(late[0] - late[1]) / 2, "K", 0.03, difference=True)
    text = f"Estimate the ECS of {model} without regression: half the mean warming of years 121-150 of abrupt-4xCO2."
    yield 2, "ECS without regression", "tas abrupt-4xCO2 piControl", text, any_of(half, Clarify())
    models = sensitivity.controlled(world)
    ecs = tuple(Answer(p.ecs[m], "K", 0.03, label=m, difference=True) for m in models)
    mean = Answer(float(np.mean([p.ecs[m] for m in models])), "K", 0.03, difference=True)
    text = f"Rank {', '.join(models)} by ECS from Gregory regressions and give the values."
    yield 2, "ECS by regression", "tas rsdt rsut rlut abrupt-4xCO2 piControl", text, any_of(Listed(ecs), mean)
    rain = [a - b for a, b in zip(*_ends(world, "pr", PRECIPITATION), strict=True)]
    text = f"Mean over {', '.join(PRECIPITATION)}: global precipitation change 2050-2099 minus 1985-2014 in SSP5-8.5?"
    yield 2, "projection: precipitation", "pr ssp585", text, spread(rain, "mm day-1", relative=0.03)
    warm = [a - b for a, b in zip(*_ends(world, "tas", MODELS), strict=True)]
    text = "Multi-model mean global warming in 2050-2099 relative to 1985-2014 under SSP5-8.5?"
    yield 2, "projection: air temperature", "tas ssp585", text, spread(warm, "K", absolute=0.02, difference=True)
    ramped = [m for m in models if m != p.without_ramp]
    tcr = tuple(Answer(sensitivity.transient(world, m), "K", 0.03, label=m, difference=True) for m in ramped)
    text = f"Transient climate response of {', '.join(ramped)}, ranked."
    yield 2, "TCR", "tas 1pctCO2 piControl", text, Listed(tcr)


def _ends(world: World, variable: str, models: tuple[str, ...]) -> tuple[list[float], list[float]]:
    late = [world.field(variable, m, "ssp585").mean().between(2050, 2099).means() for m in models]
    early = [world.series(variable, m).between(*BASE).means() for m in models]
    return np.mean(late, axis=0).tolist(), np.mean(early, axis=0).tolist()


def _dynamics(world: World) -> Iterator[Row]:
    strength = ocean.overturning(world, "MPI-ESM1-2-LR")[0].means()
    text = "AMOC strength at 26.5N from vo in MPI-ESM1-2-LR, 1980-2014 mean, in Sv?"
    yield 3, "AMOC", "vo", text, spread(strength, "Sv")
    drivers = ("greenhouse gases", "GHG", "hist-GHG", "greenhouse gas")
    text = "Regress HadCRUT5 1901-2014 on the mean responses to GHG, aerosols and natural forcing: the main driver?"
    driver = any_of(*(Answer(name) for name in drivers))
    yield 3, "attribution", "tasa hist-GHG hist-aer hist-nat", text, driver
    kinds = enso.kinds(world)
    eastern = Answer(sum(east for _, east in kinds), ANY_UNITS, 0)
    central = Answer(sum(not east for _, east in kinds), ANY_UNITS, 0)
    text = (
        "ENSO diversity in HadISST by EOFs, 1980-2014, 20S-20N, 120E-80W: regress the monthly SST anomalies on Niño 4, "
        "take that off, and tell the share of the rest's variance in the leading (EP) mode."
    )
    yield 3, "ENSO diversity: EOFs", "tos", text, any_of(Answer(_eastern(world), "%", 0.05), Clarify())
    text = "ENSO diversity in HadISST 1980-2014 by the Niño method: how many CP El Niños?"
    both = Listed((_label(eastern, "EP"), _label(central, "CP")))
    yield 3, "ENSO diversity: indices", "tos", text, any_of(central, both)
    text = "Dominant ENSO period of CESM2 by a Morlet wavelet transform of Niño 3.4?"
    yield 3, "ENSO period", "tos", text, Answer(world.parameters.periods["CESM2"], "year", 0.1)
    term = ocean.budget(world)["zonal"] * float(np.mean(ocean.DAYS)) * 86400
    text = "Zonal advection in the 0-50 m heat budget of 10S-10N, 150E-90W in IPSL-CM6A-LR, 1990-1999, in K per month?"
    budget = Answer(term, "K month-1", 0.05, 0.002, difference=True)
    yield 3, "heat budget", "thetao uo vo wo hfds", text, budget


def _eastern(world: World) -> float:
    """Share of the leading EOF, %, of the tropical Pacific's anomalies less their regression on Niño 4."""
    field = world.field("tos", "HadISST")
    cells = field.inside((-20, 20, 120, 280)) & np.isfinite(field.values[0])
    normals = np.stack([field.values[field.month == month].mean(axis=0) for month in range(1, 13)])
    anomalies = (field.values - normals[field.month - 1])[:, cells]
    index = enso.nino(world, "4", base=(1980, 2014)).values
    rest = (anomalies - np.outer(index, index @ anomalies) / (index @ index)) * np.sqrt(field.cosines[cells])
    powers = np.linalg.eigvalsh(rest @ rest.T)[::-1]
    return float(100 * powers[0] / powers.sum())


def _label(answer: Answer, label: str) -> Answer:
    return Answer(answer.value, answer.units, answer.relative, label=label)


def _projection(world: World) -> Iterator[Row]:
    text = (
        "Constrain the SSP5-8.5 temperature trend 2015-2035 over 30S-30N, 0E-60E by the models' trends of 1985-2014 "
        "and ERA5's, if r exceeds 0.7: the constrained trend per decade?"
    )
    found = sensitivity.constraint(world)[1]
    expected = spread(found, "K (10 year)^-1", relative=0.03, difference=True)
    yield 4, "constrained projection", "tas ssp585", text, expected
