import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tellurion_assimilation import localization
from tellurion_assimilation.localization import EARTH_RADIUS, HALF_WIDTH, Circle, Domain, Sphere, gaspari_cohn
from tellurion_core.errors import InvalidInput

SEEDS = st.integers(0, 2**32 - 1)


def tapers(domain: Domain, positions: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """[M, p], zero where an observation is not seen; each grid point comes once, in order."""
    dense = np.zeros((domain.points, len(positions)))
    done = 0
    for near in domain.near(positions, radius):
        assert near.first == done
        rows = np.repeat(np.arange(len(near.starts) - 1), np.diff(near.starts))
        np.add.at(dense, (done + rows, near.observations), near.tapers)
        done += len(near.starts) - 1
    assert done == domain.points
    return dense


def great_circle(lat: NDArray[np.float64], lon: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kilometres [M, p] by Vincenty's formula for a sphere, accurate at all distances."""
    a, b = np.radians(lat)[:, None], np.radians(at[:, 0])
    turn = np.radians(at[:, 1] - lon[:, None])
    across = np.hypot(np.cos(b) * np.sin(turn), np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(turn))
    return EARTH_RADIUS * np.arctan2(across, np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(turn))


def test_the_taper_has_the_values_of_the_paper():
    np.testing.assert_allclose(gaspari_cohn([0.0, 1.0, 2.0, 3.0, np.inf]), [1, 5 / 24, 0, 0, 0], atol=1e-15)


def test_the_two_pieces_of_the_taper_meet():
    below, above = gaspari_cohn(np.array([1 - 1e-9, 1 + 1e-9]))
    assert below - above == pytest.approx(0, abs=1e-8)


def test_the_taper_is_the_convolution_of_a_cone_with_itself_in_three_dimensions():
    r = np.linspace(0, 1, 4001)
    cone = 1 - r
    mass = np.concatenate([[0], np.cumsum((cone * r)[1:] + (cone * r)[:-1]) * (r[1] - r[0]) / 2])  # ∫ h(s) s ds
    for z in (0.3, 0.8, 1.0, 1.4, 1.9):
        shell = np.interp(z + r, r, mass) - np.interp(abs(z - r), r, mass)
        convolution = 2 * np.pi / z * np.trapezoid(cone * r * shell, r)
        assert gaspari_cohn(z) == pytest.approx(convolution / (4 * np.pi / 30), abs=1e-6)  # ∫ h² over space is 4π/30


def test_at_the_radius_an_observation_counts_for_about_the_root_of_one_over_e():
    assert tapers(Circle(40), np.array([[6.0]]), radius=6)[0, 0] == pytest.approx(np.exp(-0.5), abs=0.03)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 50), st.integers(1, 30), st.floats(0.05, 40) | st.just(np.inf))
def test_on_a_circle_the_shorter_way_round_counts(seed, points, count, radius):
    x = np.random.default_rng(seed).uniform(0, points, (count, 1))
    apart = abs(np.arange(points)[:, None] - x[:, 0])
    expected = gaspari_cohn(np.minimum(apart, points - apart) / (HALF_WIDTH * radius))
    np.testing.assert_allclose(tapers(Circle(points), x, radius), expected, atol=1e-12)


def test_the_end_of_a_circle_is_its_beginning():
    np.testing.assert_array_equal(
        tapers(Circle(8), np.array([[8.0]]), radius=2), tapers(Circle(8), np.array([[0.0]]), radius=2)
    )


def on_the_sphere(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Latitude and longitude [count + 5, 2]: anywhere, at the poles and on both sides of the date line."""
    anywhere = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, count))), rng.uniform(-180, 360, count)], axis=1)
    return np.concatenate([anywhere, [[90, 10], [-90, 0], [0.5, 180], [0.5, -180], [-0.5, 179.9]]])


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(0, 60), st.floats(50, 20_000) | st.just(np.inf))
def test_on_the_sphere_distances_are_those_along_great_circles(seed, count, radius):
    rng = np.random.default_rng(seed)
    grid, at = on_the_sphere(rng, count), on_the_sphere(rng, count)
    expected = gaspari_cohn(great_circle(*grid.T, at) / (HALF_WIDTH * radius))
    np.testing.assert_allclose(tapers(Sphere(*grid.T), at, radius), expected, atol=1e-9)


def test_an_infinite_radius_reaches_the_antipode_of_every_point():
    grid = on_the_sphere(np.random.default_rng(0), 300)
    antipodes = np.stack([-grid[:, 0], (grid[:, 1] + 180) % 360], axis=1)
    assert np.all(tapers(Sphere(*grid.T), antipodes, np.inf) == 1)


@pytest.mark.parametrize("radius", [150.0, 3000.0, np.inf])
def test_only_so_many_pairs_are_held_at_once(monkeypatch, radius):
    rng = np.random.default_rng(0)
    grid, at = on_the_sphere(rng, 200), on_the_sphere(rng, 50)
    whole = tapers(Sphere(*grid.T), at, radius)
    monkeypatch.setattr(localization, "TILE", 64)
    monkeypatch.setattr(localization, "PAIRS", 60)
    pieces = list(Sphere(*grid.T).near(at, radius))
    assert max(len(piece.tapers) for piece in pieces) <= 60
    assert len(pieces) > 205 / 64
    np.testing.assert_array_equal(tapers(Sphere(*grid.T), at, radius), whole)


@pytest.mark.parametrize(
    ("domain", "positions", "field"),
    [
        (Circle(10), None, "observations.positions"),
        (Circle(10), np.zeros((3, 2)), "observations.positions"),
        (Circle(10), np.array([[3.0], [-0.1]]), "coordinate of observations.positions[1]"),
        (Circle(10), np.array([[10.5]]), "coordinate of observations.positions[0]"),
        (Sphere(np.zeros(1), np.zeros(1)), np.zeros((3, 1)), "observations.positions"),
        (Sphere(np.zeros(1), np.zeros(1)), np.array([[91.0, 0.0]]), "latitude of observations.positions[0]"),
        (Sphere(np.zeros(1), np.zeros(1)), np.array([[0.0, 361.0]]), "longitude of observations.positions[0]"),
        (Sphere(np.zeros(1), np.zeros(1)), np.array([[0.0, np.nan]]), "longitude of observations.positions[0]"),
    ],
)
def test_positions_must_lie_in_the_domain(domain, positions, field):
    with pytest.raises(InvalidInput) as refusal:
        list(domain.near(positions, 1.0))
    assert refusal.value.violations[0].field == field


@pytest.mark.parametrize(
    ("latitude", "longitude", "field"),
    [
        ([0.0, 1.0], [0.0], "latitude, longitude"),
        ([], [], "latitude, longitude"),
        ([0.0, -90.5], [0.0, 0.0], "latitude[1]"),
        ([0.0], [np.inf], "longitude[0]"),
    ],
)
def test_a_sphere_has_a_latitude_and_a_longitude_for_each_grid_point(latitude, longitude, field):
    with pytest.raises(InvalidInput) as refusal:
        Sphere(np.array(latitude), np.array(longitude))
    assert refusal.value.violations[0].field == field


def test_a_circle_has_points():
    with pytest.raises(InvalidInput):
        Circle(0)
