"""API keys over HTTPS: an administrator's, of its own tenant, and for no more than its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tellurion_core.identity.roles import Role

URL = "/v1/keys"


def test_a_key_is_made_used_listed_and_revoked(guarded: Any) -> None:
    admin = guarded.keys.create("tundra", "ann", Role.ADMIN)
    body = {"subject": "bob", "role": "viewer", "scopes": ["ocean"], "days": 1}
    made = guarded.ask("POST", URL, admin, json=body)
    assert made.status_code == 201
    key = made.json()["key"]
    told = guarded.ask("GET", "/v1/account", key).json()
    assert (told["tenant"], told["subject"], told["role"], told["scopes"]) == ("tundra", "bob", "viewer", ["ocean"])
    listed = guarded.ask("GET", URL, admin)
    assert key[14:] not in listed.text
    assert [each["subject"] for each in listed.json()["keys"]] == ["bob", "ann"]
    prefix = key[5:13]
    assert guarded.ask("DELETE", f"{URL}/{prefix}", admin).status_code == 204
    known = {each["prefix"]: each["revoked"] for each in guarded.ask("GET", f"{URL}?all=true", admin).json()["keys"]}
    assert known[prefix] is not None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.USER])
def test_keys_are_for_administrators(guarded: Any, role: Role) -> None:
    key = guarded.keys.create("polar", "eve", role)
    for method, path, body in (
        ("GET", URL, None),
        ("POST", URL, {"subject": "eve"}),
        ("DELETE", f"{URL}/0f3a9c1e", None),
    ):
        assert guarded.ask(method, path, key, json=body).status_code == 403


def test_another_tenants_keys_look_like_none(guarded: Any) -> None:
    admin, other = (guarded.keys.create(tenant, "ann", Role.ADMIN) for tenant in ("north", "south"))
    assert [each["prefix"] for each in guarded.ask("GET", URL, admin).json()["keys"]] == [admin[5:13]]
    assert guarded.ask("DELETE", f"{URL}/{other[5:13]}", admin).status_code == 404
    assert guarded.ask("GET", URL, other).status_code == 200


def test_an_administrator_of_one_service_has_no_say_over_keys(guarded: Any) -> None:
    admin, other = guarded.keys.create("polar", "ann", Role.ADMIN, ["ocean"]), guarded.keys.create("polar", "bob")
    for method, path in (("GET", URL), ("POST", URL), ("DELETE", f"{URL}/{other[5:13]}")):
        assert guarded.ask(method, path, admin, json={"subject": "bob", "scopes": ["ocean"]}).status_code == 403
    assert guarded.ask("GET", "/v1/account", other).status_code == 200


def test_a_key_ends_no_later_than_the_one_that_it_is_made_with(guarded: Any) -> None:
    admin = guarded.keys.create("polar", "ann", Role.ADMIN, seconds=86400)
    for days in (None, 2):
        answer = guarded.ask("POST", URL, admin, json={"subject": "bob", "days": days})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "days"
    assert guarded.ask("POST", URL, admin, json={"subject": "bob", "days": 0.9}).status_code == 201


def test_the_log_of_changes_says_what_a_key_is_for(guarded: Any) -> None:
    admin = guarded.keys.create("polar", "ann", Role.ADMIN)
    body = {"subject": "kim", "role": "admin", "scopes": ["ocean", "artifacts"], "days": 3}
    answer = guarded.ask("POST", URL, admin, json=body)
    key = answer.json()["key"]
    guarded.gateway.logged(answer.headers["x-request-id"])
    noted = json.loads(guarded.audit.read_text().splitlines()[-1])
    assert {name: noted[name] for name in noted if name.startswith("key")} == {
        "key": key[5:13],
        "key_subject": "kim",
        "key_role": "admin",
        "key_scopes": ["ocean", "artifacts"],
        "key_days": 3,
    }


def test_a_key_in_a_path_is_told_to_nobody(guarded: Any) -> None:
    viewer, admin = (guarded.keys.create("polar", "eve", role) for role in (Role.VIEWER, Role.ADMIN))
    refused = guarded.ask("DELETE", f"{URL}/{viewer}", viewer)
    assert refused.status_code == 403
    answer = guarded.ask("DELETE", f"{URL}/{viewer}", admin)
    assert answer.status_code == 422
    guarded.gateway.logged(answer.headers["x-request-id"])
    told = [refused.text, answer.text, guarded.audit.read_text(), guarded.gateway.log_path.read_text()]
    assert not any(viewer[14:] in text for text in told)


def test_keys_that_have_ended_are_listed_where_asked_for(guarded: Any) -> None:
    admin, other = guarded.keys.create("arctic", "ann", Role.ADMIN), guarded.keys.create("arctic", "bob")
    guarded.ask("DELETE", f"{URL}/{other[5:13]}", admin)
    for query, expected in ((URL, ["ann"]), (f"{URL}?all=true", ["bob", "ann"])):
        assert [each["subject"] for each in guarded.ask("GET", query, admin).json()["keys"]] == expected


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": "no spaces"}, "subject"),
        ({}, "subject"),
        ({"subject": "bob", "days": 0}, "days"),
        ({"subject": "bob", "role": "king"}, "role"),
        ({"subject": "bob", "tenant": "other"}, "tenant"),
        ({"subject": "bob", "scopes": ["oceaan"]}, "scopes"),
    ],
)
def test_what_cannot_be_a_key_is_refused_at_its_field(guarded: Any, body: dict[str, Any], field: str) -> None:
    admin = guarded.keys.create("polar", "ann", Role.ADMIN)
    answer = guarded.ask("POST", URL, admin, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
