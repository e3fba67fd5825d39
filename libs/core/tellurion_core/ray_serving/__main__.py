"""Serves the models of all installed distributions on Ray: `python -m tellurion_core.ray_serving [MODEL …]`."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import ray

from tellurion_core.errors import TellurionError
from tellurion_core.model_discovery import chosen_models, installed_models
from tellurion_core.ray_serving.application import serve_on_ray, start_ray, stop
from tellurion_core.ray_serving.settings import RaySettings
from tellurion_core.server import announce
from tellurion_core.settings import ServerSettings, TelemetrySettings, load
from tellurion_core.telemetry import configure_logs

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    """Serves the models that the command line names, or all, until SIGTERM or SIGINT; exits 2 on bad settings."""
    try:
        settings, server, telemetry = load(RaySettings), load(ServerSettings), load(TelemetrySettings)
        configure_logs(telemetry.log_level, "ray")
        models = chosen_models(sys.argv[1:], settings.services)
        if settings.models:  # to know all names, all services are imported
            settings.check_names(installed_models())
        start_ray(settings)
        if settings.address is None:
            cores: float = ray.cluster_resources()["CPU"]  # type: ignore[no-untyped-call]
            settings = settings.shared([model.name for model in models], cores)
        for number in SIGNALS:  # after Ray has set its own
            signal.signal(number, _end)
        try:
            announce("ray", serve_on_ray(models, settings, server, telemetry))
            while True:
                signal.pause()
        finally:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            stop(models)
            ray.shutdown()
    except TellurionError as error:
        print(error.message, file=sys.stderr)
        sys.exit(error.exit_code)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit()


if __name__ == "__main__":
    main()
