"""All services as they are, behind a gateway that asks for keys; and what tenants have there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tellurion_core.identity.api_keys import ApiKeys
from tellurion_core.identity.roles import Role
from tellurion_core.jobs.database import open_engine
from tellurion_gateway.upstreams import METHODS

PEPPER = os.urandom(32)


class Everything:
    """The gateway, and keys for it."""

    def __init__(self, gateway: Any, keys: ApiKeys) -> None:
        self.gateway = gateway
        self._keys = keys

    def key(self, tenant: str) -> str:
        """A new key of a tenant's."""
        return self._keys.create(tenant, "ann", Role.ADMIN)

    def client(self, tenant: str) -> httpx.Client:
        """A client that calls for a tenant."""
        client: httpx.Client = self.gateway.open()
        client.headers["Authorization"] = f"Bearer {self.key(tenant)}"
        return client


@pytest.fixture(scope="session")
def everything(
    serving: Callable[..., AbstractContextManager[Any]],
    start_gateway: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Everything]:
    """See `Everything`."""
    folder = tmp_path_factory.mktemp("everything")
    key, database = Ed25519PrivateKey.generate(), f"sqlite:///{folder / 'jobs.sqlite'}"
    (folder / "pepper").write_bytes(PEPPER)
    (folder / "token.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "token.pub").write_bytes(public)
    settings = {"token_public_keys": str(folder / "token.pub")}
    settings["stop_seconds"] = "0"  # what is still computed in the end is nobody's
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        started = threads.map(lambda name: stack.enter_context(serving(name, **settings)).address, METHODS)
        addresses = {f"{name}_address": address for name, address in zip(METHODS, started, strict=True)}
        gateway = start_gateway(
            **addresses,
            api_key_pepper=folder / "pepper",
            token_private_key=folder / "token.key",
            jobs_database=database,
            # Requests come faster from here than a tenant may ask, and 429 would be the answer to all.
            tenant_rate=1e6,
            tenant_burst=1_000_000,
        )
        yield Everything(gateway, ApiKeys(open_engine(database), PEPPER))
