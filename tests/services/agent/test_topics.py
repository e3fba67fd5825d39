"""EarthLink's public topics: some of each level, asked of the generated world; `make acceptance` asks all 36."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from asked_plainly import Asking

from tellurion_agent.planning.planner import Planner

SEED = 1


@pytest.fixture(scope="module")
def topics(examining: ModuleType) -> dict[str, Any]:
    return {topic.name: topic for topic in examining.topics(examining.World(SEED))}


@pytest.fixture(scope="module")
def ask(examining: ModuleType, offline: Planner, tmp_path_factory: pytest.TempPathFactory) -> Asking:
    folder = tmp_path_factory.mktemp("world")
    examining.World(SEED).write(folder)
    return Asking(folder, tmp_path_factory.mktemp("asked"), planner=offline)


@pytest.mark.parametrize(
    ("name", "level", "recipe"),
    [
        pytest.param("seasonal cycle: sea ice", 1, "sea_ice_comparison", marks=pytest.mark.slow),
        pytest.param("observations: cloud radiative effect", 1, "cloud_effect_comparison", marks=pytest.mark.slow),
        ("projection: precipitation", 2, "scenario_ensemble"),
        pytest.param("AMOC", 3, "overturning", marks=pytest.mark.slow),
        pytest.param("constrained projection", 4, "emergent_constraint", marks=pytest.mark.slow),
    ],
)
def test_a_topic_is_answered_rightly(
    examining: ModuleType, ask: Asking, topics: dict[str, Any], name: str, level: int, recipe: str
) -> None:
    topic = topics[name]
    asked = ask(topic.request.text)
    assert (topic.level, asked.recipe) == (level, recipe)
    verdict = examining.grade(asked.document, topic.request)
    assert verdict.grade == "right", verdict.reason
