"""What the allow-list lets through: origins, addresses, and a name that changes its mind."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from tellurion_core.endpoints.allowlist import AllowList, ListedTransport
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.errors import InvalidInput, PermissionDenied

PUBLIC = "93.184.215.14"


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Has names resolve to these addresses, the first time, the second, …; returns the names that were asked for."""
    asked: list[str] = []
    left = list(answers)

    async def getaddrinfo(self, host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

    monkeypatch.setattr(asyncio.SelectorEventLoop, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("api.example.org", "https://api.example.org/v1"),
        ("api.example.org", "http://API.example.org:8000/v1"),
        ("api.example.org:8000", "http://api.example.org:8000/v1"),
        ("api.example.org:80", "http://api.example.org/v1"),
        ("https://api.example.org", "https://api.example.org:443/v1"),
        ("[::1]", "http://[::1]:8080/v1"),
        ("https://api.example.org:8443", "https://api.example.org:8443"),
    ],
)
def test_a_listed_origin_may_be_asked(entry, url):
    AllowList([entry]).check(httpx.URL(url))


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("api.example.org", "https://example.org"),
        ("api.example.org", "https://api.example.org.evil.net"),
        ("api.example.org", "https://evil.net/api.example.org"),
        ("api.example.org", "https://api.example.org@evil.net"),
        ("api.example.org:8000", "http://api.example.org:8001"),
        ("api.example.org:80", "https://api.example.org"),
        ("https://api.example.org", "http://api.example.org"),
        ("https://api.example.org", "https://api.example.org:8443"),
        ("127.0.0.1", "http://127.0.0.2"),
        ("127.0.0.1", "http://127.1"),
        ("127.0.0.1", "file:///127.0.0.1/etc/passwd"),
    ],
)
def test_any_other_origin_may_not(entry, url):
    with pytest.raises(PermissionDenied, match="TELLURION_ENDPOINTS"):
        AllowList([entry]).check(httpx.URL(url))


@pytest.mark.parametrize("entry", ["", "https://", "ftp://host", "host/path", "user@host", "host?x", "host:port"])
def test_an_entry_that_is_no_origin_is_refused(entry):
    with pytest.raises(InvalidInput, match="TELLURION_ENDPOINTS"):
        AllowList([entry])


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "127.0.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%1",
        "fd00:ec2::254",
        "ff0e::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "fec0::1",
        "feff::1",
        "192.0.0.9",
        "192.0.0.192",
        "::ffff:192.0.0.170",
        "2002:a00:1::1",
    ],
)
async def test_a_listed_name_that_leads_into_the_surroundings_is_refused(monkeypatch, address):
    resolving(monkeypatch, [address], [PUBLIC, address])
    for _ in range(2):
        with pytest.raises(PermissionDenied, match="may not be asked"):
            await AllowList(["api.example.org"]).addresses("api.example.org", 443)


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
async def test_a_public_address_may_be_asked(monkeypatch, address):
    resolving(monkeypatch, [address])
    assert await AllowList(["api.example.org"]).addresses("api.example.org", 443) == [address]


async def test_this_machine_may_be_asked_by_its_own_names_only(monkeypatch):
    resolving(monkeypatch, ["127.0.0.1"], ["127.0.0.1"], ["10.0.0.1"])
    allowed = AllowList(["localhost", "127.0.0.1"])
    assert await allowed.addresses("localhost", 80) == ["127.0.0.1"]
    assert await allowed.addresses("127.0.0.1", 80) == ["127.0.0.1"]
    with pytest.raises(PermissionDenied):
        await allowed.addresses("localhost", 80)


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch, scripted, tmp_path):
    # As a name would that is rebound between the look and the connection: only the first answer counts.
    with scripted.serving(tmp_path) as server:
        port = httpx.URL(server.url).port
        asked = resolving(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
        async with httpx.AsyncClient(transport=ListedTransport(AllowList(["localhost"]), connections=1)) as client:
            body = {"messages": [{"role": "user", "content": "?"}]}
            response = await client.post(f"http://localhost:{port}/v1/chat/completions", json=body)
    assert response.status_code == 200
    assert asked == ["localhost"]


async def test_a_redirect_off_the_list_is_refused_even_where_it_is_followed(scripted, tmp_path):
    rule = scripted.Rule(steps=("redirect:http://localhost.evil.net/",))
    with scripted.serving(tmp_path, rule) as server:
        transport = ListedTransport(AllowList(["127.0.0.1"]), connections=1)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
            with pytest.raises(PermissionDenied):
                await client.post(server.url, json={"messages": [{"role": "user", "content": "?"}]})


async def test_no_proxy_of_the_environment_is_used(monkeypatch, scripted, tmp_path):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with scripted.serving(tmp_path) as server:
        transport = ListedTransport(AllowList(["127.0.0.1"]), connections=1)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            response = await client.post(server.url, json={"messages": [{"role": "user", "content": "?"}]})
    assert response.status_code == 200


def test_by_default_nothing_is_listed_and_no_key(monkeypatch):
    monkeypatch.delenv("TELLURION_ENDPOINTS", raising=False)
    allowed = AllowList(EndpointSettings().endpoints)
    for url in ("http://[::1]:8080", "http://localhost", "https://api.example.org"):
        with pytest.raises(PermissionDenied):
            allowed.check(httpx.URL(url))
    assert EndpointSettings().endpoint_keys == ()


def test_the_settings_are_lists_with_commas(monkeypatch):
    monkeypatch.setenv("TELLURION_ENDPOINTS", "localhost, https://api.example.org,")
    monkeypatch.setenv("TELLURION_ENDPOINT_KEYS", "JUDGE_KEY@https://api.example.org")
    settings = EndpointSettings()
    assert settings.endpoints == ("localhost", "https://api.example.org")
    assert settings.endpoint_keys == ("JUDGE_KEY@https://api.example.org",)
