"""The prior p(z | x_b): what the errors of a background look like, learned by a diffusion model in latent space.

The truth is x = x_b + std · D(z). The prior learns the increment's latent z rather than the truth's: a departure from
Align-DA, under which a network that has learned nothing is the Gaussian of 3D-Var, its latents white, and what the
background shows beyond the autoencoder's reach is kept. The network is told the whole background.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tellurion_assimilation.autoencoder import Autoencoder
from tellurion_core.errors import InvalidInput, NotFound
from tellurion_diffusion import Denoiser, DiT, DiTSpec, Preconditioned, weights

KIND = "assimilation-prior"
AUTOENCODER_FILE = "autoencoder.safetensors"
PRIORS = {"none": "prior.safetensors", "P": "prior-p.safetensors", "M": "prior-m.safetensors"}
"""Weights by alignment: none; by physics alone (P); by accuracy, forecast and physics together (M)."""
CLIMATE = ("mean", "spread")


@dataclass(frozen=True, eq=False)
class Climate:
    """[C, Y] the climate of the backgrounds: their mean and standard deviation over longitude and time."""

    mean: Tensor
    spread: Tensor

    def condition(self, backgrounds: Tensor, latent: tuple[int, int, int]) -> Tensor:
        """[B, C·(Y/h)·(X/w), h, w]: departures of [B, C, Y, X] from the climate, a latent cell's points as channels."""
        departures = (backgrounds - self.mean[..., None]) / self.spread[..., None]
        channels, rows, columns = latent
        cells = departures.reshape(len(backgrounds), channels, rows, -1, columns, backgrounds.shape[-1] // columns)
        return cells.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


@dataclass(frozen=True, eq=False)
class Prior:
    """The network of a prior, its latent space, and the SHA-256 of its weights file."""

    network: DiT
    autoencoder: Autoencoder
    climate: Climate
    sha256: str = ""

    @classmethod
    def load(cls, path: Path, autoencoder_path: Path, *, device: str | None = None) -> Prior:
        """From weights files, the network on `device`, by default the GPU where there is one.

        Raises InvalidInput, for a prior of another autoencoder too, and DataCorrupted.
        """
        tensors, spec = weights.load(path)
        if spec.get("kind") != KIND:
            raise InvalidInput.of("weights.spec.kind", received=spec.get("kind"), accepted=KIND)
        if (found := weights.sha256(autoencoder_path)) != spec.get("autoencoder"):
            accepted = f"{spec.get('autoencoder')}, which this prior was trained with"
            raise InvalidInput.of("weights.spec.autoencoder", received=found, accepted=accepted)
        autoencoder, meaning = Autoencoder.load(autoencoder_path), DiTSpec.from_json(spec.get("network", {}))
        found, accepted = (meaning.channels, meaning.static, meaning.features), (*channels(autoencoder), 0)
        if found != accepted:
            field = "weights.spec.network.channels, static, features"
            raise InvalidInput.of(field, received=found, accepted=f"{accepted} for this autoencoder")
        climate = {name: tensors.pop(f"climate.{name}", torch.empty(0)) for name in CLIMATE}
        if any(each.shape != autoencoder.truncated.shape for each in climate.values()) or climate["spread"].min() <= 0:
            accepted = f"mean and spread {tuple(autoencoder.truncated.shape)}, spread above 0"
            raise InvalidInput.of("weights.climate", received="others", accepted=accepted)
        with torch.device("meta"):  # what a spec claims takes no memory before the tensors bear it out
            network = DiT(meaning)
        weights.fill(network, tensors)
        chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
        return cls(network.to(chosen).eval(), autoencoder, Climate(**climate), weights.sha256(path))

    @classmethod
    def shipped(cls, alignment: str = "none") -> Prior:
        """That of weights/, loaded once.

        Raises InvalidInput for an unknown alignment, NotFound for one that the distribution came without.
        """
        if alignment not in PRIORS:
            raise InvalidInput.of("alignment", received=alignment, accepted=" or ".join(PRIORS))
        return _shipped(alignment)

    def save(self, path: Path, autoencoder_path: Path, card: Mapping[str, Any]) -> None:
        """Writes a weights file, the network in float16; the autoencoder's own stands beside it."""
        tensors = {name: tensor.half() for name, tensor in self.network.state_dict().items()}
        climate = {f"climate.{name}": getattr(self.climate, name) for name in CLIMATE}
        spec = {"kind": KIND, "network": asdict(self.network.spec), "autoencoder": weights.sha256(autoencoder_path)}
        weights.save(path, tensors | climate, spec, card)

    def denoiser(self, background: Tensor) -> Denoiser:
        """D(z, σ) given the background [C, Y, X], computed where the network is."""
        device = next(self.network.parameters()).device
        static = self.climate.condition(background[None], self.autoencoder.latent_shape).to(device)
        network = Preconditioned(self.network).given(static=static)
        return lambda latents, sigma, /: network(latents.to(device), sigma.to(device)).to(latents.device)

    def states(self, background: Tensor, latents: Tensor) -> Tensor:
        """x_b + std · D(z) [B, C, Y, X]."""
        return background + self.autoencoder.std[:, None, None] * self.autoencoder.decode(latents)


def channels(autoencoder: Autoencoder) -> tuple[int, int]:
    """Channels of the latents and of the condition."""
    (count, rows, columns), height = autoencoder.latent_shape, autoencoder.truncated.shape[1]
    return count, count * (height // rows) * (autoencoder.columns // columns)


def white(generators: Sequence[torch.Generator], shape: tuple[int, int, int]) -> Tensor:
    """Latent noise [B, C, h, w] without the shortest wave round the globe, of which latents have one phase only."""
    draws = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
    alternating = 1.0 - 2.0 * (torch.arange(shape[-1]) % 2)
    return draws - alternating * (draws * alternating).mean(-1, keepdim=True)


def generator_of(seed: int, member: int) -> torch.Generator:
    """The random numbers of one member, whatever batch it is drawn in."""
    state = np.random.SeedSequence([seed, member]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


@cache
def _shipped(alignment: str) -> Prior:
    with resources.as_file(resources.files("tellurion_assimilation").joinpath("weights")) as folder:
        try:
            return Prior.load(folder / PRIORS[alignment], folder / AUTOENCODER_FILE)
        except FileNotFoundError as error:
            raise NotFound(f"this distribution came without the weights {Path(error.filename).name}") from error
