"""A pre-trained encoder as the first part of a network that is trained further."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tellurion_pointcloud.mmpt import Encoded, Encoder, Mmpt, Spec
from tellurion_pointcloud.mmpt.encoder import encoded


class Backbone(nn.Module):
    """Clouds to tokens, with gradients; the answer is that of `Mmpt.encode`."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.encoder = Encoder(spec)

    @classmethod
    def of(cls, pretrained: Mmpt) -> Backbone:
        """With the encoder of MMPT, which is shared."""
        with torch.device("meta"):
            backbone = cls(pretrained.spec)
        backbone.encoder = pretrained.encoder
        return backbone

    def forward(self, clouds: Tensor) -> Encoded:
        """Of normalised clouds [B, N, 3], N at least the patches and the points of each. Raises InvalidInput."""
        return encoded(self.encoder, self.spec, clouds)
