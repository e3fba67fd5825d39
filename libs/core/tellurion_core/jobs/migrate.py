"""Brings the tables of jobs up to date, and ends: `python -m tellurion_core.jobs.migrate`.

Whoever opens the database does so too. This is for a cluster, before the processes of another version start. Exits 2
where the settings cannot be used or the tables are of a newer version, and 1 where the database cannot be reached.
"""

from __future__ import annotations

import sys

from tellurion_core.errors import TellurionError
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import StateSettings, load


def main() -> None:
    """Opens the database of the settings."""
    try:
        open_engine(load(JobSettings).database_url(load(StateSettings))).dispose()
    except TellurionError as error:
        print(error.message, file=sys.stderr)
        # The driver's own words: what host, port or certificate it is. They have no password in them.
        if told := getattr(error.__cause__, "orig", None):
            print(told, file=sys.stderr)
        sys.exit(error.exit_code)
    print("the database is up to date")


if __name__ == "__main__":
    main()
