"""Vectors and matrices of three as tuples, which numba keeps in registers; a matrix is the tuple of its rows."""

from __future__ import annotations

from tellurion_splatting.kernels import kernel


@kernel
def vector(array, row):
    """array[row] of [n, 3], in double precision."""
    return float(array[row, 0]), float(array[row, 1]), float(array[row, 2])


@kernel
def matrix(array, index):
    """array[index, :3, :3] of [n, ≥3, ≥3], in double precision."""
    return (
        (float(array[index, 0, 0]), float(array[index, 0, 1]), float(array[index, 0, 2])),
        (float(array[index, 1, 0]), float(array[index, 1, 1]), float(array[index, 1, 2])),
        (float(array[index, 2, 0]), float(array[index, 2, 1]), float(array[index, 2, 2])),
    )


@kernel
def dot(a, b):
    """a·b."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@kernel
def mixed(p, a, q, b):
    """The sum p a + q b."""
    return p * a[0] + q * b[0], p * a[1] + q * b[1], p * a[2] + q * b[2]


@kernel
def times(M, a):
    """M a."""
    return dot(M[0], a), dot(M[1], a), dot(M[2], a)


@kernel
def transposed(M):
    """Mᵀ."""
    return (M[0][0], M[1][0], M[2][0]), (M[0][1], M[1][1], M[2][1]), (M[0][2], M[1][2], M[2][2])


@kernel
def rotation(q):
    """The matrix of the unit quaternion q = (w, x, y, z)."""
    w, x, y, z = q
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )


@kernel
def add_outer(out, index, a, b):
    """out[index] += a bᵀ, of [n, ≥3, ≥3]."""
    for i in range(3):
        for j in range(3):
            out[index, i, j] += a[i] * b[j]
