"""A set-prediction detector: queries at farthest points look at a scene's tokens, and each says what stands there.

Source: Misra, Girdhar and Joulin 2021 (3DETR); the boxes are along the axes of the scene, as its are on ScanNet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes, overlap
from tellurion_pointcloud.detection.average_precision import Detections
from tellurion_pointcloud.scene_encoder import FULL as FULL_ENCODER
from tellurion_pointcloud.scene_encoder import SMALL as SMALL_ENCODER
from tellurion_pointcloud.scene_encoder import SceneEncoder, SceneSpec, scene_patches
from tellurion_pointcloud.specs import check_sizes, loaded, saved, stored_fields
from tellurion_pointcloud.transformer import Block, PositionEmbedding

MODEL = "detector"
LIMITS = {"points": 1 << 20, "queries": 4096, "depth": 64}
"""Largest numbers that a file may claim."""
MOST_CLASSES = 1000
LEAST_SCORE = 0.01
SUPPRESSED = 0.25
"""Overlap."""
LARGEST_LOG_SIZE = 3.0
"""A box's side is at most e³ m, and at least e⁻³ m."""


@dataclass(frozen=True)
class DetectorSpec:
    """What a Detector is built from."""

    classes: tuple[str, ...]
    """Names, in the order of the scores."""
    encoder: SceneSpec = field(default_factory=lambda: SMALL_ENCODER)
    points: int = 4096
    """Points that a scene is sampled to."""
    queries: int = 128
    """Objects that a scene may be said to hold."""
    depth: int = 4
    """Blocks of the decoder."""

    def __post_init__(self) -> None:
        check_sizes(self, LIMITS)
        if self.queries > self.encoder.groups:
            accepted = f"at most {self.encoder.groups} groups of the encoder"
            raise InvalidInput.of("spec.queries", received=str(self.queries), accepted=accepted)
        if not 1 <= len(self.classes) <= MOST_CLASSES or not all(isinstance(name, str) for name in self.classes):
            raise InvalidInput.of("spec.classes", received=self.classes, accepted=f"1 to {MOST_CLASSES} names")

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> DetectorSpec:
        """What a weights file says. Raises InvalidInput for a name or a value that cannot be."""
        known = stored_fields(cls, stored)
        if not isinstance(known["classes"], list):
            raise InvalidInput.of("spec.classes", received=known["classes"], accepted="a list of names")
        if "encoder" in known:
            known["encoder"] = SceneSpec.of(known["encoder"])
        return cls(**{**known, "classes": tuple(known["classes"])})

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "classes": list(self.classes)}


def full(classes: tuple[str, ...]) -> DetectorSpec:
    """The size of 3DETR."""
    return DetectorSpec(classes, FULL_ENCODER, points=40_000, queries=256, depth=8)


class Predictions(NamedTuple):
    """What each query says after each block of the decoder; the last is the answer."""

    logits: Tensor
    """[L, B, Q, classes + 1]; the last class is no object."""
    centres: Tensor
    """[L, B, Q, 3] metres, from the origin of the scene's patches."""
    sizes: Tensor
    """[L, B, Q, 3] metres."""


class DecoderBlock(nn.Module):
    """Queries attend to the scene's tokens, then to each other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key, self.value = nn.Linear(width, width), nn.Linear(width, width)
        self.projection = nn.Linear(width, width)
        self.among = Block(width, heads)

    def forward(self, queries: Tensor, query_positions: Tensor, tokens: Tensor, positions: Tensor) -> Tensor:
        """[B, Q, C] of queries and their positions [B, Q, C], and of tokens and theirs [B, G, C]."""
        q, k, v = (
            each.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for each in (
                self.query(self.query_norm(queries) + query_positions),
                self.key(tokens + positions),
                self.value(tokens),
            )
        )
        seen = functional.scaled_dot_product_attention(q, k, v)
        queries = queries + self.projection(seen.transpose(1, 2).flatten(2))
        return self.among(queries + query_positions)


class Detector(nn.Module):
    """The scene encoder, a decoder, and heads that all of the decoder's blocks share."""

    def __init__(self, spec: DetectorSpec) -> None:
        super().__init__()
        self.spec = spec
        width = spec.encoder.width
        self.encoder = SceneEncoder(spec.encoder)
        self.positions = PositionEmbedding(width)
        self.decoder = nn.ModuleList(DecoderBlock(width, spec.encoder.heads) for _ in range(spec.depth))
        self.norm = nn.LayerNorm(width)
        self.kind = _head(width, len(spec.classes) + 1)
        self.offset, self.size = _head(width, 3), _head(width, 3)

    def forward(self, patches: Tensor, centres: Tensor) -> Predictions:
        """What stands at the first centres of patches [B, G, K, 6] at centres [B, G, 3], farthest points first."""
        tokens, positions = self.encoder(patches, centres), self.positions(centres)
        places, place_positions = centres[:, : self.spec.queries], positions[:, : self.spec.queries]
        queries, answers = tokens[:, : self.spec.queries], []
        for block in self.decoder:
            queries = block(queries, place_positions, tokens, positions)
            said = self.norm(queries)
            logits, offset, log_size = (head(said).float() for head in (self.kind, self.offset, self.size))
            size = log_size.clamp(-LARGEST_LOG_SIZE, LARGEST_LOG_SIZE).exp()
            answers.append((logits, places + offset, size))
        return Predictions(*(torch.stack(each) for each in zip(*answers, strict=True)))

    @torch.inference_mode()
    def detect(self, points: NDArray[np.floating[Any]], colours: NDArray[np.uint8]) -> list[Detections]:
        """What stands in scenes [B, N, 3], metres, z up, with colours [B, N, 3]; the surest of each first.

        Of detections of a class that overlap by more than SUPPRESSED the surest is kept, as 3DETR's evaluation does.
        """
        device = next(self.parameters()).device
        cut = scene_patches(points, colours, self.spec.encoder)
        said = self(cut.patches.to(device), cut.centres.to(device))
        chances = said.logits[-1].softmax(-1)[..., :-1].double().numpy(force=True)
        centres = (said.centres[-1].cpu() + cut.origin[:, None]).double().numpy()
        sizes = said.sizes[-1].double().numpy(force=True)
        return [_detections(*of_scene) for of_scene in zip(chances, centres, sizes, strict=True)]

    def save(self, path: Path, card: Mapping[str, Any]) -> None:
        """Writes a weights file, whole or not at all."""
        saved(path, self, MODEL, self.spec.stored(), card)

    @classmethod
    def load(cls, path: Path) -> Detector:
        """The network of a weights file, ready to detect. Raises InvalidInput or DataCorrupted for any other."""
        return loaded(path, MODEL, lambda stored: cls(DetectorSpec.of(stored)))


def _detections(chances: NDArray[np.float64], centres: NDArray[np.float64], sizes: NDArray[np.float64]) -> Detections:
    """Of chances [Q, classes] of boxes [Q, 3], [Q, 3]: each box as each class that is not out of the question."""
    query, kind = np.nonzero(chances >= LEAST_SCORE)
    order = np.argsort(-chances[query, kind], kind="stable")
    query, kind = query[order], kind[order]
    boxes = Boxes.aligned(centres, sizes)
    near = overlap(boxes, boxes) > SUPPRESSED
    kept: list[int] = []
    for row in range(len(query)):
        if not any(kind[row] == kind[other] and near[query[row], query[other]] for other in kept):
            kept.append(row)
    return Detections(boxes[query[kept]], kind[kept], chances[query[kept], kind[kept]])


def _head(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, outputs))
