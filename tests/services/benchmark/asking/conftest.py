"""Askers of a scripted server, and what they leave behind."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import AsyncIterator, Callable
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


def _module(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


llama = _module("llama").llama


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
