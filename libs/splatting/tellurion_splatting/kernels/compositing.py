"""Tiles of an image from their lists of Gaussians, nearest first (Kerbl et al. 2023, eq. 3).

With δ from the pixel to the mean, σ = ½(aδx² + cδy²) + bδxδy, α = min(cap, o e^−σ) and T the light that nearer ones
let through: a Gaussian with α < α_min is left out, one that would bring T to its minimum ends the pixel, and each other
adds αT times its values. Pixels are eight lanes of a row, which begin where the ellipse does; a lane whose light is
negative has ended. A second layer has the same σ and its own opacities and values.
"""

from __future__ import annotations

import numpy as np

from tellurion_splatting.kernels import kernel, lanes
from tellurion_splatting.kernels.binning import (
    DETERMINANT,
    HALF_HEIGHT,
    OPACITY,
    PER_A,
    SECOND,
    SPAN,
    A,
    B,
    C,
    X,
    Y,
    footprint_of,
    within,
)
from tellurion_splatting.kernels.exponential import decay
from tellurion_splatting.kernels.lanes import WIDTH, alike, load, muladd, pick, spread, store, where

AHEAD = 6
"""Entries between asking memory for a Gaussian and drawing it."""


@kernel
def rows_of(footprint, top, bottom):
    """First and last row + 1, of those from top to bottom, with pixels that the ellipse may cover."""
    y, reach = footprint[Y], footprint[HALF_HEIGHT] + alike(0.5, footprint[Y])
    top, bottom = alike(top, y), alike(bottom, y)
    return int(within(y - reach, top, bottom)), int(within(y + reach, top, bottom))


@kernel
def rows_in(tile, kind):
    """Room for what `lay_out` says of the rows of a tile."""
    rows = tile + WIDTH
    return np.empty(rows, np.int32), np.empty(rows, np.int32), np.empty(rows, kind), np.empty(rows, kind)


@kernel
def lay_out(footprint, first, last, top, left, right, begins, ends, linears, constants):
    """Of each row first…last, counted from the top: the columns left…right that the ellipse may cover, bδy and ½cδy².

    Eight rows at once: what a row is to do is known before its first pixels are begun.
    """
    x, y, per_a = spread(footprint[X]), spread(footprint[Y]), spread(footprint[PER_A])
    b, c, span, determinant = footprint[B], footprint[C], footprint[SPAN], spread(footprint[DETERMINANT])
    zero, half = spread(alike(0, b)), spread(alike(0.5, b))
    left, right = spread(alike(left, b)), spread(alike(right, b))
    for row in range(first, last, WIDTH):
        dy = y - (spread(alike(row, b)) + half + lanes.steps(b))
        linear = spread(b) * dy
        middle = muladd(linear, per_a, x)
        under = spread(span) - determinant * dy * dy
        reach = muladd(lanes.root(larger(under, zero)), per_a, half)
        store(begins, row - top, lanes.whole(smaller(larger(middle - reach, left), right)))
        store(ends, row - top, lanes.whole(smaller(larger(middle + reach, left), right)))
        store(linears, row - top, linear)
        store(constants, row - top, half * spread(c) * dy * dy)


@kernel
def larger(x, y):
    """The larger of each; y where x is not a number."""
    return where(x > y, x, y)


@kernel
def smaller(x, y):
    """The smaller of each; y where x is not a number."""
    return where(x < y, x, y)


@kernel
def offset(footprint, row):
    """δy of a row."""
    y = footprint[Y]
    return y - (alike(row, y) + alike(0.5, y))


@kernel
def offsets(footprint, column):
    """δx of the eight pixels from that column on."""
    x = footprint[X]
    return spread(x) - (spread(alike(column, x) + alike(0.5, x)) + lanes.steps(x))


@kernel
def exponents(footprint, dx, linear, constant):
    """The exponents σ of eight pixels of a row."""
    half_a = spread(alike(0.5, linear) * footprint[A])
    return muladd(muladd(half_a, dx, spread(linear)), dx, spread(constant))


@kernel
def cover(sigma, opacity, cap):
    """α, and o e^−σ before it is capped."""
    raw = spread(opacity) * decay(sigma)
    return smaller(raw, spread(cap)), raw


@kernel
def shares(light, alpha, sigma, rules):
    """Of lanes that take a Gaussian the weight αT, zero elsewhere; the light after it; how many of them it ends."""
    _, minimum, limit, _ = rules
    zero = spread(alike(0, limit))
    takes = (sigma >= zero) & (alpha >= spread(minimum)) & (light > zero)
    left = muladd(light, zero - alpha, light)
    ends = takes & (left < spread(limit))
    return (*drawn(light, alpha, takes & (left >= spread(limit)), ends, zero), lanes.count(ends))


@kernel
def joint_shares(light, alpha, other_light, other_alpha, sigma, rules):
    """The same of layers that leave out a Gaussian together and end together: weight, light, weight, light, ended."""
    _, minimum, limit, _ = rules
    zero, least, minimum = spread(alike(0, limit)), spread(limit), spread(minimum)
    takes = (sigma >= zero) & (alpha >= minimum) & (other_alpha >= minimum) & ((light > zero) | (other_light > zero))
    left, other_left = muladd(light, zero - alpha, light), muladd(other_light, zero - other_alpha, other_light)
    draws, ends = takes & ((left >= least) | (other_left >= least)), takes & (left < least) & (other_left < least)
    first, second = drawn(light, alpha, draws, ends, zero), drawn(other_light, other_alpha, draws, ends, zero)
    return (*first, *second, 2 * lanes.count(ends))


@kernel
def drawn(light, alpha, draws, ends, zero):
    """Weight αT, and light: less where a Gaussian is drawn, negative where it ends the pixel.

    A choice between new light and old would become a store of some lanes only, which later loads have to wait for.
    """
    alpha = where(draws, alpha, zero)
    left = muladd(light, zero - alpha, light)
    return alpha * light, where(ends, zero - left, left)


@kernel
def deposit(sums, area, place, weight, values, first, depth):
    """Adds weight · values[first + d] to the eight pixels from `place` on of each plane d of sums [D · area]."""
    for d in range(depth):
        add(sums, d * area + place, weight, pick(values, first + d))


@kernel
def add(sums, at, weight, value):
    """Adds weight · value to eight sums."""
    store(sums, at, muladd(weight, spread(value), load(sums, at)))


@kernel
def kindle(light, stride, rows, columns):
    """All light in a tile's pixels, and none in those beyond the image or in the margin, which have ended."""
    light[:] = -1
    for row in range(rows):
        light[row * stride : row * stride + columns] = 1


@kernel
def foresee(entries, entry, footprints, values, depth):
    """Asks memory for the Gaussian that comes AHEAD entries later: entries stand all over the arrays."""
    later = pick(entries, min(entry + AHEAD, len(entries) - 1))
    lanes.prefetch(footprints, later * footprints.shape[1])
    lanes.prefetch(values, later * depth)


@kernel
def expose(light, sums, stride, image, alphas):
    """Writes a tile's sums [D · area] to its part of an image [h, w, D], and 1 − T to that of alphas [h, w]."""
    area, (rows, columns) = len(light), alphas.shape
    for row in range(rows):
        for column in range(columns):
            place = row * stride + column
            alphas[row, column] = alike(1, light[place]) - abs(light[place])
            for d in range(image.shape[2]):
                image[row, column, d] = sums[d * area + place]


@kernel
def composite(start, stop, tiles, firsts, entries, footprints, values, others, rules, tile, first, second):
    """Writes tiles[start:stop] to `first`, an image [H, W, D] and its alphas [H, W].

    Tile t shows the footprints entries[firsts[t]:firsts[t + 1]], whose values are [n · D]. `rules` are cap, α_min, the
    least light that is let through, and whether layers are joint. With a second layer `others` are its values [n · E]
    and `second` its image and alphas; both are None without one.
    """
    cap, _, _, joint = rules
    image, alphas = first
    kind, (height, width, depth) = footprints.dtype, image.shape
    across, stride = (width + tile - 1) // tile, tile + WIDTH
    area = tile * stride
    begins, ends, linears, constants = rows_in(tile, kind)
    light, sums = np.empty(area, kind), np.empty(depth * area, kind)
    if others is not None:
        other_image, other_alphas = second
        other_depth = other_image.shape[2]
        other_light, other_sums = np.empty(area, kind), np.empty(other_depth * area, kind)
    for t in tiles[start:stop]:
        top, left = t // across * tile, t % across * tile
        bottom, right = min(top + tile, height), min(left + tile, width)
        living = (bottom - top) * (right - left)
        kindle(light, stride, bottom - top, right - left)
        sums[:] = 0
        if others is not None:
            living *= 2
            kindle(other_light, stride, bottom - top, right - left)
            other_sums[:] = 0
        for entry in range(firsts[t], firsts[t + 1]):
            i = entries[entry]
            foresee(entries, entry, footprints, values, depth)
            footprint = footprint_of(footprints, i)
            first_row, last_row = rows_of(footprint, top, bottom)
            lay_out(footprint, first_row, last_row, top, left, right, begins, ends, linears, constants)
            for row in range(first_row - top, last_row - top):
                linear, constant = pick(linears, row), pick(constants, row)
                for column in range(pick(begins, row), pick(ends, row), WIDTH):
                    place = row * stride + column - left
                    sigma = exponents(footprint, offsets(footprint, column), linear, constant)
                    alpha, _ = cover(sigma, footprint[OPACITY], cap)
                    seen = load(light, place)
                    if others is None:
                        weight, seen, ended = shares(seen, alpha, sigma, rules)
                    else:
                        other_alpha, _ = cover(sigma, footprint[SECOND], cap)
                        other_seen = load(other_light, place)
                        if joint:
                            weight, seen, other_weight, other_seen, ended = joint_shares(
                                seen, alpha, other_seen, other_alpha, sigma, rules
                            )
                        else:
                            weight, seen, ended = shares(seen, alpha, sigma, rules)
                            other_weight, other_seen, other_ended = shares(other_seen, other_alpha, sigma, rules)
                            ended += other_ended
                        store(other_light, place, other_seen)
                        deposit(other_sums, area, place, other_weight, others, i * other_depth, other_depth)
                    store(light, place, seen)
                    deposit(sums, area, place, weight, values, i * depth, depth)
                    living -= ended
            if living == 0:
                break
        here = slice(top, bottom), slice(left, right)
        expose(light, sums, stride, image[here], alphas[here])
        if others is not None:
            expose(other_light, other_sums, stride, other_image[here], other_alphas[here])
