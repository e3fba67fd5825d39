"""Eight numbers at once: a type for numba's kernels that is one vector register, and what compositing does with it.

A loop that a compiler may or may not vectorise, and may contract otherwise in its remainder, would round a pixel
otherwise according to where it stands in a tile. These operations are the same instructions for every pixel.
Comparisons give a mask; `muladd` is fused where the processor can.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

WIDTH = 8

_BITS = ir.IntType(WIDTH)
_INDEX = ir.IntType(32)


class Lanes(types.Type):
    """Eight numbers of one type."""

    def __init__(self, dtype: types.Number) -> None:
        super().__init__(f"Lanes({dtype})")
        self.dtype = dtype


class Mask(types.Type):
    """Eight truths."""

    def __init__(self) -> None:
        super().__init__("Mask")


MASK = Mask()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(manager.lookup(lanes.dtype).get_value_type(), WIDTH))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, mask: Mask) -> None:
        super().__init__(manager, mask, ir.VectorType(ir.IntType(1), WIDTH))


def _vector(kind: ir.Type, values: Any) -> ir.Constant:
    return ir.Constant(ir.VectorType(kind, WIDTH), list(values))


def _spread(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    vector = ir.VectorType(value.type, WIDTH)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, _INDEX(0))
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), _vector(_INDEX, [0] * WIDTH))


def _named(builder: ir.IRBuilder, name: str, result: ir.Type, arguments: list[ir.Value]) -> ir.Value:
    """Call of LLVM's own function of that name for vectors."""
    suffix = "f32" if isinstance(arguments[0].type.element, ir.FloatType) else "f64"
    function = ir.FunctionType(result, [argument.type for argument in arguments])
    name = f"llvm.{name}.v{WIDTH}{suffix}"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), arguments)


def _operator(symbol: Any, accepted: type, result: Any, emit: Any) -> None:
    """The operator between two of `accepted`."""

    @type_callable(symbol)
    def of_types(context: Any) -> Any:
        def typed(left: Any, right: Any) -> Any:
            if isinstance(left, accepted) and right == left:
                return result(left)
            return None

        return typed

    lower_builtin(symbol, accepted, accepted)(lambda context, builder, signature, values: emit(builder, *values))


_ARITHMETIC = {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul", operator.truediv: "fdiv"}
_ARITHMETIC |= {operator.iadd: "fadd"}
_COMPARISONS = {operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">="}
for _symbol, _name in _ARITHMETIC.items():
    _operator(_symbol, Lanes, lambda lanes: lanes, lambda builder, x, y, name=_name: getattr(builder, name)(x, y))
for _symbol, _name in _COMPARISONS.items():
    _operator(_symbol, Lanes, lambda lanes: MASK, lambda builder, x, y, name=_name: builder.fcmp_ordered(name, x, y))
_operator(operator.and_, Mask, lambda mask: mask, lambda builder, x, y: builder.and_(x, y))
_operator(operator.or_, Mask, lambda mask: mask, lambda builder, x, y: builder.or_(x, y))


@intrinsic
def alike(typing: Any, value: Any, like: Any) -> Any:
    """The number as one of the type of `like`: constants that are doubles would make doubles of single precision."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        return context.cast(builder, values[0], *signature.args)

    value = types.unliteral(value)
    return like(value, like), emit


@intrinsic
def spread(typing: Any, value: Any) -> Any:
    """One number in all lanes."""
    return Lanes(value)(value), lambda context, builder, signature, values: _spread(builder, values[0])


@intrinsic
def steps(typing: Any, like: Any) -> Any:
    """0, 1 … 7, of the type of `like`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        return _vector(values[0].type, map(float, range(WIDTH)))

    return Lanes(like)(like), emit


def _place(context: Any, builder: Any, array: Any, value: Any, index: Any) -> ir.Value:
    """Pointer to eight elements of a contiguous array."""
    data = context.make_array(array)(context, builder, value).data
    element = builder.gep(data, [index], inbounds=True)
    return builder.bitcast(element, ir.VectorType(data.type.pointee, WIDTH).as_pointer())


@intrinsic
def pick(typing: Any, array: Any, index: Any) -> Any:
    """array[index] of a contiguous array [n], where numba would first look whether the index is negative."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        return builder.load(builder.gep(data, [values[1]], inbounds=True))

    return array.dtype(array, types.intp), emit


@intrinsic
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Asks memory for the cache line of the element at this place of a contiguous array, counted through all axes."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        byte = ir.IntType(8).as_pointer()
        place = builder.bitcast(builder.gep(data, [values[1]], inbounds=True), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, _INDEX, _INDEX, _INDEX])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [place, _INDEX(0), _INDEX(3), _INDEX(1)])  # to read, into the nearest cache, data
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """array[index : index + 8] of a contiguous array [n]."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        place = _place(context, builder, signature.args[0], *values)
        return builder.load(place, align=signature.args[0].dtype.bitwidth // 8)

    return Lanes(array.dtype)(array, types.intp), emit


@intrinsic
def store(typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """array[index : index + 8] = lanes, of a contiguous array [n]."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        place = _place(context, builder, signature.args[0], *values[:2])
        builder.store(values[2], place, align=signature.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), emit


@intrinsic
def muladd(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """The sum x · y + z."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        return _named(builder, "fmuladd", values[0].type, values)

    return x(x, y, z), emit


@intrinsic
def magnitude(typing: Any, x: Any) -> Any:
    """|x|."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        return _named(builder, "fabs", values[0].type, values)

    return x(x), emit


@intrinsic
def root(typing: Any, x: Any) -> Any:
    """√x."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        return _named(builder, "sqrt", values[0].type, values)

    return x(x), emit


@intrinsic
def whole(typing: Any, x: Any) -> Any:
    """Integers [8] of numbers that an int32 holds, rounded towards zero."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        return builder.fptosi(values[0], ir.VectorType(ir.IntType(32), WIDTH))

    return Lanes(types.int32)(x), emit


@intrinsic
def where(typing: Any, mask: Any, x: Any, y: Any) -> Any:
    """Of each lane x where the mask is true, y elsewhere."""
    return x(mask, x, y), lambda context, builder, signature, values: builder.select(*values)


@intrinsic
def count(typing: Any, mask: Any) -> Any:
    """How many lanes are true."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        return builder.zext(builder.ctpop(builder.bitcast(values[0], _BITS)), ir.IntType(64))

    return types.int64(mask), emit


@intrinsic
def total(typing: Any, lanes: Any) -> Any:
    """Sum of the eight, in halves."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> ir.Value:
        vector = values[0]
        half = WIDTH // 2
        while half:
            moved = [(lane + half) % WIDTH for lane in range(WIDTH)]
            vector = builder.fadd(vector, builder.shuffle_vector(vector, vector, _vector(_INDEX, moved)))
            half //= 2
        return builder.extract_element(vector, _INDEX(0))

    return lanes.dtype(lanes), emit
