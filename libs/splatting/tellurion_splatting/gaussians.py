"""A set of 3D Gaussians as the rasteriser takes it: activated values, with or without a reflected branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tellurion_core.errors import InvalidInput

Floats = NDArray[np.float32]

SH_C0 = 0.28209479177387814
"""√(1/4π), the spherical harmonic of degree 0."""
MAX_DEGREE = 5
"""Highest degree of spherical harmonics that is evaluated anywhere here."""
SMALLEST = float(np.finfo(np.float32).tiny)
"""Scale that a scale of zero, or one that underflows, is raised to."""


@dataclass(frozen=True, eq=False)
class Reflection:
    """What Ref-Unlock adds to N Gaussians: they share position, scale and rotation with the transmitted branch."""

    sh: Floats
    """[N, K', 3] coefficients of the reflected colour."""
    opacities: Floats
    """[N] in [0, 1], of the reflected branch."""
    weights: Floats
    """[N] in [0, 1], β: how much of what is seen through a Gaussian is reflection."""

    def __post_init__(self) -> None:
        _store(self, "reflection.", sh=self.sh, opacities=self.opacities, weights=self.weights)

    @property
    def degree(self) -> int:
        """Degree of the spherical harmonics, 0…5."""
        return isqrt(self.sh.shape[1]) - 1

    def __getitem__(self, rows: ArrayLike) -> Reflection:
        return Reflection(self.sh[rows], self.opacities[rows], self.weights[rows])  # type: ignore[index]


@dataclass(frozen=True, eq=False)
class Gaussians:
    """N Gaussians, finite and in range by construction; values are converted to float32, rotations normalised.

    Raises InvalidInput naming the array, and the first row, of what is not finite, out of range, of another length,
    or of a number of coefficients that fits no degree up to 5.
    """

    means: Floats
    """[N, 3], in the axes of the scene's cameras."""
    quats: Floats
    """[N, 4] rotations, wxyz, of unit norm."""
    scales: Floats
    """[N, 3] standard deviations along the rotated axes, above zero."""
    opacities: Floats
    """[N] in [0, 1]."""
    sh: Floats
    """[N, K, 3] coefficients, K = (degree + 1)²; the colour is ½ plus their sum over the basis."""
    reflection: Reflection | None = None
    """The reflected branch, where there is one."""
    antialiased: bool = False
    """Whether it was fitted with the antialiased rasterisation and is to be rendered with it."""

    def __post_init__(self) -> None:
        arrays = {name: getattr(self, name) for name in ("means", "quats", "scales", "opacities", "sh")}
        _store(self, "", **arrays)
        if self.reflection is not None and len(self.reflection.opacities) != len(self):
            raise InvalidInput.of(
                "reflection", received=f"{len(self.reflection.opacities)} rows", accepted=f"{len(self)}"
            )

    def __len__(self) -> int:
        return len(self.means)

    def __getitem__(self, rows: ArrayLike) -> Gaussians:
        """Some of the Gaussians: rows are a slice, a mask [N] or indices."""
        reflection = None if self.reflection is None else self.reflection[rows]
        arrays = (self.means, self.quats, self.scales, self.opacities, self.sh)
        return Gaussians(*(array[rows] for array in arrays), reflection, self.antialiased)  # type: ignore[index]

    @property
    def degree(self) -> int:
        """Degree of the spherical harmonics, 0…5."""
        return isqrt(self.sh.shape[1]) - 1

    def transmitted(self) -> Gaussians:
        """Those that the transmitted branch shows, without the reflected one."""
        return replace(self, reflection=None)[self.opacities > 0]

    def half_turn(self) -> Gaussians:
        """The same turned by 180° about x: from right-down-front axes to right-up-back, and back again.

        The turn takes (x, y, z) to (x, −y, −z) and a rotation R to FRF with F = diag(1, −1, −1): quaternions change
        the sign of y and z, and Y_lm that of (−1)^(l−|m|), once more where m < 0.
        """
        reflection = self.reflection and replace(self.reflection, sh=_half_turned(self.reflection.sh))
        means, quats = self.means * np.float32([1, -1, -1]), self.quats * np.float32([1, 1, -1, -1])
        return replace(self, means=means, quats=quats, sh=_half_turned(self.sh), reflection=reflection)


def degree_of(coefficients: int, field: str) -> int:
    """The degree whose basis has this many functions.

    Raises InvalidInput where no degree up to 5 has.
    """
    degree = isqrt(coefficients) - 1
    if not 0 <= degree <= MAX_DEGREE or (degree + 1) ** 2 != coefficients:
        accepted = "(degree + 1)² coefficients of degree 0…5: 1, 4, 9, 16, 25 or 36"
        raise InvalidInput.of(field, received=f"{coefficients} coefficients", accepted=accepted)
    return degree


def _half_turned(sh: Floats) -> Floats:
    bands = range(isqrt(sh.shape[1]))
    signs = [(-1) ** (band - abs(m) + (m < 0)) for band in bands for m in range(-band, band + 1)]
    return sh * np.float32(signs)[:, None]


def _store(owner: Gaussians | Reflection, prefix: str, **arrays: ArrayLike) -> None:
    """Puts each array into its frozen owner as checked, contiguous float32."""
    rows: int | None = None
    for name, value in arrays.items():
        field = prefix + name
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused below
            array = np.ascontiguousarray(value, np.float32)
        rows = array.shape[0] if rows is None and array.ndim else rows
        _check_shape(field, name, array, rows)
        for wrong, accepted in _faults(name, array):
            if wrong.any():
                row = int(np.argmax(wrong.reshape(len(wrong), -1).any(axis=1)))
                raise InvalidInput.of(f"{field}[{row}]", received=np.round(array[row], 6).tolist(), accepted=accepted)
        if name == "quats":
            array = _unit(array)
        elif name == "scales":
            array = np.where(array == 0, np.float32(SMALLEST), array)
        object.__setattr__(owner, name, array)


_TAILS = {"means": (3,), "quats": (4,), "scales": (3,), "opacities": (), "weights": (), "sh": (None, 3)}


def _check_shape(field: str, name: str, array: Floats, rows: int | None) -> None:
    tail = _TAILS[name]
    fits = array.ndim == 1 + len(tail) and array.shape[0] == rows
    if not fits or any(want not in (None, got) for want, got in zip(tail, array.shape[1:], strict=True)):
        expected = ", ".join(str(extent or "K") for extent in ("N" if rows is None else rows, *tail))
        raise InvalidInput.of(field, received=f"shape {list(array.shape)}", accepted=f"shape [{expected}]")
    if name == "sh":
        degree_of(array.shape[1], field)


def _faults(name: str, array: Floats) -> Iterator[tuple[NDArray[np.bool_], str]]:
    yield ~np.isfinite(array), "finite numbers"
    if name in ("opacities", "weights"):
        yield (array < 0) | (array > 1), "0…1"
    if name == "scales":
        yield array < 0, "standard deviations above zero"
    if name == "quats":
        yield ~array.any(axis=1), "a norm above zero"


def _unit(quats: Floats) -> Floats:
    """Rotations of unit norm; those that are so already keep their bits."""
    norms = np.linalg.norm(quats.astype(np.float64), axis=1, keepdims=True)
    normalised = (quats / norms).astype(np.float32)
    return np.where(np.abs(norms - 1) < 1e-6, quats, normalised)
