"""Empirical orthogonal functions: the patterns in which the anomalies of a few fields vary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def eofs(anomalies: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The leading `count` EOFs [P, K] of anomalies [M, P], each times the standard deviation of its amplitude.

    They are found from the M × M inner products, M being far below P (the method of snapshots, Sirovich 1987). The sign
    of each is such that its largest value is positive, so that they do not depend on the linear algebra library.
    Fewer are returned when the anomalies have fewer independent patterns.
    """
    inner = anomalies @ anomalies.T
    power, time_series = np.linalg.eigh(inner)
    leading = np.argsort(power)[::-1][:count]
    leading = leading[power[leading] > 1e-10 * power.max()]
    patterns = anomalies.T @ time_series[:, leading] / np.sqrt(len(anomalies))
    peaks = patterns[np.abs(patterns).argmax(axis=0), np.arange(len(leading))]
    return patterns * np.sign(peaks)
