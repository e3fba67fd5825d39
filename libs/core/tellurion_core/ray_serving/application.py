"""Starts and stops the Ray Serve application: a deployment a model, each an application of its own, and fronts.

Fronts are an application too, so that they can be drained while the models still answer.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence

import ray
import structlog
from ray import serve
from ray.serve.schema import ApplicationStatus

from tellurion_core.errors import Unavailable
from tellurion_core.model_discovery import ModelSource
from tellurion_core.ray_serving.front import Front
from tellurion_core.ray_serving.replica import Replica
from tellurion_core.ray_serving.settings import RaySettings, Scaling
from tellurion_core.settings import ServerSettings, TelemetrySettings

FRONTS = "tellurion-fronts"
"""Application of the fronts."""
MARGIN_SECONDS = 5.0
"""What a replica may take to end beyond what its calls are given."""

AUTOSCALED = {"min_replicas", "max_replicas", "target_ongoing_requests", "upscale_delay_s", "downscale_delay_s"}
"""What Serve itself takes of a scaling."""

START_SECONDS = "90"
"""That Ray gives its control service on this machine; its own limit, 20, is too short where others use the cores."""
STARTS = 2
"""Attempts: of what it starts next the limit, 30 s, is fixed."""
PROCESSES = {
    "env_vars": {
        # A model runs in a thread of its own, and what else we do is short: it can be on Serve's event loop.
        "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
        "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
        # A small request may have a large answer.
        "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str((1 << 31) - 1),
    }
}
"""The runtime environment of fronts and replicas."""

POLL_SECONDS = 0.25
HEALTH_SECONDS = 2.0
"""How soon Serve notices that a replica is gone and starts another."""

log = structlog.get_logger()


def start_ray(settings: RaySettings) -> None:
    """Joins the Ray cluster that the settings name, or starts Ray on this machine; nothing where that was done.

    Raises:
        Unavailable: there is no such cluster.
    """
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # institutes' clusters tell nobody what they run
    if settings.address is not None:
        try:
            ray.init(settings.address, log_to_driver=False)
        except ConnectionError:
            raise Unavailable(f"no Ray cluster can be joined at {settings.address}: TELLURION_RAY_ADDRESS") from None
        return
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        # Of this cluster alone: Ray's own would be written to the home folder, for every user of the machine to read.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", START_SECONDS)
    os.environ.setdefault("RAY_worker_niceness", "0")  # replicas are not to yield to whatever else runs here
    for left in reversed(range(STARTS)):
        try:
            ray.init(
                "local",
                num_cpus=settings.num_cpus,
                object_store_memory=settings.object_store_bytes,
                include_dashboard=False,
                log_to_driver=False,
            )
        except Exception as error:  # noqa: BLE001 # Ray raises nothing narrower
            ray.shutdown()
            log.warning("Ray did not start", reason=str(error), left=left)
            if not left:
                raise Unavailable("Ray cannot be started on this machine; the log has the reason") from None
        else:
            return


def serve_on_ray(
    models: Sequence[ModelSource], settings: RaySettings, server: ServerSettings, telemetry: TelemetrySettings
) -> str:
    """Serves the models on the Ray that was started, and answers where a front listens, once all are loaded.

    Raises:
        Unavailable: a model cannot be loaded, the front cannot listen, or the cluster has no room.
    """
    serve.start(proxy_location="Disabled")  # fronts of our own: Serve's have no interceptors
    ends = ends_within(server)
    fronts = fronts_deployment(settings, server)
    serve.run_many(
        [_target(model, settings.of(model.name), ends, telemetry) for model in models],
        wait_for_applications_running=False,
    )
    deadline = time.monotonic() + settings.start_seconds
    _await_running({model.name for model in models}, deadline)
    served = {model.name: model for model in models}
    target = serve.RunTarget(fronts.bind(served, server, telemetry, settings.tensors), name=FRONTS, route_prefix=None)
    (front,) = serve.run_many([target], wait_for_applications_running=False)
    _await_running({FRONTS}, deadline)
    address: str = front.address.remote().result(timeout_s=60)
    return address


def stop(models: Sequence[ModelSource]) -> None:
    """Drains the fronts, then ends the replicas, and Serve where nobody else uses it."""
    serve.delete(FRONTS)
    names = {model.name for model in models}
    if serve.status().applications.keys() <= names:
        serve.shutdown()  # type: ignore[no-untyped-call]
        return
    for name in names:
        serve.delete(name)


def _await_running(names: set[str], deadline: float) -> None:
    """Serve itself would wait for ever for a node that has room."""
    while time.monotonic() < deadline:
        applications = serve.status().applications
        for name in names:
            if applications[name].status == ApplicationStatus.DEPLOY_FAILED:
                reasons = [deployment.message for deployment in applications[name].deployments.values()]
                log.error("did not start", application=name, reasons=reasons)
                raise Unavailable(f"{name} did not start; the log has the reason")
        if all(applications[name].status == ApplicationStatus.RUNNING for name in names):
            return
        time.sleep(POLL_SECONDS)
    raise Unavailable("not all models were loaded within TELLURION_RAY_START_SECONDS")


def ends_within(server: ServerSettings) -> float:
    """Seconds that a front or a replica may take to end."""
    return server.drain_seconds + server.stop_seconds + MARGIN_SECONDS


def fronts_deployment(
    settings: RaySettings, server: ServerSettings, node_resource: str | None = None
) -> serve.Deployment:
    """Of the fronts; where `node_resource` is given, on nodes that offer 1 of it."""
    places = {node_resource: 1} if node_resource else {}
    return serve.deployment(
        num_replicas=settings.fronts,
        max_replicas_per_node=1,
        graceful_shutdown_timeout_s=ends_within(server),
        # A front waits for others, and a node may be full of replicas.
        ray_actor_options={"num_cpus": 0, "resources": places, "runtime_env": PROCESSES},
    )(Front)


def deployment(scaling: Scaling, ends: float) -> serve.Deployment:
    """Of a model's replicas; each takes at most `ends` seconds to end."""
    return serve.deployment(
        autoscaling_config=scaling.model_dump(include=AUTOSCALED),
        max_ongoing_requests=scaling.max_ongoing_requests,
        max_queued_requests=scaling.max_queued_requests,
        health_check_period_s=HEALTH_SECONDS,
        graceful_shutdown_timeout_s=ends,
        logging_config={"enable_access_log": False},  # requests are traced and counted
        ray_actor_options={"num_cpus": scaling.num_cpus, "num_gpus": scaling.num_gpus, "runtime_env": PROCESSES},
    )(Replica)


def _target(model: ModelSource, scaling: Scaling, ends: float, telemetry: TelemetrySettings) -> serve.RunTarget:
    bound = deployment(scaling, ends).bind(model, scaling, telemetry)
    return serve.RunTarget(bound, name=model.name, route_prefix=None)
