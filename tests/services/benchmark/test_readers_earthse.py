"""EarthSE's records: kinds, groups and clusters, and what is not in the published layout."""

from __future__ import annotations

import pytest

from tellurion_benchmark.readers import earthse
from tellurion_core.errors import InvalidInput


def test_every_format_has_its_kind_and_a_dialogue_is_gold(data_files):
    kinds = [earthse.read(record, "").kind for record in data_files.earthse() + data_files.earth_gold()]
    assert kinds == ["multiple_choice", "true_false", "fill_in_the_blank", "free_form", "gold", "gold"]


def test_the_format_may_be_said_as_the_question_type(data_files):
    record = data_files.earthse()[1]
    assert earthse.read(record | {"format": None, "question_type": "true_false"}, "").kind == "true_false"
    with pytest.raises(InvalidInput, match=r"questions\[0\]\.question_type"):
        earthse.read(record | {"format": None}, "questions[0]")


def test_an_index_is_an_id_whether_it_is_a_number_or_text(data_files):
    record = data_files.earthse()[0]
    assert earthse.read(record | {"idx": 7}, "").id == earthse.read(record | {"idx": "7"}, "").id == "7"


def test_groups_are_sphere_task_and_discipline_and_a_tier_that_is_said(data_files):
    record = data_files.earthse()[0]
    groups = {"sphere": "Cryosphere", "task": "knowledge_qa", "discipline": "Glacier dynamics"}
    assert earthse.read(record, "").groups == groups
    assert earthse.read(record | {"tier": "Silver"}, "").groups == groups | {"tier": "Silver"}
    assert earthse.read(data_files.earth_gold()[0], "").groups == {"sphere": "Cryosphere"}


def test_each_question_is_its_own_cluster_and_has_no_image(data_files):
    reading = earthse.read(data_files.earthse()[0], "")
    assert (reading.cluster, reading.image_names) == ("1", ())


@pytest.mark.parametrize("field", ["idx", "question", "answer", "task", "sphere", "format"])
@pytest.mark.parametrize("value", [2.5, "", ["a", 1], True])
def test_a_field_of_another_type_is_named(data_files, field, value):
    with pytest.raises(InvalidInput) as refused:
        earthse.read(data_files.earthse()[0] | {field: value}, "questions[4]")
    assert [violation.field for violation in refused.value.violations] == [f"questions[4].{field}"]


@pytest.mark.parametrize("field", ["assistant_0", "user_1", "assistant_1", "sphere"])
def test_a_dialogue_has_two_turns(data_files, field):
    with pytest.raises(InvalidInput, match=rf"questions\[4\]\.{field}: received nothing"):
        earthse.read(data_files.earth_gold()[0] | {field: None}, "questions[4]")
