"""The OpenAPI document says what the gateway does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate


@pytest.fixture(scope="module")
def document(gateway: Any) -> dict[str, Any]:
    return gateway.client.get("/openapi.json").json()


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_operation_answers_problems_when_it_fails(document: dict[str, Any]) -> None:
    operations = [op for path, item in document["paths"].items() if path.startswith("/v1/") for op in item.values()]
    assert operations
    for operation in operations:
        for status, response in operation["responses"].items():
            if status == "default" or int(status) >= 400:
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}


def test_every_operation_says_that_it_may_be_refused_and_when_to_come_back(document: dict[str, Any]) -> None:
    operations = [op for path, item in document["paths"].items() if path.startswith("/v1/") for op in item.values()]
    for responses in (operation["responses"] for operation in operations):
        assert {"401", "403", "404", "429", "503"} <= responses.keys()
        assert responses["401"]["headers"]["WWW-Authenticate"]["required"]
        assert responses["429"]["headers"]["Retry-After"]["required"]


def test_the_limits_of_options_are_those_of_the_proto(document: dict[str, Any]) -> None:
    asked = document["components"]["schemas"]["ReconstructRequest"]["properties"]
    assert (asked["month"]["minimum"], asked["month"]["maximum"]) == (1, 12)
    assert (asked["members"]["minimum"], asked["members"]["maximum"]) == (1, 64)
    assert (asked["steps"]["minimum"], asked["steps"]["maximum"]) == (0, 1000)
    assert asked["weights"]["maxLength"] == 64
    scored = document["components"]["schemas"]["EvaluateOptions"]["properties"]
    assert scored["methods"]["maxItems"] == 16
    assert scored["profiles"]["anyOf"][0]["maximum"] == 9000
    assert (scored["steps"], scored["weights"]) == (
        {name: value for name, value in asked["steps"].items() if name != "examples"},
        {name: value for name, value in asked["weights"].items() if name != "examples"},
    )


def test_the_examples_are_accepted(document: dict[str, Any], client: httpx.Client) -> None:
    schemas = document["components"]["schemas"]
    for path, name in (("/v1/ocean:reconstruct", "ReconstructRequest"), ("/v1/ocean:evaluate", "EvaluateOptions")):
        for example in schemas[name]["examples"]:
            answer = client.post(path, json=example | ({"method": "echo"} if "method" in example else {}))
            assert answer.status_code == 200


def test_all_media_types_are_told(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/ocean:reconstruct"]["post"]
    assert set(operation["requestBody"]["content"]) == {
        *("application/x-netcdf", "application/netcdf", "application/octet-stream"),
        *("multipart/form-data", "application/json"),
    }
    assert set(operation["responses"]["200"]["content"]) == {
        *("application/json", "application/x-netcdf", "application/vnd+zarr", "image/png", "text/event-stream"),
    }
