"""The tokenizer: a discrete variational autoencoder that gives each patch a word of a learned vocabulary.

Source: Yu et al. 2022 (Point-BERT), after Ramesh et al. 2021. Neighbouring patches are told of each other by one block
of a transformer on either side, where Point-BERT has a graph network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tellurion_pointcloud.geometry.distances import chamfer_l1
from tellurion_pointcloud.mmpt.spec import Spec
from tellurion_pointcloud.patches import PatchEmbedding
from tellurion_pointcloud.transformer import PositionEmbedding, Transformer

CERTAINTY = 2.0
"""What logits are multiplied by, so that from the beginning they are told from the noise that words are drawn with."""
COARSE = 4
"""Points of a patch for each that is first drawn of it."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Patches as a vocabulary gives them back."""

    coarse: Tensor
    """[B, G, K / 4, 3]."""
    fine: Tensor
    """[B, G, K, 3]."""


class Tokenizer(nn.Module):
    """Patches to words and back."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        width, heads = spec.code_width, spec.code_heads
        self.patches = PatchEmbedding(width, spec.hidden)
        self.positions = PositionEmbedding(width)
        self.before = Transformer(width, 1, heads)
        self.logits = nn.Linear(width, spec.vocabulary)
        self.codes = nn.Embedding(spec.vocabulary, width)
        self.after = Transformer(width, 1, heads)
        coarse = spec.group_size // COARSE
        self.coarse = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, 3 * coarse))
        self.fold = nn.Sequential(nn.Linear(width + 5, width), nn.GELU(), nn.Linear(width, 3))
        corners = torch.tensor([[-1.0, -1], [-1, 1], [1, -1], [1, 1]]) * 0.05
        self.register_buffer("corners", corners)

    def words(self, patches: Tensor, centres: Tensor) -> Tensor:
        """[B, G, V] unnormalised log probabilities of patches [B, G, K, 3] at centres [B, G, 3]."""
        return CERTAINTY * self.logits(self.before(self.patches(patches), self.positions(centres)))

    def drawn(self, shares: Tensor, centres: Tensor) -> Drawn:
        """The patches of words in these shares [B, G, V]."""
        tokens = self.after(shares @ self.codes.weight, self.positions(centres))
        coarse = self.coarse(tokens).float().unflatten(-1, (-1, 3))  # [B, G, K/4, 3]
        seeds = coarse[..., None, :].expand(*coarse.shape[:-1], COARSE, 3)
        corners = self.corners.expand(*seeds.shape[:-1], 2)
        context = tokens[:, :, None, None].expand(*seeds.shape[:-1], -1)
        fine = seeds + self.fold(torch.cat([context, corners, seeds], -1)).float()
        return Drawn(coarse, fine.flatten(2, 3))

    def loss(
        self, patches: Tensor, centres: Tensor, temperature: float, spread: float, random: torch.Generator
    ) -> Tensor:
        """Chamfer-L1 of coarse and fine, and `spread` times the divergence of an even use of words from their use.

        By all patches together: a patch of its own is to be certain of its word. No word may be unused, as in
        Point-BERT's code, where its paper has the divergence the other way round.
        """
        logits = self.words(patches, centres)
        uniform = torch.rand(logits.shape, generator=random).clamp_min(1e-9).to(logits.device)
        shares = torch.softmax((logits - torch.log(-torch.log(uniform))) / temperature, -1)
        drawn = self.drawn(shares, centres)
        truth = patches.flatten(0, 1)
        apart = sum(chamfer_l1(points.flatten(0, 1), truth).mean() for points in (drawn.coarse, drawn.fine))
        each = logits.float().log_softmax(-1).flatten(0, 1)  # [B·G, V]
        used = each.logsumexp(0) - math.log(len(each))
        return apart - spread * (used.mean() + math.log(len(used)))

    @torch.inference_mode()
    def information(self, patches: Tensor, centres: Tensor) -> float:
        """Mutual information, nats, of patches [B, G, K, 3] at centres [B, G, 3] and their words.

        0 where words say nothing, at most the logarithm of the vocabulary, or of the number of patches.
        """
        shares = self.words(patches, centres).float().softmax(-1)
        return (_entropy(shares.mean((0, 1))) - _entropy(shares).mean()).item()


def _entropy(shares: Tensor) -> Tensor:
    """Nats, of shares […, V]."""
    return torch.special.entr(shares).sum(-1)
