"""Serves the models of all installed distributions on Ray: `python -m tellurion_core.ray_serving [MODEL …]`."""

from __future__ import annotations

import signal
import sys
import threading

import ray

from tellurion_core.errors import InvalidInput, TellurionError
from tellurion_core.model_discovery import ModelSource, installed_models
from tellurion_core.ray_serving.application import serve_on_ray, start_ray, stop
from tellurion_core.ray_serving.settings import RaySettings
from tellurion_core.server import announce
from tellurion_core.settings import ServerSettings, TelemetrySettings, load


def main(names: list[str]) -> None:
    """Serves these models, or all, until SIGTERM or SIGINT; exits 2 on bad settings."""
    try:
        settings, server, telemetry = load(RaySettings), load(ServerSettings), load(TelemetrySettings)
        models = _chosen(names)
        start_ray(settings)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):  # after Ray has set its own
            signal.signal(number, lambda *_: stopping.set())
        try:
            announce("ray", serve_on_ray(models, settings, server, telemetry))
            stopping.wait()
        finally:
            stop(models)
            ray.shutdown()
    except TellurionError as error:
        print(error.message, file=sys.stderr)
        sys.exit(error.exit_code)


def _chosen(names: list[str]) -> list[ModelSource]:
    installed = installed_models()
    for name in names:
        if name not in installed:
            raise InvalidInput.of("model", received=name, accepted=", ".join(installed))
    return [installed[name] for name in names] if names else [*installed.values()]


if __name__ == "__main__":
    main(sys.argv[1:])
