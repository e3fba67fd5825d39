"""Partial clouds made whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_mmpt import TINY

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_pointcloud.downstream.backbone import Backbone
from tellurion_pointcloud.downstream.completion import Completion, CompletionSpec, errors, halved, in_unit_ball
from tellurion_pointcloud.downstream.crops import even_directions
from tellurion_pointcloud.geometry import chamfer
from tellurion_pointcloud.mmpt import Mmpt
from tellurion_pointcloud.training.loop import Schedule, fit

SPEC = CompletionSpec(TINY, partial=32, patch_size=4, depth=1)


def spheres(count: int, points: int, seed: int) -> torch.Tensor:
    """[count, points, 3] on the unit sphere."""
    drawn = torch.randn(count, points, 3, generator=torch.Generator().manual_seed(seed))
    return drawn / drawn.norm(dim=-1, keepdim=True)


@pytest.fixture(scope="module")
def network() -> Completion:
    torch.manual_seed(0)
    return Completion(SPEC).eval()


def test_the_points_that_were_given_stay_as_they_are(network: Completion) -> None:
    partial = 5 * spheres(2, 32, 1) + 7
    whole = network.completed(partial)
    assert whole.shape == (2, 64, 3)
    assert torch.equal(whole[:, :32], partial)


def test_a_completion_moves_and_grows_with_its_cloud(network: Completion) -> None:
    partial = spheres(1, 32, 2)
    moved = network.completed(4 * partial + torch.tensor([1.0, -2.0, 3.0]))
    expected = 4 * network.completed(partial) + torch.tensor([1.0, -2.0, 3.0])
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=0)


def test_the_order_of_the_points_does_not_matter(network: Completion) -> None:
    partial = spheres(1, 32, 3)
    shuffled = partial[:, torch.randperm(32, generator=torch.Generator().manual_seed(4))]
    torch.testing.assert_close(
        network.completed(shuffled)[:, 32:], network.completed(partial)[:, 32:], atol=1e-5, rtol=0
    )


def test_what_is_seen_and_what_is_missing_are_the_cloud() -> None:
    clouds = spheres(3, 40, 5)
    seen, missing = halved(clouds, even_directions(3))
    both, _, _ = in_unit_ball(clouds)
    again, _, _ = in_unit_ball(torch.cat([seen, missing], 1))
    assert seen.norm(dim=-1).amax() == pytest.approx(1)
    for one, other in zip(again.numpy(), both.numpy(), strict=True):
        assert chamfer(one, other).l2 < 1e-10


def test_errors_are_chamfer_distances_to_the_whole(network: Completion) -> None:
    clouds, directions = spheres(2, 64, 6), even_directions(3)
    found = errors(network, clouds, directions)
    assert found.partial.shape == found.completed.shape == (2, 3)
    above = torch.tensor([[0.0, 0.0, 1.0]])
    upper = clouds[0][clouds[0, :, 2].argsort(descending=True)[:32]]
    alone = errors(network, clouds[:1], above)
    assert alone.partial.item() == pytest.approx(chamfer(upper.numpy(), clouds[0].numpy()).l2, rel=1e-5)
    assert alone.completed.item() == pytest.approx(
        chamfer(network.completed(upper[None])[0].numpy(), clouds[0].numpy()).l2, rel=1e-5
    )


def test_spheres_are_completed_after_a_short_training() -> None:
    torch.manual_seed(0)
    network, directions = Completion(SPEC), even_directions(64)

    def loss(step: int, random: torch.Generator) -> dict[str, torch.Tensor]:
        seed = int(torch.randint(1 << 20, (), generator=random))
        return network.loss(*halved(spheres(8, 64, seed), directions[torch.randperm(64, generator=random)[:8]]))

    schedule = Schedule(steps=120, learning_rate=5e-3, warmup=10)
    fit(loss, network.parameters(), schedule, state={"network": network}, seed=0, report=None)
    assert errors(network, spheres(8, 64, 7), even_directions(4)).ratio < 0.6


def test_a_backbone_answers_as_mmpt_does_and_has_gradients() -> None:
    torch.manual_seed(0)
    mmpt = Mmpt(TINY).eval()
    clouds = spheres(2, 64, 8)
    theirs, ours = mmpt.encode(clouds), Backbone.of(mmpt)(clouds)
    for name in ("embedding", "tokens", "centres"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name))
    ours.embedding.sum().backward()
    assert all(each.grad is not None for each in mmpt.encoder.patches.parameters())


def test_a_weights_file_gives_the_network_back(network: Completion, tmp_path: Path) -> None:
    network.save(tmp_path / "completion.safetensors", {"seed": 0})
    again = Completion.load(tmp_path / "completion.safetensors")
    assert again.spec == SPEC
    partial = spheres(1, 32, 9)
    torch.testing.assert_close(again.completed(partial), network.completed(partial), atol=0.01, rtol=0)


def test_another_file_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    Mmpt(TINY).save(tmp_path / "mmpt.safetensors", {})
    with pytest.raises(InvalidInput, match="spec"):
        Completion.load(tmp_path / "mmpt.safetensors")
    (tmp_path / "noise.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises((InvalidInput, DataCorrupted)):
        Completion.load(tmp_path / "noise.safetensors")


@pytest.mark.parametrize(("name", "value"), [("patch_size", 1 << 20), ("depth", 1.5), ("partial", 4)])
def test_sizes_that_cannot_be_are_refused(name: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=f"spec.{name}"):
        replace(SPEC, **{name: value})
