"""However many frames there are, memory holds two; whoever takes no more ends the rendering."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
from asking import Asked, cameras, files, high_water, many

from tellurion.splat.v1 import splat_pb2
from tellurion_core.errors import InvalidInput
from tellurion_core.tensors import CHUNK_BYTES
from tellurion_splat.rendering import streamed

FRAMES = 1000
GROWTH_KB = 8 << 10
"""A thousand frames of 90 kB would be eleven times as much."""


@pytest.fixture(scope="module")
def splat(served: Any) -> Asked:
    return Asked(served)


@pytest.mark.slow
def test_a_thousand_frames_take_no_more_memory_than_ten(splat: Asked) -> None:
    request = splat_pb2.RenderRequest(
        model=splat.model(many(20, reflective=False)),
        cameras=cameras(*np.tile(np.eye(4), (FRAMES, 1, 1)), size=(100, 75)),
        format=splat_pb2.FRAME_FORMAT_NPY,  # whose size does not depend on what it shows
    )
    responses = splat.stub.Render(request, timeout=110)
    sizes, after_ten = set(), 0
    for number, (_, data) in enumerate(files(responses), 1):
        sizes.add(len(data))
        if number == 10:
            after_ten = high_water(splat.pid)
    assert number == FRAMES
    assert sizes == {100 * 75 * 12 + 128}
    assert high_water(splat.pid) - after_ten < GROWTH_KB


async def test_one_frame_is_rendered_ahead_and_no_more() -> None:
    rendered: list[int] = []
    with ThreadPoolExecutor(1) as thread:
        async with aclosing(streamed(thread, lambda index: counted(rendered, index), "abcdefgh")) as parts:
            header = (await anext(parts)).header
            assert (header.index, header.count, header.name, header.total_bytes) == (0, 8, "a", CHUNK_BYTES + 1)
            assert [len((await anext(parts)).chunk) for _ in range(2)] == [CHUNK_BYTES, 1]
            await asyncio.wrap_future(thread.submit(int))  # what was to be rendered meanwhile is
            assert rendered == [0, 1]
            await anext(parts)
            await asyncio.wrap_future(thread.submit(int))
            assert rendered == [0, 1, 2]
    assert rendered == [0, 1, 2]  # whoever leaves has no more rendered


async def test_a_frame_that_fails_ends_the_stream_with_its_error() -> None:
    def frame(index: int) -> bytes:
        if index == 1:
            raise InvalidInput.of("masks.b", received="1×1", accepted="2×2")
        return b"whole"

    with ThreadPoolExecutor(1) as thread:
        parts = streamed(thread, frame, "abc")
        assert (await anext(parts)).header.name == "a"
        assert (await anext(parts)).chunk == b"whole"
        with pytest.raises(InvalidInput, match=r"masks\.b"):
            await anext(parts)


def counted(rendered: list[int], index: int) -> bytes:
    rendered.append(index)
    return bytes(CHUNK_BYTES + 1)
