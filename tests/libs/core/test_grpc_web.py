"""gRPC-Web on the wire: what is framed comes back, however it is cut, and nothing hostile is held in memory."""

from __future__ import annotations

import math
import struct

import grpc
import pytest
from google.rpc import status_pb2

from tellurion_core.errors import DataCorrupted, InvalidInput, NotFound, ResourceExhausted
from tellurion_core.grpc_web import FrameReader, frame, read_trailers, timeout_header, told_timeout, trailers
from tellurion_core.status import DETAILS_KEY, from_problem, from_status, problem
from tellurion_core.tensors import MAX_MESSAGE_BYTES


@pytest.mark.parametrize("cut", [1, 2, 5, 7, 1000])
def test_messages_come_back_however_their_bytes_are_cut(cut: int) -> None:
    messages = [b"", b"a", b"ocean" * 50]
    body = b"".join(map(frame, messages)) + trailers(None, "r")
    reader = FrameReader()
    found = [each for start in range(0, len(body), cut) for each in reader.feed(body[start : start + cut])]
    reader.finish()
    assert [content for ends, content in found if not ends] == messages
    assert [ends for ends, _ in found] == [False, False, False, True]
    assert read_trailers(found[-1][1]) == (grpc.StatusCode.OK, "", (("x-request-id", "r"),))


def test_an_error_comes_back_with_its_fields() -> None:
    error = InvalidInput.of("depth", received="−5 m", accepted="0 to 5500 m")
    code, message, metadata = read_trailers(trailers(error, "r")[5:])
    assert (code, message) == (grpc.StatusCode.INVALID_ARGUMENT, "depth: received −5 m; accepted: 0 to 5500 m")
    details = dict(metadata)[DETAILS_KEY]
    assert isinstance(details, bytes)
    found = from_status(status_pb2.Status.FromString(details))
    assert isinstance(found, InvalidInput)
    assert found.violations == error.violations


def test_a_message_cannot_forge_a_trailer() -> None:
    error = NotFound("no such thing\r\ngrpc-status: 0\r\nx-evil: 1")
    code, message, metadata = read_trailers(trailers(error, "r")[5:])
    assert (code, message) == (grpc.StatusCode.NOT_FOUND, error.message)
    assert "x-evil" not in dict(metadata)


def test_a_length_that_no_message_has_is_refused_before_its_bytes() -> None:
    list(FrameReader().feed(struct.pack(">BI", 0, MAX_MESSAGE_BYTES)))
    with pytest.raises(ResourceExhausted, match="4294967295 bytes"):
        list(FrameReader().feed(struct.pack(">BI", 0, 2**32 - 1)))


@pytest.mark.parametrize("kind", [1, 2, 0x7F, 0x81])
def test_a_frame_of_another_kind_is_refused(kind: int) -> None:
    with pytest.raises(DataCorrupted, match=f"kind {kind} "):
        list(FrameReader().feed(struct.pack(">BI", kind, 0)))


def test_a_body_that_ends_within_a_message_is_refused() -> None:
    reader = FrameReader()
    assert list(reader.feed(frame(b"whole")[:-1])) == []
    with pytest.raises(DataCorrupted):
        reader.finish()


@pytest.mark.parametrize("text", [b"", b"grpc-message: ok", b"grpc-status: none", b"grpc-status: 5\r\na-bin: x"])
def test_trailers_that_cannot_be_read_are_damage(text: bytes) -> None:
    with pytest.raises(DataCorrupted):
        read_trailers(text)


@pytest.mark.parametrize(
    ("header", "seconds"), [("5S", 5), ("1500m", 1.5), ("2H", 7200), ("7u", 7e-6), (None, math.inf), ("-1S", math.inf)]
)
def test_timeouts_are_read_as_grpc_writes_them(header: str | None, seconds: float) -> None:
    assert told_timeout(header) == pytest.approx(seconds)
    if 1e-3 < seconds < math.inf:
        assert told_timeout(timeout_header(seconds)) == pytest.approx(seconds)


def test_a_timeout_of_years_fits_the_header() -> None:
    assert told_timeout(timeout_header(1e9)) == 99_999_999


def test_a_problem_document_comes_back_as_its_error() -> None:
    error = InvalidInput.of("month", received="13", accepted="1 to 12", reason="NO_SUCH_MONTH")
    found = from_problem(422, problem(error, instance="/v1", request_id="r"))
    assert isinstance(found, InvalidInput)
    assert (found.message, found.reason, found.violations) == (error.message, error.reason, error.violations)


@pytest.mark.parametrize("document", [None, [], "text", {"detail": 7, "errors": "none"}, {"errors": [1, {}]}])
def test_what_is_no_problem_document_still_has_a_status(document: object) -> None:
    assert from_problem(404, document).grpc_status is grpc.StatusCode.NOT_FOUND
    assert from_problem(413, document).grpc_status is grpc.StatusCode.INVALID_ARGUMENT
    assert from_problem(502, document).grpc_status is grpc.StatusCode.UNAVAILABLE
    assert from_problem(302, document).grpc_status is grpc.StatusCode.INTERNAL
