"""Every figure that the project claims, measured with its target, into RESULTS.md beside this file.

    make acceptance                                every part; two hours on two quiet cores
    make acceptance PARTS="transport ocean-cost"   some of them; the others' last results stay as they are

Each part keeps what it measured, and when, in results/<part>.json, from which RESULTS.md is written; ratios are taken
in one run. Ends with exit code 1 when a target of a measured part is missed, and with 2, before anything is measured,
when a part is not known or data that it needs are not there.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pods as played
from targets import Target, at_least, at_most, exit_code, markdown, missed, target_table

HERE = Path(__file__).parent
PACKAGES = "numpy", "scipy", "numba", "torch", "grpcio"
KILLS = 20
"""Times that each part of a platform is killed."""
CASES = 20_000
"""Requests that are made up from the OpenAPI document."""
DAMAGED_FILES = 500
LOAD_SECONDS = 300
SERVING, AGREEMENT = "tests/chaos/test_serving.py", "tests/e2e/test_serving_agreement.py"
CHART, IMAGES, CLUSTER = "tests/chart", "tests/images", "tests/cluster"
"""Tests whose full counts are parts of their own."""
BUILT = "localhost/tellurion-SERVICE:tested"
"""What the tests of images build."""
Measured = tuple[list[Target], str]
"""The targets of a part, and its section of RESULTS.md."""


@dataclass(frozen=True)
class Result:
    """What one part measured."""

    made: str
    """When, and on what."""
    targets: list[Target]
    section: str


def main(arguments: Sequence[str]) -> int:
    """Measures the parts, writes, and says whether all their targets were met."""
    if unknown := [name for name in arguments if name not in PARTS]:
        print(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    chosen = arguments or list(PARTS)
    if missing := _missing_files(chosen):
        print("\n".join(missing), file=sys.stderr)
        return 2
    targets: list[Target] = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        found, section = PARTS[name]()
        _keep(name, Result(_here(), found, section))
        targets += found
    _write()
    required = [target for target in targets if not target.stretch]
    reached = sum(target.met for target in targets if target.stretch)
    print(
        f"{len(required) - len(missed(targets))} of {len(required)} targets met,"
        f" and {reached} of {len(targets) - len(required)} stretches"
    )
    return exit_code(targets)


def transport() -> Measured:
    """What a call and a large field cost beyond bare gRPC."""
    import codec
    import rpc

    noop, fields = rpc.main(), codec.main([256, 1024])
    targets = [at_most("no-op call through our interceptors, p50 over grpc.aio's", noop["ratio"]["p50"], 1.5)]
    for row in fields:
        targets.append(at_least(f"{row['MiB']} MiB through the codec, throughput over bare chunks'", row["ratio"], 0.8))
        for side in ("receiver", "sender"):
            grown, bare = row[f"codec_{side}_growth_MiB"], row[f"bare_{side}_growth_MiB"]
            what = f"{row['MiB']} MiB, growth of the {side}"
            targets.append(at_most(f"{what}, MiB", grown, 64))
            targets.append(at_most(f"{what} beyond bare chunks', MiB", grown - bare, 8))
    calls = ([name, f"{noop[name]['p50_ms']:.3f}", f"{noop[name]['p99_ms']:.3f}"] for name in ("grpc.aio", "harness"))
    rows = ([row["MiB"], *(f"{value:.2f}" for name, value in row.items() if name != "MiB")] for row in fields)
    tables = markdown(["call", "p50 ms", "p99 ms"], calls), markdown([n.replace("_", " ") for n in fields[0]], rows)
    return targets, "\n\n".join(["## Transport", *tables])


def tabled(module: str, *, table: str = "table") -> Callable[[], Measured]:
    """A part that is a module beside this one, with a table of rows, a report of it and, where it has any, targets."""

    def measure() -> Measured:
        bench: Any = import_module(module)
        rows = getattr(bench, table)()
        return list(bench.targets(rows)) if hasattr(bench, "targets") else [], bench.report(rows)

    return measure


def chaos() -> Measured:
    """Every part of a platform killed in mid-evaluation, many times."""
    what = f"process of a job, worker, service and Redis, each killed {KILLS} times in mid-evaluation"
    return _passing(what, ["tests/chaos", f"--ignore={SERVING}"], TELLURION_CHAOS_ROUNDS=str(KILLS))


def gateway_requests() -> Measured:
    """Requests of every kind to every path of the OpenAPI document, at all services, and damaged files."""
    what = f"{CASES} requests to every path of the OpenAPI document, valid and hostile: no 5xx, nothing undocumented"
    tests = ["everything/test_every_request.py", "test_hostile_files.py"]
    counts = {"TELLURION_OPENAPI_CASES": str(CASES), "TELLURION_DAMAGED_FILES": str(DAMAGED_FILES)}
    return _passing(
        f"{what}; {DAMAGED_FILES} damaged files of each kind: no crash",
        [f"tests/services/gateway/{test}" for test in tests],
        **counts,
    )


def gateway_load() -> Measured:
    """Two hundred clients for five minutes."""
    what = f"200 clients asking once a second for {LOAD_SECONDS} s: every answer is 200, and memory stays"
    return _passing(what, ["tests/services/gateway/test_load.py"], TELLURION_LOAD_SECONDS=str(LOAD_SECONDS))


def serving_chaos() -> Measured:
    """Inference servers that die, hang and are flooded, and 10 000 requests that leak nothing."""
    what = "inference servers killed, hanging and flooded; 10 000 requests"
    return _passing(what, [SERVING], TELLURION_CHAOS_FULL="1")


def serving_agreement() -> Measured:
    """Every shipped model on Ray and on Triton."""
    return _passing("every model answers on Ray and on Triton as in this process, to 1e-5", [AGREEMENT, "-m", "slow"])


def chart() -> Measured:
    """The Helm chart, with the operators' own schemas and checkov."""
    return _passing("the chart: rendered, checked, installed, upgraded, rolled back, uninstalled", [CHART])


def images() -> Measured:
    """All images, built and run as restricted as the chart runs them; then how large and how fast they are."""
    targets, _ = _passing("images of all services: built, restricted, each with its bill of materials", [IMAGES])
    command = [sys.executable, f"{IMAGES}/measure.py", os.environ.get("TELLURION_IMAGES", BUILT)]
    table = subprocess.run(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True, check=True).stdout
    return targets, f"## Images\n\n{table}"


def pods(title: str, what: str, *tests: str) -> Callable[[], Measured]:
    """The rendered chart, played by podman, and what some of the tests of it find and measure."""

    def measure() -> Measured:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "measured.jsonl"
            chosen = [f"{CLUSTER}/test_{each}.py" for each in tests]
            targets, _ = _passing(what, chosen, TELLURION_CLUSTER_RUN="1", TELLURION_PODS_MEASURED=str(file))
            return targets, played.report(title, played.rows_of(file))

    return measure


def slow_tests() -> Measured:
    """The tests that `make test` leaves out."""
    others = [f"--ignore={each}" for each in (AGREEMENT, SERVING, CHART, IMAGES, CLUSTER)]
    return _passing("tests marked slow", ["-m", "slow and not cuda", *others])


def _passing(what: str, arguments: Sequence[str], **environment: str) -> Measured:
    """Tests, slow ones among them unless the arguments choose by marker, as a target that is met where they pass."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-m", "not cuda", *arguments]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, cwd=HERE.parents[1], env=os.environ | environment, **options)
    print(done.stdout, file=sys.stderr)
    counted = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "nothing"
    measured = f"exit code {done.returncode} after {time.perf_counter() - start:.0f} s ({counted})"
    return [Target(what, measured, "exit code 0", done.returncode == 0)], ""


PARTS: Mapping[str, Callable[[], Measured]] = {
    "transport": transport,
    "ocean-cost": tabled("ocean_cost"),
    "ocean-operations": tabled("ocean_operations", table="count"),
    "ocean-methods": tabled("ocean_methods"),
    "ocean-fronts": tabled("ocean_fronts"),
    "ocean-elsewhere": tabled("ocean_elsewhere"),
    "benchmark-scoring": tabled("benchmark_scoring"),
    "benchmark-runner": tabled("benchmark_runner"),
    "benchmark-text": tabled("benchmark_text"),
    "assimilation-letkf": tabled("assimilation_letkf"),
    "assimilation-twin": tabled("assimilation_twin"),
    "assimilation-reference": tabled("assimilation_reference"),
    "assimilation-cycling": tabled("assimilation_cycling"),
    "assimilation-analysis": tabled("assimilation_analysis"),
    "assimilation-compare": tabled("assimilation_compare"),
    "assimilation-winds": tabled("assimilation_winds"),
    "splat-speed": tabled("splat_speed"),
    "splat-gpu": tabled("splat_gpu"),
    "splat-fit": tabled("splat_fit"),
    "splat-reflections": tabled("splat_reflections"),
    "agent-requests": tabled("agent_requests"),
    "agent-topics": tabled("agent_topics"),
    "agent-planner": tabled("agent_planner"),
    "agent-catalogue": tabled("agent_catalogue"),
    "pointcloud-speed": tabled("pointcloud_speed"),
    "pointcloud-serving": tabled("pointcloud_serving"),
    "pointcloud-transfer": tabled("pointcloud_transfer"),
    "pointcloud-completion": tabled("pointcloud_completion"),
    "pointcloud-detection": tabled("pointcloud_detection"),
    "serving": tabled("serving"),
    "serving-autoscaling": tabled("serving_autoscaling"),
    "serving-agreement": serving_agreement,
    "gateway-latency": tabled("gateway_latency"),
    "gateway-transfer": tabled("gateway_transfer"),
    "gateway-requests": gateway_requests,
    "gateway-load": gateway_load,
    "console": tabled("gateway_console"),
    "chaos": chaos,
    "serving-chaos": serving_chaos,
    "chart": chart,
    "images": images,
    "pods": pods("Pods", "the chart's pods: healthy, restricted, every service at work", "platform", "on_kubernetes"),
    "pods-drills": pods(
        "Pods that are killed", "killed, full, an hour late, and restored", "drills", "clock", "backup"
    ),
    "pods-upgrade": pods("Pods that are replaced", "other settings, a migration, both ways", "upgrade"),
    "slow-tests": slow_tests,
}
"""By name, in the order of RESULTS.md."""
WITH_FILES = (
    "ocean-elsewhere",
    "assimilation-twin",
    "splat-reflections",
    "pointcloud-transfer",
    "pointcloud-completion",
    "pointcloud-detection",
    "gateway-transfer",
)
"""Parts that need what `make acceptance` and `make data` bring, and say what is missing."""


def _missing_files(chosen: Sequence[str]) -> list[str]:
    modules = (import_module(name.replace("-", "_")) for name in chosen if name in WITH_FILES)
    return [line for module in modules for line in module.missing_files()]


def _here() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return f"{datetime.now(UTC).date().isoformat()}, {machine}, {packages}"


def _keep(name: str, result: Result) -> None:
    path = HERE / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n")
    new.replace(path)


def _kept(name: str) -> Result:
    kept = json.loads((HERE / "results" / f"{name}.json").read_text())
    return Result(kept["made"], [Target(**target) for target in kept["targets"]], kept["section"])


def _write() -> None:
    """RESULTS.md from what all parts have kept."""
    results = [_kept(name) for name in PARTS if (HERE / "results" / f"{name}.json").exists()]
    text = [
        "# Measured",
        "Made by `make acceptance`; ratios are taken in one run.",
        "## Targets",
        target_table(target for result in results for target in result.targets),
        *(f"{result.section}\n\n*{result.made}.*" for result in results if result.section),
    ]
    (HERE / "RESULTS.md").write_text("\n\n".join(text) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
