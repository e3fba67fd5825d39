"""Classes of clouds from a few examples: multinomial logistic regression on frozen embeddings.

It is linear as the machine of `downstream.fewshot` is, on features standardised likewise, and tells probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.preprocessing import StandardScaler

from tellurion_core.errors import Cancelled, InvalidInput

MOST = 256
"""Classes; time grows with them and with the examples."""
COST = 1.0
"""Inverse strength of the regularisation."""
ITERATIONS = 1000

Floats = NDArray[np.floating[Any]]


def _never() -> bool:
    return False


class Classes:
    """What a few examples tell of classes."""

    def __init__(self, embeddings: Floats, labels: Sequence[str], cancelled: Callable[[], bool] = _never) -> None:
        """Of examples [S, D] and their labels [S].

        Raises InvalidInput for one class alone, or more than MOST; Cancelled soon after `cancelled` answered true.
        """
        self._labels = sorted(set(labels))
        if not 2 <= (count := len(self._labels)) <= MOST:
            raise InvalidInput.of("examples", received=f"{count} classes", accepted=f"2…{MOST}")
        self._scaler = StandardScaler().fit(embeddings := np.asarray(embeddings, np.float64))
        # By number: NumPy drops zeros at the end of a text, and would take two labels for one.
        numbers = {label: number for number, label in enumerate(self._labels)}
        true = np.eye(count)[[numbers[label] for label in labels]]
        self._weights = _fitted(self._scaler.transform(embeddings), true, cancelled)

    def probabilities(self, embedding: Floats) -> list[tuple[str, float]]:
        """Every class and how probable it is of a cloud's embedding [D], the most probable first."""
        scores = _scores(self._scaler.transform(embedding[None]), self._weights)
        told = zip(self._labels, np.exp(log_softmax(scores[0])).tolist(), strict=True)
        return sorted(told, key=lambda each: (-each[1], each[0]))


def _scores(features: Floats, weights: Floats) -> Floats:
    """[S, C] of features [S, D]; the last row of the weights [D + 1, C] is added to all."""
    return features @ weights[:-1] + weights[-1]


def _fitted(features: Floats, true: Floats, cancelled: Callable[[], bool]) -> Floats:
    """Weights [D + 1, C] of the least ‖weights but the last row‖² / 2 + COST · cross-entropy with `true` [S, C].

    By L-BFGS (Liu and Nocedal 1989), as scikit-learn has it; here, because scikit-learn's cannot be stopped.
    """
    shape = features.shape[1] + 1, true.shape[1]

    def loss(flat: Floats) -> tuple[float, Floats]:
        if cancelled():
            raise Cancelled("cancelled while classes were learned")
        weights = flat.reshape(shape)
        told = log_softmax(_scores(features, weights), axis=1)
        wrong = COST * (np.exp(told) - true)
        gradient = np.concatenate([weights[:-1] + features.T @ wrong, wrong.sum(0, keepdims=True)])
        return np.square(weights[:-1]).sum() / 2 - COST * (told * true).sum(), gradient.ravel()

    start = np.zeros(np.prod(shape))
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}).x.reshape(shape)
