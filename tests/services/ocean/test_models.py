"""The served models: quality control, then the method that the caller named and no other, with the weights named."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import DataCorrupted, InvalidInput, NotFound
from tellurion_core.weights import WeightsStore
from tellurion_diffusion import weights
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.methods import DEFAULT_STEPS, METHODS
from tellurion_ocean.models import AnalysisModel, SharedPrior, models
from tellurion_ocean.network import Network, spec_of

OPTIONS = {"month": 2, "members": 1, "seed": 0, "steps": 0, "weights": np.zeros(32, np.uint8)}


@pytest.fixture
def store(tmp_path):
    return WeightsStore(tmp_path / "store")


@pytest.fixture
def registered(store, tmp_path, small_unet, small_grid):
    """Registers an arbitrary network of the small ocean, or of another grid, under a name."""

    def add(name="mine", head=0.05, grid=small_grid):
        unet = small_unet(head, grid)
        weights.save(tmp_path / "file.safetensors", unet, spec_of(unet.spec, grid), {})
        return store.add(tmp_path / "file.safetensors", service="ocean", name=name)

    return add


@pytest.fixture
def predict(store, small_prior, observe):
    """A prediction of a method on the small ocean."""
    prior = small_prior()
    shared = SharedPrior()
    shared._prior = prior  # in place of that of the atlas
    observations, _ = observe(prior, 2, 40)
    columns = {name: getattr(observations, name) for name in ("latitude", "longitude", "depth", "temperature")}

    def answer(method, **options):
        given = {name: np.asarray(value) for name, value in (OPTIONS | options).items()}
        return AnalysisModel(method, shared, store).predict(columns | given, cancelled=never, progress=silent)

    return answer


def digest(entry) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(entry.sha256), np.uint8)


def test_when_every_observation_is_rejected_nothing_is_answered(store):
    """One in the Sahara, and one at 80 °C in the South Atlantic."""
    columns = {"latitude": [25.0, -30.0], "longitude": [15.0, -20.0], "depth": [0.0, 10.0], "temperature": [20.0, 80.0]}
    inputs = {name: np.array(values) for name, values in columns.items()}
    inputs |= {name: np.asarray(value) for name, value in OPTIONS.items()}
    with pytest.raises(InvalidInput) as refused:
        AnalysisModel("gp", SharedPrior(), store).predict(inputs, cancelled=never, progress=silent)
    violation = refused.value.violations[0]
    assert violation.field == "observations"
    assert violation.received == "all rejected: 1 outside the ocean, 1 failed the background check"


def test_there_is_a_model_for_every_method_best_first(store):
    assert [model.name for model in models(store)] == [f"ocean_{method}" for method in reversed(METHODS)]


@pytest.mark.parametrize("method", DEFAULT_STEPS)
def test_an_answer_holds_what_its_model_says_and_the_steps_and_weights_it_was_made_with(
    predict, registered, store, method
):
    entry = registered()
    answer = predict(method, weights=digest(entry), steps=5)
    outputs = AnalysisModel(method, SharedPrior(), store).outputs
    assert answer.keys() == outputs.keys()
    for name, array in answer.items():
        assert array.dtype == outputs[name].dtype, name
    assert answer["steps"] == 5
    assert answer["weights"].tobytes().hex() == entry.sha256


def test_no_steps_are_the_default_ones(predict, registered):
    weighed = digest(registered())
    assert predict("posterior", weights=weighed)["steps"] == DEFAULT_STEPS["posterior"]
    default, told = (predict("posterior", weights=weighed, steps=k)["mean"] for k in (0, DEFAULT_STEPS["posterior"]))
    np.testing.assert_array_equal(default, told)


def test_a_classical_method_takes_no_steps_and_no_weights(predict):
    answer = predict("oi", steps=5)
    assert answer["steps"] == 0
    assert not answer["weights"].any()


def test_the_weights_that_are_named_are_those_that_are_used(predict, registered):
    first, second = registered("first", 0.05), registered("second", 0.1)
    ours, theirs = (predict("posterior", weights=digest(entry), steps=3)["mean"] for entry in (first, second))
    assert np.nanmax(np.abs(ours - theirs)) > 1e-3
    again = predict("posterior", weights=digest(first), steps=3)["mean"]
    np.testing.assert_array_equal(again, ours)


def test_weights_that_are_not_registered_are_not_found(predict, registered):
    registered()
    with pytest.raises(NotFound, match="registered: mine"):
        predict("posterior", weights=np.full(32, 7, np.uint8))


def test_registered_weights_that_were_cut_short_are_data_loss(predict, registered):
    entry = registered()
    entry.path.write_bytes(entry.path.read_bytes()[:-1])
    with pytest.raises(DataCorrupted, match=entry.sha256):
        predict("posterior", weights=digest(entry))


def test_registered_weights_whose_file_is_gone_are_not_found(predict, registered):
    entry = registered()
    entry.path.unlink()
    with pytest.raises(NotFound, match="were removed"):
        predict("posterior", weights=digest(entry))


def test_weights_of_another_grid_are_refused(predict, registered, small_grid):
    other = registered(grid=type(small_grid)(depth=small_grid.depth[:2], lat=small_grid.lat, lon=small_grid.lon))
    with pytest.raises(InvalidInput) as refused:
        predict("posterior", weights=digest(other))
    assert refused.value.violations[0].field == "weights"


def test_the_shipped_weights_are_those_of_the_zero_digest(predict):
    """They are of the 2° grid, and so of no use here."""
    with pytest.raises(InvalidInput) as refused:
        predict("posterior")
    assert "(19, 90, 180)" in refused.value.violations[0].received
    assert Network.shipped().grid.shape == (19, 90, 180)
