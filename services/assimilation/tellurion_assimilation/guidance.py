"""Analyses by a learned prior: members drawn from it, unguided or drawn to the observations.

    obsfree   the prior itself: what it makes of the background, blind to the observations
    dps       draws of the posterior: at each level a draw moves as far as its errors and the observations' ask for
    repaint   at each level the estimate is repainted with what was observed, and sampling goes on from there

Departures from Align-DA, for all three: latents are those of increments (`prior`), the operator H is any linear one,
observations count with their errors, and what the autoencoder cannot show is part of these errors.

`dps` has no step size ζ. With H̃ = R^{−½} H D, and draws z′ of the latents and ε′ of the normalised errors, one Newton
step from z′ minimises ½‖z − z′‖² + ½‖ỹ − H̃ z − ε′‖², and for a Gaussian prior that minimum is a draw of the posterior
(Matheron's rule). A prior that has learned nothing thus gives the ensemble of 3D-Var with the autoencoder's covariance
exactly, by any number of levels; what it has learned enters at every level (Zhang et al. 2024, Improving diffusion
inverse problem solving with decoupled noise annealing).

`repaint` encodes what is observed and nothing else. An observation alone encodes to nothing, since D shows no single
cells; it is spread by the errors n² I that the estimate ẑ has at this level, ẑ + n²H̃ᵀ(n²H̃H̃ᵀ + I)⁻¹(ỹ − H̃ẑ): the more
noise, the more of an observed cell is what was observed there. For a Gaussian prior that is the denoiser given the
observations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from tellurion_assimilation.methods.var3d import BackgroundErrors
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.prior import Prior, generator_of, white
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_diffusion import Denoiser, OnStep, ancestral, anneal, cosine, noise, respaced, signal

METHODS = ("obsfree", "dps", "repaint")
STEPS = 20
"""From 10 to 40, errors of `dps` differ by less than one part in a thousand."""
LARGEST, SMALLEST = 50.0, 0.02
"""σ between which the levels of the cosine schedule are used: those that the network was trained at."""
BATCH = 16
"""Members sampled at once."""
ROWS = 256
"""Observations whose rows of H̃ are computed at once. All are held, up to twice as many as there are latents; the time
grows with the cube of their number up to there, and linearly beyond."""


@dataclass(frozen=True, eq=False)
class Draws:
    """What was sampled in latent space."""

    members: Tensor
    """[N, C, h, w]."""
    mean: Tensor
    """[C, h, w] of all that could have been sampled, better known than the mean of the members."""


@torch.no_grad()
def analyse(
    prior: Prior,
    background: NDArray[np.float32],  # [C, Y, X]
    observations: Observations,
    method: str = "dps",
    *,
    errors: BackgroundErrors | None = None,
    members: int = 8,
    seed: int = 0,
    steps: int = STEPS,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean [C, Y, X] and members [members, C, Y, X] of the analysis; without observations, of the unguided prior.

    What the autoencoder cannot show, members have from the covariance of background `errors`; without it they lack it.
    A member depends on the seed and its own number, not on how many there are. Raises what `draws` raises.
    """
    sampled = draws(
        prior,
        background,
        observations,
        method,
        members=members,
        seed=seed,
        steps=steps,
        cancelled=cancelled,
        progress=progress,
    )
    field = torch.from_numpy(np.asarray(background, np.float32))
    mean, states = prior.states(field, sampled.mean[None])[0], prior.states(field, sampled.members)
    if errors is not None:
        states = states + unseen(prior, errors, range(members), seed)
    return mean.numpy(), states.numpy()


@torch.no_grad()
def unseen(prior: Prior, errors: BackgroundErrors, members: Sequence[int], seed: int) -> Tensor:
    """[B, C, Y, X] what latents cannot show of background errors, a draw of them for each member."""
    normal = [np.random.default_rng([seed, member, 1]).standard_normal(errors.control_size) for member in members]
    unit, shape = prior.autoencoder.std[:, None, None], (*prior.autoencoder.truncated.shape, -1)
    drawn = torch.from_numpy(errors.root(np.stack(normal)).astype(np.float32)).unflatten(1, shape)
    return unit * prior.autoencoder.rest(drawn / unit)


@torch.no_grad()
def draws(
    prior: Prior,
    background: NDArray[np.float32],  # [C, Y, X]
    observations: Observations | None = None,
    method: str = "obsfree",
    *,
    members: int = 8,
    seed: int = 0,
    steps: int = STEPS,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> Draws:
    """The members' increments as latents.

    The mean of a few members is off by a part of their spread. What a prior that has learned nothing makes of the same
    noise is off by nearly as much, and the mean of that one is what it makes of none, for it is linear: the learned
    mean is that plus the mean difference of the two (a control variate).

    Raises:
        InvalidInput: an unknown method, no members, or a background or operator of another grid than the prior's.
        Cancelled: soon after `cancelled` answered true.
    """
    if method not in METHODS:
        raise InvalidInput.of("method", received=method, accepted=" or ".join(METHODS))
    if members < 1:
        raise InvalidInput.of("members", received=members, accepted="at least 1")
    shape = (*prior.autoencoder.truncated.shape, prior.autoencoder.columns)
    if background.shape != shape or not np.isfinite(background).all():
        raise InvalidInput.of("background", received=f"shape {background.shape}", accepted=f"{shape}, finite")
    denoise = prior.denoiser(torch.from_numpy(np.ascontiguousarray(background, dtype=np.float32)))
    seen = _Seen.of(prior, background, observations) if observations and method != "obsfree" else None
    draw = _unguided if seen is None else seen.posterior if method == "dps" else seen.repainted
    levels, latent = sigmas(steps), prior.autoencoder.latent_shape
    drawn, differences = [], []
    for first in range(0, members, BATCH):
        batch = range(first, min(first + BATCH, members))

        def on_step(done: int, total: int, batch: range = batch) -> None:
            if cancelled():
                raise Cancelled("the analysis was cancelled")
            progress((batch.start + len(batch) * done / total) / members, f"level {done} of {total}")

        drawn.append(draw(denoise, _Noise(latent, batch, seed), levels, on_step))
        differences.append(drawn[-1] - draw(_gaussian, _Noise(latent, batch, seed), levels, _ignored))
    mean = draw(_gaussian, _Silence(latent), levels, _ignored)[0] + torch.cat(differences).mean(0)
    return Draws(torch.cat(drawn), mean)


def sigmas(steps: int) -> Tensor:
    """The levels [steps] of the cosine schedule between LARGEST and SMALLEST. Raises InvalidInput."""
    fine = cosine(1000)
    fine = fine[(fine <= LARGEST) & (fine >= SMALLEST)]
    if not 1 <= steps <= len(fine):
        raise InvalidInput.of("steps", received=steps, accepted=f"1 to {len(fine)}")
    return respaced(fine, steps)


class _Noise:
    """Latent noise of a batch of members, each from a generator of its own."""

    def __init__(self, shape: tuple[int, int, int], members: range, seed: int) -> None:
        self.shape = shape
        self._generators = [generator_of(seed, member) for member in members]

    def __call__(self, step: int) -> Tensor:
        """[B, C, h, w]; step by step, in order."""
        return white(self._generators, self.shape)

    def plain(self, count: int) -> Tensor:
        """[B, count] white numbers."""
        return torch.stack([torch.randn(count, generator=generator) for generator in self._generators])


class _Silence(_Noise):
    """A member without noise."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__(shape, range(0), 0)

    def __call__(self, step: int) -> Tensor:
        return torch.zeros(1, *self.shape)

    def plain(self, count: int) -> Tensor:
        return torch.zeros(1, count)


def _gaussian(latents: Tensor, sigma: Tensor, /) -> Tensor:
    """The denoiser of white latents."""
    return signal(sigma).reshape(-1, 1, 1, 1) * latents


def _ignored(done: int, total: int) -> None:
    """Nobody is told of these steps: they take no time."""


def _unguided(denoise: Denoiser, eta: _Noise, levels: Tensor, on_step: OnStep) -> Tensor:
    return ancestral(denoise, eta(0), levels, noise=eta, on_step=on_step)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Observations as the latents see them, in units of their errors: ỹ = H̃ z + ε, ε ~ N(0, I)."""

    rows: Tensor
    """H̃ [p, K], of flat latents."""
    values: Tensor
    """ỹ [p], of the observations' departures from the background."""

    @classmethod
    def of(cls, prior: Prior, background: NDArray[np.float32], observations: Observations) -> _Seen:
        """With the variance that the autoencoder cannot show, fully correlated within an observation, in R.

        More observations than latents become as many as these, which say the same: R and Qᵀỹ of H̃ = Q R.
        """
        n, autoencoder = background.size, prior.autoencoder
        if observations.operator.shape[1] != n:
            received = f"{observations.operator.shape[1]} columns"
            raise InvalidInput.of("observations.operator", received=received, accepted=f"{n}, the state's")
        std = np.repeat(autoencoder.std.numpy(), n // len(background)).astype(np.float64)
        truncated = np.repeat(autoencoder.truncated.numpy().ravel(), background.shape[2])
        scaled = observations.operator @ sparse.diags_array(std)
        errors = np.hypot(observations.errors, abs(scaled) @ truncated)
        departures = observations.values - observations.of(background.reshape(-1).astype(np.float64))
        operator = sparse.csr_array(sparse.diags_array(1 / errors) @ scaled)
        values = torch.from_numpy((departures / errors).astype(np.float32))
        size = int(np.prod(autoencoder.latent_shape))
        known = torch.zeros(0, size + 1)  # H̃ and ỹ beside each other
        for first in range(0, len(values), ROWS):
            each = slice(first, first + ROWS)
            increments = torch.from_numpy(operator[each].toarray().astype(np.float32)).unflatten(1, background.shape)
            more = torch.cat([autoencoder.adjoint(increments).flatten(1), values[each, None]], dim=1)
            known = torch.cat([known, more])
            if len(known) >= 2 * size or (len(known) > size and first + ROWS >= len(values)):
                known = torch.linalg.qr(known, mode="r").R[:size]
        return cls(known[:, :-1].contiguous(), known[:, -1].contiguous())

    def misfit(self, latents: Tensor) -> Tensor:
        """ỹ − H̃ z [B, p] of latents [B, C, h, w]."""
        return self.values - latents.flatten(1) @ self.rows.T

    def spread(self, weights: Tensor, shape: Sequence[int]) -> Tensor:
        """H̃ᵀ v [B, C, h, w] of v [B, p]."""
        return (weights @ self.rows).unflatten(1, shape)

    def posterior(self, denoise: Denoiser, eta: _Noise, levels: Tensor, on_step: OnStep) -> Tensor:
        """Draws by annealing of latents and errors together: u + Aᵀ(A Aᵀ)⁻¹(ỹ − A u) of u = (z, ε), A = (H̃, I)."""
        size, shape = self.rows.shape[1], eta.shape
        factor = torch.linalg.cholesky(self._covariance + torch.eye(len(self.values)))

        def denoise_both(state: Tensor, sigma: Tensor, /) -> Tensor:
            latents = denoise(state[:, :size].unflatten(1, shape), sigma).flatten(1)
            return torch.cat([latents, signal(sigma) * state[:, size:]], dim=1)

        def condition(state: Tensor) -> Tensor:
            misfit = self.misfit(state[:, :size]) - state[:, size:]
            weights = torch.cholesky_solve(misfit.T, factor).T
            return state + torch.cat([weights @ self.rows, weights], dim=1)

        def both(step: int) -> Tensor:
            return torch.cat([eta(step).flatten(1), eta.plain(len(self.values))], dim=1)

        drawn = anneal(denoise_both, levels, noise=both, condition=condition, on_step=on_step)
        return drawn[:, :size].unflatten(1, shape)

    def repainted(self, denoise: Denoiser, eta: _Noise, levels: Tensor, on_step: OnStep) -> Tensor:
        """Draws whose estimates are moved to what was observed, as far as their own errors ask for."""
        variances, vectors = torch.linalg.eigh(self._covariance)

        def repaint(denoise: Denoiser, x: Tensor, sigma: Tensor, next_sigma: Tensor, /) -> Tensor:
            estimate, level = denoise(x, sigma), float(noise(sigma)) ** 2
            weights = (self.misfit(estimate) @ vectors * level / (level * variances + 1)) @ vectors.T
            return estimate + self.spread(weights, eta.shape)

        return ancestral(denoise, eta(0), levels, noise=eta, guidance=repaint, on_step=on_step)

    @cached_property
    def _covariance(self) -> Tensor:
        """H̃ H̃ᵀ [p, p]."""
        return self.rows @ self.rows.T
