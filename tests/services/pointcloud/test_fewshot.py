"""Few-shot episodes and their classifiers."""

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.downstream.fewshot import accuracies, episodes, linear, nearest_centroid

RANDOM = np.random.default_rng(0)
LABELS = np.repeat(np.arange(7), 40)
GROUPS = np.array([f"{label}-{RANDOM.integers(12)}" for label in LABELS])


def test_episodes_have_five_ways_and_five_shots_and_fifteen_queries() -> None:
    for episode in episodes(LABELS, GROUPS, count=20, seed=0):
        ways, shots = np.unique(LABELS[episode.support], return_counts=True)
        assert len(ways) == 5
        assert (shots == 5).all()
        asked, queries = np.unique(LABELS[episode.query], return_counts=True)
        assert np.array_equal(asked, ways)
        assert (queries <= 15).all()
        assert len(np.unique(episode.query)) == len(episode.query)


def test_no_query_has_a_twin_in_the_support() -> None:
    for episode in episodes(LABELS, GROUPS, count=50, seed=1):
        assert not set(GROUPS[episode.query]) & set(GROUPS[episode.support])


def test_a_group_across_classes_is_not_asked_where_it_is_known() -> None:
    groups = np.char.partition(GROUPS, "-")[:, 2]  # the same names in every class
    for episode in episodes(LABELS, groups, count=20, seed=2):
        assert not set(groups[episode.query]) & set(groups[episode.support])


def test_a_class_of_one_large_group_and_small_ones_can_be_drawn() -> None:
    labels = np.repeat(np.arange(5), 8)
    groups = np.tile(["large"] * 6 + ["one", "two"], 5) + labels.astype(str)
    for episode in episodes(labels, groups, count=20, seed=3):
        assert all(any("large" in name for name in groups[episode.support[way : way + 5]]) for way in range(0, 25, 5))
        assert set(np.unique(labels[episode.query])) == set(range(5))


def test_the_seed_alone_decides_the_episodes() -> None:
    one, same, other = (episodes(LABELS, GROUPS, count=3, seed=seed) for seed in (4, 4, 5))
    assert all(np.array_equal(a.support, b.support) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a.support, b.support) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("classify", [nearest_centroid, linear])
def test_separable_classes_are_told_right_and_noise_by_chance(classify: object) -> None:
    drawn = episodes(LABELS, GROUPS, count=40, seed=6)
    features = RANDOM.normal(size=(7, 16))[LABELS] + 0.1 * RANDOM.normal(size=(280, 16))
    assert accuracies(features, LABELS, drawn, classify).min() == 1
    chance = accuracies(RANDOM.normal(size=(280, 6)), LABELS, drawn, classify)
    assert chance.mean() == pytest.approx(0.2, abs=0.04)


def test_the_nearest_centroid_is_the_nearest_mean_in_units_of_the_support() -> None:
    support = np.array([[0, 0], [2, 0], [0, 100], [2, 100]], float)
    known = np.array([0, 0, 1, 1])
    query = np.array([[90, 40], [-90, 60]], float)
    assert nearest_centroid(support, known, query).tolist() == [0, 1]


def test_too_few_classes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="5 classes"):
        episodes(LABELS[:120], GROUPS[:120], count=1, seed=0)
    with pytest.raises(InvalidInput, match="outside of one of their groups"):
        episodes(LABELS, LABELS.astype(str), count=1, seed=0)
