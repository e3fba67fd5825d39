"""MMPT's networks have the sizes that their spec says, and their files hold nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.mmpt import FULL, SMALL, Encoder, Mmpt, Spec

TINY = dataclasses.replace(
    SMALL, points=64, groups=8, group_size=8, hidden=8, width=24, depth=2, vocabulary=16, code_width=16, image_width=4,
    image_size=32, contrast=8,
)  # fmt: skip


def blocks(width: int, depth: int) -> int:
    """Parameters of transformer blocks with a last norm: qkv without biases, projection, MLP ×4, two norms."""
    each = 3 * width**2 + (width**2 + width) + (8 * width**2 + 5 * width) + 4 * width
    return depth * each + 2 * width


def patches(width: int, hidden: int) -> int:
    """Parameters of the small PointNet 3 → h → 2h, 4h → 4h → C, each first layer with a norm's scale and shift."""
    before = (3 * hidden + hidden) + 2 * hidden + (2 * hidden**2 + 2 * hidden)
    return before + (16 * hidden**2 + 4 * hidden) + 8 * hidden + (4 * hidden * width + width)


@pytest.mark.parametrize("spec", [FULL, SMALL])
def test_the_encoder_has_as_many_parameters_as_its_layers(spec: Spec) -> None:
    with torch.device("meta"):
        count = sum(each.numel() for each in Encoder(spec).parameters())
    positions = (3 * 128 + 128) + (128 * spec.width + spec.width)
    assert count == blocks(spec.width, spec.depth) + patches(spec.width, spec.hidden) + positions


def test_the_full_size_is_that_of_the_publications_parents() -> None:
    assert (FULL.groups, FULL.group_size, FULL.width, FULL.depth, FULL.heads) == (64, 32, 384, 12, 6)
    assert (FULL.vocabulary, FULL.code_width, FULL.decoder_depth, FULL.contrast) == (8192, 256, 4, 256)
    with torch.device("meta"):
        assert Mmpt(FULL).encoder.transformer.blocks[11].drop == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("groups", 0), ("width", 1 << 40), ("depth", 2.5), ("heads", 5), ("drop_path", 1.0), ("vocabulary", "512")],
)
def test_sizes_that_cannot_be(name: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=name):
        dataclasses.replace(SMALL, **{name: value})


def test_a_file_gives_the_networks_back(tmp_path: Path) -> None:
    model = Mmpt(TINY).eval()
    model.save(tmp_path / "mmpt.safetensors", {"seed": 3})
    clouds = torch.randn(2, 64, 3, generator=torch.Generator().manual_seed(0))
    again = Mmpt.load(tmp_path / "mmpt.safetensors")
    assert again.spec == TINY
    torch.testing.assert_close(again.encode(clouds).embedding, model.encode(clouds).embedding, rtol=0.02, atol=0.02)
    assert weights.card(tmp_path / "mmpt.safetensors") == {"seed": 3}


def test_a_file_that_claims_other_sizes(tmp_path: Path) -> None:
    model = Mmpt(TINY)
    weights.save(tmp_path / "a.safetensors", model, {"model": "mmpt", **TINY.stored(), "depth": 3}, {})
    with pytest.raises(InvalidInput, match="transformer"):
        Mmpt.load(tmp_path / "a.safetensors")
    weights.save(tmp_path / "b.safetensors", model, {"model": "mmpt", **TINY.stored(), "colour": 3}, {})
    with pytest.raises(InvalidInput, match="colour"):
        Mmpt.load(tmp_path / "b.safetensors")
    weights.save(tmp_path / "c.safetensors", model, {"model": "detector", **TINY.stored()}, {})
    with pytest.raises(InvalidInput, match="received detector"):
        Mmpt.load(tmp_path / "c.safetensors")
