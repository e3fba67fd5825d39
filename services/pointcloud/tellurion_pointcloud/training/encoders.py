"""The networks that a training is of: their size, or an encoder to begin with, as options of its command."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from tellurion_diffusion import weights
from tellurion_pointcloud.downstream.backbone import Backbone
from tellurion_pointcloud.mmpt import Mmpt
from tellurion_pointcloud.mmpt.spec import FULL, SMALL
from tellurion_pointcloud.unseen import check_unseen

SIZES = {"small": SMALL, "full": FULL}


def add_size(parser: argparse.ArgumentParser) -> None:
    """Adds the size of the networks."""
    parser.add_argument("--size", choices=list(SIZES), default="small", help="of the networks (%(default)s)")


def add_encoder(parser: argparse.ArgumentParser) -> None:
    """Adds the encoder to begin with."""
    parser.add_argument("--encoder", type=Path, help="weights file of MMPT; an untrained one of --size where left out")


def backbone_of(given: argparse.Namespace, judged: Iterable[int] = ()) -> tuple[Backbone, str | None]:
    """The encoder to begin with, and the SHA-256 of its file where there is one.

    Raises InvalidInput for one that was shown things of the folds that the result is `judged` by.
    """
    if given.encoder is None:
        return Backbone(SIZES[given.size]), None
    check_unseen("encoder", weights.card(given.encoder), "folds", judged)
    return Backbone.of(Mmpt.load(given.encoder)), weights.sha256(given.encoder)
