"""Estimate the atmosphere's background errors that ship with the service, and its normalisation.

    python -m tellurion_assimilation.training.background_errors FOLDER [OUTPUT]

FOLDER is that of `tellurion_assimilation.training.backgrounds`. The covariance is estimated from the errors of the
training cycles; the half-width of its taper and its amplitude are those with which 3D-Var does best on the validation
run. The test runs are never opened.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.background_errors import FILE, ZonalErrors, moments, tapered
from tellurion_assimilation.systems.atmosphere import Layout, normalisation
from tellurion_assimilation.systems.atmosphere.columns import Columns
from tellurion_assimilation.training.backgrounds import CYCLED, FRACTION, MODES, Backgrounds, departures, rmse
from tellurion_assimilation.training.simulate import SPLITS, Simulation
from tellurion_assimilation.variational_columns import Gain

HALF_WIDTHS = (15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 180.0)
"""Degrees of latitude."""
AMPLITUDES = (0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.45)
CASES = 40
"""Of the validation run, evenly over its time."""
EVERY = 20
"""Snapshots between those that the normalisation is made of."""


def analysis_errors(errors: ZonalErrors, backgrounds: Backgrounds) -> NDArray[np.float32]:
    """[CASES, C, Y, X] what 3D-Var with a covariance leaves of the validation backgrounds' errors."""
    chosen = np.linspace(0, backgrounds.count("validation") - 1, CASES).round().astype(int)
    left = []
    for case, truth, background in zip(chosen, *backgrounds.pairs("validation", chosen), strict=True):
        seen = Columns.of(truth, errors.layout, FRACTION, np.random.default_rng([1, case]))
        left.append(Gain.of(seen, errors).analysis(background) - truth)
    return np.stack(left)


def tune(samples: NDArray[np.float32], backgrounds: Backgrounds) -> tuple[ZonalErrors, dict[str, object]]:
    """The best covariance, and what a card says of it: first the taper, then the amplitude."""
    layout = backgrounds.layout
    std = np.sqrt(mean_square(samples, layout))

    def loss(errors: ZonalErrors) -> float:
        return float((mean_square(analysis_errors(errors, backgrounds), layout) / std**2).mean())

    raw = moments(samples, layout)
    tapers = {width: tapered(raw, layout, half_width=width, count=MODES) for width in HALF_WIDTHS}
    by_width = {width: loss(errors) for width, errors in tapers.items()}
    width = min(by_width, key=by_width.__getitem__)
    by_amplitude = {amplitude: loss(tapers[width].times(amplitude)) for amplitude in AMPLITUDES}
    amplitude = min(by_amplitude, key=by_amplitude.__getitem__)
    best = tapers[width].times(amplitude)
    kept = best.variance().mean(axis=1) / amplitude / ((samples**2).mean(axis=(0, 3)).mean(axis=1))
    return best, {
        "samples": len(samples),
        "half_width": width,
        "amplitude": amplitude,
        "eigenvectors": MODES,
        "variance_kept": round(float(kept.mean()), 4),
        "loss_by_half_width": by_width,
        "loss_by_amplitude": by_amplitude,
        "background": rmse(samples, layout),
        "analysis": rmse(analysis_errors(best, backgrounds), layout),
    }


def mean_square(fields: NDArray[np.floating], layout: Layout) -> NDArray[np.float64]:
    """[C] over the sphere and all samples [K, C, Y, X]."""
    return np.einsum("kcyx,kcyx,y->c", fields, fields, layout.area, optimize=True) / (len(fields) * layout.shape[2])


def normalise(simulation: Simulation) -> dict[str, object]:
    """Mean and standard deviation of the channels, over the sphere and the training runs."""
    layout, runs = simulation.store.layout, slice(0, len(SPLITS["train"]))
    states = np.concatenate([simulation.states(runs, at) for at in range(0, len(simulation), EVERY)]).astype(np.float64)
    mean = states.mean(axis=(0, 3)) @ layout.area
    std = np.sqrt(mean_square(states - mean[:, None, None], layout))
    return {
        "truncation": layout.truncation,
        "levels": layout.levels,
        "channels": layout.channels,
        "mean": [float(f"{value:.5g}") for value in mean],
        "std": [float(f"{value:.4g}") for value in std],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="tellurion_assimilation.training.background_errors", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="of the backgrounds")
    parser.add_argument("output", type=Path, nargs="?", default=Path(__file__).parents[1] / "data")
    given = parser.parse_args(arguments)
    backgrounds = Backgrounds(given.folder)
    (given.output / normalisation.FILE).write_text(json.dumps(normalise(backgrounds.simulation), indent=2) + "\n")
    errors, card = tune(departures(given.folder, CYCLED), backgrounds)
    errors.save(given.output / FILE)
    (given.output / FILE).with_suffix(".json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(card, ensure_ascii=False))


if __name__ == "__main__":
    main()
