"""Fits the thresholds to requests of which it is known which recipe they ask for.

    python -m tellurion_agent.planning.calibrate REQUESTS.jsonl [--report OTHERS.jsonl] [--write]

A line is ``{"request": "…", "recipe": "linear_trend"}``, the recipe null where none answers it. What is reported on
should be of another seed, and worded otherwise.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tellurion_agent.planning import thresholds as module
from tellurion_agent.planning.planner import Planner
from tellurion_agent.planning.thresholds import FEATURES, Thresholds
from tellurion_agent.recipes.registry import RECIPES

Example = tuple[NDArray[np.float64], int]
"""Features [recipes, features], and which recipe is right; −1 for none."""
MOST_WRONG = 0.01
"""Share of the requests that may get the plan of another recipe."""
PRICE = 5
"""Right plans that one wrong one undoes: an answer to another question is worse than a question back."""
RIDGE = 1e-3


def fitted(examples: Sequence[Example]) -> Thresholds:
    """Weights of greatest likelihood, and the least abstention with which few plans are wrong."""
    features = np.array([rows for rows, _ in examples])  # [n, recipes, features]
    right = np.array([which for _, which in examples])
    spread = features.std(axis=(0, 1)) + 1e-9

    def loss(parameters: NDArray[np.float64]) -> float:
        scores = np.hstack([features / spread @ parameters[:-1], np.full((len(right), 1), parameters[-1])])
        scores -= scores.max(axis=1, keepdims=True)
        likelihood = scores[np.arange(len(right)), right] - np.log(np.exp(scores).sum(axis=1))
        return float(-likelihood.mean() + RIDGE * (parameters[:-1] ** 2).sum())

    best = minimize(loss, np.zeros(len(FEATURES) + 1), method="L-BFGS-B").x
    start = Thresholds(tuple(map(float, best[:-1] / spread)), float(best[-1]), 0.5, 0.5, 0.05)
    choices = [
        replace(start, abstain=float(abstain), ambiguous=float(ambiguous))
        for abstain in np.arange(0.2, 0.96, 0.05)
        for ambiguous in np.arange(0.5, 0.96, 0.05)
    ]
    shares = [(*outcome(choice, examples), choice) for choice in choices]
    allowed = [each for each in shares if each[1] <= MOST_WRONG] or [min(shares, key=lambda each: each[1])]
    return max(allowed, key=lambda each: each[0] - PRICE * each[1])[2]


def outcome(thresholds: Thresholds, examples: Sequence[Example]) -> tuple[float, float]:
    """Shares of the requests that get the right plan, or rightly none; and that get a wrong one."""
    good = bad = 0
    for rows, right in examples:
        shares = thresholds.probabilities(rows)
        first, second = np.argsort(-shares)[:2]
        near = shares[first] >= thresholds.abstain * (shares[first] + 1 - shares.sum())
        clear = shares[first] >= thresholds.ambiguous * (shares[first] + shares[second])
        planned = int(first) if near and clear else -1
        good += planned == right
        bad += planned not in (-1, right)
    return good / len(examples), bad / len(examples)


def read(path: Path, planner: Planner) -> list[Example]:
    """The examples of a file."""
    names = list(RECIPES)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        (planner.features(line["request"]), -1 if line["recipe"] is None else names.index(line["recipe"]))
        for line in lines
    ]


def main() -> None:
    """Fits, reports, and writes the package's file where told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    planner = Planner(cache=arguments.cache)
    examples = read(arguments.requests, planner)
    found = fitted(examples)
    content = asdict(found) | {"weights": dict(zip(FEATURES, found.weights, strict=True))}
    print(json.dumps(content, indent=2))
    for path, there in ((arguments.requests, examples), (arguments.report, None)):
        if path is not None:
            good, bad = outcome(found, there or read(path, planner))
            print(f"{path.name}: {good:.1%} right, {bad:.1%} wrong, the others asked back or abstained")
    if arguments.write:
        path = Path(module.__file__).with_name(module.FILE)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
