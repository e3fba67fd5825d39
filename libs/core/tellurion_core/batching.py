"""Several requests to one model as one: which of them agree, their inputs joined, their answers told apart.

A model takes batches where its outputs, and some of its inputs, begin with the extent `B`. Inputs without it are
options. A bool input `[B, N]` says which of the N are present: what has this extent may be filled up with zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

import numpy as np

from tellurion_core.errors import Cancelled, DeadlineExceeded, ResourceExhausted, Unavailable
from tellurion_core.predictor import Described
from tellurion_core.tensors import Array, TensorSpec

BATCH = "B"
"""The extent that counts the items of a batch."""
ITEMS = 16
"""Items that are run as one, where nothing else is said."""
OF_ALL = (Cancelled, DeadlineExceeded, ResourceExhausted, Unavailable)
"""Failures that are of no single request: running each by itself would not mend them."""

Run = Callable[[Mapping[str, Array], Sequence[int]], Mapping[str, Array]]
"""A model's outputs, from inputs and the places of the requests that they are of."""


def is_batched(spec: TensorSpec) -> bool:
    """Whether a tensor has a row for each item."""
    return spec.shape[:1] == (BATCH,)


def takes_batches(model: Described) -> bool:
    """Whether requests to a model may be joined."""
    return any(map(is_batched, model.inputs.values())) and all(map(is_batched, model.outputs.values()))


def rows(model: Described, inputs: Mapping[str, Array]) -> int:
    """Items of a request."""
    return next(len(array) for name, array in inputs.items() if is_batched(model.inputs[name]))


def agreement(model: Described, inputs: Mapping[str, Array]) -> Hashable:
    """Equal for requests that may be joined: the same tensors, equal options, extents alike.

    Extents that are filled up are alike where they need as many bits, so that a batch is never more than twice as
    large as its requests.
    """
    ragged = _ragged(model)
    return tuple(
        (name, *(n.bit_length() if of in ragged else n for of, n in _inner(spec, inputs[name])))
        if is_batched(spec)
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
        if not is_batched(spec):
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


def answered(
    model: Described, requests: Sequence[Mapping[str, Array]], run: Run, *, most: int = ITEMS
) -> list[Mapping[str, Array] | Exception]:
    """The answer to each request, or why there is none.

    Requests that agree are run as one, up to `most` items; where they fail so, each is run by itself.
    """
    told: dict[int, Mapping[str, Array] | Exception] = {}

    def together(places: Sequence[int]) -> None:
        asked = [requests[place] for place in places]
        try:
            if len(asked) == 1:
                told[places[0]] = run(asked[0], places)
            else:
                told.update(zip(places, parts(model, asked, run(joined(model, asked), places)), strict=True))
        except Exception as error:  # noqa: BLE001 # whoever asked is told
            if len(asked) == 1 or isinstance(error, OF_ALL):
                told.update(dict.fromkeys(places, error))
            else:
                for place in places:
                    together([place])

    for places in _batches(model, requests, most):
        together(places)
    return [told[place] for place in range(len(requests))]


def _batches(model: Described, requests: Sequence[Mapping[str, Array]], most: int) -> Iterator[list[int]]:
    """The places of requests to be run as one."""
    batched = takes_batches(model)
    lines: dict[Hashable, list[int]] = {}
    for place, inputs in enumerate(requests):
        lines.setdefault(agreement(model, inputs) if batched else place, []).append(place)
    for line in lines.values():
        taken: list[int] = []
        items = 0
        for place in line:
            more = rows(model, requests[place]) if batched else 1
            if taken and items + more > most:
                yield taken
                taken, items = [], 0
            taken.append(place)
            items += more
        yield taken


def _inner(spec: TensorSpec, array: Array) -> list[tuple[int | str, int]]:
    """Extents after the first: their names and how long they are; none of an option."""
    return [*zip(spec.shape[1:], array.shape[1:], strict=True)] if is_batched(spec) else []


def _ragged(model: Described) -> frozenset[int | str]:
    """Names of the extents that may be filled up."""
    masks = (spec for spec in model.inputs.values() if spec.dtype == "bool" and len(spec.shape) == 2)
    return frozenset(spec.shape[1] for spec in masks if is_batched(spec) and isinstance(spec.shape[1], str))
