"""The model and the judge of one attempt at an evaluation, with the answers and the budget that all attempts share."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tellurion_benchmark.asking.answers import AnswerLog
from tellurion_benchmark.asking.asker import Asker
from tellurion_benchmark.asking.budget import Budget, Limits, Spending
from tellurion_benchmark.asking.question import Asked
from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.endpoint import Endpoint


@dataclass(frozen=True)
class Session:
    """Who is asked."""

    askers: Mapping[str, Asker]
    """By role, those that there are."""
    budget: Budget
    """What they share."""

    @property
    def spent(self) -> Spending:
        """Used up so far by all attempts, as the endpoints count."""
        return self.budget.spent

    @property
    def newest_trouble(self) -> tuple[str, int] | None:
        """What went wrong since the last answer, and how often it did; None where nothing did."""
        for asker in self.askers.values():
            if (reason := asker.counts.newest) is not None:
                return reason, asker.counts.troubles[reason]
        return None

    @property
    def commonest_trouble(self) -> str | None:
        """What an endpoint met most questions with that answered none at all; None where each answered some."""
        for asker in self.askers.values():
            counts = asker.counts
            if not counts.answered and not counts.reused:
                for reason, _ in (counts.troubles or counts.given_up).most_common(1):
                    return reason
        return None

    @property
    def concurrency(self) -> int:
        """Items that are worked on at once: twice as many as one endpoint answers keep its slots full."""
        return 2 * max(asker.endpoint.concurrency for asker in self.askers.values())

    def snapshot(self, role: str) -> str | None:
        """As which versions of the model an endpoint answered; None where it did not say."""
        asker = self.askers.get(role)
        return ", ".join(sorted(asker.snapshots)) or None if asker is not None else None

    @property
    def given_up(self) -> int:
        """Questions that have no answer after all attempts; those of earlier attempts were asked again in this one."""
        return sum(asker.counts.given_up.total() for asker in self.askers.values())

    def record(self) -> Mapping[str, Any]:
        """For `run.json`: what was met with in this attempt, and what all attempts have used up."""
        return {
            "asked": {role: self._met(role, asker) for role, asker in self.askers.items()},
            "trouble": self.commonest_trouble,
            "spent": _written(self.budget.spent),
            "set_aside": _written(self.budget.set_aside),
        }

    def _met(self, role: str, asker: Asker) -> Mapping[str, Any]:
        counts, endpoint = asker.counts, asker.endpoint
        return {
            "url": endpoint.url,
            "model": endpoint.model,
            "snapshot": self.snapshot(role),
            "answered": counts.answered,
            "answered_before": counts.reused,
            "cut_off": counts.cut_off,
            "requests": counts.requests,
            "retries": counts.requests - counts.answered,
            "request_seconds": round(counts.seconds, 3),
            "troubles": dict(sorted(counts.troubles.items())),
            "given_up": dict(sorted(counts.given_up.items())),
        }


def _written(spending: Spending) -> Mapping[str, Any]:
    return asdict(spending) | {"cost": float(spending.cost)}


@asynccontextmanager
async def session(
    folder: Path,
    endpoints: Mapping[str, Endpoint | None],
    *,
    prompt_version: str,
    allowed: AllowList,
    limits: Limits,
) -> AsyncIterator[Session]:
    """Opens the answers of earlier attempts in a folder, and clients of the endpoints, by role."""
    async with AsyncExitStack() as stack:
        answers = AnswerLog(folder)
        stack.push_async_callback(answers.close)
        budget = Budget(folder, limits)
        stack.callback(budget.close)
        askers = {}
        for role, endpoint in endpoints.items():
            if endpoint is not None:
                asker = Asker(
                    endpoint,
                    # What a model is asked says everything; a judge's prompts are part of what it is.
                    Asked(role, endpoint.model, prompt_version if role == "judge" else ""),
                    allowed=allowed,
                    answers=answers,
                    budget=budget,
                    rng=random.SystemRandom(),
                )
                askers[role] = await stack.enter_async_context(asker)
        yield Session(askers, budget)
