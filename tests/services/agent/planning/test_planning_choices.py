"""How a choice that words name and what a classifier learned become the choice of a slot."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_agent.planning.calibrate_choices import Meant, classified, cross_judged
from tellurion_agent.planning.choices import UNSAID, LearnedChoices, decided, features, key, shares
from tellurion_agent.planning.embedding import WIDTH
from tellurion_agent.planning.said import Filling, Unclear
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.slots import Kind, Slot

WIDE = 2 * WIDTH
SLOT = Slot("statistic", Kind.CHOICE, "Which statistic?", default="mean", choices=("mean", "maximum", "minimum"))
ASKED = Slot("method", Kind.CHOICE, "Which method?", required=True, choices=("linear", "robust"))


def vector(number: int) -> np.ndarray:
    return np.eye(WIDE, dtype=np.float32)[number]


def known(slot: Slot, choices: tuple[str, ...], said: str = UNSAID) -> list[Meant]:
    """Requests whose vectors are about the axis of what they mean."""
    random = np.random.default_rng(0)
    return [
        Meant(vector(number) + random.normal(0, 0.01, WIDE).astype(np.float32), said, choice)
        for _ in range(10)
        for number, choice in enumerate(choices)
    ]


@pytest.mark.parametrize(
    ("said", "probabilities", "choice"),
    [
        (UNSAID, {"mean": 0.75, "maximum": 0.2, "minimum": 0.05}, "mean"),
        (UNSAID, {"mean": 0.45, "maximum": 0.55, "minimum": 0.0}, None),
        (UNSAID, {"mean": 0.2, "maximum": 0.75, "minimum": 0.05}, None),
        (UNSAID, {"mean": 0.1, "maximum": 0.85, "minimum": 0.05}, "maximum"),
        ("maximum", {"mean": 0.3, "maximum": 0.65, "minimum": 0.05}, "maximum"),
        ("maximum", {"mean": 0.15, "maximum": 0.0, "minimum": 0.85}, None),
        ("maximum", {"mean": 0.95, "maximum": 0.05, "minimum": 0.0}, "mean"),
    ],
)
def test_words_and_what_was_learned_agree_or_one_of_them_is_sure_or_it_is_asked(
    said: str, probabilities: dict[str | None, float], choice: str | None
) -> None:
    found = decided(SLOT, said, probabilities)
    assert (None if isinstance(found, Unclear) else found) == choice


def test_it_is_asked_between_the_likeliest() -> None:
    assert decided(SLOT, UNSAID, {"mean": 0.3, "maximum": 0.5, "minimum": 0.2}) == Unclear(
        "statistic", "Which statistic?", ("maximum", "mean")
    )
    assert decided(ASKED, UNSAID, {None: 0.3, "linear": 0.6, "robust": 0.1}) == Unclear(
        "method", "Which method?", ("linear", "robust")
    )


@pytest.mark.parametrize("choices", [(UNSAID, "maximum", "minimum"), (UNSAID, "maximum"), ("minimum",)])
def test_a_classifier_finds_what_requests_mean(choices: tuple[str, ...]) -> None:
    weights = classified(SLOT, known(SLOT, choices))
    for number, choice in enumerate(choices):
        found = shares(weights, vector(number), UNSAID, SLOT)
        assert max(found, key=found.__getitem__) == (choice or "mean")
        assert sum(found.values()) == pytest.approx(1)
        assert all(found[other] < 1e-6 for other in SLOT.choices[1:] if other not in choices)


def test_words_count_where_the_vectors_say_nothing() -> None:
    examples = [Meant(vector(0), said, said) for said in (UNSAID, "maximum", "minimum") for _ in range(10)]
    weights = classified(SLOT, examples)
    for said in ("maximum", "minimum"):
        found = shares(weights, vector(0), said, SLOT)
        assert max(found, key=found.__getitem__) == said
    assert features(vector(0), "minimum", SLOT)[WIDE:].tolist() == [0, 0, 0, 3, 1]


def test_requests_are_judged_by_what_was_learned_of_others() -> None:
    separable = known(SLOT, (UNSAID, "maximum", "minimum"))
    assert cross_judged(SLOT, separable) == {"right": 30, "wrong": 0, "asked": 0, "right by words": 10}
    random = np.random.default_rng(1)
    noise = [Meant(each.vector, UNSAID, str(random.choice(SLOT.choices))) for each in separable]
    assert cross_judged(SLOT, noise)["right"] < 25


def test_a_filling_is_settled() -> None:
    recipe = next(r for r in RECIPES.values() if any(s.kind is Kind.CHOICE and s.default for s in r.slots))
    slot = next(s for s in recipe.slots if s.kind is Kind.CHOICE and s.default)
    other = next(choice for choice in slot.choices if choice != slot.default)
    learned = LearnedChoices({key(recipe, slot): classified(slot, known(slot, (UNSAID, other)))})
    unclear = Filling(unclear=[Unclear(slot.name, "Which?"), Unclear("region", "Where?")])
    assert learned.settled(recipe, unclear, vector(0)).unclear == [Unclear("region", "Where?")]
    read = learned.settled(recipe, Filling(), vector(1))
    assert read.said == {slot.name: other}
    assert set(read.notes) == {slot.name}
    assert learned.settled(recipe, Filling(said={slot.name: other}), vector(1)).notes == {}
    nothing = LearnedChoices({name: np.zeros_like(weights) for name, weights in learned.weights.items()})
    asked = nothing.settled(recipe, Filling(said={slot.name: other}), vector(0))
    assert [each.name for each in asked.unclear] == [slot.name]


def test_the_packaged_classifiers_are_of_what_there_is() -> None:
    slots: dict[str, tuple[Recipe, Slot]] = {key(r, s): (r, s) for r in RECIPES.values() for s in r.slots}
    packaged = LearnedChoices.packaged()
    assert len(packaged.weights) > 40
    for name, weights in packaged.weights.items():
        _, slot = slots[name]
        assert weights.shape == (len(slot.choices) + 1, WIDE + len(slot.choices) + 2), f"fit {name} again"
