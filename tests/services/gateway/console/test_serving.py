"""How the gateway serves the console's files, and what it tells a page that asks."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tellurion_gateway.console import routes


@pytest.fixture
def assets(client: httpx.Client) -> list[str]:
    """Addresses that the page names."""
    return [f"/{path}" for path in re.findall(r'(?:src|href)="\./(assets/[^"]+)"', client.get("/").text)]


def test_the_page_is_asked_for_each_time_and_its_assets_once(client: httpx.Client, assets: list[str]) -> None:
    page = client.get("/")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-cache")
    assert client.get("/", headers={"If-None-Match": page.headers["ETag"]}).status_code == 304
    assert len(assets) >= 3
    for path in assets:
        assert client.get(path).headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_nothing_inline_and_nothing_from_elsewhere_may_run(client: httpx.Client) -> None:
    page = client.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|https?://", page.text)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, br", "br"),
        ("BR;q=0.2", "br"),
        ("br;q=0.000, gzip", "gzip"),
        ("identity", "identity"),
        ("br;q=0", "identity"),
    ],
)
def test_assets_come_compressed_as_the_client_has_it(
    client: httpx.Client, assets: list[str], accepted: str, coding: str
) -> None:
    script = next(path for path in assets if path.endswith(".js"))
    with client.stream("GET", script, headers={"Accept-Encoding": accepted}) as answer:
        sent = sum(map(len, answer.iter_raw()))
    assert answer.headers.get("Content-Encoding", "identity") == coding
    whole = client.get(script, headers={"Accept-Encoding": "identity"})
    assert sent < 0.5 * len(whole.content) or coding == "identity"


def test_what_is_not_there_is_a_problem_that_says_so(client: httpx.Client) -> None:
    outside = ("/assets/%2e%2e/console.py", "/assets/..%2fconsole.py")
    for path in ("/assets/nonesuch.js", *outside, "/index.html", "/v1/nonesuch"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json"), path


def test_the_consoles_files_are_only_read(client: httpx.Client, assets: list[str]) -> None:
    for path in ("/", assets[0]):
        for method in ("POST", "PUT", "DELETE"):
            assert client.request(method, path).status_code == 405


def test_a_page_of_an_installation_with_keys_says_so_to_whoever_asks(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    for keyed in (True, False):
        app = Starlette(routes=routes(keyed=keyed, folder=tmp_path))
        assert ("WWW-Authenticate" in TestClient(app).head("/").headers) is keyed


def test_who_asks_is_told_what_is_there(client: httpx.Client) -> None:
    about = client.get("/v1/account").json()
    assert (about["tenant"], about["keyed"], about["services"]) == ("local", False, ["ocean"])
    assert client.get("/v1/keys").status_code == 404
