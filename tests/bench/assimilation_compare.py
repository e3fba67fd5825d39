"""Learned priors, aligned and not, beside 3D-Var and LETKF on 100 held-out cases of the atmosphere, 1 % of it observed.

    python tests/bench/assimilation_compare.py

Cases of a run are six days apart; intervals are those of the paired block bootstrap, 95 %. An hour on two quiet cores,
after which each case's figures are kept in .cache/assimilation_compare.npz. Ends with exit code 1 when a target is
missed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from targets import Target, at_most, exit_code, markdown, target_table

from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import COMPARED
from tellurion_assimilation.compare import compare
from tellurion_assimilation.models import SHIPPED
from tellurion_assimilation.paired import Cases, Compared, Figure
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.systems.atmosphere.normalisation import Normalisation

CASES = 100
OBSERVED = 0.01
SEED = 1
Table = Mapping[str, Mapping[str, Compared]]
"""By the method that others are compared with: each method's figures, and their differences from it."""
PROCESSES = 2
"""That share the cases, each with a seed of its own and one thread: two threads take longer than half of the time."""
REFERENCES = "3dvar", "letkf"
KEPT = Path(__file__).parents[2] / ".cache" / "assimilation_compare.npz"
NAMES = "mse_analysis", "mse_member", "rmse_forecast", "crps", "spread_skill", "physics"


def measure() -> Cases:
    """All methods on all cases."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        cases = Cases.together(list(pool.map(_part, range(PROCESSES))))
    columns = {f"{name} {part}": each for name, parts in cases.components.items() for part, each in parts.items()}
    KEPT.parent.mkdir(exist_ok=True)
    np.savez(KEPT, runs=[f"{process}.{run}" for process, run in cases.runs], **columns)
    return cases


def _part(number: int) -> Cases:
    def progress(fraction: float, message: str) -> None:
        print(f"{number}: {message}", file=sys.stderr, flush=True)

    return compare(
        list(COMPARED),
        atmosphere=Atmosphere(SHIPPED.truncation, SHIPPED.levels),
        errors=ZonalErrors.shipped(SHIPPED),
        scale=Normalisation.shipped(SHIPPED).std,
        observed=OBSERVED,
        cases=CASES // PROCESSES,
        seed=SEED + number,
        progress=progress,
    )


def table() -> Table:
    """All figures."""
    cases = measure()
    return {name: cases.compared(name, SEED) for name in ("3dvar", "letkf", "dps", "obsfree")}


def targets(found: Table) -> Iterator[Target]:
    """The order of the methods, what alignment does, and how near the aligned prior comes to its elders."""

    def difference(method: str, less: str, figure: str) -> Figure:
        return found[less][method].differences[figure]

    def below(what: str, figure: Figure) -> Target:
        return Target(what, shown(figure), "interval below 0", figure.high < 0)

    def above(what: str, figure: Figure) -> Target:
        return Target(what, shown(figure), "interval above 0", figure.low > 0)

    yield below("analysis MSE, dps less obsfree", difference("dps", "obsfree", "mse_analysis"))
    yield below("analysis MSE, align-dps less dps", difference("align-dps", "dps", "mse_analysis"))
    yield below("MSE of a member, align-dps less dps", difference("align-dps", "dps", "mse_member"))
    yield below("48-h forecast RMSE, align-dps less dps", difference("align-dps", "dps", "rmse_forecast"))
    physics = {name: difference(name, "dps", "physics") for name in ("align-dps", "align-p-dps")}
    yield above("physics score, align-p-dps less dps", physics["align-p-dps"])
    yield at_most(
        "gain of the physics score, align-dps over align-p-dps",
        physics["align-dps"].value / physics["align-p-dps"].value,
        1.0,
    )
    figures = {name: of.figures for name, of in found["3dvar"].items()}
    for figure, what, limit in (("mse_analysis", "analysis MSE", 1.05), ("crps", "CRPS", 1.0)):
        best = min(REFERENCES, key=lambda name: figures[name][figure].value)
        ratio = figures["align-dps"][figure].value / figures[best][figure].value
        yield at_most(f"{what}, align-dps over {best}, the better of 3dvar and letkf", ratio, limit, digits=3)


def shown(figure: Figure) -> str:
    """A value and its interval."""
    return f"{figure.value:.5f} ({figure.low:.5f} to {figure.high:.5f})"


def report(found: Table) -> str:
    """The tables in Markdown."""
    figures = ([name, *(f"{of.figures[figure].value:.5f}" for figure in NAMES)] for name, of in found["3dvar"].items())
    header = f"## Assimilation, {CASES} held-out cases of the atmosphere, {OBSERVED:.0%} observed"
    parts = [header, markdown(["method", *NAMES], figures)]
    for less, methods in found.items():
        lines = (
            [name, *(shown(of.differences[figure]) for figure in NAMES)] for name, of in methods.items() if name != less
        )
        parts += [f"Differences from {less}, with 95 % intervals:", markdown(["method", *NAMES], lines)]
    return "\n\n".join(parts)


def main() -> int:
    """Prints the tables."""
    found = table()
    print(report(found), target_table(reached := list(targets(found))), sep="\n\n")
    return exit_code(reached)


if __name__ == "__main__":
    sys.exit(main())
