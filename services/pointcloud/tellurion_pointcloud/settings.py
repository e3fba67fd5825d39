"""Settings of the point-cloud service, from environment variables with the prefix `TELLURION_`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from pydantic import DirectoryPath
from pydantic_settings import BaseSettings, SettingsConfigDict

SHIPPED = Path(str(resources.files("tellurion_pointcloud"))) / "weights"
"""Folder of the weights that this distribution comes with."""


class PointCloudSettings(BaseSettings):
    """What the service's models are made of, and scored on."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_", extra="ignore", frozen=True)

    pointcloud_weights: DirectoryPath = SHIPPED
    """Folder with mmpt, gaussian2scene, completion and detector, each .safetensors."""
    data: Path = Path("data")
    """Folder with what `make data` brings; corpora for scores are in `pointcloud` there."""
