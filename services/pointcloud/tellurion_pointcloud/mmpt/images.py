"""The image branch: a small residual network from pictures to the width in which they are compared with clouds.

Source: He et al. 2016. Group normalisation, so that a picture's answer does not depend on the others of its batch.
"""

from __future__ import annotations

from torch import Tensor, nn

STAGES = 4


class ImageEncoder(nn.Module):
    """Pictures to features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width << stage for stage in range(STAGES)]
        self.stem = nn.Sequential(nn.Conv2d(3, width, 5, stride=2, padding=2), _norm(width), nn.ReLU())
        self.stages = nn.Sequential(
            *(_Residual(before, after) for before, after in zip([width, *widths[:-1]], widths, strict=True))
        )
        self.features = widths[-1]

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, 8·width] of pictures [B, 3, S, S] in 0…1."""
        return self.stages(self.stem(pictures - 0.5)).mean((2, 3))


class _Residual(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            _norm(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            _norm(after),
        )
        self.short = nn.Conv2d(before, after, 1, stride=2, bias=False)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        return self.relu(self.change(features) + self.short(features))


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(1, width // 8), width)
