"""Starts the ocean service: `python -m tellurion_ocean`, with settings from `TELLURION_*`."""

from tellurion_core.server import run
from tellurion_ocean.service import service


def main() -> None:
    """Serves until SIGTERM."""
    run("ocean", service)


if __name__ == "__main__":
    main()
