"""Answers survive whatever ends an attempt, and are found by their question."""

from __future__ import annotations

import asyncio
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from tellurion_benchmark.asking.answers import AnswerLog, reuse
from tellurion_core.errors import ResourceExhausted


def key(name: object) -> bytes:
    return sha256(str(name).encode()).digest()


def answer(log: AnswerLog, name: object) -> str | None:
    """What a log has under a key."""
    stored = log.entry(key(name))
    return None if stored is None else stored["answer"]


async def written(folder: Path, **answers: str) -> Path:
    """A folder with the segment of an attempt that stored these answers."""
    log = AnswerLog(folder)
    for name, answer in answers.items():
        await log.store(key(name), answer, {})
    await log.close()
    return folder


async def found(folder: Path, *names: str) -> list[str | None]:
    """What the next attempt finds."""
    log = AnswerLog(folder)
    try:
        return [answer(log, name) for name in names]
    finally:
        await log.close()


async def test_an_answer_is_found_at_once_and_by_later_attempts(tmp_path):
    log = AnswerLog(tmp_path)
    await log.store(key("a"), "α\n\ud800\0", {})
    assert answer(log, "a") == "α\n\ud800\0"
    assert answer(log, "b") is None
    await log.close()
    await written(tmp_path, b="B")
    assert await found(tmp_path, "a", "b", "c") == ["α\n\ud800\0", "B", None]


async def test_each_of_many_answers_is_found_by_its_own_key(tmp_path):
    log = AnswerLog(tmp_path)
    for first in range(0, 300, 100):
        await asyncio.gather(*(log.store(key(n), str(n) * n, {}) for n in range(first, first + 100)))
    assert [answer(log, n) for n in range(300)] == [str(n) * n for n in range(300)]
    await log.close()


async def test_every_attempt_writes_a_segment_of_its_own(tmp_path):
    await written(tmp_path, a="A")
    first = (tmp_path / "0001.jsonl").read_bytes()
    await written(tmp_path, b="B")
    assert (tmp_path / "0001.jsonl").read_bytes() == first
    assert json.loads((tmp_path / "0002.jsonl").read_text())["answer"] == "B"


@pytest.mark.parametrize("left", range(0, 90, 10))
async def test_a_line_that_was_not_finished_is_no_answer(tmp_path, left):
    segment = await written(tmp_path, a="A", b="B") / "0001.jsonl"
    first, second = segment.read_bytes().splitlines(keepends=True)
    assert len(second) > 80
    segment.write_bytes(first + second[: min(left, len(second) - 2)])
    assert await found(tmp_path, "a", "b") == ["A", None]


@pytest.mark.parametrize("damage", [b"\0" * 50, b"\xff\xfe", b"[]", b"7", b'{"key": "xyz", "answer": "Z"}', b"{}"])
async def test_a_damaged_line_costs_no_other(tmp_path, damage):
    segment = await written(tmp_path, a="A", b="B") / "0001.jsonl"
    first, second = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(first + damage + b"\n" + second)
    assert await found(tmp_path, "a", "b") == ["A", "B"]


async def test_nothing_counts_as_stored_before_it_is_synced(tmp_path, monkeypatch):
    synced = []
    sync = os.fsync
    log = AnswerLog(tmp_path)

    def counted(descriptor):
        synced.append((tmp_path / "0001.jsonl").read_bytes().count(b"\n"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    await asyncio.gather(*(log.store(key(n), str(n), {}) for n in range(64)))
    monkeypatch.undo()
    await log.close()
    assert synced[-1] == 64
    assert len(synced) <= 3, "answers that come together share an fsync"


async def test_a_full_disk_is_said_and_leaves_what_was_stored(tmp_path, monkeypatch):
    log = AnswerLog(tmp_path)
    await log.store(key("a"), "A", {})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceExhausted, match="disk full"):
        await log.store(key("b"), "B", {})
    monkeypatch.undo()
    with pytest.raises(ResourceExhausted):
        await log.store(key("c"), "C", {})
    assert [answer(log, name) for name in "abc"] == ["A", None, None]
    await log.close()


async def test_the_answers_of_another_evaluation_are_used_again(tmp_path):
    source = await written(tmp_path / "earlier", a="A")
    await written(tmp_path / "later", b="B")
    for _ in range(2):
        reuse(source, tmp_path / "later", job="1")
    for segment in source.iterdir():
        segment.unlink()
    assert await found(tmp_path / "later", "a", "b") == ["A", "B"]


async def test_answers_are_handed_on_from_job_to_job_under_names_that_do_not_grow(tmp_path):
    await written(tmp_path / "0", answer0="0")
    for number in range(1, 21):
        folder = tmp_path / str(number)
        reuse(tmp_path / str(number - 1), folder, job=str(number - 1))
        await written(folder, **{f"answer{number}": str(number)})
    assert max(len(path.name) for path in folder.iterdir()) == len("0123456789abcdef.jsonl")
    expected = [str(number) for number in range(21)]
    assert await found(folder, *(f"answer{number}" for number in range(21))) == expected


async def test_segments_of_two_jobs_do_not_take_each_others_place(tmp_path):
    for job in ("1", "2"):
        reuse(await written(tmp_path / job, **{job: job}), tmp_path / "later", job=job)
    assert await found(tmp_path / "later", "1", "2") == ["1", "2"]


async def test_a_file_system_without_links_has_copies(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    source = await written(tmp_path / "earlier", a="A")
    for _ in range(2):
        reuse(source, tmp_path / "later", job="1")
    assert {path.suffix for path in (tmp_path / "later").iterdir()} == {".jsonl"}
    assert await found(tmp_path / "later", "a") == ["A"]


async def test_what_a_job_goes_on_to_store_is_found_by_the_next_attempt_and_harms_this_one_not(tmp_path):
    source = AnswerLog(tmp_path / "earlier")
    await source.store(key("a"), "A", {})
    reuse(tmp_path / "earlier", tmp_path / "later", job="1")
    log = AnswerLog(tmp_path / "later")
    await source.store(key("b"), "B", {})
    assert [answer(log, name) for name in "ab"] == ["A", None]
    await log.store(key("b"), "B again", {})
    await log.close()
    await source.close()
    assert await found(tmp_path / "later", "a") == ["A"]
    assert await found(tmp_path / "earlier", "a", "b") == ["A", "B"]
