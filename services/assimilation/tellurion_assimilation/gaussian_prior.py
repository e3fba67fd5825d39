"""A prior learned in closed form, where there are too few errors for a network: a Gaussian that knows where it is.

White latents are errors that are alike at all longitudes. Here they are N(0, I + V Λ Vᵀ): in some directions V they
vary more than that, for no longitude is like another. Diffused with signal s and noise n, the best estimate is

    E[z | s z + n η] = s x + s n² V Λ (1 + s² Λ)⁻¹ Vᵀ x

which is all that guidance asks of a prior. It does not look at the background.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.linalg import eigh
from torch import Tensor

from tellurion_assimilation.autoencoder import Autoencoder
from tellurion_assimilation.localization import gaspari_cohn
from tellurion_assimilation.wind_oi import Positions
from tellurion_core.errors import InvalidInput
from tellurion_diffusion import Denoiser, noise, signal, weights

KIND = "assimilation-gaussian-prior"


@dataclass(frozen=True, eq=False)
class GaussianPrior:
    """Stands in for a `Prior` wherever one is asked for increments."""

    autoencoder: Autoencoder
    directions: Tensor
    """V [r, C, h, w], orthonormal."""
    excess: Tensor
    """Λ [r], above −1."""

    @classmethod
    def load(cls, path: Path, autoencoder_path: Path) -> GaussianPrior:
        """From weights files. Raises InvalidInput, for a prior of another autoencoder too, and DataCorrupted."""
        tensors, spec = weights.load(path)
        found, accepted = [spec.get("kind"), spec.get("autoencoder")], [KIND, weights.sha256(autoencoder_path)]
        if found != accepted:
            raise InvalidInput.of("weights.spec.kind, autoencoder", received=found, accepted=accepted)
        autoencoder = Autoencoder.load(autoencoder_path)
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        rank = shapes.get("excess", (0,))[0]
        expected = {"directions": (rank, *autoencoder.latent_shape), "excess": (rank,)}
        if shapes != expected or not (tensors["excess"] > -1).all():
            raise InvalidInput.of("weights", received=shapes, accepted=f"{expected}, excess above -1")
        return cls(autoencoder, **{name: tensor.float() for name, tensor in tensors.items()})

    def save(self, path: Path, autoencoder_path: Path, card: Mapping[str, Any]) -> None:
        """Writes a weights file, in float16; the autoencoder's own stands beside it."""
        spec = {"kind": KIND, "autoencoder": weights.sha256(autoencoder_path)}
        weights.save(path, {"directions": self.directions, "excess": self.excess}, spec, card, half=True)

    def denoiser(self, background: Tensor) -> Denoiser:
        """E[z | x] at every σ, whatever the background."""

        def denoise(x: Tensor, sigma: Tensor, /) -> Tensor:
            s, n = (each(sigma).reshape(-1, 1) for each in (signal, noise))
            along = torch.einsum("rchw,bchw->br", self.directions, x)
            more = s * n**2 * self.excess / (1 + s**2 * self.excess) * along
            return s[..., None, None] * x + torch.einsum("br,rchw->bchw", more, self.directions)

        return denoise

    def states(self, background: Tensor, latents: Tensor) -> Tensor:
        """x_b + std · D(z) [B, C, Y, X]."""
        return background + self.autoencoder.std[:, None, None] * self.autoencoder.decode(latents)


def fit(autoencoder: Autoencoder, latents: Tensor, *, half_width: float, share: float, rank: int) -> GaussianPrior:
    """The prior of latents [n, C, h, w], of whose covariance, where they are no white noise, a share is believed.

    Before that it is tapered with the distance between latent cells, with a half-width in degrees, since n is small
    beside C·h·w; the leading eigenvectors of the rest are kept. Source: Hamill and Snyder (2000), A hybrid ensemble
    Kalman filter–3D variational analysis scheme.
    """
    (channels, rows, columns), flat = autoencoder.latent_shape, latents.flatten(1).double().numpy()
    latitude, longitude = 180 * ((np.arange(rows) + 0.5) / rows - 0.5), 360 * np.arange(columns) / columns
    up = Positions.of(latitude.repeat(columns), np.tile(longitude, rows)).up
    apart = np.degrees(np.arccos(np.clip(up @ up.T, -1, 1)))
    covariance = flat.T @ flat / len(flat) * np.tile(gaspari_cohn(apart / half_width), (channels, channels))
    values, vectors = eigh(covariance, subset_by_index=(len(covariance) - rank, len(covariance) - 1))
    directions = torch.from_numpy(vectors.T.astype(np.float32)).unflatten(1, (channels, rows, columns))
    return GaussianPrior(autoencoder, directions, torch.from_numpy((share * (values - 1)).astype(np.float32)))
