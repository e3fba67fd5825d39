"""OmniEarth-Bench's open questions: what the judge's reply says."""

from __future__ import annotations

from tellurion_benchmark.scorers.reply import value_from

MARKS = (0.0, 0.5, 1.0)


def mark_in(reply: str) -> float | None:
    """`score` of the object in a reply: 0, 0.5 or 1, or nothing that can be read."""
    found = value_from(reply, "{")
    said = found.get("score") if isinstance(found, dict) else None
    if not isinstance(said, str):  # numbers stay the text that they were
        return None
    try:
        mark = float(said)
    except ValueError:
        return None
    return mark if mark in MARKS else None
