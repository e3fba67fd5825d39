"""OmniEarth-Bench's records.

Sphere is L1, discipline L2, tier L3, task the whole path of L1 to L4: some tasks of different disciplines share their
last name. Questions about one image are a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tellurion_benchmark.readers.reading import Fields, Reading
from tellurion_benchmark.scoring import Json
from tellurion_core.errors import InvalidInput

KINDS: Mapping[str, str] = {
    "Single Choice": "single",
    "Multiple Choice": "multiple",
    "Visual Grounding": "grounding",
    "Chain-of-Thought": "cot",
    "Open-ended": "open",
    "Captioning": "caption",
}
"""By published `Question Type`; the release keeps the last two in files of their own."""
LEVELS = ("L1-task", "L2-task", "L3-task", "L4-task")

_NUMBER = re.compile(r"<([\d.]+)>")


def read(record: Mapping[str, Json], place: str) -> Reading:
    """What a record says; raises InvalidInput where it is not in the published layout."""
    fields = Fields(record, place)
    name = fields.id("Question_id")
    kind = fields.kind("Question Type", KINDS)
    fields.text("Text")
    answer = fields.text("Ground Truth")
    sphere, discipline, tier, task = map(fields.text, LEVELS)
    images = fields.texts("Images")
    if kind in ("single", "multiple", "cot"):
        fields.texts("Answer Choices", least=2)
    if kind == "cot":
        fields.texts("CoT", least=1)
    if kind == "grounding":
        _check_grounding(images, answer, place)
    return Reading(
        id=name,
        kind=kind,
        record=fields.record,
        image_names=images,
        groups={
            "sphere": sphere,
            "discipline": discipline,
            "tier": tier,
            "task": f"{sphere}/{discipline}/{tier}/{task}",
        },
        cluster=images[0] if images else name,
        measured=kind == "grounding",
    )


def _check_grounding(images: tuple[str, ...], answer: str, place: str) -> None:
    if len(images) != 1:
        raise InvalidInput.of(f"{place}.Images", received=images, accepted="one image, in which the box lies")
    if not _is_box(answer):
        raise InvalidInput.of(f"{place}.Ground Truth", received=answer, accepted="<x1><y1><x2><y2>, in pixels")


def _is_box(answer: str) -> bool:
    try:
        return len([float(number) for number in _NUMBER.findall(answer)]) == 4
    except ValueError:
        return False
