"""Which corpora a training is shown, as options of its command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.training.draws import Draws
from tellurion_pointcloud.training.encoders import SIZES, add_size
from tellurion_pointcloud.unseen import shown


def add_corpora(parser: argparse.ArgumentParser) -> None:
    """Adds the corpora, what of them is left out, and the size of the networks."""
    parser.add_argument("corpora", type=Path, nargs="+", help="folders of corpora, each shown as often as the others")
    add_size(parser)
    parser.add_argument(
        "--folds",
        type=int,
        nargs="*",
        default=[],
        help="folds of labelled things that are shown, without their labels; none where left out",
    )


def draws_of(given: argparse.Namespace) -> tuple[Draws, dict[str, Any]]:
    """What the options ask to be shown, and its description for a model card.

    Raises InvalidInput for a folder that is no corpus, or one of which nothing is left.
    """
    corpora = [Corpus.open(path) for path in given.corpora]
    chosen = [np.flatnonzero(np.isin(corpus.folds, [-1, *given.folds])) for corpus in corpora]
    for path, some in zip(given.corpora, chosen, strict=True):
        if not len(some):
            raise InvalidInput.of("corpora", received=f"{path.name}: nothing", accepted="one unlabelled thing at least")
    things = (f"{len(some)} things of {corpus.source}" for corpus, some in zip(corpora, chosen, strict=True))
    described = {
        "trained_on": "; ".join(things),
        "folds": shown("folds", given.folds, getattr(given, "tokenizer", None), getattr(given, "encoder", None)),
        "batch": given.batch,
        "size": given.size,
    }
    return Draws(corpora, chosen, SIZES[given.size], given.batch), described


def held_out_folds(draws: Draws, given: argparse.Namespace) -> list[int]:
    """The folds of labelled things that are not shown."""
    folds = np.concatenate([corpus.folds for corpus in draws.corpora])
    return np.setdiff1d(folds, [-1, *given.folds]).tolist()
