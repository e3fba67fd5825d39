"""What one tenant has is not there for another: in every route, and over the bridge, whichever field names it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from uuid import uuid4

import grpc
import httpx
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from tellurion_core.fields import rules
from tellurion_core.grpc_web import MEDIA_TYPE, FrameReader, frame, read_trailers
from tellurion_gateway.rest.bindings import Binding, bindings
from tellurion_gateway.rest.examples import example
from tellurion_gateway.upstreams import METHODS

from .having import ARTIFACT, EVALUATION, LESSON, OPERATION, QUESTION, RUN, THINGS, Tenant

ALL = {f"{binding.service}.{binding.method.name}": binding for binding in bindings(tuple(METHODS))}
HASH = "[0-9a-f]{64}"
NAMED = {"operation": OPERATION, "reuse": OPERATION, "run": RUN}
"""What fields of these names name."""
WORDS = {
    *("request_id", "question", "libraries", "key", "session", "url", "model", "api_key_env", "page_token", "text"),
    *("file", "topic", "filter", "media_type", "name", "method", "methods", "weights", "system", "suite"),
    *("variant", "label", "clean_folder", "depth_folder", "names"),
}
"""Names of fields that name nothing that is a tenant's."""
NO_THING = frozenset(
    {
        "tellurion.artifacts.v1.ArtifactDescription.id",  # of what comes with it
        "tellurion.artifacts.v1.FindArtifactsRequest.ids",  # of which those that are there are answered
        "tellurion.benchmark.v1.GetLeaderboardRequest.dataset_sha256",  # which entries are listed
        "tellurion.benchmark.v1.CreateEvaluationRequest.PromptsEntry.value",
        "google.longrunning.ListOperationsRequest.name",  # the service
    }
)
FILES = {"report.json": ARTIFACT, "items.jsonl": ARTIFACT, "design.jsonl": ARTIFACT}
CAMERAS = {"transforms": ARTIFACT}
REQUESTS: Mapping[str, list[dict[str, Any]]] = {
    "agent.Ask": [{"question": QUESTION, "data": {"files": {"tos.nc": ARTIFACT}}}],
    "agent.ListDataSets": [{"data": {"files": {"tos.nc": ARTIFACT}}}],
    "agent.Replay": [{"record": ARTIFACT, "data": {"files": {"tos.nc": ARTIFACT}}}],
    "agent.Feedback": [{"run": RUN, "text": "good"}],
    "agent.SetLesson": [{"id": LESSON, "active": True}],
    "benchmark.CreateEvaluation": [EVALUATION, EVALUATION | {"reuse": OPERATION}],
    "benchmark.CompareReports": [{"a": FILES, "b": FILES}],
    "splat.Fit": [{"spec": {"scene": ARTIFACT}}],
    "splat.Render": [{"model": ARTIFACT, "cameras": CAMERAS}],
    "splat.Edit": [{"model": ARTIFACT, "cameras": CAMERAS, "masks": ARTIFACT}],
    "splat.Describe": [{"model": ARTIFACT}, {"scene": ARTIFACT}],
}
"""Requests that are good but for whose things they name, of methods for which the smallest example is not enough."""
COMPUTING = ("splat.Render", "splat.Edit", "splat.Evaluate")
"""Methods that take minutes where all is there."""
OWN = {
    ("benchmark.GetReport", "operation"): (409, "the evaluation is"),
    ("benchmark.CompareReports", "a"): (422, "a.report.json: received the byte"),
    ("benchmark.CompareReports", "b"): (422, "a.report.json: received the byte"),
    ("splat.Describe", "scene"): (422, "scene: received no zip"),
}
"""What its owner is told of a thing that is there, and not ready or no such file; of all others, what is asked for."""
Path_ = tuple[str, ...]


def things(kind: Descriptor, within: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """The fields of a request that name a thing, and which; a field of a map is `*`."""
    for field in kind.fields:
        path = (*within, "*" if kind.GetOptions().map_entry else field.name)
        if field.message_type is not None:
            yield from things(field.message_type, path)
        elif field.type == FieldDescriptor.TYPE_STRING and (thing := named(field)) is not None:
            yield path, thing


def named(field: FieldDescriptor) -> str | None:
    """Which thing a text names; None where it is none of a tenant's."""
    if field.full_name in NO_THING:
        return None
    if field.full_name.startswith(("google.longrunning.", "tellurion.jobs.")) and field.name == "name":
        return OPERATION
    if field.full_name == "tellurion.agent.v1.SetLessonRequest.id":
        return LESSON
    if rules(field).pattern == HASH or field.full_name.endswith("Entry.value"):
        return ARTIFACT
    if field.name in NAMED:
        return NAMED[field.name]
    assert field.name in WORDS, f"does {field.full_name} name what belongs to a tenant?"
    return None


def requests(call: str) -> list[dict[str, Any]]:
    """Requests of a method that name things; together, in every field that can."""
    kind = ALL[call].method.input_type
    if call.endswith(".WaitOperation"):
        return [{"name": OPERATION, "timeout": "0.1s"}]
    return REQUESTS.get(call) or [example(kind) | {path[0]: thing for path, thing in things(kind)}]


def placed(request: Any, within: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """Where things stand in a request, and which."""
    if isinstance(request, dict):
        for name, value in request.items():
            yield from placed(value, (*within, name))
    elif request in THINGS:
        yield within, request


CASES = [
    (call, request, path, thing)
    for call, binding in ALL.items()
    if any(things(binding.method.input_type))
    for request in requests(call)
    for path, thing in placed(request)
]


@pytest.mark.parametrize("call", ALL)
def test_every_field_that_names_a_thing_is_tried(call: str) -> None:
    kind = ALL[call].method.input_type
    tried = {path for request in requests(call) for path, _ in placed(request)} if any(things(kind)) else set()
    for path, _ in things(kind):
        assert any(len(path) == len(at) and all(p in ("*", a) for p, a in zip(path, at, strict=True)) for at in tried)


class Two:
    """Two tenants."""

    def __init__(self, everything: Any) -> None:
        self._everything = everything

    @cached_property
    def navy(self) -> Tenant:
        """The one whose things are asked for."""
        return Tenant(self._everything.client("navy"))

    @cached_property
    def army(self) -> Tenant:
        """The other."""
        return Tenant(self._everything.client("army"))


@pytest.fixture(scope="module")
def two(everything: Any) -> Two:
    return Two(everything)


def rest(client: httpx.Client, binding: Binding, request: dict[str, Any]) -> httpx.Response:
    """The answer over REST; of a stream, no more than its first line."""
    request = dict(request)
    path = binding.path
    if binding.field is not None and binding.variable is not None:
        name = request.pop(binding.field)
        path = path.format(**{binding.variable: name if binding.name == "{id}" else name.rpartition("/")[2]})
    if "request_id" in binding.method.input_type.fields_by_name:
        request["request_id"] = uuid4().hex
    accept = "application/x-ndjson" if binding.method.server_streaming else "application/json"
    more = {"params": request} if binding.in_query else {"json": request} if binding.has_body else {}
    with client.stream(binding.verb, path, headers={"Accept": accept}, timeout=60, **more) as answer:
        if answer.status_code != 200:
            answer.read()
        return answer


def bridged(client: httpx.Client, binding: Binding, request: dict[str, Any]) -> grpc.StatusCode:
    """The status over the bridge."""
    kind = binding.method.input_type
    if "request_id" in kind.fields_by_name:
        request = request | {"request_id": uuid4().hex}
    message = json_format.ParseDict(request, GetMessageClass(kind)()).SerializeToString()
    path = f"/v1/grpc/{binding.service}/{binding.call}"
    answer = client.post(path, content=frame(message), headers={"Content-Type": MEDIA_TYPE})
    trailers = [payload for ends, payload in FrameReader().feed(answer.content) if ends]
    return read_trailers(trailers[-1])[0]


@pytest.mark.parametrize(
    ("call", "request_", "path", "thing"), CASES, ids=[f"{call}-{'.'.join(path)}" for call, _, path, _ in CASES]
)
def test_anothers_thing_is_not_there(two: Two, call: str, request_: Any, path: Path_, thing: str) -> None:
    binding, (*within, last) = ALL[call], path
    anothers = two.army.filled(binding.service, request_)
    at = anothers
    for name in within:
        at = at[name]
    at[last] = two.navy.thing(binding.service, thing, last)
    refused = rest(two.army.client, binding, anothers)
    assert refused.status_code == 404, refused
    assert bridged(two.army.client, binding, anothers) is grpc.StatusCode.NOT_FOUND
    # What its owner is told.
    if call in COMPUTING:
        binding, request_ = ALL["splat.DownloadArtifact"], {"id": two.navy.thing("splat", thing, last)}
    own = rest(two.navy.client, binding, two.navy.filled(binding.service, request_))
    status, words = OWN.get((call, path[0]), (200, ""))
    assert own.status_code == status, own
    assert not words or words in own.json()["detail"]
    if call.endswith(".DeleteOperation"):
        two.navy.forget(binding.service)


def test_what_the_gateway_itself_keeps_is_not_there_for_another(two: Two) -> None:
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    content = two.navy.client.get("/openapi.json").json()["paths"]
    tried = set()

    def upload(length: int) -> str:
        begun = two.navy.client.post("/v1/uploads", headers=tus | {"Upload-Length": str(length)})
        return begun.headers["Location"].rpartition("/")[2]

    whole = upload(4)
    artifact = two.navy.client.patch(f"/v1/uploads/{whole}", content=b"abcd", headers=tus).headers["Tellurion-Artifact"]
    for path, operations in content.items():
        for name, ids in (("{upload_id}", (whole, upload(4))), ("{artifact_id}", (artifact,))):
            for method in (*operations, "head") if name in path else ():
                tried.add((path, method))
                for one in ids:
                    answer = two.army.client.request(method, path.replace(name, one), headers=tus)
                    assert answer.status_code == (405 if answer.headers.get("Allow") else 404)
    assert {("/v1/uploads/{upload_id}", "patch"), ("/v1/artifacts/{artifact_id}/content", "get")} <= tried
    assert two.navy.client.get(f"/v1/artifacts/{artifact}/content").content == b"abcd"


def test_lists_hold_nothing_of_anothers(two: Two, everything: Any) -> None:
    names = [two.navy.thing(service, OPERATION) for service in ("agent", "assimilation", "benchmark", "ocean", "splat")]
    names += [two.navy.thing("agent", RUN), two.navy.thing("agent", LESSON), two.navy.thing("splat", ARTIFACT)]
    stranger = everything.client("harbour")
    for call, binding in ALL.items():
        if call.split(".")[1].startswith(("List", "Find")):
            asked = {"ids": [names[-1]]} if call.endswith("FindArtifacts") else {}
            more = {"json": asked} if binding.has_body else {}
            told = stranger.request(binding.verb, binding.path, timeout=60, **more)
            assert told.status_code == 200, told.text
            assert not [name for name in names if name.rpartition("/")[2] in told.text], json.dumps(told.json())
