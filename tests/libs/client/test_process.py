"""A service in a process of its own: how long it is waited for, and what is said of one that does not come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tellurion_client import Unavailable
from tellurion_client.process import ServiceProcess

WORKS = "until = time.process_time() + {seconds}\nwhile time.process_time() < until: pass\n"
WAITS = "time.sleep(60)\n"
READY = 'print(\'{{"ready": true, "address": "unix:s"}}\', flush=True)\n'
SAYS = "print('looking for its weights', file=sys.stderr, flush=True)\n"
Start = Callable[..., ServiceProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a service with this body."""
    started = []

    def starting(body: str, log: Path = tmp_path / "log" / "slow.log") -> ServiceProcess:
        log.parent.mkdir(exist_ok=True)
        lines = "".join(f"    {line}\n" for line in body.format(seconds=1.5).splitlines())
        (tmp_path / "slow.py").write_text(f"import sys, time\ndef main():\n{lines}")
        sockets = tmp_path / "sockets"
        path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
        started.append(ServiceProcess("slow", "slow:main", sockets, {**os.environ, "PYTHONPATH": path}, log))
        return started[-1]

    yield starting
    for process in started:
        process.stop(0)


def test_one_that_is_busy_is_waited_for(start: Start) -> None:
    assert start(WORKS + READY + WAITS).address(0.5) == "unix:s"


@pytest.mark.parametrize(("folder", "named"), [("log", True), ("sockets", False)])
def test_one_that_waits_is_not_waited_for_and_its_last_words_are_told_and_its_log_where_it_stays(
    start: Start, tmp_path: Path, folder: str, named: bool
) -> None:
    log = tmp_path / folder / "slow.log"
    with pytest.raises(Unavailable) as raised:
        start(SAYS + WAITS, log).address(1)
    seconds, _, said = raised.value.message.removeprefix("slow was not ready within ").partition(" s; ")
    assert said == "it said: looking for its weights" + (f" (log: {log})" if named else "")
    assert int(seconds) < 5  # to start Python makes it busy at first


def test_one_that_is_busy_for_ever_is_not_waited_for_for_ever(start: Start) -> None:
    with pytest.raises(Unavailable, match=r"slow was not ready within 1\.5 s"):
        start("while True: pass\n").address(0.3)


def test_what_a_service_keeps_is_nobody_elses(start: Start, tmp_path: Path) -> None:
    kept = tmp_path / "jobs.sqlite"
    start(f"open('{kept}', 'w').close()\n" + READY + WAITS).address(20)
    assert kept.stat().st_mode & 0o777 == 0o600
