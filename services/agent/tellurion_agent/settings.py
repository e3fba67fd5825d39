"""Settings of the agent, from environment variables with the prefix `TELLURION_AGENT_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tellurion_agent.sandbox.sandbox import Limits


class AgentSettings(BaseSettings):
    """Which data there are, and how much a script may take."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_AGENT_", extra="ignore", frozen=True)

    libraries: str = ""
    """Folders of data by name, `NAME=FOLDER` separated by commas; every tenant may read them."""
    script_seconds: float = Field(default=600.0, gt=0, le=86_400)
    """Time that one script may take."""
    script_memory_mib: int = Field(default=2048, ge=256, le=1 << 20)
    """Memory that it may take."""
    script_disk_mib: int = Field(default=2048, ge=1, le=1 << 20)
    """What it may write."""
    model_seconds: float = Field(default=120.0, gt=0, le=3600)
    """Time that a language model may take for an answer."""

    @property
    def limits(self) -> Limits:
        """Of a script."""
        return Limits(
            seconds=self.script_seconds,
            memory_bytes=self.script_memory_mib << 20,
            disk_bytes=self.script_disk_mib << 20,
        )
