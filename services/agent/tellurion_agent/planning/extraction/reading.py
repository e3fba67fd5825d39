"""All that a request mentions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from tellurion_agent.planning.extraction.boxes import boxes
from tellurion_agent.planning.extraction.lexicon import Found, Lexicon
from tellurion_agent.planning.extraction.mention import Mention, Role
from tellurion_agent.planning.extraction.names import EXPERIMENTS, named_experiments, named_members, named_sources
from tellurion_agent.planning.extraction.notations import notations
from tellurion_agent.planning.extraction.numbers import levels, quantities
from tellurion_agent.planning.extraction.periods import periods
from tellurion_agent.planning.extraction.roles import with_roles
from tellurion_agent.planning.extraction.seasons import MONTHS, seasons
from tellurion_agent.planning.extraction.text import Text, mended, text_of
from tellurion_agent.planning.extraction.units import units
from tellurion_agent.slots import Kind, Region

NOT_REGIONS = (
    "global warming",
    "north atlantic oscillation",
    "pacific decadal oscillation",
    "southern oscillation",
    "atlantic multidecadal oscillation",
    "atlantic multidecadal variability",
    "atlantic meridional overturning",
    "atlantic overturning",
    "atlantic meridional mode",
    "indian ocean dipole",
    "arctic oscillation",
    "arctic amplification",
    "polar amplification",
    "antarctic oscillation",
    "southern annular mode",
    "northern annular mode",
    "indian monsoon index",
    "land-sea contrast",
    "land sea warming contrast",
    "land ocean contrast",
)
"""Names that have a region's name in them."""


def _pronoun(text: Text, found: Found[Region | None]) -> bool:
    """``It counts for us``, which is no country."""
    return text.said[found.start : found.end] == "us" and not text.plain[: found.start].endswith("the ")


@dataclass(frozen=True)
class Reading:
    """A request, and what it mentions."""

    text: Text
    mentions: tuple[Mention, ...]
    """From the left; they do not overlap."""
    members: tuple[str, ...] = ()

    def of(self, kind: Kind, *roles: Role) -> list[Mention]:
        """Those of a kind, in any of these roles, or in any that is meant."""
        return [m for m in self.mentions if m.kind is kind and m.role in (roles or (Role.PLAIN, Role.BASE))]

    def without(self, *kinds: Kind) -> Text:
        """The text without what it mentions of these kinds."""
        return self.text.without((m.start, m.end) for m in self.mentions if m.kind in kinds)


@dataclass(frozen=True)
class Vocabulary:
    """The names that requests are read with."""

    variables: Lexicon[tuple[str, ...]]
    """Standard names, the likeliest first: more than one where the words do not tell which."""
    regions: Lexicon[Region | None]
    words: frozenset[str]
    """That typing errors are mended towards."""
    is_word: Callable[[str], bool]
    """Whether a word is English, and so no typing error."""

    @classmethod
    def of(
        cls,
        variables: Iterable[tuple[str, tuple[str, ...]]],
        regions: Mapping[str, Region],
        words: Iterable[str],
        is_word: Callable[[str], bool],
    ) -> Vocabulary:
        """From names of variables and regions, and the other words that matter."""
        of_variables = Lexicon(variables)
        of_regions: Lexicon[Region | None] = Lexicon([*((n, None) for n in NOT_REGIONS), *regions.items()])
        months = {m.lower() for m in MONTHS}
        others = Lexicon((name, 0) for names in EXPERIMENTS.values() for name in names).words
        known = frozenset({*of_variables.words, *of_regions.words, *months, *others, *words})
        return cls(of_variables, of_regions, known, is_word)

    def read(self, request: str, sources: Collection[str] = (), experiments: Collection[str] = ()) -> Reading:
        """What a request mentions, given the models, products and experiments that there are.

        Raises InvalidInput where it is empty or too long.
        """
        whole = mended(text_of(request), self.words, self.is_word)
        found: list[Mention] = []

        def left() -> Text:
            return whole.without((m.start, m.end) for m in found)

        taken = [f for f in self.regions.find(whole) if f.value is None]
        barred = [(f.start, f.end) for f in taken]
        found += [Mention(Kind.VARIABLE, f.value, f.start, f.end) for f in self.variables.find(whole)]
        found += notations(left())
        found += named_sources(left(), sources, self.is_word)
        found += named_experiments(left(), experiments)
        found += boxes(left())
        found += [
            Mention(Kind.REGION, f.value, f.start, f.end)
            for f in self.regions.find(left().without(barred))
            if f.value is not None and not _pronoun(whole, f)
        ]
        water = [m for m in found if m.kind is Kind.REGION and getattr(m.value, "surface", "") == "ocean"]
        found += list(levels(whole.without((m.start, m.end) for m in found if m not in water)))  # ocean above 300 m
        for reads in (periods, units, seasons, quantities):
            found += list(reads(left()))
        found.sort(key=lambda m: m.start)
        return Reading(whole, tuple(with_roles(whole, found)), tuple(named_members(whole)))
