"""What values say is found in the objects, at its place: a table of values, object, path and what is to stand there."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml

from .rendering import Object, named, objects_of, pod_templates

AGENT, SPLAT, OCEAN_CUDA = (f"sha256:{digit * 64}" for digit in "123")
PLACED: dict[str, Any] = yaml.safe_load("""
nodeSelector: {pool: earth}
tolerations: [{key: spot, operator: Exists}]
podLabels: {team: deep}
podAnnotations: {note: sea}
affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [
  {weight: 1, podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {noisy: "yes"}}}}]}}
""")
GPU_TOLERATION = {"key": "accelerator", "operator": "Exists"}

RAY: dict[str, Any] = yaml.safe_load("""
image:
  registry: images.example.org/earth/
  tag: "9.9"
  pullPolicy: Always
  pullSecrets: [{name: pull}]
defaults:
  startSeconds: 50
  tmpSize: 3Gi
  shmSize: 2Gi
  autoscaling: {enabled: true, minReplicas: 3, maxReplicas: 5, targetCPUUtilizationPercentage: 55}
workerDefaults:
  autoscaling: {enabled: true, minReplicas: 1, maxReplicas: 7, pollingSeconds: 11, cooldownSeconds: 222}
services:
  ocean: {gpus: 1, worker: {gpus: 2}}
  benchmark: {priorityClassName: urgent}
gpu: {resource: example.org/gpu, runtimeClassName: nvidia}
gateway:
  service: {type: NodePort, port: 8088, annotations: {a: b}}
  route:
    enabled: true
    parentRefs: [{name: public, namespace: gateways}]
    hostnames: [earth.example.org]
    grpcDomain: grpc.example.org
identity:
  existingSecret: who
  oidc:
    issuer: https://login.example.org
    audience: earth
    jwksUrl: https://login.example.org/keys
    tenantClaim: organisation
    roleClaim: duty
database: {host: db.example.org, port: 5433, name: works, user: clerk, existingSecret: db, trial: {enabled: false}}
redis: {enabled: false, host: bell.example.org, port: 6390, tls: true, existingSecret: bell}
storage: {size: 3Ti, storageClassName: shared, accessMode: ReadWriteOnce}
serving:
  mode: ray
  ray:
    version: 2.61.0
    upgradeStrategy: None
    autoscaler: {enabled: true}
    workerGroups:
      - {name: cpu, minReplicas: 2, maxReplicas: 4, resources: &resources {limits: {cpu: "2", memory: 4Gi}}}
      - {name: gpu, minReplicas: 0, maxReplicas: 3, resources: *resources, gpus: 2, services: [ocean]}
sandbox:
  mode: kubernetes
  namespace: scripts
  runtimeClassName: kata
  cpus: 3
  quota: {requests.cpu: "5"}
  claim: files
  volume: {nfs: {server: files.example.org, path: /earth}}
priorityClasses: {enabled: true, interactive: 70, batch: 30}
backup: {enabled: true, schedule: "5 4 * * *", claim: dumps, days: 9, seconds: 99}
metrics: {serviceMonitor: {enabled: true, interval: 17s, labels: {release: watch}}}
logLevel: WARNING
""")
RAY["defaults"] |= PLACED
RAY["image"]["digests"] = {"agent": AGENT, "splat": SPLAT, "ocean-cuda": OCEAN_CUDA}
RAY["gpu"]["tolerations"] = [GPU_TOLERATION]

TRITON: dict[str, Any] = yaml.safe_load("""
image: {tag: "9.8", pullSecrets: [{name: pull}], mirror: mirror.example.org/}
defaults: {startSeconds: 50}
workerDefaults: {autoscaling: {enabled: true}}
services: {ocean: {replicas: 4}}
gpu: {runtimeClassName: nvidia}
gateway:
  service: {port: 8089}
  ingress: {enabled: true, className: traefik, hosts: [earth.example.org], tls: true}
tls:
  secretName: edge
  certificate: {enabled: true, issuerRef: {name: institute, kind: Issuer}, dnsNames: [earth.example.org]}
database:
  trial: {size: 7Gi, storageClassName: fast, user: 70, image: {tag: "17.9"}}
redis: {size: 3Gi, storageClassName: quick, user: 71, maxMemory: 500mb, image: {tag: "7.9"}}
storage: {size: 2Ti, keep: false, volume: {nfs: {server: files.example.org, path: /earth}}}
serving:
  mode: triton
  triton: {replicas: 2, gpus: 1, instances: 3}
priorityClasses: {enabled: true}
""")
TRITON["defaults"] |= PLACED
RAY_CHANGED = deepcopy(RAY)
RAY_CHANGED["image"]["tag"] = "9.10"
RAY_CHANGED["services"]["ocean"] |= {"settings": {"MAX_CALL_SECONDS": "99"}, "podLabels": {"year": "second"}}
RAY_CHANGED["serving"]["ray"]["models"] = {"pointcloud_detect": {"num_cpus": 0.5}}
GIVEN = {"ray": RAY, "triton": TRITON, "ray changed": RAY_CHANGED}

POD = "spec template spec"
CLUSTER = "spec rayClusterConfig"
HEAD = f"{CLUSTER} headGroupSpec"
CPU_GROUP, GPU_GROUP = (f"{CLUSTER} workerGroupSpecs {number}" for number in (0, 1))
JOB = "spec jobTemplate spec"
OCEAN, GATEWAY, WORKER = f"{POD} containers ocean", f"{POD} containers gateway", f"{POD} containers splat"
TRITON_CONTAINER = f"{POD} containers triton"
BUSY = {"type": "Utilization", "averageUtilization": 55}
BELL = "rediss://:$(REDIS_PASSWORD)@bell.example.org:6390/0"
DATABASE = "postgresql://clerk@db.example.org:5433/works?sslmode=require"

TABLE: dict[str, dict[str, dict[str, Any]]] = {
    "ray": {
        # Who may run something, and read secrets.
        "RayService/tellurion-ocean": {
            f"{CLUSTER} authOptions": {"mode": "token"},
            f"{CLUSTER} gcsFaultToleranceOptions redisAddress": "rediss://bell.example.org:6390",
            f"{CLUSTER} gcsFaultToleranceOptions redisPassword valueFrom secretKeyRef": {
                "name": "bell",
                "key": "password",
            },
            f"{CLUSTER} rayVersion": "2.61.0",
            "spec upgradeStrategy": {"type": "None"},
            f"{HEAD} rayStartParams": {
                "num-cpus": "0",
                "num-gpus": "0",
                "dashboard-host": "0.0.0.0",
                "object-store-memory": "1932735283",
            },
            f"{HEAD} template spec securityContext fsGroup": 65532,
            f"{HEAD} template spec containers 0 startupProbe failureThreshold": 10,
            f"{HEAD} template spec containers 0 image": "images.example.org/earth/tellurion-ocean:9.9",
            f"{CPU_GROUP} replicas": 2,
            f"{CPU_GROUP} minReplicas": 2,
            f"{CPU_GROUP} maxReplicas": 4,
            f"{GPU_GROUP} replicas": 0,
            f"{GPU_GROUP} maxReplicas": 3,
            f"{GPU_GROUP} rayStartParams resources": '"{\\"front\\": 1}"',
            f"{GPU_GROUP} template spec containers 0 image": f"images.example.org/earth/tellurion-ocean@{OCEAN_CUDA}",
            f"{GPU_GROUP} template spec containers 0 startupProbe failureThreshold": 100,
            f"{GPU_GROUP} template spec containers 0 resources limits example.org/gpu": "2",
        },
        "Namespace/scripts": {
            "metadata labels pod-security.kubernetes.io/enforce": "restricted",
            "metadata labels pod-security.kubernetes.io/enforce-version": "latest",
        },
        "ResourceQuota/tellurion-sandbox": {
            "metadata namespace": "scripts",
            "spec hard": {"requests.cpu": "5", "requests.memory": "64Gi", "count/jobs.batch": "64"},
        },
        "RoleBinding/tellurion-sandbox": {
            "metadata namespace": "scripts",
            "subjects": [{"kind": "ServiceAccount", "name": "tellurion-agent-worker", "namespace": "earth"}],
            "roleRef name": "tellurion-sandbox",
        },
        "Role/tellurion-sandbox": {
            "metadata namespace": "scripts",
            "rules 0": {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "watch"]},
            "rules 1": {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
            "rules 2": {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
            "rules 3 resourceNames": ["tellurion-sandbox"],
            "rules 3 verbs": ["get"],
        },
        "ConfigMap/tellurion-agent-worker": {
            "data TELLURION_AGENT_SANDBOX": "kubernetes",
            "data TELLURION_AGENT_KUBERNETES_RUNTIME_CLASS": "kata",
            "data TELLURION_AGENT_KUBERNETES_NAMESPACE": "scripts",
            "data TELLURION_AGENT_KUBERNETES_CLAIMS": "files=/var/lib/tellurion",
            "data TELLURION_AGENT_KUBERNETES_CPUS": "3",
            "data TELLURION_AGENT_KUBERNETES_IMAGE": f"images.example.org/earth/tellurion-agent@{AGENT}",
        },
        "ServiceAccount/tellurion-agent-worker": {"automountServiceAccountToken": False},
        "ConfigMap/tellurion-gateway": {
            "data TELLURION_OIDC_ISSUER": "https://login.example.org",
            "data TELLURION_OIDC_AUDIENCE": "earth",
            "data TELLURION_OIDC_JWKS_URL": "https://login.example.org/keys",
            "data TELLURION_OIDC_TENANT_CLAIM": "organisation",
            "data TELLURION_OIDC_ROLE_CLAIM": "duty",
            "data TELLURION_JOBS_DATABASE": DATABASE,
            "data TELLURION_LOG_LEVEL": "WARNING",
        },
        "Deployment/tellurion-gateway": {
            f"{POD} volumes identity secret secretName": "who",
            f"{POD} volumes identity secret defaultMode": 0o440,
            f"{POD} securityContext fsGroup": 65532,
            f"{GATEWAY} volumeMounts identity readOnly": True,
            f"{GATEWAY} env TELLURION_LIMITS_REDIS value": BELL,
            f"{GATEWAY} env REDIS_PASSWORD valueFrom secretKeyRef": {"name": "bell", "key": "password"},
            f"{GATEWAY} env PGPASSWORD valueFrom secretKeyRef": {"name": "db", "key": "password"},
            f"{GATEWAY} startupProbe httpGet path": "/healthz",
            f"{GATEWAY} livenessProbe httpGet path": "/healthz",
            f"{GATEWAY} readinessProbe httpGet path": "/readyz",
            f"{GATEWAY} startupProbe failureThreshold": 10,
            f"{GATEWAY} image": "images.example.org/earth/tellurion-gateway:9.9",
        },
        "CronJob/tellurion-backup": {
            "spec schedule": "5 4 * * *",
            "spec concurrencyPolicy": "Forbid",
            f"{JOB} activeDeadlineSeconds": 99,
            f"{JOB} template spec securityContext fsGroup": 65532,
            f"{JOB} template spec volumes state persistentVolumeClaim": {
                "claimName": "tellurion-state",
                "readOnly": True,
            },
            f"{JOB} template spec volumes backup persistentVolumeClaim": {"claimName": "dumps"},
            f"{JOB} template spec containers backup volumeMounts state readOnly": True,
            f"{JOB} template spec containers backup env KEEP_DAYS value": "9",
            f"{JOB} template spec containers backup env PGHOST value": "db.example.org",
            f"{JOB} template spec containers backup env PGPORT value": "5433",
            f"{JOB} template spec containers backup env PGPASSWORD valueFrom secretKeyRef name": "db",
        },
        "PersistentVolume/tellurion-earth-sandbox": {
            "spec persistentVolumeReclaimPolicy": "Retain",
            "spec accessModes": ["ReadWriteOnce"],
            "spec nfs": {"server": "files.example.org", "path": "/earth"},
        },
        "PersistentVolumeClaim/files": {
            "metadata namespace": "scripts",
            "spec volumeName": "tellurion-earth-sandbox",
            "spec storageClassName": "",
        },
        # Where things run, and how they are replaced and multiplied.
        "PersistentVolumeClaim/tellurion-state": {
            "spec storageClassName": "shared",
            "spec accessModes": ["ReadWriteOnce"],
            "spec resources requests storage": "3Ti",
            "metadata annotations helm.sh/resource-policy": "keep",
        },
        "Deployment/tellurion-ocean": {
            f"{OCEAN} image": f"images.example.org/earth/tellurion-ocean@{OCEAN_CUDA}",
            f"{OCEAN} startupProbe failureThreshold": 100,
            f"{OCEAN} resources limits example.org/gpu": "1",
            f"{OCEAN} env TELLURION_JOBS_BROKER value": BELL,
            f"{POD} volumes identity secret defaultMode": 0o440,
        },
        "Deployment/tellurion-ocean-worker": {
            f"{OCEAN} startupProbe failureThreshold": 100,
            f"{OCEAN} resources requests example.org/gpu": "2",
        },
        "Deployment/tellurion-splat-worker": {
            f"{WORKER} image": f"images.example.org/earth/tellurion-splat@{SPLAT}",
            f"{WORKER} startupProbe failureThreshold": 10,
            f"{POD} volumes tmp emptyDir": {"sizeLimit": "3Gi"},
            f"{POD} volumes shm emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"},
        },
        "Deployment/tellurion-benchmark": {f"{POD} priorityClassName": "urgent"},
        "HorizontalPodAutoscaler/tellurion-splat": {
            "spec minReplicas": 3,
            "spec maxReplicas": 5,
            "spec metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": BUSY}}],
        },
        "ScaledObject/tellurion-splat-worker": {
            "spec minReplicaCount": 1,
            "spec maxReplicaCount": 7,
            "spec pollingInterval": 11,
            "spec cooldownPeriod": 222,
            "spec triggers 0 metadata host": "db.example.org",
        },
        "TriggerAuthentication/tellurion-database": {
            "spec secretTargetRef": [{"parameter": "password", "name": "db", "key": "password"}],
        },
        "PriorityClass/tellurion-earth-interactive": {"value": 70},
        "PriorityClass/tellurion-earth-batch": {"value": 30},
        # How it is reached and watched.
        "Service/tellurion-gateway": {
            "spec type": "NodePort",
            "spec ports": [{"name": "http", "port": 8088, "targetPort": "http"}],
            "metadata annotations": {"a": "b"},
        },
        "HTTPRoute/tellurion-gateway": {
            "spec parentRefs": [{"name": "public", "namespace": "gateways"}],
            "spec hostnames": ["earth.example.org"],
            "spec rules": [
                {"backendRefs": [{"name": "tellurion-gateway", "port": 8088}], "timeouts": {"request": "0s"}}
            ],
        },
        "GRPCRoute/tellurion-ocean": {
            "spec parentRefs": [{"name": "public", "namespace": "gateways"}],
            "spec hostnames": ["ocean.grpc.example.org"],
            "spec rules": [{"backendRefs": [{"name": "tellurion-ocean", "port": 50051}]}],
        },
        "ServiceMonitor/tellurion-metrics": {
            "spec endpoints 0 interval": "17s",
            "metadata labels release": "watch",
        },
    },
    "triton": {
        "Deployment/tellurion-triton": {
            "spec replicas": 2,
            f"{TRITON_CONTAINER} image": "tellurion-triton:9.8-cuda",
            f"{TRITON_CONTAINER} startupProbe httpGet": {"path": "/v2/health/live", "port": "http"},
            f"{TRITON_CONTAINER} livenessProbe httpGet": {"path": "/v2/health/live", "port": "http"},
            f"{TRITON_CONTAINER} readinessProbe httpGet": {"path": "/v2/health/ready", "port": "http"},
            f"{TRITON_CONTAINER} startupProbe failureThreshold": 100,
            f"{TRITON_CONTAINER} resources limits nvidia.com/gpu": "1",
            f"{POD} initContainers repository command 4": "--instances=3",
            f"{POD} securityContext fsGroup": 65532,
        },
        "Deployment/tellurion-ocean": {"spec replicas": 4},
        "PodDisruptionBudget/tellurion-ocean": {"spec maxUnavailable": 1},
        "Ingress/tellurion-gateway": {
            "spec ingressClassName": "traefik",
            "spec tls": [{"secretName": "edge", "hosts": ["earth.example.org"]}],
            "spec rules 0 host": "earth.example.org",
            "spec rules 0 http paths 0 backend service": {"name": "tellurion-gateway", "port": {"number": 8089}},
        },
        "Certificate/tellurion-gateway": {
            "spec secretName": "edge",
            "spec dnsNames": ["earth.example.org"],
            "spec issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": "institute"},
        },
        "Service/tellurion-gateway": {"spec ports 0 port": 8089},
        "PersistentVolume/tellurion-earth-state": {
            "spec persistentVolumeReclaimPolicy": "Retain",
            "spec capacity storage": "2Ti",
            "spec accessModes": ["ReadWriteMany"],
        },
        "PersistentVolumeClaim/tellurion-state": {
            "spec volumeName": "tellurion-earth-state",
            "spec storageClassName": "",
            "spec accessModes": ["ReadWriteMany"],
        },
        "StatefulSet/tellurion-postgresql": {
            "spec persistentVolumeClaimRetentionPolicy whenDeleted": "Delete",
            "spec volumeClaimTemplates 0 spec storageClassName": "fast",
            "spec volumeClaimTemplates 0 spec resources requests storage": "7Gi",
            f"{POD} securityContext runAsUser": 70,
            f"{POD} containers postgresql image": "mirror.example.org/library/postgres:17.9",
        },
        "StatefulSet/tellurion-redis": {
            "spec volumeClaimTemplates 0 spec storageClassName": "quick",
            "spec volumeClaimTemplates 0 spec resources requests storage": "3Gi",
            f"{POD} securityContext runAsUser": 71,
            f"{POD} containers redis image": "mirror.example.org/library/redis:7.9",
            f"{POD} containers redis args 5": "500mb",
        },
        "Deployment/tellurion-gateway": {
            f"{GATEWAY} env TELLURION_LIMITS_REDIS value": "redis://:$(REDIS_PASSWORD)@tellurion-redis:6379/0",
        },
        "ScaledObject/tellurion-splat-worker": {"spec triggers 0 metadata host": "tellurion-postgresql.earth.svc"},
    },
}
"""By values, by object: what stands at a path. Spaces part its steps; entries of lists have their name, or a number."""


@pytest.fixture(scope="module")
def objects() -> dict[str, list[Object]]:
    """What each of the values renders."""
    return {name: objects_of(values) for name, values in GIVEN.items()}


def found(object: Any, path: str) -> Any:
    for step in path.split():
        if isinstance(object, list):
            object = object[int(step)] if step.isdigit() else next(each for each in object if each["name"] == step)
        else:
            object = object[step]
    return object


def rows() -> Iterator[Any]:
    for values, of in TABLE.items():
        for object, stands in of.items():
            for path, expected in stands.items():
                yield pytest.param(values, object, path, expected, id=f"{values}: {object} {path}")


@pytest.mark.parametrize(("values", "name", "path", "expected"), list(rows()))
def test_what_values_say_stands_at_its_place(
    objects: dict[str, list[Object]], values: str, name: str, path: str, expected: Any
) -> None:
    (object,) = (each for each in objects[values] if named(each) == name)
    assert found(object, path) == expected


def running(objects: list[Object]) -> dict[str, Object]:
    """Pods of what stays, without PostgreSQL's and Redis's, by name."""
    return {
        pod.partition("/tellurion-")[2]: template
        for object in objects
        if object["kind"] in ("Deployment", "RayService")
        for pod, template in pod_templates(object)
    }


def has_gpus(spec: Object) -> bool:
    return any(resource.endswith("/gpu") for each in spec["containers"] for resource in each["resources"]["limits"])


@pytest.mark.parametrize(
    ("values", "accelerated"),
    [("ray", {"ocean", "ocean-worker", "ocean/gpu"}), ("triton", {"triton"})],
)
def test_pods_go_where_values_say(objects: dict[str, list[Object]], values: str, accelerated: set[str]) -> None:
    for pod, template in running(objects[values]).items():
        spec, metadata = template["spec"], template["metadata"]
        assert metadata["labels"].items() >= PLACED["podLabels"].items(), pod
        assert metadata["annotations"].items() >= PLACED["podAnnotations"].items(), pod
        assert spec["nodeSelector"] == PLACED["nodeSelector"], pod
        assert spec["affinity"] == PLACED["affinity"], pod
        gpu = GPU_TOLERATION if values == "ray" else {**GPU_TOLERATION, "key": "nvidia.com/gpu", "effect": "NoSchedule"}
        assert spec["tolerations"] == [*PLACED["tolerations"], *([gpu] if pod in accelerated else [])], pod
        assert spec.get("runtimeClassName") == ("nvidia" if pod in accelerated else None), pod
        assert has_gpus(spec) == (pod in accelerated), pod


@pytest.mark.parametrize("values", ["ray", "triton"])
def test_who_waits_for_an_answer_comes_before_long_work(objects: dict[str, list[Object]], values: str) -> None:
    for pod, template in running(objects[values]).items():
        use = "batch" if pod.endswith("-worker") else "interactive"
        given = template["spec"]["priorityClassName"]
        assert given == f"tellurion-earth-{use}" or (values, pod, given) == ("ray", "benchmark", "urgent"), pod


@pytest.mark.parametrize("values", ["ray", "triton"])
def test_pods_of_a_deployment_are_spread_over_nodes(objects: dict[str, list[Object]], values: str) -> None:
    for object in objects[values]:
        if object["kind"] == "Deployment":
            (spread,) = object["spec"]["template"]["spec"]["topologySpreadConstraints"]
            assert spread["labelSelector"] == object["spec"]["selector"], named(object)
            assert (spread["topologyKey"], spread["maxSkew"]) == ("kubernetes.io/hostname", 1), named(object)
            assert spread["whenUnsatisfiable"] == "ScheduleAnyway", named(object)


@pytest.mark.parametrize(("values", "policy"), [("ray", "Always"), ("triton", "IfNotPresent")])
def test_every_image_is_pulled_as_values_say(objects: dict[str, list[Object]], values: str, policy: str) -> None:
    pods = [pod for object in objects[values] for pod in pod_templates(object)]
    assert pods
    for name, template in pods:
        assert template["spec"]["imagePullSecrets"] == [{"name": "pull"}], name
        for container in (*template["spec"].get("initContainers", ()), *template["spec"]["containers"]):
            assert container["imagePullPolicy"] == policy, name


def test_pods_are_new_where_their_settings_are_and_nowhere_else(objects: dict[str, list[Object]]) -> None:
    """The other tag, and labels of pods, are no settings."""
    before, after = (
        {
            pod: template["metadata"]["annotations"]["checksum/settings"]
            for pod, template in running(objects[values]).items()
        }
        for values in ("ray", "ray changed")
    )
    changed = {pod for pod in before if before[pod] != after[pod]}
    assert changed == {"ocean", "ocean-worker", "pointcloud/head", "pointcloud/cpu"}
