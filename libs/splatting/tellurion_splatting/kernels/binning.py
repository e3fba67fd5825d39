"""Which Gaussians each tile of an image may show, nearest first.

A Gaussian covers a pixel by more than α_min inside the ellipse σ ≤ s, s = ln(o/α_min): a tile lists it only where that
ellipse, a hair larger, meets the tile's pixels. The image does not change; the lists are shorter than those of boxes.
"""

from __future__ import annotations

import math

import numpy as np

from tellurion_splatting.kernels import kernel
from tellurion_splatting.kernels.lanes import prefetch
from tellurion_splatting.profiles import ALPHA_MIN

X, Y, A, B, C, OPACITY, SECOND, SPAN, DETERMINANT, PER_A, HALF_HEIGHT, APEX, WIDE, HIGH = range(14)
"""Columns of a footprint: mean and conic; opacities of both layers; of the ellipse 2 a s, a c − b², 1/a, how far it
reaches up and down from the mean, and how far below the mean it reaches furthest to the right; half the box's sides."""
COLUMNS = 16
"""In single precision a footprint is one line of the cache."""

AHEAD = 8
"""Gaussians between asking memory for one and packing it."""
_DIGIT = 11
"""Bits that one pass of the sort looks at."""


@kernel
def depth_order(bits):
    """The order [n] that sorts positive floats by their bits [n], as integers; equal ones stay as they are."""
    count, buckets = len(bits), 1 << _DIGIT
    keys, order = bits.copy(), np.arange(count).astype(np.int32)
    spare_keys, spare_order = np.empty_like(keys), np.empty_like(order)
    for shift in range(0, 8 * bits.itemsize, _DIGIT):
        ends = np.zeros(buckets, np.int64)
        for key in keys:
            ends[(key >> shift) & (buckets - 1)] += 1
        if ends.max() == count:
            continue
        ends = np.cumsum(ends) - ends
        for i in range(count):
            digit = (keys[i] >> shift) & (buckets - 1)
            spare_keys[ends[digit]], spare_order[ends[digit]] = keys[i], order[i]
            ends[digit] += 1
        keys, spare_keys, order, spare_order = spare_keys, keys, spare_order, order
    return order


@kernel
def pack(start, stop, order, radii, means2d, conics, opacities, second, joint, footprints):
    """footprints[start:stop] of the Gaussians order[start:stop]; `second` are the other layer's opacities, or [0]."""
    for i in range(start, stop):
        row, later = order[i], order[min(i + AHEAD, stop - 1)]
        prefetch(radii, later * 2)
        prefetch(means2d, later * 2)
        prefetch(conics, later * 3)
        prefetch(opacities, later)
        a, b, c = float(conics[row, 0]), float(conics[row, 1]), float(conics[row, 2])
        reaching, other = float(opacities[row]), float(opacities[row])
        if second.size:
            other = float(second[row])
        footprints[i, X], footprints[i, Y] = means2d[row, 0], means2d[row, 1]
        footprints[i, A], footprints[i, B], footprints[i, C], footprints[i, PER_A] = a, b, c, 1.0 / a
        footprints[i, OPACITY], footprints[i, SECOND] = reaching, other
        footprints[i, WIDE], footprints[i, HIGH] = radii[row, 0], radii[row, 1]
        reaching = min(reaching, other) if joint else max(reaching, other)
        determinant = a * c - b * b
        span, half, apex = math.inf, math.inf, 0.0  # of an ellipse too long for its conic's digits: all of its box
        if determinant > 0.0:
            s = math.log(max(reaching, ALPHA_MIN) / ALPHA_MIN)
            s += 1e-4 + s * (1e-4 + 1e-6 * a * c / determinant)  # what rounding may add to a pixel's σ
            span, half = 2.0 * a * s, math.sqrt(2.0 * a * s / determinant)
            apex = -b * half / math.sqrt(a * c)
        if not reaching >= ALPHA_MIN:
            half = -1.0
        footprints[i, SPAN], footprints[i, DETERMINANT] = span, max(determinant, 0.0)
        footprints[i, HALF_HEIGHT], footprints[i, APEX] = half, apex


@kernel
def footprint_of(footprints, i):
    """The columns of footprints[i] as a tuple."""
    return (
        footprints[i, X],
        footprints[i, Y],
        footprints[i, A],
        footprints[i, B],
        footprints[i, C],
        footprints[i, OPACITY],
        footprints[i, SECOND],
        footprints[i, SPAN],
        footprints[i, DETERMINANT],
        footprints[i, PER_A],
        footprints[i, HALF_HEIGHT],
        footprints[i, APEX],
        footprints[i, WIDE],
        footprints[i, HIGH],
    )


@kernel
def within(value, low, high):
    """The value, or the bound that it is beyond; the lower one where it is not a number."""
    return min(value, high) if value > low else low


@kernel
def edges(footprint, low, high):
    """Leftmost and rightmost x of the ellipse between y = low and y = high; an empty interval where it is not there."""
    x, y, b, per_a = float(footprint[X]), float(footprint[Y]), float(footprint[B]), float(footprint[PER_A])
    span, determinant, half = float(footprint[SPAN]), float(footprint[DETERMINANT]), float(footprint[HALF_HEIGHT])
    low, high = max(low - y, -half), min(high - y, half)
    if low > high:
        return math.inf, -math.inf
    if not span < math.inf:
        return -math.inf, math.inf
    apex = float(footprint[APEX])
    right, left = min(max(apex, low), high), min(max(-apex, low), high)
    return (
        x - (b * left + math.sqrt(max(0.0, span - determinant * left * left))) * per_a,
        x - (b * right - math.sqrt(max(0.0, span - determinant * right * right))) * per_a,
    )


@kernel
def span_of_tiles(square, centre, half, tile, tiles):
    """First and last tile + 1 along one axis that a box touches, as gsplat or, where it is square, as Inria counts."""
    if square:
        centre -= 0.5
        end = np.floor((centre + half + tile - 1.0) / tile)
    else:
        end = np.ceil((centre + half) / tile)
    first = within(np.floor((centre - half) / tile), 0.0, float(tiles))
    return first, within(end, first, float(tiles))


@kernel
def meet(start, stop, piece, footprints, square, tile, across, down, most, found, counts):
    """The tiles [k] that the Gaussians start…stop meet, and which of them meets it [k], one Gaussian after the other.

    Adds up in counts [pieces, across · down] how many each tile has of this piece. Ends early where all pieces
    together have `found` [pieces] more than `most`, which each tells before it asks for memory.
    """
    count, kept = counts[start // piece], 0
    tiles, owners = np.empty(4 * (stop - start), np.int32), np.empty(4 * (stop - start), np.int32)
    for i in range(start, stop):
        footprint = footprint_of(footprints, i)
        x, y, half = float(footprint[X]), float(footprint[Y]), float(footprint[HALF_HEIGHT])
        wide, high = float(footprint[WIDE]), min(float(footprint[HIGH]), half + 1.0)
        leftmost, rightmost = span_of_tiles(square, x, wide, tile, across)
        first, last = span_of_tiles(square, y, high, tile, down)
        for row in range(int(first), int(last)):
            left, right = edges(footprint, row * tile + 0.5, row * tile + tile - 0.5)
            begin = within(np.floor((left - 0.5) / tile), leftmost, rightmost)
            end = within(np.floor((right - 0.5) / tile) + 1.0, begin, rightmost)
            for column in range(int(begin), int(end)):
                at = row * across + column
                if kept == len(tiles):
                    found[start // piece] = kept
                    if found.sum() > most:
                        return tiles, owners
                    tiles, owners = np.concatenate((tiles, tiles)), np.concatenate((owners, owners))
                tiles[kept], owners[kept] = at, i
                kept += 1
                count[at] += 1
    return tiles[:kept], owners[:kept]


@kernel
def settle(tiles, owners, places, entries):
    """Puts each owner among the entries where the next of its tile belongs; places [tiles] move on."""
    for k in range(len(tiles)):
        entries[places[tiles[k]]] = owners[k]
        places[tiles[k]] += 1
