"""What goes from a front to a replica with a request, who asks and how long they wait; and what comes back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from google.rpc import status_pb2
from opentelemetry import propagate

from tellurion_core.batching_predictor import Batch
from tellurion_core.call import Call, Identity, answering, current_call
from tellurion_core.client import DEADLINE_MARGIN
from tellurion_core.errors import DeadlineExceeded, TellurionError
from tellurion_core.status import from_status, to_status
from tellurion_core.tensors import Array

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CLOCK = BOOT_ID.read_text() if BOOT_ID.exists() else uuid4().hex
"""Of this machine since it was started: whose processes have one monotonic clock."""


@dataclass(frozen=True)
class Hop:
    """The call that a front is answering, as it goes on to a replica."""

    method: str
    """Full name of the front's RPC."""
    request_id: str
    """Id under which the caller knows the request."""
    identity: Identity
    """Who calls."""
    deadline: float
    """On the monotonic clock of the front."""
    clock: str
    """Which that is."""
    seconds: float
    """What was left until then, for replicas on other nodes: the wait for one is not in it, but the front, when its
    deadline comes, cancels what it asked for."""
    trace: Mapping[str, str]
    """Headers of the trace."""

    @classmethod
    def onward(cls) -> Hop:
        """Of the call that is being answered. Raises DeadlineExceeded where none of its time is left."""
        call, trace = answering(), dict[str, str]()
        propagate.inject(trace)
        deadline = call.deadline - DEADLINE_MARGIN
        if (left := deadline - time.monotonic()) <= 0:
            raise DeadlineExceeded("the caller's deadline has passed")
        return cls(call.method, call.request_id, call.identity, deadline, CLOCK, left, trace)

    def enter(self) -> Call:
        """Makes this task, in a replica, one that answers the call."""
        deadline = self.deadline if self.clock == CLOCK else time.monotonic() + self.seconds
        call = Call(self.method, self.request_id, self.identity, deadline)
        current_call.set(call)  # never reset: Serve answers each request in a task, and so in a context, of its own
        return call


@dataclass(frozen=True)
class Answer:
    """What a replica answers; an error is a value, so that Ray adds no traceback and no address to it."""

    outputs: Mapping[str, Array] | None
    """The model's outputs; None where it failed."""
    status: bytes
    """The error as a google.rpc.Status; empty without one."""
    batches: Sequence[Batch]
    """What the replica has run since its last answer, to whomever that was."""

    @classmethod
    def failed(cls, error: TellurionError, request_id: str, batches: Sequence[Batch]) -> Answer:
        """The answer that says so."""
        return cls(None, to_status(error, request_id).SerializeToString(), batches)

    def result(self) -> Mapping[str, Array]:
        """The outputs; raises the error of our tree that the status means."""
        if self.outputs is None:
            raise from_status(status_pb2.Status.FromString(self.status))
        return self.outputs
