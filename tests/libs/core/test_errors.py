"""The tree of errors: what each kind is on the wire, and what it shows of what was received."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from tellurion_core import errors
from tellurion_core.errors import KINDS, FieldViolation, InvalidInput, TellurionError, shown

STATUSES = {
    errors.InvalidInput: ("INVALID_ARGUMENT", 422),
    errors.Unauthenticated: ("UNAUTHENTICATED", 401),
    errors.PermissionDenied: ("PERMISSION_DENIED", 403),
    errors.NotFound: ("NOT_FOUND", 404),
    errors.Conflict: ("ABORTED", 409),
    errors.ResourceExhausted: ("RESOURCE_EXHAUSTED", 429),
    errors.Unavailable: ("UNAVAILABLE", 503),
    errors.DeadlineExceeded: ("DEADLINE_EXCEEDED", 504),
    errors.Cancelled: ("CANCELLED", 499),
    errors.DataCorrupted: ("DATA_LOSS", 400),
    errors.Internal: ("INTERNAL", 500),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_grpc_and_http_status(kind: type[TellurionError]) -> None:
    assert (kind.grpc_status, kind.http_status) == (grpc.StatusCode[STATUSES[kind][0]], STATUSES[kind][1])


def test_every_kind_is_listed_once_with_statuses_of_its_own() -> None:
    assert set(KINDS) == set(TellurionError.__subclasses__()) == set(STATUSES)
    assert len({kind.grpc_status for kind in KINDS}) == len({kind.http_status for kind in KINDS}) == len(KINDS)


def test_only_bad_input_exits_with_2() -> None:
    assert [kind for kind in KINDS if kind.exit_code == 2] == [InvalidInput]


def test_a_violation_names_the_field_what_came_and_what_is_accepted() -> None:
    error = InvalidInput.of("latitude[3]", received=91.0, accepted="-90 to 90 degrees_north")
    assert str(error) == "latitude[3]: received 91.0; accepted: -90 to 90 degrees_north"
    assert error.violations == (FieldViolation("latitude[3]", "91.0", "-90 to 90 degrees_north"),)


def test_what_was_received_is_shown_as_one_short_printable_line() -> None:
    assert shown("a\nb\x1b[31m") == "a·b·[31m"
    assert len(shown("x" * 10_000)) == 80
    assert shown("x" * 80) == "x" * 80
    assert "\n" not in shown(["\n"] * 1000)
    long = shown(Path("folder", *["deep"] * 30, "name.ply"))
    assert len(long) == 80
    assert long.endswith("deep/name.ply")
