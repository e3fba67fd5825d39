"""Runs a service in this process and ends it with the process that started it.

    python -m tellurion_client.guard FOLDER MODULE:FUNCTION [ARGUMENT …]

The starter holds the other end of standard input and never writes to it: its end of file says that the starter is
gone, however it went. (A death signal of Linux would also come when only the starting thread ends.)
"""

from __future__ import annotations

import os
import pkgutil
import shutil
import signal
import sys
import threading
import time

GRACE_SECONDS = 5.0
"""How long a service without its starter may take to stop in order."""


def main() -> None:
    """Runs the function, which finds its arguments where a command does, until it returns or the starter is gone.

    Then the starter's FOLDER of sockets is removed.
    """
    folder, function, *sys.argv[1:] = sys.argv[1:]
    threading.Thread(target=_end_with_starter, args=(folder,), daemon=True).start()
    pkgutil.resolve_name(function)()


def _end_with_starter(folder: str) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
