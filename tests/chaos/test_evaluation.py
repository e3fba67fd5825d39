"""Whatever is killed in mid-evaluation, there is one report, the same as ever, and nothing is asked twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tellurion_core.errors import Internal

ATTEMPTS = 10
"""Times that an evaluation is begun before it is given up."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "victim", ["worker", *(pytest.param(name, marks=pytest.mark.slow) for name in ("redis", "child", "service"))]
)
def test_what_is_killed_is_not_missed(
    started: Callable[[], Any], undisturbed: dict[str, bytes], rounds: int, victim: str
) -> None:
    rng = random.Random(victim)
    for _ in range(rounds):
        with started() as platform:
            evaluation = platform.evaluate()
            at_once = 2 * platform.at_once  # model and judge
            platform.until_asked(rng.randrange(at_once + 1, platform.items))
            platform.victim(victim).kill()
            stored = set(platform.stored(evaluation))
            before = len(platform.questions())
            assert stored  # more had come than can be on their way
            assert platform.report(evaluation) == undisturbed
            assert stored.isdisjoint(platform.questions()[before:])
            assert max(Counter(platform.stored(evaluation)).values()) == 1
            # Only what was on its way when its asker died has come again: its answer could not be stored.
            asked, asker_died = Counter(platform.questions()), victim in ("child", "worker")
            assert sum(asked.values()) - len(asked) <= (at_once if asker_died else 0)
            assert evaluation.operation.get().attempt == (2 if asker_died else 1)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_recovery_takes_no_longer_than_lease_and_two_sweeps(chaos: Any) -> None:
    chaos.second_worker()
    evaluation = chaos.evaluate()
    chaos.until_asked(5)
    chaos.holder().kill()
    killed = time.monotonic()
    while evaluation.operation.get().attempt < 2:
        assert time.monotonic() < killed + 60
        time.sleep(0.02)
    assert time.monotonic() - killed < chaos.lease + 2 * chaos.sweep + 1  # the last: this machine's other work
    evaluation.operation.cancel()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_poison_evaluation_is_dead_after_its_attempts(chaos: Any) -> None:
    evaluation = chaos.evaluate()
    for attempt in range(1, ATTEMPTS + 1):
        until = time.monotonic() + 60
        while (status := evaluation.operation.get()).attempt < attempt or status.state != "RUNNING":
            assert time.monotonic() < until, status
            time.sleep(0.02)
        before = len(chaos.questions())
        chaos.until_asked(before + 1)
        chaos.victim("child").kill()
    status = evaluation.operation.wait(timeout=60)
    assert (status.state, status.attempt) == ("DEAD", ATTEMPTS)
    assert isinstance(status.error, Internal)
    assert "signal 9" in status.error.message


@pytest.mark.timeout(120)
def test_the_same_request_many_times_at_once_is_one_evaluation(chaos: Any) -> None:
    before = len(list(chaos.client.operations.list("benchmark")))
    with ThreadPoolExecutor(50) as threads:
        names = [evaluation.name for evaluation in threads.map(lambda _: chaos.evaluate(), range(50))]
    assert len(set(names)) == 1
    assert len(list(chaos.client.operations.list("benchmark"))) == before + 1
    chaos.client.operations.named(names[0]).cancel()
