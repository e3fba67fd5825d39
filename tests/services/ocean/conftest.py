"""A small ocean with an island, and what is known of it; and the service, as a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tellurion_diffusion import UNet, UNetSpec
from tellurion_geo import Grid
from tellurion_ocean.methods import LEARNED
from tellurion_ocean.network import Network, input_channels
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Hyperparameters, Prior

from .archive import Archive

MONTHS = (1, 3, 4, 5, 6, 7, 9, 10, 11, 12)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive of CMIP6."""
    return Archive(tmp_path)


@pytest.fixture(scope="session")
def small_grid() -> Grid:
    return Grid(depth=np.array([0.0, 30.0, 200.0]), lat=np.arange(-20.0, 21.0, 4.0), lon=np.arange(0.0, 360.0, 15.0))


@pytest.fixture(scope="session")
def small_fields(small_grid: Grid) -> np.ndarray:
    """[10, Z, Y, X] °C: a year's cycle, and in every month patterns and noise of its own; one island is NaN."""
    rng = np.random.default_rng(7)
    z, y, x = np.meshgrid(small_grid.depth, np.radians(small_grid.lat), np.radians(small_grid.lon), indexing="ij")
    fields = []
    for month in MONTHS:
        season = np.cos(2 * np.pi * (month - 0.5) / 12)
        swell = sum(rng.normal() * np.cos(k * x + rng.uniform(0, 6)) * np.cos(k * y) for k in (1, 2, 3))
        field = 20 * np.exp(-z / 300) + 3 * season * np.sin(3 * y) + 0.5 * swell * np.exp(-z / 200)
        fields.append(field + 0.2 * rng.normal(size=field.shape))
    stack = np.array(fields)
    stack[:, :, 4:7, 5:8] = np.nan
    stack[:, 2, :3, :4] = np.nan
    return stack


@pytest.fixture(scope="session")
def small_prior(small_grid: Grid, small_fields: np.ndarray) -> Callable[..., Prior]:
    """The prior of the small ocean, with any hyperparameter changed."""

    def fit(**changes: float) -> Prior:
        hyperparameters = Hyperparameters(
            harmonics=2,
            harmonic_ridge=4.0,
            std_smoothing=8.0,
            std_floor=0.1,
            eof_count=4,
            eof_variance=0.3,
            residual_variance=0.7,
            length_scale=12.0,
            depth_scale=6.0,
            representativeness=1e-4,
            eof_fit_variance=3.0,
            neighbours=32,
            pattern_share=0.3,
            localisation=2.0,
        )
        return Prior.fit(small_fields, MONTHS, small_grid, replace(hyperparameters, **changes))

    return fit


@pytest.fixture(scope="session")
def small_unet(small_grid: Grid) -> Callable[..., UNet]:
    """A UNet for the small ocean whose last layer has weights of this size; without them its correction is zero."""

    def build(head: float = 0.0, grid: Grid = small_grid) -> UNet:
        spec = UNetSpec(
            in_channels=input_channels(grid),
            out_channels=len(grid.depth),
            width=8,
            multipliers=(1, 2),
            blocks=1,
            middle_attention=False,
            periodic=True,
            features=2,
        )
        with torch.random.fork_rng():
            torch.manual_seed(4)
            unet = UNet(spec)
            for parameter in unet.head.parameters():
                torch.nn.init.normal_(parameter, std=head)
        return unet.eval()

    return build


@pytest.fixture(scope="session")
def zero_network(small_unet: Callable[..., UNet], small_grid: Grid) -> Network:
    """What no training has touched: its correction is zero."""
    return Network(small_unet(), small_grid, "0" * 64)


@pytest.fixture(scope="session")
def small_network(small_unet: Callable[..., UNet], small_grid: Grid) -> Network:
    """A network whose correction is arbitrary, and not zero."""
    return Network(small_unet(0.05), small_grid, "1" * 64)


@pytest.fixture(scope="session")
def learned(small_network: Network) -> Callable[[str], dict[str, Any]]:
    """What a learned method is called with besides, on the small ocean and in a few steps; nothing for the others."""

    def options(method: str) -> dict[str, Any]:
        steps = {"posterior": 3, "reconmost": 20}
        return {"network": small_network, "steps": steps[method]} if method in LEARNED else {}

    return options


@pytest.fixture(scope="session")
def observe() -> Callable[..., tuple[Observations, np.ndarray]]:
    """Observations of some wet cells of a draw from a prior, and the indices [N] of those cells among the wet ones."""

    def draw(prior: Prior, month: int, count: int, *, seed: int = 0, uncertainty: float = 0.05):
        rng = np.random.default_rng(seed)
        cells = np.sort(rng.choice(len(prior.std), count, replace=False))
        covariance = matern_reference(prior.cell_positions, prior.cell_positions)
        covariance = prior.hyperparameters.residual_variance * covariance + prior.modes @ prior.modes.T
        anomaly = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(covariance))) @ rng.normal(size=len(prior.std))
        truth = prior.climatology(month) + prior.std * anomaly
        z, y, x = (index[cells] for index in np.nonzero(prior.wet))
        readings = truth[cells] + uncertainty * rng.normal(size=count)
        places = prior.grid.lat[y], prior.grid.lon[x], prior.grid.depth[z]
        return Observations.of(*places, readings, uncertainty), cells

    return draw


def matern_reference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[A, B] covariances of positions [A, 4] and [B, 4], as the formula stands in the book."""
    r = np.sqrt(np.sum((a[:, None, :] - b[None, :, :]) ** 2, axis=-1))
    return (1 + np.sqrt(3) * r) * np.exp(-np.sqrt(3) * r)


@pytest.fixture(scope="session")
def matern() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The slow covariance that the fast ones are measured against."""
    return matern_reference


@pytest.fixture(scope="session")
def served(serving: Callable[[str], AbstractContextManager[Any]]) -> Iterator[Any]:
    """The service on a private Unix socket, with a new state folder."""
    with serving("ocean") as running:
        yield running
