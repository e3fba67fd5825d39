"""A Kubernetes API server as far as Helm sees one: objects in memory, discovery, and hooks that end at once.

It keeps what it is sent and answers with it. It admits everything, runs nothing, and says of Jobs that they are
complete and of pods of hooks that they succeeded, unless told that those of a name fail. It speaks JSON alone: Helm
would send its own records, Secrets, as protobuf, and keeps them in its memory instead.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]

RESOURCES: dict[str, dict[str, str]] = {
    "v1": {
        "configmaps": "ConfigMap",
        "namespaces": "Namespace",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "persistentvolumes": "PersistentVolume",
        "pods": "Pod",
        "resourcequotas": "ResourceQuota",
        "secrets": "Secret",
        "serviceaccounts": "ServiceAccount",
        "services": "Service",
    },
    "apps/v1": {"deployments": "Deployment", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet"},
    "autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "batch/v1": {"cronjobs": "CronJob", "jobs": "Job"},
    "cert-manager.io/v1": {"certificates": "Certificate"},
    "gateway.networking.k8s.io/v1": {"grpcroutes": "GRPCRoute", "httproutes": "HTTPRoute"},
    "keda.sh/v1alpha1": {"scaledobjects": "ScaledObject", "triggerauthentications": "TriggerAuthentication"},
    "monitoring.coreos.com/v1": {"prometheusrules": "PrometheusRule", "servicemonitors": "ServiceMonitor"},
    "networking.k8s.io/v1": {"ingresses": "Ingress", "networkpolicies": "NetworkPolicy"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "ray.io/v1": {"rayservices": "RayService"},
    "rbac.authorization.k8s.io/v1": {"rolebindings": "RoleBinding", "roles": "Role"},
    "scheduling.k8s.io/v1": {"priorityclasses": "PriorityClass"},
}
"""Kind by plural, by version."""
WATCH_SECONDS = 60.0
OF_THE_CLUSTER = {"namespaces", "persistentvolumes", "priorityclasses"}


@dataclass(frozen=True)
class Asked:
    """A request that changes something."""

    verb: str
    """create, patch, replace or delete."""
    kind: str
    name: str
    namespace: str
    body: Any = field(compare=False, repr=False, default=None)


class ApiServer:
    """The server, from `with` to its end."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        """By kind, namespace and name."""
        self.asked: list[Asked] = []
        """What was asked for, in order."""
        self.failing: set[str] = set()
        """Names of Jobs and pods that fail."""
        self.events: list[tuple[str, Object]] = []
        """What watchers are told, in order: how an object changed, and the object."""
        self.changed = threading.Condition()
        self._version = 1
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_of": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> ApiServer:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def kubeconfig(self, namespace: str) -> str:
        """By which a client finds it."""
        cluster = {"name": "here", "cluster": {"server": self.url}}
        context = {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": namespace}}
        user = {"name": "me", "user": {}}
        whole = {"apiVersion": "v1", "kind": "Config", "current-context": "here"}
        return json.dumps({**whole, "clusters": [cluster], "contexts": [context], "users": [user]})

    def put(self, kind: str, namespace: str, name: str, body: Object, verb: str) -> Object:
        """Keeps an object."""
        with self.changed:
            self._version += 1
            known = self.objects.get((kind, namespace, name), {})
            metadata = {
                "uid": str(uuid.uuid4()),
                "creationTimestamp": "2026-01-01T00:00:00Z",
                **known.get("metadata", {}),
            }
            metadata |= body.get("metadata", {})
            metadata |= {"resourceVersion": str(self._version), "generation": 1}
            if namespace:
                metadata["namespace"] = namespace
            kept = {**body, "metadata": metadata}
            if (status := self._status(kind, name)) is not None:
                kept["status"] = status
            self._tell("MODIFIED" if known else "ADDED", kept)
            self.objects[kind, namespace, name] = kept
            self.asked.append(Asked(verb, kind, name, namespace, body))
            return kept

    def drop(self, kind: str, namespace: str, name: str) -> None:
        """Forgets an object."""
        with self.changed:
            self._tell("DELETED", self.objects.pop((kind, namespace, name)))
            self.asked.append(Asked("delete", kind, name, namespace))

    def _tell(self, how: str, object: Object) -> None:
        self.events.append((how, object))
        self.changed.notify_all()

    def _status(self, kind: str, name: str) -> Object | None:
        failed = name in self.failing
        if kind == "Job":
            type_ = "Failed" if failed else "Complete"
            return {"conditions": [{"type": type_, "status": "True"}], "failed" if failed else "succeeded": 1}
        if kind == "Pod":
            return {"phase": "Failed" if failed else "Succeeded"}
        return None


class _Handler(BaseHTTPRequestHandler):
    server_of: ApiServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        if (found := _discovered(url.path)) is not None:
            self._answer(200, found)
            return
        version, space, plural, name = _located(url.path)
        kind = RESOURCES.get(version, {}).get(plural)
        if kind is None:
            self._missing(plural, name)
        elif name:
            known = self.server_of.objects.get((kind, space, name))
            self._answer(200, known) if known is not None else self._missing(plural, name)
        elif query.get("watch") in ("true", "1"):
            self._watch(kind, space, query)
        else:
            items = list(self._selected(kind, space, query))
            self._answer(
                200,
                {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": items},
            )

    def do_POST(self) -> None:
        body = self._body()
        version, space, plural, _ = _located(urlsplit(self.path).path)
        kind, name = RESOURCES[version][plural], body["metadata"]["name"]
        if (kind, space, name) in self.server_of.objects:
            self._status(409, "AlreadyExists", f'{plural} "{name}" already exists')
        else:
            self._answer(201, self.server_of.put(kind, space, name, body, "create"))

    def do_PUT(self) -> None:
        version, space, plural, name = _located(urlsplit(self.path).path)
        self._answer(200, self.server_of.put(RESOURCES[version][plural], space, name, self._body(), "replace"))

    def do_PATCH(self) -> None:
        body, known_kinds = self._body(), RESOURCES
        version, space, plural, name = _located(urlsplit(self.path).path)
        kind = known_kinds[version][plural]
        known = self.server_of.objects.get((kind, space, name))
        applied = self.headers["Content-Type"].startswith("application/apply-patch")
        if known is None and not applied:
            self._missing(plural, name)
            return
        verb = "create" if known is None else "patch"
        whole = body if known is None or applied else _merged(known, body)
        self._answer(201 if known is None else 200, self.server_of.put(kind, space, name, whole, verb))

    def do_DELETE(self) -> None:
        self._body()
        version, space, plural, name = _located(urlsplit(self.path).path)
        kind = RESOURCES[version][plural]
        if (kind, space, name) not in self.server_of.objects:
            self._missing(plural, name)
            return
        self.server_of.drop(kind, space, name)
        self._answer(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def _selected(self, kind: str, space: str, query: Mapping[str, str]) -> Iterator[Object]:
        for (of, _, _), object in list(self.server_of.objects.items()):
            if of == kind and _fits(object, space, query):
                yield object

    def _watch(self, kind: str, space: str, query: Mapping[str, str]) -> None:
        """What is there, that this was all, and then what changes, until the client goes."""
        told = len(self.server_of.events)
        present = list(self._selected(kind, space, query)) if query.get("sendInitialEvents") == "true" else []
        end = {"annotations": {"k8s.io/initial-events-end": "true"}, "resourceVersion": str(told + 1)}
        version = next(version for version, kinds in RESOURCES.items() if kind in kinds.values())
        bookmark = {"kind": kind, "apiVersion": version, "metadata": end}
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):
            for object in present:
                self._event("ADDED", object)
            self._event("BOOKMARK", bookmark)
            until = time.monotonic() + WATCH_SECONDS
            while time.monotonic() < until:
                with self.server_of.changed:
                    self.server_of.changed.wait_for(lambda seen=told: len(self.server_of.events) > seen, timeout=0.2)
                    news, told = self.server_of.events[told:], len(self.server_of.events)
                for how, object in news:
                    if object["kind"] == kind and _fits(object, space, query):
                        self._event(how, object)

    def _event(self, how: str, object: Object) -> None:
        self.wfile.write(f"{json.dumps({'type': how, 'object': object})}\n".encode())

    def _body(self) -> Any:
        read = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return json.loads(read) if read else {}

    def _missing(self, plural: str, name: str) -> None:
        self._status(404, "NotFound", f'{plural} "{name}" not found')

    def _status(self, code: int, reason: str, message: str) -> None:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
        self._answer(code, {**status, "code": code})

    def _answer(self, code: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _fits(object: Object, space: str, query: Mapping[str, str]) -> bool:
    """Whether an object is in this namespace, and what selectors of labels and of its name ask for."""
    metadata = object["metadata"]
    labels, fields = (_pairs(query.get(f"{of}Selector", "")) for of in ("label", "field"))
    here = (
        space in ("", metadata.get("namespace", ""))
        and fields.get("metadata.name", metadata["name"]) == metadata["name"]
    )
    return here and all((metadata.get("labels") or {}).get(key) == value for key, value in labels.items())


def _pairs(selector: str) -> dict[str, str]:
    return dict(part.replace("==", "=").split("=", 1) for part in selector.split(",") if "=" in part)


def _located(path: str) -> tuple[str, str, str, str]:
    """Version, namespace, plural and name of a path."""
    parts = path.strip("/").split("/")
    version, rest = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
    space = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        space, rest = rest[1], rest[2:]
    return version, space, rest[0], rest[1] if len(rest) > 1 else ""


def _discovered(path: str) -> Object | None:
    """What there is, as clients ask for it; None where the path is an object's."""
    match path.strip("/").split("/"):
        case ["version"]:
            return {"major": "1", "minor": "34", "gitVersion": "v1.34.0", "platform": "linux/amd64"}
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(v) for v in RESOURCES if "/" in v]}
        case ["api", "v1"]:
            return _resources("v1")
        case ["apis", group, version] if f"{group}/{version}" in RESOURCES:
            return _resources(f"{group}/{version}")
        case ["openapi", "v3"]:
            return {"paths": {_api(v): {"serverRelativeURL": f"/openapi/v3/{_api(v)}"} for v in RESOURCES}}
        case ["openapi", "v3", *api]:
            return _openapi("/".join(api))
    return None


def _api(version: str) -> str:
    return f"apis/{version}" if "/" in version else f"api/{version}"


def _group(version: str) -> Object:
    group, _, number = version.partition("/")
    each = {"groupVersion": version, "version": number}
    return {"name": group, "versions": [each], "preferredVersion": each}


def _resources(version: str) -> Object:
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    listed = [
        {
            "name": plural,
            "singularName": kind.lower(),
            "namespaced": plural not in OF_THE_CLUSTER,
            "kind": kind,
            "verbs": verbs,
        }
        for plural, kind in RESOURCES[version].items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": listed}


def _openapi(api: str) -> Object:
    """That the server itself checks fields, where it is asked to."""
    version = api.partition("/")[2]
    group, _, number = version.rpartition("/")
    parameters = [{"name": "fieldValidation", "in": "query"}]
    paths = {
        f"/{api}/namespaces/{{namespace}}/{plural}/{{name}}": {
            "patch": {
                "parameters": parameters,
                "x-kubernetes-group-version-kind": {"group": group, "version": number, "kind": kind},
            }
        }
        for plural, kind in RESOURCES.get(version, {}).items()
    }
    return {"openapi": "3.0.0", "info": {"title": "emulated", "version": "1"}, "paths": paths}


def _merged(known: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    whole = dict(known) if isinstance(known, dict) else {}
    for key, value in patch.items():
        if value is None:
            whole.pop(key, None)
        else:
            whole[key] = _merged(whole.get(key), value)
    return whole
