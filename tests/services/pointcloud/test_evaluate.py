"""The protocols of `evaluate`, on a small corpus of boxes, rods and plates."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from tiny_mmpt import TINY

from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_core.progress import Progress
from tellurion_pointcloud import evaluate
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.downstream.completion import Completion, CompletionSpec
from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.mmpt import Mmpt

SHAPES = {
    "cube": (1, 1, 1),
    "plate": (1, 1, 0.05),
    "rod": (0.1, 0.1, 1),
    "board": (1, 0.1, 1),
    "beam": (1, 0.1, 0.1),
}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Twelve of each shape, two and two near-duplicates, and five things without a class."""
    random = np.random.default_rng(0)
    kinds = [kind for kind in SHAPES for _ in range(12)] + [""] * 5
    number = np.arange(len(kinds)) // 2
    clouds = random.uniform(-1, 1, (len(kinds), 128, 3)) * [[SHAPES.get(kind, (1, 1, 1))] for kind in kinds]
    clouds *= 1 + 0.2 * random.normal(size=(number.max() + 1, 1, 3))[number]
    return Corpus(
        clouds=clouds.astype(np.float32),
        colours=np.zeros(clouds.shape, np.uint8),
        pictures=np.zeros((len(kinds), 1, 1, 1, 3), np.uint8),
        names=[str(index) for index in range(len(kinds))],
        groups=[f"group {each}" for each in number],
        classes=kinds,
        folds=np.where(np.array(kinds) == "", -1, number % 3),
        sizes=np.zeros((len(kinds), 3)),
        source="boxes",
    )


@pytest.fixture(scope="module")
def mmpt() -> Mmpt:
    return evaluate.untrained(TINY, 1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SAMPLINGS": 2, "EPISODES": 20, "POINTS": 64, "VIEWPOINTS": 2}.items():
        monkeypatch.setattr(evaluate, name, value)


class Told(list):
    """What a protocol says of its work."""

    def __call__(self, share: float, what: str) -> None:
        self.append((share, what))


def test_things_are_the_labelled_ones_in_the_unit_ball(corpus: Corpus) -> None:
    things = evaluate.labelled(corpus, points=64, samplings=2, seed=0)
    assert things.clouds.shape == (2, 60, 64, 3)
    np.testing.assert_allclose(np.linalg.norm(things.clouds, axis=-1).max(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(things.clouds.mean(2), 0, atol=1e-6)
    assert not np.allclose(things.clouds[0], things.clouds[1])
    assert len(np.unique(things.labels)) == 5


def test_things_are_sampled_as_the_service_samples_clouds(corpus: Corpus) -> None:
    """Few points of many are spread evenly: none is as near to another as drawn ones are."""
    things = evaluate.labelled(corpus, points=16, samplings=1, seed=0)
    apart = np.sort(np.linalg.norm(things.clouds[0, :, :, None] - things.clouds[0, :, None], axis=-1), -1)[..., 1]
    random = np.random.default_rng(0)
    drawn = np.stack([cloud[random.permutation(128)[:16]] for cloud in corpus.clouds[:60]])
    nearest = np.sort(np.linalg.norm(drawn[:, :, None] - drawn[:, None], axis=-1), -1)[..., 1]
    extent = np.linalg.norm(drawn - drawn.mean(1, keepdims=True), axis=-1).max(1)
    assert np.median(apart.min(1)) > 3 * np.median(nearest.min(1) / extent)


def test_no_points_and_no_labels_are_refused(corpus: Corpus) -> None:
    with pytest.raises(InvalidInput, match="1000 points"):
        evaluate.labelled(corpus, points=1000, samplings=1, seed=0)
    with pytest.raises(InvalidInput, match="0 labelled"):
        evaluate.labelled(replace(corpus, classes=[""] * len(corpus)), points=64, samplings=1, seed=0)


def test_shapes_are_told_by_their_extents_and_compared_with_the_encoders(corpus: Corpus, mmpt: Mmpt) -> None:
    told = Told()
    scores = evaluate.svm(corpus, mmpt, 0, told)
    assert scores.samples == 60
    assert scores.figures["descriptor"].mean > 0.95
    assert all(figure.low <= figure.mean <= figure.high for figure in scores.figures.values())
    difference = scores.figures["mmpt"].mean - scores.figures["descriptor"].mean
    assert scores.figures["mmpt_less_descriptor"].mean == pytest.approx(difference)
    assert all(before <= after for (before, _), (after, _) in pairwise(told))


def test_an_untrained_encoder_takes_the_statistics_of_clouds() -> None:
    clouds = np.random.default_rng(0).normal(size=(64, 64, 3)).astype(np.float32) / 4
    patches = torch.from_numpy(grouped(clouds, TINY.groups, TINY.group_size).points)
    first = evaluate.untrained(TINY, 1, clouds).encoder.patches.points
    features = first[0](patches).flatten(0, -2)
    assert abs(evaluate.untrained(TINY, 1).encoder.patches.points[1].mean).max() == 0
    torch.testing.assert_close(first[1].mean, features.mean(0) * (1 - 0.9**6), atol=0.02, rtol=0.05)


def test_an_untrained_encoder_is_a_function_of_its_seed(corpus: Corpus) -> None:
    clouds = evaluate.labelled(corpus, points=64, samplings=1, seed=0).clouds[:, :5]
    one, same, other = (evaluate.embeddings(evaluate.untrained(TINY, seed), clouds) for seed in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_few_shots_are_judged_by_both_classifiers(corpus: Corpus, mmpt: Mmpt, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = evaluate.fewshot(corpus, mmpt, 0, Told()).figures
    assert figures["linear_descriptor"].mean > 0.9
    assert {"centroid_mmpt", "centroid_untrained", "linear_mmpt_less_linear_descriptor"} <= set(figures)


@pytest.fixture(scope="module")
def network() -> Completion:
    torch.manual_seed(0)
    return Completion(CompletionSpec(TINY, partial=32, patch_size=4, depth=1)).eval()


def test_a_protocol_that_is_told_to_stop_does(corpus: Corpus, mmpt: Mmpt, network: Completion) -> None:
    def stopping_at(share: float) -> Progress:
        def told(done: float, what: str) -> None:
            if done >= share:
                raise Cancelled(what)

        return told

    for protocol, model in ((evaluate.svm, mmpt), (evaluate.fewshot, mmpt), (evaluate.completion, network)):
        with pytest.raises(Cancelled):
            protocol(corpus, model, 0, stopping_at(0.5 if protocol is evaluate.completion else 0.6))


def test_the_ratio_of_a_completion_is_that_of_the_errors(corpus: Corpus, network: Completion) -> None:
    figures = evaluate.completion(corpus, network, 0, Told()).figures
    assert figures["ratio"].mean == pytest.approx(figures["completed"].mean / figures["partial"].mean)
    assert figures["ratio"].low < figures["ratio"].mean < figures["ratio"].high
