"""The UNet: its size as released, a globe without a seam, and an untrained network that is nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import (
    RECONMOST,
    Batch,
    Preconditioned,
    Recipe,
    Trainer,
    UNet,
    UNetSpec,
    released_state,
    signal,
)
from tellurion_diffusion.blocks import Attention

SMALL = UNetSpec(
    in_channels=4,
    out_channels=3,
    width=16,
    multipliers=(1, 2, 2),
    blocks=1,
    attention=(1,),
    heads=2,
    periodic=True,
    features=2,
)
STRIDE = 4


def randomised(spec: UNetSpec) -> UNet:
    """A network none of whose parameters is zero; always the same one."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        network = UNet(spec).double().eval()
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return network


def inputs(width: int, height: int = 6) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, height, width, dtype=torch.float64, generator=generator)
    static = torch.randn(2, 1, height, width, dtype=torch.float64, generator=generator)
    return x, torch.tensor([0.5, -1.0]), torch.tensor([[0.0, 1.0], [1.0, 0.0]]), static


def parameters_of_the_released_network() -> int:
    """The sum over improved-diffusion's layers for 128 channels, (1, 2, 2, 2, 4, 4), 3 blocks, 42 levels."""

    def residual(channels: int, out: int) -> int:
        skip = 0 if channels == out else channels * out + out
        norms = 2 * channels + 2 * out
        return norms + 9 * channels * out + out + 512 * 2 * out + 2 * out + 9 * out * out + out + skip

    total = 128 * 512 + 512 + 512 * 512 + 512 + 9 * 42 * 128 + 128
    widths, skips, channels = [128 * m for m in (1, 2, 2, 2, 4, 4)], [128], 128
    for level, width in enumerate(widths):
        for _ in range(3):
            total += residual(channels, width)
            channels = width
            skips.append(channels)
        if level < 5:
            total += 9 * channels * channels + channels
            skips.append(channels)
    total += 2 * residual(512, 512) + 2 * 512 + 3 * 512 * 512 + 3 * 512 + 512 * 512 + 512
    for level, width in reversed(list(enumerate(widths))):
        for _ in range(4):
            total += residual(channels + skips.pop(), width)
            channels = width
        total += (9 * channels * channels + channels) if level else 0
    return total + 2 * 128 + 9 * 128 * 42 + 42


def test_the_released_configuration_has_its_160_million_parameters() -> None:
    with torch.device("meta"):
        network = UNet(RECONMOST)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == parameters_of_the_released_network()
    assert count == pytest.approx(160e6, rel=0.01)
    assert sum(isinstance(module, Attention) for module in network.modules()) == 1


@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("periodic", [False, True])
def test_untrained_it_is_zero_and_its_denoiser_the_gaussian_one(patch: int, periodic: bool) -> None:
    network = UNet(replace(SMALL, patch=patch, periodic=periodic)).double()
    x, log_sigma, features, static = inputs(17, height=7)
    assert torch.equal(network(x, log_sigma, features, static), torch.zeros_like(x))
    sigma = torch.tensor(0.7, dtype=torch.float64)
    assert torch.equal(Preconditioned(network).given(features, static)(x, sigma), signal(sigma) * x)


@pytest.mark.parametrize(("patch", "turn"), [(1, STRIDE), (1, 3 * STRIDE), (2, 2 * STRIDE)])
def test_rolling_the_globe_rolls_the_output(patch: int, turn: int) -> None:
    network = randomised(replace(SMALL, patch=patch))
    x, log_sigma, features, static = inputs(32)
    out = network(x, log_sigma, features, static)
    rolled = network(x.roll(turn, -1), log_sigma, features, static.roll(turn, -1))
    assert out.std() > 0.1
    torch.testing.assert_close(rolled, out.roll(turn, -1), rtol=1e-9, atol=1e-9)


def test_a_grid_that_is_no_globe_has_edges() -> None:
    network = randomised(replace(SMALL, periodic=False, attention=(), middle_attention=False))
    x, log_sigma, features, static = inputs(32)
    rolled = network(x.roll(STRIDE, -1), log_sigma, features, static.roll(STRIDE, -1))
    assert (rolled - network(x, log_sigma, features, static).roll(STRIDE, -1)).abs().max() > 1e-3


def test_a_globe_that_does_not_divide_still_wraps() -> None:
    """The first column sees the last: as much as in a ring that divides."""
    network = randomised(replace(SMALL, attention=(), middle_attention=False))
    seen = {}
    for width in (36, 35):
        x, log_sigma, features, static = inputs(width)
        changed = x.clone()
        changed[..., -1] += 1
        difference = network(changed, log_sigma, features, static) - network(x, log_sigma, features, static)
        assert difference.shape[-1] == width
        seen[width] = difference[..., 0].abs().mean().item()
    assert seen[35] == pytest.approx(seen[36], rel=0.5)


def test_a_globe_that_does_not_divide_is_continued_by_a_stride_on_both_sides() -> None:
    network = randomised(SMALL)
    x, log_sigma, features, static = inputs(35, height=8)
    longer, longer_static = (torch.cat([field[..., -4:], field, field[..., :5]], dim=-1) for field in (x, static))
    out = network(longer, log_sigma, features, longer_static)[..., 4:39]
    torch.testing.assert_close(network(x, log_sigma, features, static), out, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("periodic", [False, True])
def test_any_height_and_width_come_back(periodic: bool) -> None:
    network = randomised(replace(SMALL, periodic=periodic))
    for height, width in ((1, 1), (5, 7), (9, 16)):
        x, log_sigma, features, static = inputs(width, height)
        assert network(x, log_sigma, features, static).shape == x.shape


def test_level_features_and_static_fields_are_heard() -> None:
    network = randomised(SMALL)
    x, log_sigma, features, static = inputs(16)
    out = network(x, log_sigma, features, static)
    for other in ((log_sigma + 0.1, features, static), (log_sigma, -features, static), (log_sigma, features, -static)):
        assert (network(x, *other) - out).abs().max() > 1e-3


def test_a_member_does_not_depend_on_its_batch() -> None:
    network = randomised(SMALL)
    x, log_sigma, features, static = inputs(16)
    alone = network(x[:1], log_sigma[:1], features[:1], static[:1])
    torch.testing.assert_close(network(x, log_sigma, features, static)[:1], alone, rtol=1e-10, atol=1e-10)


def test_checkpointing_changes_no_gradient() -> None:
    gradients = []
    for checkpointing in (False, True):
        network = randomised(SMALL)
        network.checkpointing = checkpointing
        network(*inputs(16)).square().sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    torch.testing.assert_close(*gradients)


def test_a_spec_survives_json() -> None:
    for spec in (SMALL, RECONMOST):
        assert UNetSpec.from_json(json.loads(json.dumps(asdict(spec)))) == spec


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 15},
        {"width": 10**9},
        {"width": 16.0},
        {"blocks": 0},
        {"blocks": True},
        {"multipliers": ()},
        {"multipliers": (1,) * 40},
        {"multipliers": "12"},
        {"attention": (3,)},
        {"attention": (1, 0)},
        {"heads": 3},
        {"dropout": 1.0},
        {"dropout": "0"},
        {"periodic": 1},
        {"features": -1},
    ],
)
def test_a_spec_that_cannot_be_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=f"spec.{next(iter(wrong))}"):
        UNetSpec.from_json({**asdict(SMALL), **wrong})


@pytest.mark.parametrize("wrong", [{}, {"width": 3}, [1], {**asdict(SMALL), "depth": 3}])
def test_a_spec_of_other_names_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput, match="exactly"):
        UNetSpec.from_json(wrong)


def test_other_channels_and_features_than_the_spec_says_are_refused() -> None:
    network = UNet(SMALL).double()
    x, log_sigma, features, static = inputs(16)
    with pytest.raises(InvalidInput, match="x: received shape"):
        network(x, log_sigma, features)
    with pytest.raises(InvalidInput, match="features"):
        network(x, log_sigma, None, static)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_released_configuration_takes_a_training_step_on_its_grid() -> None:
    network = UNet(RECONMOST, checkpointing=True)
    shape = (1, 42, 173, 360)

    def batch(index: int) -> Batch:
        generator = torch.Generator().manual_seed(index)
        temperature = 17.5 + 5 * torch.randn(shape, generator=generator)
        temperature[..., :40, 100:160] = torch.nan  # a continent
        return Batch(released_state(temperature), torch.randn(shape, generator=generator))

    assert batch(0).clean[0, 0, 0, 100].item() == pytest.approx(-7 / 9)
    before = network.head.weight.detach().clone()
    trainer = Trainer(network, asdict(RECONMOST), batch, Recipe(steps=1))
    trainer.run()
    assert trainer.step == 1
    # The first step of Adam moves every parameter with a gradient by the learning rate.
    moved = (network.head.weight - before).abs()
    assert moved.median().item() == pytest.approx(1e-4, rel=0.01)
