"""Starts the splat service: `python -m tellurion_splat`, with settings from `TELLURION_*`."""

from tellurion_core.server import run
from tellurion_splat.service import services


def main() -> None:
    """Serves until SIGTERM."""
    run("splat", services)


if __name__ == "__main__":
    main()
