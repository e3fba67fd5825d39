"""Gaussians as a camera sees them: the affine approximation of Zwicker et al. (2002), EWA splatting, section 5.

Doubles inside, whatever the arrays hold: projecting costs little beside compositing, and the square of a distance from
a pixel to a mean a thousand pixels away leaves single precision no digits to lose.
"""

from __future__ import annotations

import math

import numpy as np

from tellurion_splatting.kernels import kernel
from tellurion_splatting.kernels.algebra import dot, matrix, mixed, rotation, times, vector
from tellurion_splatting.profiles import ALPHA_MIN, REACH

MARGIN = 0.15
"""Of the image's size: how far outside it the affine approximation is still taken at the mean itself."""
LARGEST_BOX = 2**30
"""Half a box's size that an int32 is sure to hold, pixels."""
FURTHEST = 1e15
"""Pixels, and their inverse, whose squares single precision is sure to hold; beyond, a Gaussian counts as infinite."""


@kernel
def quaternion(quats, row):
    """The unit quaternion (w, x, y, z) of quats[row], and the norm that it had."""
    w, x, y, z = float(quats[row, 0]), float(quats[row, 1]), float(quats[row, 2]), float(quats[row, 3])
    norm = math.sqrt(w * w + x * x + y * y + z * z)
    inverse = 1.0 / norm
    return (w * inverse, x * inverse, y * inverse, z * inverse), norm


@kernel
def axes(quats, scales, row):
    """M = R diag(s), whose columns are a Gaussian's axes."""
    R, s = rotation(quaternion(quats, row)[0]), vector(scales, row)
    return (
        (R[0][0] * s[0], R[0][1] * s[1], R[0][2] * s[2]),
        (R[1][0] * s[0], R[1][1] * s[1], R[1][2] * s[2]),
        (R[2][0] * s[0], R[2][1] * s[1], R[2][2] * s[2]),
    )


@kernel
def covariance(quats, scales, covars, row):
    """Σ = M Mᵀ, or the one that is given."""
    if covars.size:
        return matrix(covars, row)
    M = axes(quats, scales, row)
    return times(M, M[0]), times(M, M[1]), times(M, M[2])


@kernel
def jacobian(t, K, width, height):
    """J₀₀, J₀₂, J₁₁, J₁₂ of the projection at t, and the clamped x/z and y/z that it is taken at.

    K is (fx, fy, cx, cy), pixels.
    """
    x, y, z = t
    fx, fy, cx, cy = K
    u = min(max(x / z, -(cx + MARGIN * width) / fx), ((1 + MARGIN) * width - cx) / fx)
    v = min(max(y / z, -(cy + MARGIN * height) / fy), ((1 + MARGIN) * height - cy) / fy)
    across, down = fx / z, fy / z
    return (across, -across * u, down, -down * v), u, v


@kernel
def to_image(J, W):
    """Rows of U = J W, the derivative of the image's coordinates by the world's, W the view's rotation."""
    return mixed(J[0], W[0], J[1], W[2]), mixed(J[2], W[1], J[3], W[2])


@kernel
def spread_in_image(U, sigma):
    """U Σ Uᵀ as xx, xy, yy, pixels²."""
    across = times(sigma, U[0])
    return dot(U[0], across), dot(U[1], across), dot(U[1], times(sigma, U[1]))


@kernel
def intrinsics(Ks, image):
    """fx, fy, cx, cy of one camera, pixels."""
    return Ks[image, 0, 0], Ks[image, 1, 1], Ks[image, 0, 2], Ks[image, 1, 2]


@kernel
def seen(mean, view, offset):
    """The mean in the camera's axes."""
    t = times(view, mean)
    return t[0] + offset[0], t[1] + offset[1], t[2] + offset[2]


@kernel
def half_sizes(square, covariance2d, determinant, opacity):
    """Half width and half height of the box that a Gaussian may touch, whole pixels."""
    xx, _, yy = covariance2d
    if square:
        middle = 0.5 * (xx + yy)
        both = np.ceil(3.0 * math.sqrt(middle + math.sqrt(max(0.1, middle * middle - determinant))))
        return both, both
    reach = min(REACH, math.sqrt(2.0 * math.log(opacity / ALPHA_MIN)))
    return np.ceil(reach * math.sqrt(xx)), np.ceil(reach * math.sqrt(yy))


@kernel
def touches(square, centre, half, length):
    """Whether a box, along one axis, lies in the image; a square one, in one of its tiles of that side."""
    if square:
        return centre + half >= 1.5 and centre - half < -(-length // square) * square + 0.5
    return centre + half > 0 and centre - half < length


@kernel
def project(start, stop, means, quats, scales, covars, opacities, viewmats, Ks, size, cameras, planes, blur, rules):
    """The Gaussians that images see, of the pairs start…stop of (image, Gaussian), image by image.

    `means` and what follows it are [B, N, …] flattened to [B·N, …], `opacities` those that size the boxes, `viewmats`
    and `Ks` [B·C, …] in doubles; `size` is (width, height), `planes` (near, far), `blur` (eps2d, radius_clip,
    antialiased), `rules` (side of the tiles that square boxes touch, or 0; nothing up to this depth; least
    compensation).
    Returns the pairs [k], radii [k, 2], means2d [k, 2], depths [k], conics [k, 3] and compensations [k].
    """
    width, height = size
    near, far = planes
    eps2d, clip, antialiased = blur
    square, nothing_to, least = rules
    count = max(1, means.shape[0] // (viewmats.shape[0] // cameras))
    pairs, radii = np.empty(stop - start, np.int64), np.empty((stop - start, 2), np.int32)
    means2d, conics = np.empty((stop - start, 2), means.dtype), np.empty((stop - start, 3), means.dtype)
    depths, compensations = np.empty(stop - start, means.dtype), np.empty(stop - start, means.dtype)
    kept = 0
    for image in range(start // count, -(-stop // count)):
        W, K = matrix(viewmats, image), intrinsics(Ks, image)
        offset = viewmats[image, 0, 3], viewmats[image, 1, 3], viewmats[image, 2, 3]
        for pair in range(max(start, image * count), min(stop, (image + 1) * count)):
            row = pair - (image - image // cameras) * count
            t = seen(vector(means, row), W, offset)
            z = t[2]
            if not (near <= z <= far and z > nothing_to):
                continue
            J, _, _ = jacobian(t, K, width, height)
            xx, xy, yy = spread_in_image(to_image(J, W), covariance(quats, scales, covars, row))
            sharp = xx * yy - xy * xy
            xx, yy = xx + eps2d, yy + eps2d
            determinant = xx * yy - xy * xy
            if not 0.0 < determinant < math.inf:
                continue
            compensation = max(least, math.sqrt(max(0.0, sharp / determinant)))
            opacity = float(opacities[row]) * (compensation if antialiased else 1.0)
            if not ALPHA_MIN <= opacity < math.inf:
                continue
            across, down = half_sizes(square, (xx, xy, yy), determinant, opacity)
            if across <= clip and down <= clip:
                continue
            x, y = K[0] * t[0] / z + K[2], K[1] * t[1] / z + K[3]
            if not (max(abs(x), abs(y), across, down) < FURTHEST and max(xx, yy) < FURTHEST**2 * determinant):
                continue
            if not (touches(square, x, across, width) and touches(square, y, down, height)):
                continue
            pairs[kept] = pair
            radii[kept, 0], radii[kept, 1] = min(across, LARGEST_BOX), min(down, LARGEST_BOX)
            means2d[kept, 0], means2d[kept, 1] = x, y
            depths[kept], compensations[kept] = z, compensation
            inverse = 1.0 / determinant
            conics[kept, 0], conics[kept, 1], conics[kept, 2] = yy * inverse, -xy * inverse, xx * inverse
            kept += 1
    return pairs[:kept], radii[:kept], means2d[:kept], depths[:kept], conics[:kept], compensations[:kept]
