"""POST /v1/ocean:reconstruct: three forms of request, three forms of answer, one result."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest
import xarray as xr
from zarr.storage import ZipStore

URL = "/v1/ocean:reconstruct"
NETCDF = {"Content-Type": "application/x-netcdf"}
ECHO = {"method": "echo", "seed": 7}


@pytest.fixture
def body(observations: dict[str, Any]) -> dict[str, Any]:
    return {**ECHO, "month": 2, "observations": observations}


@pytest.mark.parametrize("media", ["application/x-netcdf", "application/netcdf", "application/octet-stream"])
def test_a_netcdf_body_answers_a_link_to_the_analysis(
    client: httpx.Client, ocean: Any, write_observations: Callable[..., Path], media: str
) -> None:
    file = write_observations().read_bytes()
    answer = client.post(URL, params=ECHO, content=file, headers={"Content-Type": media})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["method"], told["month"], told["seed"]) == ("echo", 2, 7)
    assert told["observations"]["received"] == told["observations"]["used"] == 2
    assert told["observations"]["rejected"] == told["observations"]["other_months"] == 0
    content = client.get(told["artifact"]["href"]).content
    assert len(content) == told["artifact"]["size"]
    assert sha256(content).hexdigest() == told["artifact"]["sha256"] == told["artifact"]["id"]


def test_the_netcdf_answer_is_the_same_file_as_the_link(
    client: httpx.Client, write_observations: Callable[..., Path], tmp_path: Path
) -> None:
    file = write_observations().read_bytes()
    linked = client.post(URL, params=ECHO, content=file, headers=NETCDF).json()["artifact"]["href"]
    direct = client.post(URL, params=ECHO, content=file, headers={**NETCDF, "Accept": "application/x-netcdf"})
    assert direct.headers["Content-Type"] == "application/x-netcdf"
    assert direct.headers["Content-Disposition"] == 'attachment; filename="analysis-02.nc"'
    assert direct.content == client.get(linked).content
    (tmp_path / "analysis.nc").write_bytes(direct.content)
    with netCDF4.Dataset(tmp_path / "analysis.nc") as analysis:
        thetao = analysis["thetao"][:]
        assert thetao.shape == (2, 2, 3)
        assert thetao.mask.sum() == 1  # land
        assert np.allclose(thetao.compressed(), 11.0)
        assert analysis.seed == 7


def test_the_zarr_answer_holds_what_the_netcdf_answer_holds(
    client: httpx.Client, write_observations: Callable[..., Path], tmp_path: Path
) -> None:
    file, forms = write_observations().read_bytes(), {"nc": "application/x-netcdf", "zarr.zip": "application/vnd+zarr"}
    for suffix, media in forms.items():
        answers = [client.post(URL, params=ECHO, content=file, headers={**NETCDF, "Accept": media}) for _ in range(2)]
        assert answers[0].headers["Content-Type"] == media
        assert answers[0].headers["Content-Disposition"] == f'attachment; filename="analysis-02.{suffix}"'
        assert answers[0].content == answers[1].content
        (tmp_path / f"analysis.{suffix}").write_bytes(answers[0].content)
    with (
        ZipStore(tmp_path / "analysis.zarr.zip", mode="r") as store,
        xr.open_zarr(store, consolidated=False) as zarr,
        xr.open_dataset(tmp_path / "analysis.nc") as netcdf,
    ):
        xr.testing.assert_identical(zarr.load(), netcdf.load())


def test_a_form_answers_as_the_file_does(client: httpx.Client, write_observations: Callable[..., Path]) -> None:
    file = write_observations().read_bytes()
    fields = {name: str(value) for name, value in ECHO.items()}
    by_form = client.post(URL, data=fields, files={"file": ("observations.nc", file)})
    by_body = client.post(URL, params=ECHO, content=file, headers=NETCDF)
    assert by_form.json()["artifact"]["id"] == by_body.json()["artifact"]["id"]


def test_json_observations_reach_the_service_as_they_are_meant(
    client: httpx.Client, ocean: Any, body: dict[str, Any]
) -> None:
    kelvin = {
        "latitude": [-10, 10.0, 0.0],
        "longitude": [-90.0, 180.0, 0.0],
        "depth": [0.0, 100.0, 50.0],
        "temperature": [285.15, 283.15, None],
        "uncertainty": [0.1, None, 0.2],
        "units": "K",
    }
    told = client.post(URL, json={**body, "members": 3, "observations": kelvin}).json()
    assert told["observations"]["missing"] == 1
    _, spec, tensors = ocean.calls[-1]
    assert (spec.method, spec.month, spec.members, spec.seed) == ("echo", 2, 3, 7)
    assert tensors["longitude"].tolist() == [270.0, 180.0]
    assert tensors["temperature"] == pytest.approx([12.0, 10.0])
    assert tensors["uncertainty"][0] == 0.1
    assert np.isnan(tensors["uncertainty"][1])


def test_options_left_out_are_those_of_the_sdk(client: httpx.Client, ocean: Any, body: dict[str, Any]) -> None:
    del body["method"], body["seed"]
    client.post(URL, json=body)
    _, spec, _ = ocean.calls[-1]
    assert (spec.method, spec.members, spec.seed, spec.steps, spec.weights) == ("gp", 8, 0, 0, "")


def test_steps_and_weights_in_query_form_and_json(
    client: httpx.Client, ocean: Any, body: dict[str, Any], write_observations: Callable[..., Path], tmp_path: Path
) -> None:
    file, learned = write_observations().read_bytes(), {"steps": 20, "weights": "north"}
    answers = [
        client.post(URL, json=body | learned),
        client.post(URL, params=ECHO | learned, content=file, headers=NETCDF),
        client.post(URL, data={name: str(v) for name, v in (ECHO | learned).items()}, files={"file": file}),
    ]
    for answer, (_, spec, _) in zip(answers, ocean.calls, strict=True):
        assert (spec.steps, spec.weights) == (20, "north")
        told = answer.json()
        assert (told["steps"], told["weights_sha256"]) == (20, sha256(b"north").hexdigest())
    (tmp_path / "analysis.nc").write_bytes(client.get(told["artifact"]["href"]).content)
    with netCDF4.Dataset(tmp_path / "analysis.nc") as analysis:
        assert (analysis.steps, analysis.weights_sha256) == (20, sha256(b"north").hexdigest())


def test_a_form_may_leave_its_fields_empty(
    client: httpx.Client, ocean: Any, write_observations: Callable[..., Path]
) -> None:
    fields = {"method": "echo", "weights": ""}
    assert client.post(URL, data=fields, files={"file": write_observations().read_bytes()}).status_code == 200
    assert ocean.calls[-1][1].weights == ""


def test_weights_that_are_not_registered_are_not_found(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post(URL, json={**body, "method": "unregistered", "weights": "south"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "there are no weights south for ocean; registered: north"


def test_of_several_months_the_one_asked_for_is_used(
    client: httpx.Client, ocean: Any, write_observations: Callable[..., Path]
) -> None:
    file = write_observations(days=(45.0, 75.0)).read_bytes()
    told = client.post(URL, params={**ECHO, "month": 3}, content=file, headers=NETCDF).json()
    assert (told["month"], told["observations"]["received"], told["observations"]["other_months"]) == (3, 1, 1)
    assert ocean.calls[-1][2]["temperature"].tolist() == [10.0]


def test_events_come_in_order_and_end_with_the_result(client: httpx.Client, body: dict[str, Any]) -> None:
    plain = client.post(URL, json=body).json()
    answer = client.post(URL, json=body, headers={"Accept": "text/event-stream"})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    told = [_event(text) for text in answer.text.strip().split("\n\n")]
    steps, (name, result) = told[:-1], told[-1]
    first, last = (
        ("progress", {"fraction": 0.25, "message": "analysis"}),
        ("progress", {"fraction": 1.0, "message": "done"}),
    )
    assert steps in ([first, last], [last])  # the newest is never skipped
    assert name == "result"
    assert result["artifact"]["id"] == plain["artifact"]["id"]
    assert result.keys() == plain.keys()


def test_a_failure_among_events_is_the_problem_document(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post(URL, json={**body, "method": "nonesuch"}, headers={"Accept": "text/event-stream"})
    name, document = _event(answer.text.strip().split("\n\n")[-1])
    assert name == "error"
    assert document["status"] == 422
    assert document["errors"] == [{"field": "method", "received": "nonesuch", "accepted": "echo"}]


def test_silence_is_filled_with_comments_and_the_deadline_ends_it(strict_gateway: Any, body: dict[str, Any]) -> None:
    answer = strict_gateway.client.post(URL, json={**body, "method": "slow"}, headers={"Accept": "text/event-stream"})
    parts = answer.text.strip().split("\n\n")
    assert parts.count(": still working") >= 3
    name, document = _event(parts[-1])
    assert (name, document["status"]) == ("error", 504)


def test_the_answer_of_a_service_is_bounded_by_the_gateways_deadline(
    strict_gateway: Any, ocean: Any, body: dict[str, Any]
) -> None:
    answer = strict_gateway.client.post(URL, json={**body, "method": "slow"})
    assert answer.status_code == 504
    assert ocean.calls[-1][0].deadline > 0
    assert ocean.cancelled.wait(5)


def test_no_file_stays_behind(
    client: httpx.Client, gateway: Any, write_observations: Callable[..., Path], tmp_path: Path
) -> None:
    file = write_observations().read_bytes()
    for headers in (NETCDF, {**NETCDF, "Accept": "application/x-netcdf"}):
        client.post(URL, params=ECHO, content=file, headers=headers)
    client.post(URL, params=ECHO, content=b"no NetCDF", headers=NETCDF)
    assert gateway.left() == []
    deleted = [p for p in Path(f"/proc/{gateway.process.pid}/fd").iterdir() if ".nc" in str(p.readlink())]
    assert deleted == []


def _event(text: str) -> tuple[str, dict[str, Any]]:
    name, data = text.split("\n")
    assert name.startswith("event: ")
    assert data.startswith("data: ")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
