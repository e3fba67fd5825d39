"""How good the encoder is for labelled things that it never saw: the protocols of `evaluate`.

Of every thing several samplings of points are judged and their answers averaged: of half of its points, drawn at random
as another scan would have others, as many are taken as the service takes of a cloud, and in the same way. Intervals are
95 %: over groups of near-duplicates, of few-shot episodes over episodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.progress import Progress
from tellurion_pointcloud.clouds import resampled
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.downstream.completion import Completion, errors
from tellurion_pointcloud.downstream.crops import even_directions
from tellurion_pointcloud.downstream.descriptor import descriptors
from tellurion_pointcloud.downstream.fewshot import Classifier, Episode, accuracies, episodes, linear, nearest_centroid
from tellurion_pointcloud.downstream.intervals import Interval, over_groups
from tellurion_pointcloud.downstream.svm import cross_validated
from tellurion_pointcloud.mmpt import Mmpt, Spec
from tellurion_pointcloud.patches import PointNorm

SAMPLINGS = 3
EPISODES = 400
VIEWPOINTS = 8
POINTS = 1024
"""Of a whole cloud that is cropped and completed."""
PASSES = 3
"""Over clouds, to find statistics of an encoder that was not trained."""
BATCH = 32
"""Clouds that are encoded at once."""
CLASSIFIERS: Mapping[str, Classifier] = {"linear": linear, "centroid": nearest_centroid}

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Things:
    """Labelled things as several samplings of their points."""

    clouds: NDArray[np.float32]
    """[S, n, N, 3] in the unit ball, z up."""
    labels: NDArray[np.int64]
    """[n]."""
    groups: NDArray[np.str_]
    """[n]."""
    folds: NDArray[np.int64]
    """[n]."""


@dataclass(frozen=True)
class Scores:
    """What a protocol found."""

    figures: Mapping[str, Interval]
    samples: int
    """Things that were judged."""


def labelled(corpus: Corpus, *, points: int, samplings: int, seed: int) -> Things:
    """The labelled things of a corpus as `points` of their points; `seed` draws those that these are taken of.

    Raises InvalidInput where none is labelled, or clouds have fewer points.
    """
    chosen = np.flatnonzero(np.array(corpus.classes) != "")
    there = corpus.clouds.shape[1]
    if not len(chosen) or there < points:
        received = f"{len(chosen)} labelled things of {there} points"
        raise InvalidInput.of("corpus", received=received, accepted=f"labelled things of {points} points at least")
    random = np.random.default_rng(seed)
    clouds = np.stack([[_sampling(corpus.clouds[index], points, random) for index in chosen] for _ in range(samplings)])
    _, labels = np.unique(np.array(corpus.classes)[chosen], return_inverse=True)
    return Things(clouds, labels, np.array(corpus.groups)[chosen], corpus.folds[chosen])


def untrained(spec: Spec, seed: int, clouds: Array | None = None) -> Mmpt:
    """An encoder as it is before training.

    Batch norms take their statistics from clouds [n, N, 3] where they are given, as those of a trained encoder have
    them from what it was shown: with those of no clouds the first layers' biases drown the patches.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        mmpt = Mmpt(spec).eval()
    if clouds is not None:
        for module in mmpt.modules():
            module.train(isinstance(module, PointNorm))
        for _ in range(PASSES):  # a tenth of a batch's statistics is taken over at a time
            embeddings(mmpt, clouds[None])
    return mmpt.eval()


def embeddings(mmpt: Mmpt, clouds: Array, done: Callable[[], None] = lambda: None) -> Array:
    """[S, n, D] of clouds [S, n, N, 3]; `done` is called after each batch, and may raise."""
    found = []
    for batch in torch.from_numpy(clouds).flatten(0, 1).split(BATCH):
        found.append(mmpt.encode(batch).embedding)
        done()
    return torch.cat(found).numpy().reshape(*clouds.shape[:2], -1)


def described(clouds: Array) -> Array:
    """[S, n, D] the descriptors made by hand of clouds [S, n, N, 3]."""
    return np.stack([descriptors(sampling) for sampling in clouds])


def told_by_svm(features: Array, things: Things) -> Array:
    """[n] share of the samplings of features [S, n, D] in which each thing is told right; see `downstream.svm`."""
    return np.mean([cross_validated(sampling, things.labels, things.folds) for sampling in features], axis=0)


def told_by_few(features: Array, things: Things, drawn: Sequence[Episode], classify: Classifier) -> Array:
    """[episodes] accuracy, the mean over the samplings of features [S, n, D]."""
    return np.mean([accuracies(sampling, things.labels, drawn, classify) for sampling in features], axis=0)


def svm(corpus: Corpus, mmpt: Mmpt, seed: int, told: Progress) -> Scores:
    """The frozen linear support vector machine, of MMPT, its untrained encoder and the descriptor made by hand."""
    things = labelled(corpus, points=mmpt.spec.points, samplings=SAMPLINGS, seed=seed)
    of: dict[str, Array] = {}
    for name, features in _features(things, mmpt, seed, told).items():
        of[name] = told_by_svm(features, things)
        told(0.5 + len(of) / 6, f"learned classes by {name}")
    return Scores(_compared(of, things.groups), len(things.labels))


def fewshot(corpus: Corpus, mmpt: Mmpt, seed: int, told: Progress) -> Scores:
    """Five ways and five shots, of the same three, by each of `CLASSIFIERS`."""
    things = labelled(corpus, points=mmpt.spec.points, samplings=SAMPLINGS, seed=seed)
    drawn = episodes(things.labels, things.groups, count=EPISODES, seed=seed)
    features = _features(things, mmpt, seed, told)
    figures: dict[str, Interval] = {}
    for number, (way, classify) in enumerate(CLASSIFIERS.items(), 1):
        of = {f"{way}_{name}": told_by_few(each, things, drawn, classify) for name, each in features.items()}
        figures |= _compared(of, np.arange(EPISODES))
        told(0.5 + number / (2 * len(CLASSIFIERS)), f"learned classes, {way}")
    return Scores(figures, len(things.labels))


def completion(corpus: Corpus, network: Completion, seed: int, told: Progress) -> Scores:
    """Chamfer-L2 of clouds of which one viewpoint's half is left, of the same made whole, and their ratio."""
    things = labelled(corpus, points=POINTS, samplings=1, seed=seed)
    clouds, found = torch.from_numpy(things.clouds[0]), []
    for view, direction in enumerate(even_directions(VIEWPOINTS).split(1)):
        told(view / VIEWPOINTS, f"completing {len(clouds)} clouds, viewpoint {view + 1} of {VIEWPOINTS}")
        found.append(errors(network, clouds, direction))
    partial = torch.cat([each.partial for each in found], 1).mean(1).numpy()
    completed = torch.cat([each.completed for each in found], 1).mean(1).numpy()
    figures = {
        "partial": over_groups(partial, things.groups),
        "completed": over_groups(completed, things.groups),
        "ratio": over_groups(completed, things.groups, per=partial),
    }
    return Scores(figures, len(things.labels))


def _sampling(cloud: NDArray[np.float32], points: int, random: np.random.Generator) -> NDArray[np.float32]:
    """[points, 3] in the unit ball of a cloud [N, 3]."""
    scan = cloud[random.choice(len(cloud), max(points, len(cloud) // 2), replace=False)]
    return resampled(scan, points)[1].points


def _features(things: Things, mmpt: Mmpt, seed: int, told: Progress) -> dict[str, Array]:
    """Of what is compared; MMPT first."""
    trained, bare = f"encoding {len(things.labels)} clouds, {SAMPLINGS} samplings of each", "the same, untrained"
    found = {"mmpt": embeddings(mmpt, things.clouds, partial(told, 0.0, trained))}
    found["untrained"] = embeddings(
        untrained(mmpt.spec, seed, things.clouds[0]), things.clouds, partial(told, 0.2, bare)
    )
    told(0.4, "describing them by hand")
    found["descriptor"] = described(things.clouds)
    told(0.5, "learning their classes")
    return found


def _compared(of: Mapping[str, Array], groups: NDArray[Any]) -> dict[str, Interval]:
    """Each accuracy, and the paired difference of the first from each of the others."""
    first, *others = of
    figures = {name: over_groups(right, groups) for name, right in of.items()}
    return figures | {f"{first}_less_{name}": over_groups(of[first] - of[name], groups) for name in others}
