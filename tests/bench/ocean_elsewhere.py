"""Out of sample: fields that are no month of the atlas, each partly observed and predicted where it was withheld.

    TELLURION_DATA=data python tests/bench/ocean_elsewhere.py [--seeds 3] [--cases levitus …] [--json]

levitus       annual mean (Levitus 1982, 1°), conservatively regridded to 2°, at the 14 levels that it shares with the
              atlas; 7.5 % of the wet cells of a level, or 500 columns, are observed, the others withheld. It is
              analysed with the annual mean of the prior: the harmonics of the year are set to zero, so that no month is
              more right than another; only the network is told of one, April, when a year is near its mean.
nemo          sea surface temperature of February 2015, an ocean model's, 1° curvilinear, interpolated to 2°; 7.5 % of
              the surface's cells are observed, the other surface cells withheld. No deeper level is known.
profiles      48 Atlantic columns of December 1984 down to 1000 m, of potential temperature, converted to in situ with
              their salinity (TEOS-10); half of the columns are observed, the others withheld at their own depths.

Observations state 0.01 °C. `make data` brings the Levitus field into the folder TELLURION_DATA (default: data in the
repository); the others come with iris-sample-data. Five minutes on two quiet cores. Ends with exit code 2 when a file
is missing: no case is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gsw
import iris_sample_data
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from runs import run
from targets import markdown

from tellurion_geo import Curvilinear, point_operator, read_field, regridding
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.atlas import training_atlas
from tellurion_ocean.evaluate import OBSERVED, draw_cells, draw_profiles
from tellurion_ocean.methods import METHODS
from tellurion_ocean.observations import DEFAULT_UNCERTAINTY, Observations, quality_control
from tellurion_ocean.prior import Hyperparameters, Prior
from tellurion_ocean.scores import fair_crps, spread_skill

COMPARED = "climatology", "eof_oi", "gp", "hybrid", "posterior"
PROFILES = 500
NEUTRAL_MONTH = 4
ROOT = Path(__file__).parents[2]
LEVITUS = Path(os.environ.get("TELLURION_DATA", ROOT / "data")) / "usr/share/ferret-vis/data/levitus_climatology.cdf"
SAMPLES = Path(iris_sample_data.path)
NEMO = SAMPLES / "NEMO/nemo_1m_20150201-20150301_grid-T.nc"
ATLANTIC = SAMPLES / "atlantic_profiles.nc"


@dataclass(frozen=True, eq=False)
class Trial:
    """What is observed, what is withheld, and the prior and month to analyse with."""

    prior: Prior
    month: int
    observed: Observations
    withheld: Observations


def shipped_prior() -> Prior:
    """That of the ten training months."""
    atlas = training_atlas()
    return Prior.fit(atlas.temperature, atlas.months, atlas.grid, Hyperparameters.shipped())


def annual(prior: Prior) -> Prior:
    """The same prior about the mean of the year, whatever the month."""
    return replace(prior, coefficients=np.concatenate([prior.coefficients[:1], 0 * prior.coefficients[1:]]))


def levitus(prior: Prior, rng: np.random.Generator, *, profiles: bool) -> Trial:
    """The Levitus field on the cells of the prior."""
    source = read_field(LEVITUS)
    shared = np.isin(source.depth, prior.grid.depth)
    field = np.full(prior.grid.shape, np.nan)
    field[np.isin(prior.grid.depth, source.depth)] = regridding(source.grid, prior.grid, "conservative")(
        source.values[0, shared]
    )
    known = prior.wet & np.isfinite(field)
    observed = draw_profiles(known, PROFILES, rng) if profiles else draw_cells(known, OBSERVED, rng)
    prior = annual(prior)
    return Trial(prior, NEUTRAL_MONTH, *_split(prior, field, known, observed))


def nemo(prior: Prior, rng: np.random.Generator) -> Trial:
    """The model's sea surface temperature on the surface cells of the prior."""
    source = read_field(NEMO)
    field = np.full(prior.grid.shape, np.nan)
    field[0] = regridding(Curvilinear(source.lat, source.lon), prior.grid, "bilinear")(source.values)[0, 0]
    known = prior.wet & np.isfinite(field)
    return Trial(prior, int(source.month[0]), *_split(prior, field, known, draw_cells(known, OBSERVED, rng)))


def profiles(prior: Prior, rng: np.random.Generator) -> Trial:
    """The Atlantic columns, as they stand between the cells of the prior."""
    with xr.open_dataset(ATLANTIC) as file:
        depth, lat, lon = np.meshgrid(file["depth"], file["lat"], file["lon"], indexing="ij")
        potential, salinity = file["theta"].values - 273.15, file["salinity"].values
        month = int(file["time"].dt.month)
    pressure = gsw.p_from_z(-depth, lat)
    absolute = gsw.SA_from_SP(salinity, pressure, lon, lat)
    temperature = gsw.t_from_CT(absolute, gsw.CT_from_pt(absolute, potential), pressure)
    chosen = np.zeros(temperature[0].size, dtype=bool)
    chosen[rng.permutation(chosen.size)[: chosen.size // 2]] = True
    usable = np.isfinite(temperature) & (depth <= prior.grid.depth[-1])
    column = np.broadcast_to(chosen.reshape(temperature[0].shape), temperature.shape)
    parts = (
        Observations.of(*(values[part] for values in (lat, lon, depth, temperature)), DEFAULT_UNCERTAINTY)
        for part in (usable & column, usable & ~column)
    )
    return Trial(prior, month, *parts)


CASES: Mapping[str, Callable[[Prior, np.random.Generator], Trial]] = {
    "levitus cells": partial(levitus, profiles=False),
    "levitus profiles": partial(levitus, profiles=True),
    "nemo": nemo,
    "profiles": profiles,
}


def _split(
    prior: Prior, field: NDArray[np.float64], known: NDArray[np.bool_], observed: NDArray[np.bool_]
) -> tuple[Observations, Observations]:
    def at(chosen: NDArray[np.bool_]) -> Observations:
        z, y, x = np.nonzero(chosen)
        places = prior.grid.lat[y], prior.grid.lon[x], prior.grid.depth[z]
        return Observations.of(*places, field[chosen], DEFAULT_UNCERTAINTY)

    return at(observed), at(known & ~observed)


def scores_at(trial: Trial, analysis: Analysis) -> dict[str, float]:
    """Scores at the withheld points that lie in the prior's ocean, interpolated as the observations are."""
    prior, points = trial.prior, trial.withheld
    places = points.latitude, points.longitude, points.depth
    operator, in_ocean = point_operator(prior.grid, prior.wet, *places)
    seen, truth = operator[in_ocean][:, prior.wet.ravel()], points.temperature[in_ocean]
    squared = (seen @ analysis.mean[prior.wet] - truth) ** 2
    members = np.stack([seen @ member[prior.wet] for member in analysis.members])
    return {
        "points": len(truth),
        "mse": float(squared.mean()),
        "crps": fair_crps(members, truth),
        "spread_skill": spread_skill((seen @ analysis.std[prior.wet]) ** 2, squared),
    }


def table(
    methods: Sequence[str] = COMPARED,
    seeds: int = 3,
    members: int = 8,
    *,
    cases: Sequence[str] = tuple(CASES),
    steps: int | None = None,
) -> list[dict[str, Any]]:
    """One row a case, seed and method; the seed chooses what is observed."""
    prior = shipped_prior()
    rows = []
    for case in cases:
        for seed in range(seeds):
            trial = CASES[case](prior, np.random.default_rng(seed))
            accepted, quality = quality_control(trial.observed, trial.prior, trial.month)
            rejected = quality.outside_ocean + quality.failed_background_check
            for method in methods:
                done = run(method, trial.prior, accepted, trial.month, members=members, seed=seed, steps=steps)
                counts = {"observations": len(accepted), "rejected": rejected}
                row = {"case": case, "seed": seed, "method": method} | counts | scores_at(trial, done.analysis)
                rows.append(row)
                print(_line(row), file=sys.stderr, flush=True)
    return rows


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown: means (least–most) over the seeds."""
    lines = []
    for case, method in dict.fromkeys((row["case"], row["method"]) for row in rows):
        chosen = [row for row in rows if (row["case"], row["method"]) == (case, method)]
        counts = (str(round(np.mean([row[name] for row in chosen]))) for name in ("observations", "rejected", "points"))
        scores = (_range([row[name] for row in chosen], digits) for name, digits in (("mse", 4), ("crps", 4)))
        spread = _range([row["spread_skill"] for row in chosen], 2)
        lines.append([case, method, len(chosen), *counts, *scores, spread])
    header = ["case", "method", "seeds", "observations", "rejected", "withheld"]
    return "\n\n".join(
        [
            "## Out of sample",
            "Fields that are no month of the atlas, at withheld points, unweighted: mean (least–most) over seeds, which"
            " choose what is observed. `levitus`: the annual field, 1° regridded conservatively to 2°, 14 levels,"
            " analysed about the prior's annual mean. `nemo`: an ocean model's sea surface temperature of February"
            " 2015. `profiles`: 48 Atlantic columns of December 1984, half of them withheld. The truth departs from the"
            " climatology by its sources' differences too, which no method is told of.",
            markdown([*header, "MSE °C²", "fair CRPS °C", "spread–skill"], lines),
        ]
    )


def missing_files() -> list[str]:
    """What has to be brought before this can run, in words."""
    bringing = {LEVITUS: "`make data` brings it into the folder TELLURION_DATA", NEMO: "`make setup` brings it"}
    bringing[ATLANTIC] = bringing[NEMO]
    return [f"{path} is not there: {how}" for path, how in bringing.items() if not path.exists()]


def _range(values: Sequence[float], digits: int) -> str:
    return f"{np.mean(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _line(row: Mapping[str, Any]) -> str:
    return (
        f"{row['case']:16} seed {row['seed']}  {row['method']:11} mse {row['mse']:.4f}  crps {row['crps']:.4f}"
        f"  spread–skill {row['spread_skill']:.2f}  {row['points']} points from {row['observations']}"
        f" ({row['rejected']} rejected)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--members", type=int, default=8, help="at least two (%(default)s)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(COMPARED))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--steps", type=int, help="of the learned methods, instead of their own: for a try")
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    given = parser.parse_args(arguments)
    if missing := missing_files():
        print("\n".join(missing), file=sys.stderr)
        return 2
    rows = table(given.methods, given.seeds, given.members, cases=given.cases, steps=given.steps)
    print(json.dumps(rows, indent=2) if given.json else report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
