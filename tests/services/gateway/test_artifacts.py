"""/v1/artifacts: describing, downloading whole and in part, deleting, expiring."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

URL = "/v1/ocean:reconstruct"


@pytest.fixture
def artifact(client: httpx.Client, observations: dict[str, Any]) -> dict[str, Any]:
    """An analysis that is kept."""
    body = {"method": "echo", "month": 2, "observations": observations}
    return client.post(URL, json=body).json()["artifact"]


@pytest.fixture
def content(client: httpx.Client, artifact: dict[str, Any]) -> bytes:
    """Its bytes."""
    return client.get(artifact["href"]).content


def test_an_artifact_is_described_as_it_was_answered(client: httpx.Client, artifact: dict[str, Any]) -> None:
    described = client.get(f"/v1/artifacts/{artifact['id']}").json()
    assert described == artifact
    assert described["media_type"] == "application/x-netcdf"
    assert described["expires"] > described["created"]


def test_a_download_says_what_it_is(client: httpx.Client, artifact: dict[str, Any]) -> None:
    answer = client.get(artifact["href"])
    assert answer.headers["ETag"] == f'"{artifact["id"]}"'
    assert answer.headers["Content-Length"] == str(artifact["size"])
    assert answer.headers["Content-Type"] == "application/x-netcdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="analysis-02.nc"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_head_answers_the_headers_alone(client: httpx.Client, artifact: dict[str, Any]) -> None:
    answer = client.head(artifact["href"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(artifact["size"])


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=7-7", slice(7, 8)),
        ("bytes=100-99999999", slice(100, None)),
        ("bytes=-99999999", slice(0, None)),
    ],
)
def test_a_range_answers_that_part(
    client: httpx.Client, artifact: dict[str, Any], content: bytes, asked: str, part: slice
) -> None:
    answer = client.get(artifact["href"], headers={"Range": asked})
    expected = content[part]
    start = part.indices(len(content))[0]
    assert answer.status_code == 206
    assert answer.content == expected
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(content)}"


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_outside_the_file(client: httpx.Client, artifact: dict[str, Any], asked: str) -> None:
    answer = client.get(artifact["href"], headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{artifact['size']}"
    assert answer.json()["errors"][0]["field"] == "Range"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,5-6", "bytes=a-b"])
def test_a_range_that_is_not_understood_answers_the_whole(
    client: httpx.Client, artifact: dict[str, Any], content: bytes, asked: str
) -> None:
    answer = client.get(artifact["href"], headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, content)


def test_a_download_is_resumed_only_if_it_is_the_same_file(
    client: httpx.Client, artifact: dict[str, Any], content: bytes
) -> None:
    same = {"Range": "bytes=10-", "If-Range": f'"{artifact["id"]}"'}
    other = {"Range": "bytes=10-", "If-Range": '"another"'}
    assert client.get(artifact["href"], headers=same).content == content[10:]
    assert client.get(artifact["href"], headers=other).content == content


@pytest.mark.parametrize(("tag", "status"), [('"{id}"', 304), ('"x", W/"{id}"', 304), ("*", 304), ('"x"', 200)])
def test_what_the_caller_has_is_not_sent_again(
    client: httpx.Client, artifact: dict[str, Any], tag: str, status: int
) -> None:
    answer = client.get(artifact["href"], headers={"If-None-Match": tag.format(id=artifact["id"])})
    assert answer.status_code == status
    assert answer.headers["ETag"] == f'"{artifact["id"]}"'
    assert (answer.content == b"") == (status == 304)


@pytest.mark.parametrize("name", ["0" * 64, "A" * 64, "x", "..%2f..%2fgateway.log", "%00"])
def test_an_artifact_that_is_not_there(client: httpx.Client, name: str) -> None:
    for answer in (client.get(f"/v1/artifacts/{name}"), client.delete(f"/v1/artifacts/{name}")):
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert client.get(f"/v1/artifacts/{name}/content").status_code == 404


def test_what_is_deleted_is_gone(client: httpx.Client, artifact: dict[str, Any], gateway: Any) -> None:
    answer = client.delete(f"/v1/artifacts/{artifact['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(artifact["href"]).status_code == 404
    assert client.delete(f"/v1/artifacts/{artifact['id']}").status_code == 404
    assert not list((gateway.log_path.parent / "artifacts").rglob(f"{artifact['id']}*"))


def test_what_has_expired_is_swept(strict_gateway: Any, observations: dict[str, Any]) -> None:
    body = {"method": "echo", "month": 2, "observations": observations}
    artifact = strict_gateway.client.post(URL, json=body).json()["artifact"]
    stored = strict_gateway.log_path.parent / "artifacts" / "local" / artifact["id"][:2] / artifact["id"]
    deadline = time.monotonic() + 10
    while stored.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert strict_gateway.client.get(artifact["href"]).status_code == 404
