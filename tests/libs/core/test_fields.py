"""Each rule that a proto can put on a field is enforced wherever the field stands."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from tellurion.common.v1 import field_pb2
from tellurion.common.v1.progress_pb2 import Progress
from tellurion.common.v1.tensor_pb2 import Tensor, TensorHeader, TensorPart
from tellurion.ocean.v1.ocean_pb2 import EvaluateRequest, ListMethodsRequest, ReconstructRequest, ReconstructSpec
from tellurion_core.errors import InvalidInput
from tellurion_core.fields import MAX_VIOLATIONS, rules, validate


def breaches(message: Message) -> list[str]:
    try:
        validate(message)
    except InvalidInput as error:
        return [violation.field for violation in error.violations]
    return []


def header(**changes: Any) -> TensorHeader:
    return TensorHeader(**{"name": "mean", "data_type": 11, "byte_order": 1, "shape": [2, 3], **changes})


def spec(**changes: Any) -> ReconstructSpec:
    return ReconstructSpec(**{"method": "gp", "month": 2, "members": 1, **changes})


@pytest.fixture(scope="module")
def code_list() -> type[Message]:
    """A message type with rules that no contract has together: `min_length`, `confidential`, lists of messages."""
    file = descriptor_pb2.FileDescriptorProto(name="tellurion/test/v1/codes.proto", package="tellurion.test.v1")
    file.syntax = "proto3"
    file.dependency.extend(["tellurion/common/v1/field.proto", "tellurion/common/v1/progress.proto"])
    message = file.message_type.add(name="Codes")
    code = message.field.add(name="code", number=1, type=9, label=1)
    code.options.Extensions[field_pb2.field].CopyFrom(field_pb2.FieldRules(min_length=2, max_length=4))
    key = message.field.add(name="key", number=4, type=9, label=1)
    key.options.Extensions[field_pb2.field].CopyFrom(field_pb2.FieldRules(pattern="[A-Z]+", confidential=True))
    message.field.add(name="steps", number=2, type=11, label=3, type_name=".tellurion.common.v1.Progress")
    message.field.add(name="inner", number=3, type=11, label=1, type_name=".tellurion.test.v1.Codes")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tellurion.test.v1.Codes"))


def test_messages_that_keep_the_rules_pass() -> None:
    for message in (spec(), header(), EvaluateRequest(month=2, observed=0.075, members=8), ListMethodsRequest()):
        validate(message)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (header(name=""), "name"),
        (header(data_type=0), "data_type"),
        (Tensor(data=b"1"), "header"),
        (spec(month=0), "month"),
        (spec(month=13), "month"),
        (spec(members=10**6), "members"),
        (spec(members=-1), "members"),
        (spec(steps=-1), "steps"),
        (spec(steps=1001), "steps"),
        (spec(weights="../a"), "weights"),
        (spec(weights="a" * 65), "weights"),
        (header(name="a" * 129), "name"),
        (spec(method="GP; --"), "method"),
        (spec(method="gp\n"), "method"),
        (header(shape=[1] * 9), "shape"),
        (header(shape=[4, -1]), "shape[1]"),
        (Progress(fraction=float("nan")), "fraction"),
        (Progress(fraction=float("inf")), "fraction"),
        (Progress(fraction=-1e-9), "fraction"),
        (Progress(message="x" * 201), "message"),
        (EvaluateRequest(month=2, members=8, observed=0.0), "observed"),
        (EvaluateRequest(month=2, members=8, profiles=0), "profiles"),
        (EvaluateRequest(month=2, members=8, methods=["gp", "no no"]), "methods[1]"),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(message: Message, field: str) -> None:
    assert breaches(message) == [field]


def test_the_bounds_themselves_are_accepted() -> None:
    for message in (
        spec(month=1, members=1),
        spec(month=12, members=64, steps=1000, weights="a" * 64),
        Progress(fraction=1, message="x" * 200),
    ):
        validate(message)


def test_the_member_of_a_oneof_that_is_not_chosen_has_no_rules() -> None:
    assert breaches(EvaluateRequest(month=2, members=8)) == []


def test_a_nested_field_is_named_by_its_path() -> None:
    part = TensorPart(inline=Tensor(header=header(name="", shape=[1, 2, -3])))
    expected = ["tensor.inline.header.name", "tensor.inline.header.shape[2]"]
    assert breaches(ReconstructRequest(tensor=part)) == expected


def test_a_violation_says_what_is_accepted_with_its_unit() -> None:
    with pytest.raises(InvalidInput) as caught:
        validate(spec(month=13, method=""))
    method, month = caught.value.violations
    assert (method.received, "[a-z][a-z0-9_]*" in method.accepted) == ("nothing", True)
    assert (month.received, month.accepted) == ("13", "1 to 12")


def test_messages_of_a_list_are_checked_and_named_by_index(code_list: type[Message]) -> None:
    steps = [Progress(fraction=fraction) for fraction in (0.5, 1.5, 1.0)]
    assert breaches(code_list(code="abc", steps=steps)) == ["steps[1].fraction"]


@pytest.mark.parametrize(("code", "kept"), [("", False), ("a", False), ("ab", True), ("abcd", True), ("abcde", False)])
def test_lengths_are_held_at_both_ends(code_list: type[Message], code: str, kept: bool) -> None:
    assert breaches(code_list(code=code)) == ([] if kept else ["code"])


def test_a_message_inside_its_own_kind_is_checked(code_list: type[Message]) -> None:
    inner = code_list(code="ab", inner=code_list(code="a"))
    assert breaches(code_list(code="ab", inner=inner)) == ["inner.inner.code"]


def test_a_hostile_message_gets_no_more_violations_than_the_cap(code_list: type[Message]) -> None:
    hostile = code_list(code="ab", steps=[Progress(fraction=2)] * 10_000)
    assert len(breaches(hostile)) == MAX_VIOLATIONS


def test_what_may_be_a_secret_is_not_repeated(code_list: type[Message]) -> None:
    with pytest.raises(InvalidInput, match=r"key: received something else; accepted: matching \[A-Z\]\+$"):
        validate(code_list(code="abc", key="sk-secret"))
    validate(code_list(code="abc", key="KEY"))


def test_rules_of_a_field_can_be_read_and_are_empty_where_there_are_none() -> None:
    month, seed = (ReconstructSpec.DESCRIPTOR.fields_by_name[name] for name in ("month", "seed"))
    assert (rules(month).min, rules(month).max) == (1, 12)
    assert rules(seed) == field_pb2.FieldRules()
