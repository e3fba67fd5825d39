"""Which recipe here, with which settings, does what a variable of an ESMValTool recipe says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tellurion_agent.catalogue import variables
from tellurion_agent.esmvaltool.recipe_file import Facets, RecipeFile, Variable, word
from tellurion_agent.esmvaltool.steps import Reduced, Unreadable, reduced, years
from tellurion_agent.planning.extraction.seasons import ANNUAL, months_from
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.slots import Kind, Period

MOST_NAMED = 6
"""Data sets that a remark names."""
LONGEST = 100
"""Characters of a name of which others are refused as well."""
_OTHERWISE = frozenset({"tasmax", "tasmin"})
"""Short names that stand for something else than the mean of their variable."""
_SENSITIVITY = MappingProxyType(
    {
        "climate_metrics/ecs.py": ("equilibrium_sensitivity", "sensitivity_of_models"),
        "climate_metrics/tcr.py": ("transient_response", "transient_response_of_models"),
    }
)
"""Recipe for one model, and for several, of scripts that do the whole work themselves."""
_COMPONENTS = MappingProxyType({"swcre": "shortwave effect", "lwcre": "longwave effect", "netcre": "net effect"})
"""What ESMValTool derives, and recipes here compute."""
_CLOUD_EFFECT = MappingProxyType(
    {"area_mean": "cloud_radiative_effect", "data_set_comparison": "cloud_effect_comparison"}
)
_SEA_ICE = "seaice/seaice_tsline.ncl"
_PROFILE = "ocean/diagnostic_profiles.py"
_MONTHS = frozenset(map(str, range(1, 13)))


@dataclass(frozen=True)
class Known:
    """A piece of an ESMValTool recipe that can be done here."""

    name: str
    """``recipe_python/timeseries/tas_global``, by which it is asked for."""
    recipe: str
    settings: Mapping[str, Any]
    """Values of that recipe's slots."""
    remarks: tuple[str, ...]
    """What a careful reader should know: what is done otherwise here."""


@dataclass(frozen=True)
class Unknown:
    """A piece that cannot."""

    name: str
    reason: str


def knowledge(file: RecipeFile) -> Iterator[Known | Unknown]:
    """What is known of each variable, or of a whole diagnostic whose script says what it computes."""
    done: set[str] = set()
    for variable in file.variables:
        name = f"{file.name}/{variable.diagnostic}"
        if variable.diagnostic in done:
            continue
        if whole := [*_by_script(name, variable)]:
            done.add(variable.diagnostic)
            yield from whole
            continue
        name += f"/{variable.group}"
        try:
            yield _fit(name, variable, *_by_steps(variable))
        except Unreadable as reason:
            yield Unknown(name, str(reason))


def _by_script(name: str, variable: Variable) -> Iterator[Known | Unknown]:
    for script in variable.scripts:
        which = word(script.get("script"))
        if which in _SENSITIVITY:
            sources = tuple(dict.fromkeys(word(each.get("dataset")) for each in variable.datasets))
            one, several = _SENSITIVITY[which]
            if len(sources) == 1:
                yield Known(name, one, {"source": sources[0]}, ())
            else:
                yield Known(name, several, {}, (_choice_of(sources),) if sources else ())
            return
        if which == _SEA_ICE:
            region, month = word(script.get("region")), word(script.get("month"))
            hemisphere = {"Arctic": "northern", "Antarctic": "southern"}.get(region)
            season = ANNUAL if month == "A" else months_from(int(month), int(month)) if month in _MONTHS else None
            piece = f"{name}/{region} {month}"
            if hemisphere is None or season is None:
                yield Unknown(piece, f"region {region} and month {month} are not understood")
            else:
                try:
                    yield _fit(piece, variable, "sea_ice_extent", {"hemisphere": hemisphere, "season": season}, ())
                except Unreadable as reason:
                    yield Unknown(piece, str(reason))


def _by_steps(variable: Variable) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Recipe, settings and steps that are left out. Raises Unreadable."""
    short = variable.short_name
    chain = reduced(variable.steps, in_ocean=variable.mip.startswith("O"))
    recipe, choices = _of(chain, [word(each.get("script")) for each in variable.scripts], len(variable.datasets))
    if recipe in _CLOUD_EFFECT and short in _COMPONENTS:
        return _CLOUD_EFFECT[recipe], {"component": _COMPONENTS[short], **chain.slots}, chain.left_out
    found = next(iter(variables.meant(short)), None)
    if found is None or short in _OTHERWISE:
        raise Unreadable(f"the variable {short} is not known here, or not for that")
    return recipe, {"variable": found.standard_name, **chain.slots, **choices}, chain.left_out


def _of(chain: Reduced, scripts: Sequence[str], datasets: int) -> tuple[str, dict[str, Any]]:
    """The recipe that ends where a chain does, with what it must be told beside its slots. Raises Unreadable."""
    match chain.space, chain.time, chain.trend, chain.anomalies, chain.detrended:
        case "area", (*_, ("full", "std_dev")), False, False, detrended if ("annual", "mean") in chain.time:
            return "variability", {"quantity": "detrended standard deviation" if detrended else "standard deviation"}
        case _, _, _, _, True:
            pass
        case "area", () | (("annual", "mean"),), True, False, False:
            return "linear_trend", {}
        case "", () | (("annual", "mean"),), True, False, False:
            return "trend_map", {}
        case "area", _, False, True, False if all(operator == "mean" for _, operator in chain.time):
            return "period_anomaly", {}
        case "area", () | (*_, ("full", "mean")), False, False, False if _PROFILE in scripts:
            return "vertical_profile", {}
        case "area", (*_, ("full", "mean")), False, False, False:
            return ("area_mean", {}) if datasets < 2 else ("data_set_comparison", {"quantity": "each"})
        case "area", (("month", "mean"),), False, False, False:
            return "seasonal_cycle", {}
        case "area", (), False, False, False:
            return "time_series", {"sampling": "monthly"}
        case "area", (("annual", "mean"),), False, False, False:
            return "time_series", {"sampling": "yearly"}
        case "", (*_, ("full", "mean")), False, False, False:
            return "climatology_map", {}
        case "zonal", (*_, ("full", "mean")), False, False, False:
            return "zonal_mean", {}
    if not (chain.space or chain.time):
        raise Unreadable(f"what is computed is left to {', '.join(scripts) or 'no script'}")
    statistics = ", ".join(f"{operator} ({period})" for period, operator in chain.time) or "none"
    raise Unreadable(f"no recipe here ends so: {chain.space or 'no'} mean over space, over time {statistics}")


def _fit(name: str, variable: Variable, recipe: str, settings: dict[str, Any], left_out: Sequence[str]) -> Known:
    """With its data's settings, as far as the recipe has slots for them. Raises Unreadable where one is in vain."""
    if len(name) > LONGEST or not name.isprintable():
        raise Unreadable(f"names have up to {LONGEST} characters that can be printed")
    slots = {slot.name: slot for slot in RECIPES[recipe].slots}
    of_data, remarks = _of_data(variable.datasets, RECIPES[recipe])
    settings = {name: value for name, value in of_data.items() if name in slots} | settings
    if useless := settings.keys() - slots.keys():
        raise Unreadable(f"“{RECIPES[recipe].title}” has no use for {', '.join(sorted(useless))}")
    if left_out:
        remarks += (f"ESMValTool's {', '.join(left_out)} {'is' if len(left_out) == 1 else 'are'} not done here.",)
    return Known(name, recipe, settings, remarks)


def _of_data(datasets: Sequence[Facets], recipe: Recipe) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Source, experiment and years where all data sets are at one. Raises Unreadable where years are no whole ones."""
    found: dict[str, Any] = {}
    sources, experiments, periods = (
        list(dict.fromkeys(filter(None, (of(each) for each in datasets)))) for of in (_source, _experiment, _years)
    )
    remarks: list[str] = []
    if len(sources) == 1:
        found["source"] = sources[0]
    elif sources and any(slot.kind is Kind.SOURCE for slot in recipe.slots):
        remarks.append(_choice_of(sources))
    if len(experiments) == 1:
        found["experiment"] = experiments[0]
    if len(periods) == 1:
        found["period"] = periods[0]
    elif periods:
        remarks.append("Its data sets have years of their own: all that the data hold are taken unless some are said.")
    return found, tuple(remarks)


def _source(facets: Facets) -> str:
    return word(facets.get("dataset"))


def _experiment(facets: Facets) -> str:
    return word(facets.get("exp"))


def _years(facets: Facets) -> Period | None:
    if not (facets.keys() & {"timerange", "start_year"}) or facets.get("timerange") == "*":
        return None
    text = word(facets.get("timerange")) or f"{word(facets.get('start_year')):0>4}/{word(facets.get('end_year')):0>4}"
    try:
        return years(text)
    except ValueError:
        raise Unreadable(f"the years {text} are not whole ones, from one to another") from None


def _choice_of(sources: Sequence[str]) -> str:
    more = f" and {len(sources) - MOST_NAMED} more" if len(sources) > MOST_NAMED else ""
    return f"Its data sets are {', '.join(sources[:MOST_NAMED])}{more}: name one where several are there."
