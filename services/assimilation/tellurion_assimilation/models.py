"""The models that this service serves: one a method, from background and observations to an analysis with members."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tellurion_assimilation import methods
from tellurion_assimilation.analysis import Analysis, Case, analyse, check_grid
from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import LEARNED, OFFERS
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_assimilation.systems.atmosphere.columns import ERRORS
from tellurion_assimilation.systems.atmosphere.normalisation import Normalisation
from tellurion_core.errors import DataCorrupted, NotFound
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_core.settings import StateSettings, load
from tellurion_core.tensors import Array, TensorSpec
from tellurion_core.weights import WeightsStore
from tellurion_geo import SigmaGrid, normalised_longitude, sigma_operator
from tellurion_geo.sigma_operators import OPERATORS

if TYPE_CHECKING:
    from tellurion_assimilation.prior import Prior

COORDINATES: Mapping[str, TensorSpec] = {
    "lat": TensorSpec("float64", ("Y",), unit="degrees_north"),
    "lon": TensorSpec("float64", ("X",), unit="degrees_east"),
    "level": TensorSpec("float64", ("L",)),
}
"""Of the states; `level` is σ, from the top down."""
STATES: Mapping[str, TensorSpec] = {
    "background": TensorSpec("float32", ("C", "Y", "X"), optional=True),
    "ensemble": TensorSpec("float32", ("N", "C", "Y", "X"), optional=True),
}
"""m/s, K and Pa."""
OBSERVATIONS: Mapping[str, TensorSpec] = {
    "value": TensorSpec("float64", ("P",)),
    "error": TensorSpec("float64", ("P",)),
    "latitude": TensorSpec("float64", ("P",), unit="degrees_north"),
    "longitude": TensorSpec("float64", ("P",), unit="degrees_east"),
    "variable": TensorSpec("uint8", ("P",)),
    "sigma": TensorSpec("float64", ("P",)),
    "sigma_bounds": TensorSpec("float64", ("P", 2), optional=True),
}
"""The observations [P]."""
SENT: Mapping[str, TensorSpec] = {**COORDINATES, **STATES, **OBSERVATIONS}
"""What a caller sends."""
OPTIONS: Mapping[str, TensorSpec] = {
    "operator": TensorSpec("int64"),
    "members": TensorSpec("int64"),
    "seed": TensorSpec("uint64"),
    "inflation": TensorSpec("float64"),
    "localization": TensorSpec("float64", unit="km"),
    "rotate": TensorSpec("bool"),
    "steps": TensorSpec("int64"),
    "weights": TensorSpec("uint8", (32,)),
}
"""`operator` counts OPERATORS; `weights`, the SHA-256 of registered ones, are the shipped ones where all is zero; a
method ignores what it does not take."""
FIELDS: Mapping[str, TensorSpec] = {
    "mean": TensorSpec("float32", ("C", "Y", "X")),
    "std": TensorSpec("float32", ("C", "Y", "X")),
    "members": TensorSpec("float32", ("K", "C", "Y", "X")),
}
"""The analysis, m/s, K and Pa."""
FIGURES: Mapping[str, TensorSpec] = {
    "innovation": TensorSpec("float64", missing=True),
    "residual": TensorSpec("float64", missing=True),
    "weights": OPTIONS["weights"],
}
"""Root mean square of observation less background, and less analysis, in units of the error, NaN without observations;
the SHA-256 of the weights that were used, zero of a method that is not learned."""
SHIPPED = Layout()
"""Of the weights and the covariance of background errors that this distribution comes with."""
PARAMETERS = ("inflation", "localization", "rotate")
"""Options that are parameters of ensemble methods."""


class AnalysisModel:
    """One method of analysis."""

    def __init__(self, method: str, store: WeightsStore) -> None:
        self.name = model_name(method)
        self.inputs = {**SENT, **OPTIONS}
        self.outputs = {**FIELDS, **FIGURES}
        self._method = method
        self._store = store

    def load(self) -> None:
        """Nothing: a prior is loaded, and kept, when the first input asks for it that it can be used for."""

    def example(self, random: np.random.Generator) -> dict[str, Array]:
        """A wavy background on the shipped grid, of which sixty observations differ by their errors."""
        grid, count = SigmaGrid(SHIPPED.sigma, SHIPPED.latitude, SHIPPED.longitude), 60
        climate = Normalisation.shipped(SHIPPED)
        turns = 2 * np.pi * random.random((len(climate.mean), 1, 1))
        waves = np.cos(np.radians(3 * grid.lon) + turns) * np.cos(np.radians(grid.lat))[:, None]
        background = climate.mean[:, None, None] + climate.std[:, None, None] * waves / 2
        places = {
            "latitude": random.uniform(-80, 80, count),
            "longitude": random.uniform(0, 360, count),
            "variable": random.integers(4, size=count, dtype=np.uint8),
            "sigma": random.uniform(0.1, 1, count),
        }
        operator = random.integers(2)
        error = np.array([*ERRORS.values()])[places["variable"]]
        observed = sigma_operator(grid, OPERATORS[operator], **places) @ background.ravel()
        return {
            "lat": grid.lat,
            "lon": grid.lon,
            "level": grid.sigma,
            "background": background.astype(np.float32),
            **places,
            "value": observed + error * random.normal(size=count),
            "error": error,
            "operator": np.array(operator),
            "members": np.array(3),
            "seed": np.array(random.integers(2**64, dtype=np.uint64)),
            "inflation": np.array(1.05),
            "localization": np.array(1000.0),
            "rotate": np.array(False),
            "steps": np.array(2),
            "weights": np.zeros(32, np.uint8),
        }

    def predict(self, inputs: Mapping[str, Array], *, cancelled: CancelCheck, progress: Progress) -> dict[str, Array]:
        """The analysis of this background and these observations.

        Raises:
            InvalidInput: a value that cannot be, by field and index; a grid that is not that of the weights; fewer than
                two members, or more than memory allows.
            NotFound: weights that are not registered.
            ResourceExhausted: an analysis that does not converge.
            Cancelled: soon after `cancelled` answered true.
        """
        case, members = case_of(inputs), int(inputs["members"])
        if OFFERS[self._method].ensemble and case.ensemble is not None:
            members = len(case.ensemble)
        prior = self._prior(case, inputs["weights"])
        analysis = analyse(
            self._method,
            case,
            members=members,
            seed=int(inputs["seed"]),
            options=self._options(inputs),
            errors=self._errors(case),
            prior=prior,
            cancelled=cancelled,
            progress=progress,
        )
        return {**_fields(case, analysis), **_figures(case, analysis), "weights": _digest(prior)}

    def _errors(self, case: Case) -> ZonalErrors | None:
        if OFFERS[self._method].ensemble and case.ensemble is not None:
            return None
        check_grid(case.grid, SHIPPED)
        return ZonalErrors.shipped(SHIPPED)

    def _options(self, inputs: Mapping[str, Array]) -> dict[str, Any]:
        if self._method in LEARNED:
            return {"steps": int(inputs["steps"])}
        taken = methods.parameters(self._method)
        return {name: inputs[name].item() for name in PARAMETERS if name in taken}

    def _prior(self, case: Case, digest: Array) -> Prior | None:
        if self._method not in LEARNED:
            return None
        check_grid(case.grid, SHIPPED)
        if not digest.any():
            return shipped_prior(self._method)
        entry = self._store.get("assimilation", digest.tobytes().hex())
        return _registered(entry.path, entry.sha256, json.dumps(entry.spec))


def models(store: WeightsStore) -> list[AnalysisModel]:
    """One model a method of analysis; registered weights are found in `store`."""
    return [AnalysisModel(offer.name, store) for offer in OFFERS.values() if offer.analyses]


def installed() -> list[AnalysisModel]:
    """The models as the settings make them: with the weights that are registered on this machine."""
    return models(WeightsStore(load(StateSettings).models_folder))


def model_name(method: str) -> str:
    """Name of the model that serves a method."""
    return f"assimilation_{method}"


def grid_of(inputs: Mapping[str, Array]) -> SigmaGrid:
    """The grid of the states. Raises InvalidInput, naming the axis."""
    return SigmaGrid(inputs["level"], inputs["lat"], inputs["lon"])


def case_of(inputs: Mapping[str, Array]) -> Case:
    """Background, ensemble and observations among a model's inputs. Raises InvalidInput, naming field and index."""
    grid = grid_of(inputs)
    longitude = normalised_longitude(inputs["longitude"])
    operator = sigma_operator(
        grid,
        OPERATORS[int(inputs["operator"])],
        latitude=inputs["latitude"],
        longitude=longitude,
        variable=inputs["variable"],
        sigma=inputs["sigma"],
        sigma_bounds=inputs.get("sigma_bounds"),
    )
    positions = np.stack([inputs["latitude"], longitude], axis=1)
    observations = Observations(inputs["value"], inputs["error"], operator, positions)
    return Case.of(grid, inputs.get("background"), inputs.get("ensemble"), observations)


def _fields(case: Case, analysis: Analysis) -> dict[str, Array]:
    states = {"mean": analysis.mean, "std": analysis.std, "members": analysis.members}
    return {
        name: state.astype(np.float32).reshape(*state.shape[:-1], *case.grid.shape) for name, state in states.items()
    }


def _figures(case: Case, analysis: Analysis) -> dict[str, Array]:
    def misfit(state: Array) -> Array:
        observations = case.observations
        scaled = (observations.values - observations.of(state)) / observations.errors
        return np.sqrt(np.mean(scaled**2)) if len(observations) else np.array(np.nan)

    return {
        "innovation": np.asarray(misfit(case.background)),
        "residual": np.asarray(misfit(analysis.mean)),
    }


def _digest(prior: Prior | None) -> Array:
    return np.frombuffer(bytes(32) if prior is None else bytes.fromhex(prior.sha256), np.uint8)


def shipped_prior(method: str) -> Prior:
    """That of a learned method, loaded once."""
    from tellurion_assimilation.prior import Prior

    return Prior.shipped(LEARNED[method][1])


@lru_cache(maxsize=1)
def _registered(path: Path, sha256: str, spec: str) -> Prior:
    """A registered prior, loaded once while it is the last one asked for. Raises NotFound and DataCorrupted."""
    from tellurion_assimilation.prior import AUTOENCODER_FILE, Prior
    from tellurion_diffusion import weights

    try:
        found = weights.sha256(path)
    except FileNotFoundError as error:
        raise NotFound(f"the weights {sha256} were removed") from error
    if found != sha256:
        raise DataCorrupted(f"the registered weights {sha256} are not the bytes that were registered")
    shipped = resources.files("tellurion_assimilation").joinpath("weights", AUTOENCODER_FILE)
    with resources.as_file(shipped) as autoencoder:
        return Prior.load(path, autoencoder)
