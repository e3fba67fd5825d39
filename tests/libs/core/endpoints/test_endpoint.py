"""Endpoints that are refused before anything is asked."""

from __future__ import annotations

import pytest

from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.endpoint import Endpoint, check
from tellurion_core.endpoints.keys import KeyList
from tellurion_core.errors import InvalidInput, PermissionDenied

URL = "http://localhost:8000/v1"
KEYS = KeyList(["JUDGE_KEY@http://localhost:8000", "JUDGE_KEY@https://localhost"])


def checked(**fields):
    check(Endpoint(**({"url": URL, "model": "m"} | fields)), AllowList(["localhost"]), KEYS, place="judge")


def test_questions_are_posted_below_the_base_address():
    assert {Endpoint(url, "m").completions for url in (URL, URL + "/")} == {URL + "/chat/completions"}


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://localhost", "http://", "http://u:secret@localhost", URL + "?k=secret", "a\0b"]
)
def test_what_is_no_base_address_is_refused_without_repeating_it(url):
    with pytest.raises(InvalidInput) as error:
        checked(url=url)
    assert error.value.violations[0].field == "judge.url"
    assert "secret" not in error.value.message


def test_an_address_off_the_list_is_refused():
    with pytest.raises(PermissionDenied, match="TELLURION_ENDPOINTS"):
        checked(url="https://api.example.org/v1")


def test_a_variable_that_the_installation_does_not_name_is_refused(monkeypatch):
    monkeypatch.setenv("TELLURION_DATABASE", "postgresql://secret")
    with pytest.raises(PermissionDenied, match="TELLURION_ENDPOINT_KEYS") as error:
        checked(api_key_env="TELLURION_DATABASE")
    assert "secret" not in error.value.message


@pytest.mark.parametrize(
    "url",
    ["http://localhost/v1", "http://localhost:8001/v1", "https://localhost:8000/v1", "http://sub.localhost:8000/v1"],
)
def test_a_key_goes_to_its_own_origin_alone(monkeypatch, url):
    monkeypatch.setenv("JUDGE_KEY", "hunter2")
    checked(url="https://localhost:443/v1", api_key_env="JUDGE_KEY")
    with pytest.raises(PermissionDenied, match="TELLURION_ENDPOINT_KEYS") as error:
        check(Endpoint(url, "m", "JUDGE_KEY"), AllowList(["localhost", "sub.localhost"]), KEYS, place="judge")
    assert "hunter2" not in error.value.message


@pytest.mark.parametrize(
    "entry",
    [
        "JUDGE_KEY",
        "JUDGE_KEY@",
        "JUDGE_KEY@api.example.org",
        "judge_key@https://api.example.org",
        "@https://api.example.org",
        "JUDGE_KEY@ftp://api.example.org",
        "JUDGE_KEY@https://user@api.example.org",
        "JUDGE_KEY@https://api.example.org/v1",
        "JUDGE_KEY@https://api.example.org?q",
        "JUDGE_KEY@https://",
    ],
)
def test_an_entry_that_names_no_origin_is_refused(entry):
    with pytest.raises(InvalidInput, match="TELLURION_ENDPOINT_KEYS: received something else; "):
        KeyList([entry])


@pytest.mark.parametrize("key", [None, "", "two\nlines", "schlüssel"])
def test_a_variable_without_a_key_is_refused(monkeypatch, key):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("JUDGE_KEY", key)
    with pytest.raises(InvalidInput, match="JUDGE_KEY") as error:
        checked(api_key_env="JUDGE_KEY")
    assert not key or key not in error.value.message


def test_the_key_is_in_the_requests_and_nowhere_else(monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "hunter2")
    checked(api_key_env="JUDGE_KEY")
    endpoint = Endpoint(URL, "m", "JUDGE_KEY")
    assert endpoint.headers()["Authorization"] == "Bearer hunter2"
    assert "hunter2" not in repr(endpoint)
