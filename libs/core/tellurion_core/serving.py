"""Where a service's models run: in its own process, or on an inference server, as one setting says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tellurion_core.predictor import LocalPredictor, Model
from tellurion_core.settings import LOCAL, ServingSettings

if TYPE_CHECKING:
    from tellurion_core.remote_predictor import RemotePredictor


def predictor_of(models: Sequence[Model], settings: ServingSettings) -> LocalPredictor | RemotePredictor:
    """The predictor of these models that the settings ask for; a remote one needs the extra `triton`."""
    if settings.serving == LOCAL:
        return LocalPredictor(models)
    from tellurion_core.remote_predictor import RemotePredictor

    return RemotePredictor(models, settings.serving.removeprefix("grpc://"), settings.serving_tensors)
