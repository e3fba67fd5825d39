"""Annealed posterior sampling against the Kalman filter's analysis, which is exact for Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from tellurion_core.errors import Cancelled
from tellurion_diffusion import anneal, edm, noise, signal

CELLS, OBSERVED = 16, (1, 4, 5, 12)
R = 0.05
"""Variance of the observations' errors."""
Y = torch.tensor([1.0, -0.5, 0.3, 2.0], dtype=torch.float64)


def matern(scale: float) -> Tensor:
    """Matérn-3/2 covariance of cells on a ring, float64."""
    angle = 2 * torch.pi * torch.arange(CELLS, dtype=torch.float64) / CELLS
    chord = 2 * torch.sin((angle[:, None] - angle).abs() / 2)
    return (1 + 3**0.5 * chord / scale) * torch.exp(-(3**0.5) * chord / scale)


AMPLITUDE = 1 + 0.6 * torch.cos(torch.arange(CELLS, dtype=torch.float64) / 2.5)
H = torch.eye(CELLS, dtype=torch.float64)[list(OBSERVED)]


@dataclass(frozen=True, eq=False)
class Problem:
    """Cells z ~ N(0, data), observed as o = H z + e; the state (z, o) is diffused with the prior's covariance."""

    prior: Tensor
    data: Tensor

    def joint(self, covariance: Tensor) -> Tensor:
        """Of (z, o)."""
        top = torch.cat([covariance, covariance @ H.T], dim=1)
        return torch.cat([top, torch.cat([H @ covariance, H @ covariance @ H.T + R * torch.eye(len(Y))], dim=1)])

    def denoise(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The exact E[(z, o) | x]: errors have the noise's own covariance, cells that of the data."""
        s, n = signal(sigma), noise(sigma)
        z, o = x[:, :CELLS], x[:, CELLS:]
        clean = z @ torch.linalg.solve(s**2 * self.data + n**2 * self.prior, s * self.data)
        return torch.cat([clean, clean @ H.T + s * (o - z @ H.T)], dim=1)

    def condition(self, draw: Tensor, y: Tensor = Y) -> Tensor:
        """Matheron's update with the Gaussian N(0, prior)."""
        joint = self.joint(self.prior)
        gain = joint[:, CELLS:] @ torch.linalg.inv(joint[CELLS:, CELLS:])
        return draw + (y - draw[:, CELLS:]) @ gain.T

    def kalman(self) -> tuple[Tensor, Tensor]:
        """Mean and covariance of the cells given y."""
        gain = self.data @ H.T @ torch.linalg.inv(H @ self.data @ H.T + R * torch.eye(len(Y)))
        return gain @ Y, self.data - gain @ H @ self.data

    def annealed(self, sigmas: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and covariance of what `anneal` draws, exactly: it is affine in its noises, so each is fed alone."""
        root = torch.linalg.cholesky(self.joint(self.prior))
        size, draws = len(root), 2 * len(sigmas)

        def alone(index: int) -> Tensor:
            rows = torch.zeros(draws, size, size, dtype=torch.float64)
            rows[index] = root.T
            return rows.reshape(-1, size)

        zeros = torch.zeros(1, size, dtype=torch.float64)
        mean = anneal(self.denoise, sigmas, noise=lambda _: zeros, condition=self.condition)
        unforced = torch.zeros_like(Y)
        rows = anneal(self.denoise, sigmas, noise=alone, condition=lambda draw: self.condition(draw, unforced))
        return mean[0, :CELLS], (rows.T @ rows)[:CELLS, :CELLS]


@pytest.mark.parametrize("levels", [1, 10])
def test_for_the_gaussian_prior_it_is_the_exact_analysis_with_any_levels(levels: int) -> None:
    problem = Problem(prior=matern(0.8), data=matern(0.8))
    mean, covariance = problem.annealed(edm(levels, 20.0, 0.05))
    exact_mean, exact_covariance = problem.kalman()
    torch.testing.assert_close(mean, exact_mean, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(covariance, exact_covariance, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "data",
    [matern(1.6), 1.5 * matern(0.5), torch.outer(AMPLITUDE, AMPLITUDE) * matern(0.8)],
    ids=["longer", "shorter", "uneven"],
)
def test_for_other_data_it_tends_to_their_posterior_as_levels_grow(data: Tensor) -> None:
    problem = Problem(prior=matern(0.8), data=data)
    exact_mean, exact_covariance = problem.kalman()
    errors = []
    for levels in (10, 40, 160):
        mean, covariance = problem.annealed(edm(levels, 20.0, 0.02))
        errors.append(((mean - exact_mean).norm().item(), (covariance - exact_covariance).norm().item()))
    for coarse, fine in pairwise(errors):
        assert fine[0] < 0.6 * coarse[0]
        assert fine[1] < 0.6 * coarse[1]


def test_an_ensemble_has_the_mean_and_the_variance_of_the_analysis(generator: torch.Generator) -> None:
    problem, members = Problem(prior=matern(0.8), data=matern(0.8)), 4000
    root = torch.linalg.cholesky(problem.joint(problem.prior))

    def draw(index: int) -> Tensor:
        return torch.randn(members, len(root), dtype=torch.float64, generator=generator) @ root.T

    cells = anneal(problem.denoise, edm(5, 20.0, 0.05), noise=draw, condition=problem.condition)[:, :CELLS]
    mean, covariance = problem.kalman()
    variance = covariance.diagonal()
    assert ((cells.mean(0) - mean).abs() < 4.5 * torch.sqrt(variance / members)).all()
    assert ((cells.var(0) / variance - 1).abs() < 4.5 * (2 / members) ** 0.5).all()


def test_each_level_draws_twice_and_the_last_no_way_to_the_next() -> None:
    problem = Problem(prior=matern(0.8), data=matern(0.8))
    asked: list[int] = []
    told: list[tuple[int, int]] = []

    def draw(index: int) -> Tensor:
        asked.append(index)
        return torch.zeros(1, CELLS + len(Y), dtype=torch.float64)

    def on_step(done: int, total: int) -> None:
        told.append((done, total))
        if done == 3:
            raise Cancelled("the caller went away")

    anneal(problem.denoise, edm(3, 20.0, 0.05), noise=draw, condition=problem.condition)
    assert asked == list(range(6))
    with pytest.raises(Cancelled):
        anneal(problem.denoise, edm(8, 20.0, 0.05), noise=draw, condition=problem.condition, on_step=on_step)
    assert told == [(1, 8), (2, 8), (3, 8)]
