"""Analyses of real monthly winds: the learned prior beside climatology, persistence and tuned optimal interpolation.

    python tests/bench/assimilation_winds.py [--seeds 3]

All 32 months for test, with 1, 5 and 10 % of the cells observed, both components with an error of 0.5 m/s; each seed
draws other cells for every month. Intervals are those of the paired block bootstrap over months, 95 %. A quarter of an
hour on two quiet cores. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping

import numpy as np
from targets import Target, at_most, exit_code, markdown, target_table

from tellurion_assimilation.catalogue import COMPARABLE, WINDS
from tellurion_assimilation.compare_winds import compare_winds
from tellurion_assimilation.paired import Cases, Compared, Figure
from tellurion_assimilation.systems.winds import TEST_MONTHS, held_out_winds, training_winds
from tellurion_assimilation.wind_background import WindBackground

OBSERVED = 0.01, 0.05, 0.1
SEEDS = 3
FORECASTS = "climatology", "persistence"
NEAR = 1.05
"""Times the error of optimal interpolation, at most."""
FIGURES = {
    "mse_analysis": "MSE, m²/s²",
    "rmse_eastward": "RMSE of u, m/s",
    "rmse_northward": "RMSE of v, m/s",
    "crps": "CRPS, m/s",
    "spread_skill": "spread–skill",
}


def table(seeds: int = SEEDS) -> Mapping[float, Cases]:
    """By the share of cells observed, what the methods made of each month: means over the seeds."""
    background, found = WindBackground(training_winds()), {}
    for observed in OBSERVED:
        print(f"{observed:.0%} …", file=sys.stderr, flush=True)
        found[observed] = mean(
            compare_winds(
                COMPARABLE[WINDS], held_out_winds(TEST_MONTHS), background=background, observed=observed, seed=seed
            )
            for seed in range(seeds)
        )
    return found


def mean(of_seeds: Iterator[Cases]) -> Cases:
    """Month by month."""
    several = list(of_seeds)
    components = {
        name: {part: np.mean([each.components[name][part] for each in several], axis=0) for part in parts}
        for name, parts in several[0].components.items()
    }
    seconds = {name: float(np.mean([each.seconds[name] for each in several])) for name in components}
    return Cases(components, several[0].runs, seconds)


def targets(found: Mapping[float, Cases]) -> Iterator[Target]:
    """Better than what needs no observations, and near what is tuned."""
    for observed, cases in found.items():
        what = f"monthly winds, {observed:.0%} observed, analysis MSE, dps"
        for less in FORECASTS:
            difference = cases.compared(less, 0)["dps"].differences["mse_analysis"]
            yield Target(f"{what} less {less}", shown(difference), "interval below 0", difference.high < 0)
        figures = {name: of.figures["mse_analysis"].value for name, of in cases.compared("oi", 0).items()}
        yield at_most(f"{what} over oi", figures["dps"] / figures["oi"], NEAR, digits=3)


def shown(figure: Figure) -> str:
    """A value and its interval."""
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def report(found: Mapping[float, Cases]) -> str:
    """The tables in Markdown."""
    parts = [
        f"## Real monthly winds, {TEST_MONTHS} months for test",
        "Cells are drawn without regard to their area; errors are weighed by it. 95 % intervals.",
    ]
    for observed, cases in found.items():
        methods = cases.compared("oi", 0)
        rows = [_row(name, of, cases.seconds[name]) for name, of in methods.items()]
        parts += [
            f"### {observed:.0%} of the cells observed",
            markdown(["method", *FIGURES.values(), "MSE less oi's", "s"], rows),
        ]
    return "\n\n".join(parts)


def _row(name: str, of: Compared, seconds: float) -> list[str]:
    less = shown(of.differences["mse_analysis"]) if of.differences else "–"
    return [name, *(shown(of.figures[figure]) for figure in FIGURES), less, f"{seconds:.1f}"]


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="draws of the observed cells (%(default)s)")
    found = table(parser.parse_args().seeds)
    print(report(found), target_table(reached := list(targets(found))), sep="\n\n")
    return exit_code(reached)


if __name__ == "__main__":
    sys.exit(main())
