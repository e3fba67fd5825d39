"""Shapes of servers without scalars, and of those that batch: there and back, tensors are what they were."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_core.inference_shapes import as_specified, as_taken, item_extents, served_forms
from tellurion_core.tensors import TensorSpec

ROWS = 3


class Described:
    """Takes batches, and has options."""

    name = "described"
    inputs: ClassVar = {
        "x": TensorSpec("float32", ("B", "N", 3)),
        "seed": TensorSpec("uint64", ("B",)),
        "times": TensorSpec("int64"),
        "weights": TensorSpec("uint8", (32,)),
    }
    outputs: ClassVar = {"y": TensorSpec("float32", ("B",))}


class Alone(Described):
    """Takes none."""

    outputs: ClassVar = {"y": TensorSpec("float32", ("N",))}


@pytest.mark.parametrize(
    ("name", "of_item", "forms"),
    [
        ("x", [-1, 3], [[-1, -1, 3]]),
        ("seed", [1], [[-1], [-1, 1]]),
        ("times", [1], [[], [1], [-1, 1]]),
        ("weights", [32], [[32], [-1, 32]]),
    ],
)
def test_a_server_that_batches_begins_every_tensor_with_the_batch(name: str, of_item: Any, forms: Any) -> None:
    spec = Described.inputs[name]
    assert item_extents(spec) == of_item
    assert {tuple(form) for form in served_forms(Described, spec)} == set(map(tuple, forms))
    assert [-1, *of_item] in forms
    assert len({tuple(form) for form in served_forms(Alone, spec)}) == (2 if name == "times" else 1)


@pytest.mark.parametrize(
    ("name", "shape", "taken"),
    [
        ("x", (ROWS, 5, 3), (ROWS, 5, 3)),
        ("seed", (ROWS,), (ROWS, 1)),
        ("times", (), (ROWS, 1)),
        ("weights", (32,), (ROWS, 32)),
    ],
)
def test_tensors_come_back_from_a_server_that_batches(name: str, shape: Any, taken: Any) -> None:
    spec = Described.inputs[name]
    array = np.random.default_rng(0).integers(100, size=shape).astype(spec.dtype)
    sent = as_taken(array, spec, len(taken), ROWS)
    assert sent.shape == taken
    np.testing.assert_array_equal(back := as_specified(sent, spec, name, batched=True), array)
    assert back.shape == shape


def test_a_scalar_comes_back_from_a_server_that_has_none() -> None:
    spec = Described.inputs["times"]
    assert (sent := as_taken(np.array(4), spec, 1, ROWS)).shape == (1,)
    assert as_specified(sent, spec, "times", batched=False).shape == ()


@pytest.mark.parametrize("values", [[[1], [2]], np.empty((0, 1))])
def test_an_option_is_the_same_for_all_items_of_a_request(values: Any) -> None:
    with pytest.raises(InvalidInput, match="times: received values that differ"):
        as_specified(np.array(values), Described.inputs["times"], "times", batched=True)
