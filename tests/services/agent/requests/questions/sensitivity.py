# ruff: noqa: E501 — a wording is one line
"""Forced change: sensitivity, projections, constraints on them, and attribution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from ..fields import Array, Box, Series, correlation, least_squares, trends
from ..parameters import FORCED, MODELS, SENSITIVE
from ..request import ANY_UNITS, Answer, Clarify, Expected, Listed, Request, Within, any_of, spread
from ..wording import EVERYWHERE, GLOBE, NORTH, TAS, TROPICS, Ask, Case, boxed, period, requests
from ..world import World

AFRICA: Box = (-30, 30, 0, 60)
ECS = {
    "one": (
        "What is the equilibrium climate sensitivity of {model} by the Gregory method?",
        "ECS {model} gregory",
        "Estimate ECS for {model} with a Gregory regression of abrupt-4xCO2 against piControl.",
        "how many degrees would {model} warm at equilibrium for doubled CO2? (Gregory regression)",
        "climate sensitivity of the model {model}, please use regression of N on T over 150 years",
        "{model} effective climate sensitivity, 2xCO2, K",
        "I look for the equilibrium climate sensitivity in {model}, calculated after Gregory et al. 2004",
        "*What does regressing the TOA imbalance on warming give as {model}'s ECS?",
        "+Say CO2 doubles and we wait until balance: what warming does {model} end up with, estimated by the regression of Gregory et al.?",
        "+{model}: equilibrium warming for 2xCO2 (abrupt-4xCO2, Gregory plot, halved)",
        "+I compare models and still lack the ECS of {model}; please derive it from abrupt-4xCO2 and piControl.",
        "+Regress net TOA flux on surface temperature change in {model}'s quadrupling run and state the implied ECS (doubling).",
        "+how sensitive is {model} to a doubling of carbon dioxide in the long run, at equilibrium? in kelvin please",
        "+Equilibrium climate sensitivity wanted, model {model}, method of Gregory",
        "+What value would you put in an ECS table for {model}?",
        "=What ECS would one read from a Gregory plot of {model} (150 years of abrupt-4xCO2, control removed, divided by two)?",
        "=equilibrium climate sensitivity, {model}, Gregory et al. (2004), K",
        "=In the long term, how much global warming does {model} give per doubling of CO2 (ECS, Gregory)?",
        "=Please compute EffCS of {model}: N-versus-T regression of the 4xCO2 run, x-intercept over 2.",
        "=Our stakeholders ask if {model} is a 'hot model'. What is its equilibrium climate sensitivity?",
        "=Climate sensitivity {model} for CO2 doubling by extrapolation of the abrupt-4xCO2 regression to zero imbalance, please",
        "=ECS? model = {model}, method = Gregory, runs = abrupt-4xCO2 & piControl",
    ),
    "feedback": (
        "What is the climate feedback parameter of {model} from the Gregory plot, in W m-2 K-1?",
        "gregory slope (feedback parameter) {model}",
        "net radiative feedback lambda for {model}, abrupt-4xCO2 regression",
        "*{model}: feedback parameter in W/m2/K from abrupt-4xCO2",
        "+How many extra W m-2 does {model} lose to space per kelvin of warming? I mean the net feedback parameter by Gregory regression.",
        "+slope of TOA imbalance versus warming, {model}, abrupt-4xCO2",
        "+The total climate feedback of {model} is needed in W/m²/K; take it from 4xCO2 minus control.",
        "=Lambda (net climate feedback) of {model} as slope of the N–ΔT regression in abrupt-4xCO2, W m-2 K-1",
        "=How strong is the total radiative feedback in {model}, W/m² per K? Gregory method.",
        "=I need climate feedback parameter from {model}, estimated with 150 years after CO2 quadrupling.",
    ),
    "forcing": (
        "What effective radiative forcing for a doubling of CO2 does the Gregory regression give for {model}?",
        "ERF 2xCO2 {model} from the Gregory method (W m-2)",
        "+By how many W/m2 does doubled CO2 force {model}? Use the intercept of the Gregory line (halved).",
        "+effective forcing of a CO2 doubling, {model}, from regression of abrupt-4xCO2, half the y-intercept",
        "=2xCO2 effective radiative forcing of {model}: y-intercept of Gregory regression of abrupt-4xCO2 divided by two, W/m²?",
        "=How large is ERF for doubled CO2 in {model}, estimated à la Gregory from the quadrupling run?",
    ),
    "all": (
        "List the ECS of every model for which it can be computed.",
        "ECS for all available models, Gregory method",
        "+For which models can equilibrium climate sensitivity be derived here, and what are the values?",
        "+Table of ECS (Gregory) for all models that allow it",
        "=Give an overview of equilibrium climate sensitivities: every model with the required runs, Gregory method.",
        "=ECS of each model in the archive by Gregory regression, please as a list model: value",
    ),
}
TCR = {
    "one": (
        "What is the transient climate response of {model}?",
        "TCR {model}",
        "Compute the TCR of {model} from 1pctCO2 (years 61-80) relative to piControl.",
        "how much has {model} warmed when CO2 doubles in the 1 %/yr experiment",
        "transient climate response in {model}, in K please",
        "For {model}, warming averaged over the 20 years centred on CO2 doubling in 1pctCO2?",
        "I need TCR value of the model {model} (1pctCO2 minus control)",
        "warming at year 70 of the 1pctCO2 run, {model} (20-yr mean)",
        "*{model}: transient response at doubling of carbon dioxide",
        "*What TCR does {model} have according to its 1pctCO2 simulation?",
        "+By how much has {model} warmed at the moment of CO2 doubling in the one-percent-per-year run?",
        "+{model}, 1pctCO2, mean of years 61–80 minus piControl: TCR in K",
        "+The transient climate response, as the IPCC defines it, is requested for {model}.",
        "+Please derive the TCR from {model}'s ramp experiment (CO2 up 1 % each year) against its control.",
        "+tcr of {model}? in degrees",
        "+We need to know how quickly {model} reacts to rising CO2: its transient climate response in kelvin, averaged over 20 years about year 70.",
        "+What temperature increase shows {model} around the time of doubled CO2 (1pctCO2 experiment)?",
        "+Estimate transient climate response, model: {model}, experiment: 1pctCO2, reference: piControl",
        "=Transient climate response for {model} please (20-year mean around the year of CO2 doubling, 1pctCO2 vs. control).",
        "=value of TCR for {model}, K",
        "=When CO2 grows at 1 % per year, how much warmer is {model} at the time of doubling than its control run?",
        "=Could you calculate {model}'s TCR? Standard definition, years 61 to 80 of the ramp.",
        "=Global mean warming at 2xCO2 in the 1pctCO2 simulation of {model}, relative to piControl",
        "=I'm tuning an emulator and need the TCR of {model}, in K.",
        "=how strong reacts {model} transiently, i.e. TCR in degree?",
        "=TCR estimate from the CMIP6 DECK runs of {model}, temperature change centred on year 70",
    ),
    "all": (
        "Give me the TCR of all models that have the needed experiments.",
        "rank models by their TCR, list with values",
        "+Compile the transient climate responses of every model with 1pctCO2 and piControl data.",
        "+Which TCR values do the models here have? One number each, please.",
        "=Transient climate response, all models that have both 1pctCO2 and piControl: list them with values",
        "=Please tell the TCR model by model.",
    ),
}
FUTURE = {
    "warming": (
        "How much warmer is {late} than 1985–2014 {region} in {model} under {scenario}?",
        "{model} {scenario} warming {late} rel. to 1985-2014, {area}",
        "Projected change of {variable} {region} by {late} relative to 1985-2014, {scenario}, {model}",
        "What temperature rise does {model} project {region} for {late} compared to 1985–2014 with {scenario}?",
        "{variable} change {late} minus 1985-2014 for {area}, {model}, scenario {scenario}",
        "*By {late}, how much will {area} have warmed since 1985-2014 in {model} ({scenario})?",
        "+Our planning horizon is {late}. According to {model} and {scenario}, how many degrees warmer than in 1985-2014 will it be {region}?",
        "+{scenario}, {model}, {area}: {variable} in {late} less that in 1985–2014",
        "+Assuming {scenario}, what warming {region} does {model} simulate for {late} with 1985-2014 as reference?",
        "+I need delta-T of {model}: ({late}) - (1985-2014), {scenario}, {area}",
        "+Under {scenario}, by how much does {variable} {region} rise in {model} between 1985–2014 and {late}?",
        "=Climate-change signal of {model}, {scenario}: {variable} {region}, {late} against the 1985–2014 reference, K",
        "=If the world follows {scenario}, how much warmer will {late} be than 1985-2014 {region} in the {model} projection?",
        "=delta {variable} [{late} − 1985-2014] {area} {model} {scenario}",
        "=For an adaptation plan we require the {model} projection of mean temperature increase {region} in {late} (baseline 1985–2014, pathway {scenario}).",
        "=Result from {model} with {scenario}: mean {variable} {region} in {late} minus that of 1985–2014?",
    ),
    "ensemble": (
        "What is the multi-model mean global warming in {late} relative to 1985-2014 under SSP5-8.5?",
        "multimodel mean tas change ssp585, {late} vs 1985-2014, global",
        "Averaged over all models, how much does global mean temperature increase by {late} (SSP5-8.5, base 1985-2014)?",
        "*ensemble mean of global warming, SSP585, {late} against 1985–2014",
        "+Taking all the models together, what mean global warming do they show in {late} for SSP5-8.5, compared with 1985–2014?",
        "+ssp585 MMM global tas anomaly {late}, ref 1985-2014",
        "+How much warmer does the world get by {late} in the average of the models? High-emission pathway SSP5-8.5, global mean, base period 1985-2014.",
        "=CMIP6 ensemble average: global mean surface air temperature change for {late} w.r.t. 1985–2014, SSP5-8.5",
        "=What warming does the multi-model mean project globally for {late} under SSP5-8.5, baseline 1985-2014?",
        "=MMM ΔGSAT, ssp585, {late} minus 1985–2014, in kelvin please",
    ),
    "scenarios": (
        "How much more does {model} warm globally in {late} under SSP5-8.5 than under SSP2-4.5?",
        "{model}: global tas {late}, ssp585 minus ssp245",
        "+How many degrees of global warming in {late} are avoided in {model} if SSP2-4.5 is followed instead of SSP5-8.5?",
        "+difference between the scenarios SSP5-8.5 and SSP2-4.5 in {model}: global mean {variable}, {late}",
        "=Benefit of mitigation in {model}: global mean temperature of {late} in SSP5-8.5 minus that in SSP2-4.5",
        "=How far apart are SSP5-8.5 and SSP2-4.5 in {late}, in degrees of global mean {variable}, {model}?",
    ),
    "year": (
        "In which year does {model}'s global annual mean temperature first exceed its 1985–2014 mean by 2 °C under SSP5-8.5?",
        "first year global warming above 2 K relative to 1985-2014 in {model} ssp585 (annual means)",
        "+When does {model} cross +2 °C in global annual mean temperature (SSP5-8.5, reference 1985–2014)? First such year, please.",
        "+ssp585, {model}: year in which the annual global mean temperature is for the first time more than 2 K above 1985-2014",
        "=What is the first year whose global mean temperature in {model} (SSP5-8.5) is over 2 K warmer than the 1985–2014 average?",
        "=exceedance year of +2 °C above 1985-2014, {model}, ssp585, annual global mean tas, first crossing",
    ),
    "list": (
        "Global warming {late} vs 1985-2014 under SSP5-8.5 for each model, please list.",
        "+One line per model: global mean temperature rise from 1985–2014 to {late} in SSP5-8.5.",
        "=Model-by-model global temperature change, {late} relative to 1985–2014, SSP5-8.5, all models please.",
    ),
}
CONSTRAINT = {
    "r": (
        "Across models, how well do historical (1985-2014) and SSP5-8.5 (2015–2035) temperature trends over {africa} correlate?",
        "emergent constraint: r between tas trend 1985-2014 and ssp585 trend 2015-2035, {africa}",
        "Inter-model correlation of the past trend 1985–2014 with the future trend 2015-2035 (ssp585), tas, {africa}",
        "*is the 1985-2014 trend over {africa} a predictor for the 2015-2035 trend in SSP585 across models? correlation please",
        "+If a model warmed faster over {africa} in 1985–2014, does it also warm faster in 2015-2035 (SSP5-8.5)? Correlate the temperature trends across the models.",
        "+{africa}: scatter of models, x = 1985-2014 tas trend, y = 2015–2035 tas trend ssp585; r, please",
        "+Give the correlation coefficient over the model ensemble that links past (1985–2014) with near-future (SSP5-8.5, 2015-2035) warming rates over {africa}.",
        "=Do past trends predict future ones? Inter-model correlation of temperature trends over {africa}: 1985-2014 against 2015–2035 (SSP5-8.5).",
        "=r(past trend, future trend) across the ensemble; tas over {africa}; past 1985-2014, future 2015-2035 ssp585",
        "=Before an emergent constraint can be applied I have to know how strongly the models' tas trends of 1985–2014 and of 2015–2035 (ssp585) are correlated over {africa}.",
    ),
    "constrained": (
        "Constrain the 2015–2035 SSP5-8.5 temperature trend over {africa} with the ERA5 trend of 1985–2014 (emergent constraint). Best estimate in K per decade?",
        "emergent constraint on 2015-2035 tas trend, {africa}, ssp585, predictor: 1985-2014 trend, observation ERA5",
        "Using the relation between past (1985-2014) and future (2015-2035, ssp585) warming trends over {africa} across models and ERA5 as observation, what's the constrained future trend per decade?",
        "observationally constrained future trend tas {africa} 2015-2035 ssp585 (ERA5 1985-2014 trend as constraint)",
        "*regress the models' future trends (ssp585, 2015-2035) on past trends (1985-2014) over {africa}; insert ERA5: which trend per decade?",
        "+The models disagree on the warming over {africa} in 2015-2035 (SSP5-8.5). Using the inter-model regression on the 1985–2014 trend and the trend in ERA5, what future trend per decade is the best estimate?",
        "+EC estimate: tas trend 2015–2035 ssp585 over {africa}; predictor model trends 1985-2014; obs. ERA5; K/decade",
        "+Fit, across models, the ssp585 trend of 2015–2035 as a linear function of the historical trend of 1985–2014 ({africa}, temperature), evaluate the fit at ERA5's trend and tell me the result in K per decade.",
        "+How fast will temperatures over {africa} rise during 2015-2035 under SSP5-8.5, once the models are constrained by the trend that ERA5 shows for 1985–2014?",
        "=Emergent-constraint best guess for the 2015-2035 warming rate over {africa} under SSP5-8.5, predictor the 1985-2014 trend, observed value from ERA5; K per decade please.",
        "=With ERA5's 1985–2014 temperature trend as observational constraint, which 2015–2035 trend (SSP5-8.5, {africa}, K/decade) does the across-model linear relation imply?",
        "=constrained tas trend {africa} 2015–2035 ssp585: y = a + b x over models, x = trend 1985–2014, plug in ERA5. per decade",
        "=We want to narrow down the near-term warming of {africa}: regress the ssp585 trend 2015-2035 on the 1985-2014 trend among the models, then read off at the ERA5 trend. Value per decade?",
    ),
    "none": (
        "Is there a correlation across models between mean 1985–2014 tas and the ssp585 tas trend 2015–2035, {africa}? r please",
        "Does the models' 1985-2014 mean temperature over {africa} constrain their SSP5-8.5 trend of 2015–2035? Give the correlation coefficient.",
        "corr across models: mean tas 1985-2014 vs ssp585 tas trend 2015-2035, {africa}",
        "+Are models with a warmer 1985-2014 climate over {africa} also those with the larger SSP5-8.5 warming trend in 2015–2035? Correlation coefficient, please.",
        "+inter-model r: x = time-mean tas 1985–2014, y = tas trend 2015-2035 (ssp585), region {africa}",
        "+I wonder whether the base state is of use as a predictor: correlate, across models, 1985–2014 mean temperature over {africa} with the 2015–2035 temperature trend in ssp585.",
        "=Does a model's mean state matter? Inter-model correlation of 1985–2014 mean temperature with the SSP5-8.5 temperature trend 2015–2035, both over {africa}.",
        "=r across models between climatological tas (1985-2014) and ssp585 tas trend (2015-2035) at {africa}",
        "=I test mean temperature 1985–2014 as a candidate predictor of the 2015-2035 temperature trend in SSP5-8.5 over {africa}: what correlation do the models show?",
    ),
}
ATTRIBUTION = {
    "ghg": (
        "What scaling factor does the fingerprint regression give for greenhouse gases in HadCRUT5's global warming, 1901–2014?",
        "attribution: GHG scaling factor, HadCRUT5 1901-2014, multi model mean fingerprints",
        "Regress HadCRUT5 global mean anomalies on hist-GHG, hist-aer and hist-nat (model means), 1901-2014. Coefficient of GHG?",
        "detection and attribution of the observed warming (HadCRUT5), beta for greenhouse gas forcing please",
        "*optimal fingerprinting style regression of HadCRUT5: how large is the GHG factor (1901–2014)?",
        "+How much must the simulated greenhouse-gas response be scaled to match HadCRUT5, 1901–2014, in a joint regression with aerosols and natural forcing?",
        "+beta_GHG, HadCRUT5 global mean 1901-2014, predictors hist-GHG, hist-aer, hist-nat (ensemble means)",
        "+We do a fingerprint analysis with three forcings of the observed global temperature (HadCRUT5, 1901–2014) and want the scaling factor on well-mixed greenhouse gases.",
        "+multiple regression of HadCRUT5 on the single-forcing runs since 1901: coefficient in front of hist-GHG",
        "=D&A: regression of HadCRUT5 GMST 1901-2014 on GHG, aerosol and natural signals (DAMIP multi-model means); what is the GHG beta?",
        "=By which factor should hist-GHG be multiplied to fit HadCRUT5's global mean 1901–2014, with hist-aer and hist-nat fitted at the same time?",
        "=greenhouse gas scaling factor from three-signal OLS attribution, HadCRUT5, 1901–2014",
        "=Please perform an attribution analysis of global mean temperature in HadCRUT5 (1901-2014) with DAMIP runs and give me the regression coefficient of the greenhouse gases.",
    ),
    "aer": (
        "What is the aerosol scaling factor in a regression-based attribution of HadCRUT5 global temperature, 1901-2014?",
        "scaling factor hist-aer, HadCRUT5, global mean, 1901-2014",
        "*coefficient of the aerosol fingerprint in HadCRUT5 1901–2014",
        "+In the attribution regression for HadCRUT5 (1901-2014; GHG, aerosols, natural), with what factor do the aerosol-only runs enter?",
        "+beta of hist-aer, observed global mean HadCRUT5, 1901–2014",
        "=And aerosols? Scaling factor of hist-aer in the joint fingerprint regression on HadCRUT5 global mean temperature, 1901–2014",
        "=What beta do anthropogenic aerosols obtain when HadCRUT5 1901-2014 is regressed on hist-GHG, hist-aer, hist-nat together?",
    ),
    "nat": (
        "Scaling factor of natural forcing in HadCRUT5 global mean temperature 1901-2014 (three-way regression)?",
        "beta of hist-nat for HadCRUT5 attribution 1901–2014",
        "+What weight does natural forcing (hist-nat) receive when HadCRUT5's global temperature of 1901–2014 is explained by GHG, aerosols and natural together?",
        "+HadCRUT5 1901-2014 fingerprints: natural scaling factor",
        "=How large is the regression coefficient for solar plus volcanic forcing (hist-nat) in a three-forcing attribution of HadCRUT5, 1901–2014?",
        "=beta_nat, multiple regression of HadCRUT5 GMST on DAMIP ensemble means 1901-2014",
    ),
    "driver": (
        "Which forcing is the main driver of the warming in HadCRUT5 1901–2014: greenhouse gases, aerosols or natural?",
        "main contributor to observed warming since 1901 (HadCRUT5): GHG, aerosol or natural?",
        "+What caused most of the warming seen in HadCRUT5 from 1901 to 2014: natural forcing, aerosols or greenhouse gases?",
        "+principal cause of the HadCRUT5 temperature rise 1901–2014 by regression on single forcings?",
        "=Is the HadCRUT5 warming since 1901 (to 2014) mostly due to greenhouse gases, aerosols or natural factors? Name the dominant forcing.",
        "=dominant forcing behind the 1901–2014 temperature increase in HadCRUT5, fingerprint regression (GHG / aer / nat)",
    ),
    "share": (
        "How large is the greenhouse-gas attributable trend in HadCRUT5, 1901-2014, in K per century?",
        "+Of the HadCRUT5 warming 1901–2014, what trend (K per century) is attributed to greenhouse gases alone?",
        "=GHG-attributable warming rate, HadCRUT5 1901–2014, K/century (scaling factor times simulated trend)",
    ),
}  # fmt: skip
SCENARIOS = {"ssp585": ("SSP5-8.5", "ssp585", "SSP585"), "ssp245": ("SSP2-4.5", "ssp245", "SSP245")}
LATE = ((2071, 2100), (2081, 2100), (2041, 2060), (2050, 2099))


def questions(world: World) -> Iterator[Request]:
    """All of this file's."""
    yield from requests(world, "ecs", ECS, _ecs)
    yield from requests(world, "tcr", TCR, _tcr)
    yield from requests(world, "projection", FUTURE, _future)
    yield from requests(world, "constraint", CONSTRAINT, _constraint)
    yield from requests(world, "attribution", ATTRIBUTION, _attribution)


def gregory(world: World, model: str) -> tuple[float, float]:
    """Intercept (W m-2, 4×CO2) and slope (W m-2 K-1) of annual global means against the control's line."""

    def annual(experiment: str, variable: str) -> Array:
        return world.field(variable, model, experiment).mean().annual()[1]

    anomalies = {}
    for variable in ("tas", "rsdt", "rsut", "rlut"):
        control = annual("piControl", variable)
        years = np.arange(control.size)
        anomalies[variable] = annual("abrupt-4xCO2", variable) - np.polyval(np.polyfit(years, control, 1), years)
    slope, intercept = least_squares(anomalies["tas"], anomalies["rsdt"] - anomalies["rsut"] - anomalies["rlut"])
    return intercept, slope


@lru_cache
def transient(world: World, model: str) -> float:
    """Mean of years 61–80 of 1pctCO2 less the control's line, K."""
    ramp = world.field("tas", model, "1pctCO2").mean().annual()[1]
    control = world.field("tas", model, "piControl").mean().annual()[1]
    years = np.arange(control.size)
    return float((ramp - np.polyval(np.polyfit(years, control, 1), years)[: ramp.size])[60:80].mean())


def controlled(world: World) -> list[str]:
    """Models with a control run."""
    return [model for model in SENSITIVE if model != world.parameters.without_control]


def _ecs(ask: Ask) -> Case:
    p = ask.world.parameters
    if ask.kind == "all":
        items = tuple(Answer(p.ecs[m], "K", 0.03, label=m, difference=True) for m in controlled(ask.world))
        why = f"{p.without_control} has no piControl: to be named"
        return Case({}, any_of(Listed(items), Clarify((p.without_control,))), why)
    model = ask.one(controlled(ask.world))
    forcing, slope = p.forcing[model], p.forcing[model] / (2 * p.ecs[model])
    expected: Expected
    if ask.kind == "one":
        expected = Answer(p.ecs[model], "K", 0.03, label=model, difference=True)
    elif ask.kind == "feedback":
        expected = any_of(*(Answer(sign * slope, "W m-2 K-1", 0.03, difference=True) for sign in (-1, 1)))
    else:
        expected = Answer(forcing / 2, "W m-2", 0.03)
    return Case({"model": model}, expected, "N = F − λ ΔT as prescribed; 4×CO2 halved")


def _tcr(ask: Ask) -> Case:
    p = ask.world.parameters
    models = [model for model in controlled(ask.world) if model != p.without_ramp]
    values = {model: transient(ask.world, model) for model in models}
    if ask.kind == "all":
        items = tuple(Answer(values[m], "K", 0.03, label=m, difference=True) for m in models)
        return Case({}, any_of(Listed(items), Clarify((p.without_ramp, p.without_control))), "models lack experiments")
    model = ask.one(models)
    expected = Answer(values[model], "K", 0.03, label=model, difference=True)
    return Case({"model": model}, expected, "years 61–80 less the control")


def warming(world: World, model: str, scenario: str, late: tuple[int, int], box: Box | None = None) -> list[float]:
    """A period's mean less that of 1985–2014, K, by both conventions of weighting months."""
    future = world.field("tas", model, scenario).mean(box).between(*late).means()
    past = world.field("tas", model).mean(box).between(1985, 2014).means()
    return [a - b for a, b in zip(future, past, strict=True)]


def _rise(values: Sequence[float], label: str = "") -> Within:
    return spread(values, "K", relative=0.02, absolute=0.02, label=label, difference=True)


def _future(ask: Ask) -> Case:
    world, late, scenario = ask.world, ask.one(LATE), ask.one(("ssp585", "ssp585", "ssp245"))
    region = ask.one((GLOBE, GLOBE, NORTH, TROPICS, *EVERYWHERE[6:]))
    model = ask.one([m for m in MODELS if m != world.parameters.without_ssp245])
    slots = {
        "variable": TAS, "model": model, "scenario": SCENARIOS[scenario], "late": period(*late)["dashed"], **region.slots,
    }  # fmt: skip
    if ask.kind == "warming":
        return Case(slots, _rise(warming(world, model, scenario, late, region.box)), "future less base mean")
    rises = {m: warming(world, m, "ssp585", late) for m in MODELS}
    if ask.kind == "ensemble":
        return Case(slots, _rise(np.mean(list(rises.values()), axis=0).tolist()), "the mean of eight models")
    if ask.kind == "list":
        return Case(slots, Listed(tuple(_rise(found, m) for m, found in rises.items())), "eight models")
    if ask.kind == "scenarios":
        pairs = zip(rises[model], warming(world, model, "ssp245", late), strict=True)
        return Case(slots, _rise([a - b for a, b in pairs]), "the scenarios' difference")
    years, means = world.field("tas", model, "ssp585").mean().annual()
    base = world.field("tas", model).mean().between(1985, 2014).mean()
    first = int(years[np.argmax(means - base > 2)])
    return Case(slots, Answer(first, ANY_UNITS, 0, 1), "annual means; a year of room for weather")


@lru_cache
def constraint(world: World, *, by_mean: bool = False) -> tuple[list[float], list[float]]:
    """Correlation across models of the past trend (or mean) with the future's, and the future's at ERA5, K a decade."""
    past = np.array([trends(_africa(world, model)) for model in MODELS])
    runs = [world.field("tas", model, "ssp585").mean(AFRICA).between(2015, 2035) for model in MODELS]
    future = np.array([trends(run) for run in runs])
    if by_mean:
        past = np.repeat([[_africa(world, model).mean()] for model in MODELS], future.shape[1], axis=1)
    correlations, estimates = [], []
    for x, y, observed in zip(past.T, future.T, trends(_africa(world, "ERA5")), strict=True):
        slope, intercept = least_squares(x, y)
        correlations.append(correlation(x, y))
        estimates.append(10 * (intercept + slope * observed))
    return correlations, estimates


def _constraint(ask: Ask) -> Case:
    slots = {"africa": boxed(*AFRICA).names}
    correlations, estimates = constraint(ask.world, by_mean=ask.kind == "none")
    if ask.kind == "constrained":
        expected: Expected = spread(estimates, "K (10 year)^-1", relative=0.03, difference=True)
        return Case(slots, expected, "the inter-model line at ERA5's trend")
    return Case(slots, spread(correlations, "1", relative=0, absolute=0.03), "eight models; trends by any convention")


def _africa(world: World, source: str) -> Series:
    return world.series("tas", source, AFRICA).between(1985, 2014)


@lru_cache
def scalings(world: World) -> tuple[Array, Array]:
    """Factors of greenhouse gases, aerosols and natural forcings in HadCRUT5, and those forcings' trends, K a year."""
    observed = world.series("tasa", "HadCRUT5").annual()[1]
    columns = []
    for experiment in ("hist-GHG", "hist-aer", "hist-nat"):
        runs = [world.field("tas", model, experiment).mean().annual()[1] for model in FORCED]
        columns.append(np.mean(runs, axis=0))
    matrix = np.stack([column - column.mean() for column in columns], axis=1)
    factors = np.linalg.lstsq(matrix, observed - observed.mean(), rcond=None)[0]
    years = np.arange(observed.size, dtype=float)
    return factors, np.array([least_squares(years, column)[0] for column in columns])


def _attribution(ask: Ask) -> Case:
    factors, slopes = scalings(ask.world)
    if ask.kind == "driver":
        names = (
            "greenhouse gases",
            "GHG",
            "hist-GHG",
            "greenhouse gas",
            "greenhouse-gas forcing",
            "greenhouse gas forcing",
        )
        return Case({}, any_of(*(Answer(name) for name in names)), "the greatest attributable trend")
    if ask.kind == "share":
        expected = Answer(float(100 * factors[0] * slopes[0]), "K (100 year)^-1", 0.06, difference=True)
        return Case({}, expected, "the factor times the mean run's trend")
    factor = float(factors[("ghg", "aer", "nat").index(ask.kind)])
    return Case({}, Answer(factor, "1", 0.06, 0.02), "least squares of anomalies on three mean responses")
