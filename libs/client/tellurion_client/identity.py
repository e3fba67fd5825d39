"""The secrets of a platform, in its state folder: who comes through its gateway, and for whom services are called.

    STATE/api-keys.pepper          under which the API keys are kept
    STATE/token.key, token.pub     by which the services know for whom the gateway and the agent call
    STATE/audit.jsonl              who has changed what through the gateway, and which keys were made and revoked

Each is for nobody but the platform's user. Settings of the environment take their places.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tellurion_core.call import LOCAL
from tellurion_core.errors import InvalidInput

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tellurion_client.state import State
    from tellurion_core.identity.api_keys import ApiKeys

PEPPER, PRIVATE_KEY, PUBLIC_KEY, AUDIT_LOG = "api-keys.pepper", "token.key", "token.pub", "audit.jsonl"


def identity_settings(state: State) -> Mapping[str, str]:
    """Settings of a platform whose gateway asks for keys, by the lower-case name without `TELLURION_`.

    What they name is made where it is not there yet.

    Raises:
        InvalidInput: a secret in the folder is none, or cannot be written.
    """
    made = {}
    if not _given("API_KEY_PEPPER"):
        made["api_key_pepper"] = str(_pepper(state))
    if not _given("AUDIT_LOG"):
        made["audit_log"] = str(state.folder / AUDIT_LOG)
    if not _given("TOKEN_PRIVATE_KEY") and not _given("TOKEN_PUBLIC_KEYS"):
        private, public = _key_pair(state)
        made |= {"token_private_key": str(private), "token_public_keys": str(public)}
    return made


def api_keys(state: State) -> ApiKeys:
    """The API keys of a platform; the pepper is made where there is none yet.

    Raises:
        InvalidInput: the pepper is none, or the database cannot be used.
        Unavailable: the database cannot be reached.
    """
    from tellurion_core.identity.api_keys import ApiKeys, read_pepper

    given = _given("API_KEY_PEPPER")
    return ApiKeys(database(state), read_pepper(Path(given) if given else _pepper(state)))


def database(state: State) -> Engine:
    """The database of a platform's keys and jobs. Raises InvalidInput and Unavailable."""
    from tellurion_core.jobs.database import open_engine
    from tellurion_core.jobs.settings import JobSettings
    from tellurion_core.settings import StateSettings, load

    return open_engine(load(JobSettings).database_url(StateSettings(state=state.folder)))


def first_key(state: State) -> str | None:
    """A key by which the platform's user may do everything; None where there ever was a key."""
    from tellurion_core.identity.api_keys import prefix_of
    from tellurion_core.identity.roles import Role

    keys = api_keys(state)
    if keys.list():
        return None
    note = audit(state)
    key = keys.create(LOCAL.tenant, LOCAL.subject, Role.ADMIN)
    note("key made", key=prefix_of(key), tenant=LOCAL.tenant, subject=LOCAL.subject, role=Role.ADMIN.label)
    return key


def audit(state: State) -> Callable[..., None]:
    """What notes the changes of this user where the gateway notes those of its callers. Raises InvalidInput.

    To be had before the change: none that cannot be noted is made.
    """
    from tellurion_core.identity.audit import audit_log

    given = _given("AUDIT_LOG")
    log = audit_log(Path(given) if given else state.folder / AUDIT_LOG)
    return partial(log.info, by=f"uid {os.getuid()}")


def _given(name: str) -> str:
    return os.environ.get(f"TELLURION_{name}", "")


def _pepper(state: State) -> Path:
    return _kept(state, PEPPER, secrets.token_bytes(32))


def _key_pair(state: State) -> tuple[Path, Path]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pem, private = serialization.Encoding.PEM, state.folder / PRIVATE_KEY
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    _kept(state, PRIVATE_KEY, Ed25519PrivateKey.generate().private_bytes(pem, form, plain))
    try:
        key = serialization.load_pem_private_key(private.read_bytes(), None).public_key()
    except (OSError, ValueError, TypeError):
        accepted = "a PEM file of an unencrypted Ed25519 private key; without one, a new one is made"
        raise InvalidInput.of("token.key", received=private, accepted=accepted) from None
    public, place = key.public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo), state.folder / PUBLIC_KEY
    if place.exists() and place.read_bytes() != public:
        place.unlink()  # of a private key that was replaced
    return private, _kept(state, PUBLIC_KEY, public)


def _kept(state: State, name: str, secret: bytes) -> Path:
    """A file that only its user can read, written whole where it is not there; the first of several who try it wins.

    Raises:
        InvalidInput: it cannot be written.
    """
    path = state.folder / name
    if path.exists():
        return path
    try:
        state.make()
        with TemporaryDirectory(dir=state.folder, prefix=".unfinished-") as folder, suppress(FileExistsError):
            new = Path(folder) / name
            new.touch(0o600)
            new.write_bytes(secret)
            os.link(new, path)
    except OSError as error:
        received = f"{path}: {error.strerror}"
        raise InvalidInput.of("state", received=received, accepted="a folder to write in") from None
    return path
