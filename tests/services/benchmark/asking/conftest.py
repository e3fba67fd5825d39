"""Askers of a scripted server, and what they leave behind."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tellurion_benchmark.asking.answers import AnswerLog
from tellurion_benchmark.asking.asker import Asker
from tellurion_benchmark.asking.budget import Budget, Limits
from tellurion_benchmark.asking.question import Asked
from tellurion_benchmark.asking.retries import Patience
from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.endpoint import Endpoint

HASTY = Patience(failures=2, waits=4, first=0.01, longest=0.05, vain=3)


@pytest.fixture(scope="session")
def llama(real_model: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base address of a server with a small real model."""
    with real_model.serving(tmp_path_factory.mktemp("llama")) as url:
        yield url


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., Asker]]:
    """Starts an attempt of a job that asks a URL; the attempts of a test share one folder."""
    async with AsyncExitStack() as attempts:

        def started(
            url: str,
            *,
            role: str = "model",
            limits: Limits = Limits(),  # noqa: B008 -- it is immutable
            patience: Patience = HASTY,
            folder: str = "job",
            prompt_version: str = "",
            **endpoint: Any,
        ) -> Asker:
            answers, budget = AnswerLog(tmp_path / folder), Budget(tmp_path / folder, limits)
            asker = Asker(
                Endpoint(url, endpoint.pop("model", "planet-7b"), **endpoint),
                Asked(role, "planet-7b", prompt_version),
                allowed=AllowList(["127.0.0.1", "localhost"]),
                answers=answers,
                budget=budget,
                rng=random.Random(0),
                patience=patience,
            )
            attempts.callback(budget.close)
            attempts.push_async_callback(answers.close)
            attempts.push_async_exit(asker)
            return asker

        yield started
