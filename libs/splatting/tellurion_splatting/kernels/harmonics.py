"""Sums of real spherical harmonics up to degree 5, and their derivatives.

With k = |m|, Y_lm = (−1)ᵏ √((2l + 1)/4π · (l − k)!/(l + k)!) · dᵏP_l/dzᵏ · Re (x + iy)ᵏ, times √2 where m ≠ 0, and Im
in place of Re where m < 0. It stands at l² + l + m. Sloan (2013), Efficient spherical harmonic evaluation; order and
signs are those of Kerbl et al. (2023).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import Legendre, Polynomial
from numpy.typing import NDArray

from tellurion_splatting.gaussians import MAX_DEGREE
from tellurion_splatting.kernels import kernel
from tellurion_splatting.kernels.algebra import vector


def _polynomials(derivatives: int) -> NDArray[np.float64]:
    """[l, m, 3]: coefficients of the factor of Y_lm in z, or of its derivative, which is even or odd: z⁰ or z¹ up."""
    table = np.zeros((MAX_DEGREE + 1, MAX_DEGREE + 1, 3))
    for band in range(MAX_DEGREE + 1):
        for m in range(band + 1):
            norm = (2 * band + 1) / (4 * math.pi) * math.factorial(band - m) / math.factorial(band + m)
            legendre = Legendre.basis(band).convert(kind=Polynomial).deriv(m + derivatives)
            held = legendre.coef[(band - m - derivatives) % 2 :: 2]
            table[band, m, : len(held)] = (-1) ** m * math.sqrt(norm * (2 if m else 1)) * held
    return table


_VALUES, _SLOPES = _polynomials(0), _polynomials(1)


@kernel
def _even(table, band, m, z2):
    return table[band, m, 0] + z2 * (table[band, m, 1] + z2 * table[band, m, 2])


@kernel
def basis(bands, d, values):
    """values[:len(bands)²] = Y of the unit vector d, of as many degrees from 0 up; a tuple's length is compiled in."""
    x, y, z = d
    cosine, sine = 1.0, 0.0  # of (x + iy)ᵐ
    for m in range(len(bands)):
        for band in range(m, len(bands)):
            middle = band * band + band
            value = _even(_VALUES, band, m, z * z) * (z if (band - m) % 2 else 1.0)
            values[middle - m] = value * sine
            values[middle + m] = value * cosine
        cosine, sine = x * cosine - y * sine, x * sine + y * cosine


@kernel
def slopes(bands, d, values):
    """values[:len(bands)², 3] = ∂Y/∂(x, y, z) of the polynomials at the unit vector d."""
    x, y, z = d
    cosine, sine, cosine_before, sine_before = 1.0, 0.0, 0.0, 0.0
    for m in range(len(bands)):
        for band in range(m, len(bands)):
            middle = band * band + band
            value = m * _even(_VALUES, band, m, z * z) * (z if (band - m) % 2 else 1.0)
            slope = _even(_SLOPES, band, m, z * z) * (1.0 if (band - m) % 2 else z)
            at = middle - m
            values[at, 0], values[at, 1], values[at, 2] = value * sine_before, value * cosine_before, slope * sine
            at = middle + m
            values[at, 0], values[at, 1], values[at, 2] = value * cosine_before, -value * sine_before, slope * cosine
        cosine_before, sine_before = cosine, sine
        cosine, sine = x * cosine - y * sine, x * sine + y * cosine


@kernel
def direction(positions, row, origins, image):
    """The unit vector from origin to position, and one over its length; zeros where they coincide."""
    p, o = vector(positions, row), vector(origins, image)
    x, y, z = p[0] - o[0], p[1] - o[1], p[2] - o[2]
    length = math.sqrt(x * x + y * y + z * z)
    inverse = 1.0 / length if length > 0.0 else 0.0
    return (x * inverse, y * inverse, z * inverse), inverse


@kernel
def at_least(value, least):
    """The larger of the two; the value itself where it is not finite."""
    return least if -math.inf < value < least else value


@kernel
def evaluate(start, stop, bands, positions, origins, coefficients, rows, images, held, offset, least, sums):
    """sums[start:stop] = max(Σ Y k + offset, least) of positions[rows] seen from origins[images], where it is finite.

    k = coefficients[held], [·, K, 3].
    """
    values = np.empty((MAX_DEGREE + 1) ** 2)
    for i in range(start, stop):
        d, _ = direction(positions, rows[i], origins, images[i])
        basis(bands, d, values)
        h, red, green, blue = held[i], offset, offset, offset
        for j in range(len(bands) ** 2):
            red += values[j] * coefficients[h, j, 0]
            green += values[j] * coefficients[h, j, 1]
            blue += values[j] * coefficients[h, j, 2]
        sums[i, 0], sums[i, 1], sums[i, 2] = at_least(red, least), at_least(green, least), at_least(blue, least)


@kernel
def evaluate_backward(
    start, stop, bands, positions, origins, coefficients, rows, images, held, g_sums, g_positions, g_coefficients
):
    """Adds the gradients by positions and coefficients, all of one image; returns that by its origin [3]."""
    values, turned = np.empty((MAX_DEGREE + 1) ** 2), np.empty(((MAX_DEGREE + 1) ** 2, 3))
    g_origin = np.zeros(3)
    for i in range(start, stop):
        g, h = vector(g_sums, i), held[i]
        if g[0] == 0.0 and g[1] == 0.0 and g[2] == 0.0:  # not drawn, perhaps since its coefficients are not finite
            continue
        d, inverse = direction(positions, rows[i], origins, images[i])
        basis(bands, d, values)
        slopes(bands, d, turned)
        g_x, g_y, g_z = 0.0, 0.0, 0.0
        for j in range(len(bands) ** 2):
            for channel in range(3):
                g_coefficients[h, j, channel] += values[j] * g[channel]
            weight = coefficients[h, j, 0] * g[0] + coefficients[h, j, 1] * g[1] + coefficients[h, j, 2] * g[2]
            g_x += weight * turned[j, 0]
            g_y += weight * turned[j, 1]
            g_z += weight * turned[j, 2]
        along = g_x * d[0] + g_y * d[1] + g_z * d[2]
        g_d = (g_x - along * d[0]) * inverse, (g_y - along * d[1]) * inverse, (g_z - along * d[2]) * inverse
        for axis in range(3):
            g_positions[rows[i], axis] += g_d[axis]
            g_origin[axis] -= g_d[axis]
    return g_origin
