"""Fine-tuned classification: a head on the embedding, trained together with the encoder.

Source: Pang et al. 2022 (Point-MAE): two hidden layers of 256, half of their features dropped. Normalisation is over a
layer, not over the batch, so that a cloud's answer does not depend on the others of its batch.
"""

from __future__ import annotations

from torch import Tensor, nn

from tellurion_pointcloud.downstream.backbone import Backbone

HIDDEN = 256
DROPPED = 0.5


class Classifier(nn.Module):
    """Clouds to classes."""

    def __init__(self, backbone: Backbone, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Sequential(*_layer(2 * backbone.spec.width), *_layer(HIDDEN), nn.Linear(HIDDEN, classes))

    def forward(self, clouds: Tensor) -> Tensor:
        """[B, classes] unnormalised log probabilities of normalised clouds [B, N, 3]."""
        return self.head(self.backbone(clouds).embedding)


def _layer(before: int) -> list[nn.Module]:
    return [nn.Linear(before, HIDDEN), nn.LayerNorm(HIDDEN), nn.ReLU(), nn.Dropout(DROPPED)]
