"""The three tasks of MMPT as losses; any of them may be left out.

The reconstructed cloud of the second task is the transformed cloud of the third; without the second task the second
deformation itself is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tellurion_pointcloud.geometry.distances import chamfer_l2
from tellurion_pointcloud.masking import scattered
from tellurion_pointcloud.mmpt import masks
from tellurion_pointcloud.mmpt.model import Mmpt

TASKS = "tokens", "points", "contrast"
TEMPERATURE = 0.1
"""Of the contrast (Chen et al. 2020)."""


@dataclass(frozen=True, eq=False)
class Deformed:
    """Clouds as one deformation leaves them, cut into patches."""

    patches: Tensor
    """[B, G, K, 3] relative to the centres."""
    centres: Tensor
    """[B, G, 3]."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The same things seen three times."""

    first: Deformed
    second: Deformed
    pictures: Tensor
    """[B, 3, S, S] in 0…1."""


def losses(model: Mmpt, seen: Seen, tasks: tuple[str, ...], random: torch.Generator) -> Mapping[str, Tensor]:
    """Each task's loss on a batch; `random` draws the masks."""
    found: dict[str, Tensor] = {}
    if "tokens" in tasks:
        found["tokens"] = token_loss(model, seen.first, random)
    transformed = seen.second
    if "points" in tasks:
        transformed, found["points"] = reconstruction(model, seen.second, random)
    if "contrast" in tasks:
        found["contrast"] = contrast(model, seen.first, transformed, seen.pictures)
    return found


def token_loss(model: Mmpt, seen: Deformed, random: torch.Generator) -> Tensor:
    """Cross-entropy of the words at hidden patches against the frozen tokenizer's choice."""
    hidden = masks.block(seen.centres.cpu(), random).to(seen.centres.device)
    with torch.no_grad():
        words = model.tokenizer.eval().words(seen.patches, seen.centres).argmax(-1)
    told = model.told_words(seen.patches, seen.centres, hidden)
    return functional.cross_entropy(told[hidden], words[hidden])


def reconstruction(model: Mmpt, seen: Deformed, random: torch.Generator) -> tuple[Deformed, Tensor]:
    """The cloud with its hidden patches as they are predicted, and Chamfer-L2 of these, relative to their centres."""
    batch, groups = seen.centres.shape[:2]
    shown, hidden = (index.to(seen.centres.device) for index in scattered(batch, groups, random))
    rows = torch.arange(batch, device=shown.device)[:, None]
    visible, centres, hidden_centres = seen.patches[rows, shown], seen.centres[rows, shown], seen.centres[rows, hidden]
    predicted = model.rebuilt(visible, centres, hidden_centres)
    apart = chamfer_l2(predicted.flatten(0, 1), seen.patches[rows, hidden].flatten(0, 1)).mean()
    whole = Deformed(torch.cat([visible, predicted], 1), torch.cat([centres, hidden_centres], 1))
    return whole, apart


def contrast(model: Mmpt, original: Deformed, transformed: Deformed, pictures: Tensor) -> Tensor:
    """NT-Xent between a cloud and its transformed cloud, and between the mean of both and their picture."""
    one, other = (model.compared(cloud.patches, cloud.centres) for cloud in (original, transformed))
    return nt_xent(one, other) + nt_xent((one + other) / 2, model.pictured(pictures))


def nt_xent(one: Tensor, other: Tensor) -> Tensor:
    """Normalised temperature-scaled cross-entropy of pairs [B, D], all other rows of both being negatives.

    Source: Chen et al. 2020 (SimCLR), equation 1.
    """
    with torch.autocast(one.device.type, enabled=False):  # in bfloat16 near similarities would be one
        both = functional.normalize(torch.cat([one, other]).float(), dim=-1)
        alike = both @ both.T / TEMPERATURE
    alike = alike.masked_fill(torch.eye(len(both), dtype=torch.bool, device=both.device), -torch.inf)
    partner = torch.arange(len(both), device=both.device).roll(len(one))
    return functional.cross_entropy(alike, partner)
