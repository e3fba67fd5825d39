"""The jobs of a service `probe`, one for each way in which a job goes; run by real workers in the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.wrappers_pb2 import StringValue

from tellurion_core.errors import Cancelled, InvalidInput, Unavailable
from tellurion_core.jobs.running import RunningJob


def words(body: Packed) -> str:
    """What the job was told."""
    value = StringValue()
    assert body.Unpack(value)
    return value.value


def noted(job: RunningJob) -> list[str]:
    """The attempts that have begun, this one among them, as they noted it in the job's folder."""
    with (job.folder / "attempts").open("a") as file:
        file.write(f"{job.attempt}\n")
    return (job.folder / "attempts").read_text().split()


def echo(body: Packed, job: RunningJob) -> StringValue:
    """Says on standard output too what it was told."""
    print("\x00printed", flush=True)
    os.write(1, b"written\n")
    return StringValue(value=f"{words(body)} {job.tenant} {job.subject} {job.request_id} {','.join(noted(job))}")


def fail(body: Packed, job: RunningJob) -> StringValue:
    """Cannot use its input."""
    raise InvalidInput.of("depth", received="-5 m", accepted="0 to 11000 m")


def flaky(body: Packed, job: RunningJob) -> StringValue:
    """Is done the third time."""
    if job.attempt < 3:
        raise Unavailable("the tide is out")
    return StringValue(value=",".join(noted(job)))


def unavailable(body: Packed, job: RunningJob) -> StringValue:
    """Never finds what it needs."""
    raise Unavailable("the tide is out")


def crash(body: Packed, job: RunningJob) -> StringValue:
    """Has a fault."""
    raise ValueError("the secret is 1234")


def die(body: Packed, job: RunningJob) -> StringValue:
    """Kills itself; it is poison."""
    noted(job)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def hold(body: Packed, job: RunningJob) -> StringValue:
    """Waits until the file that it was told of is there, or it is to stop."""
    attempts = noted(job)
    job.progress(0.5, f"holding {os.getpid()}")
    while not os.path.exists(words(body)):  # noqa: PTH110
        if job.cancelled():
            raise Cancelled("stopped")
        time.sleep(0.01)
    return StringValue(value=",".join(attempts))


def stubborn(body: Packed, job: RunningJob) -> StringValue:
    """Does not stop, nor do its child and a grandchild that left the family."""
    sleep = "import time; time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", sleep])
    leave = f"""
import subprocess, sys
gone = subprocess.Popen([sys.executable, "-c", "{sleep}"], start_new_session=True, stdout=subprocess.DEVNULL)
print(gone.pid)
"""
    gone = subprocess.run([sys.executable, "-c", leave], stdout=subprocess.PIPE, text=True, check=True)
    job.progress(0.5, f"holding {os.getpid()} {child.pid} {gone.stdout.strip()}")
    time.sleep(600)
    raise AssertionError


def parent(body: Packed, job: RunningJob) -> StringValue:
    """Is done, and leaves a process behind."""
    return StringValue(value=str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid))


def greedy(body: Packed, job: RunningJob) -> StringValue:
    """Takes half a gigabyte, in a process of its own."""
    subprocess.run([sys.executable, "-c", "x = b'1' * (512 << 20); import time; time.sleep(600)"], check=False)
    raise AssertionError


def large(body: Packed, job: RunningJob) -> StringValue:
    """Answers more than can be answered."""
    return StringValue(value="x" * (3 << 20))
