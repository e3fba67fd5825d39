"""Whether analyses can be cycled: months of a held-out atmosphere, followed by a learned method and by classical ones.

    python tests/bench/assimilation_cycling.py [--method align-dps] [--cycles 200]

All have the same truth and see the same columns of air, 1 % of the cells every 48 hours, and are scored after a burn-in
of 20 days. The first 50 cycles are compared, and the learned method is followed for all. Errors are in standard
deviations of the climate. An hour on two cores. Ends with exit code 1 when the learned method loses the
truth, or states a spread that its error belies.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from targets import Target, exit_code, markdown, target_table, within

from tellurion_assimilation.atmosphere_twin import atmosphere_twin
from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import LEARNED, MEMBERS, OFFERS, RADIUS
from tellurion_assimilation.models import SHIPPED, shipped_prior
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.systems.atmosphere.normalisation import Normalisation

METHOD = "align-dps"
CYCLES, SEED = 200, 1
FILTER_MEMBERS = 20
OPTIONS: Mapping[str, Mapping[str, Any]] = {"letkf": {"localization": RADIUS, "inflation": 1.1}}
BESIDE = ("3dvar", "letkf")
COMPARED = 50
"""Cycles."""
HONEST = (0.7, 1.4)
"""Spread over skill."""
FIGURES = "rmse_analysis", "rmse_forecast", "crps", "spread_skill"


def table(method: str = METHOD, cycles: int = CYCLES) -> list[dict[str, Any]]:
    """The run that is to be judged, and shorter ones of all methods."""
    rows = []
    runs = [(method, cycles), *((name, min(cycles, COMPARED)) for name in (method, *BESIDE))]
    for name, length in runs:
        members = FILTER_MEMBERS if OFFERS[name].ensemble else MEMBERS
        run = atmosphere_twin(
            name,
            OPTIONS.get(name, {}),
            atmosphere=Atmosphere(SHIPPED.truncation, SHIPPED.levels),
            errors=ZonalErrors.shipped(SHIPPED),
            scale=Normalisation.shipped(SHIPPED).std,
            prior=shipped_prior(name) if name in LEARNED else None,
            members=members,
            cycles=length,
            seed=SEED,
            progress=lambda fraction, message, name=name: print(f"{name}: {message}", file=sys.stderr),
        )
        row = {"method": name, "members": members, "cycles": length, "diverged": run.diverged}
        row |= {figure: getattr(run, figure) for figure in FIGURES}
        row |= {"physics": run.balance.physics if run.balance else float("nan"), "outside": _outside(run.ranks)}
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    return rows


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterator[Target]:
    """Of the learned method."""
    row = rows[0]
    what = f"{row['method']}, {row['cycles']} cycles on the atmosphere"
    lost = row["diverged"]
    yield Target(f"{what}, divergence", "none" if lost is None else f"at cycle {lost}", "none", lost is None)
    yield within(f"{what}, spread over skill", [row["spread_skill"]], *HONEST)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    header = ["method", "members", "cycles", "lost", "RMSE", "forecast", "CRPS", "spread/skill", "outside", "physics"]
    cells = (
        [row["method"], row["members"], row["cycles"], "–" if row["diverged"] is None else row["diverged"]]
        + [f"{row[figure]:.4f}" for figure in FIGURES]
        + [f"{row['outside']:.2f}", f"{row['physics']:.3f}"]
        for row in rows
    )
    told = "`outside`: how often the truth lay outside all members, over how often it would among its equals."
    return f"## Cycles of 48 hours on the atmosphere\n\n{markdown(header, cells)}\n\n{told}"


def _outside(ranks: np.ndarray | None) -> float:
    """1 for a flat rank histogram."""
    return float("nan") if ranks is None else (ranks[0] + ranks[-1]) / ranks.sum() * len(ranks) / 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default=METHOD, choices=LEARNED, help="(%(default)s)")
    parser.add_argument("--cycles", type=int, default=CYCLES, help="(%(default)s)")
    given = parser.parse_args(arguments)
    rows = table(given.method, given.cycles)
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
