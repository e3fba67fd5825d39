"""Asks numbered questions, eight at once, and prints each number once its answer is stored; for tests that kill it."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from tellurion_benchmark.asking.answers import AnswerLog
from tellurion_benchmark.asking.asker import Asker
from tellurion_benchmark.asking.budget import Budget, Limits
from tellurion_benchmark.asking.question import Asked
from tellurion_benchmark.asking.runner import run
from tellurion_benchmark.scoring import Message
from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.endpoint import Endpoint


async def main(url: str, folder: Path, count: int) -> None:
    """Asks them all."""
    ask = Asker(
        Endpoint(url, "m", concurrency=8),
        Asked("model", "m"),
        allowed=AllowList(["127.0.0.1"]),
        answers=AnswerLog(folder),
        budget=Budget(folder, Limits()),
        rng=random.Random(0),
    )

    async def work(number: int) -> None:
        await ask([Message("user", f"question {number}")], max_tokens=8)
        print(number, flush=True)

    async for _ in run(range(count), work, concurrency=16, cancelled=lambda: False, finished=lambda _: None):
        pass


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
