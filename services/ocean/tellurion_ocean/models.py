"""The models that this service serves: one a method, from observations to an analysis with its error and members."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from tellurion_core.errors import DataCorrupted, InvalidInput, NotFound
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_core.settings import StateSettings, load
from tellurion_core.tensors import Array, TensorSpec
from tellurion_core.weights import WeightsStore
from tellurion_diffusion import weights
from tellurion_ocean.atlas import training_atlas
from tellurion_ocean.methods import DEFAULT_STEPS, LEARNED, METHODS, analyse
from tellurion_ocean.network import Network
from tellurion_ocean.observations import DEFAULT_UNCERTAINTY, Observations, quality_control
from tellurion_ocean.prior import Hyperparameters, Prior

OBSERVATIONS: Mapping[str, TensorSpec] = {
    "latitude": TensorSpec("float64", ("N",), unit="degrees_north"),
    "longitude": TensorSpec("float64", ("N",), unit="degrees_east"),
    "depth": TensorSpec("float64", ("N",), unit="m"),
    "temperature": TensorSpec("float64", ("N",), unit="degree_C"),
    "uncertainty": TensorSpec("float64", ("N",), optional=True, unit="degree_C", missing=True),
}
"""The observations [N]; an uncertainty that is not known is NaN."""
OPTIONS: Mapping[str, TensorSpec] = {
    "month": TensorSpec("int64"),
    "members": TensorSpec("int64"),
    "seed": TensorSpec("uint64"),
    "steps": TensorSpec("int64"),
    "weights": TensorSpec("uint8", (32,)),
}
"""`steps` 0 stands for the method's default; `weights`, the SHA-256 of registered ones, are the shipped ones where all
is zero; a classical method ignores both."""
FIELDS: Mapping[str, TensorSpec] = {
    "depth": TensorSpec("float64", ("Z",), unit="m"),
    "lat": TensorSpec("float64", ("Y",), unit="degrees_north"),
    "lon": TensorSpec("float64", ("X",), unit="degrees_east"),
    "mean": TensorSpec("float32", ("Z", "Y", "X"), unit="degree_C", missing=True),
    "std": TensorSpec("float32", ("Z", "Y", "X"), unit="degree_C", missing=True),
    "members": TensorSpec("float32", ("K", "Z", "Y", "X"), unit="degree_C", missing=True),
}
"""The analysis; land is NaN."""
REJECTIONS = ("outside_ocean", "failed_background_check")
COUNTS: Mapping[str, TensorSpec] = {name: TensorSpec("int64") for name in (*REJECTIONS, "duplicates_merged")}
"""What quality control did."""
LEARNED_WITH: Mapping[str, TensorSpec] = {"steps": OPTIONS["steps"], "weights": OPTIONS["weights"]}
"""The steps taken and the SHA-256 of the weights used; zero for a classical method."""


class SharedPrior:
    """The prior that all models of one process share, fitted to the training months once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._prior: Prior | None = None

    def get(self) -> Prior:
        """The prior; the first call takes about a second."""
        with self._lock:
            if self._prior is None:
                atlas = training_atlas()
                hyperparameters = Hyperparameters.shipped()
                self._prior = Prior.fit(atlas.temperature, atlas.months, atlas.grid, hyperparameters)
            return self._prior


class AnalysisModel:
    """Quality control, then one method of analysis."""

    def __init__(self, method: str, prior: SharedPrior, store: WeightsStore) -> None:
        self.name = model_name(method)
        self.inputs = {**OBSERVATIONS, **OPTIONS}
        self.outputs = {**FIELDS, **COUNTS, **LEARNED_WITH}
        self._method = method
        self._prior = prior
        self._store = store
        self._learned = method in LEARNED

    def load(self) -> None:
        """Fits the prior and loads the shipped network."""
        self._prior.get()
        if self._learned:
            Network.shipped()

    def example(self, random: np.random.Generator) -> dict[str, Array]:
        """Forty observations of the tropical Pacific, warm at the surface and the equator, half with an uncertainty."""
        count = 40
        latitude, depth = random.uniform(-30, 30, count), random.uniform(0, 300, count)
        return {
            "latitude": latitude,
            "longitude": random.uniform(170, 220, count),
            "depth": depth,
            "temperature": 28 - 0.15 * np.abs(latitude) - 0.03 * depth + random.normal(size=count),
            "uncertainty": np.where(random.random(count) < 0.5, np.nan, 0.5),
            "month": np.array(random.integers(1, 13)),
            "members": np.array(2),
            "seed": np.array(random.integers(2**64, dtype=np.uint64)),
            "steps": np.array(2 if self._learned else 0),
            "weights": np.zeros(32, np.uint8),
        }

    def predict(self, inputs: Mapping[str, Array], *, cancelled: CancelCheck, progress: Progress) -> dict[str, Array]:
        """The analysis of these observations.

        Raises:
            InvalidInput: an observation that cannot be, by field and index; or no observation passed quality control.
            NotFound: weights that are not registered.
            ResourceExhausted: more observations than the method can take.
            Cancelled: soon after `cancelled` answered true.
        """
        prior, month = self._prior.get(), int(inputs["month"])
        network = self._network(inputs["weights"]) if self._learned else None
        steps = int(inputs["steps"]) or DEFAULT_STEPS[self._method] if network else 0
        progress(0.0, "quality control")
        accepted, quality = quality_control(observations_of(inputs), prior, month)
        if not len(accepted):
            counts = f"{quality.outside_ocean} outside the ocean, {quality.failed_background_check}"
            raise InvalidInput.of(
                "observations",
                received=f"all rejected: {counts} failed the background check",
                accepted="at least one in the ocean that agrees with the climatology within its error",
            )
        analysis = analyse(
            self._method,
            prior,
            accepted,
            month,
            members=int(inputs["members"]),
            seed=int(inputs["seed"]),
            steps=steps or None,
            network=network,
            cancelled=cancelled,
            progress=progress,
        )
        return {
            "depth": prior.grid.depth,
            "lat": prior.grid.lat,
            "lon": prior.grid.lon,
            "mean": analysis.mean.astype(np.float32),
            "std": analysis.std.astype(np.float32),
            "members": analysis.members,
            **{name: np.array(getattr(quality, name), np.int64) for name in COUNTS},
            "steps": np.array(steps, np.int64),
            "weights": np.frombuffer(bytes.fromhex(network.sha256) if network else bytes(32), np.uint8),
        }

    def _network(self, digest: Array) -> Network:
        if not digest.any():
            return Network.shipped()
        entry = self._store.get("ocean", digest.tobytes().hex())
        return _registered(entry.path, entry.sha256, json.dumps(entry.spec))


def models(store: WeightsStore) -> list[AnalysisModel]:
    """One model a method, best first; registered weights are found in `store`."""
    prior = SharedPrior()
    return [AnalysisModel(method, prior, store) for method in reversed(METHODS)]


def installed() -> list[AnalysisModel]:
    """The models as the settings make them: with the weights that are registered on this machine."""
    return models(WeightsStore(load(StateSettings).models_folder))


def model_name(method: str) -> str:
    """Name of the model that serves a method."""
    return f"ocean_{method}"


@lru_cache(maxsize=1)
def _registered(path: Path, sha256: str, spec: str) -> Network:
    """A registered network, loaded once while it is the last one asked for. Raises NotFound and DataCorrupted."""
    try:
        found = weights.sha256(path)
    except FileNotFoundError as error:
        raise NotFound(f"the weights {sha256} were removed") from error
    if found != sha256:
        raise DataCorrupted(f"the registered weights {sha256} are not the bytes that were registered")
    return Network.load(path, json.loads(spec))


def observations_of(inputs: Mapping[str, Array]) -> Observations:
    """The observations among a model's inputs. Raises InvalidInput, naming field and index, for what cannot be."""
    stated = inputs.get("uncertainty", np.full_like(inputs["temperature"], np.nan))
    columns = (inputs[name] for name in ("latitude", "longitude", "depth", "temperature"))
    return Observations(*columns, np.where(np.isnan(stated), DEFAULT_UNCERTAINTY, stated))
