"""Who may ask a gateway that wants keys, what its service hears of the caller, and what is logged of changes."""

from __future__ import annotations

import base64
import json
import stat
import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tellurion_core.call import Identity
from tellurion_core.grpc_web import MEDIA_TYPE, FrameReader, frame, read_trailers
from tellurion_core.identity.roles import Role
from tellurion_gateway.server import exposures
from tellurion_gateway.settings import GatewaySettings

from .guarded import Guarded

UPLOAD = {"Tus-Resumable": "1.0.0", "Upload-Length": "4"}


def test_without_a_key_nothing_but_probes_is_answered(guarded: Guarded) -> None:
    assert guarded.ask("GET", "/healthz", None).status_code == 200
    for path in ("/v1/ocean/methods", "/v1/uploads", "/openapi.json", "/nowhere"):
        refused = guarded.ask("GET", path, None)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == 'Bearer realm="tellurion"'
        assert refused.headers["content-type"] == "application/problem+json"


def test_two_credentials_are_none(guarded: Guarded) -> None:
    both = [("Authorization", f"Bearer {guarded.keys.create('navy', 'ann')}")] * 2
    assert guarded.gateway.client.get("/v1/ocean/methods", headers=both).status_code == 401


@pytest.mark.parametrize("header", ["Basic dGVsbDp0ZWxs", "Bearer", "Bearer tell_00000000_" + "A" * 43, "Bearer é"])
def test_another_credential_is_refused_and_not_repeated(guarded: Guarded, header: str) -> None:
    refused = guarded.gateway.client.get("/v1/ocean/methods", headers={"Authorization": header.encode("latin-1")})
    assert refused.status_code == 401
    assert header.partition(" ")[2] in ("", "é") or header.partition(" ")[2] not in refused.text


def test_the_service_knows_for_whom_it_is_asked(guarded: Guarded, observations: dict[str, Any]) -> None:
    key = guarded.keys.create("navy", "ann", Role.USER)
    body = {"method": "echo", "month": 2, "observations": observations}
    guarded.ask("POST", "/v1/ocean:reconstruct", key, json=body).raise_for_status()
    assert guarded.ocean.calls[-1][0].identity == Identity("navy", "ann", Role.USER)


def test_a_revoked_key_is_refused_within_seconds(guarded: Guarded) -> None:
    key = guarded.keys.create("navy", "ann")
    assert guarded.ask("GET", "/v1/ocean/methods", key).status_code == 200
    guarded.keys.revoke(key[5:13])
    until = time.monotonic() + 5
    while guarded.ask("GET", "/v1/ocean/methods", key).status_code != 401:
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("path", ["/v1/ocean/methods", "/v1/%6fcean/methods", "/v1/ocean/operations/1"])
def test_a_key_for_one_service_does_not_open_another(guarded: Guarded, path: str) -> None:
    refused = guarded.ask("GET", path, guarded.keys.create("navy", "ann", Role.USER, ["splat"]))
    assert refused.status_code == 403
    assert refused.json()["detail"] == "this API key is not for the ocean service"


@pytest.mark.parametrize("scopes", [["splat"], ["artifacts", "ocean"]])
def test_what_the_gateway_keeps_takes_a_scope_of_its_own(guarded: Guarded, scopes: list[str]) -> None:
    """A key for one service neither reads nor deletes what others of its tenant have stored."""
    owner, other = guarded.keys.create("navy", "ann"), guarded.keys.create("navy", "bob", scopes=scopes)
    place = guarded.ask("POST", "/v1/uploads", owner, headers=UPLOAD).headers["location"]
    patch = {**UPLOAD, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    stored = guarded.ask("PATCH", httpx.URL(place).path, owner, headers=patch, content=b"mine")
    path, may = f"/v1/artifacts/{stored.headers['tellurion-artifact']}", "artifacts" in scopes
    assert guarded.ask("GET", f"{path}/content", other).status_code == (200 if may else 403)
    assert guarded.ask("POST", "/v1/uploads", other, headers=UPLOAD).status_code == (201 if may else 403)
    assert guarded.ask("DELETE", path, other).status_code == (204 if may else 403)
    assert guarded.ask("GET", path, owner).status_code == (404 if may else 200)


def test_nor_by_the_bridge(guarded: Guarded) -> None:
    key = guarded.keys.create("navy", "ann", Role.USER, ["splat"])
    path = "/v1/grpc/ocean/tellurion.ocean.v1.OceanService/ListMethods"
    asked = guarded.ask("POST", path, key, headers={"Content-Type": MEDIA_TYPE}, content=frame(b""))
    ((ends, trailers),) = FrameReader().feed(asked.content)
    assert ends
    assert read_trailers(trailers)[:2] == (
        grpc.StatusCode.PERMISSION_DENIED,
        "this API key is not for the ocean service",
    )


@pytest.mark.parametrize("accept", ["application/json", "application/x-netcdf", "text/event-stream"])
def test_a_viewer_has_nothing_computed_or_stored(guarded: Guarded, observations: dict[str, Any], accept: str) -> None:
    viewer, asked = guarded.keys.create("vale", "ann", Role.VIEWER), len(guarded.ocean.calls)
    body = {"method": "echo", "month": 2, "observations": observations}
    refused = guarded.ask("POST", "/v1/ocean:reconstruct", viewer, headers={"Accept": accept}, json=body)
    assert (refused.status_code, refused.json()["detail"]) == (403, "this takes the role user; yours is viewer")
    assert guarded.ask("POST", "/v1/ocean:evaluate", viewer, json={"month": 2}).status_code == 403
    assert len(guarded.ocean.calls) == asked
    assert not list(guarded.gateway.folder.glob("artifacts/vale/**/*.json"))


@pytest.mark.parametrize("path", ["/v1/ocean:reconstruct", "/v1/ocean/operations/1:wait"])
def test_whose_key_is_not_for_a_service_is_told_so_before_the_request_is_read(guarded: Guarded, path: str) -> None:
    key = guarded.keys.create("navy", "ann", Role.USER, ["splat"])
    # Neither a media type that is taken, nor a body of it.
    refused = guarded.ask("POST", path, key, headers={"Content-Type": "application/x-netcdf"}, content=b"CDF nothing")
    assert refused.status_code == 403


def test_a_viewer_uploads_nothing(guarded: Guarded) -> None:
    viewer = guarded.keys.create("navy", "ann", Role.VIEWER)
    assert guarded.ask("GET", "/v1/ocean/methods", viewer).status_code == 200
    assert guarded.ask("POST", "/v1/uploads", viewer, headers=UPLOAD).status_code == 403


def test_anothers_upload_looks_as_if_there_were_none(guarded: Guarded) -> None:
    mine, others = guarded.keys.create("navy", "ann"), guarded.keys.create("army", "bob")
    place = guarded.ask("POST", "/v1/uploads", mine, headers=UPLOAD)
    assert place.status_code == 201
    path = httpx.URL(place.headers["location"]).path
    tus = {"Tus-Resumable": "1.0.0"}
    assert guarded.ask("HEAD", path, mine, headers=tus).status_code == 200
    for method in ("HEAD", "DELETE"):
        assert guarded.ask(method, path, others, headers=tus).status_code == 404


def test_changes_are_logged_apart_with_who_made_them_and_no_secret(guarded: Guarded) -> None:
    key = guarded.keys.create("navy", "ann")
    asked = {**UPLOAD, "X-Request-Id": "change-7"}
    guarded.ask("POST", "/v1/uploads", key, headers=asked)
    guarded.ask("POST", "/v1/uploads", "tell_nothing", headers={**asked, "X-Request-Id": "change-8"})
    path = "/v1/grpc/ocean/google.longrunning.Operations/DeleteOperation"
    bridged = {"Content-Type": MEDIA_TYPE, "X-Request-Id": "change-9"}
    name = b"ocean/operations/7"
    guarded.ask("POST", path, key, headers=bridged, content=frame(b"\x0a" + bytes([len(name)]) + name))
    guarded.ask("POST", "/v1/ocean/operations/7:wait", key, headers={"X-Request-Id": "look-1"}, json={"timeout": "0s"})
    guarded.ask("POST", "/v1/ocean:evaluate", key, headers={"X-Request-Id": "look-2"}, json={})
    for request in ("change-7", "change-8", "change-9", "look-1", "look-2"):
        guarded.gateway.logged(request)
    lines = {line["request_id"]: line for line in map(json.loads, guarded.audit.read_text().splitlines())}
    done, absent = (lines[f"change-{number}"] for number in (7, 9))
    assert not {"change-8", "look-1", "look-2"} & lines.keys()
    assert (done["tenant"], done["subject"], done["method"], done["status"]) == ("navy", "ann", "POST", 201)
    assert (absent["subject"], absent["name"], absent["grpc_status"]) == ("ann", name.decode(), "NOT_FOUND")
    assert all(line["method"] not in ("GET", "HEAD") for line in lines.values())
    assert not any("ListMethods" in line["path"] for line in lines.values())
    assert key[14:] not in guarded.audit.read_text() + guarded.gateway.log_path.read_text()
    assert stat.S_IMODE(guarded.audit.stat().st_mode) == 0o600


def test_a_gateway_that_others_can_reach_says_what_it_lacks(certificate: tuple[Path, Path]) -> None:
    pair, keys = dict(zip(("tls_certificate", "tls_key"), certificate, strict=True)), certificate[1]
    asking = {"api_key_pepper": keys, "token_private_key": keys}
    assert not exposures(GatewaySettings(listen="127.0.0.1:0"))
    told = {
        name: [line.partition(";")[0] for line in exposures(GatewaySettings(listen="0.0.0.0:0", **given))]
        for name, given in {"nothing": {}, "keys": asking, "TLS": pair, "both": asking | pair}.items()
    }
    nobody_asked, clear = "whoever reaches this address is served", "keys and answers travel in the clear"
    assert told == {"nothing": [nobody_asked, clear], "keys": [clear], "TLS": [nobody_asked], "both": []}


def test_no_secret_is_in_what_anybody_is_told(guarded: Guarded, observations: dict[str, Any]) -> None:
    """Everything that the site has logged and answered, to these tests and to those before, and how it was started."""
    key, token = guarded.keys.create("navy", "ann"), guarded.provider.token()
    body = {"method": "broken", "month": 2, "observations": observations}
    for good, path in ((key, "/openapi.json"), (token, "/v1/ocean/methods"), (key, "/nowhere")):
        for credential in (good, good[:-1] + "é"):
            guarded.ask("GET", path, credential)
            guarded.ask("POST", "/v1/ocean:reconstruct", credential, json=body)
    answer = guarded.ask("POST", "/v1/ocean/nothing", key, headers={"X-Request-Id": "last"})
    guarded.gateway.logged(answer.headers["x-request-id"])
    process = Path(f"/proc/{guarded.gateway.process.pid}/cmdline").read_text()
    told = [guarded.gateway.log_path.read_text(), guarded.audit.read_text(), process, *guarded.answered]
    pepper = {guarded.pepper.hex(), base64.b64encode(guarded.pepper).decode(), repr(guarded.pepper)[2:-1]}
    keys = {given[14:] for given in guarded.credentials if given.startswith("tell_")}
    signatures = {given.rpartition(".")[2] for given in guarded.credentials if not given.startswith("tell_")}
    assert key[14:] in keys
    secrets = keys | signatures | pepper | {guarded.private.splitlines()[1]}
    assert len([secret for secret in secrets if len(secret) > 40]) > 5
    assert not [secret for secret in secrets if len(secret) > 20 and any(secret in text for text in told)]
