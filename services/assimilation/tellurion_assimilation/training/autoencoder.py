"""Fit the autoencoder of increments, and measure what it loses.

    python -m tellurion_assimilation.training.autoencoder DATA

It is fitted in closed form to the errors of the training cycles' backgrounds: minutes, no seed, nothing to resume.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tellurion_assimilation.autoencoder import Autoencoder, fit
from tellurion_assimilation.prior import AUTOENCODER_FILE
from tellurion_assimilation.training.backgrounds import Backgrounds
from tellurion_core.errors import InvalidInput, TellurionError

CHUNK = 64
"""Errors held at once."""


def increments(backgrounds: Backgrounds, split: str, std: Tensor) -> Iterator[Tensor]:
    """[B, C, Y, X] errors of a split's backgrounds, truth less background, in units of `std` [C]."""
    for first in range(0, backgrounds.count(split), CHUNK):
        truth, background = backgrounds.pairs(split, slice(first, first + CHUNK))
        yield torch.from_numpy(truth - background) / std[:, None, None]


@torch.no_grad()
def lost(autoencoder: Autoencoder, increments: Iterator[Tensor]) -> dict[str, float]:
    """Mean square over the sphere, in units of std², of increments and of what is left of them; the share lost."""
    total = left = count = 0.0
    for batch in increments:
        total, left = (
            value + float((each.square().mean(-1) @ autoencoder.area).mean(1).sum())
            for value, each in ((total, batch), (left, autoencoder.rest(batch)))
        )
        count += len(batch)
    return {"increment": total / count, "lost": left / count, "share": left / total}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        _fit(given)
    except TellurionError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


def _fit(given: argparse.Namespace) -> None:
    if not given.output.parent.is_dir():
        raise InvalidInput.of("output", received=given.output.name, accepted="a file in a folder that exists")
    backgrounds = Backgrounds(given.data)
    layout, count = backgrounds.layout, backgrounds.count("cycled")
    area, mirror = (torch.tensor(each, dtype=torch.float32) for each in (layout.area, layout.mirror))
    plain = increments(backgrounds, "cycled", torch.ones(len(mirror)))
    std = torch.sqrt(sum((each.square().mean(-1) @ area).sum(0) for each in plain) / count)
    autoencoder = fit(
        increments(backgrounds, "cycled", std), std, area, mirror=mirror, rows=given.rows, columns=given.columns
    )
    card = {
        "data": backgrounds.description,
        "pairs": count,
        "compression": round(layout.size / np.prod(autoencoder.latent_shape), 1),
        "mean_square_in_units_of_background_error": {
            split: lost(autoencoder, increments(backgrounds, split, std)) for split in ("cycled", "validation")
        },
    }
    autoencoder.save(given.output, card)
    print(json.dumps(card))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellurion_assimilation.training.autoencoder", description=__doc__.splitlines()[0]
    )
    parser.add_argument("data", type=Path, help="folder of the simulated backgrounds")
    parser.add_argument("--rows", type=int, default=12, help="latitudes of a latent (%(default)s)")
    parser.add_argument("--columns", type=int, default=24, help="longitudes of a latent (%(default)s)")
    default = Path(__file__).parents[1] / "weights" / AUTOENCODER_FILE
    parser.add_argument("--output", type=Path, default=default, help=f"weights file (weights/{AUTOENCODER_FILE})")
    return parser


if __name__ == "__main__":
    main()
