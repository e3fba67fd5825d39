"""Whose data a file holds: from its attributes, else its name, in the layouts of CMIP, obs4MIPs and ESMValTool."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

LONGEST = 200
"""Characters of an attribute that are kept."""
LONGEST_NAME = 32
"""Characters of a product's name."""
_TIMES = r"(?:_(?P<times>\d{4,14}(?:-\d{4,14})?(?:-clim)?))?"
_LAYOUTS = tuple(
    (project, re.compile(pattern + _TIMES))
    for project, pattern in (
        # obs4MIPs and ESMValTool: https://docs.esmvaltool.org, "Input data" and "Supported data sets".
        ("OBS", r"OBS6?_(?P<source>[^_]+)_(?P<type>[^_]+)_(?P<version>[^_]+)_(?P<table>[^_]+)_(?P<name>[^_]+)"),
        # CMIP6 Global Attributes, DRS, Filenames (doi 10.5281/zenodo.12768887); CMIP5 DRS 2.1.
        (
            "CMIP6",
            r"(?P<name>[^_]+)_(?P<table>[^_]+)_(?P<source>[^_]+)_(?P<experiment>[^_]+)"
            r"_(?P<member>(?:s\d+-)?r\d+i\d+p\d+f\d+)_(?P<grid>g[nrm]\w{0,4}?)",
        ),
        (
            "CMIP5",
            r"(?P<name>[^_]+)_(?P<table>[^_]+)_(?P<source>[^_]+)_(?P<experiment>[^_]+)_(?P<member>r\d+i\d+p\d+)",
        ),
        (
            "obs4MIPs",
            r"(?P<name>[^_]+)_(?P<table>mon|day|yr|6hr|3hr|1hr|fx)_(?P<source>[^_]+)_(?P<member>[^_]+)_(?P<grid>g[nrm]\w{0,4}?)",
        ),
        ("obs4MIPs", r"(?P<name>[^_]+)_(?P<source>[^_]+)_(?P<type>L[34]|reanalysis)_(?P<version>[^_]+)"),
    )
)
_VERSION = re.compile(r"v\d{8}")
_YEAR = r"(?:1[6-9]|2[0-5])\d{2}(?:\d{2}|\d{4})?"
_DATES = re.compile(rf"[_.\-]?(?<!\d){_YEAR}(?:[_\-]{_YEAR})?(?!\d)")
_MODERN = "piControl historical abrupt-4xCO2 abrupt-2xCO2 abrupt-0p5xCO2 1pctCO2 amip esm-hist esm-piControl hist-nat"
_FUTURE = "hist-GHG hist-aer ssp119 ssp126 ssp245 ssp370 ssp434 ssp460 ssp534-over ssp585 rcp26 rcp45 rcp60 rcp85"
_EARLIER = "sresa1b sresa2 sresb1 A1B A2 B1 E1 20c3m midHolocene lgm"
_EXPERIMENTS = {
    **{name.casefold(): name for name in f"{_MODERN} {_FUTURE} {_EARLIER}".split()},
    "abrupt4xco2": "abrupt-4xCO2",
}
_SOURCES = ("source_id", "model_id", "dataset_id", "model", "dataset")
_NAME = re.compile(r"(?=.*[A-Z\d])[\w.+-]+(?: [\w.+-]+){0,2}")
"""What `source` holds where it is a product's name; CF means it for how the data were produced."""
_SCENARIOS = ("experiment_id", "experiment", "scenario", "Model scenario", "model_scenario")
_OBSERVED = re.compile(
    r"observ|satellite|re-?analys|in.situ|\batlas\b|climatolog|hadisst|hadcrut|era-?5|ostia|coads", re.IGNORECASE
)
_MODELLED = re.compile(r"\bmodel\b|\bagcm\b|\bogcm\b|\baogcm\b|\besm\b|simulat", re.IGNORECASE)


@dataclass(frozen=True)
class Naming:
    """What tells one data set from another; empty where a file does not say."""

    project: str
    """``CMIP6``, ``CMIP5``, ``obs4MIPs``, ``OBS``, or empty for a plain CF file."""
    source: str
    """Model or product; of a plain file its name without dates."""
    experiment: str
    member: str
    grid_label: str
    table: str
    """CMIP's table, or a frequency."""
    version: str
    kind: str
    """``observation``, ``model``, or empty where nothing says it."""
    title: str
    institution: str
    product: str


def plain(value: object, limit: int = LONGEST) -> str:
    """A value from a file as one short line of printable text."""
    text = value if isinstance(value, str) else str(value)[: 4 * limit]
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())[:limit]


def naming(
    attrs: Mapping[Hashable, object], variable_attrs: Mapping[Hashable, object], path: PurePath, *, alone: str = ""
) -> Naming:
    """The names of the data in one file; `alone` is the variable's name where the file has no other."""
    project, parts = _layout(path)

    def said(*names: str) -> str:
        for where in (attrs, variable_attrs):
            for name in names:
                if value := plain(where.get(name, "")):
                    return value
        return ""

    era = said("mip_era", "project_id", "activity_id")
    if not project:
        project = next((known for known in ("CMIP6", "CMIP5", "obs4MIPs") if era.casefold() == known.casefold()), "")
    stem = path.name.removesuffix(path.suffix) if path.suffix in (".nc", ".cdf", ".nc4", ".zarr") else path.name
    source = (parts.get("source", "") if project == "OBS" else "") or said(*_SOURCES) or parts.get("source", "")
    if not project and not source and len(words := said("source")) <= LONGEST_NAME and _NAME.fullmatch(words):
        source = words
    experiment = "" if project in ("OBS", "obs4MIPs") else said(*_SCENARIOS[:1]) or parts.get("experiment", "")
    if not project and not experiment:
        experiment = _experiment(said(*_SCENARIOS[1:])) or _experiment_in(stem, path)
    version = next((part for part in reversed(path.parts) if _VERSION.fullmatch(part)), "") or parts.get("version", "")
    title, institution, product = said("title"), said("institution", "institution_id"), said("product", "product_id")
    about = " ".join((title, product, said("source", "source_type"), stem))
    return Naming(
        project=project,
        source=source or undated(_without(stem, experiment, alone)) or undated(stem) or stem,
        experiment=experiment if experiment != "none" else "",
        member=said("variant_label", "member_id") or parts.get("member", "") or _cmip5(attrs),
        grid_label=said("grid_label") or parts.get("grid", ""),
        table=said("table_id", "frequency") or parts.get("table", ""),
        version=version,
        kind=_kind(project, experiment, product, about),
        title=title,
        institution=institution,
        product=product,
    )


def undated(name: str) -> str:
    """A file's or folder's name without the dates in it."""
    return _DATES.sub("", name).strip("_.- ")


def _without(stem: str, *names: str) -> str:
    """The product that a file is named for, without its experiment and variable: others of it are other files."""
    known = {name.casefold() for name in names}
    return "_".join(token for token in stem.split("_") if token.casefold() not in known)


def _layout(path: PurePath) -> tuple[str, dict[str, str]]:
    stem = path.name.rsplit(".", 1)[0]
    for project, pattern in _LAYOUTS:
        if match := pattern.fullmatch(stem):
            return project, {key: value for key, value in match.groupdict().items() if value}
    return "", {}


def _cmip5(attrs: Mapping[Hashable, object]) -> str:
    """The member as CMIP5 numbers it."""
    numbers = [plain(attrs.get(name, "")) for name in ("realization", "initialization_method", "physics_version")]
    return "r{}i{}p{}".format(*numbers) if all(number.isdecimal() for number in numbers) else ""


def _experiment(words: str) -> str:
    return _EXPERIMENTS.get(words.casefold(), words if words and " " not in words else "")


def _experiment_in(stem: str, path: PurePath) -> str:
    """An experiment's name between the separators of a file's or folder's name."""
    for part in (stem, *reversed(path.parts[-4:-1])):
        for token in re.split(r"[_.\s]", part):
            if token.casefold() in _EXPERIMENTS:
                return _EXPERIMENTS[token.casefold()]
    return ""


def _kind(project: str, experiment: str, product: str, about: str) -> str:
    if project in ("OBS", "obs4MIPs") or product.casefold() in ("observations", "reanalysis"):
        return "observation"
    if project or experiment:
        return "model"
    if _OBSERVED.search(about):
        return "observation"
    return "model" if _MODELLED.search(about) else ""
