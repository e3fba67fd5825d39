"""Tiles of a scan: what they hold, how many points, and what does not change them."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from tellurion_client.clouds import Cloud, Tile, chunks, tiles
from tellurion_client.clouds.occupancy import Occupancy, areas
from tellurion_core.errors import InvalidInput

N = 20_000
RNG = np.random.default_rng(2)
OPTIONS = {"points": 1500, "kept": 1000, "least": 100}


def scan(points: np.ndarray, parts: int = 7, colours: np.ndarray | None = None) -> Callable[[], Iterable[Cloud]]:
    index = np.array_split(np.arange(len(points)), parts)
    return lambda: [Cloud(points[i], None if colours is None else colours[i]) for i in index]


def rows(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(points.T)]


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Dense around a scanner in UTM, sparse far from it, as laser scans are."""
    angle, distance = RNG.uniform(0, 2 * np.pi, N), RNG.exponential(20, N)
    return np.c_[distance * np.cos(angle), distance * np.sin(angle), RNG.normal(size=N)] + [5e5, 5e6, 100]


@pytest.fixture(scope="module")
def found(points: np.ndarray) -> list[Tile]:
    return list(tiles(scan(points), **OPTIONS))


def test_each_point_is_in_one_tile(points: np.ndarray) -> None:
    whole = list(tiles(scan(points), points=1500, kept=1500, least=100))
    assert len(whole) > N // 1500
    assert np.array_equal(rows(np.concatenate([tile.cloud.points for tile in whole])), rows(points))


def test_tiles_are_bounded(found: list[Tile]) -> None:
    assert sum(tile.count for tile in found) == N
    for tile in found:
        assert tile.of == len(found)
        assert 100 <= tile.count <= 1500
        assert len(tile.cloud) == min(tile.count, 1000)


def test_tiles_do_not_overlap_from_above(found: list[Tile]) -> None:
    boxes = [(tile.cloud.points[:, :2].min(axis=0), tile.cloud.points[:, :2].max(axis=0)) for tile in found]
    for i, (low, high) in enumerate(boxes):
        for other_low, other_high in boxes[:i]:
            assert ((low > other_high) | (high < other_low)).any()


@pytest.mark.parametrize("parts", [1, 40])
def test_the_order_of_the_points_changes_nothing(points: np.ndarray, found: list[Tile], parts: int) -> None:
    again = list(tiles(scan(RNG.permutation(points), parts), **OPTIONS))
    assert len(again) == len(found)
    for tile, other in zip(found, again, strict=True):
        assert tile.count == other.count
        assert np.array_equal(rows(tile.cloud.points), rows(other.cloud.points))


def test_little_room_changes_nothing(points: np.ndarray, found: list[Tile], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Tile.__module__], "ROOM", 3000)
    for tile, other in zip(found, tiles(scan(points), **OPTIONS), strict=True):
        assert np.array_equal(tile.cloud.points, other.cloud.points)


def test_a_sample_is_fair_and_of_its_seed() -> None:
    points = RNG.uniform(size=(N, 3))
    one, same, other = (list(tiles(scan(points), kept=5000, seed=seed)) for seed in (1, 1, 2))
    assert len(one) == 1
    assert np.array_equal(one[0].cloud.points, same[0].cloud.points)
    assert len(np.intersect1d(one[0].cloud.points[:, 0], other[0].cloud.points[:, 0])) == pytest.approx(1250, abs=150)
    # A quarter of the points: the means of 5 000 uniform numbers, within 5 standard errors.
    assert one[0].cloud.points.mean(axis=0) == pytest.approx([0.5] * 3, abs=5 * np.sqrt(1 / 12 / 5000))


def test_colours_stay_with_their_points(points: np.ndarray) -> None:
    colours = (points[:, [0]] * 100 % 256).astype(np.uint8) * np.ones((1, 3), np.uint8)
    for tile in tiles(scan(points, colours=colours), **OPTIONS):
        assert tile.cloud.colours is not None
        assert np.array_equal(tile.cloud.colours[:, 0], (tile.cloud.points[:, 0] * 100 % 256).astype(np.uint8))


@pytest.mark.parametrize("points", [np.array([[7.0, 8, 9]]), np.tile([5e5, 5e6, 1.0], (3000, 1)), np.zeros((3000, 3))])
def test_what_cannot_be_cut_is_one_tile(points: np.ndarray) -> None:
    (tile,) = tiles(scan(points, 3 if len(points) > 1 else 1), **OPTIONS)
    assert tile.count == len(points)
    assert np.array_equal(tile.cloud.points, points[:1000])


def test_points_over_each_other_are_one_tile() -> None:
    pole = np.c_[np.zeros((4000, 2)), np.arange(4000)]
    around = np.c_[RNG.uniform(1, 5, (1000, 2)), np.zeros(1000)]
    found = list(tiles(scan(np.r_[pole, around]), **OPTIONS))
    assert sorted(tile.count for tile in found) == [1000, 4000]


@pytest.mark.parametrize("size", [1e-290, 1e-9, 1.0, 1e8])
def test_a_scan_of_any_size_is_cut(size: float) -> None:
    found = list(tiles(scan(RNG.uniform(-1, 1, (N, 3)) * size), **OPTIONS))
    assert N / 1500 <= len(found) <= N / 700
    assert sum(tile.count for tile in found) == N


def test_no_points_and_other_points_are_refused(points: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="no points"):
        list(tiles(lambda: [], **OPTIONS))
    once = iter([points, points + 1000])
    with pytest.raises(InvalidInput, match="other points than before"):
        list(tiles(lambda: [Cloud(next(once))], **OPTIONS))


def test_a_file_is_cut(tmp_path: Path, points: np.ndarray, found: list[Tile]) -> None:
    np.save(tmp_path / "scan.npy", points)
    again = list(tiles(lambda: chunks(tmp_path / "scan.npy", most=N), **OPTIONS))
    assert [tile.count for tile in again] == [tile.count for tile in found]


def test_counts_are_of_cells_of_a_power_of_two(points: np.ndarray) -> None:
    ground = Occupancy()
    for part in np.array_split(points, 30):
        ground.add(part)
    side = 2.0 ** np.ceil(np.log2(np.ptp(points[:, :2], axis=0).max() / 1024))
    cell = np.floor(points[:, :2] / side).astype(int)
    cell -= cell.min(axis=0)
    expected = np.zeros(cell.max(axis=0) + 1, int)
    np.add.at(expected, tuple(cell.T), 1)
    assert np.array_equal(ground.counts, expected)


def test_a_cut_leaves_no_crumbs() -> None:
    counts = np.array([[3, 0, 500, 500, 0, 2]])
    assert areas(counts, 600, 10) == [(slice(0, 1), slice(0, 3)), (slice(0, 1), slice(3, 6))]
    assert areas(counts, 600, 600) == [(slice(0, 1), slice(0, 6))]
