"""Geostrophic balance on σ levels: how far the wind departs from the one that the pressure gradient alone would hold.

Along a σ surface the pressure gradient force has two parts, ∇Φ and R T ∇ln pₛ, each large over a slope and nearly
opposite; f k × v_g = −(∇Φ + R T ∇ln pₛ). Φ is the model's own hydrostatic integral of T over flat ground, and the
gradients are those of the spherical harmonics, exact for what the truncation holds. Sources: Durran (2010), Numerical
Methods for Fluid Dynamics, section 8.6.5; Holton and Hakim (2013), sections 2.4 and 10.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import sph_legendre_p_all
from torch import Tensor

from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_core.errors import InvalidInput

EARTH_RADIUS = 6.37122e6
"""m."""
ROTATION = 7.292e-5
"""1/s."""
GAS_CONSTANT = 1004.0 * 2 / 7
"""J/kg/K, of dry air; these three are the model's."""
LEAST_LATITUDE = 20.0
"""Degrees; nearer to the equator f is too small to balance anything."""
CALM = 5.0
"""m/s; slower winds are not judged, a ratio to them means nothing."""


class Winds(NamedTuple):
    """Eastward and northward, m/s."""

    u: Tensor
    v: Tensor


@dataclass(frozen=True)
class Geostrophy:
    """The balance of states [..., C, Y, X] of a layout, as torch tensors in m/s, K and Pa."""

    layout: Layout

    def wind(self, states: Tensor) -> Winds:
        """The geostrophic wind [..., L, Y, X]; it grows without bound towards the equator."""
        self._check(states)
        levels = self.layout.levels
        temperature, pressure = states[..., 2 * levels : -1, :, :], states[..., -1:, :, :]
        geopotential = torch.einsum("kj,...jyx->...kyx", self._hydrostatic.to(states), temperature)
        east, north = self._gradient(torch.cat([geopotential, pressure.log()], dim=-3))
        slope = GAS_CONSTANT * temperature
        f = self._coriolis.to(states)
        return Winds(
            -(north[..., :-1, :, :] + slope * north[..., -1:, :, :]) / f,
            (east[..., :-1, :, :] + slope * east[..., -1:, :, :]) / f,
        )

    def departure(self, states: Tensor, truth: Tensor | None = None) -> Tensor:
        """[...] mean over the sphere and all levels of |v − v_g| / |v|, outside the tropics and where there is wind.

        A ratio of vectors: by components it would blow up wherever one of them passes zero. Where there is wind is as
        the truth [C, Y, X] has it, or else the states themselves; NaN where there is none
        anywhere, and of pressures that are not positive.
        """
        u, v = self._winds(states)
        balanced, speed = self.wind(states), torch.hypot(u, v)
        blowing = speed if truth is None else torch.hypot(*self._winds(truth))
        weight = ((blowing > CALM) * self._extratropics.to(states)).expand(speed.shape)
        ratio = torch.hypot(u - balanced.u, v - balanced.v) / speed.clamp(min=CALM)
        return (weight * ratio).sum((-3, -2, -1)) / weight.sum((-3, -2, -1))

    def physics_score(self, analyses: Tensor, truth: Tensor) -> Tensor:
        """[...] in [0, 1]: how near the departure of analyses [..., C, Y, X] is to the truth's own, which scores 1.

        The smaller of the two over the larger: a wind that follows the pressure too closely is as wrong as one that
        does not follow it. NaN where the truth has no wind.
        """
        of_analyses, of_truth = self.departure(analyses, truth), self.departure(truth)
        ratio = torch.minimum(of_analyses, of_truth) / torch.maximum(of_analyses, of_truth)
        return torch.where(of_analyses == of_truth, 1.0, ratio)

    def _winds(self, states: Tensor) -> Winds:
        levels = self.layout.levels
        return Winds(states[..., :levels, :, :], states[..., levels : 2 * levels, :, :])

    def _gradient(self, fields: Tensor) -> Winds:
        """Eastward and northward derivative per metre of [..., Y, X], without what lies beyond the truncation."""
        along = 1j * torch.arange(self.layout.truncation + 1)
        waves = torch.fft.rfft(fields)[..., : self.layout.truncation + 1]
        smooth, slope = (torch.einsum("myz,...zm->...ym", each.to(waves), waves) for each in self._meridional)
        cosine = torch.as_tensor(np.cos(np.radians(self.layout.latitude))).to(fields)
        columns = self.layout.shape[2]
        east = torch.fft.irfft(smooth * along.to(waves), n=columns) / (EARTH_RADIUS * cosine[:, None])
        return Winds(east, torch.fft.irfft(slope, n=columns) / EARTH_RADIUS)

    @cached_property
    def _meridional(self) -> tuple[Tensor, Tensor]:
        """[M, Y, Y] for each zonal wavenumber: the projection on the truncation, and d/dφ of it."""
        t, colatitude = self.layout.truncation, np.radians(90.0 - self.layout.latitude)
        values, slopes = sph_legendre_p_all(t, t, colatitude, diff_n=1)[:, :, : t + 1]  # each [l, m, Y]
        analysis = 2 * np.pi * (2 * self.layout.area) * values
        projection = np.einsum("lmy,lmz->myz", values, analysis)
        return torch.as_tensor(projection), torch.as_tensor(-np.einsum("lmy,lmz->myz", slopes, analysis))

    @cached_property
    def _hydrostatic(self) -> Tensor:
        """[L, L] Φ of T over flat ground: d Φ = −R T d ln σ by the trapezoidal rule, down from the lowest level."""
        log_sigma = np.log(np.append(self.layout.sigma, 1.0))
        halves = np.diff(log_sigma) / 2
        halves[-1] *= 2  # the air below the lowest level has its temperature
        above = np.triu(np.ones((self.layout.levels,) * 2), 1) * np.roll(halves, 1)
        return torch.as_tensor(GAS_CONSTANT * (np.triu(np.broadcast_to(halves, above.shape)) + above))

    @cached_property
    def _coriolis(self) -> Tensor:
        return torch.as_tensor(2 * ROTATION * np.sin(np.radians(self.layout.latitude)))[:, None]

    @cached_property
    def _extratropics(self) -> Tensor:
        """[Y, 1] the rows' areas, 0 in the tropics."""
        outside = np.abs(self.layout.latitude) > LEAST_LATITUDE
        return torch.as_tensor(self.layout.area * outside)[:, None]

    def _check(self, states: Tensor) -> None:
        if states.shape[-3:] != self.layout.shape:
            c, y, x = self.layout.shape
            raise InvalidInput.of("states", received=f"shape {tuple(states.shape)}", accepted=f"[..., {c}, {y}, {x}]")
