"""A UNet for fields on the globe: depth levels are channels, and longitude may be a ring.

The architecture is that of Nichol & Dhariwal (2021), as released in improved-diffusion, with a plain convolution or
nearest neighbours for resampling. Differences: an optional patch stem (pixel unshuffle), circular convolutions, extra
scalar features, and log σ as the time.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tellurion_core.errors import InvalidInput
from tellurion_diffusion.blocks import (
    Attention,
    Convolution,
    Downsample,
    ResidualBlock,
    Stage,
    Upsample,
    level_embedding,
    normalisation,
    zeroed,
)
from tellurion_diffusion.unet_spec import UNetSpec


class UNet(nn.Module):
    """The network of `spec`; untrained, its output is zero.

    Any height and width are taken. Rows beyond the bottom are zeros up to a multiple of the total stride, and are cut
    off again; so are columns beyond the right edge where the grid is not periodic. A periodic grid whose width is a
    multiple of the stride has no seam: rolling the input by a multiple of the stride rolls the output. Another width
    cannot be halved evenly round the ring: there the field is continued round the globe by at least one stride on both
    sides and cut back, so that the place where the continuation closes lies outside of what is kept, at the cost of
    those columns; the wrap is then good, not exact. Choose a patch and a number of resolutions that divide the width.
    """

    def __init__(self, spec: UNetSpec, *, checkpointing: bool = False) -> None:
        """The network; `checkpointing` computes each block again on the way back instead of keeping its inside."""
        super().__init__()
        self.spec = spec
        self.checkpointing = checkpointing
        embedding = 4 * spec.width
        self.level = nn.Sequential(nn.Linear(spec.width, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.features = nn.Linear(spec.features, embedding) if spec.features else None
        self.stem = Convolution(spec.in_channels * spec.patch**2, spec.width, periodic=spec.periodic)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        channels, skips = spec.width, [spec.width]
        for resolution, multiplier in enumerate(spec.multipliers):
            if resolution:
                self.down.append(Downsample(channels, periodic=spec.periodic))
                skips.append(channels)
            for _ in range(spec.blocks):
                self.down.append(_stage(spec, channels, spec.width * multiplier, resolution in spec.attention))
                channels = spec.width * multiplier
                skips.append(channels)
        self.middle = nn.ModuleList(
            [_stage(spec, channels, channels, spec.middle_attention), _stage(spec, channels, channels, False)]
        )
        for resolution, multiplier in reversed(list(enumerate(spec.multipliers))):
            for _ in range(spec.blocks + 1):
                out = spec.width * multiplier
                self.up.append(_stage(spec, channels + skips.pop(), out, resolution in spec.attention))
                channels = out
            if resolution:
                self.up.append(Upsample(channels, periodic=spec.periodic))
        self.norm = normalisation(channels)
        self.head = zeroed(Convolution(channels, spec.out_channels * spec.patch**2, periodic=spec.periodic))

    def forward(
        self,
        x: Tensor,  # [B, C, H, W]
        log_sigma: Tensor,  # [B]
        features: Tensor | None = None,  # [B, F]
        static: Tensor | None = None,  # [1 or B, S, H, W]
    ) -> Tensor:
        """[B, out_channels, H, W]; the static fields are further input channels, C + S = in_channels.

        Static fields that all of the batch share, [1, S, H, W], go through the first convolution once for all.

        Raises InvalidInput when channels or features are not as many as the spec says.
        """
        self._check(x, static, features)
        embedding = self.level(level_embedding(log_sigma, self.spec.width).to(x.dtype))
        if self.features is not None and features is not None:
            embedding = embedding + self.features(features.to(x.dtype))
        h, left = self._stemmed(x, static)
        skips = [h]
        for layer in self.down:
            h = self._stage(layer, h, embedding) if isinstance(layer, Stage) else layer(h)
            skips.append(h)
        for layer in self.middle:
            h = self._stage(layer, h, embedding)
        for layer in self.up:
            is_stage = isinstance(layer, Stage)
            h = self._stage(layer, torch.cat([h, skips.pop()], dim=1), embedding) if is_stage else layer(h)
        out = F.pixel_shuffle(self.head(F.silu(self.norm(h))), self.spec.patch)
        return out[..., : x.shape[-2], left : left + x.shape[-1]]

    def _stemmed(self, x: Tensor, static: Tensor | None) -> tuple[Tensor, int]:
        """The first convolution of state and static fields, and the columns added on the left."""
        state, left = self._padded(x)
        state = F.pixel_unshuffle(state, self.spec.patch)
        if static is None:
            return self.stem(state), left
        fixed = F.pixel_unshuffle(self._padded(static)[0], self.spec.patch)
        if len(static) == len(x):
            return self.stem(torch.cat([state, fixed], dim=1)), left
        of_state, of_fixed = self.stem.weight.split([state.shape[1], fixed.shape[1]], dim=1)
        return self.stem.part(state, of_state) + self.stem.part(fixed, of_fixed, self.stem.bias), left

    def _stage(self, stage: nn.Module, h: Tensor, embedding: Tensor) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(stage, h, embedding, use_reentrant=False)
        return stage(h, embedding)

    def _padded(self, x: Tensor) -> tuple[Tensor, int]:
        """The fields with sides that the total stride divides, and the columns added on the left."""
        stride, width = self.spec.stride, x.shape[-1]
        below, beside = -x.shape[-2] % stride, -width % stride
        if self.spec.periodic and beside:
            columns = torch.arange(-stride, width + stride + beside, device=x.device) % width
            return F.pad(x[..., columns], (0, 0, 0, below)), stride
        return F.pad(x, (0, beside, 0, below)), 0

    def _check(self, x: Tensor, static: Tensor | None, features: Tensor | None) -> None:
        channels = x.shape[1] + (0 if static is None else static.shape[1]) if x.ndim == 4 else None
        if channels != self.spec.in_channels:
            accepted = f"[B, {self.spec.in_channels}, H, W], with the static fields"
            received = f"shape {tuple(x.shape)}" + ("" if static is None else f" and {tuple(static.shape)}")
            raise InvalidInput.of("x", received=received, accepted=accepted)
        given = 0 if features is None else features.shape[-1]
        if given != self.spec.features:
            raise InvalidInput.of("features", received=f"{given} features", accepted=f"{self.spec.features}")


def _stage(spec: UNetSpec, channels: int, out: int, attention: bool) -> Stage:
    block = ResidualBlock(
        channels,
        out,
        4 * spec.width,
        scale_shift=spec.scale_shift,
        dropout=spec.dropout,
        periodic=spec.periodic,
    )
    return Stage(block, Attention(out, spec.heads) if attention else None)
