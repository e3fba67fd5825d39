"""Which endpoints this installation lets its users ask, and with which keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _listed(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Separated by commas."""


class EndpointSettings(BaseSettings):
    """What may be asked, as the installation's keeper allows it."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_", extra="ignore", frozen=True)

    endpoints: Listed = ()
    """Hosts, `host:port` or origins (`https://host:port`) that may be asked; by default none."""
    endpoint_keys: Listed = ()
    """`VARIABLE@https://host:port`: environment variables whose keys may be sent, each to its origin alone."""
