"""Tune optimal interpolation of the monthly winds, so that a learned prior has a fair opponent.

    python -m tellurion_assimilation.training.wind_oi

Prints the mean square error, m²/s², of analyses of the last 20 training months for every length and share of divergence
at 1, 5 and 10 % of the cells observed. Half an hour on a core; `compare_winds.CORRELATION` is what it found: the least
geometric mean of the three.
"""

from __future__ import annotations

from itertools import product
from math import prod

from tellurion_assimilation.compare_winds import compare_winds
from tellurion_assimilation.systems.winds import training_winds
from tellurion_assimilation.training.winds import OBSERVED
from tellurion_assimilation.wind_background import HELD_BACK, WindBackground
from tellurion_assimilation.wind_oi import WindCorrelation

LENGTHS = 600.0, 700.0, 800.0, 900.0, 1000.0
DIVERGENT = 0.1, 0.15, 0.2, 0.3


def main() -> None:
    """Run the command."""
    winds = training_winds()
    background, months = WindBackground(winds.part(slice(-HELD_BACK))), winds.part(slice(-HELD_BACK - 1, None))
    for length, divergent in product(LENGTHS, DIVERGENT):
        correlation, errors = WindCorrelation(length, divergent), []
        for observed in OBSERVED:
            cases = compare_winds(
                ["oi"], months, background=background, observed=observed, seed=0, correlation=correlation, members=2
            )
            errors.append(float(cases.components["oi"]["square"].mean()))
        told = "  ".join(f"{observed:.0%} {error:.4f}" for observed, error in zip(OBSERVED, errors, strict=True))
        print(f"{length:.0f} km  {divergent:g}  {told}  mean {prod(errors) ** (1 / len(errors)):.4f}", flush=True)


if __name__ == "__main__":
    main()
