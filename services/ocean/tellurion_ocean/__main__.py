"""Starts the ocean service: `python -m tellurion_ocean`, with settings from `TELLURION_*`."""

from tellurion_core.server import run
from tellurion_ocean.service import services


def main() -> None:
    """Serves until SIGTERM."""
    run("ocean", services)


if __name__ == "__main__":
    main()
