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
        return [log.get(key(name)) for name in names]
    finally:
        await log.close()


async def test_an_answer_is_found_at_once_and_by_later_attempts(tmp_path):
    log = AnswerLog(tmp_path)
    await log.store(key("a"), "α\n\ud800\0", {})
    assert log.get(key("a")) == "α\n\ud800\0"
    assert log.get(key("b")) is None
    await log.close()
    await written(tmp_path, b="B")
    assert await found(tmp_path, "a", "b", "c") == ["α\n\ud800\0", "B", None]


async def test_each_of_many_answers_is_found_by_its_own_key(tmp_path):
    log = AnswerLog(tmp_path)
    for first in range(0, 300, 100):
        await asyncio.gather(*(log.store(key(n), str(n) * n, {}) for n in range(first, first + 100)))
    assert [log.get(key(n)) for n in range(300)] == [str(n) * n for n in range(300)]
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
    assert [log.get(key(name)) for name in "abc"] == ["A", None, None]
    await log.close()


async def test_the_answers_of_another_evaluation_are_used_again(tmp_path):
    source = await written(tmp_path / "earlier", a="A")
    await written(tmp_path / "later", b="B")
    for _ in range(2):
        reuse(source, tmp_path / "later")
    for segment in source.iterdir():
        segment.unlink()
    assert await found(tmp_path / "later", "a", "b") == ["A", "B"]
