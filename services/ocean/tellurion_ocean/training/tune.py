"""Tune the prior's hyperparameters by leaving out one training month at a time.

    python -m tellurion_ocean.training.tune --method eof_oi [--rounds 1] [--seed 0] [--output FILE]
    python -m tellurion_ocean.training.tune --method hybrid

Each month in turn is observed sparsely, at 7.5 % of the cells and along 500 profiles, and analysed with a prior of the
other nine: first by `eof_oi`, from START, then by `hybrid` for the values that it adds, from those that stand in the
file. One hyperparameter after another takes the candidate with the smallest loss. February and August are never opened.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from tellurion_ocean import scores
from tellurion_ocean.atlas import TRAINING_MONTHS
from tellurion_ocean.evaluate import experiment
from tellurion_ocean.methods import analyse
from tellurion_ocean.observations import quality_control
from tellurion_ocean.prior import Hyperparameters

START = Hyperparameters(
    harmonics=2,
    harmonic_ridge=4.0,
    std_smoothing=6.0,
    std_floor=0.1,
    eof_count=9,
    eof_variance=0.1,
    residual_variance=0.85,
    length_scale=5.0,
    depth_scale=4.0,
    representativeness=0.0001,
    eof_fit_variance=3.0,
    neighbours=32,
    pattern_share=0.35,
    localisation=1.5,
)
CANDIDATES: dict[str, dict[str, tuple[float, ...]]] = {
    "eof_oi": {
        "length_scale": (4.0, 5.0, 6.0),
        "depth_scale": (2.5, 3.0, 4.0),
        "std_smoothing": (4.0, 6.0, 8.0),
        "std_floor": (0.1, 0.2),
        "harmonic_ridge": (4.0, 8.0),
        "eof_variance": (0.03, 0.1, 0.3, 1.0),
        "eof_fit_variance": (1.0, 3.0, 10.0),
        "representativeness": (0.0001, 0.001),
    },
    "hybrid": {"pattern_share": (0.2, 0.35, 0.5), "localisation": (1.0, 1.5, 2.0)},
}
"""`harmonics`, `eof_count` and `neighbours` keep the published choice: 2, 9 and 32. `residual_variance` makes the whole
prior variance 1 on average; the analyses rescale it."""
PROFILES = 500


@dataclass(frozen=True)
class LeftOut:
    """Scores over all left-out months and both ways of observing."""

    loss: float
    """Geometric mean of the CRPS, °C."""
    cells: float
    """°C², mean squared error at unobserved cells, 7.5 % of the cells observed."""
    profiles: float
    """°C², the same with 500 profiles."""
    climatology: float
    """°C², of the climatology alone."""
    spread_skill: tuple[float, float]
    """Smallest and largest."""


def leave_one_out(hyperparameters: Hyperparameters, seed: int, *, method: str = "eof_oi") -> LeftOut:
    """The scores of a method when every training month has been left out once; mask seeds are `seed` + month."""
    crps, errors, spread, climatology = [], {None: [], PROFILES: []}, [], []
    for month in TRAINING_MONTHS:
        for profiles in errors:
            trial = experiment(month, profiles=profiles, seed=seed + month, hyperparameters=hyperparameters)
            accepted, _ = quality_control(trial.observations, trial.prior, month)
            result = analyse(method, trial.prior, accepted, month)
            hidden = trial.prior.wet & ~trial.observed
            truth, mean, std = trial.truth[hidden], result.mean[hidden], result.std[hidden]
            crps.append(scores.gaussian_crps(mean, std, truth))
            errors[profiles].append(np.mean((mean - truth) ** 2))
            spread.append(scores.spread_skill(std**2, (mean - truth) ** 2))
            climatology.append(np.mean((trial.prior.climatology(month) - trial.truth[trial.prior.wet]) ** 2))
    return LeftOut(
        float(np.exp(np.mean(np.log(crps)))),
        float(np.mean(errors[None])),
        float(np.mean(errors[PROFILES])),
        float(np.mean(climatology)),
        (float(min(spread)), float(max(spread))),
    )


def tune(method: str, start: Hyperparameters, rounds: int, seed: int) -> tuple[Hyperparameters, LeftOut]:
    """Coordinate descent from `start` over the CANDIDATES of a method."""
    best, found = start, leave_one_out(start, seed, method=method)
    for _ in range(rounds):
        before = best
        for name, candidates in CANDIDATES[method].items():
            for value in candidates:
                trial = replace(best, **{name: value})
                if trial == best:
                    continue
                result = leave_one_out(trial, seed, method=method)
                print(f"{name}={value:g} {result}", flush=True)
                if result.loss < found.loss:
                    best, found = trial, result
        if best == before:
            break
    return best, found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="tellurion_ocean.training.tune", description=__doc__.splitlines()[0])
    parser.add_argument("--method", choices=CANDIDATES, default="eof_oi")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    weights = Path(__file__).parents[1] / "weights"
    parser.add_argument("--output", type=Path, default=weights / "hyperparameters.json")
    given = parser.parse_args(arguments)
    start = START if given.method == "eof_oi" else Hyperparameters.shipped()
    best, found = tune(given.method, start, given.rounds, given.seed)
    tuned = f"--method {given.method} --rounds {given.rounds} --seed {given.seed}"
    earlier = json.loads(given.output.read_text()) if given.output.exists() else {}
    card = {
        "hyperparameters": asdict(best),
        "origins": {**earlier.get("origins", {}), **dict.fromkeys(CANDIDATES[given.method], f"tuned: {given.method}")},
        "months": list(TRAINING_MONTHS),
        "commands": {**earlier.get("commands", {}), given.method: f"python -m tellurion_ocean.training.tune {tuned}"},
        "left_out": {**earlier.get("left_out", {}), given.method: asdict(found)},
    }
    given.output.write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
