"""A server that speaks the part of the Kubernetes API by which Jobs are run; it runs them as processes beside it.

Objects are read as the client's own models, which follow the API's OpenAPI document: what these do not know is refused,
as a server with strict field validation refuses it. How a Job ends may be scripted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes.client import ApiClient

from tellurion_agent.sandbox.manifests import TOLD

API = ApiClient()
JOBS, PODS, POLICIES = "batch/v1/jobs", "v1/pods", "networking.k8s.io/v1/networkpolicies"


def strict(body: Any, model: str) -> Any:
    """The object, as its model has it. Raises ValueError for fields that the API does not have."""
    read = API.sanitize_for_serialization(API.deserialize(SimpleNamespace(data=json.dumps(body)), model))
    if read != body:
        raise ValueError(f"not a {model}")
    return read


@dataclass
class ClusterApi:
    """The server, and what it holds."""

    folder: Path
    """For what a node keeps of pods."""
    end: Callable[[ClusterApi, dict[str, Any]], tuple[dict[str, Any], dict[str, Any] | None]] | None = None
    """How a Job ends, instead of being run: its condition, and its pod's status."""
    refuse: int = 0
    """With which every request is answered, if any."""
    url: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Jobs that were created, in their order."""
    asked: set[tuple[str, str, str]] = field(default_factory=set)
    """API group, resource and verb of each request, as an API server authorises it."""
    changed: Event = field(default_factory=Event)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def create(self, job: dict[str, Any]) -> dict[str, Any]:
        """Takes a Job, and has it done."""
        name, uid = job["metadata"]["name"], f"uid-{len(self.seen)}"
        self.seen.append(job)
        self.jobs[name] = {**job, "metadata": {**job["metadata"], "uid": uid}, "status": {}}
        if self.end is None:
            Thread(target=self._run, args=(name, uid, job["spec"]["template"]["spec"]["containers"][0])).start()
        else:
            condition, pod = self.end(self, job)
            self._over(name, uid, condition, pod)
        return self.jobs[name]

    def _over(self, name: str, uid: str, condition: dict[str, Any], pod: dict[str, Any] | None) -> None:
        """A Job has ended so."""
        if pod is not None:
            labels = {"batch.kubernetes.io/job-name": name, "batch.kubernetes.io/controller-uid": uid}
            self.pods[uid] = {"metadata": {"name": f"{name}-{uid}", "labels": labels}, "status": pod}
        if name in self.jobs and condition:
            self.jobs[name]["status"] = {"conditions": [{"status": "True", **condition}]}
        self.changed.set()

    def delete(self, name: str) -> None:
        """Removes a Job, and ends what runs of it; its pod stays for a while, as after deletion in the background."""
        del self.jobs[name]
        if name in self._running:
            self._running[name].kill()
        self.changed.set()

    def _run(self, name: str, uid: str, container: dict[str, Any]) -> None:
        told = self.folder / f"{name}.told"
        command = [str(told) if part == TOLD else part.replace("$$", "$") for part in container["command"]]
        assert command[0] == "python"
        process = subprocess.Popen([sys.executable, *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._running[name] = process
        self.logs[f"{name}-{uid}"] = process.communicate()[0]
        message = told.read_text() if told.exists() else ""
        assert len(message.encode()) <= 4096  # as a node cuts it
        ended = terminated(process.returncode, "Error" if process.returncode else "Completed", message)
        self._over(name, uid, {"type": "Failed" if process.returncode else "Complete"}, ended)


def terminated(code: int, reason: str, message: str = "") -> dict[str, Any]:
    """The status of a pod whose container has ended."""
    state = {"exitCode": code, "reason": reason} | ({"message": message} if message else {})
    known = {"name": "script", "image": "i", "imageID": "i", "ready": False, "restartCount": 0}
    return {
        "phase": "Failed" if code else "Succeeded",
        "containerStatuses": [{**known, "state": {"terminated": state}}],
    }


@contextmanager
def serving(folder: Path) -> Iterator[ClusterApi]:
    """The server in threads."""
    api = ClusterApi(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: _Handler(api, *given))
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, api: ClusterApi, *given: Any) -> None:
        self._api = api
        super().__init__(*given)

    def log_message(self, *given: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """Reads, lists and watches."""
        kind, name, asked = self._asked()
        match kind, name:
            case _ if self._api.refuse:
                self._status(self._api.refuse)
            case "jobs", "" if "watch" in asked:
                self._watch(asked["fieldSelector"][0].removeprefix("metadata.name="))
            case "pods", "":
                (label,) = asked["labelSelector"]
                key, _, value = label.partition("=")
                found = [pod for pod in self._api.pods.values() if pod["metadata"]["labels"][key] == value]
                self._json(200, {"items": found})
            case "pods", _:
                log = self._api.logs.get(name.removesuffix("/log"))
                self._status(404) if log is None else self._bytes(200, log[: int(asked["limitBytes"][0])])
            case "networkpolicies", _ if name in self._api.policies:
                self._json(200, self._api.policies[name])
            case _:
                self._status(404)

    def do_POST(self) -> None:
        """Creates."""
        kind, _, _ = self._asked()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = body["metadata"]["name"]
        try:
            if self._api.refuse:
                self._status(self._api.refuse)
            elif kind == "jobs" and name in self._api.jobs:
                self._status(409)
            elif kind == "jobs":
                self._json(201, self._api.create(strict(body, "V1Job")))
            else:
                self._api.policies[name] = strict(body, "V1NetworkPolicy")
                self._json(201, body)
        except ValueError:
            self._status(400)

    def do_DELETE(self) -> None:
        """Removes a Job."""
        _, name, _ = self._asked()
        if name not in self._api.jobs:
            self._status(404)
            return
        self._api.delete(name)
        self._status(200)

    def _asked(self) -> tuple[str, str, dict[str, list[str]]]:
        """Kind, name and query."""
        url = urlsplit(self.path)
        before, _, rest = url.path.partition("/namespaces/sandboxes/")
        kind, _, name = rest.partition("/")
        query = parse_qs(url.query)
        _, _, below = name.partition("/")
        group = before.split("/")[2] if before.startswith("/apis/") else ""
        self._api.asked.add((group, f"{kind}/{below}" if below else kind, self._verb(name, query)))
        return kind, name, query

    def _verb(self, name: str, query: dict[str, list[str]]) -> str:
        """See kubernetes.io/docs/reference/access-authn-authz/authorization: a watch is asked for as a list is."""
        if self.command == "GET" and not name:
            return "watch" if query.get("watch") in (["true"], ["True"], ["1"]) else "list"
        return {"GET": "get", "POST": "create", "DELETE": "delete"}[self.command]

    def _watch(self, name: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        last: Any = None
        for _ in range(600):
            now = self._api.jobs.get(name)
            if now != last:
                kind = "DELETED" if now is None else "ADDED" if last is None else "MODIFIED"
                line = json.dumps({"type": kind, "object": now or last}).encode() + b"\n"
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                self.wfile.flush()
                if now is None:
                    break
                last = json.loads(json.dumps(now))
            time.sleep(0.02)
        self.wfile.write(b"0\r\n\r\n")

    def _status(self, code: int) -> None:
        self._json(code, {"kind": "Status", "code": code})

    def _json(self, code: int, body: Any) -> None:
        self._bytes(code, json.dumps(body).encode())

    def _bytes(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
