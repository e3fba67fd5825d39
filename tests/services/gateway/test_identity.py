"""A gateway with a pepper answers nobody without a key, tells services who calls, and keeps who changed what."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tellurion_core.call import Identity
from tellurion_core.identity.api_keys import ApiKeys
from tellurion_core.identity.authenticator import TokenAuthenticator
from tellurion_core.identity.roles import Role
from tellurion_core.identity.tokens import TokenVerifier
from tellurion_core.jobs.database import open_engine
from tellurion_gateway.settings import GatewaySettings

PEPPER = b"p" * 32
GRPC = "/v1/grpc/ocean/tellurion.ocean.v1.OceanService/ListMethods"
DELETION = "/v1/grpc/ocean/google.longrunning.Operations/DeleteOperation"
UPLOAD = {"Tus-Resumable": "1.0.0", "Upload-Length": "3"}
NO_MESSAGE = {"content": bytes(5), "headers": {"Content-Type": "application/grpc-web+proto"}}


@dataclass
class Door:
    """A gateway that asks for keys, and what it has."""

    gateway: Any
    served: Any
    keys: ApiKeys
    audit: Path

    def bearer(self, *caller: Any, **more: Any) -> dict[str, str]:
        """A header with a new key."""
        return {"Authorization": f"Bearer {self.keys.create(*caller, **more)[1]}"}

    def audited(self) -> list[dict[str, Any]]:
        """The lines of the audit log."""
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


@pytest.fixture(scope="module")
def door(start_gateway: Callable, served_ocean: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder, key = tmp_path_factory.mktemp("door"), Ed25519PrivateKey.generate()
    (folder / "pepper").write_bytes(PEPPER)
    (folder / "token.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    verifying = TokenAuthenticator(TokenVerifier([key.public_key()]))
    served = type(served_ocean)(f"unix:{folder}/ocean.sock", authenticate=verifying)
    database = f"sqlite:///{folder}/jobs.sqlite"
    gateway = start_gateway(
        ocean_address=served.address,
        key_pepper=folder / "pepper",
        token_private_key=folder / "token.pem",
        jobs_database=database,
        audit_log=folder / "audit.jsonl",
    )
    engine = open_engine(database)
    yield Door(gateway, served, ApiKeys(engine, PEPPER), folder / "audit.jsonl")
    engine.dispose()
    gateway.close()
    served.stop()


@pytest.fixture
def client(door: Door) -> httpx.Client:
    return door.gateway.client


WRONG = f"Bearer tell_aaaaaaaa_{'A' * 43}"


@pytest.mark.parametrize(
    ("headers", "invalid"),
    [
        ([], False),
        ([("Authorization", "")], False),
        ([("Authorization", "Basic bmF2eTp4")], False),
        ([("Authorization", WRONG)], True),
        ([("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30.")], True),
        ([("Authorization", b"Bearer \xff")], True),
        ([("Authorization", WRONG), ("Authorization", WRONG)], False),
    ],
)
@pytest.mark.parametrize("path", ["/v1/ocean/methods", "/openapi.json", "/v1/uploads", "/nowhere"])
def test_nobody_is_answered_without_a_key(path, headers, invalid, client) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert ('error="invalid_token"' in answer.headers["WWW-Authenticate"]) == invalid
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert "tell_" not in answer.text


def test_probes_need_none(client) -> None:
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


@pytest.mark.parametrize("role", list(Role))
def test_the_service_knows_for_whom_it_is_called(role, door, client, observations) -> None:
    key = door.bearer("navy", "ferdinand", role)
    assert client.get("/v1/ocean/methods", headers=key).status_code == 200
    assert client.post(GRPC, **{**NO_MESSAGE, "headers": NO_MESSAGE["headers"] | key}).status_code == 200
    asked = {"method": "echo", "month": 2, "observations": observations}
    assert client.post("/v1/ocean:reconstruct", json=asked, headers=key).status_code == 200
    assert door.served.ocean.calls[-1][0].identity == Identity("navy", "ferdinand", role)


def test_a_scope_ends_at_the_service(door, client) -> None:
    for path in ("/v1/ocean/methods", f"/v1/artifacts/{'0' * 32}"):
        answer = client.get(path, headers=door.bearer("navy", "f", scopes=["splat"]))
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "out-of-scope")
    assert client.get("/v1/ocean/methods", headers=door.bearer("navy", "f", scopes=["ocean"])).status_code == 200


def test_a_viewer_changes_nothing(door, client) -> None:
    viewer, user = door.bearer("navy", "v", Role.VIEWER), door.bearer("navy", "u")
    assert client.post("/v1/uploads", headers=UPLOAD | viewer).status_code == 403
    assert client.delete(f"/v1/artifacts/{'0' * 32}", headers=viewer).status_code == 403
    refused = client.post(DELETION, **{**NO_MESSAGE, "headers": NO_MESSAGE["headers"] | viewer})
    assert b"grpc-status:7" in refused.content.replace(b" ", b"") or refused.headers.get("grpc-status") == "7"
    assert client.post("/v1/uploads", headers=UPLOAD | user).status_code == 201


def test_what_is_anothers_looks_like_nothing(door, client) -> None:
    navy, army = door.bearer("navy", "f"), door.bearer("army", "g")
    place = client.post("/v1/uploads", headers=UPLOAD | navy).headers["Location"]
    offset = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert client.patch(place, content=b"abc", headers=offset | navy).status_code == 204
    artifact = client.get(place, headers=navy).json()["artifact"]["id"]
    for path in (place, f"/v1/artifacts/{artifact}", f"/v1/artifacts/{artifact}/content"):
        assert client.get(path, headers=navy).status_code == 200
        assert client.get(path, headers=army).status_code == 404
    for path in (place, f"/v1/artifacts/{artifact}"):
        assert client.delete(path, headers={"Tus-Resumable": "1.0.0"} | army).status_code == 404


def test_a_revoked_key_is_refused_a_second_later_at_the_latest(door, client) -> None:
    made, key = door.keys.create("navy", "f")
    header = {"Authorization": f"Bearer {key}"}
    assert client.get("/v1/ocean/methods", headers=header).status_code == 200
    door.keys.revoke(made.prefix)
    time.sleep(1.05)
    assert client.get("/v1/ocean/methods", headers=header).status_code == 401


def test_every_change_is_kept_and_no_key(door, client) -> None:
    key = door.bearer("navy", "ferdinand")
    before = len(door.audited())
    made = client.post("/v1/uploads", headers=UPLOAD | key)
    client.get("/v1/ocean/methods", headers=key)
    client.post(GRPC, **{**NO_MESSAGE, "headers": NO_MESSAGE["headers"] | key})
    refused = client.post("/v1/uploads", headers=UPLOAD)
    lines = [{k: line[k] for k in ("event", "tenant", "subject", "outcome")} for line in door.audited()[before:]]
    assert lines == [
        {"event": "POST /v1/uploads", "tenant": "navy", "subject": "ferdinand", "outcome": made.status_code},
        {"event": "POST /v1/uploads", "tenant": "", "subject": "", "outcome": refused.status_code},
    ]
    assert door.audit.stat().st_mode & 0o777 == 0o600
    secret = key["Authorization"][-43:]
    assert secret not in door.audit.read_text() + door.gateway.log_path.read_text()


def test_no_gateway_knows_callers_of_whom_services_know_nothing(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_bytes(PEPPER)
    with pytest.raises(ValueError, match="TELLURION_TOKEN_PRIVATE_KEY"):
        GatewaySettings(key_pepper=tmp_path / "pepper")
