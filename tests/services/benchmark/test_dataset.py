"""A data set is read in bounded memory, refused where its layout is wrong, and named by a hash of what it holds."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tellurion_benchmark import media, records
from tellurion_benchmark.dataset import DataSet
from tellurion_core.errors import InvalidInput

SUITES = {"sfe": 4, "omniearth": 6, "msearth": 3, "earthse": 4, "earth-gold": 2}
FORMS = ["json", "jsonl", "parquet"]


def said(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what says nothing: in Parquet all records have the same fields."""
    return {name: said(v) if isinstance(v, dict) else v for name, v in record.items() if v not in (None, [], "")}


@pytest.fixture
def build(data_files, tmp_path):
    """Builds the data set of a folder, with its files in any order."""
    built = []

    def build(folder: Path, suite: str, form: str = "json", files: list | None = None) -> DataSet:
        files = data_files.images_in(folder) if files is None else files
        name = "earthse" if suite == "earth-gold" else suite
        data = DataSet.build(tmp_path / f"{len(built)}.sqlite", name, folder / f"questions.{form}", form, files)
        built.append(data)
        return data

    yield build
    for data in built:
        data.close()


@pytest.fixture
def refused(build):
    """The fields that a file of questions is refused for."""

    def refused(folder: Path, suite: str, form: str, content: str | bytes) -> list[str]:
        folder.mkdir(exist_ok=True)
        (folder / f"questions.{form}").write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(InvalidInput) as error:
            build(folder, suite, form)
        return [violation.field for violation in error.value.violations]

    return refused


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_is_read_in_order_from_every_form(write_dataset, data_files, build, tmp_path, suite, form):
    folder = write_dataset(tmp_path / "data", suite, form=form)
    data = build(folder, suite, form)
    items = list(data.items())
    make, identifier, names = data_files.SUITES[suite]
    assert data.count == len(items) == SUITES[suite]
    assert [item.id for item in items] == [str(record[identifier]) for record in make()]
    for item, record in zip(items, make(), strict=True):
        assert item.images == tuple(folder / name for name in record.get(names, ()))
        assert item.fault is None
        assert said(record).items() <= said(item.record).items()


def test_all_forms_hold_the_same_items(write_dataset, build, tmp_path):
    folder = tmp_path / "data"
    array, lines, columns = (
        list(build(write_dataset(folder, "omniearth", form=form), "omniearth", form).items()) for form in FORMS
    )
    assert array == lines == columns


def test_chinese_is_read(write_dataset, build, tmp_path):
    data = build(write_dataset(tmp_path / "data", "sfe", language="zh"), "sfe")
    assert next(data.items()).record["options"] == ["A. 旋涡星系", "B. 椭圆星系"]


def test_a_limit_takes_the_first(write_dataset, build, tmp_path):
    data = build(write_dataset(tmp_path / "data", "earthse", count=600), "earthse")
    everything = [item.id for item in data.items()]
    for limit in (0, 1, 256, 257, 600, 9999):
        assert [item.id for item in data.items(limit)] == everything[:limit]


def test_what_is_measured_in_an_image_comes_with_its_size(write_dataset, build, tmp_path):
    items = build(write_dataset(tmp_path / "data", "omniearth"), "omniearth").items()
    sizes = [(item.record.get("image_width"), item.record.get("image_height")) for item in items]
    assert sizes == [(None, None), (None, None), (64, 48), (None, None), (None, None), (None, None)]


def test_images_in_parquet_are_taken_out_of_it(write_dataset, data_files, build, tmp_path):
    beside = write_dataset(tmp_path / "beside", "sfe", form="parquet")
    within = write_dataset(tmp_path / "within", "sfe", form="parquet", embedded=True)
    assert not data_files.images_in(within)
    for one, other in zip(
        build(beside, "sfe", "parquet").items(), build(within, "sfe", "parquet").items(), strict=True
    ):
        assert [path.read_bytes() for path in one.images] == [path.read_bytes() for path in other.images]
        assert len(other.images) == 1


def test_bytes_alone_are_an_image_too(build, data_files, tmp_path):
    import pyarrow
    import pyarrow.parquet

    record = data_files.sfe()[0] | {"images": [data_files.picture()]}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([record]), tmp_path / "questions.parquet")
    (item,) = build(tmp_path, "sfe", "parquet", files=[]).items()
    assert item.images[0].read_bytes() == data_files.picture()


def test_the_hash_is_of_contents_and_not_of_places_or_orders(write_dataset, data_files, build, tmp_path):
    here, there = (write_dataset(tmp_path / name, "omniearth") for name in ("here", "there"))
    (there / "unused.png").write_bytes(b"not named by any question")
    files = data_files.images_in(there)
    random.Random(3).shuffle(files)
    first = build(here, "omniearth").sha256
    assert first == build(there, "omniearth", files=files).sha256 == build(there, "omniearth", files=files[::-1]).sha256


def test_the_hash_changes_with_a_question_an_image_or_where_it_is_missing(write_dataset, build, data_files, tmp_path):
    folder = write_dataset(tmp_path / "data", "sfe")
    hashes = [build(folder, "sfe").sha256]
    image = folder / "images/A001_0.png"
    image.write_bytes(data_files.picture(shade=201))
    hashes.append(build(folder, "sfe").sha256)
    image.unlink()
    hashes.append(build(folder, "sfe").sha256)
    (folder / "questions.json").write_text((folder / "questions.json").read_text().replace("spiral", "Spiral"))
    hashes.append(build(folder, "sfe").sha256)
    assert len(set(hashes)) == 4


def test_two_images_that_change_places_are_another_data_set(write_dataset, build, tmp_path):
    folder = write_dataset(tmp_path / "data", "sfe")
    before = build(folder, "sfe").sha256
    one, other = folder / "images/A001_0.png", folder / "images/L003_2.png"
    contents = one.read_bytes(), other.read_bytes()
    other.write_bytes(contents[0])
    one.write_bytes(contents[1])
    assert contents[0] != contents[1]
    assert build(folder, "sfe").sha256 != before


def test_an_image_with_a_fault_is_its_items_alone(write_dataset, data_files, build, tmp_path):
    folder = write_dataset(tmp_path / "data", "omniearth")
    items = list(build(folder, "omniearth").items())
    items[0].images[0].unlink()
    items[1].images[0].write_bytes(items[1].images[0].read_bytes()[:-60])
    items[2].images[0].write_bytes(b"<html>")
    data = build(folder, "omniearth")
    assert [item.fault for item in data.items()] == [media.MISSING, media.DAMAGED, media.NO_IMAGE, None, None, None]
    assert [len(item.images) for item in data.items()] == [0, 0, 0, 1, 1, 1]
    names = [record["Images"][0] for record in data_files.omniearth()]
    assert [item.faulty for item in data.items()] == [*names[:3], "", "", ""]


def test_the_kinds_of_the_first_items_are_known(write_dataset, build, tmp_path):
    data = build(write_dataset(tmp_path / "data", "earthse"), "earthse")
    assert data.kinds() == {"multiple_choice", "true_false", "fill_in_the_blank", "free_form"}
    assert data.kinds(2) == {"multiple_choice", "true_false"}


@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png", "images/../../secret.png", "file:///secret.png"])
def test_names_that_lead_out_of_the_folder_are_missing(write_dataset, data_files, build, tmp_path, name):
    (tmp_path / "secret.png").write_bytes(data_files.picture())
    folder = write_dataset(tmp_path / "data", "sfe")
    written = [data_files.sfe()[0] | {"images": [name]}]
    (folder / "questions.json").write_text(json.dumps(written))
    assert [item.fault for item in build(folder, "sfe").items()] == [media.MISSING]


@pytest.mark.parametrize("name", ["A001_0.png", "./images/A001_0.png", "images//A001_0.png"])
def test_images_are_found_in_the_folder_images_and_by_other_spellings(write_dataset, data_files, build, tmp_path, name):
    folder = write_dataset(tmp_path / "data", "sfe")
    (folder / "questions.json").write_text(json.dumps([data_files.sfe()[0] | {"images": [name]}]))
    (item,) = build(folder, "sfe").items()
    assert item.images == (folder / "images/A001_0.png",)


def test_an_id_that_comes_twice_is_refused(data_files, refused, tmp_path):
    first, second = data_files.earthse()[:2]
    written = json.dumps([first, second, second | {"idx": "1"}])
    assert refused(tmp_path / "data", "earthse", "json", written) == ["questions[2]"]


def test_several_fields_are_named_at_once_and_not_more_than_twenty(data_files, refused, tmp_path):
    record = data_files.sfe()[0]
    written = [record, record | {"id": "b", "answer": 3}, record | {"id": "c", "images": "a.png"}]
    fields = refused(tmp_path / "data", "sfe", "json", json.dumps(written))
    assert fields == ["questions[1].answer", "questions[2].images"]
    assert len(refused(tmp_path / "data", "sfe", "json", json.dumps([{}] * 1000))) == records.SHOWN


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "null", "[", '[{"id":', "[1", "[NaN]", "[{}] trailing", "<html>", b"\xff\xfe[\0]\0", '["\xff"]'],
)
def test_what_is_no_array_of_records_is_refused(refused, tmp_path, content):
    assert refused(tmp_path / "data", "sfe", "json", content)


@pytest.mark.parametrize("content", [b"\xff\xfe[\0]\0", b'[{"id": "\xff"}]'], ids=["UTF-16", "Latin-1"])
def test_an_array_that_is_not_utf_8_is_said_to_be_so(build, tmp_path, content):
    (tmp_path / "questions.json").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"^questions: received the byte 0xff, which is not UTF-8"):
        build(tmp_path, "sfe")


def test_a_line_that_is_not_utf_8_is_said_to_be_so(build, tmp_path):
    (tmp_path / "questions.jsonl").write_bytes(b'{"id": "\xe9"}\n')
    with pytest.raises(InvalidInput, match=r"^questions line 1: received the byte 0xe9, which is not UTF-8"):
        build(tmp_path, "sfe", "jsonl")


@pytest.mark.parametrize(("form", "place"), [("json", r"questions\[1\]"), ("jsonl", "questions line 2")])
@pytest.mark.parametrize("object", ['{"id": "b", "answer": 1, "id": "c"}', '{"a": [{"id": 1, "b": 2, "id": 1}]}'])
def test_a_name_that_comes_twice_in_an_object_is_refused(data_files, build, tmp_path, form, place, object):
    records = [json.dumps(data_files.sfe()[0]), object]
    content = f"[{','.join(records)}]" if form == "json" else "\n".join(records)
    (tmp_path / f"questions.{form}").write_text(content)
    with pytest.raises(InvalidInput, match=f"{place}: received 'id' twice; accepted: each name once"):
        build(tmp_path, "sfe", form)


@pytest.mark.parametrize("line", ["{", "null", "[]", '{"id": NaN}', '{"id": "\\ud800"}', b'{"id": "\xff"}', "9" * 9999])
def test_a_line_that_is_no_record_is_named(data_files, refused, tmp_path, line):
    good = json.dumps(data_files.sfe()[0]).encode()
    content = good + b"\n\n" + (line if isinstance(line, bytes) else line.encode()) + b"\n"
    (field,) = refused(tmp_path / "data", "sfe", "jsonl", content)
    assert field in ("questions line 3", "questions[1]")


def test_a_byte_order_mark_is_no_fault(write_dataset, build, tmp_path):
    for form in ("json", "jsonl"):
        path = write_dataset(tmp_path / "data", "sfe", form=form) / f"questions.{form}"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert build(tmp_path / "data", "sfe", form).count == 4


@pytest.mark.parametrize("form", FORMS)
def test_another_file_under_this_form_is_refused(refused, tmp_path, form):
    assert refused(tmp_path / "data", "sfe", form, b"PAR1" + bytes(range(256)) * 40)


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_record_that_has_no_end_is_refused_in_bounded_memory(refused, tmp_path, form):
    content = b'[{"id": "' + b"a" * (40 << 20)
    tracemalloc.start()
    fields = refused(tmp_path / "data", "sfe", form, content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(fields) == 1
    assert peak < 60 << 20


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_record_that_goes_very_deep_is_refused(refused, tmp_path, form):
    nested = '{"id":' + "[" * 100_000 + "]" * 100_000 + "}"
    assert refused(tmp_path / "data", "sfe", form, f"[{nested}]" if form == "json" else nested)


def test_values_that_json_has_not_are_refused(data_files, build, tmp_path):
    import datetime

    import pyarrow
    import pyarrow.parquet

    record = data_files.sfe()[0] | {"made": datetime.date(2025, 6, 11)}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([record]), tmp_path / "questions.parquet")
    with pytest.raises(InvalidInput, match=r"questions\[0\]"):
        build(tmp_path, "sfe", "parquet")


def test_a_name_that_is_listed_twice_is_refused(write_dataset, data_files, build, tmp_path):
    folder = write_dataset(tmp_path / "data", "sfe")
    with pytest.raises(InvalidInput, match="media"):
        build(folder, "sfe", files=data_files.images_in(folder) * 2)


@pytest.mark.parametrize("form", FORMS)
def test_memory_does_not_grow_with_the_number_of_items(write_dataset, tmp_path, form):
    peaks = []
    for count in (500, 4_000):
        folder = write_dataset(tmp_path / str(count), "earthse", form=form, count=count)
        tracemalloc.start()
        with closing(DataSet.build(tmp_path / "s.sqlite", "earthse", folder / f"questions.{form}", form)) as data:
            assert sum(1 for _ in data.items()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2**18


MEASURE = """
import resource, sys, time
from pathlib import Path
from tellurion_benchmark.dataset import DataSet

began = time.perf_counter()
data = DataSet.build(Path(sys.argv[1], "s.sqlite"), "omniearth", Path(sys.argv[1], "questions.json"), "json")
seconds = time.perf_counter() - began
assert sum(1 for _ in data.items()) == data.count
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.slow
def test_omniearth_is_read_in_little_over_a_second_and_a_hundred_thousand_take_no_more_memory(data_files, tmp_path):
    measured = {}
    for count in (1_000, 10_000, 29_779, 100_000):
        with (tmp_path / "questions.json").open("w") as file:
            for number, record in enumerate(data_files.many("omniearth", count)):
                file.write("[,"[number > 0] + json.dumps(record, indent=4))
            file.write("]")
        run = subprocess.run([sys.executable, "-c", MEASURE, tmp_path], capture_output=True, text=True, check=True)
        measured[count] = [float(figure) for figure in run.stdout.split()]
    seconds, mebibytes = zip(*measured.values(), strict=True)
    assert measured[29_779][0] < 1.5, measured
    assert max(mebibytes) < min(mebibytes) + 8, measured
    assert seconds[3] / seconds[1] < 15, measured
