"""Classes of clouds from a few examples: multinomial logistic regression on frozen embeddings.

It is linear as the machine of `downstream.fewshot` is, on features standardised likewise, and tells probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tellurion_core.errors import InvalidInput

COST = 1.0
"""Inverse strength of the regularisation."""
ITERATIONS = 1000


class Classes:
    """What a few examples tell of classes."""

    def __init__(self, embeddings: NDArray[np.floating[Any]], labels: Sequence[str]) -> None:
        """Of examples [S, D] and their labels [S]. Raises InvalidInput for fewer than two classes."""
        if (count := len(set(labels))) < 2:
            raise InvalidInput.of("examples", received=f"{count} classes", accepted="at least two")
        self._machine = make_pipeline(StandardScaler(), LogisticRegression(C=COST, max_iter=ITERATIONS))
        self._machine.fit(embeddings, labels)

    def probabilities(self, embedding: NDArray[np.floating[Any]]) -> list[tuple[str, float]]:
        """Every class and how probable it is of a cloud's embedding [D], the most probable first."""
        told = zip(
            self._machine.classes_.tolist(), self._machine.predict_proba(embedding[None])[0].tolist(), strict=True
        )
        return sorted(told, key=lambda each: (-each[1], each[0]))
