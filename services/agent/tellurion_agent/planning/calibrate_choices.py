"""Fits the classifiers of choices to requests of which it is known what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from tellurion_agent.planning.choices import UNSAID, LearnedChoices, decided, features, key, shares
from tellurion_agent.planning.said import Unclear
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.slots import Kind, Slot

LOOSENESS = 30.0
"""Inverse strength of a classifier's penalty; 10 to 100 do as well."""
FEWEST = 20
"""Requests that a classifier is fitted to."""
PARTS = 5
"""A classifier's word on a request is that of one which was fitted without that fifth of the requests."""
SAYING_NOTHING = 3.0
"""Weight of requests that say nothing of a slot: people say less than those who are asked to word every choice."""
NEVER = -1e4
"""Bias of a choice that nobody meant."""


@dataclass(frozen=True, eq=False)
class Meant:
    """What a request means of a slot."""

    vector: NDArray[np.float32]
    """Of the request."""
    said: str
    """The choice that its words name."""
    choice: str
    """The one that is meant; `UNSAID` where it says nothing."""


Known: TypeAlias = tuple[Recipe, Slot, list[Meant]]
"""What is known of a slot."""


def classified(slot: Slot, examples: Sequence[Meant]) -> NDArray[np.float32]:
    """The classifier of a slot, [choices + 1, width + choices + 2]."""
    rows = np.stack([features(each.vector, each.said, slot) for each in examples])
    known = {choice: number for number, choice in enumerate((UNSAID, *slot.choices))}
    right = np.array([known[each.choice] for each in examples])
    weights = np.zeros((len(known), rows.shape[1]), np.float32)
    weights[:, -1] = NEVER
    seen = np.unique(right)
    weights[seen] = 0
    if len(seen) > 1:
        counts = np.where(right == known[UNSAID], SAYING_NOTHING, 1.0)
        found = LogisticRegression(C=LOOSENESS, max_iter=500).fit(rows[:, :-1], right, counts)
        fitted = np.column_stack([found.coef_, found.intercept_])
        weights[found.classes_[-len(fitted) :]] = fitted  # of two classes the first is at 0
    return weights


def fitted(known: Iterable[Known]) -> LearnedChoices:
    """The classifiers of slots."""
    return LearnedChoices({key(recipe, slot): classified(slot, examples) for recipe, slot, examples in known})


def cross_judged(slot: Slot, examples: Sequence[Meant]) -> dict[str, int]:
    """How many are right, wrong and asked back, by a classifier that was fitted without them; and by words alone."""
    part = np.random.default_rng(0).permutation(len(examples)) % PARTS
    tally = {"right": 0, "wrong": 0, "asked": 0, "right by words": 0}
    for number in range(PARTS):
        weights = classified(slot, [each for each, p in zip(examples, part, strict=True) if p != number])
        for each in (each for each, p in zip(examples, part, strict=True) if p == number):
            choice = decided(slot, each.said, shares(weights, each.vector, each.said, slot))
            right = (each.choice or slot.default) == choice
            tally["asked" if isinstance(choice, Unclear) else "right" if right else "wrong"] += 1
            tally["right by words"] += (each.said or slot.default) == (each.choice or slot.default)
    return tally


def by_slot(
    labelled: Iterable[tuple[Recipe, NDArray[np.float32], Mapping[str, str], Mapping[str, str]]],
) -> list[Known]:
    """Of each slot with choices, and at least `FEWEST` of them, what requests mean.

    A request is its recipe, its vector, the choices that its words name, and those that are meant.
    """
    found: dict[str, Known] = {}
    for recipe, vector, said, choices in labelled:
        for slot in (slot for slot in recipe.slots if slot.kind is Kind.CHOICE):
            _, _, examples = found.setdefault(key(recipe, slot), (recipe, slot, []))
            examples.append(Meant(vector, said.get(slot.name, UNSAID), choices.get(slot.name, UNSAID)))
    return [known for known in found.values() if len(known[2]) >= FEWEST]
