"""The models of all installed distributions, found by the entry point group `tellurion.models`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points

from tellurion_core.predictor import Model
from tellurion_core.tensors import TensorSpec

GROUP = "tellurion.models"
"""Each entry point is a function that answers all models of its distribution, as the settings make them."""


@dataclass(frozen=True)
class ModelSource:
    """A model that can be made where it will run: its description, and what makes it; travels between processes."""

    name: str
    """Name of the model."""
    inputs: Mapping[str, TensorSpec]
    """What it takes."""
    outputs: Mapping[str, TensorSpec]
    """What it answers."""
    make: Callable[[], Model]
    """Makes the model, which is then still to be loaded."""


def installed_models() -> dict[str, ModelSource]:
    """All models by their names.

    Raises:
        RuntimeError: two distributions have a model of the same name.
    """
    found: dict[str, ModelSource] = {}
    for origin in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        for model in origin.load()():
            if model.name in found:
                raise RuntimeError(f"two installed models have the name {model.name}")
            make = partial(_made, origin.name, model.name)
            found[model.name] = ModelSource(model.name, model.inputs, model.outputs, make)
    return found


def _made(origin: str, name: str) -> Model:
    (point,) = entry_points(group=GROUP, name=origin)
    made: list[Model] = point.load()()
    return next(model for model in made if model.name == name)
