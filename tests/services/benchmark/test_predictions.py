"""Predictions are joined to items by id; a line that cannot be used is named by its number."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from tellurion_benchmark import records
from tellurion_benchmark.dataset import DataSet
from tellurion_benchmark.predictions import read_predictions
from tellurion_core.errors import InvalidInput

SAMPLES = [{"assistant_0": f"first {n}", "assistant_1": f"second {n}"} for n in range(3)]


@pytest.fixture
def data(write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "earthse")
    with closing(DataSet.build(tmp_path / "s.sqlite", "earthse", folder / "questions.json", "json")) as data:
        yield data


@pytest.fixture
def gold(write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "gold", "earth-gold")
    with closing(DataSet.build(tmp_path / "g.sqlite", "earthse", folder / "questions.json", "json")) as data:
        yield data


def predicted(data: DataSet) -> dict[str, object]:
    return {item.id: prediction for item, prediction in data.predicted()}


@pytest.fixture
def read(tmp_path):
    def read(data: DataSet, *lines: object) -> None:
        content = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        (tmp_path / "P.jsonl").write_bytes(b"\n".join(content))
        read_predictions(tmp_path / "P.jsonl", data)

    return read


def test_predictions_are_found_by_id_in_any_order(data, read):
    read(data, {"id": "3", "prediction": "mantle"}, b"", {"id": 1, "prediction": ""})
    assert predicted(data) == {"1": "", "2": None, "3": "mantle", "4": None}


def test_no_line_at_all_leaves_every_item_without_one(data, read):
    read(data)
    assert set(predicted(data).values()) == {None}


def test_a_dialogue_has_samples_and_may_have_a_rank(gold, read):
    read(gold, {"id": 0, "samples": SAMPLES, "rank": 2}, {"id": 1, "samples": SAMPLES})
    assert predicted(gold) == {"0": {"samples": SAMPLES, "rank": 2}, "1": {"samples": SAMPLES}}


LINES = [
    (b"{", "predictions line 2"),
    (b"[]", "predictions line 2"),
    (b'{"id": 1, "prediction": NaN}', "predictions line 2"),
    (b'{"id": 1, "prediction": "\xff"}', "predictions line 2"),
    (b'{"id": 1, "prediction": "\\udcff"}', "predictions line 2"),
    (b"[" * 100_000, "predictions line 2"),
    ({"prediction": "a"}, "predictions line 2.id"),
    ({"id": "none", "prediction": "a"}, "predictions line 2.id"),
    ({"id": True, "prediction": "a"}, "predictions line 2.id"),
    ({"id": 1.0, "prediction": "a"}, "predictions line 2.id"),
    ({"id": 2, "prediction": "again"}, "predictions line 2.id"),
    ({"id": 1}, "predictions line 2.prediction"),
    ({"id": 1, "prediction": None}, "predictions line 2.prediction"),
    ({"id": 1, "prediction": ["A"]}, "predictions line 2.prediction"),
    ({"id": 1, "samples": SAMPLES}, "predictions line 2.prediction"),
]


@pytest.mark.parametrize(("line", "field"), LINES)
def test_a_line_that_cannot_be_used_is_named(data, read, line, field):
    with pytest.raises(InvalidInput) as refused:
        read(data, {"id": 2, "prediction": "True"}, line)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_lists_in_lists_are_refused_however_deep(data, read):
    for depth in range(800, 1000):
        with pytest.raises(InvalidInput, match="predictions line 1"):
            read(data, b'{"id": ' + b"[" * depth + b"]" * depth + b"}")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"samples": None}, "samples"),
        ({"samples": "text"}, "samples"),
        ({"samples": [{"assistant_0": "a"}]}, "samples"),
        ({"samples": [{"assistant_0": "a", "assistant_1": 1}]}, "samples"),
        ({"rank": "2"}, "rank"),
        ({"rank": True}, "rank"),
        ({"rank": 1.5}, "rank"),
    ],
)
def test_a_dialogue_of_another_form_is_named(gold, read, change, field):
    with pytest.raises(InvalidInput, match=f"predictions line 1.{field}"):
        read(gold, {"id": 0, "samples": SAMPLES, "rank": 2} | change)


def test_many_bad_lines_are_named_together_up_to_twenty(data, read):
    with pytest.raises(InvalidInput) as refused:
        read(data, *({"id": f"no {n}", "prediction": "a"} for n in range(500)))
    assert len(refused.value.violations) == records.SHOWN


def test_a_line_without_end_is_refused(data, read):
    with pytest.raises(InvalidInput, match="predictions line 1"):
        read(data, b'{"id": 1, "prediction": "' + b"a" * (records.RECORD_BYTES + 1))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"id": 1, "prediction": None}, "prediction"),
        ({"id": 1}, "prediction"),
        ({"prediction": "A"}, "id"),
        ({"id": None, "prediction": "A"}, "id"),
    ],
)
def test_what_is_null_or_not_there_is_nothing(data, read, line, field):
    with pytest.raises(InvalidInput, match=rf"predictions line 1\.{field}: received nothing;"):
        read(data, line)


@pytest.mark.parametrize("line", [{"id": 0}, {"id": 0, "samples": None}])
def test_a_dialogue_that_is_null_or_not_there_is_nothing(gold, read, line):
    with pytest.raises(InvalidInput, match=r"predictions line 1\.samples: received nothing;"):
        read(gold, line)


def test_a_name_that_comes_twice_in_a_line_is_refused(data, read):
    with pytest.raises(InvalidInput, match="predictions line 1: received 'id' twice; accepted: each name once"):
        read(data, b'{"id": 1, "id": 2, "prediction": "A"}')
