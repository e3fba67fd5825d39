"""Starts the benchmark service: `python -m tellurion_benchmark`, with settings from `TELLURION_*`."""

from tellurion_benchmark.service import services
from tellurion_core.server import run


def main() -> None:
    """Serves until SIGTERM."""
    run("benchmark", services)


if __name__ == "__main__":
    main()
