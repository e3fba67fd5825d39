"""Make preference pairs: unguided members of many backgrounds, rewarded, the best against the worst.

    python -m tellurion_assimilation.training.preferences DATA PAIRS --backgrounds 300

One background after another, each a file of its own: the command goes on where it stopped, and others can read what is
there. The backgrounds are those of the runs kept for preferences. Forecasts need the extra `atmosphere`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from tellurion_assimilation.alignment import ALIGNMENTS, select
from tellurion_assimilation.background_errors import FILE, ZonalErrors
from tellurion_assimilation.geostrophy import Geostrophy
from tellurion_assimilation.guidance import STEPS, draws, unseen
from tellurion_assimilation.methods.var3d import BackgroundErrors
from tellurion_assimilation.prior import AUTOENCODER_FILE, PRIORS, Prior
from tellurion_assimilation.rewards import weighted_errors, win_rate
from tellurion_assimilation.systems.atmosphere import Atmosphere, Layout
from tellurion_assimilation.training.backgrounds import Backgrounds
from tellurion_core.errors import InvalidInput, TellurionError

FORECAST_HOURS = 48


class Forecaster(Protocol):
    """What is asked of an `Atmosphere`."""

    layout: Layout

    def forecast(self, states: NDArray[np.float32], hours: float, /) -> NDArray[np.float32]:
        """States [B, C, Y, X] so many hours later."""
        ...


def rewards_of(
    members: NDArray[np.float32],  # [N, C, Y, X]
    truth: NDArray[np.float32],  # [C, Y, X]
    atmosphere: Forecaster,
    std: NDArray[np.float32],  # [C]
) -> Mapping[str, NDArray[np.float64]]:
    """Each of the rewards [N]."""
    area, balance = atmosphere.layout.area, Geostrophy(atmosphere.layout)
    later = atmosphere.forecast(np.concatenate([members, truth[None]]), FORECAST_HOURS)
    return {
        "accuracy": win_rate(weighted_errors(members, truth, std, area)),
        "forecast": win_rate(weighted_errors(later[:-1], later[-1], std, area)),
        "physics": balance.physics_score(torch.from_numpy(members), torch.from_numpy(truth)).double().numpy(),
    }


def make(
    prior: Prior,
    backgrounds: Backgrounds,
    atmosphere: Forecaster,
    errors: BackgroundErrors,
    folder: Path,
    *,
    count: int,
    members: int,
    each: int,
    steps: int,
) -> None:
    """Write the files of `count` backgrounds, evenly over the runs, that are not there yet.

    A file holds the latents of all members, their rewards, and `each` pairs of members for each alignment. What latents
    cannot show is one draw of background `errors` for all members, so that their rewards differ by their latents alone.
    """
    known = backgrounds.count("preference")
    if not 1 <= count <= known:
        raise InvalidInput.of("backgrounds", received=count, accepted=f"1 to {known}")
    folder.mkdir(exist_ok=True)
    for index in np.linspace(0, known - 1, count).round().astype(int).tolist():
        path = folder / f"{index:06}.npz"
        if path.exists():
            continue
        truth, background = (states[0] for states in backgrounds.pairs("preference", slice(index, index + 1)))
        latents = draws(prior, background, members=members, seed=index, steps=steps).members
        states = prior.states(torch.from_numpy(background), latents) + unseen(prior, errors, [0], index)
        rewards = rewards_of(states.numpy(), truth, atmosphere, prior.autoencoder.std.numpy())
        chosen = {name: select(rewards, name, each) for name in ALIGNMENTS}
        fresh = path.with_suffix(".tmp")
        with fresh.open("wb") as file:
            np.savez(file, latents=latents.numpy().astype(np.float16), **rewards, **chosen)
        fresh.replace(path)
        spans = "  ".join(f"{name} {values.min():.4f}…{values.max():.4f}" for name, values in rewards.items())
        print(f"background {index}  {spans}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        backgrounds = Backgrounds(given.data)
        make(
            Prior.load(given.prior, given.autoencoder),
            backgrounds,
            Atmosphere(backgrounds.layout.truncation, backgrounds.layout.levels),
            ZonalErrors.load(given.errors).measured,
            given.pairs,
            count=given.backgrounds,
            members=given.members,
            each=given.each,
            steps=given.steps,
        )
    except TellurionError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tellurion_assimilation.training.preferences", description=__doc__.splitlines()[0]
    )
    folder = Path(__file__).parents[1] / "weights"
    parser.add_argument("data", type=Path, help="folder of the simulated backgrounds")
    parser.add_argument("pairs", type=Path, help="folder of the files to write")
    parser.add_argument("--backgrounds", type=int, default=300, help="how many, evenly over the runs (%(default)s)")
    parser.add_argument("--members", type=int, default=32, help="of each background (%(default)s)")
    parser.add_argument("--each", type=int, default=5, help="pairs of a background and alignment (%(default)s)")
    parser.add_argument("--steps", type=int, default=STEPS, help="levels of the sampling (%(default)s)")
    parser.add_argument("--errors", type=Path, default=folder.with_name("data") / FILE, help="those of the backgrounds")
    parser.add_argument("--prior", type=Path, default=folder / PRIORS["none"], help="weights of the prior")
    parser.add_argument(
        "--autoencoder", type=Path, default=folder / AUTOENCODER_FILE, help="weights of its autoencoder"
    )
    return parser


if __name__ == "__main__":
    main()
