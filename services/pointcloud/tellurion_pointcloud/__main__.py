"""Starts the point-cloud service: `python -m tellurion_pointcloud`, with settings from `TELLURION_*`."""

from tellurion_core.server import run
from tellurion_pointcloud.service import services


def main() -> None:
    """Serves until SIGTERM."""
    run("pointcloud", services)


if __name__ == "__main__":
    main()
