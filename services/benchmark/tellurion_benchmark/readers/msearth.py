"""MSEarth's records.

The release keeps a file per kind of question, which a field `format` or `question_type` says here. Sphere is the
published `subject`, discipline the first `primary_sphere` of its classification (a discipline in all but name), task
the question's category, or else its kind of figure. Questions from one paper are a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping

from tellurion_benchmark.readers.reading import Fields, Reading, present
from tellurion_benchmark.scoring import Json

KINDS: Mapping[str, str] = {
    "mcq": "mcq",
    "open": "open",
    "open-ended": "open",
    "captioning": "caption",
    "caption": "caption",
}
"""By the names of the release's files and of its tasks."""


def read(record: Mapping[str, Json], place: str) -> Reading:
    """What a record says; raises InvalidInput where it is not in the published layout."""
    fields = Fields(record, place)
    name = fields.id("question_id")
    kind = fields.kind("format" if "format" in fields.record else "question_type", KINDS)
    fields.text("response")
    if kind == "caption":
        fields.record.setdefault("query", "")
    else:
        fields.text("query")
    if kind == "open":
        fields.text("caption")
    images = fields.texts("images", least=1)
    classes = Fields(fields.mapping("classification_result"), f"{place}.classification_result")
    types = Fields(fields.mapping("vqa_type"), f"{place}.vqa_type")
    return Reading(
        id=name,
        kind=kind,
        record=fields.record,
        image_names=images,
        groups=present(
            {
                "sphere": fields.text("subject"),
                "discipline": classes.optional_text("primary_sphere"),
                "task": types.optional_text("question_category") or types.optional_text("vqa_type"),
            }
        ),
        cluster=fields.optional_text("track_id") or images[0],
    )
