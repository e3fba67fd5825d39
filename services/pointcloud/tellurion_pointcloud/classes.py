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

MOST = 256
"""Classes; time grows with them and with the examples."""
COST = 1.0
"""Inverse strength of the regularisation."""
ITERATIONS = 1000


class Classes:
    """What a few examples tell of classes."""

    def __init__(self, embeddings: NDArray[np.floating[Any]], labels: Sequence[str]) -> None:
        """Of examples [S, D] and their labels [S]. Raises InvalidInput for one class alone, or more than MOST."""
        self._labels = sorted(set(labels))
        if not 2 <= (count := len(self._labels)) <= MOST:
            raise InvalidInput.of("examples", received=f"{count} classes", accepted=f"2…{MOST}")
        self._machine = make_pipeline(StandardScaler(), LogisticRegression(C=COST, max_iter=ITERATIONS))
        # By number: NumPy drops zeros at the end of a text, and would take two labels for one.
        numbers = {label: number for number, label in enumerate(self._labels)}
        self._machine.fit(embeddings, [numbers[label] for label in labels])

    def probabilities(self, embedding: NDArray[np.floating[Any]]) -> list[tuple[str, float]]:
        """Every class and how probable it is of a cloud's embedding [D], the most probable first."""
        told = zip(self._labels, self._machine.predict_proba(embedding[None])[0].tolist(), strict=True)
        return sorted(told, key=lambda each: (-each[1], each[0]))
