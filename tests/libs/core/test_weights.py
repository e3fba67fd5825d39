"""Registered weights: found by name and by SHA-256, whole or not at all, and only what is a safetensors file."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tellurion_core import weights as core_weights
from tellurion_core.errors import Conflict, InvalidInput, NotFound, ResourceExhausted
from tellurion_core.weights import MAX_HEADER_BYTES, MAX_SPEC_BYTES, WeightsStore

SPEC = {"kind": "unet", "width": 8, "scale": 0.1}
TENSORS = {"kernel": np.ones((2, 3), np.float32), "bias": np.array(2.0), "none": np.zeros((0, 4), np.int8)}


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    return WeightsStore(tmp_path / "models")


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., Path]:
    """Writes weights as the reference implementation of the format does, with a spec in their metadata or without."""

    def write(name: str = "weights.safetensors", spec: object = SPEC, **tensors: np.ndarray) -> Path:
        path = tmp_path / name
        metadata = None if spec is None else {"spec": spec if isinstance(spec, str) else json.dumps(spec)}
        path.write_bytes(save(TENSORS | tensors, metadata))
        return path

    return write


@pytest.fixture
def specification(tmp_path: Path) -> Callable[..., Path]:
    """Writes what weights are of into a file of its own."""

    def write(text: str = json.dumps(SPEC)) -> Path:
        (tmp_path / "spec.json").write_text(text)
        return tmp_path / "spec.json"

    return write


def files(store: WeightsStore) -> list[str]:
    return sorted(path.name for path in store._root.rglob("*") if path.is_file() and path.name != ".lock")


def test_what_was_registered_is_found_by_name_and_by_sha_256(store: WeightsStore, weights: Callable[..., Path]) -> None:
    path = weights()
    entry = store.add(path, service="ocean", name="north-2deg.v1")
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (entry.service, entry.name, entry.size) == ("ocean", "north-2deg.v1", path.stat().st_size)
    assert entry.spec == SPEC
    assert entry.path.read_bytes() == path.read_bytes()
    assert store.get("ocean", entry.name) == store.get("ocean", entry.sha256) == entry
    assert store.list() == store.list("ocean") == (entry,)


def test_a_folder_that_is_not_there_has_no_weights(store: WeightsStore) -> None:
    assert store.list() == ()
    with pytest.raises(NotFound, match=r"registered: none$"):
        store.get("ocean", "none")
    assert not store._root.exists()


def test_weights_that_are_not_there_are_told_with_those_that_are(
    store: WeightsStore, weights: Callable[..., Path]
) -> None:
    for name in ("b", "a"):
        store.add(weights(), service="ocean", name=name)
    store.add(weights(), service="splat", name="c")
    for hostile in ("c", "", "..", "../splat/c", "a.json", "*", "\0", "A" * 64, "a\n"):
        with pytest.raises(NotFound, match=r"registered: a, b$"):
            store.get("ocean", hostile)


def test_a_spec_may_stand_in_a_file_of_its_own(
    store: WeightsStore, weights: Callable[..., Path], specification: Callable[..., Path]
) -> None:
    store.add(weights(spec=None), service="ocean", name="a", spec=specification())
    assert store.get("ocean", "a").spec == SPEC


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a": NaN}', "{", "[" * 10_000, '{"a": "' + "b" * MAX_SPEC_BYTES])
def test_a_spec_that_is_no_json_object_is_refused(
    store: WeightsStore, weights: Callable[..., Path], specification: Callable[..., Path], text: str
) -> None:
    for path, spec in ((weights("own.st", spec=text), None), (weights("bare.st", spec=None), specification(text))):
        with pytest.raises(InvalidInput, match=r"^spec: received "):
            store.add(path, service="ocean", name="a", spec=spec)
    assert not store._root.exists()


def test_weights_without_a_spec_or_with_two_are_refused(
    store: WeightsStore, weights: Callable[..., Path], specification: Callable[..., Path], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    files = [specification(), tmp_path / "no.json", tmp_path / "pipe.json"]
    for own, spec in ((None, None), *zip((SPEC, None, None), files, strict=True)):
        with pytest.raises(InvalidInput, match=r"^spec: received "):
            store.add(weights(spec=own), service="ocean", name="a", spec=spec)


def test_the_same_weights_again_change_nothing(store: WeightsStore, weights: Callable[..., Path]) -> None:
    first = store.add(weights(), service="ocean", name="a")
    assert store.add(weights(), service="ocean", name="a") == first
    store.add(weights(), service="ocean", name="b")
    assert files(store) == [f"{first.sha256}.safetensors", "a.json", "b.json"]


def test_a_name_never_comes_to_mean_other_weights(store: WeightsStore, weights: Callable[..., Path]) -> None:
    first = store.add(weights(), service="ocean", name="a")
    with pytest.raises(Conflict, match=first.sha256):
        store.add(weights(kernel=np.zeros(5)), service="ocean", name="a")
    assert files(store) == [f"{first.sha256}.safetensors", "a.json"]
    store.remove("ocean", "a")
    assert store.add(weights(kernel=np.zeros(5)), service="ocean", name="a").sha256 != first.sha256


def test_the_same_bytes_are_never_weights_of_two_things(
    store: WeightsStore, weights: Callable[..., Path], specification: Callable[..., Path]
) -> None:
    store.add(weights(spec=None), service="ocean", name="a", spec=specification())
    with pytest.raises(Conflict, match="another specification, as a"):
        store.add(weights(spec=None), service="ocean", name="b", spec=specification('{"kind": "dit"}'))
    assert [entry.name for entry in store.list()] == ["a"]


def test_bytes_stay_as_long_as_a_name_means_them(store: WeightsStore, weights: Callable[..., Path]) -> None:
    kept = [store.add(weights(), service="ocean", name=name) for name in ("a", "b")]
    store.remove("ocean", "a")
    assert store.get("ocean", kept[0].sha256) == kept[1]
    store.remove("ocean", "b")
    assert files(store) == []
    with pytest.raises(NotFound):
        store.remove("ocean", "b")


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/etc", "A", "a\n", "-a", ".add", "a" * 64, "a\0", "ä"])
def test_a_hostile_name_or_service_is_refused(store: WeightsStore, weights: Callable[..., Path], name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^name: received "):
        store.add(weights(), service="ocean", name=name)
    for ask in (lambda: store.add(weights(), service=name, name="a"), lambda: store.list(name)):
        with pytest.raises(InvalidInput, match=r"^service: received "):
            ask()
    assert not store._root.exists()


def written(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    """A file with any header: JSON of an object, or bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def tensor(begin: int, end: int, *shape: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


HOSTILE = {
    "nothing": b"",
    "seven bytes": bytes(7),
    "text": b"not a safetensors file at all",
    "a pickle": b"\x80\x04\x95" + bytes(64),
    "no header": written(b""),
    "a header longer than the file": written({"a": tensor(0, 4, 1)}, length=1000),
    "a header of 2⁶³ bytes": written({}, length=1 << 63),
    "no JSON": written(b"{nonsense"),
    "a list": written([]),
    "deep JSON": written(b"[" * 10_000),
    "no UTF-8": written(b'{"\xff": 1}'),
    "no tensors": written({}),
    "no tensors but bytes": written({"__metadata__": {}}, bytes(4)),
    "an unknown type": written({"a": tensor(0, 4, 1, dtype="F31")}, bytes(4)),
    "another key": written({"a": tensor(0, 4, 1) | {"code": "x"}}, bytes(4)),
    "shape and offsets disagree": written({"a": tensor(0, 4, 2)}, bytes(4)),
    "a negative shape": written({"a": tensor(0, 4, -1, -1)}, bytes(4)),
    "a shape of 10³⁰⁰": written({"a": tensor(0, 4, 10**300)}, bytes(4)),
    "a shape that is a truth value": written({"a": tensor(0, 4, True)}, bytes(4)),
    "offsets outside the file": written({"a": tensor(0, 8, 2)}, bytes(4)),
    "negative offsets": written({"a": tensor(-4, 0, 1)}, bytes(4)),
    "tensors that overlap": written({"a": tensor(0, 4, 1), "b": tensor(0, 4, 1)}, bytes(4)),
    "a gap": written({"a": tensor(0, 4, 1), "b": tensor(8, 12, 1)}, bytes(12)),
    "bytes behind the tensors": written({"a": tensor(0, 4, 1)}, bytes(5)),
    "half of the tensors": written({"a": tensor(0, 400, 100)}, bytes(200)),
    "metadata that is no text": written({"__metadata__": {"spec": {}}, "a": tensor(0, 4, 1)}, bytes(4)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_by_its_header(store: WeightsStore, tmp_path: Path, case: str) -> None:
    (tmp_path / "hostile.st").write_bytes(HOSTILE[case])
    with pytest.raises(InvalidInput, match=r"^weights: received hostile\.st: .*; accepted: a whole safetensors file$"):
        store.add(tmp_path / "hostile.st", service="ocean", name="a")
    assert not store._root.exists()


def test_a_large_file_is_refused_without_being_read(store: WeightsStore, tmp_path: Path) -> None:
    with (tmp_path / "large.st").open("wb") as file:
        file.write((MAX_HEADER_BYTES + 1).to_bytes(8, "little"))
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput):
            store.add(tmp_path / "large.st", service="ocean", name="a")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_what_is_no_file_is_refused(store: WeightsStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        with pytest.raises(InvalidInput, match=rf"^weights: received {path.name}"):
            store.add(path, service="ocean", name="a")


def test_a_file_that_vanishes_meanwhile_is_blamed_and_not_the_folder(
    store: WeightsStore, weights: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = weights()
    checked = core_weights.checked_metadata

    def then_vanishes(path: Path) -> Any:
        metadata = checked(path)
        path.unlink()
        return metadata

    monkeypatch.setattr(core_weights, "checked_metadata", then_vanishes)
    with pytest.raises(InvalidInput, match=r"^weights: received weights\.safetensors: No such file or directory"):
        store.add(path, service="ocean", name="a")
    assert store.list() == ()


def test_a_folder_that_cannot_be_made_is_said(weights: Callable[..., Path]) -> None:
    with pytest.raises(ResourceExhausted, match="the folder of weights cannot be written: Not a directory"):
        WeightsStore(weights()).add(weights(), service="ocean", name="a")


def test_what_a_killed_process_left_is_not_registered(store: WeightsStore, weights: Callable[..., Path]) -> None:
    (store._root / "ocean").mkdir(parents=True)
    for name, left in {".unfinished": "half", "a.json": '{"sha256": "', "b.json": "[]"}.items():
        (store._root / "ocean" / name).write_text(left)
    assert store.list() == ()
    entry = store.add(weights(), service="ocean", name="a")
    assert store.list() == (entry,)
    assert ".unfinished" not in files(store)


def test_many_may_register_at_once(store: WeightsStore, weights: Callable[..., Path]) -> None:
    paths = [weights(f"{i}.st", kernel=np.full(50, i)) for i in range(4)]

    def add(number: int) -> str:
        return store.add(paths[number % 4], service="ocean", name=f"name{number % 8}").sha256

    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(add, range(64)))
    assert added == [hashlib.sha256(paths[i % 4].read_bytes()).hexdigest() for i in range(64)]
    assert len(store.list()) == 8
    assert len(files(store)) == 4 + 8
    for entry in store.list():
        assert hashlib.sha256(entry.path.read_bytes()).hexdigest() == entry.sha256


def test_of_many_that_want_one_name_one_gets_it(store: WeightsStore, weights: Callable[..., Path]) -> None:
    paths = [weights(f"{i}.st", kernel=np.full(50, i)) for i in range(8)]

    def add(path: Path) -> str | None:
        try:
            return store.add(path, service="ocean", name="a").sha256
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as threads:
        (winner,) = [sha256 for sha256 in threads.map(add, paths) if sha256 is not None]
    assert store.get("ocean", "a").sha256 == winner
    assert files(store) == sorted([f"{winner}.safetensors", "a.json"])
