"""Starts the gateway: `python -m tellurion_gateway`, with settings from the environment."""

from __future__ import annotations

import gc
import sys
from functools import partial

import uvloop

from tellurion_core.errors import InvalidInput
from tellurion_core.settings import TelemetrySettings, load
from tellurion_gateway.server import GatewayLoop, serve
from tellurion_gateway.settings import GatewaySettings


def main() -> None:
    """Serves until SIGTERM; exits 2 on settings that cannot be used."""
    try:
        settings = load(GatewaySettings)
        loop = partial(GatewayLoop, settings.head_seconds)
        uvloop.run(serve(settings, load(TelemetrySettings)), loop_factory=loop)
    except InvalidInput as error:
        print(error.message, file=sys.stderr)
        sys.exit(error.exit_code)
    finally:
        gc.freeze()  # as `tellurion_core.server.run` does, and for the same reason


if __name__ == "__main__":
    main()
