"""Settings of the Ray Serve application, from environment variables with the prefix `TELLURION_RAY_`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tellurion_core.errors import InvalidInput


class Scaling(BaseModel):
    """How many replicas a model has, what each of them takes of its node, and how much may wait."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_replicas: int = Field(default=1, ge=0)
    """Replicas without load; with 0, the first request waits until the model is loaded."""
    max_replicas: int = Field(default=1, ge=1)
    """Replicas under load."""
    target_ongoing_requests: float = Field(default=4.0, gt=0)
    """Requests that run or wait for each replica, on average, above which another one is started."""
    upscale_delay_s: float = Field(default=30.0, ge=0)
    """How long there is more load before replicas are added."""
    downscale_delay_s: float = Field(default=600.0, ge=0)
    """How long there is less load before replicas are taken away."""
    max_ongoing_requests: int = Field(default=32, ge=1)
    """Requests that a replica holds, in its batch or in line; further ones wait in the front."""
    max_queued_requests: int = Field(default=100, ge=0)
    """Requests that wait in a front for a replica; further ones are refused with RESOURCE_EXHAUSTED."""
    batch_items: int = Field(default=16, ge=1)
    """Items that are run as one, of models that take batches."""
    batch_wait_s: float = Field(default=0.003, ge=0, le=1)
    """How long an item waits for others to join it."""
    num_cpus: float = Field(default=1.0, ge=0)
    """Cores that a replica takes of its node; a fraction shares one."""
    num_gpus: float = Field(default=0.0, ge=0)
    """GPUs that a replica takes of its node; a fraction shares one."""

    @model_validator(mode="after")
    def _least_and_most(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError("min_replicas is at most max_replicas")
        return self


class RaySettings(BaseSettings):
    """The application as a whole."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_RAY_", extra="ignore", frozen=True)

    address: str | None = None
    """A Ray cluster that is there: `auto` or `host:port`; one is started on this machine by default."""
    num_cpus: int | None = Field(default=None, ge=1)
    """Cores that Ray may give away where it is started here; all by default."""
    object_store_bytes: int = Field(default=1 << 30, ge=100 << 20)
    """Memory for arrays between processes where Ray is started here."""
    services: list[str] | None = None
    """Services whose models are served, as JSON; all by default."""
    fronts: int = Field(default=1, ge=1)
    """Fronts, each on another node."""
    start_seconds: float = Field(default=600.0, gt=0)
    """How long the loading of all models may take."""
    tensors: Path | None = None
    """Folder, shared with the services (`TELLURION_SERVING_TENSORS`), for tensors that no message of 64 MiB holds."""
    scaling: Scaling = Scaling()
    """Of every model, as JSON."""
    models: dict[str, Scaling] = Field(default_factory=dict)
    """What differs for a model, by its name, as JSON: `{"ocean_oi": {"max_replicas": 4}}`."""

    def of(self, model: str) -> Scaling:
        """The scaling of a model."""
        own = self.models.get(model, self.scaling)
        return Scaling(**self.scaling.model_dump() | own.model_dump(exclude_unset=True))

    def check_names(self, installed: Iterable[str]) -> None:
        """Raises InvalidInput where something is said of a model that is not installed."""
        for unknown in sorted(self.models.keys() - set(installed)):
            accepted = f"names of models: {', '.join(sorted(installed))}"
            raise InvalidInput.of("TELLURION_RAY_MODELS", received=unknown, accepted=accepted)

    def shared(self, models: Iterable[str], cores: float) -> RaySettings:
        """The same, but with room for the least replicas of these models: where cores are too few, they are shared."""
        own = {model: self.of(model) for model in models}
        taken = sum(scaling.num_cpus * scaling.min_replicas for scaling in own.values())
        if taken <= cores:
            return self

        def part(of: float) -> float:
            return math.floor(1e4 * of * cores / taken) / 1e4  # Ray counts cores to four places

        smaller = {name: each.model_copy(update={"num_cpus": part(each.num_cpus)}) for name, each in own.items()}
        return self.model_copy(update={"models": self.models | smaller})
