"""How large images are, how long they take to start, and the memory of a container at rest, as a table in Markdown.

    python tests/images/measure.py localhost/tellurion-SERVICE:0.1.0
    python tests/images/measure.py localhost/tellurion-SERVICE:0.1.0 ocean gateway --starts 5

Each service is started alone, as restricted as the chart starts it; SERVICE in the image's name is replaced by its own.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podman import Container, Podman, installed

SERVICES = ("gateway", "agent", "ocean", "assimilation", "pointcloud", "splat", "benchmark")
WITHIN = 240.0
"""Seconds in which a container has to be healthy."""
REST = 10.0
"""Seconds that a container is left alone before its memory is read."""


@dataclass(frozen=True)
class Memory:
    """Of all processes of a container, in bytes."""

    resident: int
    """RSS; pages that several of them share count for each."""
    own: int
    """Of these, what no file holds, and so cannot be dropped: anonymous and shared memory."""


def healthy(service: str, address: str) -> bool:
    """Whether the service says so itself: the gateway by HTTP, the others by gRPC."""
    try:
        if service == "gateway":
            return httpx.get(f"http://{address}/readyz", trust_env=False, timeout=5).status_code == 200
        with grpc.insecure_channel(address) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
    except (httpx.TransportError, grpc.RpcError):
        return False


def wait(service: str, container: Container, port: int) -> None:
    """Until it is healthy. Raises AssertionError where it is not in time, or has ended."""
    address = container.address(port)
    end = time.monotonic() + WITHIN
    while not healthy(service, address):
        if container.podman("inspect", "--format={{.State.Running}}", container.name).stdout.strip() != "true":
            raise AssertionError(f"{service} ended")
        if time.monotonic() > end:
            raise AssertionError(f"{service} is not healthy within {WITHIN:.0f} s")
        time.sleep(0.1)


def memory(statuses: Iterable[str]) -> Memory:
    """The sum over what /proc/PID/status says of each process."""
    sums = dict.fromkeys(("VmRSS", "RssAnon", "RssShmem"), 0)
    for status in statuses:
        for name in sums:
            found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
            sums[name] += 1024 * int(found[1]) if found else 0
    return Memory(sums["VmRSS"], sums["RssAnon"] + sums["RssShmem"])


def at_rest(container: Container) -> Memory:
    """Its memory after it was left alone for a while."""
    time.sleep(REST)
    pids = container.podman("top", container.name, "hpid").stdout.split()[1:]
    return memory(Path(f"/proc/{pid}/status").read_text(encoding="utf-8") for pid in pids)


def measure(podman: Podman, image: str, service: str, starts: int) -> tuple[list[float], Memory]:
    """Seconds of each start, from `podman run` until healthy, and the memory after the last."""
    port = 8080 if service == "gateway" else 50051
    flags: tuple[str, ...] = (f"--env=TELLURION_LISTEN=0.0.0.0:{port}", f"--publish=127.0.0.1::{port}")
    if service == "gateway":
        flags += ('--env=TELLURION_HOSTS=["127.0.0.1"]',)
    seconds = []
    for number in range(starts):
        begun = time.monotonic()
        with podman.running(image, flags=flags) as container:
            wait(service, container, port)
            seconds.append(time.monotonic() - begun)
            if number == starts - 1:
                rest = at_rest(container)
    return seconds, rest


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}"


def main() -> int:
    """Exit code: 0 measured, 1 one was not healthy, 2 arguments that cannot be used."""
    parser = argparse.ArgumentParser(description="Sizes, start times and memory at rest of images.")
    parser.add_argument("image", help="name of the images, SERVICE where the service's stands")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="all without any")
    parser.add_argument("--starts", type=int, default=3, help="of which the median is told; 3 without it")
    arguments = parser.parse_args()
    if unknown := set(arguments.services).difference(SERVICES):
        parser.error(f"argument SERVICE: received {', '.join(sorted(unknown))}; accepted: {', '.join(SERVICES)}")
    if "SERVICE" not in arguments.image:
        parser.error(f"argument image: received {arguments.image!r}; accepted: a name with SERVICE in it")
    if arguments.starts < 1:
        parser.error(f"argument --starts: received {arguments.starts}; accepted: 1 or more")
    if not installed():
        parser.error("podman is not installed")
    podman = Podman()
    print("| image | MB | seconds until healthy, median (least to most) | MB resident at rest | of these, in no file |")
    print("|---|---|---|---|---|")
    for service in arguments.services or SERVICES:
        image = arguments.image.replace("SERVICE", service)
        try:
            size = int(podman("image", "inspect", "--format={{.Size}}", image).stdout)
            seconds, rest = measure(podman, image, service, arguments.starts)
        except AssertionError as error:
            print(error, file=sys.stderr)
            return 1
        spread = f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
        cells = (service, _megabytes(size), spread, _megabytes(rest.resident), _megabytes(rest.own))
        print(f"| {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
