"""Gaussian2Scene: a masked autoencoder of a scene's points and of a view of it, and the Gaussians it predicts.

    points of visible patches ── encoder ───────┐                              ┌── points of hidden patches
                                                ├── shared encoder ── decoder ─┼── pixels of hidden patches
    pixels of visible patches ── image encoder ─┘                              └── Gaussians at all points

No code of Gaussian2Scene is published; where its abstract is silent this follows PiMAE (Chen et al. 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.gaussian2scene.gaussians import GaussianHead, PredictedGaussians
from tellurion_pointcloud.gaussian2scene.images import ImageEncoder, image_patches
from tellurion_pointcloud.gaussian2scene.masks import Masks, aligned, seen_in
from tellurion_pointcloud.gaussian2scene.spec import Spec
from tellurion_pointcloud.geometry.checks import points_of
from tellurion_pointcloud.mmpt.encoder import Encoded, pooled
from tellurion_pointcloud.scene_encoder import SceneEncoder, scene_patches
from tellurion_pointcloud.specs import loaded, saved
from tellurion_pointcloud.transformer import PositionEmbedding, Transformer

MODEL = "gaussian2scene"
FAR = 10.0
"""Metres."""
ROOM = 7.0
"""Metres that the diagonal of a cloud is brought to, about that of the rooms learned from."""
GREY = 128
"""Of clouds without colours."""


@dataclass(frozen=True, eq=False)
class Views:
    """A view of each of some scenes."""

    images: Tensor
    """[B, channels, H, W] colours from −0.5 to 0.5, and the depth in units of FAR less 0.5."""
    world_to_camera: Tensor
    """[B, 4, 4] metres."""
    K: Tensor
    """[B, 3, 3] pixels."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Scenes and a view of each, as the networks read them."""

    patches: Tensor
    """[B, G, K, 6] points relative to their centre, metres, and colours from −0.5 to 0.5."""
    centres: Tensor
    """[B, G, 3] metres."""
    views: Views
    """From cameras in the world that the centres are in."""


@dataclass(frozen=True, eq=False)
class Visible:
    """Tokens [B, V, C] of visible patches, and which patches these are [B, V]; not `present` ones are padding."""

    tokens: Tensor
    places: Tensor
    present: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Decoded:
    """What the decoder makes of all patches, visible and hidden."""

    points: Tensor
    """[B, G, K, 3] relative to the centres, metres."""
    pixels: Tensor
    """[B, T, P] normalised."""
    tokens: Tensor
    """[B, G, C] of the scene's patches."""
    spacing: Tensor
    """[B] metres between neighbouring centres."""


class Gaussian2Scene(nn.Module):
    """The networks of both stages; a file says which stage they have been through."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.stage = 0
        """The last that it has been through."""
        width, heads = spec.encoder.width, spec.encoder.heads
        self.encoder = SceneEncoder(spec.encoder)
        self.images = ImageEncoder(spec)
        self.shared = Transformer(width, spec.shared_depth, heads)
        self.shared_positions = PositionEmbedding(width)
        self.decoder = Transformer(width, spec.decoder_depth, heads)
        self.decoder_positions = PositionEmbedding(width)
        self.modalities = nn.Parameter(torch.randn(2, width) * 0.02)
        self.image_positions = nn.Parameter(torch.randn(spec.image_patches, width) * 0.02)
        self.hidden = nn.Parameter(torch.randn(2, width) * 0.02)
        self.points = nn.Linear(width, 3 * spec.encoder.group_size)
        self.pixels = nn.Linear(width, spec.pixels)
        self.gaussians = GaussianHead(spec)

    @torch.inference_mode()
    def encode(self, clouds: Tensor, colours: Tensor | None = None) -> Encoded:
        """What the encoder says of clouds [B, N, 3], z up and of any size, with colours [B, N, 3] uint8, or grey.

        N is at least the patches and the points of each. Raises InvalidInput for clouds that are not finite.
        """
        patches, centres, back = self._cut(clouds, colours)
        tokens = self.encoder(patches, centres)
        return Encoded(pooled(tokens), tokens, back(centres))

    def cells(self, seen: Seen) -> Tensor:
        """[B, G] the image patch that each of the scene's patches is seen in, −1 for none."""
        size = self.spec.image_height, self.spec.image_width
        return seen_in(seen.centres, seen.views.world_to_camera, seen.views.K, size, self.spec.image_patch)

    def visible(self, seen: Seen, masks: Masks) -> tuple[Visible, Visible]:
        """Tokens of the scene's visible patches and of the image's, after the shared encoder."""
        scene = self._scene(seen.patches, seen.centres, masks.scene)
        count = max(int((~masks.image).sum(1).max()), 1)
        places = masks.image.byte().argsort(dim=1, stable=True)[:, :count]
        present = ~masks.image.gather(1, places)
        patches = _at(image_patches(seen.views.images, self.spec.image_patch), places)
        image = Visible(self.images(patches, places, present), places, present)
        positions = self.image_positions[places] + self.modalities[1]
        everywhere = torch.cat([torch.ones_like(scene.places, dtype=torch.bool), present], 1)
        tokens = self.shared(
            torch.cat([scene.tokens, image.tokens], 1),
            torch.cat([self._shared_positions(_at(seen.centres, scene.places)), positions], 1),
            everywhere,
        )
        of_scene, of_image = tokens.split([scene.places.shape[1], count], 1)
        return Visible(of_scene, scene.places), Visible(of_image, places, present)

    def forward(self, seen: Seen, masks: Masks) -> Decoded:
        """All patches from those that are not hidden."""
        scene, image = self.visible(seen, masks)
        here, known = aligned(self.cells(seen), seen.centres, self.spec.image_patches)
        positions = self.image_positions + known[..., None] * self.decoder_positions(here)
        return self._decoded(scene, seen.centres, image, positions)

    def predicted(self, decoded: Decoded, centres: Tensor) -> PredictedGaussians:
        """Gaussians at all points."""
        return self.gaussians(decoded.tokens, centres[:, :, None] + decoded.points, decoded.spacing)

    def _cut(self, clouds: Tensor, colours: Tensor | None) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]:
        """Patches and centres of clouds brought to the size of a room, and the way back of places [B, …, 3]."""
        if colours is None:
            colours = torch.full(clouds.shape, GREY, dtype=torch.uint8)
        if colours.shape != clouds.shape or colours.dtype != torch.uint8:
            received = f"{colours.dtype} {list(colours.shape)}"
            raise InvalidInput.of("colours", received=received, accepted=f"uint8 {list(clouds.shape)}, as the clouds")
        points = points_of(clouds.numpy(force=True), "clouds", axes=3).astype(np.float64)
        diagonal = np.linalg.norm(np.ptp(points, axis=1), axis=-1)
        scale = ROOM / np.where(diagonal > 0, diagonal, ROOM)
        cut = scene_patches(points * scale[:, None, None], colours.numpy(force=True), self.spec.encoder)
        unit, origin = torch.from_numpy(scale).to(clouds), cut.origin.to(clouds)

        def back(places: Tensor) -> Tensor:
            ones = (1,) * (places.ndim - 2)
            return (places + origin.view(-1, *ones, 3)) / unit.view(-1, *ones, 1)

        return cut.patches.to(clouds), cut.centres.to(clouds), back

    def _scene(self, patches: Tensor, centres: Tensor, hidden: Tensor) -> Visible:
        places = hidden.byte().argsort(dim=1, stable=True)[:, : int((~hidden[0]).sum())]
        return Visible(self.encoder(_at(patches, places), _at(centres, places)), places)

    def _shared_positions(self, centres: Tensor) -> Tensor:
        return self.shared_positions(centres) + self.modalities[0]

    def _decoded(self, scene: Visible, centres: Tensor, image: Visible, image_positions: Tensor) -> Decoded:
        tokens = [self._filled(scene, 0, centres.shape[1]), self._filled(image, 1, self.spec.image_patches)]
        positions = [self.decoder_positions(centres) + self.modalities[0], image_positions + self.modalities[1]]
        decoded = self.decoder(torch.cat(tokens, 1), torch.cat(positions, 1))
        of_scene, of_image = decoded[:, : centres.shape[1]], decoded[:, centres.shape[1] :]
        apart = spacing(centres)
        points = self.points(of_scene).float().unflatten(-1, (-1, 3)) * apart[:, None, None, None]
        return Decoded(points, self.pixels(of_image).float(), of_scene, apart)

    def _filled(self, visible: Visible, modality: int, count: int) -> Tensor:
        """[B, count, C] the visible tokens in their places, and what stands for a hidden one elsewhere."""
        hidden, tokens = self.hidden[modality], visible.tokens
        if visible.present is not None:
            tokens = torch.where(visible.present[..., None], tokens, hidden)
        return hidden.expand(len(tokens), count, -1).scatter(1, _wide(visible.places, tokens), tokens)

    def save(self, path: Path, stage: int, card: Mapping[str, Any]) -> None:
        """Writes a weights file after this stage, whole or not at all."""
        saved(path, self, MODEL, {"stage": stage, **self.spec.stored()}, card)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The networks of a weights file, ready to encode. Raises InvalidInput or DataCorrupted for any other."""

        def built(stored: dict[str, Any]) -> Self:
            stage = stored.pop("stage", None)
            if stage not in (1, 2):
                raise InvalidInput.of("weights.spec.stage", received=stage, accepted="1 or 2")
            model = cls(Spec.of(stored))
            model.stage = stage
            return model

        return loaded(path, MODEL, built)


def spacing(centres: Tensor) -> Tensor:
    """[B] the mean distance of centres [B, G, 3] to the nearest other one."""
    apart = torch.cdist(centres, centres)
    return (
        apart.masked_fill(torch.eye(apart.shape[1], dtype=torch.bool, device=apart.device), torch.inf).amin(2).mean(1)
    )


def _at(values: Tensor, places: Tensor) -> Tensor:
    """[B, V, …] of values [B, G, …] at places [B, V]."""
    return values[torch.arange(len(places), device=places.device)[:, None], places]


def _wide(places: Tensor, tokens: Tensor) -> Tensor:
    return places[..., None].expand_as(tokens)
