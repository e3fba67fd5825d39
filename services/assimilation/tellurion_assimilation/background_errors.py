"""The errors of the atmosphere's background: a covariance that is the same around every circle of latitude.

Held–Suarez dynamics treat all longitudes alike and both hemispheres as mirror images, and so do the errors of its
forecasts. In zonal wavenumbers B is then block-diagonal, one Hermitian block for each m over channel and latitude, and
every block falls apart once more into what is even and what is odd about the equator. The blocks are estimated from
samples, tapered in latitude and cut to their leading eigenvectors. Sources: Parrish and Derber (1992), The National
Meteorological Center's spectral statistical-interpolation analysis system; Bannister (2008), A review of forecast error
covariance statistics, part II, section 3; the taper: Gaspari and Cohn (1999).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import resources
from os import PathLike
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.localization import gaspari_cohn
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_core.errors import InvalidInput

FILE = "background_errors.npz"
CHUNK = 64
"""Samples whose spectra are held at once."""


@dataclass(frozen=True, eq=False)
class ZonalErrors:
    """B = amplitude · U Uᵀ, a `BackgroundErrors` for states of `layout` flattened in C order.

    A control vector holds, for every wavenumber, parity and eigenvector, the real part and (but for m = 0) the
    imaginary part of a coefficient.
    """

    layout: Layout
    modes: NDArray[np.complex128]
    """[M, 2, K, C·Y/2] eigenvectors times the root of their eigenvalues, southern half, in units of the channels; even
    about the equator (u, t and pₛ the same on both sides, v with the other sign), then odd."""
    amplitude: float = 1.0

    def __post_init__(self) -> None:
        c, y, x = self.layout.shape
        wavenumbers, parities, _, half = self.modes.shape
        if parities != 2 or half != c * y // 2 or not 2 <= wavenumbers <= x // 2:
            received, accepted = f"shape {self.modes.shape}", f"[M, 2, K, {c * y // 2}], M from 2 to {x // 2}"
            raise InvalidInput.of("background_errors", received=received, accepted=accepted)
        if not (np.isfinite(self.amplitude) and self.amplitude > 0):
            raise InvalidInput.of("amplitude", received=self.amplitude, accepted="a finite number above 0")

    @property
    def control_size(self) -> int:
        """2 K (2 M − 1)."""
        wavenumbers, _, count, _ = self.modes.shape
        return 2 * count * (2 * wavenumbers - 1)

    def root(self, v: NDArray[np.floating], /) -> NDArray[np.floating]:
        """U v [..., n] of v [..., k]."""
        m, _, count, _ = self.modes.shape
        parts = v.reshape(-1, 2 * m - 1, 2, count)
        w = np.concatenate([parts[:, :1], (parts[:, 1:m] + 1j * parts[:, m:]) / np.sqrt(2)], axis=1)
        folded = np.moveaxis(w, 0, 2) @ self.modes  # [M, 2, N, C·Y/2]
        spectrum = unfold(folded * np.sqrt(self.amplitude), self.layout)
        x = np.fft.irfft(spectrum, n=self.layout.shape[2], norm="ortho")
        return x.reshape(*v.shape[:-1], self.layout.size).astype(v.dtype, copy=False)

    def root_adjoint(self, x: NDArray[np.floating], /) -> NDArray[np.floating]:
        """Uᵀ x [..., k] of x [..., n]."""
        m = len(self.modes)
        spectrum = np.fft.rfft(x.reshape(-1, *self.layout.shape), norm="ortho")[..., :m]
        w = fold(spectrum, self.layout) @ self.modes.conj().swapaxes(-1, -2) * np.sqrt(self.amplitude)  # [M, 2, N, K]
        w = np.moveaxis(w, 2, 0)
        v = np.concatenate([w[:, :1].real, np.sqrt(2) * w[:, 1:].real, np.sqrt(2) * w[:, 1:].imag], axis=1)
        return v.reshape(*x.shape[:-1], self.control_size).astype(x.dtype, copy=False)

    def variance(self) -> NDArray[np.float64]:
        """[C, Y] of the errors of every channel and latitude."""
        power = (np.abs(self.modes) ** 2).sum(axis=2, dtype=np.float64)  # [M, 2, C·Y/2]
        power[1:] *= 2  # wavenumbers −m
        half = power.sum(axis=(0, 1)).reshape(self.layout.shape[0], -1) / (2 * self.layout.shape[2])
        return self.amplitude * np.concatenate([half, half[:, ::-1]], axis=1)

    def between_columns(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        """[P·C, P·C] covariances of all channels in P columns of air, at grid rows and columns [P]."""
        lag = np.subtract.outer(columns, columns) % self.layout.shape[2]
        blocks = self._kernel[rows[:, None], rows, lag]  # [P, P, C, C]
        return blocks.swapaxes(1, 2).reshape(len(rows) * self.layout.shape[0], -1)

    @property
    def measured(self) -> ZonalErrors:
        """As the samples have it: what members are drawn from. The amplitude is tuned for the mean of an analysis."""
        return replace(self, amplitude=1.0)

    def times(self, factor: float) -> ZonalErrors:
        """B multiplied by a factor."""
        return replace(self, amplitude=self.amplitude * factor)

    @cached_property
    def _kernel(self) -> NDArray[np.float32]:
        """[Y, Y', X, C, C'] covariances of row Y, and so many longitudes east of it, with row Y'."""
        c, y, x = self.layout.shape
        parities = [unfold(self.modes * parity[:, None, None], self.layout) for parity in np.eye(2)]
        full = (
            np.concatenate(parities)
            .astype(np.complex64)
            .transpose(3, 2, 1, 0)
            .reshape(-1, y * c, 2 * self.modes.shape[2])
        )
        blocks = full @ full.conj().swapaxes(-1, -2) * np.float32(self.amplitude)
        kernel = np.fft.irfft(blocks.reshape(-1, y, c, y, c).transpose(1, 3, 0, 2, 4), n=x, axis=2)
        return np.ascontiguousarray(kernel)

    def save(self, target: str | PathLike[str] | BinaryIO) -> None:
        """Write the file that `load` reads: the modes as float16 parts of each channel's largest value."""
        c, y, _ = self.layout.shape
        parts = self.modes.view(np.float64).reshape(*self.modes.shape[:3], c, y)  # real and imaginary beside each other
        scale = np.abs(parts).max(axis=(0, 1, 2, 4))
        packed = (parts / scale[:, None]).astype(np.float16)
        about = {"truncation": self.layout.truncation, "levels": self.layout.levels, "amplitude": self.amplitude}
        np.savez_compressed(target, parts=packed, scale=scale, **about)

    @classmethod
    @cache
    def shipped(cls, layout: Layout) -> ZonalErrors:
        """Those of 48-hour forecasts in the training cycles. Raises InvalidInput for another layout than theirs."""
        with resources.as_file(resources.files("tellurion_assimilation").joinpath("data", FILE)) as path:
            errors = cls.load(path)
        if errors.layout != layout:
            received, accepted = (f"T{each.truncation} with {each.levels} levels" for each in (layout, errors.layout))
            raise InvalidInput.of("layout", received=received, accepted=accepted)
        return errors

    @classmethod
    def load(cls, source: str | PathLike[str] | BinaryIO) -> ZonalErrors:
        """Read what `save` wrote."""
        with np.load(source) as file:
            parts = file["parts"].astype(np.float64) * file["scale"][:, None]
            layout = Layout(int(file["truncation"]), int(file["levels"]))
            amplitude = float(file["amplitude"])
        return cls(layout, parts.reshape(*parts.shape[:3], -1).view(np.complex128), amplitude)


def fold(spectrum: NDArray[np.complexfloating], layout: Layout) -> NDArray[np.complexfloating]:
    """[M, 2, N, C·Y/2], the even and the odd part, of [N, C, Y, M]."""
    south, north = np.split(spectrum, 2, axis=2)
    mirrored = north[:, :, ::-1] * layout.mirror[:, None, None]
    parts = np.stack([south + mirrored, south - mirrored]) / np.sqrt(2)
    return np.moveaxis(parts, -1, 0).reshape(spectrum.shape[-1], 2, len(spectrum), -1)


def unfold(folded: NDArray[np.complexfloating], layout: Layout) -> NDArray[np.complexfloating]:
    """The inverse of `fold`, and its adjoint."""
    c, y, _ = layout.shape
    even, odd = np.moveaxis(folded.reshape(*folded.shape[:3], c, y // 2), (1, 0), (0, -1))
    north = (even - odd)[:, :, ::-1] * layout.mirror[:, None, None]
    return np.concatenate([even + odd, north], axis=2) / np.sqrt(2)


def estimate(
    samples: NDArray[np.floating],  # [S, C, Y, X]
    layout: Layout,
    *,
    half_width: float,
    count: int,
) -> ZonalErrors:
    """B from samples of background errors, which are taken to have no mean; see `moments` and `tapered`."""
    return tapered(moments(samples, layout), layout, half_width=half_width, count=count)


def moments(samples: NDArray[np.floating], layout: Layout) -> NDArray[np.complexfloating]:
    """[M, 2, C·Y/2, C·Y/2] mean products f fᴴ of the folded spectra of samples [S, C, Y, X], up to the truncation.

    Raises InvalidInput for samples that are no errors of this layout.
    """
    c, y, x = layout.shape
    if samples.ndim != 4 or samples.shape[1:] != layout.shape or not len(samples) or not np.isfinite(samples).all():
        accepted = f"finite, [S, {c}, {y}, {x}], S at least 1"
        raise InvalidInput.of("samples", received=f"shape {samples.shape}", accepted=accepted)
    total = 0.0
    for first in range(0, len(samples), CHUNK):
        spectrum = np.fft.rfft(samples[first : first + CHUNK].astype(np.float64), norm="ortho")
        folded = fold(spectrum[..., : layout.truncation + 1], layout)
        total += folded.swapaxes(-1, -2) @ folded.conj()
    return total / len(samples)


def tapered(
    moments: NDArray[np.complexfloating],  # [M, 2, C·Y/2, C·Y/2]
    layout: Layout,
    *,
    half_width: float,
    count: int,
) -> ZonalErrors:
    """B from the moments of its samples, cut off in latitude and to its leading eigenvectors.

    `half_width` of the taper is in degrees; `count` eigenvectors are kept of each wavenumber and parity, those that
    hold the most variance with every channel in units of its own errors and every cell by its area.
    """
    c, y, _ = layout.shape
    latitude, area = layout.latitude[: y // 2], layout.area[: y // 2]
    power = np.einsum("mpdd->md", moments.real).reshape(-1, c, y // 2) @ area
    variance = 2 * power.sum(axis=0) - power[0]  # of the channels, in some unit
    weight = np.sqrt(area / np.where(variance > 0, variance, 1.0)[:, None]).ravel()

    same, across = (
        np.tile(gaspari_cohn(np.abs(np.subtract.outer(latitude, side * latitude)) / half_width), (c, c))
        for side in (1, -1)
    )
    even, odd = moments.swapaxes(0, 1)
    # the covariance within a hemisphere is half the sum, that across the equator half the difference
    within, between = same * (even + odd) / 2, across * (even - odd) / 2
    blocks = np.stack([within + between, within - between], axis=1)
    values, vectors = np.linalg.eigh(blocks * np.outer(weight, weight))
    modes = vectors.swapaxes(-1, -2)[:, :, -count:] * np.sqrt(np.maximum(values[:, :, -count:, None], 0.0)) / weight
    return ZonalErrors(layout, np.ascontiguousarray(modes))
