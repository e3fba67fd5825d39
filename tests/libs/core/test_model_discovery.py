"""Models are found in what is installed, and can be made again in another process."""

from __future__ import annotations

import pickle
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from tellurion_core import model_discovery
from tellurion_core.errors import InvalidInput
from tellurion_core.model_discovery import GROUP, chosen_models, installed_models, services_with_models
from tellurion_core.tensors import TensorSpec


def test_every_model_of_the_services_is_found() -> None:
    found = installed_models()
    assert {name.partition("_")[0] for name in found} == {"ocean", "assimilation", "pointcloud"}
    assert {"ocean_oi", "pointcloud_encode_mmpt", "pointcloud_detect"} <= set(found)


def test_those_of_some_services_are_found_without_the_others() -> None:
    assert services_with_models() == {"ocean", "assimilation", "pointcloud"}
    found = installed_models(["pointcloud", "benchmark"])
    assert {source.distribution for source in found.values()} == {"tellurion-pointcloud"}


def test_models_are_chosen_by_their_names_in_order_and_once() -> None:
    names = ["pointcloud_detect", "pointcloud_complete", "pointcloud_detect"]
    assert [model.name for model in chosen_models(names)] == names[:2]
    assert [model.name for model in chosen_models([], ["ocean"])] == [*installed_models(["ocean"])]
    with pytest.raises(InvalidInput, match="model: received ocean_oi; accepted: pointcloud_encode_mmpt, "):
        chosen_models(["ocean_oi"], ["pointcloud"])
    with pytest.raises(InvalidInput, match="model: received nothing; accepted: none: install"):
        chosen_models([], ["benchmark"])


def test_a_source_that_has_travelled_makes_the_model_that_it_describes() -> None:
    for name, source in installed_models().items():
        model = pickle.loads(pickle.dumps(source)).make()
        assert (model.name, model.inputs, model.outputs) == (name, source.inputs, source.outputs)


class Named:
    name = "twice"
    inputs: ClassVar[dict[str, TensorSpec]] = {}
    outputs: ClassVar[dict[str, TensorSpec]] = {}


def named() -> list[Named]:
    return [Named()]


def test_two_models_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point(EntryPoint):
        def load(self) -> object:
            return named

    points = [Point(name, "somewhere:named", GROUP) for name in ("one", "other")]
    monkeypatch.setattr(model_discovery, "entry_points", lambda **_: points)
    with pytest.raises(RuntimeError, match="twice"):
        installed_models()
