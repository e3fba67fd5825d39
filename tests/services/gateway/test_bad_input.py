"""What cannot be used is refused with 422 and a problem document that names field, received and accepted."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest

URL = "/v1/ocean:reconstruct"
EVALUATE = "/v1/ocean:evaluate"
NETCDF = {"Content-Type": "application/x-netcdf"}


def refused(answer: httpx.Response, field: str, status: int = 422) -> dict[str, str]:
    """The one violation of a refused request."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:tellurion:problem:")
    assert document["instance"] == answer.request.url.path
    assert document["request_id"] == answer.headers["X-Request-Id"]
    assert "Traceback" not in answer.text
    assert "/tmp" not in answer.text
    violations = {v["field"]: v for v in document["errors"]}
    assert list(violations) == [field], answer.text
    assert violations[field]["received"]
    assert violations[field]["accepted"]
    return violations[field]


FILES: dict[str, tuple[dict[str, Any], str]] = {
    "no temperature": ({"name": "salinity"}, "observations.temperature"),
    "only NaN": ({"temperature": [np.nan, np.nan]}, "observations.temperature"),
    "infinity": ({"temperature": [np.inf, 10.0]}, "observations.temperature[0]"),
    "latitude 91": ({"latitude": [0.0, 91.0]}, "observations.latitude[1]"),
    "depth -5": ({"depth": [-5.0, 0.0]}, "observations.depth[0]"),
    "depth 1e9": ({"depth": [0.0, 1e9]}, "observations.depth[1]"),
    "290 without units": ({"temperature": [290.0, 291.0], "units": None}, "observations.temperature.units"),
    "unknown units": ({"units": "furlong"}, "observations.temperature.units"),
    "negative uncertainty": ({"temperature_uncertainty": [0.1, -0.1]}, "observations.temperature_uncertainty[1]"),
    "several months": ({"days": (45.0, 75.0)}, "observations.time"),
    "no time": ({"days": None}, "observations.time"),
}


@pytest.mark.parametrize("wrong", FILES)
def test_observations_that_cannot_be(client: httpx.Client, write_observations: Callable[..., Path], wrong: str) -> None:
    changed, field = FILES[wrong]
    refused(client.post(URL, content=write_observations(**changed).read_bytes(), headers=NETCDF), field)


def test_temperatures_without_units_are_said_to_look_like_kelvin(
    client: httpx.Client, write_observations: Callable[..., Path]
) -> None:
    file = write_observations(temperature=[290.0, 291.0], units=None).read_bytes()
    answer = client.post(URL, content=file, headers=NETCDF)
    assert "kelvin" in refused(answer, "observations.temperature.units")["received"]


def test_observations_of_other_months_alone(client: httpx.Client, write_observations: Callable[..., Path]) -> None:
    file = write_observations().read_bytes()
    refused(client.post(URL, params={"month": 5}, content=file, headers=NETCDF), "observations.time")


@pytest.mark.parametrize("content", [b"", b"latitude,longitude\n", b"CDF\x01", b"\x89HDF\r\n\x1a\n" + bytes(64)])
def test_bytes_that_are_not_a_netcdf_file(client: httpx.Client, content: bytes) -> None:
    refused(client.post(URL, content=content, headers=NETCDF), "observations")


def test_a_truncated_file(client: httpx.Client, write_observations: Callable[..., Path]) -> None:
    file = write_observations().read_bytes()
    refused(client.post(URL, content=file[: len(file) // 2], headers=NETCDF), "observations")


def test_a_classic_header_that_claims_a_billion_values(client: httpx.Client) -> None:
    name = struct.pack(">I3sx", 3, b"obs")
    header = b"CDF\x01" + struct.pack(">III", 0, 10, 1) + name + struct.pack(">I", 10**9) + struct.pack(">II", 0, 0)
    variable = struct.pack(">I11sx", 11, b"temperature") + struct.pack(">IIII", 1, 0, 0, 0)
    header += struct.pack(">II", 11, 1) + variable + struct.pack(">III", 5, 2**32 - 1, 128)
    refused(client.post(URL, content=header, headers=NETCDF), "observations")


def test_dimensions_that_disagree(client: httpx.Client, tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "wrong.nc", "w") as file:
        for dimension, length in (("obs", 3), ("other", 2)):
            file.createDimension(dimension, length)
        for name in ("latitude", "longitude", "depth", "temperature"):
            file.createVariable(name, "f8", ("other" if name == "depth" else "obs",))[:] = 1.0
        file["temperature"].units = "degC"
    answer = client.post(URL, params={"month": 2}, content=(tmp_path / "wrong.nc").read_bytes(), headers=NETCDF)
    assert refused(answer, answer.json()["errors"][0]["field"])["field"].startswith("observations")


def test_zero_observations(client: httpx.Client, tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "none.nc", "w") as file:
        file.createDimension("obs", 0)
        for name in ("latitude", "longitude", "depth", "temperature"):
            file.createVariable(name, "f8", ("obs",))
        file["temperature"].units = "degC"
    answer = client.post(URL, params={"month": 2}, content=(tmp_path / "none.nc").read_bytes(), headers=NETCDF)
    assert refused(answer, answer.json()["errors"][0]["field"])["field"].startswith("observations")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("month", value) for value in ("13", "0", "May")),
        *(("members", value) for value in ("0", "1000000", "-1")),
        *(("seed", value) for value in ("-1", str(2**63))),
        *(("method", value) for value in ("GP!", "")),
        *(("steps", value) for value in ("-1", "1001")),
        *(("weights", value) for value in ("../north", "a" * 65)),
        ("colour", "blue"),
    ],
)
def test_options_in_query_form_and_json(
    client: httpx.Client, write_observations: Callable[..., Path], observations: dict[str, Any], option: str, value: str
) -> None:
    file = write_observations().read_bytes()
    refused(client.post(URL, params={option: value}, content=file, headers=NETCDF), option)
    refused(client.post(URL, data={option: value}, files={"file": file}), option)
    number = int(value) if value.lstrip("-").isdigit() else value
    refused(client.post(URL, json={"month": 2, "observations": observations, option: number}), option)


def test_an_unknown_method_is_named_by_the_service(client: httpx.Client, observations: dict[str, Any]) -> None:
    answer = client.post(URL, json={"method": "nonesuch", "month": 2, "observations": observations})
    assert refused(answer, "method") == {"field": "method", "received": "nonesuch", "accepted": "echo"}


COLUMNS: dict[str, tuple[dict[str, Any], str]] = {
    "latitude 91": ({"latitude": [0.0, 91.0]}, "observations.latitude[1]"),
    "longitude 361": ({"longitude": [361.0, 0.0]}, "observations.longitude[0]"),
    "depth -5": ({"depth": [0.0, -5.0]}, "observations.depth[1]"),
    "depth 1e9": ({"depth": [0.0, 1e9]}, "observations.depth[1]"),
    "negative uncertainty": ({"uncertainty": [0.1, -0.1]}, "observations.uncertainty[1]"),
    "text": ({"temperature": ["12", 10.0]}, "observations.temperature[0]"),
    "a truth value": ({"temperature": [True, 10.0]}, "observations.temperature[0]"),
    "null latitude": ({"latitude": [None, 0.0]}, "observations.latitude[0]"),
    "lengths": ({"depth": [0.0]}, "observations.depth"),
    "none": ({"latitude": []}, "observations.latitude"),
    "all missing": ({"temperature": [None, None]}, "observations.temperature"),
    "units": ({"units": "degF"}, "observations.units"),
    "no units": ({"units": None}, "observations.units"),
    "unknown column": ({"salinity": [35.0, 35.0]}, "observations.salinity"),
}


@pytest.mark.parametrize("wrong", COLUMNS)
def test_columns_that_cannot_be(client: httpx.Client, observations: dict[str, Any], wrong: str) -> None:
    changed, field = COLUMNS[wrong]
    refused(client.post(URL, json={"month": 2, "observations": observations | changed}), field)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("column", ["latitude", "longitude", "depth", "temperature"])
def test_numbers_that_are_not_finite(
    client: httpx.Client, observations: dict[str, Any], column: str, number: str
) -> None:
    body = json.dumps({"month": 2, "observations": observations | {column: ["HERE", 1.0]}}).replace('"HERE"', number)
    answer = client.post(URL, content=body, headers={"Content-Type": "application/json"})
    refused(answer, f"observations.{column}[0]")


def test_a_column_longer_than_accepted(client: httpx.Client, observations: dict[str, Any]) -> None:
    columns = {name: [0.0] * 200_001 for name in ("latitude", "longitude", "depth", "temperature")}
    answer = client.post(URL, json={"month": 2, "observations": columns | {"units": "degC"}})
    assert answer.status_code == 422
    assert {v["received"] for v in answer.json()["errors"]} == {"200001 values"}


def test_a_column_of_wrong_values_is_reported_once(client: httpx.Client, observations: dict[str, Any]) -> None:
    columns = {name: [0.0] * 100_000 for name in ("longitude", "depth", "temperature")} | {"latitude": [91.0] * 100_000}
    refused(
        client.post(URL, json={"month": 2, "observations": columns | {"units": "degC"}}), "observations.latitude[0]"
    )


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"text"', b"\xff\xfe", b'{"month": 2'])
def test_json_that_is_none(client: httpx.Client, body: bytes) -> None:
    for url in (URL, EVALUATE):
        refused(client.post(url, content=body, headers={"Content-Type": "application/json"}), "body")


def test_json_without_a_month(client: httpx.Client, observations: dict[str, Any]) -> None:
    assert refused(client.post(URL, json={"observations": observations}), "month")["received"] == "nothing"


def test_options_beside_a_body_that_carries_its_own(client: httpx.Client, observations: dict[str, Any]) -> None:
    answer = client.post(URL, params={"month": 2}, json={"month": 2, "observations": observations})
    assert refused(answer, "query")["received"] == "month"


@pytest.mark.parametrize(
    "parts",
    [
        {"data": {"month": "2"}, "files": {"other": b"CDF"}},
        {"files": [("file", b"CDF"), ("file", b"CDF")]},
        {"data": {"month": ["2", "3"]}, "files": {"file": b"CDF"}},
        {"data": {f"field{i}": "1" for i in range(20)}, "files": {"file": b"CDF"}},
        {"data": {"method": "m" * 5000}, "files": {"file": b"CDF"}},
    ],
    ids=["no file", "two files", "a field twice", "many fields", "a long field"],
)
def test_forms_that_cannot_be_read(client: httpx.Client, parts: dict[str, Any]) -> None:
    answer = client.post(URL, **parts)
    assert refused(answer, answer.json()["errors"][0]["field"])


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_without_parts(client: httpx.Client, content_type: str) -> None:
    answer = client.post(URL, content=b"no parts", headers={"Content-Type": content_type})
    assert refused(answer, answer.json()["errors"][0]["field"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"month": 2}, "observed, profiles"),
        ({"month": 2, "observed": 0.1, "profiles": 5}, "observed, profiles"),
        ({"observed": 0.1}, "month"),
        ({"month": 13, "observed": 0.1}, "month"),
        ({"month": 2, "observed": 0.95}, "observed"),
        ({"month": 2, "profiles": 0}, "profiles"),
        ({"month": 2, "profiles": 5, "members": 1}, "members"),
        ({"month": 2, "profiles": 5, "methods": ["GP!"]}, "methods[0]"),
        ({"month": 2, "profiles": 5, "methods": ["gp"] * 17}, "methods"),
        ({"month": 2, "profiles": 5, "steps": 1001}, "steps"),
        ({"month": 2, "profiles": 5, "weights": "../north"}, "weights"),
        ({"month": 2, "profiles": 5, "colour": "blue"}, "colour"),
    ],
)
def test_evaluations_that_cannot_be(client: httpx.Client, body: dict[str, Any], field: str) -> None:
    refused(client.post(EVALUATE, json=body), field)
