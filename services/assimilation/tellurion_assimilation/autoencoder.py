"""The latent space of the prior: a linear autoencoder of increments, in which background errors are white noise.

An increment r [C, Y, X] is what a background lacks, in units of each channel's standard deviation. Where the climate
is the same at all longitudes the covariance of r has one block C_m a zonal wavenumber m, and of all linear codes its
leading EOFs lose least. A latent z [C, h, w] holds, in the rfft along its w longitudes, the amplitudes of C·h EOFs for
each m < w/2: r̂_m = L_m ẑ_m, where L_m L_mᴴ is the truncated C_m. So z ~ N(0, I) for the errors that it was fitted to:
it is the control variable of 3D-Var, and a prior that has learned nothing yet is the background error of 3D-Var. What
the background shows beyond the truncation stays in the analysis x_b + D(z).

EOFs are waves from pole to pole. Each L_m is therefore turned, L_m → L_m Q_m with Q_m unitary, to be as near as can be
to bumps of a channel at h latitudes (a Procrustes problem), so that a latent lies where it decodes to, as patches and
attention expect; the covariance does not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights

KIND = "assimilation-autoencoder"
LARGEST_FILE = 1 << 26
"""Bytes."""
LEAST_EIGENVALUE = 1e-6
"""Relative to the largest; smaller ones are lost in the rounding of float16, and would be divided by."""


@dataclass(frozen=True, eq=False)
class Autoencoder:
    """D and E between latents [B, C, h, w] and increments [B, C, Y, X] in units of `std`."""

    roots: Tensor
    """L_m [w/2, C·Y, C·h] complex64, m = 0 … w/2 − 1."""
    truncated: Tensor
    """[C, Y] standard deviation, over longitude and time, of what the latents cannot show."""
    std: Tensor
    """[C] each channel's standard deviation, in its own unit."""
    area: Tensor
    """[Y] share of the sphere of a row; they sum to 1."""
    mirror: Tensor
    """[C] ±1: the sign of each channel in the mirror image of a state in the equator."""
    columns: int
    """X."""

    @classmethod
    def load(cls, path: Path) -> Autoencoder:
        """From a weights file. Raises InvalidInput and DataCorrupted."""
        tensors, spec = weights.load(path, largest=LARGEST_FILE)
        if spec.get("kind") != KIND:
            raise InvalidInput.of("weights.spec.kind", received=spec.get("kind"), accepted=KIND)
        shape, latent = (tuple(spec.get(name, ())) for name in ("shape", "latent"))
        if len(shape) != 3 or len(latent) != 3 or not all(type(side) is int and side > 0 for side in shape + latent):
            raise InvalidInput.of(
                "weights.spec", received=(shape, latent), accepted="shape [C, Y, X], latent [C, h, w]"
            )
        (channels, height, columns), (same, rows, waves) = shape, latent
        expected = {
            "roots": (waves // 2, channels * height, channels * rows, 2),
            "truncated": (channels, height),
            "std": (channels,),
            "area": (height,),
            "mirror": (channels,),
        }
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if found != expected or same != channels or waves % 2 or waves > columns or rows > height:
            raise InvalidInput.of("weights", received=found, accepted=f"{expected} for {shape} as {latent}")
        roots = torch.view_as_complex(tensors.pop("roots").contiguous())
        return cls(roots, **tensors, columns=columns)

    def save(self, path: Path, card: Mapping[str, Any]) -> None:
        """Writes a weights file, the roots in float16."""
        tensors = {name: getattr(self, name) for name in ("truncated", "std", "area", "mirror")}
        tensors["roots"] = torch.view_as_real(self.roots).half()
        spec = {"kind": KIND, "shape": [*self.truncated.shape, self.columns], "latent": list(self.latent_shape)}
        weights.save(path, tensors, spec, card)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """C, h, w."""
        channels = len(self.std)
        return channels, self.roots.shape[2] // channels, 2 * len(self.roots)

    def decode(self, latents: Tensor) -> Tensor:
        """D z [B, C, Y, X]. The latent grid's shortest wave, of which it has one phase only, means nothing."""
        waves = torch.fft.rfft(latents.flatten(1, 2), norm="ortho")[..., :-1]  # [B, C·h, m]
        return self._field(torch.einsum("mik,bkm->bim", self.roots, waves), self.columns)

    def encode(self, increments: Tensor) -> Tensor:
        """E r [B, C, h, w]: the latents whose D z is nearest to r, cells weighed by their area; E D is the identity."""
        waves = torch.fft.rfft(increments.flatten(1, 2), norm="ortho")[..., : len(self.roots)]
        return self._field(torch.einsum("mki,bim->bkm", self._inverse, waves), self.latent_shape[2])

    def adjoint(self, increments: Tensor) -> Tensor:
        """Dᵀ r [B, C, h, w]."""
        waves = torch.fft.rfft(increments.flatten(1, 2), norm="ortho")[..., : len(self.roots)]
        return self._field(torch.einsum("mik,bim->bkm", self.roots.conj(), waves), self.latent_shape[2])

    def rest(self, increments: Tensor) -> Tensor:
        """R − D E r [B, C, Y, X], what the latents cannot show of increments."""
        return increments - self.decode(self.encode(increments))

    @cached_property
    def shown(self) -> Tensor:
        """[C, Y] standard deviation of D z for z ~ N(0, I)."""
        return _variance(self.roots, len(self.std), self.columns).sqrt()

    @cached_property
    def _inverse(self) -> Tensor:
        """E_m [w/2, C·h, C·Y], the weighted pseudo-inverses of L_m."""
        weighted = self.roots * self.area.repeat(len(self.std))[:, None]
        transposed = weighted.mH.to(torch.complex128)
        gram = transposed @ self.roots.to(torch.complex128)
        return (torch.linalg.pinv(gram, rtol=LEAST_EIGENVALUE, hermitian=True) @ transposed).to(self.roots.dtype)

    def _field(self, waves: Tensor, columns: int) -> Tensor:
        """[B, C, rows, columns] of its waves [B, C·rows, m]."""
        return torch.fft.irfft(waves, columns, norm="ortho").unflatten(1, (len(self.std), -1))


def fit(
    increments: Iterable[Tensor],
    std: Tensor,  # [C]
    area: Tensor,  # [Y]
    *,
    mirror: Tensor,
    rows: int,
    columns: int,
    symmetric: bool = True,
    taper: Tensor | None = None,  # [Y, Y]
) -> Autoencoder:
    """The autoencoder with latents [C, rows, columns] of batches [B, C, Y, X], in units of `std`.

    Where the climate is also the same in both hemispheres, `symmetric`, each increment counts with its mirror image, in
    which channels have the signs `mirror` [C], −1 for winds across the equator. As many EOFs are then even about the
    equator as are odd, so that the mirror image of a latent field is that of its increment. Covariances between rows of
    the grid are multiplied by the `taper`, where too few increments show that they are none.

    Raises InvalidInput for an odd number of rows or columns, or more of them than the field has.
    """
    if rows % 2 or not 2 <= rows <= len(area):
        raise InvalidInput.of("rows", received=rows, accepted=f"an even number, 2 to {len(area)}")
    blocks, variance, count, width = _covariances(increments, columns)
    channels, height = len(std), len(area)
    blocks, variance = blocks / count, variance / (count * width)
    if taper is not None:
        blocks = blocks * taper.double().tile(channels, channels)
    parts = [torch.eye(channels * height, dtype=torch.complex128)]
    if symmetric:
        signs = mirror.double().repeat_interleave(height)
        mirrored = signs * parts[0].unflatten(0, (channels, height)).flip(1).flatten(0, 1)
        parts = [(parts[0] + parity * mirrored) / 2 for parity in (1, -1)]  # even, and odd, about the equator
        variance = (variance + variance.flip(1)) / 2
    weight = area.double().sqrt().repeat(channels)[:, None]
    each = [torch.linalg.eigh(weight * (part @ blocks @ part.mH) * weight.T) for part in parts]
    kept = channels * rows // len(parts)
    values = torch.cat([values[:, -kept:] for values, _ in each], dim=1)
    vectors = torch.cat([vectors[..., -kept:] for _, vectors in each], dim=2)
    values = values * (values > LEAST_EIGENVALUE * values.max())
    left, _, right = torch.linalg.svd(values.sqrt()[..., None] * vectors.mH @ (weight * _bumps(channels, height, rows)))
    roots = vectors * values.sqrt()[:, None] @ (left @ right) / weight
    truncated = (variance - _variance(roots, channels, width)).clamp(min=0).sqrt()
    return Autoencoder(roots.to(torch.complex64), truncated.float(), std, area, mirror, width)


def _covariances(increments: Iterable[Tensor], columns: int) -> tuple[Tensor, Tensor, int, int]:
    """Sums over the increments: Σ r̂ r̂ᴴ [columns/2, C·Y, C·Y], Σ r² [C, Y] over longitude too; their number, and X."""
    blocks, variance, count, width = torch.zeros(()), torch.zeros(()), 0, 0
    for batch in increments:
        width = batch.shape[-1]
        if columns % 2 or not 2 <= columns <= width:
            raise InvalidInput.of("columns", received=columns, accepted=f"an even number, 2 to {width}")
        waves = torch.fft.rfft(batch.flatten(1, 2).double(), norm="ortho")[..., : columns // 2].permute(2, 1, 0)
        blocks = blocks + waves @ waves.mH
        variance = variance + batch.double().square().sum((0, 3))
        count += len(batch)
    if not count:
        raise InvalidInput.of("increments", received="none", accepted="at least one")
    return blocks, variance, count, width


def _variance(roots: Tensor, channels: int, columns: int) -> Tensor:
    """[C, Y] of r for r̂_m ~ N(0, L_m L_mᴴ); each wave but m = 0 stands for itself and its conjugate."""
    energy = roots.abs().square().sum(-1)
    return (2 * energy.sum(0) - energy[0]).unflatten(0, (channels, -1)) / columns


def _bumps(channels: int, height: int, rows: int) -> Tensor:
    """[C·height, C·rows] complex: for each channel and each of `rows` bands of latitude a Gaussian of its width."""
    spacing = height / rows
    centres = (torch.arange(rows, dtype=torch.float64) + 0.5) * spacing - 0.5
    distance = (torch.arange(height, dtype=torch.float64)[:, None] - centres) / spacing
    return torch.block_diag(*[torch.exp(-2 * distance**2)] * channels).to(torch.complex128)
