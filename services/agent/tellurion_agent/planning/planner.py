"""The planner that needs no language model: the nearest recipe, its slots filled from the request, its data found."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.catalogue.wanted import MODELLED, OBSERVED
from tellurion_agent.planning.choices import LearnedChoices
from tellurion_agent.planning.embedding import embedder
from tellurion_agent.planning.extraction.reading import Reading, Vocabulary
from tellurion_agent.planning.filling import fill
from tellurion_agent.planning.learned import Learned
from tellurion_agent.planning.plan import NOTHING_SAID, Abstain, Clarify, Context, Plan, Plans, Taught
from tellurion_agent.planning.planned import Asked, closed, planned
from tellurion_agent.planning.retrieval import common_words, phrase_words, stems, telling_words
from tellurion_agent.planning.said import Filling
from tellurion_agent.planning.scope import out_of_scope, own_words, strangers
from tellurion_agent.planning.scoring import Scored, Scoring
from tellurion_agent.planning.subjects import There
from tellurion_agent.planning.terms import variable_names
from tellurion_agent.planning.thresholds import Thresholds
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.regions import GAZETTEER
from tellurion_agent.slots import Kind, Slot

CANDIDATES = 3
UNSURE = 0.5
"""Below this probability the likeliest recipe is not taken without a question."""
_FOLLOWS = re.compile(r"^\W*(?:and|what about|how about|same|now|also|then|but|instead)(?!\w)")

_CARRY_OUT = frozenset(stems("run execute evaluate apply result answer look"))
"""What may be said beside a name that says all."""
_ASKS = re.compile(r"\W*(?:what(?: is| are| was|'s)|how|compute|calculate|plot|map|draw|show)(?!\w)(?! about)")


class Planner:
    """Of recipes; it keeps what it needs of them in memory, and the embeddings of their phrases in a folder."""

    def __init__(
        self,
        recipes: Mapping[str, Recipe] = RECIPES,
        *,
        cache: Path | None = None,
        thresholds: Thresholds | None = None,
        learned: Learned | None = None,
        choices: LearnedChoices | None = None,
    ) -> None:
        embed = embedder()
        self._recipes = recipes
        words = phrase_words(recipes.values())
        self._vocabulary = Vocabulary.of(variable_names(), GAZETTEER, words, embed.knows)
        self._thresholds = thresholds or Thresholds.calibrated()
        learned, choices = learned or Learned.packaged(), choices or LearnedChoices.packaged()
        self._scoring = Scoring(recipes, self._vocabulary, self._thresholds, learned, choices, embed, cache)
        self._known = common_words(recipes.values())
        self._telling = telling_words(recipes.values())

    def plan(self, request: str, catalogue: Catalogue, context: Context = NOTHING_SAID) -> Plans | Clarify | Abstain:
        """Candidate plans, or a question back, or why there is no honest answer.

        Raises InvalidInput where the request is empty or too long.
        """
        usable, sources, experiments = _there(catalogue)
        reading = self._vocabulary.read(request, sources, experiments)
        if reason := out_of_scope(reading):
            return Abstain(reason, final=True)
        there = _dimensions(usable)
        reading = _without_absent_indices(reading, there)
        ranked, inherited = self._ranked(reading, there, context)
        if (refusal := self._refused(ranked)) is not None:
            return refusal
        if ranked[0].probability < 1 and (lacking := self._lacking(reading)):
            nearest = tuple(scored.recipe.title for scored in ranked[:CANDIDATES])
            return Clarify(f"{lacking} It may be: {'; '.join(nearest)}.", "recipe", nearest)
        if stranger := next(strangers(reading, self._known), None):
            said = Context(ranked[0].recipe.name, {**inherited, **closed(ranked[0].filling.said)})
            return Clarify(f"What is meant by {stranger}? Nothing of that name is known.", stranger, context=said)
        return self._chosen(ranked, Asked(reading, catalogue, there, context, inherited, self._known))

    def named(
        self, taught: Taught, request: str, catalogue: Catalogue, context: Context = NOTHING_SAID
    ) -> Plans | Clarify | Abstain:
        """The plan of a recipe that was asked for by a name that was taught; `request` is what else was said.

        Raises InvalidInput where the request is too long.
        """
        usable, sources, experiments = _there(catalogue)
        there = _dimensions(usable)
        reading = _without_absent_indices(self._vocabulary.read(request or taught.name, sources, experiments), there)
        reading = reading if request else replace(reading, mentions=())
        if unknown := sorted(own_words(reading) - _CARRY_OUT) if request else []:
            words = ", ".join(word for word in request.split() if {*stems(word)} & {*unknown})
            question = f"“{taught.name}” is “{taught.recipe.title}”; what is “{words}” for?"
            return Clarify(question, "recipe", context=Context(taught.recipe.name, taught.settings))
        if (member := taught.settings.get("member")) and not reading.members:
            reading = replace(reading, members=(member,))
        scored = Scored(replace(taught.recipe, title=taught.name), 1.0, fill(taught.recipe, reading, there))
        context = replace(context, preferred={**context.preferred, taught.recipe.name: taught.settings})
        found = planned(scored, Asked(reading, catalogue, there, context, {}, self._known))
        if isinstance(found, Clarify):
            said = {**taught.settings, **found.context.slots}
            return replace(found, context=Context(taught.recipe.name, said))
        if isinstance(found, Abstain):
            return found
        reasons = (f"“{taught.name}” was said: {taught.recipe.title}.", *taught.remarks, *found.reasons[1:])
        return Plans((replace(found, taught=taught, reasons=reasons),))

    def is_word(self, name: str) -> bool:
        """Whether a name is one word that recipes are asked with."""
        found = stems(name)
        return len(name.split()) == 1 and {*found} <= self._known

    def filled(
        self, recipe: Recipe, texts: Mapping[str, str], request: str, catalogue: Catalogue, context: Context
    ) -> Plan | Clarify | Abstain:
        """The plan of a recipe whose slots somebody has said in words, each by itself."""
        usable, sources, experiments = _there(catalogue)
        said: dict[str, Any] = {}
        for slot in recipe.slots:
            if slot.name in texts and (value := self._value(slot, texts[slot.name], sources, experiments)) is not None:
                said[slot.name] = value
        scored = Scored(recipe, 1.0, Filling(said=said))
        reading = self._vocabulary.read(request, sources, experiments)
        there = _dimensions(usable)
        reading = _without_absent_indices(reading, there)
        return planned(scored, Asked(reading, catalogue, there, context, {}, self._known))

    def correction(self, recipe: Recipe, said: str) -> Mapping[str, Any]:
        """The slots of a recipe that a correction sets; none where it is not clear."""
        filling = fill(recipe, self._vocabulary.read(said), {})
        return {} if filling.unclear or filling.impossible else closed(filling.said)

    def _value(self, slot: Slot, text: str, sources: Collection[str], experiments: Collection[str]) -> Any:
        """What words say of one slot; None where they say nothing of its kind."""
        if slot.many:
            return tuple(part.strip() for part in text.split(",") if part.strip()) or None
        if slot.kind in (Kind.SOURCE, Kind.EXPERIMENT):
            return text.strip() or None
        if slot.kind is Kind.CHOICE:
            return text if text in slot.choices else None
        if slot.kind is Kind.NUMBER:
            number = re.search(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)
            return None if number is None else float(number[0])
        mentions = self._vocabulary.read(text, sources, experiments).of(slot.kind) if text.strip() else []
        value = mentions[0].value if mentions else None
        return value[0] if slot.kind is Kind.VARIABLE and value else value

    def example(self, request: str) -> tuple[NDArray[np.float32], NDArray[np.float64], dict[str, Filling]]:
        """Vector, features [recipes + 1, features] and fillings of a request, whatever the data: to calibrate with."""
        reading = _without_absent_indices(self._vocabulary.read(request), {})
        vectors = self._scoring.vectors(reading)
        fillings = {name: fill(recipe, reading, {}) for name, recipe in self._recipes.items()}
        return vectors.ravel(), self._scoring.features(reading, vectors, [*fillings.values()]), fillings

    def _ranked(self, reading: Reading, there: There, context: Context) -> tuple[list[Scored], Mapping[str, Any]]:
        """Recipes, the likeliest first, and the slots that hold from before."""
        plain = reading.text.plain
        goes_on = bool(reading.mentions) and not _ASKS.match(plain) and not own_words(reading)
        titled = (name for name, recipe in self._recipes.items() if recipe.title.lower() == plain.strip(" ."))
        meant = next(titled, context.recipe if goes_on else None)
        follows = bool(_FOLLOWS.search(plain))
        scored = self._scoring.scored(reading, there, alone=not follows and meant is None)
        if (one := next((s for s in scored if s.recipe.name == meant), None)) is not None:
            return [replace(one, probability=1.0)], context.slots
        return sorted(scored, key=lambda s: -s.probability), context.slots if follows else {}

    def _lacking(self, reading: Reading) -> str:
        """What is asked back where a request speaks of nothing, or of a variable and says no more."""
        if not reading.mentions and not own_words(reading) & self._telling:
            return "Of what?"
        bare = {mention.kind for mention in reading.mentions} <= {Kind.VARIABLE, Kind.SOURCE} and not own_words(reading)
        variables = " ".join(reading.text.plain[m.start : m.end] for m in reading.of(Kind.VARIABLE))
        return "What is to be known of it?" if bare and not {*stems(variables)} & self._telling else ""

    def _refused(self, ranked: list[Scored]) -> Abstain | None:
        """Where no recipe is near enough."""
        best, none = ranked[0].probability, max(0.0, 1 - sum(s.probability for s in ranked))
        if best >= self._thresholds.abstain * (best + none):
            return None
        return Abstain(f"None of the known analyses answers that; the nearest is “{ranked[0].recipe.title}”.")

    def _chosen(self, ranked: list[Scored], asked: Asked) -> Plans | Clarify | Abstain:
        """The plans of the likeliest recipes, where it is clear enough which is meant."""
        best = ranked[0]
        if best.probability < UNSURE:
            nearest = tuple(scored.recipe.title for scored in ranked[:CANDIDATES])
            return Clarify(f"Which is meant: {'; or: '.join(nearest)}?", "recipe", nearest)
        rivals = [
            s for s in ranked[1:] if best.probability < self._thresholds.ambiguous * (best.probability + s.probability)
        ]
        ends = [(s, planned(s, asked)) for s in (best, *rivals)]
        able = [(s, end) for s, end in ends if isinstance(end, Plan)]
        if not able:
            first = ends[0][1]
            assert not isinstance(first, Plan)
            return first
        if any(not _akin(able[0][0].recipe, s.recipe) for s, _ in able[1:]):
            options = tuple(s.recipe.title for s, _ in able)
            context = Context(slots=able[0][1].said)
            return Clarify(f"Which is meant: {'; or: '.join(options)}?", "recipe", options, context)
        plans = [able[0][1]]
        others = (s for s in ranked if s.probability >= self._thresholds.alternative and s is not able[0][0])
        more = (end for s in others if isinstance(end := planned(s, asked), Plan))
        plans += [end for end, _ in zip(more, range(CANDIDATES - 1), strict=False)]
        return Plans(tuple(plans))


def _akin(one: Recipe, other: Recipe) -> bool:
    return one.akin == other.name or other.akin == one.name


def _there(catalogue: Catalogue) -> tuple[list[DataSet], set[str], set[str]]:
    """The data sets that can be used, and by which names sources and experiments may be asked for."""
    usable = [dataset for dataset in catalogue.datasets if not dataset.refused]
    sources = {dataset.source for dataset in usable if dataset.source}
    if {"observation", "model"} <= {dataset.kind for dataset in usable}:
        sources |= OBSERVED | MODELLED
    return usable, sources, {dataset.experiment for dataset in usable if dataset.experiment}


def _dimensions(usable: Iterable[DataSet]) -> There:
    found: dict[str, frozenset[str]] = {}
    for dataset in usable:
        found[dataset.variable] = found.get(dataset.variable, frozenset()) | {*dataset.dimensions}
    return found


def _without_absent_indices(reading: Reading, there: There) -> Reading:
    """An index that is no data set is not a variable but what is to be computed."""
    kept = (
        mention
        for mention in reading.mentions
        if mention.kind is not Kind.VARIABLE
        or there.keys() & {*mention.value}
        or not mention.value[0].endswith(("_index", "_expressed_as_heat_content"))
    )
    return replace(reading, mentions=tuple(kept))
