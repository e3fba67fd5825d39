"""EarthSE's records: questions of Earth-Iron and Earth-Silver, dialogues of Earth-Gold.

The release keeps a file per kind of question, which a field `format` or `question_type` says here; a record with
`user_0` is a dialogue. Sphere and task are published under these names, discipline as `sub_discipline`; tier is a field
`tier` where the data has one, since the release keeps a data set per tier. Nothing published tells which questions were
made from one paper: each is its own cluster.
"""

from __future__ import annotations

from collections.abc import Mapping

from tellurion_benchmark.readers.reading import Fields, Reading, present
from tellurion_benchmark.scoring import Json

FORMATS: Mapping[str, str] = {
    name: name for name in ("multiple_choice", "true_false", "fill_in_the_blank", "free_form")
}
"""By the names of the release's files; a dialogue's kind is `gold`."""
TURNS = ("user_0", "assistant_0", "user_1", "assistant_1")


def read(record: Mapping[str, Json], place: str) -> Reading:
    """What a record says; raises InvalidInput where it is not in the published layout."""
    fields = Fields(record, place)
    name = fields.id("idx")
    groups = {"sphere": fields.text("sphere"), "tier": fields.optional_text("tier")}
    if "user_0" in fields.record:
        kind = "gold"
        for turn in TURNS:
            fields.text(turn)
    else:
        kind = fields.kind("format" if "format" in fields.record else "question_type", FORMATS)
        for field in ("question", "answer"):
            fields.text(field)
        groups |= {"task": fields.text("task"), "discipline": fields.optional_text("sub_discipline")}
    return Reading(id=name, kind=kind, record=fields.record, image_names=(), groups=present(groups), cluster=name)
