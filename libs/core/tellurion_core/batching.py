"""Several requests to one model as one: which of them agree, their inputs joined, their answers told apart.

A model takes batches where its outputs, and some of its inputs, begin with the extent `B`. Inputs without it are
options. A bool input `[B, N]` says which of the N are present: what has this extent may be filled up with zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from tellurion_core.predictor import Described
from tellurion_core.tensors import Array, TensorSpec

BATCH = "B"
"""The extent that counts the items of a batch."""


def takes_batches(model: Described) -> bool:
    """Whether requests to a model may be joined."""
    return any(map(_batched, model.inputs.values())) and all(map(_batched, model.outputs.values()))


def rows(model: Described, inputs: Mapping[str, Array]) -> int:
    """Items of a request."""
    return next(len(array) for name, array in inputs.items() if _batched(model.inputs[name]))


def agreement(model: Described, inputs: Mapping[str, Array]) -> Hashable:
    """Equal for requests that may be joined: the same tensors, equal options, extents alike.

    Extents that are filled up are alike where they need as many bits, so that a batch is never more than twice as
    large as its requests.
    """
    ragged = _ragged(model)
    return tuple(
        (name, *(n.bit_length() if of in ragged else n for of, n in _inner(spec, inputs[name])))
        if _batched(spec)
        else (name, inputs[name].shape, hashlib.sha256(inputs[name].tobytes()).digest())
        for name, spec in model.inputs.items()
        if name in inputs
    )


def joined(model: Described, requests: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The inputs of requests that agree, as those of one."""
    first, ragged = requests[0], _ragged(model)
    counts = [rows(model, inputs) for inputs in requests]
    starts = np.cumsum([0, *counts])
    batch: dict[str, Array] = {}
    for name, array in first.items():
        spec = model.inputs[name]
        if not _batched(spec):
            batch[name] = array
        elif ragged.isdisjoint(spec.shape):
            batch[name] = np.concatenate([inputs[name] for inputs in requests])
        else:
            inner = np.max([inputs[name].shape[1:] for inputs in requests], axis=0)
            batch[name] = np.zeros((starts[-1], *inner), array.dtype)
            for start, count, inputs in zip(starts, counts, requests, strict=False):
                batch[name][(slice(start, start + count), *map(slice, inputs[name].shape[1:]))] = inputs[name]
    return batch


def parts(
    model: Described, requests: Sequence[Mapping[str, Array]], outputs: Mapping[str, Array]
) -> list[dict[str, Array]]:
    """The answer to each of the requests that were joined, without what filled it up."""
    ends = np.cumsum([rows(model, inputs) for inputs in requests])
    answers = []
    ragged = _ragged(model)
    for start, end, inputs in zip([0, *ends], ends, requests, strict=False):
        inner = (extent for name, array in inputs.items() for extent in _inner(model.inputs[name], array))
        extents = {of: n for of, n in inner if of in ragged}
        answers.append(
            {
                name: array[(slice(start, end), *(slice(extents.get(of)) for of in model.outputs[name].shape[1:]))]
                for name, array in outputs.items()
            }
        )
    return answers


def _batched(spec: TensorSpec) -> bool:
    return spec.shape[:1] == (BATCH,)


def _inner(spec: TensorSpec, array: Array) -> list[tuple[int | str, int]]:
    """Extents after the first: their names and how long they are; none of an option."""
    return [*zip(spec.shape[1:], array.shape[1:], strict=True)] if _batched(spec) else []


def _ragged(model: Described) -> frozenset[int | str]:
    """Names of the extents that may be filled up."""
    masks = (spec for spec in model.inputs.values() if spec.dtype == "bool" and len(spec.shape) == 2)
    return frozenset(spec.shape[1] for spec in masks if _batched(spec) and isinstance(spec.shape[1], str))
