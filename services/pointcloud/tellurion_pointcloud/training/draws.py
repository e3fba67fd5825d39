"""What MMPT is shown: things of several corpora, each as two deformed clouds and a picture.

The shapes that an encoder must not tell apart are those that differ as two makes of one kind of thing do: turned,
leaning, stretched along their axes, worn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.geometry import farthest_points, grouped
from tellurion_pointcloud.mmpt.spec import Spec
from tellurion_pointcloud.mmpt.tasks import Deformed, Seen

STRETCH = 1.6
"""Greatest factor along an axis; the least is its inverse."""
LEAN = np.deg2rad(30.0)
"""Greatest angle from the vertical."""
NOISE = 0.01
"""Standard deviation of each coordinate, in radii of the cloud."""
DENSER = 2
"""Points that are drawn for each that is shown: those farthest from each other, as clouds are encoded once trained."""


@dataclass(frozen=True, eq=False)
class Draws:
    """Batches of things, each corpus as often as the others; what a batch holds depends on the generator alone."""

    corpora: Sequence[Corpus]
    chosen: Sequence[NDArray[np.intp]]
    """Of each corpus, the things that may be shown."""
    spec: Spec
    size: int
    """Things of a batch."""

    def clouds(self, random: torch.Generator) -> Deformed:
        """A batch of clouds, each deformed."""
        numbers = numpy_of(random)
        return self._patches(self._things(numbers), numbers)

    def seen(self, random: torch.Generator) -> Seen:
        """A batch of things, each seen three times."""
        numbers = numpy_of(random)
        things = self._things(numbers)
        return Seen(
            self._patches(things, numbers),
            self._patches(things, numbers),
            _pictures([_any(corpus.pictures[index], numbers) for corpus, index in things], self.spec.image_size),
        )

    def whole(self, points: int, random: torch.Generator) -> Tensor:
        """A batch of clouds [B, points, 3], each deformed."""
        numbers = numpy_of(random)
        return torch.from_numpy(self._deformed(self._things(numbers), points, numbers))

    def _things(self, numbers: np.random.Generator) -> list[tuple[Corpus, int]]:
        which = numbers.integers(len(self.corpora), size=self.size)
        return [(self.corpora[each], int(_any(self.chosen[each], numbers))) for each in which]

    def _patches(self, things: Sequence[tuple[Corpus, int]], numbers: np.random.Generator) -> Deformed:
        cut = grouped(self._deformed(things, self.spec.points, numbers), self.spec.groups, self.spec.group_size)
        return Deformed(torch.from_numpy(cut.points), torch.from_numpy(cut.centres))

    def _deformed(
        self, things: Sequence[tuple[Corpus, int]], points: int, numbers: np.random.Generator
    ) -> NDArray[np.float32]:
        return evenly([corpus.clouds[index] for corpus, index in things], points, numbers)


def evenly(clouds: Sequence[NDArray[np.float32]], points: int, numbers: np.random.Generator) -> NDArray[np.float32]:
    """[B, points, 3] of clouds [N, 3], deformed, as clouds are encoded: of those drawn, points far from each other."""
    dense = deformed(np.stack([cloud[some(len(cloud), DENSER * points, numbers)] for cloud in clouds]), numbers)
    even = farthest_points(dense, points)
    return in_unit_ball(np.take_along_axis(dense, even[..., None], 1))


def some(there: int, wanted: int, numbers: np.random.Generator) -> NDArray[np.intp]:
    """Indices of `wanted` points, repeated only where there are fewer."""
    return numbers.choice(there, wanted, replace=there < wanted)


def deformed(clouds: NDArray[np.float32], numbers: np.random.Generator) -> NDArray[np.float32]:
    """Clouds [B, N, 3] stretched, turned, leaning and worn at random, in the unit ball again; z is up."""
    batch = len(clouds)
    stretched = clouds * STRETCH ** numbers.uniform(-1, 1, (batch, 1, 3))
    turned = stretched @ _turns(numbers.uniform(0, 2 * np.pi, batch), axis=2)
    leaning = turned @ _turns(numbers.uniform(-LEAN, LEAN, batch), axis=0)
    moved = leaning @ _turns(numbers.uniform(0, 2 * np.pi, batch), axis=2)
    moved += numbers.normal(0, NOISE, moved.shape)
    return in_unit_ball(moved)


def in_unit_ball(clouds: NDArray[np.floating]) -> NDArray[np.float32]:
    """Clouds [B, N, 3] about their centroids, the farthest point of each at 1."""
    centred = clouds - clouds.mean(1, keepdims=True)
    return (centred / np.linalg.norm(centred, axis=2).max(1)[:, None, None]).astype(np.float32)


def numpy_of(random: torch.Generator) -> np.random.Generator:
    """NumPy's numbers, continuing those of torch."""
    return np.random.default_rng(torch.randint(2**31, (4,), generator=random).tolist())


def _turns(angles: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Rotations [B, 3, 3] about an axis."""
    one, other = (each for each in range(3) if each != axis)
    turns = np.tile(np.eye(3), (len(angles), 1, 1))
    turns[:, one, one] = turns[:, other, other] = np.cos(angles)
    turns[:, one, other], turns[:, other, one] = np.sin(angles), -np.sin(angles)
    return turns


def _any(things: NDArray[np.generic], numbers: np.random.Generator) -> NDArray[np.generic]:
    return things[numbers.integers(len(things))]


def _pictures(pictures: Sequence[NDArray[np.uint8]], side: int) -> Tensor:
    """[B, 3, side, side] in 0…1 of square pictures, which may differ in size."""
    return torch.cat([_resized(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None], side) for picture in pictures])


def _resized(picture: Tensor, side: int) -> Tensor:
    shares = picture.float() / 255
    if picture.shape[-1] == side:
        return shares
    return functional.interpolate(shares, (side, side), mode="bilinear", antialias=True)
