"""The command `tellurion`, for `python -m tellurion_client`."""

from tellurion_client.cli.main import main

main()
