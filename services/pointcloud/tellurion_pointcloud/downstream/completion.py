"""Partial clouds made whole: what is missing as patches around places that are first guessed.

The token of each patch that is seen guesses a place where something is missing, its counterpart, such as the other side
of what is symmetric; a transformer looks at tokens and places together and gives each place its points. Places that
begin spread over what is seen stay spread, where places out of one vector gather in the middle of what is missing. The
points that were given stay as they are.

Source: Yu et al. 2021 (PoinTr) for places as queries; Pang et al. 2022 (Point-MAE) for the linear head of a patch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.downstream.backbone import Backbone
from tellurion_pointcloud.downstream.crops import nearer_half
from tellurion_pointcloud.geometry.distances import chamfer_l1, chamfer_l2
from tellurion_pointcloud.mmpt import Spec
from tellurion_pointcloud.specs import check_sizes, loaded, saved, stored_fields
from tellurion_pointcloud.transformer import PositionEmbedding, Transformer

MODEL = "completion"
LIMITS = {"partial": 1 << 16, "patch_size": 1024, "depth": 64}
"""Largest numbers that a file may claim."""
CHUNK = 32
"""Clouds that are scored at once."""


@dataclass(frozen=True)
class CompletionSpec:
    """What a completion network is built from."""

    encoder: Spec
    partial: int = 512
    """Points of a partial cloud that are looked at."""
    patch_size: int = 16
    """Points around each place that is guessed, of which there are as many as the encoder has patches."""
    depth: int = 2
    """Blocks of the decoder."""

    def __post_init__(self) -> None:
        check_sizes(self, LIMITS)
        least = max(self.encoder.groups, self.encoder.group_size)
        if self.partial < least:
            raise InvalidInput.of("spec.partial", received=self.partial, accepted=f"{least} at least, for the encoder")

    @classmethod
    def of(cls, stored: Any) -> CompletionSpec:
        """What a weights file says. Raises InvalidInput for names or values that cannot be."""
        known = stored_fields(cls, stored)
        return cls(**{**known, "encoder": Spec.of(known["encoder"])})


@dataclass(frozen=True, eq=False)
class Guess:
    """What is missing."""

    places: Tensor
    """[B, G, 3]."""
    points: Tensor
    """[B, G · patch_size, 3]."""


class Completion(nn.Module):
    """Partial clouds to the points that they lack."""

    def __init__(self, spec: CompletionSpec, backbone: Backbone | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = backbone or Backbone(spec.encoder)
        width = spec.encoder.width
        self.places = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, 3))
        self.query = nn.Linear(width, width)
        self.positions = PositionEmbedding(width)
        self.decoder = Transformer(width, spec.depth, spec.encoder.heads)
        self.points = nn.Linear(width, 3 * spec.patch_size)

    def forward(self, partial: Tensor) -> Guess:
        """Of clouds [B, N, 3] in the unit ball about their own centroid."""
        seen = self.backbone(partial)
        places = seen.centres + self.places(seen.tokens).float()
        positions = self.positions(torch.cat([seen.centres, places], 1))
        tokens = self.decoder(torch.cat([seen.tokens, self.query(seen.tokens)], 1), positions)[:, places.shape[1] :]
        around = self.points(tokens).float().unflatten(-1, (-1, 3))
        return Guess(places, (places[:, :, None] + around).flatten(1, 2))

    def loss(self, partial: Tensor, missing: Tensor) -> dict[str, Tensor]:
        """Chamfer-L1 of places and of points against what clouds [B, N, 3] lack [B, M, 3], as `forward` has them."""
        guess = self(partial)
        return {name: chamfer_l1(getattr(guess, name), missing).mean() for name in ("places", "points")}

    @torch.no_grad()
    def completed(self, partial: Tensor) -> Tensor:
        """[B, N + G · patch_size, 3]: clouds [B, N, 3] of any place and scale, then the points that they lack."""
        framed, centre, radius = in_unit_ball(partial)
        return torch.cat([partial, self(framed).points * radius + centre], 1)

    def save(self, path: Path, card: dict[str, Any]) -> None:
        """Writes a weights file, whole or not at all."""
        saved(path, self, MODEL, asdict(self.spec), card)

    @classmethod
    def load(cls, path: Path) -> Completion:
        """The network of a weights file, ready to be asked. Raises InvalidInput or DataCorrupted for any other."""
        return loaded(path, MODEL, lambda stored: cls(CompletionSpec.of(stored)))


def in_unit_ball(clouds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Clouds [B, N, 3] about their centroid in the unit ball, their centroids [B, 1, 3] and radii [B, 1, 1]."""
    centre = clouds.mean(1, keepdim=True)
    radius = (clouds - centre).norm(dim=-1).amax(1)[:, None, None].clamp_min(torch.finfo(clouds.dtype).tiny)
    return (clouds - centre) / radius, centre, radius


def halved(clouds: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """What viewpoints in directions [B, 3] see of clouds [B, N, 3], and what they do not, in the former's unit ball."""
    partial, missing = nearer_half(clouds, directions), nearer_half(clouds, -directions)
    framed, centre, radius = in_unit_ball(partial)
    return framed, (missing - centre) / radius


@dataclass(frozen=True, eq=False)
class Errors:
    """Chamfer-L2 from the whole clouds."""

    partial: Tensor
    """[M, V] of what each viewpoint sees."""
    completed: Tensor
    """[M, V] of the same made whole."""

    @property
    def ratio(self) -> float:
        """Mean error that is left, as a share of that of the partial clouds."""
        return float(self.completed.mean() / self.partial.mean())


def errors(network: Completion, clouds: Tensor, directions: Tensor) -> Errors:
    """Of clouds [M, N, 3] seen from directions [V, 3]."""
    rows: list[tuple[Tensor, Tensor]] = []
    for direction in directions:
        parts = []
        for whole in clouds.split(CHUNK):
            seen = nearer_half(whole, direction.expand(len(whole), 3))
            parts.append(torch.stack([chamfer_l2(seen, whole), chamfer_l2(network.completed(seen), whole)]))
        rows.append(tuple(torch.cat(parts, 1)))
    partial, completed = (torch.stack(each, 1) for each in zip(*rows, strict=True))
    return Errors(partial, completed)
