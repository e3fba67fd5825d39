"""Runs as Jobs, against a server that speaks the API and runs what a Job's container would run, on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from tellurion_agent.sandbox.choosing import SandboxSettings, sandbox_of
from tellurion_agent.sandbox.contained import MOST_BYTES, fitting
from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.kubernetes import LAYERS, MOST_MOUNTS, Cluster, KubernetesSandbox
from tellurion_agent.sandbox.manifests import POLICY, network_policy
from tellurion_agent.sandbox.results import collected
from tellurion_agent.sandbox.sandbox import Limits, Reason, Run
from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_core.settings import load

IMAGE = "registry.example/tellurion/agent@sha256:" + "0" * 64
LIMITS = Limits(seconds=20, memory_bytes=192 << 20, disk_bytes=8 << 20, processes=16, output_bytes=1 << 20)
DONE = {"type": "Complete"}
FAILED = {"type": "Failed", "reason": "BackoffLimitExceeded"}


@dataclass
class Ran:
    """A run, and where its files are."""

    run: Run
    output: Path
    lines: list[str]


@dataclass
class Jobs:
    """The sandbox before a server, and a claim that both have."""

    api: Any
    sandbox: KubernetesSandbox
    claim: Path

    def run(self, code: str, inputs: list[Path] | None = None, cancelled: Any = lambda: False, **limits: float) -> Ran:
        """Runs Python code."""
        folder = self.claim / "runs" / str(len(list(self.claim.glob("runs/*"))))
        output = folder / "results"
        output.mkdir(parents=True)
        (folder / "script.py").write_text(code)
        lines: list[str] = []
        given = {**vars(LIMITS), **limits}
        run = self.sandbox.run(
            folder / "script.py", inputs or [], output, Limits(**given), cancelled=cancelled, log=lines.append
        )
        return Ran(run, output, lines)

    def ended(self, condition: dict[str, Any], pod: dict[str, Any] | None) -> Run:
        """A run whose Job ends so."""
        self.api.end = lambda api, job: (condition, pod)
        return self.run("").run

    def mounts(self) -> list[tuple[str, str]]:
        """Path on the claim and place in the pod, of the last Job's mounts of claims."""
        container = self.api.seen[-1]["spec"]["template"]["spec"]["containers"][0]
        return [(mount["subPath"], mount["mountPath"]) for mount in container["volumeMounts"] if "subPath" in mount]


@pytest.fixture
def jobs(cluster_api: ModuleType, tmp_path: Path) -> Iterator[Jobs]:
    claim = tmp_path / "claim"
    claim.mkdir()
    with cluster_api.serving(tmp_path) as api:
        configuration = Configuration(host=api.url)
        configuration.retries = False
        cluster = Cluster(namespace="sandboxes", image=IMAGE, claims={"data": claim}, user=1000)
        with ApiClient(configuration) as client:
            yield Jobs(api, KubernetesSandbox(cluster, client), claim)
        assert api.jobs == {}


def test_a_script_runs_as_a_job_and_leaves_what_it_would_leave_beside_the_service(jobs: Jobs) -> None:
    data = jobs.claim / "library" / "in.json"
    data.parent.mkdir()
    data.write_text("3")
    ran = jobs.run(
        "import sys, pathlib\nprint('begun')\n"
        "pathlib.Path('out.json').write_text(pathlib.Path(sys.argv[1]).read_text() * 2)",
        [data],
    )
    assert (ran.run.exit_code, ran.run.reason, ran.lines, ran.run.stdout) == (0, None, ["begun"], "begun\n")
    assert [each.name for each in collected(ran.output)] == ["out.json"]
    assert (ran.output / "out.json").read_text() == "33"
    assert ran.run.layers[: len(LAYERS)] == LAYERS
    assert {"no_new_privs", "seccomp", "watched memory"} <= set(ran.run.layers)
    assert jobs.api.policies == {POLICY: network_policy()}


def test_a_pod_has_what_the_run_needs_at_the_same_places_and_nothing_else(jobs: Jobs, rendering: ModuleType) -> None:
    library = jobs.claim / "library"
    for name in ("whole/a.nc", "whole/b.nc", "part/a.nc", "part/b.nc", "part/c.nc"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).touch()
    asked = [library / name for name in ("whole/a.nc", "whole/b.nc", "part/a.nc", "part/c.nc")]
    ran = jobs.run("import sys; [open(path).close() for path in sys.argv[1:]]", asked)
    assert ran.run.reason is None
    places = ["runs/0/script.py", "library/whole", "library/part/a.nc", "library/part/c.nc", "runs/0/results"]
    assert sorted(jobs.mounts()) == sorted((place, str(jobs.claim / place)) for place in places)


def test_what_lies_on_no_claim_is_not_run(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.nc").touch()
    (jobs.claim / "link.nc").symlink_to(tmp_path / "elsewhere.nc")
    for path in (tmp_path / "elsewhere.nc", jobs.claim / "link.nc"):
        with pytest.raises(Unavailable, match=r"\.nc is on none of the cluster's claims \(data\)"):
            jobs.run("", [path])
    assert jobs.api.seen == []


def test_more_files_than_a_pod_can_have_are_refused(jobs: Jobs) -> None:
    (jobs.claim / "many").mkdir()
    files = [jobs.claim / "many" / str(number) for number in range(MOST_MOUNTS + 1)]
    for file in files:
        file.touch()
    with pytest.raises(InvalidInput, match="inputs"):
        jobs.run("", files[:-1])
    assert jobs.run("", files).run.reason is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1 / 0", Reason.FAILED),
        ("import os; os.abort()", Reason.CRASHED),
        ("import socket; socket.socket()", Reason.FORBIDDEN),
        ("open('/etc/shadow')", Reason.FORBIDDEN),
        ("while True: pass", Reason.TIMEOUT),
        ("x = bytearray(1 << 30)", Reason.MEMORY),
        ("while True: print('x' * 4096)", Reason.OUTPUT),
    ],
)
def test_the_inner_sandbox_holds_in_a_pod_too(jobs: Jobs, code: str, reason: Reason) -> None:
    ran = jobs.run(code, seconds=1)
    assert ran.run.reason == reason
    assert ran.run.detail


def test_a_script_that_is_cancelled_is_ended_at_once(jobs: Jobs) -> None:
    started = time.monotonic()
    ran = jobs.run("while True: pass", cancelled=lambda: time.monotonic() - started > 1)
    assert ran.run.reason == Reason.CANCELLED
    assert time.monotonic() - started < 5


def test_how_the_cluster_ended_it_is_told_as_the_inner_sandbox_tells_it(jobs: Jobs, cluster_api: ModuleType) -> None:
    terminated = cluster_api.terminated
    evicted = {"phase": "Failed", "reason": "Evicted", "message": "Pod ephemeral local storage usage exceeds the total"}
    for condition, pod, reason in (
        (FAILED, terminated(137, "OOMKilled"), Reason.MEMORY),
        ({"type": "Failed", "reason": "DeadlineExceeded"}, None, Reason.TIMEOUT),
        (FAILED, evicted, Reason.DISK),
        (FAILED, terminated(139, "Error"), Reason.CRASHED),
        (FAILED, terminated(1, "Error"), Reason.FAILED),
    ):
        run = jobs.ended(condition, pod)
        assert (run.reason, run.layers) == (reason, LAYERS)
        assert run.exit_code != 0
        assert run.detail


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        (None, "its pod is gone"),
        ({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory"}, "Evicted"),
        ({"phase": "Failed", "reason": "NodeLost"}, "NodeLost"),
    ],
)
def test_a_run_that_the_cluster_lost_has_no_end(jobs: Jobs, pod: Any, says: str) -> None:
    with pytest.raises(Unavailable, match=says):
        jobs.ended(FAILED, pod)


@pytest.mark.parametrize("words", ["no JSON", "[]", '{"exit_code": "0"}', '{"exit_code": 0, "reason": "HAPPY"}', "{}"])
def test_last_words_that_are_none_are_no_success(jobs: Jobs, cluster_api: ModuleType, words: str) -> None:
    with pytest.raises(Unavailable, match="its last words cannot be read"):
        jobs.ended(DONE, cluster_api.terminated(0, "Completed", words))


def test_a_pod_that_lacks_a_layer_is_no_sandbox(jobs: Jobs, cluster_api: ModuleType) -> None:
    words = '{"missing": "The sandbox is not complete, and nothing was run: landlock: not implemented."}'
    with pytest.raises(Unavailable, match="landlock: not implemented"):
        jobs.ended(DONE, cluster_api.terminated(0, "Completed", words))


def test_a_container_that_did_not_start_is_no_failure_of_the_script(jobs: Jobs, cluster_api: ModuleType) -> None:
    with pytest.raises(Unavailable, match="StartError"):
        jobs.ended(FAILED, cluster_api.terminated(128, "StartError", "no such file"))


def test_a_job_that_somebody_deletes_is_lost(jobs: Jobs) -> None:
    jobs.api.end = lambda api, job: ({}, None)
    gone = iter((False,))

    def cancelled() -> bool:
        if next(gone, True) and jobs.api.jobs:
            jobs.api.delete(next(iter(jobs.api.jobs)))
        return False

    with pytest.raises(Unavailable, match="its Job was deleted"):
        jobs.run("", cancelled=cancelled)


def test_a_job_that_a_killed_service_left_is_ended_before_its_script_is_run_again(jobs: Jobs) -> None:
    jobs.run("print(1)")
    (left,) = jobs.api.seen
    jobs.api.jobs[left["metadata"]["name"]] = {**left, "status": {}}
    folder = jobs.claim / "runs" / "0"
    run = jobs.sandbox.run(folder / "script.py", [], folder / "results", LIMITS, cancelled=lambda: False, log=print)
    assert (run.reason, run.stdout) == (None, "1\n")
    assert len(jobs.api.seen) == 2


def test_the_pod_of_an_earlier_attempt_says_nothing_of_a_later_one(jobs: Jobs, cluster_api: ModuleType) -> None:
    assert jobs.ended(FAILED, cluster_api.terminated(137, "OOMKilled")).reason == Reason.MEMORY
    jobs.api.end = None
    folder = jobs.claim / "runs" / "0"
    run = jobs.sandbox.run(folder / "script.py", [], folder / "results", LIMITS, cancelled=lambda: False, log=print)
    assert (run.reason, len(jobs.api.pods)) == (None, 2)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_cluster_that_refuses_is_named_by_what_it_answered(jobs: Jobs, status: int) -> None:
    jobs.api.refuse = status
    with pytest.raises(Unavailable, match=f"the cluster answered {status}"):
        jobs.run("")
    assert jobs.api.seen == []


def test_the_chart_gives_the_rights_to_what_is_asked_of_a_cluster_and_to_nothing_else(
    jobs: Jobs, rendering: ModuleType
) -> None:
    """A run to its end, one that is cancelled, and one whose Job is there already, where the chart made the policy."""
    jobs.api.policies[POLICY] = network_policy()
    jobs.run("print(1)")
    jobs.run("while True: pass", cancelled=lambda: True)
    left = jobs.api.seen[0]
    jobs.api.jobs[left["metadata"]["name"]] = {**left, "status": {}}
    folder = jobs.claim / "runs" / "0"
    jobs.sandbox.run(folder / "script.py", [], folder / "results", LIMITS, cancelled=lambda: False, log=print)
    objects = rendering.rendered("institute")
    (role,) = (o for o in objects if o["kind"] == "Role" and o["metadata"]["name"] == "tellurion-sandbox")
    given = [
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]
    assert sorted(given) == sorted(jobs.api.asked)


def test_nothing_is_run_where_the_network_policy_is_another(jobs: Jobs) -> None:
    policy = network_policy()
    jobs.api.policies[POLICY] = {**policy, "spec": {**policy["spec"], "egress": [{}]}}
    with pytest.raises(Unavailable, match="another network policy"):
        jobs.run("")
    assert jobs.api.seen == []


def test_a_cluster_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    configuration = Configuration(host="http://127.0.0.1:1")
    configuration.retries = False
    for name in ("script.py", "results"):
        (tmp_path / name).touch() if "." in name else (tmp_path / name).mkdir()
    cluster = Cluster(namespace="n", image=IMAGE, claims={"data": tmp_path.parent}, user=1000)
    sandbox = KubernetesSandbox(cluster, ApiClient(configuration))
    with pytest.raises(Unavailable, match="cannot be reached"):
        sandbox.run(tmp_path / "script.py", [], tmp_path / "results", LIMITS, cancelled=lambda: False, log=print)


def test_last_words_fit_and_keep_the_end_of_what_went_wrong() -> None:
    run = Run(1, Reason.FAILED, "It failed.", "", "é\n" * 50_000 + "the end", 1.0, 1, ("seccomp",))
    words = fitting(vars(run))
    assert len(words) <= MOST_BYTES
    assert words.endswith(b"}")
    assert b"the end" in words


def test_the_sandbox_is_chosen_by_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert isinstance(sandbox_of(load(SandboxSettings)), InnerSandbox)
    monkeypatch.setenv("TELLURION_AGENT_SANDBOX", "kubernetes")
    with pytest.raises(InvalidInput, match="KUBERNETES_IMAGE and KUBERNETES_CLAIMS"):
        load(SandboxSettings)
    monkeypatch.setenv("TELLURION_AGENT_KUBERNETES_IMAGE", IMAGE)
    monkeypatch.setenv("TELLURION_AGENT_KUBERNETES_CLAIMS", f"data={tmp_path}/none")
    with pytest.raises(InvalidInput, match="KUBERNETES_CLAIMS"):
        sandbox_of(load(SandboxSettings))
    monkeypatch.setenv("TELLURION_AGENT_KUBERNETES_CLAIMS", f"data={tmp_path}")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")  # and no service account
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    with pytest.raises(Unavailable, match="where the cluster is"):
        sandbox_of(load(SandboxSettings))
    monkeypatch.setattr(os, "getuid", lambda: 0)
    with pytest.raises(Unavailable, match="not root"):
        sandbox_of(load(SandboxSettings))
