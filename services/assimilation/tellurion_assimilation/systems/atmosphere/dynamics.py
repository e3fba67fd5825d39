"""The dry primitive equations on σ levels under the forcing of Held and Suarez, as `dinosaur` integrates them.

∂ζ/∂t = −k·∇×((ζ+f) k×v + σ̇ ∂v/∂σ + R T′ ∇ln pₛ), with its companions for divergence, temperature and ln pₛ; Rayleigh
friction at the ground and Newtonian relaxation towards an equilibrium that is the same all around the globe. Source:
Held and Suarez (1994), A proposal for the intercomparison of the dynamical cores of atmospheric general circulation
models; Durran (2010), Numerical Methods for Fluid Dynamics, section 8.6; `dinosaur`: Kochkov et al. (2024), Neural
general circulation models, supplement A.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from dinosaur import held_suarez, scales, time_integration
from dinosaur.coordinate_systems import CoordinateSystem
from dinosaur.primitive_equations import PrimitiveEquationsSigma, State
from dinosaur.sigma_coordinates import SigmaCoordinates
from dinosaur.spherical_harmonic import Grid, get_cos_lat_vector, uv_nodal_to_vor_div_modal
from dinosaur.units import SimUnits

from tellurion_assimilation.systems.atmosphere.layout import Layout

REFERENCE_TEMPERATURE = 288.0
"""K; one value for all levels keeps the semi-implicit scheme stable: Simmons, Hoskins and Burridge (1978)."""
DIFFUSION_ORDER = 4
DIFFUSION_TIME = 0.1
"""∇⁸ hyperdiffusion takes the smallest wave down by e in so many days, as in Held and Suarez (1994)."""

SCALE = scales.Scale(
    scales.RADIUS,
    1 / (2 * scales.OMEGA),
    1 * scales.units.degK,
    1e5 * scales.units.pascal * scales.RADIUS / (2 * scales.OMEGA) ** 2,
)
"""Lengths of the radius, times of 1/2Ω, and a mass that makes 1000 hPa the unit of pressure: ln pₛ is then near zero,
and float32 keeps it to 0.01 Pa; with masses in kg it is 45, and every rounding is 0.4 Pa."""


class Dynamics:
    """One state [C, Y, X] forward in time; `forecast` is compiled for batches [B, C, Y, X]."""

    def __init__(self, layout: Layout, step: float) -> None:
        """`step` in seconds."""
        self.layout, self.units = layout, SimUnits.from_si(scale=SCALE)
        self.grid = Grid.construct(layout.truncation, layout.shape[1] // 2)
        self.metre_per_second, self.kelvin, self.pascal, self.second, self.day = (
            self.units.nondimensionalize(1.0 * scales.units(unit)) for unit in ("m/s", "K", "Pa", "s", "day")
        )
        coordinates = CoordinateSystem(self.grid, SigmaCoordinates.equidistant(layout.levels))
        temperature = np.full(layout.levels, REFERENCE_TEMPERATURE) * self.kelvin
        flat = np.zeros(self.grid.modal_shape)
        air = PrimitiveEquationsSigma(temperature, flat, coordinates, self.units)
        forcing = held_suarez.HeldSuarezForcingSigma(coordinates, self.units, temperature)
        dt = step * self.second
        diffusion = time_integration.horizontal_diffusion_step_filter(
            self.grid, dt, DIFFUSION_TIME * self.day, DIFFUSION_ORDER
        )
        self.step = time_integration.step_with_filters(
            time_integration.imex_rk_sil3(time_integration.compose_equations([air, forcing]), dt), [diffusion]
        )
        self.forecast = jax.jit(jax.vmap(self._forecast, in_axes=(0, None)))

    def _forecast(self, state: jax.Array, steps: int) -> jax.Array:
        return self.to_grid(jax.lax.fori_loop(0, steps, lambda _, s: self.step(s), self.to_spectral(state)))

    def to_spectral(self, state: jax.Array) -> State:
        """Vorticity, divergence, temperature and ln pₛ of a state [C, Y, X], truncated."""
        u, v, t, ps = jnp.split(state.swapaxes(-1, -2), [k * self.layout.levels for k in (1, 2, 3)])
        vorticity, divergence = uv_nodal_to_vor_div_modal(
            self.grid, u * self.metre_per_second, v * self.metre_per_second
        )
        to_modal = lambda x: self.grid.clip_wavenumbers(self.grid.to_modal(x))  # noqa: E731
        variation = to_modal((t - REFERENCE_TEMPERATURE) * self.kelvin)
        return State(vorticity, divergence, variation, to_modal(jnp.log(ps * self.pascal)))

    def to_grid(self, spectral: State) -> jax.Array:
        """The state [C, Y, X] of what `to_spectral` gives; the two are inverse but for the truncation."""
        to_nodal = self.grid.to_nodal
        wind = get_cos_lat_vector(spectral.vorticity, spectral.divergence, self.grid, clip=False)
        u, v = (to_nodal(x) / self.grid.cos_lat / self.metre_per_second for x in wind)
        t = to_nodal(spectral.temperature_variation) / self.kelvin + REFERENCE_TEMPERATURE
        ps = jnp.exp(to_nodal(spectral.log_surface_pressure)) / self.pascal
        return jnp.concatenate([u, v, t, ps]).swapaxes(-1, -2)
