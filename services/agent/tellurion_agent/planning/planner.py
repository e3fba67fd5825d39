"""The planner that needs no language model: the nearest recipe, its slots filled from the request, its data found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.catalogue.resolving import MODELLED, OBSERVED
from tellurion_agent.planning.embedding import embedder
from tellurion_agent.planning.extraction.reading import Reading, Vocabulary
from tellurion_agent.planning.plan import NOTHING_SAID, Abstain, Clarify, Context, Plan, Plans
from tellurion_agent.planning.planned import Asked, closed, planned
from tellurion_agent.planning.retrieval import phrase_words, stems
from tellurion_agent.planning.scope import out_of_scope, own_words, strangers
from tellurion_agent.planning.scoring import Scored, Scoring
from tellurion_agent.planning.terms import variable_names
from tellurion_agent.planning.thresholds import Thresholds
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.regions import GAZETTEER

CANDIDATES = 3
_FOLLOWS = re.compile(r"^\W*(?:and|what about|how about|same|now|also|then|but|instead)(?!\w)")


class Planner:
    """Of recipes; it keeps what it needs of them in memory, and the embeddings of their phrases in a folder."""

    def __init__(
        self,
        recipes: Mapping[str, Recipe] = RECIPES,
        *,
        cache: Path | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        embed = embedder()
        words = phrase_words(recipes.values())
        self._vocabulary = Vocabulary.of(variable_names(), GAZETTEER, words, embed.knows)
        self._thresholds = thresholds or Thresholds.calibrated()
        self._scoring = Scoring(recipes, self._vocabulary, self._thresholds, embed, cache)
        self._known = frozenset(stems(" ".join(words)))

    def plan(self, request: str, catalogue: Catalogue, context: Context = NOTHING_SAID) -> Plans | Clarify | Abstain:
        """Candidate plans, or a question back, or why there is no honest answer.

        Raises InvalidInput where the request is empty or too long.
        """
        usable = [dataset for dataset in catalogue.datasets if not dataset.refused]
        sources = {dataset.source for dataset in usable if dataset.source}
        if {"observation", "model"} <= {dataset.kind for dataset in usable}:
            sources |= OBSERVED | MODELLED
        experiments = {dataset.experiment for dataset in usable if dataset.experiment}
        reading = self._vocabulary.read(request, sources, experiments)
        if reason := out_of_scope(reading):
            return Abstain(reason)
        there = frozenset(dataset.variable for dataset in usable)
        ranked, inherited = self._ranked(reading, there, context)
        if (refusal := self._refused(ranked)) is not None:
            return refusal
        if stranger := next(strangers(reading, self._known), None):
            said = Context(ranked[0].recipe.name, {**inherited, **closed(ranked[0].filling.said)})
            return Clarify(f"What is meant by {stranger}? Nothing of that name is known.", stranger, context=said)
        return self._chosen(ranked, Asked(reading, catalogue, there, context, inherited, self._known))

    def _ranked(
        self, reading: Reading, there: frozenset[str], context: Context
    ) -> tuple[list[Scored], Mapping[str, Any]]:
        """Recipes, the likeliest first, and the slots that hold from before."""
        ranked = self._scoring.ranked(reading, there)
        before = next((s for s in ranked if s.recipe.name == context.recipe), None)
        titled = next((s for s in ranked if s.recipe.title.lower() == reading.text.plain.strip(" .")), None)
        if titled is not None:
            return [replace(titled, probability=1.0)], context.slots
        if before is not None and reading.mentions and not own_words(reading):
            return [replace(before, probability=1.0)], context.slots
        return ranked, context.slots if _FOLLOWS.search(reading.text.plain) else {}

    def _refused(self, ranked: list[Scored]) -> Abstain | None:
        """Where no recipe is near enough."""
        best, none = ranked[0].probability, max(0.0, 1 - sum(s.probability for s in ranked))
        if best >= self._thresholds.abstain * (best + none):
            return None
        return Abstain(f"None of the known analyses answers that; the nearest is “{ranked[0].recipe.title}”.")

    def _chosen(self, ranked: list[Scored], asked: Asked) -> Plans | Clarify | Abstain:
        """The plans of the likeliest recipes, where it is clear enough which is meant."""
        best = ranked[0]
        rivals = [
            s for s in ranked[1:] if best.probability < self._thresholds.ambiguous * (best.probability + s.probability)
        ]
        ends = [(s, planned(s, asked)) for s in (best, *rivals)]
        able = [(s, end) for s, end in ends if isinstance(end, Plan)]
        if not able:
            first = ends[0][1]
            assert not isinstance(first, Plan)
            return first
        if len(able) > 1:
            options = tuple(s.recipe.title for s, _ in able)
            context = Context(slots=able[0][1].said)
            return Clarify(f"Which is meant: {'; or: '.join(options)}?", "recipe", options, context)
        plans = [able[0][1]]
        others = (s for s in ranked if s.probability >= self._thresholds.alternative and s is not able[0][0])
        more = (end for s in others if isinstance(end := planned(s, asked), Plan))
        plans += [end for end, _ in zip(more, range(CANDIDATES - 1), strict=False)]
        return Plans(tuple(plans))
