"""What replicas take of a machine that Ray is started on."""

from __future__ import annotations

import pytest

from tellurion_core.errors import InvalidInput
from tellurion_core.ray_serving.application import deployment
from tellurion_core.ray_serving.settings import RaySettings, Scaling
from tellurion_core.settings import load


@pytest.fixture
def settings() -> RaySettings:
    """Two replicas of `a`, one of `b` that takes three cores, and none of `c` until it is asked."""
    own = {"a": Scaling(min_replicas=2, max_replicas=4), "b": Scaling(num_cpus=3), "c": Scaling(min_replicas=0)}
    return RaySettings(models=own)


def test_cores_that_suffice_are_given_as_they_are_asked_for(settings: RaySettings) -> None:
    assert settings.shared("abc", 5) is settings


@pytest.mark.parametrize("cores", [1, 2, 3, 4.5])
def test_cores_that_do_not_suffice_are_shared_in_proportion(settings: RaySettings, cores: float) -> None:
    shared = settings.shared("abc", cores)
    taken = {model: shared.of(model).num_cpus for model in "abc"}
    assert cores - 1e-3 < 2 * taken["a"] + taken["b"] <= cores
    assert taken["b"] == pytest.approx(3 * taken["a"], abs=2e-4)
    assert taken["c"] == taken["a"]
    assert all(round(each * 1e4) == pytest.approx(each * 1e4) for each in taken.values())  # as Ray counts them
    assert shared.of("a").model_dump(exclude={"num_cpus"}) == settings.of("a").model_dump(exclude={"num_cpus"})


def test_a_model_without_settings_of_its_own_shares_too() -> None:
    assert RaySettings().shared(["a", "b", "c", "d"], 2).of("d").num_cpus == 0.5


def test_a_replica_takes_the_part_of_a_gpu_that_its_model_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLURION_RAY_SCALING", '{"num_gpus": 1, "max_replicas": 3}')
    monkeypatch.setenv("TELLURION_RAY_MODELS", '{"a": {"num_gpus": 0.25, "num_cpus": 0.5}}')
    settings = load(RaySettings)
    a, b = (deployment(settings.of(model), 5.0).ray_actor_options for model in "ab")
    assert (a["num_cpus"], a["num_gpus"]) == (0.5, 0.25)
    assert (b["num_cpus"], b["num_gpus"]) == (1.0, 1.0)
    assert settings.shared("ab", 1).of("a").num_gpus == 0.25


def test_a_name_that_no_model_has_is_a_mistake(settings: RaySettings) -> None:
    settings.check_names("abcd")
    with pytest.raises(InvalidInput, match="TELLURION_RAY_MODELS: received b; accepted: names of models: a, c"):
        settings.check_names("ac")
