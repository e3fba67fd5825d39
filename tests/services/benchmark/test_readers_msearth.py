"""MSEarth's records: kinds, groups and clusters, and what is not in the published layout."""

from __future__ import annotations

import pytest

from tellurion_benchmark.readers import msearth
from tellurion_core.errors import InvalidInput


def test_every_file_of_the_release_has_its_kind(data_files):
    assert [msearth.read(record, "").kind for record in data_files.msearth()] == ["mcq", "open", "caption"]


@pytest.mark.parametrize("field", ["format", "question_type"])
@pytest.mark.parametrize(("said", "kind"), [("MCQ", "mcq"), ("open_ended", "open"), ("caption", "caption")])
def test_the_kind_is_said_in_either_field(data_files, field, said, kind):
    record = {name: value for name, value in data_files.msearth()[1].items() if name != "question_type"}
    assert msearth.read(record | {field: said}, "").kind == kind
    with pytest.raises(InvalidInput, match="question_type"):
        msearth.read(record, "questions[0]")


def test_groups_are_the_subject_the_first_discipline_and_the_category(data_files):
    mcq, other, _ = data_files.msearth()
    groups = {"sphere": "hydrosphere", "discipline": "Hydrology", "task": "Trend analysis"}
    assert msearth.read(mcq, "").groups == groups
    assert msearth.read(other, "").groups == groups | {"task": "Whole figure"}


def test_what_is_not_classified_is_in_fewer_groups(data_files):
    record = data_files.msearth()[0] | {"classification_result": None, "vqa_type": {"vqa_type": None}}
    assert msearth.read(record, "").groups == {"sphere": "hydrosphere"}


def test_questions_from_one_paper_are_a_cluster(data_files):
    record = data_files.msearth()[0]
    assert msearth.read(record, "").cluster == "papers/river.pdf"
    assert msearth.read(record | {"track_id": None}, "").cluster == "ME000001.png"


def test_a_caption_is_asked_for_without_a_question(data_files):
    record = data_files.msearth()[2] | {"query": None, "caption": None}
    assert msearth.read(record, "").record["query"] == ""


@pytest.mark.parametrize("field", ["question_id", "query", "response", "images", "subject", "caption"])
@pytest.mark.parametrize("value", [None, 2.5, "", ["a", 1]])
def test_a_field_of_another_type_is_named(data_files, field, value):
    with pytest.raises(InvalidInput) as refused:
        msearth.read(data_files.msearth()[1] | {field: value}, "questions[4]")
    assert [violation.field for violation in refused.value.violations] == [f"questions[4].{field}"]


def test_a_field_within_a_field_is_named(data_files):
    record = data_files.msearth()[0] | {"classification_result": {"primary_sphere": 3}}
    with pytest.raises(InvalidInput, match=r"questions\[4\]\.classification_result\.primary_sphere"):
        msearth.read(record, "questions[4]")
