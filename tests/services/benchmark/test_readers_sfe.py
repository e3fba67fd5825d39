"""SFE's records: kinds, groups and clusters, and what is not in the published layout."""

from __future__ import annotations

import pytest

from tellurion_benchmark.readers import sfe
from tellurion_core.errors import InvalidInput


@pytest.mark.parametrize("language", ["en", "zh"])
def test_kinds_are_the_published_types_and_boxes(data_files, language):
    read = [sfe.read(record, "questions[0]") for record in data_files.sfe(language)]
    assert [reading.kind for reading in read] == ["mcq", "exact_match", "open_ended", "boxes"]
    assert read[0].groups["discipline"] == ("Astronomy" if language == "en" else "天文学")


@pytest.mark.parametrize("name", ["E011/1", "e012/1", "E012"])
def test_boxes_are_told_by_the_first_part_of_the_id(data_files, name):
    assert sfe.read(data_files.sfe()[2] | {"id": name}, "").kind == "boxes"


@pytest.mark.parametrize("name", ["E0110/1", "A011/1", "x/E011"])
def test_other_ids_are_no_box_tasks(data_files, name):
    assert sfe.read(data_files.sfe()[2] | {"id": name}, "").kind == "open_ended"


def test_the_task_is_the_first_part_of_the_id_and_the_tier_a_level_that_is_said(data_files):
    record = data_files.sfe()[0]
    assert sfe.read(record, "").groups == {"discipline": "Astronomy", "task": "A001"}
    assert sfe.read(record | {"level": "L2"}, "").groups["tier"] == "L2"


def test_questions_about_one_image_are_a_cluster(data_files):
    record = data_files.sfe()[0] | {"images": ["a.png", "b.png"]}
    reading = sfe.read(record, "")
    assert (reading.image_names, reading.cluster) == (("a.png", "b.png"), "a.png")
    assert sfe.read(record | {"images": []}, "").cluster == "A001/0"


@pytest.mark.parametrize("null", [None, []])
def test_only_a_choice_needs_options(data_files, null):
    choice, other = data_files.sfe()[:2]
    assert sfe.read(other | {"options": null}, "").kind == "exact_match"
    with pytest.raises(InvalidInput, match=r"questions\[3\]\.options"):
        sfe.read(choice | {"options": null}, "questions[3]")


@pytest.mark.parametrize("field", ["id", "field", "question_type", "question", "answer", "images"])
@pytest.mark.parametrize("value", [None, 1.5, "", {}, ["a", 1]])
def test_a_field_of_another_type_is_named(data_files, field, value):
    with pytest.raises(InvalidInput) as refused:
        sfe.read(data_files.sfe()[0] | {field: value}, "questions[17]")
    assert [violation.field for violation in refused.value.violations] == [f"questions[17].{field}"]


def test_a_missing_field_is_said_to_be_nothing_and_a_type_is_one_of_the_published(data_files):
    record = data_files.sfe()[0]
    without = {name: value for name, value in record.items() if name != "answer"}
    with pytest.raises(InvalidInput, match="received nothing"):
        sfe.read(without, "questions[0]")
    with pytest.raises(InvalidInput, match="received essay; accepted: one of mcq, exact_match, open_ended"):
        sfe.read(record | {"question_type": "essay"}, "questions[0]")


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2J", "x" * 501, "", True])
def test_an_id_is_one_short_printable_line(data_files, name):
    with pytest.raises(InvalidInput):
        sfe.read(data_files.sfe()[0] | {"id": name}, "questions[0]")
