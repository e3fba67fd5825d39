"""Periods in a time series: wavelets and spectra against red noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_agent.diagnostics.samples import lag1
from tellurion_agent.recipes.recipe import NoAnswer

FEWEST = 24
"""Values that a spectrum needs."""


@dataclass(frozen=True)
class Spectrum:
    """Power by period, and what red noise of the same variance and lag-1 autocorrelation reaches in 95 % of cases."""

    period: NDArray[np.float64]
    """[S] in the units of the step, ascending."""
    power: NDArray[np.float64]
    """[S] over the variance."""
    red: NDArray[np.float64]
    """[S]"""
    scalogram: NDArray[np.float64] | None = None
    """[S, T] of a wavelet transform."""
    cone: NDArray[np.float64] | None = None
    """[T] longest period that the record's ends do not touch."""

    def peak(self) -> tuple[float, bool]:
        """Period of the highest local maximum, or value where there is none, and whether it exceeds red noise."""
        p = self.power
        inner = np.flatnonzero((p[1:-1] > p[:-2]) & (p[1:-1] >= p[2:])) + 1
        at = inner[np.argmax(p[inner])] if inner.size else int(np.argmax(p))
        return float(self.period[at]), bool(p[at] > self.red[at])


def prepared(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without gaps, linear trend and mean, of unit variance.

    Gaps are filled linearly. Raises NoAnswer for fewer than FEWEST values, a tenth of them missing, or a constant.
    """
    there, x = np.isfinite(values), np.arange(values.size)
    if values.size < FEWEST or there.mean() < 0.9:
        raise NoAnswer(
            f"{int(there.sum())} of {values.size} values: a spectrum needs {FEWEST}, nine tenths of them there"
        )
    y = np.interp(x, x[there], values[there])
    y = y - np.polyval(np.polyfit(x, y, 1), x)
    if y.std() <= 1e-10 * max(float(np.abs(values[there]).max()), 1e-300):
        raise NoAnswer("the series does not vary about its trend")
    return np.asarray(y / y.std())


def wavelet(values: NDArray[np.float64], step: float) -> Spectrum:
    """Morlet wavelet of ω₀ = 6 and its global spectrum (Torrence and Compo 1998), scales by twelfths of an octave.

    Power is divided by scale, so that oscillations of equal amplitude have equal peaks (Liu et al. 2007). The global
    spectrum is the mean outside the cone of influence, for periods that at least a third of the record can tell.
    """
    from pycwt import Morlet, cwt, significance  # slow to import

    y, mother = prepared(values), Morlet(6)
    transform, scales, frequencies, cone, _, _ = cwt(y, step, 1 / 12, wavelet=mother)
    power, period = np.abs(transform[:, : y.size]) ** 2, 1 / frequencies
    inside = period[:, None] <= cone[None, :]
    told = inside.mean(axis=1) >= 1 / 3
    mean = np.where(inside, power, 0.0).sum(axis=1)[told] / inside.sum(axis=1)[told]
    freedom = y.size - scales  # of a time average over the record, as Torrence and Compo count it
    red, _ = significance(
        1.0, step, scales, sigma_test=1, alpha=max(lag1(y), 0.0), dof=np.maximum(freedom, 1.0), wavelet=mother
    )
    s = scales[told] / step
    return Spectrum(period[told], mean / s, red[told] / s, power / (scales[:, None] / step), cone)


def periodogram(values: NDArray[np.float64], step: float) -> Spectrum:
    """Spectrum of Hann-tapered, half overlapping pieces (Welch 1967), against red noise (Gilman et al. 1963).

    A record under 64 values is one piece, a longer one makes two of two thirds.
    """
    from scipy.special import chdtri

    y = prepared(values)
    length = y.size if y.size < 64 else 2 * y.size // 3
    starts = np.arange(0, y.size - length + 1, max(length // 2, 1))
    taper = np.hanning(length + 2)[1:-1]
    padded = 4 * length
    pieces = np.stack([np.abs(np.fft.rfft((y[s : s + length]) * taper, padded)) ** 2 for s in starts])
    power = pieces.mean(axis=0)[1:] / (taper**2).sum()
    frequency = np.fft.rfftfreq(padded, step)[1:]
    resolved = frequency >= 2 / (length * step)
    r = max(lag1(y), 0.0)
    background = (1 - r**2) / (1 + r**2 - 2 * r * np.cos(2 * np.pi * frequency * step))
    freedom = 2 * max(1.0, starts.size * 0.75)
    red = background * chdtri(freedom, 0.05) / freedom
    return Spectrum(1 / frequency[resolved][::-1], power[resolved][::-1], red[resolved][::-1])
