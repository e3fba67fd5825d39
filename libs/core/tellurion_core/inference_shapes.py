"""Shapes where a server has no scalars, or takes requests in batches, as Triton does.

There a single number has the extent 1. Where requests are batched every tensor begins with the extent `B`: an option,
which is for all items of a request, stands there once for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tellurion_core.batching import is_batched, takes_batches
from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import Described
from tellurion_core.tensors import Array, TensorSpec


def extents(spec: TensorSpec) -> list[int]:
    """A tensor's extents; -1 is one that is free."""
    return [-1 if isinstance(extent, str) else extent for extent in spec.shape]


def item_extents(spec: TensorSpec) -> list[int]:
    """Extents after that of the batch, of a server that batches."""
    return extents(spec)[is_batched(spec) :] or [1]


def served_forms(model: Described, spec: TensorSpec) -> list[list[int]]:
    """The extents that a tensor of the model may have on a server."""
    forms = [extents(spec), extents(spec) or [1]]
    return [*forms, [-1, *item_extents(spec)]] if takes_batches(model) else forms


def as_taken(array: Array, spec: TensorSpec, rank: int, rows: int) -> Array:
    """The array as a server takes it that gives it so many extents; `rows` are the items of the request."""
    if rank > array.ndim and array.ndim == is_batched(spec):
        array = array[..., None]
    return np.broadcast_to(array, (rows, *array.shape)) if rank > array.ndim else array


def as_specified(array: Array, spec: TensorSpec, name: str, *, batched: bool) -> Array:
    """The array as its spec says, from how a server takes it that batches, or does not.

    Raises:
        InvalidInput: an option that is not the same for all items.
    """
    if batched and not is_batched(spec):
        if not len(array) or any(row.tobytes() != array[0].tobytes() for row in array[1:]):
            raise InvalidInput.of(name, received="values that differ", accepted="the same for all items of a request")
        array = array[0]
    return array.reshape(specified_shape(array.shape, spec))


def specified_shape(shape: Sequence[int], spec: TensorSpec) -> tuple[int, ...]:
    """A shape without the extent 1 of single numbers."""
    number = len(spec.shape) == is_batched(spec)
    return tuple(shape[:-1] if number and len(shape) == len(spec.shape) + 1 and shape[-1] == 1 else shape)
