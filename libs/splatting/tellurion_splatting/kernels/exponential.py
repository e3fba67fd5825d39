"""e^−σ of eight numbers, σ from zero up.

In single precision e^−σ = 2ⁿ·2^f, n the nearest integer to −σ/ln 2: a polynomial of degree 5 for 2^f on [−½, ½], exact
at 0, and n added to the bits of the exponent. Adding 1.5 · 2²³ rounds, and leaves n in the lowest bits of the sum. The
relative error is below 4e-7 up to σ = 6 and 1e-6 up to 60; what lies beyond comes out as e^−60.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numpy.polynomial import Chebyshev, Polynomial

from tellurion_splatting.kernels.lanes import WIDTH, Lanes, muladd, spread, where


def _coefficients() -> list[np.float32]:
    """c₁ … c₅ of 2^f ≈ 1 + c₁f + … + c₅f⁵, by interpolation of (2^f − 1)/f at five of Chebyshev's points."""
    points = np.cos((np.arange(5) + 0.5) * np.pi / 5) / 2 + 1e-9
    slopes = np.expm1(points * math.log(2)) / points
    polynomial = Chebyshev.fit(points, slopes, 4, domain=[-0.5, 0.5]).convert(kind=Polynomial)
    return [np.float32(c) for c in polynomial.coef]


_C1, _C2, _C3, _C4, _C5 = _coefficients()
_ONE = np.float32(1)
_PER_NAT = np.float32(-1 / math.log(2))
_ROUNDING = np.float32(1.5 * 2**23)
_FURTHEST = np.float32(60)


def decay(sigma):
    """e^−σ of lanes; compiled code only."""
    raise NotImplementedError


@overload(decay)
def _decay(sigma):
    if not isinstance(sigma, Lanes):
        return None
    return _single if sigma.dtype == types.float32 else _double


def _single(sigma):
    furthest, per_nat, rounding = spread(_FURTHEST), spread(_PER_NAT), spread(_ROUNDING)
    near = where(sigma < furthest, sigma, furthest)
    rounded = muladd(near, per_nat, rounding)
    f = muladd(near, per_nat, rounding - rounded)
    p = muladd(muladd(muladd(spread(_C5), f, spread(_C4)), f, spread(_C3)), f, spread(_C2))
    return _doubled(muladd(muladd(p, f, spread(_C1)), f, spread(_ONE)), rounded)


def _double(sigma):
    return _exp(spread(0.0) - sigma)


@intrinsic
def _doubled(typing: Any, value: Any, rounded: Any) -> Any:
    """The value times 2ⁿ, n in the lowest bits of `rounded`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        bits = ir.VectorType(ir.IntType(32), WIDTH)
        shift = ir.Constant(bits, [23] * WIDTH)
        exponent = builder.shl(builder.bitcast(values[1], bits), shift)
        return builder.bitcast(builder.add(builder.bitcast(values[0], bits), exponent), values[0].type)

    return value(value, rounded), emit


@intrinsic
def _exp(typing: Any, x: Any) -> Any:
    """e^x by the library, one lane after the other."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        kind = ir.FunctionType(values[0].type, [values[0].type])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.exp.v{WIDTH}f64")
        return builder.call(function, values)

    return x(x), emit
