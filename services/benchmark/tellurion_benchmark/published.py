"""What others have published, by the scorer that they used: as it was published, and never mixed with what we measure.

Figures of one benchmark under two scorers are not interchangeable: SFE's o3 has 34.08 under one, 37.7 under the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """A table of figures."""

    metric: str
    """What the publication calls them, with their unit."""
    source: str
    """Who published them."""
    values: Mapping[str, float]
    """By model."""


INTERN_S1 = "model card of Intern-S1 (InternLM, 2025), by VLMEvalKit"

PUBLISHED: Mapping[tuple[str, str], Published] = {
    ("sfe", "official"): Published("SFE score, %", "paper of SFE (2025)", {"o3": 34.08, "InternVL-3": 26.52}),
    ("sfe", "vlmevalkit"): Published(
        "SFE score, %", INTERN_S1, {"Gemini-2.5-Pro": 43.0, "o3": 37.7, "InternVL3-78B": 36.2}
    ),
    ("msearth", "vlmevalkit"): Published(
        "MSEarthMCQ accuracy, %",
        INTERN_S1,
        {"Intern-S1": 65.7, "o3": 61.0, "Gemini-2.5-Pro": 59.9, "InternVL3-78B": 57.2, "Qwen2.5-VL-72B": 37.6},
    ),
}
"""By suite and variant."""
