"""The models of all installed distributions, found by the entry point group `tellurion.models`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points

from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import Model
from tellurion_core.tensors import TensorSpec

GROUP = "tellurion.models"
"""Each entry point has the name of a service, and is a function that answers its models, as the settings make them."""


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
    distribution: str = ""
    """The distribution that has it."""


def services_with_models() -> frozenset[str]:
    """The services that have models; nothing of theirs is imported."""
    return frozenset(point.name for point in entry_points(group=GROUP))


def installed_models(services: Collection[str] | None = None) -> dict[str, ModelSource]:
    """The models of these services, all where None, by their names.

    Raises:
        RuntimeError: two distributions have a model of the same name.
    """
    found: dict[str, ModelSource] = {}
    for origin in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if services is not None and origin.name not in services:
            continue
        distribution = origin.dist.name if origin.dist is not None else ""
        for model in origin.load()():
            if model.name in found:
                raise RuntimeError(f"two installed models have the name {model.name}")
            make = partial(_made, origin.name, model.name)
            found[model.name] = ModelSource(model.name, model.inputs, model.outputs, make, distribution)
    return found


def chosen_models(names: Collection[str], services: Collection[str] | None = None) -> list[ModelSource]:
    """The models of these names, or all where there are none, of these services.

    Raises:
        InvalidInput: a name that no model has, or no model at all.
    """
    installed = installed_models(services)
    accepted = ", ".join(installed) or "none: install a service with models, for example tellurion-ocean"
    for name in names or ([] if installed else [""]):
        if name not in installed:
            raise InvalidInput.of("model", received=name or "nothing", accepted=accepted)
    return [installed[name] for name in dict.fromkeys(names or installed)]


def _made(origin: str, name: str) -> Model:
    (point,) = entry_points(group=GROUP, name=origin)
    made: list[Model] = point.load()()
    return next(model for model in made if model.name == name)
