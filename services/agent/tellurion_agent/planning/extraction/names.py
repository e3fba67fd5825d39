"""Names of models, products, experiments and members: those of the data at hand, and the well-known ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from tellurion_agent.catalogue.wanted import MODELLED, OBSERVED
from tellurion_agent.planning.extraction.lexicon import Lexicon
from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.text import Text
from tellurion_agent.regions import GAZETTEER
from tellurion_agent.slots import Kind

_SSP = ("119", "126", "245", "370", "434", "460", "585")
EXPERIMENTS: dict[str, tuple[str, ...]] = {
    "historical": (
        "historical simulation",
        "historical experiment",
        "historical run",
        "historical scenario",
        "historical model run",
        "historical forcing",
    ),
    "piControl": (
        "pre-industrial control",
        "preindustrial control",
        "pi control",
        "control run",
        "control simulation",
        "control experiment",
        "unforced control",
    ),
    "abrupt-4xCO2": (
        "abrupt 4x CO2",
        "4x CO2",
        "4xCO2",
        "4 CO2",
        "quadrupled CO2",
        "quadrupling of CO2",
        "CO2 quadrupling",
        "abrupt quadrupling",
        "quadrupled carbon dioxide",
    ),
    "1pctCO2": (
        "1 pct CO2",
        "1% CO2",
        "one percent CO2",
        "1 percent CO2",
        "1% per year CO2",
        "1% a year CO2",
        "CO2 increasing at 1% per year",
        "1 % per year",
    ),
    "hist-nat": ("natural forcing only", "natural only", "natural forcings", "natural forcing", "historical natural"),
    "hist-GHG": ("greenhouse gas only", "GHG only", "greenhouse gas forcing", "historical GHG"),
    "hist-aer": ("aerosol only", "aerosol forcing only", "historical aerosol"),
    "amip": ("AMIP run", "AMIP simulation"),
    **{f"ssp{a}{b}{c}": (f"SSP{a}-{b}.{c}", f"SSP {a} {b} {c}") for a, b, c in _SSP},
    **{f"rcp{a}{b}": (f"RCP{a}.{b}", f"RCP {a} {b}") for a, b in ("26", "45", "60", "85")},
}
"""What people call CMIP's experiments, by CMIP's name. Eyring et al. 2016; O'Neill et al. 2016."""

_KNOWN = re.compile(
    r"(?<![\w-])(?:ACCESS|AWI-(?:CM|ESM)|BCC-(?:CSM|ESM)|CAMS-CSM|CAS-ESM|CESM[12]|CIESM|CMCC-|CNRM-|CanESM|E3SM|EC-Earth|FGOALS|"
    r"FIO-ESM|GFDL-|GISS-E|HadGEM|HadCRUT|HadISST|HadSST|HadCM3|ICON-ESM|IITM-ESM|INM-CM|IPSL-CM|KACE|KIOST|MCM-UA|MIROC|"
    r"MPI-ESM|MRI-(?:ESM|CGCM)|NESM3|NorESM|NorCPM|TaiESM|UKESM|ERA-?5|ERA-?Interim|ERA-?40|ERA-?20C|JRA-?[35]|MERRA|"
    r"NCEP|20CR|CFSR|GPCP|CMAP|CRU ?TS|CRUTEM|GPCC|TRMM|IMERG|CHIRPS|GISTEMP|NOAAGlobalTemp|Berkeley Earth|ERSST|OISST|"
    r"COBE|OSTIA|EN4|WOA|Argo|IAP|ORAS|SODA|GODAS|GLORYS|ECCO|AVISO|GRACE|CERES|ISCCP|MODIS|PIOMAS|NSIDC|"
    r"Levitus|I?COADS|World Ocean Atlas|Ishii|Cowtan)(?:[\w.]|-(?=\w)|(?<=CRUT) |(?: v\d))*",
    re.IGNORECASE,
)
_PRODUCTS = frozenset({"atlas", "climatology", "reanalysis", "analysis"})
_MEMBER = re.compile(r"(?<!\w)r\d{1,3}i\d{1,3}p\d{1,3}f\d{1,3}(?!\w)")


def named_sources(text: Text, sources: Collection[str], is_word: Callable[[str], bool]) -> Iterator[Mention]:
    """Models and products, as tuples of the names that are meant; as it was said where there is none such.

    `is_word` tells words of the language from names.
    """
    found = [Mention(Kind.SOURCE, f.value, f.start, f.end) for f in _sources(sources, is_word).find(text)]
    known = _KNOWN.finditer(text.without((m.start, m.end) for m in found).said)
    found += [Mention(Kind.SOURCE, (match[0].strip(),), match.start(), match.end()) for match in known]
    found.sort(key=lambda mention: mention.start)
    names = [mention for mention in found if not _is_general(mention)]
    for mention in found:
        beside = any(_apposed(text, *sorted((mention, name), key=lambda m: m.start)) for name in names)
        if not (_is_general(mention) and beside):
            yield mention


def _is_general(mention: Mention) -> bool:
    return all(name.casefold() in OBSERVED | MODELLED for name in mention.value)


def _apposed(text: Text, first: Mention, second: Mention) -> bool:
    """Whether two names stand for one: ``the model CanESM5``, ``HadISST observations``."""
    return re.fullmatch(r"\s*(?:data\s+|the\s+)?", text.plain[first.end : second.start]) is not None


def named_experiments(text: Text, experiments: Collection[str]) -> Iterator[Mention]:
    """Experiments, by CMIP's names or by those that the data have."""
    for found in _experiments(frozenset(experiments)).find(text):
        yield Mention(Kind.EXPERIMENT, found.value, found.start, found.end)


def named_members(text: Text) -> Iterator[str]:
    """Members of ensembles as CMIP6 numbers them."""
    yield from (match[0] for match in _MEMBER.finditer(text.plain))


@lru_cache(maxsize=32)
def _experiments(experiments: frozenset[str]) -> Lexicon[str]:
    """Of the data's names and of CMIP's; kept, since to make it takes longer than to read a request with it."""
    there = {name.casefold(): name for name in sorted(experiments)}
    names: list[tuple[str, str]] = [(name, name) for name in sorted(experiments)]
    for name, synonyms in EXPERIMENTS.items():
        said = synonyms if name == "historical" else (name, *synonyms)  # what is historical need not be a simulation
        names += [(synonym, there.get(name.casefold(), name)) for synonym in said]
    return Lexicon(names)


def _sources(sources: Iterable[str], is_word: Callable[[str], bool]) -> Lexicon[tuple[str, ...]]:
    """By name, by as much of it as looks like a name (``GISTEMP`` of ``GISTEMP v4``), and by words of a file's name.

    What is called like a region is not a product: ``A1B_north_america.nc``.
    """
    names: defaultdict[str, dict[str, None]] = defaultdict(dict)
    whole = sorted({source for source in sources if source.strip()})
    for source in whole:
        parts = re.split(r"(?<=[\w.])[\s_-]+", source)
        for count in range(1, len(parts)):
            beginning = " ".join(parts[:count])
            if len(beginning) >= 3 and re.search(r"[A-Z].*[A-Z]|[A-Za-z].*\d", beginning):
                names[beginning][source] = None
        for words in _words_of_file(source, is_word):
            names[words][source] = None
    beginnings = [(name, tuple(found)) for name, found in names.items()]
    every = [*((source, (source,)) for source in whole), *beginnings]
    return Lexicon([(name, of) for name, of in every if name.replace("_", " ").casefold() not in GAZETTEER])


def _words_of_file(source: str, is_word: Callable[[str], bool]) -> Iterator[str]:
    """``nemo`` of ``nemo_1m_grid-T``, which is no other word, and ``ocean atlas`` of ``ocean_atlas_subset``."""
    parts = source.casefold().split("_")
    if len(parts) > 1 and len(parts[0]) > 3 and parts[0].isalpha() and not is_word(parts[0]):
        yield parts[0]
    yield from (f"{word} {product}" for word, product in pairwise(parts) if product in _PRODUCTS)
