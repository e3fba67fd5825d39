"""API keys over HTTPS: an administrator's, of its own tenant, and for no more than its own."""

from __future__ import annotations

from typing import Any

import pytest

from tellurion_core.identity.roles import Role

URL = "/v1/keys"


def test_a_key_is_made_used_listed_and_revoked(guarded: Any) -> None:
    admin = guarded.keys.create("polar", "ann", Role.ADMIN)
    body = {"subject": "bob", "role": "viewer", "scopes": ["ocean"], "days": 1}
    made = guarded.ask("POST", URL, admin, json=body)
    assert made.status_code == 201
    key = made.json()["key"]
    told = guarded.ask("GET", "/v1/account", key).json()
    assert (told["tenant"], told["subject"], told["role"], told["scopes"]) == ("polar", "bob", "viewer", ["ocean"])
    listed = guarded.ask("GET", URL, admin)
    assert key[14:] not in listed.text
    assert [each["subject"] for each in listed.json()["keys"]] == ["bob", "ann"]
    prefix = key[5:13]
    assert guarded.ask("DELETE", f"{URL}/{prefix}", admin).status_code == 204
    known = {each["prefix"]: each["revoked"] for each in guarded.ask("GET", URL, admin).json()["keys"]}
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


def test_a_key_is_for_no_more_services_than_its_makers(guarded: Any) -> None:
    admin = guarded.keys.create("polar", "ann", Role.ADMIN, ["ocean"])
    for scope in ("*", "splat"):
        answer = guarded.ask("POST", URL, admin, json={"subject": "bob", "scopes": [scope]})
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": "scopes", "received": scope, "accepted": "ocean"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": "no spaces"}, "subject"),
        ({}, "subject"),
        ({"subject": "bob", "days": 0}, "days"),
        ({"subject": "bob", "role": "king"}, "role"),
        ({"subject": "bob", "tenant": "other"}, "tenant"),
    ],
)
def test_what_cannot_be_a_key_is_refused_at_its_field(guarded: Any, body: dict[str, Any], field: str) -> None:
    admin = guarded.keys.create("polar", "ann", Role.ADMIN)
    answer = guarded.ask("POST", URL, admin, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
