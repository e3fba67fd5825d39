"""Settings by which processes know for whom they are called, and how callers are known, from environment variables."""

from __future__ import annotations

from pathlib import Path

from pydantic import FilePath
from pydantic_settings import BaseSettings, SettingsConfigDict


class TokenSettings(BaseSettings):
    """Keys of the tokens between services."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_TOKEN_", extra="ignore", frozen=True)

    public_keys: FilePath | None = None
    """Ed25519 public keys, PEM or a JWK set; with them, every call to a service needs a token that one has signed."""
    private_key: FilePath | None = None
    """PEM file of the Ed25519 key by which the gateway and the agent tell services for whom they call."""
    trust_socket: bool = False
    """Whether a call over a Unix socket needs no token: who may open the socket is then the platform's own user."""


class KeySettings(BaseSettings):
    """What API keys are checked with, and where it is kept who changed something."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_", extra="ignore", frozen=True)

    key_pepper: FilePath | None = None
    """File of at least 32 random bytes under which API keys are kept; with it, every request needs a key."""
    audit_log: Path | None = None
    """File of the lines that tell who changed what; `audit.jsonl` in the state folder where it is not set."""
