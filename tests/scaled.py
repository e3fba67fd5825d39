"""A model that takes batches, has options and is slow; it says how many items it ran as one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from tellurion_core.errors import InvalidInput
from tellurion_core.tensors import Array, TensorSpec


class Scaled:
    """y = factor x, zero where nothing is present; refuses NaN, and breaks on infinity."""

    name = "scaled"
    inputs: ClassVar = {
        "x": TensorSpec("float32", ("B", "N")),
        "present": TensorSpec("bool", ("B", "N")),
        "offset": TensorSpec("float32", ("B",), optional=True),
        "factor": TensorSpec("float32"),
        "table": TensorSpec("uint8", (4,)),
    }
    outputs: ClassVar = {"y": TensorSpec("float32", ("B", "N")), "together": TensorSpec("int64", ("B",))}

    def load(self) -> None:
        """Nothing."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: Any, progress: Any) -> dict[str, Array]:
        """Scaled, plus the offset of each item."""
        x = inputs["x"]
        time.sleep(0.02)
        if np.isnan(x).any():
            raise InvalidInput.of("x", received="NaN", accepted="numbers")
        if np.isinf(x).any():
            raise OSError("out of order")
        y = (inputs["factor"] * x + inputs["table"][0]) * inputs["present"]
        if "offset" in inputs:
            y += inputs["offset"][:, None]
        return {"y": y, "together": np.full(len(x), len(x))}


def installed() -> list[Scaled]:
    """The model, as an entry point answers it."""
    return [Scaled()]
