"""The derivative of `compositing`, front to back: the same walk with the same light, which is never divided by.

With e_i = Σ_d c_id g_d over a layer's values, w = αT and R_i = Σ_d C_d g_d − T_end g_A − Σ_{j≤i} w_j e_j for what lies
behind, ∂L/∂σ_i = V = α/(1 − α)·R_i − w_i e_i, or zero where α is capped. Six moments Σ V (1, δx, δy, δx², δxδy, δy²)
over a tile's pixels are all that a Gaussian's mean, conic and opacity need.
"""

from __future__ import annotations

import numpy as np

from tellurion_splatting.kernels import kernel, lanes
from tellurion_splatting.kernels.binning import OPACITY, SECOND, A, B, C, footprint_of
from tellurion_splatting.kernels.compositing import (
    cover,
    exponents,
    foresee,
    joint_shares,
    kindle,
    lay_out,
    offset,
    offsets,
    rows_in,
    rows_of,
    shares,
)
from tellurion_splatting.kernels.lanes import WIDTH, alike, load, muladd, pick, spread, store, where

FIRST, OTHER, DX, DY, DXDX, DXDY, DYDY, ABS_X, ABS_Y, VALUES = range(10)
"""Columns of a slot: Σ V of each layer, the moments of both together, Σ|∂L/∂μ₂|, then the values' gradients."""


@kernel
def expect(image, alphas, g_image, g_alphas, stride, planes):
    """Lays out a tile's g_image in planes [D · area], and in one more Σ C g − T_end g_A, what lies behind the first."""
    rows, columns, depth = image.shape
    area = len(planes) // (depth + 1)
    for row in range(rows):
        for column in range(columns):
            place = row * stride + column
            behind = (alphas[row, column] - alike(1, planes[0])) * g_alphas[row, column]
            for d in range(depth):
                planes[d * area + place] = g_image[row, column, d]
                behind += image[row, column, d] * g_image[row, column, d]
            planes[depth * area + place] = behind


@kernel
def pull(weight, alpha, raw, cap, values, first, depth, area, place, planes, g_values):
    """∂L/∂σ of eight pixels; moves on what lies behind, and adds w g_d to eight sums of each value."""
    zero, one = spread(alike(0, cap)), spread(alike(1, cap))
    e = zero
    for d in range(depth):
        g = load(planes, d * area + place)
        e = muladd(spread(pick(values, first + d)), g, e)
        store(g_values, d * WIDTH, muladd(weight, g, load(g_values, d * WIDTH)))
    taken = weight * e
    behind = load(planes, depth * area + place) - taken
    store(planes, depth * area + place, behind)
    return where((weight > zero) & (raw <= spread(cap)), alpha / (one - alpha) * behind - taken, zero)


@kernel
def composite_backward(
    start, stop, tiles, firsts, entries, footprints, values, others, rules, tile, first, second, absolute, base, slots
):
    """Writes slots[e − base] of the entries e of tiles[start:stop]; see `composite`.

    `first` and `second` are of each layer the image, the alphas and their gradients, `second` None without one;
    `absolute` asks for Σ|∂L/∂μ₂|.
    """
    cap, _, _, joint = rules
    image, alphas, g_image, g_alphas = first
    kind, (height, width, depth) = footprints.dtype, image.shape
    across, stride = (width + tile - 1) // tile, tile + WIDTH
    area = tile * stride
    begins, ends, linears, constants = rows_in(tile, kind)
    light, planes, g_values = np.empty(area, kind), np.zeros((depth + 1) * area, kind), np.empty(depth * WIDTH, kind)
    if others is not None:
        other_image, other_alphas, g_other_image, g_other_alphas = second
        other_depth = other_image.shape[2]
        other_light, other_planes = np.empty(area, kind), np.zeros((other_depth + 1) * area, kind)
        g_others = np.empty(other_depth * WIDTH, kind)
    zero = spread(alike(0, cap))
    for t in tiles[start:stop]:
        top, left = t // across * tile, t % across * tile
        bottom, right = min(top + tile, height), min(left + tile, width)
        y, x = slice(top, bottom), slice(left, right)
        living = (bottom - top) * (right - left)
        kindle(light, stride, bottom - top, right - left)
        expect(image[y, x], alphas[y, x], g_image[y, x], g_alphas[y, x], stride, planes)
        if others is not None:
            living *= 2
            kindle(other_light, stride, bottom - top, right - left)
            expect(
                other_image[y, x], other_alphas[y, x], g_other_image[y, x], g_other_alphas[y, x], stride, other_planes
            )
        for entry in range(firsts[t], firsts[t + 1]):
            slot = entry - base
            slots[slot, :] = 0
            if living == 0:
                continue
            i = entries[entry]
            foresee(entries, entry, footprints, values, depth)
            footprint = footprint_of(footprints, i)
            g_values[:] = 0
            if others is not None:
                g_others[:] = 0
            sum_v = sum_other = sum_x = sum_y = sum_xx = sum_xy = sum_yy = abs_x = abs_y = zero
            first_row, last_row = rows_of(footprint, top, bottom)
            lay_out(footprint, first_row, last_row, top, left, right, begins, ends, linears, constants)
            for row in range(first_row - top, last_row - top):
                linear, constant = pick(linears, row), pick(constants, row)
                dy = spread(offset(footprint, top + row))
                along = along_x = zero
                for column in range(pick(begins, row), pick(ends, row), WIDTH):
                    place = row * stride + column - left
                    dx = offsets(footprint, column)
                    sigma = exponents(footprint, dx, linear, constant)
                    alpha, raw = cover(sigma, footprint[OPACITY], cap)
                    seen = load(light, place)
                    if others is None:
                        weight, seen, ended = shares(seen, alpha, sigma, rules)
                        v = pull(weight, alpha, raw, cap, values, i * depth, depth, area, place, planes, g_values)
                        sum_v += v
                    else:
                        other_alpha, other_raw = cover(sigma, footprint[SECOND], cap)
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
                        v = pull(weight, alpha, raw, cap, values, i * depth, depth, area, place, planes, g_values)
                        sum_v += v
                        other = other_weight, other_alpha, other_raw, cap, others, i * other_depth, other_depth
                        other_v = pull(*other, area, place, other_planes, g_others)
                        sum_other += other_v
                        v += other_v
                    store(light, place, seen)
                    living -= ended
                    vx = v * dx
                    along, along_x, sum_xx = along + v, along_x + vx, muladd(vx, dx, sum_xx)
                    if absolute:
                        a, b, c = spread(footprint[A]), spread(footprint[B]), spread(footprint[C])
                        vy = v * dy
                        abs_x += lanes.magnitude(muladd(a, vx, b * vy))
                        abs_y += lanes.magnitude(muladd(b, vx, c * vy))
                sum_x += along_x
                sum_y = muladd(dy, along, sum_y)
                sum_xy = muladd(dy, along_x, sum_xy)
                sum_yy = muladd(dy * dy, along, sum_yy)
            slots[slot, FIRST], slots[slot, OTHER] = lanes.total(sum_v), lanes.total(sum_other)
            slots[slot, DX], slots[slot, DY] = lanes.total(sum_x), lanes.total(sum_y)
            slots[slot, DXDX], slots[slot, DYDY] = lanes.total(sum_xx), lanes.total(sum_yy)
            slots[slot, DXDY] = lanes.total(sum_xy)
            slots[slot, ABS_X], slots[slot, ABS_Y] = lanes.total(abs_x), lanes.total(abs_y)
            for d in range(depth):
                slots[slot, VALUES + d] = lanes.total(load(g_values, d * WIDTH))
            if others is not None:
                for d in range(other_depth):
                    slots[slot, VALUES + depth + d] = lanes.total(load(g_others, d * WIDTH))


@kernel
def gather(start, stop, entries, slots, sums):
    """Adds to sums[start:stop] the slots of their entries, in the order of the tiles."""
    for e in range(len(entries)):
        i = entries[e]
        if start <= i < stop:
            for column in range(slots.shape[1]):
                sums[i, column] += slots[e, column]


@kernel
def unpack(start, stop, order, footprints, sums, g_means2d, g_conics, g_opacities, g_second, absolutes):
    """Writes the gradients of the Gaussians order[start:stop] from the sums of their slots."""
    for i in range(start, stop):
        row, footprint = order[i], footprint_of(footprints, i)
        a, b, c, half = footprint[A], footprint[B], footprint[C], alike(0.5, footprint[A])
        g_means2d[row, 0] = a * sums[i, DX] + b * sums[i, DY]
        g_means2d[row, 1] = b * sums[i, DX] + c * sums[i, DY]
        g_conics[row, 0], g_conics[row, 2] = half * sums[i, DXDX], half * sums[i, DYDY]
        g_conics[row, 1] = sums[i, DXDY]
        g_opacities[row] = -sums[i, FIRST] / footprint[OPACITY] if sums[i, FIRST] != 0 else 0
        if g_second.size:
            g_second[row] = -sums[i, OTHER] / footprint[SECOND] if sums[i, OTHER] != 0 else 0
        absolutes[row, 0], absolutes[row, 1] = sums[i, ABS_X], sums[i, ABS_Y]
