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


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("victim", ["child", "worker", "service", "redis"])
def test_what_is_killed_is_not_missed(
    started: Callable[[], Any], undisturbed: dict[str, bytes], rounds: int, victim: str
) -> None:
    rng = random.Random(victim)
    for _ in range(rounds):
        with started() as platform:
            evaluation = platform.evaluate()
            platform.until_asked(rng.randrange(1, platform.items))
            platform.victim(victim).kill()
            assert platform.report(evaluation) == undisturbed
            assert platform.answers_stored_twice(evaluation) == 0
            asked = Counter(platform.questions())
            # Only what was on its way when its asker died may have come again: its answer could not be stored.
            assert sum(asked.values()) - len(asked) <= 2 * platform.at_once
            assert evaluation.operation.get().attempt == (2 if victim in ("child", "worker") else 1)


@pytest.mark.timeout(120)
def test_recovery_takes_no_longer_than_lease_and_two_sweeps(chaos: Any) -> None:
    evaluation = chaos.evaluate()
    chaos.until_asked(5)
    chaos.victim("worker").kill()
    killed = time.monotonic()
    while evaluation.operation.get().attempt < 2:
        assert time.monotonic() < killed + 60
        time.sleep(0.02)
    # The last term: the supervisor's pause, and the start of a new worker, beside this machine's other work.
    assert time.monotonic() - killed < chaos.lease + 2 * chaos.sweep + 4
    evaluation.operation.cancel()


@pytest.mark.timeout(120)
def test_a_poison_evaluation_is_dead_after_its_attempts(chaos: Any) -> None:
    evaluation = chaos.evaluate()
    for attempt in (1, 2, 3):
        until = time.monotonic() + 60
        while (status := evaluation.operation.get()).attempt < attempt or status.state != "RUNNING":
            assert time.monotonic() < until, status
            time.sleep(0.02)
        before = len(chaos.questions())
        chaos.until_asked(before + 1)
        chaos.victim("child").kill()
    status = evaluation.operation.wait(timeout=60)
    assert (status.state, status.attempt) == ("DEAD", 3)
    assert isinstance(status.error, Internal)
    assert "signal 9" in status.error.message


@pytest.mark.timeout(120)
def test_the_same_request_many_times_at_once_is_one_evaluation(chaos: Any) -> None:
    with ThreadPoolExecutor(50) as threads:
        names = [evaluation.name for evaluation in threads.map(lambda _: chaos.evaluate(), range(50))]
    assert len(set(names)) == 1
    assert len(list(chaos.client.operations.list("benchmark"))) == 1
    chaos.client.operations.named(names[0]).cancel()
