"""Fits the classifier and the thresholds to requests of which it is known which recipe they ask for.

    python -m tellurion_agent.planning.calibrate REQUESTS.jsonl [--report OTHERS.jsonl] [--write]

A line is ``{"request": "…", "recipe": "linear_trend"}``, the recipe null where none answers it, and a list where
several do; `choices` may say what it means of the slots with choices. What is reported on should be of other people.
Needs `tellurion-agent[calibration]`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from tellurion_agent.planning import calibrate_choices
from tellurion_agent.planning import choices as choices_module
from tellurion_agent.planning import learned as learned_module
from tellurion_agent.planning import thresholds as module
from tellurion_agent.planning.calibrate_choices import LOOSENESS, PARTS
from tellurion_agent.planning.choices import LearnedChoices
from tellurion_agent.planning.embedding import KEPT, PACKAGED
from tellurion_agent.planning.learned import Learned
from tellurion_agent.planning.planner import Planner
from tellurion_agent.planning.thresholds import FEATURES, Thresholds
from tellurion_agent.recipes.registry import RECIPES
from tellurion_core.whole_files import write_whole

PRICE = 5
"""Right plans that one wrong one undoes: an answer to another question is worse than a question back."""
RIDGE = 1e-3
START = Thresholds((0.0,) * len(FEATURES), 0.0, 0.5, 0.5, 0.05)


@dataclass(frozen=True, eq=False)
class Example:
    """A request."""

    vector: NDArray[np.float32]
    """Of the classifier."""
    features: NDArray[np.float64]
    """[recipes + 1, features], the last of there being none."""
    right: frozenset[int]
    """Which recipes; −1 for none."""
    said: Mapping[str, str] = field(default_factory=dict)
    """Choices that its words name, of the right recipe."""
    choices: Mapping[str, str] | None = None
    """Choices that are meant, where that is known."""

    def judged(self, learned: Learned) -> Example:
        """With a classifier's word."""
        features = self.features.copy()
        features[:, 0] = learned.log_shares(self.vector, list(RECIPES))
        return replace(self, features=features)


def classified(examples: Sequence[Example]) -> Learned:
    """The classifier, fitted."""
    vectors = np.stack([each.vector for each in examples])
    right = np.array([max(each.right) % (len(RECIPES) + 1) for each in examples])  # none is the last
    found = LogisticRegression(C=LOOSENESS, max_iter=500).fit(vectors, right)
    weights = np.zeros((len(RECIPES) + 1, vectors.shape[1]), np.float32)
    bias = np.full(len(RECIPES) + 1, found.intercept_.min(), np.float32)
    weights[found.classes_], bias[found.classes_] = found.coef_, found.intercept_
    return Learned(list(RECIPES), weights, bias)


def cross_judged(examples: Sequence[Example], phrases: Sequence[Example]) -> list[Example]:
    """Each with the word of a classifier that was fitted without it."""
    part = np.random.default_rng(0).permutation(len(examples)) % PARTS
    judges = [classified([*phrases, *(e for e, p in zip(examples, part, strict=True) if p != n)]) for n in range(PARTS)]
    return [each.judged(judges[number]) for each, number in zip(examples, part, strict=True)]


def fitted(examples: Sequence[Example]) -> Thresholds:
    """Weights of greatest likelihood, and the thresholds that are worth most."""
    features = np.array([each.features for each in examples])  # [n, recipes + 1, features]
    right = np.zeros(features.shape[:2], bool)
    for row, each in zip(right, examples, strict=True):
        row[list(each.right)] = True
    spread = features.std(axis=(0, 1)) + 1e-9

    def loss(parameters: NDArray[np.float64]) -> float:
        scores = features / spread @ parameters[:-1]
        scores[:, -1] += parameters[-1]
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        likelihood = np.log((shares * right).sum(axis=1) / shares.sum(axis=1))
        return float(-likelihood.mean() + RIDGE * (parameters[:-1] ** 2).sum())

    best = minimize(loss, np.zeros(len(FEATURES) + 1), method="L-BFGS-B").x
    start = replace(START, weights=tuple(map(float, best[:-1] / spread)), none=float(best[-1]))
    choices = [
        replace(start, abstain=float(abstain), ambiguous=float(ambiguous))
        for abstain in np.arange(0.2, 0.96, 0.05)
        for ambiguous in np.arange(0.5, 0.96, 0.05)
    ]

    def worth(choice: Thresholds) -> float:
        good, bad = outcome(choice, examples)
        return good - PRICE * bad

    return max(choices, key=worth)


def outcome(thresholds: Thresholds, examples: Sequence[Example]) -> tuple[float, float]:
    """Shares of the requests that get the right plan, or rightly none; and that get a wrong one."""
    good = bad = 0
    for each in examples:
        shares = thresholds.probabilities(each.features)
        first, second = np.argsort(-shares)[:2]
        near = shares[first] >= thresholds.abstain * (shares[first] + 1 - shares.sum())
        clear = shares[first] >= thresholds.ambiguous * (shares[first] + shares[second])
        planned = int(first) if near and clear else -1
        good += planned in each.right
        bad += planned not in each.right | {-1}
    return good / len(examples), bad / len(examples)


def read(paths: Iterable[Path], planner: Planner) -> list[Example]:
    """The examples of files."""
    names = [*RECIPES, None]
    examples = []
    for line in (line for path in paths for line in path.read_text(encoding="utf-8").splitlines() if line.strip()):
        content = json.loads(line)
        right = content["recipe"] if isinstance(content["recipe"], list) else [content["recipe"]]
        numbers = frozenset(-1 if name is None else names.index(name) for name in right)
        vector, features, fillings = planner.example(content["request"])
        said = fillings[right[0]].said if right[0] else {}
        examples.append(Example(vector, features, numbers, said, content.get("choices")))
    return examples


def labelled(examples: Iterable[Example]) -> list[calibrate_choices.Known]:
    """What is known of the choices that requests mean."""
    recipes = [*RECIPES.values()]
    return calibrate_choices.by_slot(
        (recipes[min(each.right)], each.vector, each.said, each.choices)
        for each in examples
        if each.choices is not None and len(each.right) == 1
    )


def keep_phrases() -> None:
    """Writes the package's embeddings of the recipes' phrases anew."""
    (PACKAGED / KEPT).unlink(missing_ok=True)
    Planner(cache=PACKAGED)


def main() -> None:
    """Fits, reports, and writes the package's files where told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", type=Path, nargs="+")
    parser.add_argument("--report", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    planner = Planner(cache=arguments.cache, thresholds=START, learned=Learned.nothing(), choices=LearnedChoices({}))
    texts = ((text, number) for number, r in enumerate(RECIPES.values()) for text in (r.title, *r.phrases))
    phrases = [Example(*planner.example(text)[:2], frozenset({number})) for text, number in texts]
    examples = read(arguments.requests, planner)
    judged = cross_judged(examples, phrases)
    found = fitted(judged)
    content = asdict(found) | {"weights": dict(zip(FEATURES, found.weights, strict=True))}
    print(json.dumps(content, indent=2))
    learned = classified([*phrases, *examples])
    reported = [each.judged(learned) for each in read(arguments.report, planner)]
    for what, those in (("cross-validated", judged), ("reported", reported)):
        if those:
            good, bad = outcome(found, those)
            print(f"{what}: {good:.1%} right, {bad:.1%} wrong, the others asked back or abstained")
    slots = labelled(examples)
    tallies = [calibrate_choices.cross_judged(slot, meant) for _, slot, meant in slots]
    print("choices, cross-validated:", dict(sum(map(Counter, tallies), Counter())))
    if arguments.write:
        write_whole(PACKAGED / choices_module.FILE, save(calibrate_choices.fitted(slots).tensors()))
        (PACKAGED / module.FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        write_whole(PACKAGED / learned_module.FILE, save(learned.tensors()))
        keep_phrases()


if __name__ == "__main__":
    main()
