"""An institute's authority, and variables of its own, come to every pod that connects to something of the institute.

Programs run with the environment of a pod as it is rendered, and nothing of the machine's, against real servers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from . import institute
from .institute import HOST, PASSWORD, Authority
from .rendering import SETS, Object, objects_of, pod_templates, pods, values_of

BUNDLE = "institute-ca"
ADDED = {
    "extraEnv": [{"name": "PGSSLCERT", "value": "/etc/client/tls.crt"}],
    "extraVolumes": [{"name": "client", "secret": {"secretName": "client"}}],
    "extraVolumeMounts": [{"name": "client", "mountPath": "/etc/client", "readOnly": True}],
}
DATABASE = """
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import load
open_engine(load(JobSettings).database).dispose()
"""
BELL = """
from tellurion_core.jobs.bell import bell_app
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import load
bell_app(load(JobSettings).broker).connection_for_write().default_channel.client.ping()
"""
BROKER = """
import sys
from tellurion_core.jobs.broker import answers
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import load
sys.exit(not answers(load(JobSettings).broker))
"""
LIMITS = """
import asyncio
import os
from tellurion_gateway.limits.allowance import Allowance
from tellurion_gateway.limits.shared import SharedLimiter
async def main():
    limiter = SharedLimiter(os.environ["TELLURION_LIMITS_REDIS"], Allowance(rate=1, burst=1, at_once=1))
    async with limiter.place("navy"):
        await limiter.close()
asyncio.run(main())
"""
KEYS = """
import asyncio
from tellurion_core.settings import load
from tellurion_gateway.identity.jwks import KeySet
from tellurion_gateway.identity.oidc_settings import OidcSettings
settings = load(OidcSettings)
assert asyncio.run(KeySet(settings.jwks_url, settings.jwks_ca).get("first"))
"""
MODEL = """
import asyncio, sys
import httpx
from tellurion_core.endpoints.allowlist import AllowList, ListedTransport
from tellurion_core.endpoints.endpoint import Endpoint
from tellurion_core.endpoints.wire import exchange
async def main():
    transport = ListedTransport(AllowList(["127.0.0.1"]), connections=1)
    async with httpx.AsyncClient(transport=transport) as client:
        reply = await exchange(client, Endpoint(sys.argv[1], "a-model"), b"{}")
    assert reply.text == "42"
asyncio.run(main())
"""
SPAN = """
import os
from tellurion_core.settings import TelemetrySettings, load
from tellurion_core.telemetry import tracer_provider
provider = tracer_provider(load(TelemetrySettings), "ocean")
provider.get_tracer("test").start_span("a span").end()
provider.force_flush(3000)
os._exit(0)  # the exporter would go on trying
"""


@dataclass(frozen=True)
class Institute:
    """Its servers, and the values by which a chart is told of them."""

    values: dict[str, Any]
    bundles: Path
    """Has a folder for each content of the ConfigMap: `ours` with the institute's authority, `others` with another."""
    binaries: Path
    models: str
    redis: Redis
    spans: list[str]

    def run(self, pod: str, *command: str, bundle: str, **differs: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        """Runs a command as a pod would; `differs` has other values of a section."""
        objects = objects_of(self.values | {section: self.values[section] | own for section, own in differs.items()})
        environment = environment_of(objects, pod, self.bundles / bundle)
        environment["PATH"] = f"{Path(sys.executable).parent}:{self.binaries}:/usr/bin:/bin"
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, cwd=self.bundles)


def environment_of(objects: list[Object], pod: str, bundle: Path) -> dict[str, str]:
    """The environment of a pod's only container, where the files of the ConfigMap are those of the folder `bundle`."""
    (spec,) = (template["spec"] for each in objects for name, template in pod_templates(each) if name == pod)
    (container,) = spec["containers"]
    found: dict[str, str] = {}
    maps = {each["metadata"]["name"]: each["data"] for each in objects if each["kind"] == "ConfigMap"}
    for source in container.get("envFrom", ()):
        found |= maps[source["configMapRef"]["name"]]
    for variable in container["env"]:
        found[variable["name"]] = variable.get("value", PASSWORD).replace("$(REDIS_PASSWORD)", PASSWORD)
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    files = {
        f"{mounts[volume['name']]}/{item['path']}": str(bundle / item["key"])
        for volume in spec["volumes"]
        if volume.get("configMap", {}).get("name") == BUNDLE
        for item in volume["configMap"]["items"]
    }
    return {name: files.get(value, value) for name, value in found.items()}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Institute]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        assert not os.environ.get("CI"), "PostgreSQL is not installed"
        pytest.skip("PostgreSQL is not installed")
    authority, other = Authority("an institute"), Authority("another")
    bundles = tmp_path_factory.mktemp("bundles")
    for name, whose in (("ours", authority), ("others", other)):
        (bundles / name).mkdir()
        (bundles / name / "authorities.pem").write_bytes(whose.certificate)
    with ExitStack() as stack:
        # Its user may not enter pytest's folders.
        database = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pg-")))
        database_port = stack.enter_context(institute.postgresql(found[-1], database, authority))
        redis_port, redis = stack.enter_context(institute.redis(tmp_path_factory.mktemp("redis"), authority))
        web = stack.enter_context(institute.web(tmp_path_factory.mktemp("web"), authority))
        collector, spans = stack.enter_context(institute.collector(tmp_path_factory.mktemp("collector"), authority))
        values = {
            "trust": {"existingConfigMap": BUNDLE, "key": "authorities.pem"},
            "database": {
                "host": HOST,
                "port": database_port,
                "name": "postgres",
                "sslMode": "verify-full",
                "trial": {"enabled": False},
            },
            "redis": {"enabled": False, "host": HOST, "port": redis_port, "tls": True},
            "identity": {"oidc": {"issuer": "a", "audience": "tellurion", "jwksUrl": f"https://{HOST}:{web}/keys"}},
            "tracing": {"endpoint": f"https://{HOST}:{collector}"},
            "backup": {"enabled": True, "claim": "backup"},
        }
        yield Institute(values, bundles, found[-1], f"https://{HOST}:{web}/v1", redis, spans)


def python(code: str) -> tuple[str, ...]:
    return ("python", "-c", code)


REACHES = {
    "migration: database": ("Job/tellurion-migration", "python", "-m", "tellurion_core.jobs.migrate"),
    "backup: database": ("CronJob/tellurion-backup", "pg_dump", "--schema-only", "--file=/dev/null"),
    "helm test: database": ("Pod/tellurion-test-reconstruct", *python(DATABASE)),
    "gateway: database": ("Deployment/tellurion-gateway", *python(DATABASE)),
    "gateway: identity provider": ("Deployment/tellurion-gateway", *python(KEYS)),
    "service: bell": ("Deployment/tellurion-ocean", *python(BELL)),
    "worker: database": ("Deployment/tellurion-ocean-worker", *python(DATABASE)),
    "worker: Redis": ("Deployment/tellurion-ocean-worker", *python(BROKER)),
    "worker: language model": ("Deployment/tellurion-agent-worker", *python(MODEL)),
}
"""By who reaches what: the pod, and a command that fails where it is not reached."""


@pytest.mark.slow
@pytest.mark.parametrize("name", REACHES)
def test_what_has_a_certificate_of_the_bundle_is_reached_and_nothing_else_is(name: str, servers: Institute) -> None:
    pod, *command = REACHES[name]
    if "language model" in name:
        command.append(servers.models)
    reached = servers.run(pod, *command, bundle="ours")
    assert reached.returncode == 0, reached.stderr
    assert servers.run(pod, *command, bundle="others").returncode != 0


@pytest.mark.slow
def test_limits_are_shared_by_a_redis_of_the_bundle_alone(servers: Institute) -> None:
    """A gateway that does not reach it limits by itself."""
    for bundle, told in (("others", False), ("ours", True)):
        servers.redis.flushall()
        ran = servers.run("Deployment/tellurion-gateway", *python(LIMITS), bundle=bundle)
        assert ran.returncode == 0, ran.stderr
        assert bool(servers.redis.keys("*navy*")) == told


@pytest.mark.slow
def test_traces_are_sent_to_a_collector_of_the_bundle_alone(servers: Institute) -> None:
    for bundle, sent in (("others", []), ("ours", ["a span"])):
        ran = servers.run("Deployment/tellurion-ocean", *python(SPAN), bundle=bundle)
        assert ran.returncode == 0, ran.stderr
        assert servers.spans == sent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "bundle", "reached"),
    [
        ("require", "ours", True),
        ("require", "others", False),
        ("verify-ca", "ours", True),
        ("verify-ca", "others", False),
        ("verify-full", "ours", False),
    ],
)
def test_a_database_of_another_name_is_refused_in_verify_full_and_of_another_authority_always(
    mode: str, bundle: str, reached: bool, servers: Institute
) -> None:
    """The certificate is for 127.0.0.1."""
    pod, *command = REACHES["migration: database"]
    ran = servers.run(pod, *command, bundle=bundle, database={"sslMode": mode, "host": "localhost"})
    assert (ran.returncode == 0) == reached, ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["service: bell", "worker: Redis"])
def test_a_redis_of_another_name_is_refused(name: str, servers: Institute) -> None:
    pod, *command = REACHES[name]
    assert servers.run(pod, *command, bundle="ours", redis={"host": "localhost"}).returncode != 0


def added(template: Object) -> tuple[bool, bool, bool]:
    """Whether each of a pod's containers has the added variable and the mount, and the pod the volume."""
    containers = template["spec"]["containers"]
    return (
        all(ADDED["extraEnv"][0] in container["env"] for container in containers),
        all(ADDED["extraVolumeMounts"][0] in container["volumeMounts"] for container in containers),
        ADDED["extraVolumes"][0] in template["spec"]["volumes"],
    )


def test_what_defaults_add_comes_to_every_pod_of_ours() -> None:
    values = values_of("institute") | {"defaults": ADDED, "services": {}, "serving": {}}
    found = {name: added(template) for each in objects_of(values) for name, template in pod_templates(each)}
    assert found.pop("StatefulSet/tellurion-redis") == (False, False, False)
    assert {"Job/tellurion-migration", "CronJob/tellurion-backup", "Pod/tellurion-test-health"} <= found.keys()
    assert set(found.values()) == {(True, True, True)}


@pytest.mark.parametrize("name", SETS)
def test_a_bundle_is_mounted_read_only_where_it_is_named(name: str) -> None:
    trusting = set()
    for pod, template in pods(name):
        (container, *_) = template["spec"]["containers"]
        named = [
            variable["name"]
            for variable in container.get("env", ())
            if "/etc/tellurion/trust/" in variable.get("value", "")
        ]
        mounts = [mount for mount in container["volumeMounts"] if mount["mountPath"] == "/etc/tellurion/trust"]
        if named or mounts:
            assert named == ["SSL_CERT_FILE", "PGSSLROOTCERT", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"], pod
            assert mounts == [{"name": "trust", "mountPath": "/etc/tellurion/trust", "readOnly": True}], pod
            trusting.add(pod.partition("/")[0])
    assert trusting == ({"CronJob", "Deployment", "Job", "Pod", "RayService"} if name == "institute" else set())
