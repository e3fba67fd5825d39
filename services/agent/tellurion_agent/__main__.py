"""Starts the agent service: `python -m tellurion_agent`, with settings from `TELLURION_*`."""

from tellurion_agent.service import services
from tellurion_core.server import run


def main() -> None:
    """Serves until SIGTERM."""
    run("agent", services)


if __name__ == "__main__":
    main()
