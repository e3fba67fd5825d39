"""Every RPC has a route, and the document says of it what the proto says."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from jsonschema import Draft202012Validator

from tellurion.agent.v1 import agent_pb2
from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_core.errors import InvalidInput
from tellurion_core.fields import validate
from tellurion_gateway.rest import messages
from tellurion_gateway.rest.bindings import Binding, bindings
from tellurion_gateway.rest.document import document
from tellurion_gateway.rest.examples import example
from tellurion_gateway.upstreams import METHODS

ALL = bindings(tuple(METHODS))
ROUTES = {(binding.service, binding.method.name): f"{binding.verb} {binding.path}" for binding in ALL}
OWN_ROUTES = {("ocean", "ListMethods"), ("ocean", "Reconstruct"), ("ocean", "Evaluate")}


@cache
def described() -> dict[str, Any]:
    return document(ALL)


def test_every_method_of_every_service_has_one_route() -> None:
    own = {
        (service, method.name)
        for service, methods in METHODS.items()
        for call, method in methods.items()
        if call.startswith(f"tellurion.{service}.")
    }
    assert own <= ROUTES.keys() | OWN_ROUTES
    assert max(Counter(ROUTES.values()).values()) == 1


@pytest.mark.parametrize(
    ("service", "method", "route"),
    [
        ("agent", "ListRuns", "GET /v1/agent/runs"),
        ("agent", "GetRun", "GET /v1/agent/runs/{run}"),
        ("agent", "ChoosePlan", "POST /v1/agent/runs/{run}:choosePlan"),
        ("agent", "ListDataSets", "POST /v1/agent/dataSets:list"),
        ("benchmark", "CreateEvaluation", "POST /v1/benchmark/evaluations"),
        ("benchmark", "CompareReports", "POST /v1/benchmark/reports:compare"),
        ("benchmark", "GetLeaderboard", "GET /v1/benchmark/leaderboard"),
        ("ocean", "GetOperation", "GET /v1/ocean/operations/{operation}"),
        ("ocean", "DeleteOperation", "DELETE /v1/ocean/operations/{operation}"),
        ("ocean", "CancelOperation", "POST /v1/ocean/operations/{operation}:cancel"),
        ("ocean", "WatchJob", "GET /v1/ocean/operations/{operation}:watch"),
        ("splat", "DownloadArtifact", "GET /v1/splat/artifacts/{artifact}:download"),
        ("splat", "Fit", "POST /v1/splat:fit"),
    ],
)
def test_names_become_routes(service: str, method: str, route: str) -> None:
    assert ROUTES[service, method] == route


def test_a_service_without_long_work_has_no_operations() -> None:
    assert ("pointcloud", "GetOperation") not in ROUTES
    assert ("pointcloud", "UploadArtifact") not in ROUTES


@pytest.mark.parametrize("binding", ALL, ids=lambda binding: f"{binding.service}.{binding.method.name}")
def test_the_example_of_a_request_is_accepted(binding: Binding) -> None:
    kind = binding.method.input_type
    validate(GetMessageClass(kind).FromString(messages.message(kind, example(kind))))
    for media, content in operation(binding).get("requestBody", {}).get("content", {}).items():
        if media == "application/json":
            defined = content["schema"] | {"components": described()["components"]}
            assert list(Draft202012Validator(defined).iter_errors(content["example"])) == []


def operation(binding: Binding) -> dict[str, Any]:
    return described()["paths"][binding.path][binding.verb.lower()]


def test_field_rules_are_in_the_document() -> None:
    schema = described()["components"]["schemas"]["tellurion.benchmark.v1.CreateEvaluationRequest-Request"]
    assert schema["required"] == ["request_id", "suite", "data"]
    assert schema["additionalProperties"] is False
    asked = schema["properties"]
    assert asked["request_id"]["pattern"] == "^(?:[A-Za-z0-9._:-]{1,64})$"
    assert (asked["suite"]["minLength"], asked["suite"]["maxLength"]) == (1, 40)
    assert (asked["limit"]["minimum"], asked["limit"]["maximum"]) == (0, 10_000_000)
    assert (asked["priority"]["minimum"], asked["priority"]["maximum"]) == (-1, 1)
    data = described()["components"]["schemas"]["tellurion.benchmark.v1.DataSet-Request"]
    assert data["properties"]["format"]["enum"] == ["FORMAT_JSON", "FORMAT_JSON_LINES", "FORMAT_PARQUET"]


def test_comments_are_descriptions() -> None:
    runs = described()["paths"]["/v1/agent/runs"]["get"]
    assert runs["summary"] == "Lists the tenant's runs, newest first"
    size = next(parameter for parameter in runs["parameters"] if parameter["name"] == "page_size")
    assert size["schema"]["description"] == "Most that are answered; 100 where 0."
    assert size["schema"]["maximum"] == 1000


@pytest.mark.parametrize("binding", ALL, ids=lambda binding: f"{binding.service}.{binding.method.name}")
def test_an_empty_answer_is_of_its_schema(binding: Binding) -> None:
    kind = binding.method.output_type
    schema = operation(binding)["responses"]["200"]["content"]["application/json"]["schema"]
    value = json.loads(messages.text(kind, b""))
    defined = schema | {"components": described()["components"]}
    assert list(Draft202012Validator(defined).iter_errors([value] if binding.method.server_streaming else value)) == []


ASK: MethodDescriptor = agent_pb2.DESCRIPTOR.services_by_name["AgentService"].methods_by_name["Ask"]
EVALUATION = benchmark_pb2.CreateEvaluationRequest.DESCRIPTOR


@pytest.mark.parametrize(
    ("value", "field", "received", "accepted"),
    [
        ({"question": 7}, "question", "7", "text"),
        ({"quesstion": "x"}, "quesstion", "an unknown field", "one of request_id, question, data"),
        ({"data": {"libraries": ["a", 1]}}, "data.libraries[1]", "1", "text"),
        ({"data": {"libraries": "a"}}, "data.libraries", "text", "a list"),
        ({"data": []}, "data", "a list", "an object"),
        ({"data": {"files": {"a": []}}}, "data.files", "a list", "an object of names and values"),
        ({"choose": "CHOICE_X"}, "choose", "CHOICE_X", "one of CHOICE_UNSPECIFIED, CHOICE_ASK, CHOICE_BEST"),
        ({"priority": 1 << 40}, "priority", str(1 << 40), "a whole number, -2^31 to 2^31 - 1"),
        ({"priority": 1e400}, "priority", "inf", "a whole number"),
        ({"question": "\ud800"}, "question", "·", "text"),
        ([], "body", "a list", "an object"),
        (None, "body", "null", "an object"),
    ],
)
def test_what_cannot_be_used_is_named(value: Any, field: str, received: str, accepted: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.message(ASK.input_type, value)
    violation = refused.value.violations[0]
    assert violation.field == field
    assert violation.accepted.startswith(accepted)
    assert received in (violation.received, "a list")


def test_what_is_confidential_is_not_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        messages.message(EVALUATION, {"model": {"url": "https://a", "api_key_env": 123456789}})
    assert refused.value.violations[0].field == "model.api_key_env"
    assert "123456789" not in str(refused.value)


def test_fields_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(InvalidInput, match="one of model or predictions"):
        messages.message(EVALUATION, {"model": {"url": "u", "model": "m"}, "predictions": "0" * 64})


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{", b"NaN", b'{"a": 1, "a": 2}', b"\xff", b"1" * 10_000, b""])
def test_hostile_json_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"^body: received what cannot be read"):
        messages.read(text)


def test_json_that_is_small_only_as_text_is_refused_unread() -> None:
    with pytest.raises(InvalidInput, match=r"^body: received 4000002 values; accepted: at most 1000000$"):
        messages.read(b"[" + b"{}," * 2_000_000 + b"{}]")
