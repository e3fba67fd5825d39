"""MMPT whole: the encoder and what each of its three tasks needs beside it.

    token reconstruction    which words of a frozen tokenizer stand at hidden patches
    point reconstruction    where the points of hidden patches are
    contrast                which reconstructed cloud, and which picture, belongs to a cloud

No code of MMPT is published; where its abstract is silent this follows its parents: Point-BERT, Point-MAE, CrossPoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tellurion_pointcloud.mmpt.encoder import Encoded, Encoder, encoded, pooled
from tellurion_pointcloud.mmpt.images import ImageEncoder
from tellurion_pointcloud.mmpt.spec import Spec
from tellurion_pointcloud.mmpt.tokenizer import Tokenizer
from tellurion_pointcloud.specs import loaded, saved
from tellurion_pointcloud.transformer import PositionEmbedding, Transformer

MODEL = "mmpt"


class Mmpt(nn.Module):
    """The networks of MMPT."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        width = spec.width
        self.encoder = Encoder(spec)
        self.tokenizer = Tokenizer(spec).requires_grad_(False)
        self.hidden_word = nn.Parameter(torch.zeros(width))
        self.words = nn.Linear(width, spec.vocabulary)
        self.hidden_points = nn.Parameter(torch.zeros(width))
        self.decoder_positions = PositionEmbedding(width)
        self.decoder = Transformer(width, spec.decoder_depth, spec.heads)
        self.points = nn.Linear(width, 3 * spec.group_size)
        self.images = ImageEncoder(spec.image_width)
        self.cloud_head = _head(2 * width, spec.contrast)
        self.image_head = _head(self.images.features, spec.contrast)
        for learned in (self.hidden_word, self.hidden_points):
            nn.init.normal_(learned, std=0.02)

    @torch.inference_mode()
    def encode(self, clouds: Tensor) -> Encoded:
        """What the encoder says of normalised clouds [B, N, 3], N at least the patches and the points of each.

        Cost grows with B·(N·G + G²): sampling and grouping, and attention between patches.
        """
        return encoded(self.encoder, self.spec, clouds)

    def told_words(self, patches: Tensor, centres: Tensor, hidden: Tensor) -> Tensor:
        """[B, G, V] unnormalised log probabilities of words, where patches that are `hidden` [B, G] are not seen."""
        tokens = torch.where(hidden[..., None], self.hidden_word, self.encoder.patches(patches))
        return self.words(self.encoder.mixed(tokens, centres))

    def rebuilt(self, patches: Tensor, centres: Tensor, hidden_centres: Tensor) -> Tensor:
        """[B, H, K, 3] points of patches at hidden centres [B, H, 3] from those that are seen [B, G, K, 3]."""
        seen = self.encoder(patches, centres)
        unknown = self.hidden_points.expand(*hidden_centres.shape[:2], -1)
        positions = self.decoder_positions(torch.cat([centres, hidden_centres], 1))
        tokens = self.decoder(torch.cat([seen, unknown], 1), positions)[:, seen.shape[1] :]
        return self.points(tokens).float().unflatten(-1, (-1, 3))  # coordinates keep their precision in bfloat16 too

    def compared(self, patches: Tensor, centres: Tensor) -> Tensor:
        """[B, D] of clouds, in the width in which they are compared with pictures."""
        return self.cloud_head(pooled(self.encoder(patches, centres)))

    def pictured(self, pictures: Tensor) -> Tensor:
        """[B, D] of pictures [B, 3, S, S] in 0…1, in the width in which they are compared with clouds."""
        return self.image_head(self.images(pictures))

    def save(self, path: Path, card: Mapping[str, Any]) -> None:
        """Writes a weights file, whole or not at all."""
        saved(path, self, MODEL, self.spec.stored(), card)

    @classmethod
    def load(cls, path: Path) -> Mmpt:
        """The networks of a weights file, ready to encode. Raises InvalidInput or DataCorrupted for any other."""
        return loaded(path, MODEL, lambda stored: cls(Spec.of(stored)))


def _head(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(before, before), nn.ReLU(), nn.Linear(before, after))
