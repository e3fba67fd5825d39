"""Starts the assimilation service: `python -m tellurion_assimilation`, with settings from `TELLURION_*`."""

from tellurion_assimilation.service import services
from tellurion_core.server import run


def main() -> None:
    """Serves until SIGTERM."""
    run("assimilation", services)


if __name__ == "__main__":
    main()
