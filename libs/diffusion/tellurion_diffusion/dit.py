"""A diffusion transformer for fields on the globe that are conditioned on another field of the same grid.

The blocks are those of Peebles & Xie (2023), adaLN-zero, with cross-attention to the condition's tokens; as in PixArt-α
(Chen et al. 2024) one layer modulates all of them, to which each adds an offset of its own. The condition's token is
also added to the state's at the same place, so that no head is spent on finding it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput
from tellurion_diffusion.blocks import level_embedding, zeroed
from tellurion_diffusion.dit_spec import DiTSpec

BRANCHES = 3
"""Of a block: attention to the state's own tokens, to the condition's, and a perceptron of each token."""


class DiT(nn.Module):
    """The network of `spec`; untrained, its output is zero. It takes any grid whose sides the patch divides."""

    def __init__(self, spec: DiTSpec) -> None:
        super().__init__()
        self.spec = spec
        width, cells = spec.width, spec.patch**2
        self.level = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.features = nn.Linear(spec.features, width) if spec.features else None
        self.state = nn.Linear(spec.channels * cells, width)
        self.condition = nn.Linear(spec.static * cells, width)
        self.modulation = zeroed(nn.Linear(width, 3 * BRANCHES * width))
        self.blocks = nn.ModuleList(Block(width, spec.heads) for _ in range(spec.depth))
        self.last = zeroed(nn.Linear(width, 2 * width))
        self.head = zeroed(nn.Linear(width, spec.channels * cells))

    def forward(
        self,
        x: Tensor,  # [B, C, H, W]
        log_sigma: Tensor,  # [B]
        features: Tensor | None = None,  # [B, F]
        static: Tensor | None = None,  # [1 or B, S, H, W]
    ) -> Tensor:
        """[B, C, H, W]; a condition that all of the batch share, [1, S, H, W] or expanded, becomes tokens once for all.

        Raises InvalidInput when channels, features or sides are not as the spec says.
        """
        static = self._checked(x, features, static)
        rows, columns = (side // self.spec.patch for side in x.shape[-2:])
        where = positions(rows, columns, self.spec.width, x.device).to(x.dtype)
        condition = self.condition(self._patches(static)) + where
        h = self.state(self._patches(x)) + condition
        level = level_embedding(log_sigma, self.spec.width).to(x.dtype)
        if self.features is not None and features is not None:
            level = level + self.features(features.to(x.dtype))
        level = self.level(level)[:, None]
        modulation, condition = self.modulation(level), _normalised(condition)
        for block in self.blocks:
            h = block(h, condition, modulation)
        shift, scale = self.last(level).chunk(2, dim=-1)
        out = self.head(torch.addcmul(shift, _normalised(h), 1 + scale))
        return F.pixel_shuffle(out.transpose(1, 2).unflatten(2, (rows, columns)), self.spec.patch)

    def _patches(self, fields: Tensor) -> Tensor:
        """Tokens [B, T, C·patch²] of fields [B, C, H, W]."""
        return F.pixel_unshuffle(fields, self.spec.patch).flatten(2).transpose(1, 2)

    def _checked(self, x: Tensor, features: Tensor | None, static: Tensor | None) -> Tensor:
        """The condition; a single one where it is the same, expanded, for all of the batch."""
        spec = self.spec
        if x.ndim != 4 or x.shape[1] != spec.channels or x.shape[2] % spec.patch or x.shape[3] % spec.patch:
            accepted = f"[B, {spec.channels}, H, W], H and W multiples of {spec.patch}"
            raise InvalidInput.of("x", received=f"shape {tuple(x.shape)}", accepted=accepted)
        fits = static is not None and static.shape[1:] == (spec.static, *x.shape[2:]) and len(static) in (1, len(x))
        if static is None or not fits:
            received = "none" if static is None else f"shape {tuple(static.shape)}"
            accepted = f"[1 or {len(x)}, {spec.static}, {x.shape[2]}, {x.shape[3]}]"
            raise InvalidInput.of("static", received=received, accepted=accepted)
        given = 0 if features is None else features.shape[-1]
        if given != spec.features:
            raise InvalidInput.of("features", received=f"{given} features", accepted=f"{spec.features}")
        return static[:1] if static.stride(0) == 0 else static


class Block(nn.Module):
    """Attention to the state's own tokens and to the condition's, a perceptron; each scaled, shifted and gated."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.offsets = nn.Parameter(torch.zeros(3 * BRANCHES * width))
        self.own = nn.Linear(width, 3 * width)
        self.own_out = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.cross_out = nn.Linear(width, width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))

    def forward(self, h: Tensor, condition: Tensor, modulation: Tensor) -> Tensor:
        """[B, T, width] of h, the condition [1 or B, T, width] and the modulation [B, 1, 9·width]."""
        for branch, of_branch in zip(
            (self._attend_own, lambda x: self._attend(x, condition), self.perceptron),
            (modulation + self.offsets).chunk(BRANCHES, dim=-1),
            strict=True,
        ):
            shift, scale, gate = of_branch.chunk(3, dim=-1)
            h = torch.addcmul(h, gate, branch(torch.addcmul(shift, _normalised(h), 1 + scale)))
        return h

    def _attend_own(self, x: Tensor) -> Tensor:
        query, key, value = map(self._heads, self.own(x).chunk(3, dim=-1))
        return self.own_out(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))

    def _attend(self, x: Tensor, condition: Tensor) -> Tensor:
        key, value = (
            self._heads(each).expand(len(x), -1, -1, -1) for each in self.key_value(condition).chunk(2, dim=-1)
        )
        seen = F.scaled_dot_product_attention(self._heads(self.query(x)), key, value)
        return self.cross_out(seen.transpose(1, 2).flatten(2))

    def _heads(self, tokens: Tensor) -> Tensor:
        """[B, heads, T, width/heads] of tokens [B, T, width]."""
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def positions(rows: int, columns: int, width: int, device: torch.device | None = None) -> Tensor:
    """Where each token stands [rows · columns, width]: cosines from pole to pole, waves round the globe.

    Half of the width is cos(k π (i + ½)/rows), a quarter each cos and sin of 2π k j/columns, which have no seam.
    """
    latitude = torch.arange(width // 2, device=device) * math.pi * (torch.arange(rows, device=device)[:, None] + 0.5)
    longitude = (1 + torch.arange(width // 4, device=device)) * torch.arange(columns, device=device)[:, None]
    angle = 2 * math.pi / columns * longitude
    along = torch.cat([angle.cos(), angle.sin()], dim=1).expand(rows, columns, -1)
    across = (latitude / rows).cos()[:, None].expand(rows, columns, -1)
    return torch.cat([across, along], dim=-1).flatten(0, 1)


def _normalised(tokens: Tensor) -> Tensor:
    return F.layer_norm(tokens, tokens.shape[-1:])
