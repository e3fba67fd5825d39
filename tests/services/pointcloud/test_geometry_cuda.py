"""What torch computes on a GPU is what the kernels compute, to the last bit; the same code runs here on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud import geometry
from tellurion_pointcloud.geometry import cuda
from tellurion_pointcloud.geometry.distances import chamfer_l1, chamfer_l2

RNG = np.random.default_rng(0)
CLOUDS: dict[str, NDArray[np.float32]] = {
    "normal": RNG.normal(size=(4, 300, 3)).astype(np.float32),
    "far from the origin": (RNG.normal(size=(4, 300, 3)) + 1000).astype(np.float32),
    "a grid": RNG.integers(0, 4, (4, 300, 3)).astype(np.float32),
    "all equal": np.ones((2, 40, 3), np.float32),
    "one point": np.zeros((2, 1, 3), np.float32),
}
EACH = pytest.mark.parametrize("name", CLOUDS)


def compare(name: str, device: str) -> None:
    """Every function; of points at the same place either may be named."""
    clouds = CLOUDS[name]
    moved = torch.from_numpy(clouds).to(device)
    count, cloud = min(32, clouds.shape[1]), np.arange(len(clouds))[:, None]

    index = geometry.farthest_points(clouds, count)
    same(clouds[cloud, index], clouds[cloud, back(cuda.farthest_points(moved, count))])
    queries = clouds[cloud, index] + np.float32(0.25)
    asked, cloud = torch.from_numpy(queries).to(device), cloud[..., None]
    index = geometry.neighbours(queries, clouds, count)
    same(clouds[cloud, index], clouds[cloud, back(cuda.neighbours(asked, moved, count))])
    index, found = geometry.within(queries, clouds, 0.75, count)
    index_there, found_there = map(back, cuda.within(asked, moved, 0.75, count))
    same(clouds[cloud, index], clouds[cloud, index_there])
    same(found, found_there)

    patches, patches_there = geometry.grouped(clouds, count, count), cuda.grouped(moved, count, count)
    same(patches.centres, back(patches_there[0]))
    same(patches.points, back(patches_there[1]))
    squared, index = geometry.nearest(queries[0], clouds[0])
    squared_there, index_there = map(back, cuda.nearest(asked[0], moved[0]))
    same(squared, squared_there)
    same(clouds[0, index], clouds[0, index_there])
    voxels, voxels_there = geometry.voxels(clouds[0], 0.3), geometry.Voxels(*map(back, cuda.voxels(moved[0], 0.3)))
    same(voxels.index, voxels_there.index)
    same(voxels.counts, voxels_there.counts)
    np.testing.assert_allclose(voxels.means, voxels_there.means, rtol=1e-6)


same = np.testing.assert_array_equal


def back(tensor: torch.Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy()


@EACH
def test_the_code_for_a_gpu_agrees_with_the_kernels(name: str) -> None:
    compare(name, "cpu")


def test_no_more_distances_than_fit_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "PAIRS", 1000)
    compare("normal", "cpu")


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: cuda.farthest_points(torch.zeros(2, 0, 3), 1), "clouds"),
        (lambda: cuda.farthest_points(torch.zeros(2, 5, 3), 6), "count"),
        (lambda: cuda.neighbours(torch.zeros(2, 5, 3), torch.full((2, 5, 3), torch.nan), 1), "clouds"),
        (lambda: cuda.neighbours(torch.zeros(1, 5, 3), torch.zeros(2, 5, 3), 1), "queries"),
        (lambda: cuda.nearest(torch.zeros(5, 3), torch.full((5, 3), 1e30)), "points"),
        (lambda: cuda.voxels(torch.eye(3), 1e-30), "size"),
    ],
)
def test_what_it_cannot_use_is_named(call: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        call()
    assert [violation.field for violation in error.value.violations] == [field]


@pytest.mark.cuda
@EACH
def test_a_gpu_agrees_with_the_kernels(name: str) -> None:
    compare(name, "cuda")


@pytest.mark.cuda
def test_a_tensor_on_a_gpu_is_answered_there() -> None:
    clouds = torch.from_numpy(CLOUDS["normal"]).cuda()
    patches = geometry.grouped(clouds, 8, 16)
    assert all(part.is_cuda for part in patches)
    assert geometry.farthest_points(clouds, 8).is_cuda
    for distance in (chamfer_l1, chamfer_l2):
        torch.testing.assert_close(distance(clouds, clouds + 0.5).cpu(), distance(clouds.cpu(), clouds.cpu() + 0.5))
