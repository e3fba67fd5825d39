"""What the runner adds to a request of the HTTP client, and its memory as the items grow in number.

    python tests/bench/benchmark_runner.py

Both sides ask a server in a process of its own 64 questions at a time, by turns, in one run; ours stores each answer
with an fsync, and counts against a budget. The server answers at once, so that what is measured is the client's.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from memory import peak_mib
from targets import Target, at_most, exit_code, markdown, target_table

from tellurion_benchmark.asking.answers import AnswerLog
from tellurion_benchmark.asking.asker import Asker
from tellurion_benchmark.asking.budget import Budget, Limits
from tellurion_benchmark.asking.question import Asked
from tellurion_benchmark.asking.runner import run
from tellurion_benchmark.scoring import Message
from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.endpoint import Endpoint

SERVER = Path(__file__).parents[1] / "scripted.py"
AT_ONCE = 64
ROUNDS, PER_ROUND = 5, 1500
OVERHEAD_MS = 2.0
COUNTS = (1_000, 10_000, 100_000)
GROWTH_MIB = 16.0
PROMPT = "Which of these basins is the deepest? " * 10


@contextmanager
def serving() -> Iterator[str]:
    """The server's base address."""
    with TemporaryDirectory(prefix="tellurion-bench-") as folder:
        server = subprocess.Popen([sys.executable, SERVER, folder], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.kill()
            server.communicate()


@asynccontextmanager
async def asker(url: str, folder: Path) -> AsyncIterator[Asker]:
    """Ours, as an evaluation has it."""
    answers, budget = AnswerLog(folder), Budget(folder, Limits(requests=10_000_000))
    endpoint = Endpoint(url, "bench", concurrency=AT_ONCE)
    ask = Asker(
        endpoint,
        Asked("model", "bench"),
        allowed=AllowList(["127.0.0.1"]),
        answers=answers,
        budget=budget,
        rng=random.Random(0),
    )
    async with ask:
        yield ask
    await answers.close()
    budget.close()


async def ours(ask: Asker, numbers: range) -> None:
    """Asks through the runner."""

    async def work(number: int) -> str:
        return await ask([Message("user", f"{PROMPT}{number}")], max_tokens=64)

    count = 0
    async for _ in run(numbers, work, concurrency=2 * AT_ONCE, cancelled=lambda: False, finished=lambda _: None):
        count += 1
    assert count == len(numbers)


async def bare(client: httpx.AsyncClient, url: str, numbers: range) -> None:
    """Asks as one would without us."""
    left = iter(numbers)

    async def worker() -> None:
        for number in left:
            messages = [{"role": "user", "content": f"{PROMPT}{number}"}]
            body = {"model": "bench", "messages": messages, "max_tokens": 64, "temperature": 0.0}
            response = await client.post(f"{url}/chat/completions", json=body)
            assert response.json()["choices"][0]["message"]["content"]

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def overhead(url: str, folder: Path) -> tuple[float, float]:
    """Milliseconds a request: the bare client's, and what ours takes more, in their best rounds."""
    rounds = [range(i * PER_ROUND, (i + 1) * PER_ROUND) for i in range(2 * ROUNDS + 2)]
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    best = {"ours": float("inf"), "bare": float("inf")}
    async with asker(url, folder) as ask, httpx.AsyncClient(limits=limits, timeout=60) as client:
        for number, (first, second) in enumerate(zip(rounds[::2], rounds[1::2], strict=True)):
            for name, asked in (("bare", bare(client, url, first)), ("ours", ours(ask, second))):
                start = time.perf_counter()
                await asked
                if number:  # the first round opens the connections
                    best[name] = min(best[name], (time.perf_counter() - start) / PER_ROUND * 1e3)
    return best["bare"], best["ours"] - best["bare"]


async def fill(url: str, folder: Path, count: int) -> None:
    """Asks as many questions as that."""
    async with asker(url, folder) as ask:
        await ours(ask, range(count))


def peak(count: int) -> float:
    """Most memory of a process that asks as many questions, MiB."""
    with serving() as url, TemporaryDirectory(prefix="tellurion-bench-") as folder:
        command = [sys.executable, __file__, url, folder, str(count)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def table() -> dict[str, Any]:
    """What the bare client takes, what ours takes more, and the most memory by the number of items."""
    with serving() as url, TemporaryDirectory(prefix="tellurion-bench-") as folder:
        client, more = asyncio.run(overhead(url, Path(folder)))
    return {"client_ms": client, "more_ms": more, "peaks": [peak(count) for count in COUNTS]}


def targets(found: Mapping[str, Any]) -> Iterator[Target]:
    """Time beyond the client's, and memory."""
    what = f"runner beyond the bare HTTP client, {AT_ONCE} at once, ms a request"
    yield at_most(what, found["more_ms"], OVERHEAD_MS)
    growth = found["peaks"][-1] - found["peaks"][0]
    yield at_most("100 000 questions asked, MiB beyond that of 1000", growth, GROWTH_MIB, digits=1)


def report(found: Mapping[str, Any]) -> str:
    """In words and Markdown."""
    asked = f"## Asking\n\nThe bare client takes {found['client_ms']:.2f} ms a request, {AT_ONCE} at once;"
    peaks = zip(COUNTS, (f"{mib:.0f}" for mib in found["peaks"]), strict=True)
    return f"{asked} ours {found['more_ms']:.2f} ms more.\n\n" + markdown(["questions", "peak MiB"], peaks)


def main() -> int:
    """Prints the tables."""
    measured = table()
    print(report(measured), target_table(found := list(targets(measured))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        asyncio.run(fill(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
        print(peak_mib())
    else:
        sys.exit(main())
