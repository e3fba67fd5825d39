"""The outer sandbox: each script in a Job of its own on a cluster, and there in the inner sandbox.

Files are not sent: what a run reads and writes lies on claims that the service has mounted too, and a pod has them at
the same places, each by its own path within its claim. The output folder is the one that it may write.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from kubernetes.client import ApiClient, ApiException, BatchV1Api, CoreV1Api, NetworkingV1Api, V1Job, V1Pod
from kubernetes.watch import Watch
from urllib3.exceptions import HTTPError

from tellurion_agent.sandbox.ends import conditions, lost, stopped, told
from tellurion_agent.sandbox.manifests import POLICY, TOLD, Mount, job, network_policy
from tellurion_agent.sandbox.sandbox import Limits, Reason, Run, check_places
from tellurion_core.errors import InvalidInput, Unavailable

LAYERS = (
    *("job", "non-root", "read-only root", "no service account token", "dropped capabilities"),
    *("seccomp RuntimeDefault", "network policy", "container limits"),
)
"""Of the pod, around those of the inner sandbox."""
MOST_MOUNTS = 200
PATIENCE_SECONDS = 60.0
"""Beyond a Job's own deadline, for the cluster to say that it is over."""

_LOOK_SECONDS = 0.1
_WATCH_SECONDS = 60
_REQUEST_SECONDS = 30.0
_TAIL = 64 << 10
"""Characters."""
_NOT_FOUND, _CONFLICT, _GONE = 404, 409, 410


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where Jobs run."""

    namespace: str
    image: str
    """The agent's own, by its digest."""
    claims: Mapping[str, Path]
    """Folders in which this service has claims mounted, by the claims' names."""
    user: int
    """This service's, who may read and write there what it may."""
    runtime_class: str | None = None
    pull_secrets: Sequence[str] = ()
    """Names of Secrets that the image is pulled with."""
    cpus: int = 2


class KubernetesSandbox:
    """Runs scripts as Jobs of a cluster."""

    def __init__(self, cluster: Cluster, api: ApiClient) -> None:
        self._cluster = cluster
        self._api = api
        self._batch, self._core, self._network = BatchV1Api(api), CoreV1Api(api), NetworkingV1Api(api)

    def run(
        self,
        script: Path,
        inputs: Sequence[Path],
        output: Path,
        limits: Limits,
        *,
        cancelled: Callable[[], bool],
        log: Callable[[str], None],
    ) -> Run:
        """See `Sandbox.run`; `log` is told at the end. Raises Unavailable where the cluster fails, too."""
        check_places(script, inputs, output)
        script, output = script.resolve(), output.resolve()
        manifest = self._manifest(script, [path.absolute() for path in inputs], output, limits)
        started = time.monotonic()
        with _answering():
            self._guard()
            self._submit(manifest)
            try:
                over = self._over(manifest, cancelled)
                pod = None if over is None else self._pod(over.metadata.uid)
                run = stopped(Reason.CANCELLED, "It was cancelled.") if over is None else told(over, pod, limits)
                printed = self._printed(pod, limits)
            finally:
                self._delete(manifest["metadata"]["name"], "Background")
        for line in printed.splitlines():
            log(line)
        runtime = (f"runtime {self._cluster.runtime_class}",) if self._cluster.runtime_class else ()
        seconds = run.seconds or time.monotonic() - started
        return replace(run, stdout=printed[-_TAIL:], seconds=seconds, layers=(*LAYERS, *runtime, *run.layers))

    def _manifest(self, script: Path, inputs: Sequence[Path], output: Path, limits: Limits) -> dict[str, Any]:
        mounts = [self._mount(path) for path in dict.fromkeys((script, *self._gathered(inputs)))]
        if len(mounts) > MOST_MOUNTS:
            received = f"{len(mounts)} files that share folders with others"
            raise InvalidInput.of("inputs", received=received, accepted=f"at most {MOST_MOUNTS}, or whole folders")
        return job(
            f"tellurion-{hashlib.sha256(os.fsencode(script)).hexdigest()[:24]}",
            self._cluster.image,
            [
                *("python", "-m", "tellurion_agent.sandbox.contained"),
                *(json.dumps(asdict(limits)), TOLD, str(script), str(output), *map(str, inputs)),
            ],
            [*mounts, self._mount(output, writable=True)],
            limits,
            user=self._cluster.user,
            cpus=self._cluster.cpus,
            runtime_class=self._cluster.runtime_class,
            pull_secrets=self._cluster.pull_secrets,
        )

    def _gathered(self, inputs: Sequence[Path]) -> Iterator[Path]:
        """Inputs; instead of those that are all that a folder holds, the folder."""
        for folder in dict.fromkeys(path.parent for path in inputs):
            within = {path for path in inputs if path.parent == folder}
            whole = len(within) > 1 and folder.resolve() not in self._cluster.claims.values()
            if whole and all(path in within and not path.is_symlink() for path in folder.iterdir()):
                yield folder
            else:
                yield from within

    def _mount(self, path: Path, *, writable: bool = False) -> Mount:
        real = path.resolve()
        for claim, folder in sorted(self._cluster.claims.items(), key=lambda each: -len(each[1].parts)):
            if real != folder and real.is_relative_to(folder):
                return Mount(claim, real.relative_to(folder).as_posix(), str(path), writable)
        raise Unavailable(
            f"Nothing was run: {path.name} is on none of the cluster's claims ({', '.join(self._cluster.claims)}).",
            reason="SANDBOX_INCOMPLETE",
        )

    def _guard(self) -> None:
        """Sees to it that the pods of scripts have no network."""
        wanted, space = network_policy(), self._cluster.namespace
        try:
            found = self._network.read_namespaced_network_policy(POLICY, space, _request_timeout=_REQUEST_SECONDS)
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            found = self._network.create_namespaced_network_policy(space, wanted, _request_timeout=_REQUEST_SECONDS)
        if self._api.sanitize_for_serialization(found.spec) != wanted["spec"]:
            raise Unavailable(
                f"The sandbox is not complete, and nothing was run: {POLICY} is another network policy in {space}.",
                reason="SANDBOX_INCOMPLETE",
            )

    def _submit(self, manifest: Mapping[str, Any]) -> None:
        """Creates the Job; one of the same script that was left behind is ended first."""
        name, space = manifest["metadata"]["name"], self._cluster.namespace
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._batch.create_namespaced_job(space, manifest, _request_timeout=_REQUEST_SECONDS)
            except ApiException as error:
                if error.status != _CONFLICT or time.monotonic() > give_up:
                    raise
                self._delete(name, "Foreground")
                time.sleep(_LOOK_SECONDS)
            else:
                return

    def _delete(self, name: str, propagation: str) -> None:
        with suppress(ApiException, HTTPError):  # it may be gone; its deadline ends it in any case
            self._batch.delete_namespaced_job(
                name, self._cluster.namespace, propagation_policy=propagation, _request_timeout=_REQUEST_SECONDS
            )

    def _over(self, manifest: Mapping[str, Any], cancelled: Callable[[], bool]) -> V1Job | None:
        """The Job once it is over, None where it was cancelled before."""
        news: SimpleQueue[Any] = SimpleQueue()
        stop = Event()
        Thread(target=self._follow, args=(manifest["metadata"]["name"], news, stop), daemon=True).start()
        give_up = time.monotonic() + manifest["spec"]["activeDeadlineSeconds"] + PATIENCE_SECONDS
        try:
            while time.monotonic() < give_up:
                if cancelled():
                    return None
                with suppress(Empty):
                    found = news.get(timeout=_LOOK_SECONDS)
                    if isinstance(found, Exception):
                        raise found
                    return found
        finally:
            stop.set()
        raise lost("the cluster did not say how it ended")

    def _follow(self, name: str, news: SimpleQueue[Any], stop: Event) -> None:
        """Watches a Job until it is over, through broken connections."""
        while not stop.is_set():
            try:
                events = Watch().stream(
                    self._batch.list_namespaced_job,
                    self._cluster.namespace,
                    field_selector=f"metadata.name={name}",
                    timeout_seconds=_WATCH_SECONDS,
                    _request_timeout=_WATCH_SECONDS + _REQUEST_SECONDS,
                )
                for event in events:
                    if event["type"] == "DELETED":
                        news.put(lost("its Job was deleted"))
                        return
                    if conditions(event["object"]):
                        news.put(event["object"])
                        return
            except HTTPError:
                pass  # it is watched again
            except ValueError:
                news.put(lost("the cluster spoke of its Job in an unknown way"))
                return
            except ApiException as error:
                if error.status != _GONE:
                    news.put(error)
                    return
            stop.wait(_LOOK_SECONDS)

    def _pod(self, job: str) -> V1Pod | None:
        """Of the Job with this uid: those of a name may be more, for a pod outlives its Job by a while."""
        found = self._core.list_namespaced_pod(
            self._cluster.namespace,
            label_selector=f"batch.kubernetes.io/controller-uid={job}",
            _request_timeout=_REQUEST_SECONDS,
        )
        return found.items[0] if found.items else None

    def _printed(self, pod: V1Pod | None, limits: Limits) -> str:
        """What the script printed, as far as it is kept."""
        if pod is None:
            return ""
        with suppress(ApiException):
            read = self._core.read_namespaced_pod_log(
                pod.metadata.name,
                self._cluster.namespace,
                limit_bytes=int(limits.output_bytes),
                _preload_content=False,
                _request_timeout=_REQUEST_SECONDS,
            )
            return bytes(read.data).decode(errors="replace")
        return ""


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        raise lost(f"the cluster answered {error.status} {error.reason}") from None
    except HTTPError:
        raise lost("the cluster cannot be reached") from None
