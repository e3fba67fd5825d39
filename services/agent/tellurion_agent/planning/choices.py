"""Which choice of a recipe's slot a request means, as classifiers learned from requests of many people.

What the words name (`extraction.choices`) is right where a request says it in the words that a recipe has for it. A
logistic regression for each slot, of the request's vectors and of what the words name, knows other ways to say it, and
when a word is there and means something else. `calibrate_choices` fits them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from tellurion_agent.planning.said import Filling, Unclear
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.slots import Kind, Slot

FILE = "choices.safetensors"
SURE, SURE_IN_WORDS, SURE_AGAINST_WORDS, SURE_OF_DEFAULT = 0.8, 0.6, 0.9, 0.5
"""From this probability on a choice is taken: where words name none, name it too, name another; and the default.

Below it is asked which is meant. By cross-validation the first three are worth most, at the price of `calibrate`; who
names nothing is asked less, since all that a recipe computes stands in its answer.
"""
NAMED = 3.0
"""What a choice that words name weighs beside the vectors, whose length is one each."""
UNSAID = ""
"""The choice of those who say nothing of a slot."""
OPTIONS = 2
"""Choices that are named where it is asked which."""


@dataclass(frozen=True, eq=False)
class LearnedChoices:
    """The classifiers."""

    weights: Mapping[str, NDArray[np.float32]]
    """[choices + 1, width + choices + 2] by `key`: of `UNSAID` and each choice, on what `features` answers."""

    @classmethod
    def packaged(cls) -> LearnedChoices:
        """Those of the package."""
        found = load((files(__package__) / FILE).read_bytes())
        return cls({name: array.astype(np.float32) for name, array in found.items()})

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """What the package's file holds."""
        return {name: array.astype(np.float16) for name, array in self.weights.items()}

    def settled(self, recipe: Recipe, filling: Filling, vector: NDArray[np.float32]) -> Filling:
        """A filling with the choices that a request's vector [width] and words mean; unsure ones are unclear."""
        for slot in recipe.slots:
            weights = self.weights.get(key(recipe, slot))
            if slot.kind is Kind.CHOICE and weights is not None and len(weights) == len(slot.choices) + 1:
                filling = _settled(slot, filling, shares(weights, vector, named(slot, filling), slot))
        return filling


def key(recipe: Recipe, slot: Slot) -> str:
    """Name of a slot's classifier."""
    return f"{recipe.name}.{slot.name}"


def named(slot: Slot, filling: Filling) -> str:
    """What words name of a slot."""
    value = filling.said.get(slot.name)
    return value if value in slot.choices else UNSAID


def features(vector: NDArray[np.float32], said: str, slot: Slot) -> NDArray[np.float32]:
    """[width + choices + 2]: a request's vector, which choice its words name, and 1."""
    which = np.array([choice == said for choice in (UNSAID, *slot.choices)], np.float32)
    return np.concatenate([vector, NAMED * which, np.ones(1, np.float32)])


def shares(weights: NDArray[np.float32], vector: NDArray[np.float32], said: str, slot: Slot) -> dict[str | None, float]:
    """The probability of each choice, the default's with that of saying nothing; None is that there is none."""
    scores = weights @ features(vector, said, slot)
    probabilities = np.exp(scores - scores.max())
    probabilities /= probabilities.sum()
    found: dict[str | None, float] = {slot.default: float(probabilities[0])}
    for choice, probability in zip(slot.choices, probabilities[1:], strict=True):
        found[choice] = found.get(choice, 0.0) + float(probability)
    return found


def decided(slot: Slot, said: str, probabilities: Mapping[str | None, float]) -> str | Unclear | None:
    """The choice that is meant, None for none; or what is asked back."""
    ranked = sorted(probabilities, key=lambda choice: -probabilities[choice])
    best = ranked[0]
    if said:
        enough = SURE_IN_WORDS if best == said else SURE_AGAINST_WORDS
    else:
        enough = SURE_OF_DEFAULT if best == slot.default else SURE
    if probabilities[best] >= enough:
        return best
    options = tuple(choice for choice in ranked if choice is not None)[:OPTIONS]
    return Unclear(slot.name, slot.question, options)


def _settled(slot: Slot, filling: Filling, probabilities: Mapping[str | None, float]) -> Filling:
    unclear = [each for each in filling.unclear if each.name != slot.name]
    said = {name: value for name, value in filling.said.items() if name != slot.name}
    before = filling.said.get(slot.name, slot.default)
    choice = decided(slot, named(slot, filling), probabilities)
    if isinstance(choice, Unclear):
        return replace(filling, unclear=[*unclear, choice])
    if choice == before:
        return replace(filling, unclear=unclear)
    notes = {**filling.notes, slot.name: "so the request reads"}
    return replace(filling, said=said if choice is None else {**said, slot.name: choice}, notes=notes, unclear=unclear)
