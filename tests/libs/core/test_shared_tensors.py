"""Tensors that no message holds: kept in a folder for one call, checked when they are read, and gone with the call."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tellurion_core import shared_tensors
from tellurion_core.errors import Internal, InvalidInput, ResourceExhausted, Unavailable
from tellurion_core.inference_protocol import (
    ARTIFACT,
    MAX_TENSOR_BYTES,
    arrays,
    infer_request,
    infer_response,
    shares,
)
from tellurion_core.shared_tensors import KEEP_SECONDS, SharedTensors, identity, to_its_end
from tellurion_core.tensors import TensorSpec


class Doubling:
    """What the tensors are of."""

    name = "doubling"
    inputs: ClassVar = {"x": TensorSpec("float32", ("N",)), "times": TensorSpec("int64")}
    outputs: ClassVar = {"y": TensorSpec("float32", ("N",))}


LARGE = np.arange(MAX_TENSOR_BYTES // 4 + 1, dtype=np.float32)


def test_a_large_tensor_goes_by_the_folder_and_a_small_one_with_the_message(tmp_path: Path) -> None:
    shared = SharedTensors(tmp_path)
    request = infer_request(Doubling, {"x": LARGE, "times": np.array(2)}, shared=shared)
    assert (request.ByteSize() < 1000, shares(request)) == (True, True)
    assert [ARTIFACT in tensor.parameters for tensor in request.inputs] == [True, False]
    read = arrays(request, Doubling.inputs, SharedTensors(tmp_path, shared.call))
    np.testing.assert_array_equal(read["x"], LARGE)
    assert (read["times"], read["x"].flags.writeable) == (2, False)
    response = infer_response(Doubling, {"y": 2 * LARGE}, "", shared)
    np.testing.assert_array_equal(arrays(response, Doubling.outputs, shared)["y"], 2 * LARGE)
    shared.close()
    with pytest.raises(Unavailable):
        arrays(request, Doubling.inputs, shared)
    assert not any(tmp_path.iterdir())


def test_what_a_message_holds_is_not_shared(tmp_path: Path) -> None:
    request = infer_request(Doubling, {"x": LARGE[:5], "times": np.array(2)}, shared=SharedTensors(tmp_path))
    assert not shares(request)
    assert not any(tmp_path.iterdir())


def test_an_id_is_worth_nothing_where_nothing_is_shared_nor_in_another_call(tmp_path: Path) -> None:
    shared = SharedTensors(tmp_path)
    request = infer_request(Doubling, {"x": LARGE, "times": np.array(2)}, shared=shared)
    with pytest.raises(InvalidInput, match="no folder of artifacts is shared"):
        arrays(request, Doubling.inputs)
    with pytest.raises(Unavailable):
        arrays(request, Doubling.inputs, SharedTensors(tmp_path))


@pytest.mark.parametrize("call", ["", "..", "../" + 29 * "a", 33 * "a", 32 * "A", "a\n" + 30 * "a"])
def test_the_id_of_a_call_is_no_path(tmp_path: Path, call: str) -> None:
    with pytest.raises(InvalidInput, match="an id of a call"):
        SharedTensors(tmp_path, call)


def test_a_tensor_has_the_bytes_of_its_shape(tmp_path: Path) -> None:
    shared = SharedTensors(tmp_path)
    request = infer_request(Doubling, {"x": LARGE, "times": np.array(2)}, shared=shared)
    request.inputs[0].shape[0] -= 1
    with pytest.raises(InvalidInput, match=f"received {LARGE.nbytes} bytes"):
        arrays(request, Doubling.inputs, shared)
    request.inputs[0].shape[0] = 1 << 40
    with pytest.raises(InvalidInput, match="at most"):
        arrays(request, Doubling.inputs, shared)
    request.inputs[0].shape[0] = LARGE.size
    request.inputs[0].parameters[ARTIFACT].string_param = "../../etc/passwd"
    with pytest.raises(InvalidInput, match="an id of a tensor"):
        arrays(request, Doubling.inputs, shared)


def test_a_call_has_only_so_many_bytes_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = SharedTensors(tmp_path)
    kept = shared.put(LARGE)
    monkeypatch.setattr(shared_tensors, "MAX_BYTES", 2 * LARGE.nbytes - 1)
    with pytest.raises(ResourceExhausted, match="at most"):
        shared.put(LARGE)
    shared.take(kept, LARGE.dtype, LARGE.nbytes)
    with pytest.raises(InvalidInput, match="in all"):
        shared.take(kept, LARGE.dtype, LARGE.nbytes)


def test_a_folder_has_one_id_for_all_who_share_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        (one,) = set(threads.map(identity, 32 * [tmp_path / "shared"]))
    assert (one != identity(tmp_path / "other"), [*(tmp_path / "shared").iterdir()]) == (
        True,
        [tmp_path / "shared" / "identity"],
    )


def test_a_folder_that_cannot_be_written_is_told_by_its_settings(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Internal, match="TELLURION_RAY_TENSORS"):
        identity(tmp_path / "file" / "shared")


def test_what_a_killed_process_left_goes_with_a_later_call(tmp_path: Path) -> None:
    left, others = SharedTensors(tmp_path), SharedTensors(tmp_path)
    left.put(LARGE)
    others.put(LARGE)
    long_ago = time.time() - KEEP_SECONDS - 1
    os.utime(tmp_path / left.call, (long_ago, long_ago))
    SharedTensors(tmp_path).put(LARGE)
    assert (left.kept, others.kept) == (False, True)


async def test_who_is_cancelled_waits_for_what_is_being_written(tmp_path: Path) -> None:
    shared, begun = SharedTensors(tmp_path), threading.Event()

    def write() -> None:
        begun.set()
        time.sleep(0.2)
        shared.put(LARGE)

    async def call() -> None:
        try:
            await to_its_end(write)
        finally:
            shared.close()

    task = asyncio.create_task(call())
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.4)
    assert not shared.kept
