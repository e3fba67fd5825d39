"""How nearness becomes probability, and from which probability on something is done; `calibrate` writes the numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

FILE = "thresholds.json"
FEATURES = ("learned", "concepts", "meaning", "words", "unused", "about", "left_over", "missing", "spoken")
"""Of a request and a recipe, in the order of the weights; see `scoring`."""


@dataclass(frozen=True)
class Thresholds:
    """Of the planner."""

    weights: tuple[float, ...]
    """Of the features: a conditional logit model (McFadden 1974) of which recipe is asked for."""
    none: float
    """Added to the score of there being none."""
    abstain: float
    """Below this probability of the best recipe against there being none there is no plan."""
    ambiguous: float
    """Below this probability of the best recipe against the second it is asked which is meant."""
    alternative: float
    """From this probability on another recipe is a candidate plan."""

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """[recipes] of features [recipes + 1, features], the last of there being none; what is left to 1 is of that."""
        scores = features @ np.array(self.weights)
        scores[-1] += self.none
        shares = np.exp(scores - scores.max())
        return (shares / shares.sum())[:-1]

    @classmethod
    def calibrated(cls) -> Thresholds:
        """Those of the package."""
        content = json.loads((files(__package__) / FILE).read_text(encoding="utf-8"))
        weights = content.pop("weights")
        return cls(tuple(weights[name] for name in FEATURES), **content)
