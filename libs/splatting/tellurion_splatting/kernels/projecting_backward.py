"""The derivative of `projecting`: what a loss of the projected Gaussians says of those in space, and of the camera.

G_y is ∂L/∂y. With S = U Σ Uᵀ the covariance in the image, B = S + eps2d·1, Q = B⁻¹ and ρ = √(|S|/|B|):
G_B = −Q G_Q Q + G_ρ/2ρ·((1 − ρ²) Q − eps2d |Q| 1), G_U = 2 G_B U Σ and G_Σ = Uᵀ G_B U.
"""

from __future__ import annotations

import math

import numpy as np

from tellurion_splatting.kernels import kernel
from tellurion_splatting.kernels.algebra import add_outer, dot, matrix, mixed, rotation, times, transposed, vector
from tellurion_splatting.kernels.projecting import (
    covariance,
    intrinsics,
    jacobian,
    quaternion,
    seen,
    spread_in_image,
    to_image,
)


@kernel
def project_backward(start, stop, pairs, inputs, viewmats, Ks, size, cameras, planes, blur, rules, gradients, into):
    """Adds the gradients of the seen Gaussians start…stop, all of one image; returns that of its viewmat [4, 4].

    `inputs` are means, quats, scales and covars as `project` takes them, `into` their gradients; `gradients` are those
    of means2d, depths, conics and compensations.
    """
    means, quats, scales, covars = inputs
    g_means2d, g_depths, g_conics, g_compensations = gradients
    g_means, g_quats, g_scales, g_covars = into
    width, height = size
    eps2d, _, _ = blur
    _, _, least = rules
    count = means.shape[0] // (viewmats.shape[0] // cameras)
    g_view = np.zeros((4, 4))
    for k in range(start, stop):
        image = pairs[k] // count
        row = image // cameras * count + pairs[k] % count
        W, K = matrix(viewmats, image), intrinsics(Ks, image)
        mean, sigma = vector(means, row), covariance(quats, scales, covars, row)
        t = seen(mean, W, (viewmats[image, 0, 3], viewmats[image, 1, 3], viewmats[image, 2, 3]))
        J, u, v = jacobian(t, K, width, height)
        U = to_image(J, W)
        g_xx, g_xy, g_yy = _blurred(spread_in_image(U, sigma), eps2d, least, vector(g_conics, k), g_compensations[k])

        p, q = mixed(g_xx, U[0], g_xy, U[1]), mixed(g_xy, U[0], g_yy, U[1])  # rows of G_B U
        g_U = mixed(2.0, times(sigma, p), 0.0, p), mixed(2.0, times(sigma, q), 0.0, q)
        g_J = dot(g_U[0], W[0]), dot(g_U[0], W[2]), dot(g_U[1], W[1]), dot(g_U[1], W[2])
        g_t = _position(t, u, v, K, J, g_J, (float(g_means2d[k, 0]), float(g_means2d[k, 1])), float(g_depths[k]))
        g_mean = times(transposed(W), g_t)
        for i in range(3):
            g_means[row, i] += g_mean[i]
            g_view[0, i] += g_t[0] * mean[i] + J[0] * g_U[0][i]
            g_view[1, i] += g_t[1] * mean[i] + J[2] * g_U[1][i]
            g_view[2, i] += g_t[2] * mean[i] + J[1] * g_U[0][i] + J[3] * g_U[1][i]
            g_view[i, 3] += g_t[i]
        if covars.size:
            add_outer(g_covars, row, p, U[0])
            add_outer(g_covars, row, q, U[1])
        else:
            _shape(quats, scales, row, p, q, U, g_quats, g_scales)
    return g_view


@kernel
def _blurred(sharp, eps2d, least, g_conic, g_compensation):
    """G_B as xx, xy, yy, of the conic's and the compensation's gradients."""
    xx, xy, yy = sharp
    sharp_determinant = xx * yy - xy * xy
    xx, yy = xx + eps2d, yy + eps2d
    determinant = xx * yy - xy * xy
    a, b, c = yy / determinant, -xy / determinant, xx / determinant
    g_a, g_b, g_c = g_conic[0], 0.5 * g_conic[1], g_conic[2]
    left_a, left_b = a * g_a + b * g_b, a * g_b + b * g_c  # Q G_Q
    right_a, right_b = b * g_a + c * g_b, b * g_b + c * g_c
    g_xx, g_xy, g_yy = -(left_a * a + left_b * b), -(left_a * b + left_b * c), -(right_a * b + right_b * c)
    if g_compensation != 0.0:
        rho = math.sqrt(max(0.0, sharp_determinant / determinant))
        if rho > least:
            scale, kept = g_compensation / (2.0 * rho), 1.0 - rho * rho
            g_xx += scale * (kept * a - eps2d / determinant)
            g_xy += scale * kept * b
            g_yy += scale * (kept * c - eps2d / determinant)
    return g_xx, g_xy, g_yy


@kernel
def _position(t, u, v, K, J, g_J, g_mean2d, g_depth):
    """G_t of the mean in the camera's axes: through its image, and through J unless that is the one of the edge."""
    x, y, z = t
    g_x, g_y = J[0] * g_mean2d[0], J[2] * g_mean2d[1]
    g_z = g_depth - (g_x * x + g_y * y) / z
    g_z -= (J[0] * g_J[0] + J[1] * g_J[1] + J[2] * g_J[2] + J[3] * g_J[3]) / z
    if u == x / z:
        g_x -= J[0] / z * g_J[1]
        g_z -= J[1] / z * g_J[1]
    if v == y / z:
        g_y -= J[2] / z * g_J[3]
        g_z -= J[3] / z * g_J[3]
    return g_x, g_y, g_z


@kernel
def _shape(quats, scales, row, p, q, U, g_quats, g_scales):
    """Adds the gradients of scales and quaternion: with M = R diag(s), G_M = 2 G_Σ M and G_R = G_M diag(s)."""
    n, norm = quaternion(quats, row)
    w, x, y, z = n
    R, s = rotation(n), vector(scales, row)
    Rt = transposed(R)
    u, v, Rp, Rq = times(Rt, U[0]), times(Rt, U[1]), times(Rt, p), times(Rt, q)
    for j in range(3):
        g_scales[row, j] += 2.0 * s[j] * (Rp[j] * u[j] + Rq[j] * v[j])
    u, v = (
        (u[0] * s[0] ** 2, u[1] * s[1] ** 2, u[2] * s[2] ** 2),
        (v[0] * s[0] ** 2, v[1] * s[1] ** 2, v[2] * s[2] ** 2),
    )
    A = mixed(2.0 * p[0], u, 2.0 * q[0], v), mixed(2.0 * p[1], u, 2.0 * q[1], v), mixed(2.0 * p[2], u, 2.0 * q[2], v)
    turn = A[2][1] - A[1][2], A[0][2] - A[2][0], A[1][0] - A[0][1]
    xy, xz, yz = A[1][0] + A[0][1], A[2][0] + A[0][2], A[2][1] + A[1][2]
    g = (
        2.0 * (x * turn[0] + y * turn[1] + z * turn[2]),
        2.0 * (w * turn[0] + y * xy + z * xz - 2.0 * x * (A[1][1] + A[2][2])),
        2.0 * (w * turn[1] + x * xy + z * yz - 2.0 * y * (A[0][0] + A[2][2])),
        2.0 * (w * turn[2] + x * xz + y * yz - 2.0 * z * (A[0][0] + A[1][1])),
    )
    along = g[0] * w + g[1] * x + g[2] * y + g[3] * z
    for i in range(4):
        g_quats[row, i] += (g[i] - along * n[i]) / norm
