"""The three tasks of MMPT: what each sees, and what it asks for."""

from __future__ import annotations

import math

import pytest
import torch

from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.masking import scattered
from tellurion_pointcloud.mmpt import Mmpt, masks
from tellurion_pointcloud.mmpt.tasks import TASKS, Deformed, Seen, contrast, losses, nt_xent, reconstruction, token_loss

from .test_mmpt_sizes import TINY


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shapes(count: int, seed: int = 0) -> torch.Tensor:
    """Boxes [count, 64, 3] of all proportions."""
    numbers = random(seed)
    return (torch.rand(count, 64, 3, generator=numbers) - 0.5) * torch.rand(count, 1, 3, generator=numbers)


def cut(clouds: torch.Tensor) -> Deformed:
    found = grouped(clouds.numpy(), TINY.groups, TINY.group_size)
    return Deformed(torch.from_numpy(found.points), torch.from_numpy(found.centres))


def coloured(clouds: torch.Tensor) -> torch.Tensor:
    """Pictures [B, 3, 32, 32] in the colour of the clouds' proportions."""
    return clouds.abs().amax(1)[:, :, None, None].expand(-1, 3, 32, 32)


def test_a_block_is_the_neighbours_of_one_patch() -> None:
    centres = torch.randn(50, 20, 3, generator=random())
    hidden = masks.block(centres, random())
    shares = hidden.float().mean(1)
    assert shares.min() >= 0.25 - 0.025
    assert shares.max() <= 0.45 + 0.025
    apart = torch.cdist(centres, centres)
    for row, mask in enumerate(hidden):
        assert any(apart[row, seed][mask].max() < apart[row, seed][~mask].min() for seed in mask.nonzero().flatten())


def test_scattered_patches_are_seen_or_hidden() -> None:
    shown, hidden = scattered(7, 20, random())
    assert (shown.shape, hidden.shape) == ((7, 8), (7, 12))
    assert torch.equal(torch.cat([shown, hidden], 1).sort(1).values, torch.arange(20).expand(7, 20))


def test_hidden_patches_do_not_reach_what_is_seen() -> None:
    model, seen = Mmpt(TINY).eval(), cut(shapes(4))
    hidden = masks.block(seen.centres, random())
    elsewise = torch.where(hidden[..., None, None], torch.randn(seen.patches.shape, generator=random(5)), seen.patches)
    with torch.inference_mode():
        told, other = (model.told_words(patches, seen.centres, hidden) for patches in (seen.patches, elsewise))
    assert torch.equal(told, other)
    shown, covered = scattered(4, TINY.groups, random(9))
    changed, rows = seen.patches.clone(), torch.arange(4)[:, None]
    changed[rows, covered] = torch.randn(changed[rows, covered].shape, generator=random(6))
    with torch.inference_mode():
        first, second = (
            reconstruction(model, Deformed(patches, seen.centres), random(9))[0] for patches in (seen.patches, changed)
        )
    assert torch.equal(first.patches, second.patches)
    assert torch.equal(first.patches[:, : shown.shape[1]], seen.patches[rows, shown])


def test_nt_xent_is_its_equation() -> None:
    one, other = (torch.nn.functional.normalize(torch.randn(5, 4, generator=random(seed)), dim=1) for seed in (1, 2))
    both, total = torch.cat([one, other]), 0.0
    for i in range(10):
        weights = [math.exp(float(both[i] @ both[k]) / 0.1) for k in range(10)]
        total -= math.log(weights[(i + 5) % 10] / (sum(weights) - weights[i]))
    assert float(nt_xent(3 * one, other)) == pytest.approx(total / 10, rel=1e-5)


def test_pairs_that_agree_and_are_unlike_all_others_cost_next_to_nothing() -> None:
    assert float(nt_xent(torch.eye(6), torch.eye(6))) == pytest.approx(math.log(1 + 10 * math.exp(-10)), rel=1e-3)


def test_every_task_trains_the_encoder_and_none_the_tokenizer() -> None:
    clouds = shapes(6)
    for task in TASKS:
        model = Mmpt(TINY)
        seen = Seen(cut(clouds), cut(clouds), coloured(clouds))
        (loss,) = losses(model, seen, (task,), random()).values()
        loss.backward()
        assert model.encoder.transformer.blocks[0].qkv.weight.grad.abs().sum() > 0
        assert all(each.grad is None for each in model.tokenizer.parameters())


def test_the_transformed_cloud_of_the_contrast_is_the_reconstructed_one() -> None:
    clouds, model = shapes(6), Mmpt(TINY)
    seen = Seen(cut(clouds), cut(clouds), coloured(clouds))
    losses(model, seen, ("points", "contrast"), random())["contrast"].backward()
    assert model.points.weight.grad.abs().sum() > 0


@pytest.fixture(scope="module")
def trained() -> tuple[Mmpt, Seen]:
    """Networks that have learned six boxes by heart."""
    torch.manual_seed(0)
    clouds, model = shapes(6, seed=3), Mmpt(TINY)
    seen = Seen(cut(clouds), cut(clouds), coloured(clouds))
    optimiser = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=1e-3)
    for step in range(250):
        optimiser.zero_grad()
        sum(losses(model, seen, TASKS, random(step)).values()).backward()
        optimiser.step()
    return model.eval(), seen


@pytest.mark.slow
def test_permuted_pictures_raise_the_contrast(trained: tuple[Mmpt, Seen]) -> None:
    model, seen = trained
    with torch.inference_mode():
        matched = contrast(model, seen.first, seen.second, seen.pictures)
        permuted = contrast(model, seen.first, seen.second, seen.pictures.roll(1, 0))
    assert permuted > matched + 1


def test_what_was_learned_beats_what_was_not(trained: tuple[Mmpt, Seen]) -> None:
    model, seen = trained
    torch.manual_seed(0)
    fresh = Mmpt(TINY).eval()
    fresh.tokenizer = model.tokenizer
    with torch.inference_mode():
        assert token_loss(model, seen.first, random(1)) < token_loss(fresh, seen.first, random(1)) / 2
        learned, unlearned = (reconstruction(each, seen.second, random(1))[1] for each in (model, fresh))
    assert learned < unlearned / 4


def test_the_order_of_points_changes_nothing() -> None:
    model, clouds = Mmpt(TINY).eval(), shapes(3)
    order = torch.randperm(64, generator=random())
    first, second = model.encode(clouds), model.encode(clouds[:, order])
    torch.testing.assert_close(first.embedding, second.embedding, rtol=0, atol=1e-5)
    assert torch.equal(first.centres, second.centres)
