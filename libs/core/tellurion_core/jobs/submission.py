"""Work that a request asks for, as a job."""

from __future__ import annotations

from typing import Protocol

from google.protobuf import any_pb2
from google.protobuf.message import Message

from tellurion_core.call import Identity
from tellurion_core.jobs.operations import operation_name
from tellurion_core.jobs.store import ATTEMPTS, JobStore


class Submission(Protocol):
    """What all requests for long work have."""

    request_id: str
    priority: int


def submit(
    jobs: JobStore, identity: Identity, kind: str, request: Submission, body: Message, *, attempts: int = ATTEMPTS
) -> str:
    """The name of the operation of this request: a new one, or that which the same request made before.

    `kind` is the service's name, a dot, and what is to be done; `body` is what the job is given.

    Raises:
        InvalidInput: the request id or the priority is not what is accepted, or the body is too large.
        Conflict: the request id came before, with another body or for another kind of work.
        ResourceExhausted: the tenant has as much work as it may have.
        Unavailable: the database of jobs cannot be reached.
    """
    packed = any_pb2.Any()
    packed.Pack(body, deterministic=True)
    job = jobs.submit(
        tenant=identity.tenant,
        subject=identity.subject,
        kind=kind,
        request_id=request.request_id,
        body=packed.SerializeToString(),
        priority=request.priority,
        attempts=attempts,
    )
    return operation_name(job)
