"""The learned correction: a network that knows of the ocean what the Gaussian anchor does not, and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_diffusion import UNet, UNetSpec, weights
from tellurion_geo import Grid
from tellurion_ocean.prior import Prior
from tellurion_ocean.surroundings import season, surroundings

KIND = "ocean-correction"
SHIPPED_FILE = "correction.safetensors"
LARGEST_ACTIVATION = 2**26
"""Values of one layer of one member, 256 MiB; the released configuration at 1° has half of it."""


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network, the grid it was trained on, and the SHA-256 of its weights file."""

    unet: UNet
    grid: Grid
    sha256: str

    @classmethod
    def load(cls, path: Path, spec: Mapping[str, Any] | None = None, *, device: str | None = None) -> Network:
        """From a weights file; `spec` stands in for that of a file that has none.

        On `device`, by default the GPU where there is one; there this process convolves in TF32 from now on, and
        multiplies matrices in float32. Raises InvalidInput and DataCorrupted.
        """
        tensors, meaning = weights.load(path, spec=spec)
        unet_spec, grid = _read_spec(meaning)
        with torch.device("meta"):  # what a spec claims takes no memory before the tensors bear it out
            unet = UNet(unet_spec)
        weights.fill(unet, tensors)
        chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if torch.device(chosen).type == "cuda":
            convolve_in_tf32()
        return cls(unet.to(chosen).eval(), grid, weights.sha256(path))

    @classmethod
    def shipped(cls) -> Network:
        """That of weights/correction.safetensors, loaded once."""
        return _shipped()

    def correction(self, prior: Prior, month: int, unit: float = 1.0) -> Correction:
        """The correction of this prior in this month, for states in multiples of `unit` · std.

        Raises InvalidInput when the prior has another grid.
        """
        ours, theirs = self.grid, prior.grid
        if ours.shape != theirs.shape or not all(
            np.allclose(getattr(ours, axis), getattr(theirs, axis), atol=1e-3) for axis in ("depth", "lat", "lon")
        ):
            raise InvalidInput.of("weights", received=f"a network of {ours.shape}", accepted=f"one of {theirs.shape}")
        return Correction(self.unet, prior, month, unit)


class Correction:
    """net(x, σ) of D(x, σ) = signal·x + noise·net(x, σ), at the wet cells; signal·x is the anchor's own denoiser."""

    def __init__(self, unet: UNet, prior: Prior, month: int, unit: float) -> None:
        self._unet = unet
        self._device = next(unet.parameters()).device
        self._wet = torch.from_numpy(prior.wet).to(self._device)
        self._static = torch.from_numpy(surroundings(prior, month, unit)).to(self._device)[None]
        self._season = torch.from_numpy(season(month)).to(self._device)[None]

    @torch.inference_mode()
    def __call__(self, cells: Tensor, sigma: float) -> Tensor:
        """net(x, σ) [B, P] of states at the wet cells [B, P], in multiples of unit · std; one call a batch."""
        return self.differentiable(cells, sigma)

    def differentiable(self, cells: Tensor, sigma: float) -> Tensor:
        """The same, through which a gradient can be taken."""
        count = len(cells)
        field = torch.zeros(count, *self._wet.shape, device=self._device)
        field[:, self._wet] = cells.to(self._device)
        level = torch.full((count,), sigma, device=self._device).log()
        return self._unet(field, level, self._season.expand(count, -1), self._static)[:, self._wet].to(cells.device)


def convolve_in_tf32() -> None:
    """Convolves on CUDA in TF32, seven times as fast as in float32; a sampled member needs no more than its 10 bits.

    Matrices, the waves' phases among them, are multiplied in float32.
    """
    torch.backends.cudnn.conv.fp32_precision = "tf32"
    torch.backends.cuda.matmul.fp32_precision = "ieee"


def check_finite(sampled: NDArray[np.float32], network: Network) -> None:
    """Raises DataCorrupted when what a network led to is not finite: NaN at sea would read as land."""
    if not np.isfinite(sampled).all():
        raise DataCorrupted(f"the weights {network.sha256} lead to fields that are not finite")


def spec_of(unet: UNetSpec, grid: Grid) -> dict[str, Any]:
    """What a weights file says of itself, as JSON."""
    axes = {axis: getattr(grid, axis).tolist() for axis in ("depth", "lat", "lon")}
    return {"kind": KIND, "network": asdict(unet), **axes}


def input_channels(grid: Grid) -> int:
    """Channels of the state and of its surroundings."""
    return 5 * len(grid.depth) + 2


def _read_spec(spec: Mapping[str, Any]) -> tuple[UNetSpec, Grid]:
    if spec.get("kind") != KIND:
        raise InvalidInput.of("weights.spec.kind", received=spec.get("kind"), accepted=KIND)
    try:
        grid = Grid(**{axis: np.array(spec[axis], dtype=np.float64) for axis in ("depth", "lat", "lon")})
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        accepted = "depth, lat and lon as lists of numbers"
        raise InvalidInput.of("weights.spec", received=f"no grid ({error})", accepted=accepted) from error
    unet = UNetSpec.from_json(spec.get("network", {}))
    levels = len(grid.depth)
    if (unet.in_channels, unet.out_channels, unet.features) != (input_channels(grid), levels, 2):
        received = f"{unet.in_channels} channels in, {unet.out_channels} out, {unet.features} features"
        accepted = f"{input_channels(grid)} in, {levels} out, 2 features for {levels} levels"
        raise InvalidInput.of("weights.spec.network", received=received, accepted=accepted)
    cells = grid.shape[1] * grid.shape[2] / unet.patch**2
    if unet.width * max(unet.multipliers) * cells > LARGEST_ACTIVATION:
        received = f"{unet.width * max(unet.multipliers)} channels on {cells:.0f} patches"
        raise InvalidInput.of(
            "weights.spec.network", received=received, accepted=f"{LARGEST_ACTIVATION} at most in all"
        )
    return unet, grid


@cache
def _shipped() -> Network:
    with resources.as_file(resources.files("tellurion_ocean").joinpath("weights", SHIPPED_FILE)) as path:
        return Network.load(path)
