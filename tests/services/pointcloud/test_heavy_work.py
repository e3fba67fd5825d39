"""Work that takes much memory or time: one after the other, and no longer than somebody waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tellurion_core.errors import Cancelled
from tellurion_core.predictor import LocalPredictor
from tellurion_pointcloud import service
from tellurion_pointcloud.models import weights_files
from tellurion_pointcloud.preparation import is_heavy
from tellurion_pointcloud.received import Received
from tellurion_pointcloud.service import PointCloudServicer

CLOUD = Received(0, np.zeros((9, 3)), None, "")


@pytest.fixture
async def servicer(small_weights: Path) -> AsyncIterator[PointCloudServicer]:
    weights = weights_files(small_weights)
    made = PointCloudServicer(LocalPredictor([]), weights, data=small_weights, max_request_bytes=1)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("points", "count", "heavy"),
    [(1, 65_536, False), (1 << 20, 1024, False), ((1 << 20) + 1, 64, True), (65_535, 65_536, True)],
)
def test_clouds_are_heavy_by_their_points_and_by_the_distances_between_them(
    points: int, count: int, heavy: bool
) -> None:
    assert is_heavy(points, count) is heavy


async def test_heavy_clouds_are_prepared_one_after_the_other(
    servicer: PointCloudServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, together = threading.Lock(), []

    def prepared(*_: Any, **__: Any) -> None:
        together.append(not alone.acquire(blocking=False))
        threading.Event().wait(0.02)
        alone.release()

    monkeypatch.setattr(service, "prepared", prepared)
    monkeypatch.setattr(service, "is_heavy", lambda points, count: True)
    await asyncio.gather(*(servicer._prepared(CLOUD, "mmpt", 64) for _ in range(4)))
    assert together == [False] * 4


async def test_classes_that_nobody_waits_for_are_learned_no_further(
    servicer: PointCloudServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def learned(examples: Any, labels: Any, cancelled: Callable[[], bool]) -> None:
        begun.set()
        while not cancelled():
            ended.wait(0.001)
        ended.set()
        raise Cancelled("cancelled")

    monkeypatch.setattr(service, "Classes", learned)
    waiting = asyncio.create_task(servicer._classes(np.zeros((2, 2)), ["a", "b"]))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await asyncio.to_thread(ended.wait, 10)
