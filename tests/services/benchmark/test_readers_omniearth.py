"""OmniEarth-Bench's records: kinds, groups and clusters, and what is not in the published layout."""

from __future__ import annotations

import pytest

from tellurion_benchmark.readers import omniearth
from tellurion_core.errors import InvalidInput


def test_every_type_of_question_has_its_kind(data_files):
    kinds = [omniearth.read(record, "").kind for record in data_files.omniearth()]
    assert kinds == ["single", "multiple", "grounding", "cot", "open", "caption"]


@pytest.mark.parametrize("spelled", ["Chain-of-Thought", "chain of thought", "CHAIN_OF_THOUGHT"])
def test_types_are_told_however_they_are_spelled(data_files, spelled):
    assert omniearth.read(data_files.omniearth()[3] | {"Question Type": spelled}, "").kind == "cot"


def test_groups_are_the_four_levels_and_a_task_is_its_whole_path(data_files):
    assert omniearth.read(data_files.omniearth()[0], "").groups == {
        "sphere": "Biosphere",
        "discipline": "Vegetation monitoring",
        "tier": "Perception",
        "task": "Biosphere/Vegetation monitoring/Perception/Forest extent",
    }


def test_only_grounding_is_measured_in_its_one_image(data_files):
    assert [r["Question Type"] for r in data_files.omniearth() if omniearth.read(r, "").measured] == [
        "Visual Grounding"
    ]
    with pytest.raises(InvalidInput, match=r"questions\[2\]\.Images.*one image"):
        omniearth.read(data_files.omniearth()[2] | {"Images": ["a.png", "b.png"]}, "questions[2]")


@pytest.mark.parametrize("truth", ["[1,2,3,4]", "<1><2><3>", "<1><2><3><4><5>", "<1.2.3><2><3><4>", "<.><2><3><4>"])
def test_a_grounding_that_names_no_box_is_refused(data_files, truth):
    with pytest.raises(InvalidInput, match="Ground Truth"):
        omniearth.read(data_files.omniearth()[2] | {"Ground Truth": truth}, "questions[2]")


def test_boxes_may_have_words_between_their_numbers(data_files):
    truth = "The eddy: (<16.5>, <12>) to (<48>, <36.25>)"
    assert omniearth.read(data_files.omniearth()[2] | {"Ground Truth": truth}, "").kind == "grounding"


@pytest.mark.parametrize(("kind", "field"), [(0, "Answer Choices"), (1, "Answer Choices"), (3, "CoT")])
def test_choices_and_steps_are_needed_where_they_are_asked_for(data_files, kind, field):
    with pytest.raises(InvalidInput, match=field):
        omniearth.read(data_files.omniearth()[kind] | {field: []}, "questions[0]")


FIELDS = ["Question_id", "Question Type", "Text", "Ground Truth", "Images", "L1-task", "L2-task", "L3-task", "L4-task"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [None, 2.5, "", ["a", 1]])
def test_a_field_of_another_type_is_named(data_files, field, value):
    with pytest.raises(InvalidInput) as refused:
        omniearth.read(data_files.omniearth()[0] | {field: value}, "questions[4]")
    assert [violation.field for violation in refused.value.violations] == [f"questions[4].{field}"]
