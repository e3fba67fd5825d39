"""What is told of a run while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tellurion_agent.laboratory.steps import Step
from tellurion_core.jobs.running import RunningJob

LOG_LINES = 1000
"""That are told of a run."""
STEPS = 3


class News:
    """Of the run that a job works on, told by a function of a key and a content."""

    def __init__(self, tell: Callable[[str, Mapping[str, Any]], None], job: RunningJob) -> None:
        self._tell = tell
        self._job = job
        self._steps = 0
        self._lines = 0

    def step(self, step: Step) -> None:
        """A step has ended."""
        self._steps += 1
        self._job.progress(min(self._steps / (STEPS + 1), 1.0), f"{step.name}: {step.outcome}")
        told = {"name": step.name, "outcome": step.outcome, "seconds": step.seconds, "done": True}
        self._tell(f"step {step.name}", {"step": told})

    def line(self, text: str) -> None:
        """A script has printed a line."""
        self._lines += 1
        if self._lines <= LOG_LINES:
            self._tell(f"log {self._job.attempt} {self._lines}", {"log": text[:LOG_LINES]})

    def figure(self, sha256: str) -> None:
        """There is a figure."""
        self._tell(f"figure {sha256[:32]}", {"figure": sha256})
