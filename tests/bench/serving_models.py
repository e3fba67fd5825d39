"""Models that show what serving itself costs, and how a server finds them: as those of a distribution of their own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from tellurion_core.model_discovery import ModelSource
from tellurion_core.predictor import Model
from tellurion_core.tensors import Array, TensorSpec


class Echo:
    """Answers what it is given."""

    name = "bench_echo"
    inputs: ClassVar = {"x": TensorSpec("float32", ("N",))}
    outputs: ClassVar = {"y": TensorSpec("float32", ("N",))}

    def load(self) -> None:
        """Nothing."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: Any, progress: Any) -> dict[str, Array]:
        """The input."""
        return {"y": inputs["x"]}


class Waiting:
    """Takes so many seconds, and none of the processor's: replicas share the cores of a small machine."""

    name = "bench_waiting"
    inputs: ClassVar = {"seconds": TensorSpec("float64")}
    outputs: ClassVar = {"done": TensorSpec("bool")}

    def load(self) -> None:
        """Nothing."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: Any, progress: Any) -> dict[str, Array]:
        """When the time has passed."""
        time.sleep(float(inputs["seconds"]))
        return {"done": np.array(True)}


def installed() -> list[Any]:
    """The models, as the entry point answers them."""
    return [Echo(), Waiting()]


def source(model: type[Any]) -> ModelSource:
    """The model as servers of ours take it."""
    return ModelSource(model.name, model.inputs, model.outputs, partial(model))


def renamed(model: ModelSource, name: str) -> ModelSource:
    """The model under another name, so that it is served twice."""
    return replace(model, name=name, make=partial(_renamed, model, name))


def _renamed(model: ModelSource, name: str) -> Model:
    made = model.make()
    made.name = name
    return made
