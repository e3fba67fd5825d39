"""Endpoints that are refused before anything is asked."""

from __future__ import annotations

import pytest

from tellurion_benchmark.asking.allowlist import AllowList
from tellurion_benchmark.asking.endpoint import Endpoint, check
from tellurion_core.errors import InvalidInput, PermissionDenied

URL = "http://localhost:8000/v1"


def checked(**fields):
    check(Endpoint(**({"url": URL, "model": "m"} | fields)), AllowList(["localhost"]), ["JUDGE_KEY"], place="judge")


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
    with pytest.raises(PermissionDenied, match="'TELLURION_DATABASE'") as error:
        checked(api_key_env="TELLURION_DATABASE")
    assert "secret" not in error.value.message


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
