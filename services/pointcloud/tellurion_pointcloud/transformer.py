"""A pre-norm transformer whose positions are added before every block, as point-cloud encoders have it.

Source: Vaswani et al. 2017; Yu et al. 2022 (Point-BERT) for the positions; Huang et al. 2016 for stochastic depth.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MLP_RATIO = 4


class Block(nn.Module):
    """Self-attention and a two-layer network, each on normalised tokens and added to them."""

    def __init__(self, width: int, heads: int, drop: float = 0.0) -> None:
        """`drop` is the probability that a sample skips each of the two, in training."""
        super().__init__()
        self.heads, self.drop = heads, drop
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.projection = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, MLP_RATIO * width), nn.GELU(), nn.Linear(MLP_RATIO * width, width))

    def forward(self, tokens: Tensor, present: Tensor | None = None) -> Tensor:
        """[B, T, C] of [B, T, C]; nothing attends to tokens that are not `present` [B, T]."""
        tokens = tokens + self._kept(self._attention(self.attention_norm(tokens), present))
        return tokens + self._kept(self.mlp(self.mlp_norm(tokens)))

    def _attention(self, tokens: Tensor, present: Tensor | None) -> Tensor:
        q, k, v = self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mask = None if present is None else present[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.projection(mixed.transpose(1, 2).flatten(2))

    def _kept(self, change: Tensor) -> Tensor:
        if not self.training or self.drop == 0.0:
            return change
        keep = torch.rand(len(change), 1, 1, device=change.device) >= self.drop
        return change * keep / (1 - self.drop)


class Transformer(nn.Module):
    """Blocks with stochastic depth that grows to `drop_path`, and a last normalisation."""

    def __init__(self, width: int, depth: int, heads: int, drop_path: float = 0.0) -> None:
        super().__init__()
        drops = [drop_path * block / max(depth - 1, 1) for block in range(depth)]
        self.blocks = nn.ModuleList(Block(width, heads, drop) for drop in drops)
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, positions: Tensor, present: Tensor | None = None) -> Tensor:
        """[B, T, C] of tokens and positions [B, T, C]; nothing attends to tokens that are not `present` [B, T]."""
        for block in self.blocks:
            tokens = block(tokens + positions, present)
        return self.norm(tokens)


class PositionEmbedding(nn.Sequential):
    """Positions [B, T, C] of centres [B, T, 3]: 3 → 128 → C."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))
