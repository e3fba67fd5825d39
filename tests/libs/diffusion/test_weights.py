"""Weights files: what is saved is loaded, and what is not a weights file is refused before it costs anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_diffusion import UNet, UNetSpec, weights

SPEC = UNetSpec(in_channels=2, out_channels=2, width=8, multipliers=(1,), blocks=1, heads=1)


@pytest.fixture
def network() -> UNet:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return UNet(SPEC)


@pytest.fixture
def file(network: UNet, tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    weights.save(path, network, {"unet": asdict(SPEC)}, {"data": "waves", "seed": 3})
    return path


def test_what_is_saved_is_loaded(network: UNet, file: Path) -> None:
    tensors, spec = weights.load(file)
    other = UNet(UNetSpec.from_json(spec["unet"]))
    weights.fill(other, tensors)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])
    assert weights.card(file) == {"data": "waves", "seed": 3}
    assert [path.name for path in file.parent.iterdir()] == ["net.safetensors"]


def test_half_precision_is_half_the_size_and_comes_back_as_single(network: UNet, file: Path) -> None:
    half = file.with_name("half.safetensors")
    weights.save(half, network, {}, {}, half=True)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert file.stat().st_size - half.stat().st_size == pytest.approx(2 * parameters, rel=0.05)
    for name, tensor in weights.load(half)[0].items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, network.state_dict()[name], rtol=2**-11, atol=2**-24)


def test_the_same_network_gives_the_same_bytes(network: UNet, file: Path) -> None:
    again = file.with_name("again.safetensors")
    weights.save(again, network, {"unet": asdict(SPEC)}, {"seed": 3, "data": "waves"})
    assert again.read_bytes() == file.read_bytes()
    assert weights.sha256(file) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_spec_may_be_given_for_a_file_without_one(tmp_path: Path) -> None:
    save_file({"a": torch.tensor([1.0])}, tmp_path / "bare.safetensors")
    assert weights.load(tmp_path / "bare.safetensors", spec={"b": 2}) == ({"a": torch.tensor([1.0])}, {"b": 2})


def test_every_floating_type_is_read_as_float32_and_every_shape_is_kept(tmp_path: Path) -> None:
    tensors = {
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "odd": torch.tensor([1.5, 2.5, 3.5], dtype=torch.float16),
        "brain": torch.tensor([[0.5], [1e30]], dtype=torch.bfloat16),
        "wide": torch.tensor([1 / 3], dtype=torch.float64),
        "strided": torch.arange(6.0).reshape(2, 3).T,
    }
    weights.save(tmp_path / "all.safetensors", tensors, {}, {})
    kept, _ = weights.load(tmp_path / "all.safetensors")
    assert kept.keys() == tensors.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(kept[name], tensor.float(), rtol=0, atol=0)


def test_values_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    for value, half in ((float("nan"), False), (1e6, True)):
        with pytest.raises(InvalidInput, match=r"weights\.a"):
            weights.save(tmp_path / "x", {"a": torch.tensor([value])}, {}, {}, half=half)
    assert list(tmp_path.iterdir()) == []


def header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text


def declared(shape: list[int], end: int) -> bytes:
    """A header that promises a tensor, and four bytes of it."""
    described = {"__metadata__": {"spec": "{}"}, "a": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}
    return header(json.dumps(described).encode()) + bytes(4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"CDF\x01 is NetCDF",
        (1 << 60).to_bytes(8, "little") + b"{}",
        (1000).to_bytes(8, "little") + b"{}",
        header(b"[]"),
        header(b"{" * 100),
        declared([1 << 40], 4 << 40),
        declared([1 << 40], 4),
        declared([1 << 62, 4], 4),
    ],
)
def test_a_hostile_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"hostile\.safetensors"):
        weights.load(path)


@pytest.mark.parametrize(
    ("tensor", "metadata", "error"),
    [
        (torch.tensor([1.0, torch.nan]), {"spec": "{}"}, DataCorrupted),
        (torch.tensor([torch.inf]).half(), {"spec": "{}"}, DataCorrupted),
        (torch.tensor([1]), {"spec": "{}"}, InvalidInput),
        (torch.tensor([1.0]), {}, InvalidInput),
        (torch.tensor([1.0]), {"spec": "no"}, InvalidInput),
        (torch.tensor([1.0]), {"spec": "[1]"}, InvalidInput),
        (torch.tensor([1.0]), {"spec": "[" * 100_000}, InvalidInput),
    ],
)
def test_what_is_no_weights_file_is_refused(
    tmp_path: Path, tensor: torch.Tensor, metadata: dict[str, str], error: type[Exception]
) -> None:
    save_file({"a": tensor}, tmp_path / "wrong.safetensors", metadata)
    with pytest.raises(error, match=r"wrong\.safetensors"):
        weights.load(tmp_path / "wrong.safetensors")


def test_a_file_cut_short_or_too_large_is_refused(file: Path) -> None:
    with pytest.raises(InvalidInput, match="bytes"):
        weights.load(file, largest=file.stat().st_size - 1)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InvalidInput, match="a whole safetensors file"):
        weights.load(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: {name: tensor for name, tensor in tensors.items() if name != "head.bias"},
        lambda tensors: {**tensors, "head.more": torch.zeros(1)},
        lambda tensors: {**tensors, "head.bias": torch.zeros(3)},
    ],
)
def test_only_exactly_a_modules_own_tensors_fill_it(
    network: UNet, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    doubled = {name: 2 * tensor for name, tensor in before.items()}
    with pytest.raises(InvalidInput, match=r"weights\.head"):
        weights.fill(network, change(doubled))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
