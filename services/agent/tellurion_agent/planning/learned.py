"""Which recipe a request is for, as a classifier of its sentence embeddings learned from requests of many people.

Multinomial logistic regression; `calibrate` fits it, and writes the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from tellurion_agent.planning.embedding import WIDTH

FILE = "learned.safetensors"
SEPARATOR = "\n"
NOT_MEANT = -20.0
"""Of recipes that it does not know: the logarithm of a probability that no other feature makes up for."""


@dataclass(frozen=True, eq=False)
class Learned:
    """The classifier."""

    names: Sequence[str]
    """Of the recipes that it knows; what follows them is there being none."""
    weights: NDArray[np.float32]
    """[recipes + 1, width]."""
    bias: NDArray[np.float32]
    """[recipes + 1]."""

    def log_shares(self, vector: NDArray[np.float32], recipes: Sequence[str]) -> NDArray[np.float64]:
        """[recipes + 1] logarithms of the probabilities of recipes, and of none, for a request's vector [width]."""
        scores = (self.weights @ vector + self.bias).astype(np.float64)
        scores -= scores.max()
        known = dict(zip((*self.names, ""), scores - np.log(np.exp(scores).sum()), strict=True))
        return np.array([known.get(name, NOT_MEANT) for name in (*recipes, "")])

    @classmethod
    def nothing(cls) -> Learned:
        """That to which every recipe is as likely as none."""
        return cls((), np.zeros((1, 2 * WIDTH), np.float32), np.zeros(1, np.float32))

    @classmethod
    def packaged(cls) -> Learned:
        """That of the package."""
        found = load((files(__package__) / FILE).read_bytes())
        names = found["names"].tobytes().decode().split(SEPARATOR)
        return cls(names, found["weights"].astype(np.float32), found["bias"].astype(np.float32))

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """What the package's file holds."""
        names = np.frombuffer(SEPARATOR.join(self.names).encode(), np.uint8)
        return {"names": names, "weights": self.weights.astype(np.float16), "bias": self.bias.astype(np.float16)}
