"""SFE's records, in English or Chinese.

Discipline is the published `field`, task the first part of the id (`E011/17`), tier the cognitive level in a field
`level`: the release has none, so only data that says it is averaged by it. Questions about one image are a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping

from tellurion_benchmark.readers.reading import Fields, Reading, present
from tellurion_benchmark.scoring import Json

KINDS: Mapping[str, str] = {"mcq": "mcq", "exact_match": "exact_match", "open_ended": "open_ended"}
"""By published `question_type`."""
BOX_TASKS = ("e011", "e012")
"""Their answers are boxes, whatever their published type: their kind is `boxes`."""


def read(record: Mapping[str, Json], place: str) -> Reading:
    """What a record says; raises InvalidInput where it is not in the published layout."""
    fields = Fields(record, place)
    name = fields.id("id")
    task = name.partition("/")[0]
    kind = fields.kind("question_type", KINDS)
    for field in ("question", "answer"):
        fields.text(field)
    if kind == "mcq":
        fields.texts("options", least=2)
    images = fields.texts("images")
    return Reading(
        id=name,
        kind="boxes" if task.lower() in BOX_TASKS else kind,
        record=fields.record,
        image_names=images,
        groups=present({"discipline": fields.text("field"), "task": task, "tier": fields.optional_text("level")}),
        cluster=images[0] if images else name,
    )
