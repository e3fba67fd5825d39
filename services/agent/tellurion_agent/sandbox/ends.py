"""How a run in a Job ended, told as the inner sandbox tells it."""

from __future__ import annotations

import json

from kubernetes.client import V1Job, V1JobCondition, V1Pod
from pydantic import TypeAdapter, ValidationError

from tellurion_agent.sandbox.manifests import START_SECONDS
from tellurion_agent.sandbox.sandbox import Limits, Reason, Run
from tellurion_core.errors import Unavailable

_RUN = TypeAdapter(Run)
_NOT_STARTED = ("StartError", "ContainerCannotRun")
_SIGNALLED = 128
"""Exit codes above it are of signals."""


def conditions(job: V1Job) -> list[V1JobCondition]:
    """Of a Job that is over; none of one that is not."""
    found = job.status.conditions or ()
    return [each for each in found if each.type in ("Complete", "Failed") and each.status == "True"]


def told(job: V1Job, pod: V1Pod | None, limits: Limits) -> Run:
    """The run of a Job that is over. Raises Unavailable where no script can be said to have ended."""
    if any(each.reason == "DeadlineExceeded" for each in conditions(job)):
        detail = f"It did not end within {limits.seconds:g} s, nor its pod within {START_SECONDS} s more."
        return stopped(Reason.TIMEOUT, detail)
    if pod is None:
        raise lost("its pod is gone")
    if pod.status.reason == "Evicted" and "exceeds" in (pod.status.message or ""):
        return stopped(Reason.DISK, "It stored more than the node has for it.")
    ended = next((each.state.terminated for each in pod.status.container_statuses or () if each.state.terminated), None)
    if ended is None or ended.reason in _NOT_STARTED:
        raise lost(f"its pod ended as {pod.status.reason or pod.status.phase if ended is None else ended.reason}")
    if ended.message:
        return _said(ended.message)
    if ended.reason == "OOMKilled":
        return stopped(Reason.MEMORY, f"It took more than {limits.memory_bytes} bytes of memory.")
    if ended.exit_code > _SIGNALLED:
        signal = ended.exit_code - _SIGNALLED
        return stopped(Reason.CRASHED, f"Signal {signal} ended it.", -signal)
    return stopped(Reason.FAILED, f"Its pod ended with exit code {ended.exit_code}.", ended.exit_code)


def stopped(reason: Reason, detail: str, code: int = -9) -> Run:
    """A run that had an end from outside."""
    return Run(code, reason, detail, stdout="", stderr="", seconds=0.0, peak_memory_bytes=0, layers=())


def lost(what: str) -> Unavailable:
    """That nobody knows how it ended."""
    return Unavailable(f"The script has no end that is known: {what}.", reason="SANDBOX_LOST")


def _said(words: str) -> Run:
    """A run as the process in the pod tells it."""
    try:
        said = json.loads(words)
        if "missing" in said:
            raise Unavailable(said["missing"], reason="SANDBOX_INCOMPLETE")
        return _RUN.validate_python(said)
    except (ValueError, TypeError, ValidationError):
        raise lost("its last words cannot be read") from None
