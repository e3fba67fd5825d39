"""An analysis of the atmosphere by each kind of method, on a small grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse

from tellurion_assimilation.analysis import Analysis, Case, analyse
from tellurion_assimilation.autoencoder import fit
from tellurion_assimilation.background_errors import ZonalErrors, estimate
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.prior import Climate, Prior, channels
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_diffusion import DiT, DiTSpec
from tellurion_geo import SigmaGrid, sigma_operator

LAYOUT = Layout(5, 2)
GRID = SigmaGrid(LAYOUT.sigma, LAYOUT.latitude, LAYOUT.longitude)


@pytest.fixture(scope="module")
def errors() -> ZonalErrors:
    """A covariance of small background errors, from random samples."""
    samples = np.random.default_rng(0).normal(size=(40, *LAYOUT.shape))
    return estimate(samples, LAYOUT, half_width=60.0, count=12)


@pytest.fixture(scope="module")
def untrained() -> Prior:
    """A prior that has learned nothing, of the same errors."""
    c, y, x = LAYOUT.shape
    samples = torch.from_numpy(np.random.default_rng(0).normal(size=(40, c, y, x))).float()
    area, mirror = (torch.from_numpy(each).float() for each in (LAYOUT.area, LAYOUT.mirror))
    fitted = fit([samples], torch.ones(c), area, mirror=mirror, rows=y, columns=x)
    count, static = channels(fitted)
    network = DiT(DiTSpec(channels=count, static=static, width=8, depth=1, heads=2)).eval()
    return Prior(network, fitted, Climate(torch.zeros(c, y), torch.ones(c, y)))


def case(count: int = 5, *, ensemble: np.ndarray | None = None) -> Case:
    """A background of 280 and so many observations around it."""
    rng = np.random.default_rng(3)
    places = {"latitude": rng.uniform(-80, 80, count), "longitude": rng.uniform(0, 360, count)}
    kinds = {"variable": rng.integers(0, 4, count).astype(np.uint8), "sigma": rng.uniform(0.3, 0.7, count)}
    h = sigma_operator(GRID, "interpolation", **places, **kinds)
    values, stated = 280 + rng.normal(size=count), rng.uniform(0.5, 1.0, count)
    observations = Observations(values, stated, h, np.stack([*places.values()], axis=1))
    return Case.of(GRID, np.full(LAYOUT.shape, 280.0), ensemble, observations)


def analysed(method: str, of: Case, *, members: int = 6, seed: int = 1, **more: Any) -> Analysis:
    usual: dict[str, Any] = {"options": {}, "cancelled": lambda: False, "progress": lambda fraction, message: None}
    return analyse(method, of, members=members, seed=seed, **usual | more)


def test_3dvar_is_the_kalman_filter_with_that_covariance(errors: ZonalErrors) -> None:
    given = case()
    root = errors.root(np.eye(errors.control_size))
    b, h = root.T @ root, given.observations.operator.toarray()
    gain = b @ h.T @ np.linalg.inv(h @ b @ h.T + np.diag(given.observations.errors**2))
    expected = given.background + gain @ (given.observations.values - h @ given.background)
    np.testing.assert_allclose(analysed("3dvar", given, errors=errors).mean, expected, atol=1e-8)


def test_members_of_3dvar_have_the_analysis_error(errors: ZonalErrors) -> None:
    given = case()
    root = errors.root(np.eye(errors.control_size))
    b, h = root.T @ root, given.observations.operator.toarray()
    gain = b @ h.T @ np.linalg.inv(h @ b @ h.T + np.diag(given.observations.errors**2))
    expected = np.trace(b - gain @ h @ b)
    found = (analysed("3dvar", given, members=400, errors=errors).std ** 2).sum()
    assert found == pytest.approx(expected, rel=0.05)  # the mean of hundreds of modes, each to 7 %


def test_an_ensemble_is_drawn_where_there_is_none(errors: ZonalErrors) -> None:
    given = case(0)
    drawn = analysed("etkf", given, members=50, errors=errors)
    np.testing.assert_allclose(drawn.mean, given.background, rtol=1e-12)
    root = errors.root(np.eye(errors.control_size))
    assert (drawn.std**2).sum() == pytest.approx((root**2).sum(), rel=0.1)


def test_without_observations_3dvar_is_the_background(errors: ZonalErrors) -> None:
    given = case(0)
    np.testing.assert_array_equal(analysed("3dvar", given, errors=errors).mean, given.background)


def test_observations_draw_a_drawn_ensemble_to_them(errors: ZonalErrors) -> None:
    given = case()
    after = analysed("letkf", given, members=30, errors=errors, options={"localization": 2000.0})
    before = given.observations.values - given.observations.of(given.background)
    left = given.observations.values - given.observations.of(after.mean)
    assert np.linalg.norm(left / given.observations.errors) < np.linalg.norm(before / given.observations.errors)


def test_another_grid_than_that_of_the_errors_is_refused(errors: ZonalErrors) -> None:
    grid = SigmaGrid(LAYOUT.sigma, LAYOUT.latitude + 0.5, LAYOUT.longitude)
    given = Case(grid, case().background, None, case().observations)
    with pytest.raises(InvalidInput, match="grid: received 2 levels on 8 × 16 cells, elsewhere") as refused:
        analysed("3dvar", given, errors=errors)
    assert "T5" in refused.value.violations[0].accepted


def test_what_is_cancelled_stops(errors: ZonalErrors) -> None:
    with pytest.raises(Cancelled):
        analysed("3dvar", case(), errors=errors, cancelled=lambda: True)


def test_a_method_that_needs_an_ensemble_says_so() -> None:
    with pytest.raises(InvalidInput, match="ensemble: received nothing"):
        analysed("etkf", case())


OPTIONS: dict[str, dict[str, Any]] = {"letkf": {"localization": 2000.0}}
CLASSICAL = ("3dvar", "etkf", "enkf", "denkf", "enkf_n", "letkf")


def seen_as(count: int, **changed: float) -> Case:
    """The usual case, the first observation's value or error changed."""
    given = case(count)
    columns = {name: getattr(given.observations, name).copy() for name in ("values", "errors")}
    for name, value in changed.items():
        columns[name][0] = value
    positions, operator = given.observations.positions, given.observations.operator
    return Case(GRID, given.background, None, Observations(**columns, operator=operator, positions=positions))


@pytest.mark.parametrize("method", CLASSICAL)
@pytest.mark.parametrize(
    "changed", [{"values": 1e45}, {"values": 1e150}, {"values": 1e160}, {"values": 1e300}, {"errors": 1e-160}], ids=str
)
def test_observations_of_which_no_analysis_is_finite_are_refused(
    errors: ZonalErrors, method: str, changed: dict[str, float]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        analysed(method, seen_as(5, **changed), errors=errors, options=OPTIONS.get(method, {}))
    (violation,) = refused.value.violations
    assert violation.field in ("observations", "observations.errors")
    assert violation.accepted


@pytest.mark.parametrize("method", ["dps", "repaint"])
def test_a_learned_analysis_that_is_not_finite_is_refused(untrained: Prior, method: str) -> None:
    with pytest.raises(InvalidInput, match=r"observations: received values up to 1e\+39 with errors from 0\.\d+ on"):
        analysed(method, seen_as(5, values=1e39), prior=untrained, options={"steps": 2})
    assert np.isfinite(analysed(method, case(), prior=untrained, options={"steps": 2}).members).all()


def test_observations_too_accurate_for_a_learned_analysis_are_refused(untrained: Prior) -> None:
    with pytest.raises(InvalidInput, match=r"observations\.errors: received errors from 1e-200 on"):
        analysed("dps", seen_as(5, errors=1e-200), prior=untrained, options={"steps": 2})


def test_an_ensemble_without_spread_is_refused() -> None:
    same = np.full((5, *LAYOUT.shape), 280.0, np.float32)
    with pytest.raises(InvalidInput, match="ensemble: received 5 times the same state"):
        Case.of(GRID, None, same, case().observations)


def test_an_ensemble_without_members_is_refused() -> None:
    with pytest.raises(InvalidInput, match="members: received 0"):
        Case.of(GRID, None, np.zeros((0, *LAYOUT.shape), np.float32), case().observations)


def test_members_that_memory_does_not_hold_as_they_are_observed_are_refused() -> None:
    many, grid = 1_000_000, SigmaGrid([0.5], [-45.0, 45.0], [0.0, 180.0])
    h = sparse.csr_array((np.ones(many), np.zeros(many, np.int64), np.arange(many + 1)), shape=(many, 16))
    observations = Observations(np.zeros(many), np.ones(many), h)
    with pytest.raises(InvalidInput, match=r"members: received 200, that take 7\.4\d GiB; accepted: at most 4 GiB"):
        Case.of(grid, None, np.zeros((200, *grid.shape), np.float32), observations)
    with pytest.raises(InvalidInput, match=r"members: received 200, that take 7\.4\d GiB"):
        analysed("etkf", Case(grid, np.zeros(16), None, observations), members=200)
