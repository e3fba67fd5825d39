"""Where the truth is not Gaussian: held-out members of the generated ensemble with displaced fronts.

    python tests/bench/ocean_fronts.py [--truths 6] [--methods gp posterior …] [--json]

A truth is a month's climatology and a member of `tellurion_ocean.training.generated` of a seed that no training uses,
nine tenths of it displaced; the months go round the year. Half of the truths are observed at 7.5 % of the cells of a
level, the other half along 500 profiles, as `tellurion_ocean.evaluate` observes; the prior is that of the ten training
months. Scores are compared truth by truth; the truths are resampled for the interval. February and August of the atlas
are not opened. Ten minutes on two quiet cores. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from runs import run
from targets import Target, exit_code, markdown

from tellurion_ocean.atlas import training_atlas
from tellurion_ocean.evaluate import OBSERVED, Experiment, draw_cells, draw_profiles, score
from tellurion_ocean.methods import METHODS
from tellurion_ocean.observations import DEFAULT_UNCERTAINTY, Observations, quality_control
from tellurion_ocean.prior import Hyperparameters, Prior
from tellurion_ocean.training.generated import HELD_OUT, displaced_truth

COMPARED = "eof_oi", "gp", "hybrid", "posterior"
SHARE = 0.9
"""Of a member's variance that the displaced part has; the rest is Gaussian, stretched."""
PROFILES = 500
SAMPLINGS: Mapping[str, Callable[[NDArray[np.bool_], np.random.Generator], NDArray[np.bool_]]] = {
    "cells": lambda wet, rng: draw_cells(wet, OBSERVED, rng),
    "profiles": lambda wet, rng: draw_profiles(wet, PROFILES, rng),
}
SCORES = {"mse": "MSE °C²", "crps": "fair CRPS °C"}
RESAMPLES = 10_000
LEVEL = 0.95
AGAINST = (("posterior", "gp"), ("posterior", "hybrid"), ("posterior", "eof_oi"), ("hybrid", "gp"))


def truth(prior: Prior, sampling: str, number: int) -> Experiment:
    """The `number`-th truth of a sampling: no two samplings share one."""
    seed = HELD_OUT + len(SAMPLINGS) * number + list(SAMPLINGS).index(sampling)
    month = 1 + (seed - HELD_OUT) % 12
    anomaly = displaced_truth(prior, month, seed, SHARE).astype(np.float64)
    field = prior.to_field(prior.climatology(month) + prior.std * anomaly)
    observed = SAMPLINGS[sampling](prior.wet, np.random.default_rng(seed))
    z, y, x = np.nonzero(observed)
    places = prior.grid.lat[y], prior.grid.lon[x], prior.grid.depth[z]
    return Experiment(prior, month, field, observed, Observations.of(*places, field[observed], DEFAULT_UNCERTAINTY))


def table(
    methods: Sequence[str] = COMPARED, truths: int = 6, members: int = 8, *, steps: int | None = None
) -> list[dict[str, Any]]:
    """One row a truth and method."""
    atlas = training_atlas()
    prior = Prior.fit(atlas.temperature, atlas.months, atlas.grid, Hyperparameters.shipped())
    rows = []
    for sampling in SAMPLINGS:
        for number in range(truths):
            trial = truth(prior, sampling, number)
            accepted, _ = quality_control(trial.observations, prior, trial.month)
            for method in methods:
                done = run(method, prior, accepted, trial.month, members=members, seed=number, steps=steps)
                scores = score(trial, done.analysis, seed=number)
                rows.append(
                    {
                        "sampling": sampling,
                        "truth": number,
                        "month": trial.month,
                        "method": method,
                        "mse": scores["masked"]["reconstruction"],
                        "crps": scores["crps"],
                        "spread_skill": scores["spread_skill"],
                    }
                )
                print(_line(rows[-1]), file=sys.stderr, flush=True)
    return rows


def differences(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Paired differences of each score, by sampling and over both: the mean, its interval and the share that is better.

    The interval is the bootstrap's over truths, resampled within each sampling (Efron and Tibshirani 1993, § 13.3).
    """
    methods = {row["method"] for row in rows}
    found = []
    for first, second in AGAINST:
        if not {first, second} <= methods:
            continue
        for name in SCORES:
            by_sampling = {
                sampling: _scores(rows, sampling, first, name) - _scores(rows, sampling, second, name)
                for sampling in dict.fromkeys(row["sampling"] for row in rows)
            }
            for label, parts in [*((key, [part]) for key, part in by_sampling.items()), ("both", by_sampling.values())]:
                low, high = _interval(list(parts), np.random.default_rng(0))
                all_of_them = np.concatenate(list(parts))
                found.append(
                    {
                        "first": first,
                        "second": second,
                        "score": name,
                        "sampling": label,
                        "truths": len(all_of_them),
                        "better": int(np.count_nonzero(all_of_them < 0)),
                        "mean": float(all_of_them.mean()),
                        "low": low,
                        "high": high,
                    }
                )
    return found


def _scores(rows: Sequence[Mapping[str, Any]], sampling: str, method: str, name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows if (row["sampling"], row["method"]) == (sampling, method)])


def _interval(parts: Sequence[NDArray[np.float64]], rng: np.random.Generator) -> tuple[float, float]:
    resampled = [part[rng.integers(0, len(part), (RESAMPLES, len(part)))] for part in parts]
    means = np.concatenate(resampled, axis=1).mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterable[Target]:
    """`posterior` beats `gp` in both scores, over all truths."""
    for found in differences(rows):
        if (found["first"], found["second"], found["sampling"]) == ("posterior", "gp", "both"):
            what = (
                f"displaced fronts, {SCORES[found['score']]}, posterior − gp,"
                f" {LEVEL:.0%} interval over {found['truths']} truths"
            )
            yield Target(what, f"{found['low']:.5f} to {found['high']:.5f}", "all below 0", found["high"] < 0)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The tables in Markdown, with what they show."""
    samplings = list(dict.fromkeys(row["sampling"] for row in rows))
    header = ["truths observed as", "method", "truths", *SCORES.values(), "spread–skill"]
    mean_rows = []
    for sampling in samplings:
        for method in dict.fromkeys(row["method"] for row in rows):
            means = {name: float(_scores(rows, sampling, method, name).mean()) for name in (*SCORES, "spread_skill")}
            count = len(_scores(rows, sampling, method, "mse"))
            scores = f"{means['mse']:.4f}", f"{means['crps']:.4f}", f"{means['spread_skill']:.2f}"
            mean_rows.append([sampling, method, count, *scores])
    paired = (
        [
            f"{found['first']} − {found['second']}",
            SCORES[found["score"]],
            found["sampling"],
            f"{found['mean']:.5f}",
            f"{found['low']:.5f} to {found['high']:.5f}",
            f"{found['better']} of {found['truths']}",
        ]
        for found in differences(rows)
    )
    return "\n\n".join(
        [
            "## Displaced fronts",
            f"Held-out members of the generated ensemble, {SHARE:.0%} of whose variance is displaced climatology, on"
            " the climatology of a month; none was seen in training, but the kind was. Means over truths, at"
            " unobserved cells.",
            markdown(header, mean_rows),
            f"Paired by truth, with a {LEVEL:.0%} bootstrap interval of the mean over truths ({RESAMPLES} resamples"
            " within each sampling).",
            markdown(["difference", "score", "observed as", "mean", "interval", "lower in"], paired),
        ]
    )


def _line(row: Mapping[str, Any]) -> str:
    return (
        f"{row['sampling']:9} truth {row['truth']:2} month {row['month']:2}  {row['method']:10} mse {row['mse']:.5f}"
        f"  crps {row['crps']:.5f}  spread–skill {row['spread_skill']:.2f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--truths", type=int, default=6, help="of each of the two samplings, at least 2 (%(default)s)")
    parser.add_argument("--members", type=int, default=8, help="(%(default)s)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(COMPARED))
    parser.add_argument("--steps", type=int, help="of the learned methods, instead of their own: for a try")
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    given = parser.parse_args(arguments)
    if given.truths < 2:
        parser.error("--truths: at least 2 of each sampling, or there is no interval")
    rows = table(given.methods, given.truths, given.members, steps=given.steps)
    print(json.dumps({"rows": rows, "differences": differences(rows)}, indent=2) if given.json else report(rows))
    return exit_code(targets(rows))


if __name__ == "__main__":
    sys.exit(main())
