"""Which recipe here, with which settings, does what a variable of an ESMValTool recipe says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from tellurion_agent.catalogue import variables
from tellurion_agent.esmvaltool.recipe_file import Facets, RecipeFile, Variable, word
from tellurion_agent.esmvaltool.steps import Reduced, Unreadable, reduced, years
from tellurion_agent.libraries import labelled
from tellurion_agent.planning.extraction.seasons import ANNUAL, months_from
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
_YEARLY: tuple[frozenset[str], ...] = (frozenset(), frozenset({"annual mean"}))
"""Before a mean of all years, their own means change nothing that is asked."""
_FULL = frozenset({"full mean"})
_ENDS: Mapping[tuple[str, frozenset[str]], tuple[str, dict[str, Any]]] = MappingProxyType(
    {
        ("area", frozenset()): ("time_series", {"sampling": "monthly"}),
        ("area", frozenset({"annual mean"})): ("time_series", {"sampling": "yearly"}),
        ("area", frozenset({"month mean"})): ("seasonal_cycle", {}),
        ("area", frozenset({"annual mean", "full std_dev"})): ("variability", {"quantity": "standard deviation"}),
        **{("area", yearly | _FULL): ("area_mean", {}) for yearly in _YEARLY},
        **{("", yearly | _FULL): ("climatology_map", {}) for yearly in _YEARLY},
        **{("zonal", yearly | _FULL): ("zonal_mean", {}) for yearly in _YEARLY},
        **{("area", yearly | {"trend"}): ("linear_trend", {}) for yearly in _YEARLY},
        **{("", yearly | {"trend"}): ("trend_map", {}) for yearly in _YEARLY},
        **{("area", yearly | {"anomaly"}): ("period_anomaly", {}) for yearly in _YEARLY},
    }
)
"""Recipe and choices by the mean over space and by what is done over time."""
MEMBER = "member"
"""Beside the slots of a recipe: the member that is read."""
_SEVERAL = MappingProxyType(
    {
        "period": "Its data sets have years of their own: all that the data hold are taken unless some are said.",
        "experiment": "Its data sets are of several experiments: name one where several are there.",
        MEMBER: "Its data sets are several members: name one where several are there.",
    }
)
MOST_SCRIPTS = 20
"""Of a diagnostic, that are looked at."""
Done = tuple[str, dict[str, Any], tuple[str, ...]]
"""Recipe, settings and remarks."""
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
    """What is known of each variable, or of a whole diagnostic whose script says what it computes; no name twice."""
    seen: set[str] = set()
    for variable in file.variables:
        whole = f"{file.name}/{variable.diagnostic}"
        steps = partial(_by_steps, variable)
        for name, done in [*_by_script(whole, variable)] or [(f"{whole}/{variable.group}", steps)]:
            if name in seen:
                continue
            seen.add(name)
            try:
                yield _fit(name, variable, *done())
            except Unreadable as reason:
                yield Unknown(name[:LONGEST], str(reason))


def _by_script(name: str, variable: Variable) -> Iterator[tuple[str, Callable[[], Done]]]:
    """Names of pieces, and what each does, where scripts are known that do the whole work."""
    for script in variable.scripts[:MOST_SCRIPTS]:
        which = word(script.get("script"))
        if which in _SENSITIVITY:
            several = len({word(each.get("dataset")) for each in variable.datasets}) > 1
            yield name, partial(_whole, _SENSITIVITY[which][several])
            return
        if which == _SEA_ICE:
            yield f"{name}/{word(script.get('region'))} {word(script.get('month'))}", partial(_of_sea_ice, script)


def _whole(recipe: str) -> Done:
    return recipe, {}, ()


def _of_sea_ice(script: Facets) -> Done:
    hemisphere = {"Arctic": "northern", "Antarctic": "southern"}.get(word(script.get("region")))
    month = word(script.get("month"))
    if hemisphere is None or (month != "A" and month not in _MONTHS):
        raise Unreadable("its region or its month is not understood")
    season = ANNUAL if month == "A" else months_from(int(month), int(month))
    return "sea_ice_extent", {"hemisphere": hemisphere, "season": season}, ()


def _by_steps(variable: Variable) -> Done:
    """Raises Unreadable."""
    short = variable.short_name
    chain = reduced(variable.steps, in_ocean=variable.mip.startswith("O"))
    recipe, choices = _of(chain, [word(each.get("script")) for each in variable.scripts], len(variable.datasets))
    if recipe in _CLOUD_EFFECT and short in _COMPONENTS:
        return _CLOUD_EFFECT[recipe], {"component": _COMPONENTS[short], **chain.slots}, chain.remarks
    found = next(iter(variables.meant(short)), None)
    if found is None or short in _OTHERWISE:
        raise Unreadable(f"the variable {short} is not known here, or not for that")
    return recipe, {"variable": found.standard_name, **chain.slots, **choices}, chain.remarks


def _of(chain: Reduced, scripts: Sequence[str], datasets: int) -> tuple[str, dict[str, Any]]:
    """The recipe that ends where a chain does, with what it must be told beside its slots. Raises Unreadable."""
    if not (chain.space or chain.time):
        raise Unreadable(f"what is computed is left to {', '.join(scripts[:MOST_SCRIPTS]) or 'no script'}")
    found = _ENDS.get((chain.space, chain.time))
    if found is None:
        over_time = ", ".join(sorted(chain.time)) or "nothing"
        raise Unreadable(f"no recipe here ends so: {chain.space or 'no'} mean over space, over time {over_time}")
    if found[0] == "area_mean" and datasets > 1:
        return "data_set_comparison", {"quantity": "each"}
    if chain.space == "area" and _PROFILE in scripts and chain.time <= {"full mean"}:
        return "vertical_profile", {}
    return found


def _fit(name: str, variable: Variable, recipe: str, settings: dict[str, Any], remarks: tuple[str, ...]) -> Known:
    """With what its data sets say, as far as the recipe has slots for it. Raises Unreadable where one is in vain."""
    if len(name) > LONGEST:
        raise Unreadable(f"names have up to {LONGEST} characters")
    slots = {slot.name: slot for slot in RECIPES[recipe].slots}
    if useless := settings.keys() - slots.keys():
        raise Unreadable(f"“{RECIPES[recipe].title}” has no use for {', '.join(sorted(useless))}")
    of_data = _of_data(variable.datasets)
    found = {of: next(iter(values)) for of, values in of_data.items() if len(values) == 1 and of in {*slots, MEMBER}}
    if "period" in found and "period" in settings:
        found["period"] = _both(found["period"], settings.pop("period"))
    sources = [*of_data["source"]]
    if len(sources) > 1 and any(slot.kind is Kind.SOURCE for slot in slots.values()):
        remarks += (_choice_of(sources),)
    for of, several in _SEVERAL.items():
        if len(of_data[of]) > 1 and of in {*slots, MEMBER}:
            remarks += (several,)
    if not variable.mip.endswith("mon"):
        remarks += (f"Its data are of the table {variable.mip or '(none)'}: any frequency is taken here.",)
    return Known(name, recipe, found | settings, remarks)


def _of_data(datasets: Sequence[Facets]) -> dict[str, dict[Any, None]]:
    """What its data sets name, each once, in their order, by slot. Raises Unreadable where that is not understood."""
    of = {"source": "dataset", "experiment": "exp", MEMBER: "ensemble"}
    found: dict[str, dict[Any, None]] = {slot: {} for slot in (*of, "period")}
    for facets in datasets:
        for slot, name in of.items():
            text = facets.get(name)
            if text is not None and not isinstance(text, str):
                raise Unreadable(f"of the facet {name}, one name is taken here, and not several")
            if text:
                found[slot].setdefault(word(text))
        if (period := _years(facets)) is not None:
            found["period"].setdefault(period)
    return found


def _years(facets: Facets) -> Period | None:
    if not (facets.keys() & {"timerange", "start_year", "end_year"}) or facets.get("timerange") == "*":
        return None
    first, last = word(facets.get("start_year")), word(facets.get("end_year"))
    text = word(facets.get("timerange")) or (f"{first:0>4}/{last:0>4}" if first and last else f"{first}/{last}")
    try:
        return years(text)
    except ValueError:
        raise Unreadable(f"the years {text} are not whole ones, from one to another") from None


def _both(of_data: Period, cut: Period) -> Period:
    if of_data.first > cut.last or cut.first > of_data.last:
        raise Unreadable("its years and those of its preprocessor do not meet")
    return Period(max(of_data.first, cut.first), min(of_data.last, cut.last))


def _choice_of(sources: Sequence[str]) -> str:
    return f"Its data sets are {labelled(sources, MOST_NAMED)}: name one where several are there."
