"""The diffusion transformer: the identity when it begins, no seam, and a condition that it listens to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import (
    Batch,
    DiT,
    DiTSpec,
    LogUniform,
    Preconditioned,
    Recipe,
    Trainer,
    correction_loss,
    weights,
)
from tellurion_diffusion.dit import Block, positions

SPEC = DiTSpec(channels=3, static=5, width=32, depth=2, heads=4)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small lose more to waiting for a second thread than it does for them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def network() -> DiT:
    """One whose zeroed layers are not."""
    torch.manual_seed(1)
    network = DiT(SPEC)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    return network.eval()


@pytest.fixture
def inputs(generator: torch.Generator) -> tuple[Tensor, Tensor, None, Tensor]:
    draw = torch.randn(4, 8, 6, 12, generator=generator)
    return draw[:, :3], torch.linspace(-3, 2, 4), None, draw[:, 3:]


def test_untrained_it_is_the_exact_denoiser_of_white_fields(inputs: tuple[Tensor, Tensor, None, Tensor]) -> None:
    x, log_sigma, _, static = inputs
    assert torch.equal(DiT(SPEC)(x, log_sigma, None, static), torch.zeros_like(x))
    sigma = log_sigma.exp()
    signal = (1 / torch.sqrt(1 + sigma**2))[:, None, None, None]
    torch.testing.assert_close(Preconditioned(DiT(SPEC))(x, sigma, static=static), signal * x)


def test_a_block_attends_as_written_out(generator: torch.Generator) -> None:
    """One head, by hand: softmax(q kᵀ/√d) v, once over the tokens themselves and once over the condition's."""
    torch.manual_seed(0)
    block = Block(8, 1)
    nn.init.normal_(block.offsets)
    h, condition = torch.randn(2, 1, 5, 8, generator=generator)
    modulation = torch.randn(1, 1, 72, generator=generator)

    def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return torch.softmax(query @ key.mT / math.sqrt(8), dim=-1) @ value

    def own(x: Tensor) -> Tensor:
        return block.own_out(attended(*block.own(x).split(8, dim=-1)))

    def cross(x: Tensor) -> Tensor:
        return block.cross_out(attended(block.query(x), *block.key_value(condition).split(8, dim=-1)))

    expected = h
    for branch, part in zip((own, cross, block.perceptron), (modulation + block.offsets).split(24, -1), strict=True):
        shift, scale, gate = part.split(8, dim=-1)
        centred = expected - expected.mean(-1, keepdim=True)
        normalised = centred / torch.sqrt(centred.square().mean(-1, keepdim=True) + 1e-5)
        expected = expected + gate * branch(normalised * (1 + scale) + shift)
    torch.testing.assert_close(block(h, condition, modulation), expected)


def test_positions_have_no_seam_and_tell_all_tokens_apart() -> None:
    where = positions(3, 8, 32).reshape(3, 8, 32)
    steps = (where - where.roll(1, dims=1)).norm(dim=-1)
    torch.testing.assert_close(steps, steps[:1, :1].expand(3, 8))
    each = where.flatten(0, 1)
    assert (torch.cdist(each, each) + torch.eye(24)).min() > 0.5


def test_every_cell_sees_every_cell_of_state_and_condition(
    network: DiT, inputs: tuple[Tensor, Tensor, None, Tensor]
) -> None:
    x, log_sigma, _, static = (None if each is None else each[:1].requires_grad_() for each in inputs)
    network(x, log_sigma, None, static)[0, 0, 0, 0].backward()
    assert (x.grad != 0).all()
    assert (static.grad != 0).all()


def test_a_shared_condition_is_the_same_as_one_each(network: DiT, inputs: tuple[Tensor, Tensor, None, Tensor]) -> None:
    x, log_sigma, _, static = inputs
    each = network(x, log_sigma, None, static[:1].repeat(4, 1, 1, 1))
    torch.testing.assert_close(network(x, log_sigma, None, static[:1]), each)
    torch.testing.assert_close(network(x, log_sigma, None, static[:1].expand(4, -1, -1, -1)), each)
    torch.testing.assert_close(network(x[2:3], log_sigma[2:3], None, static[:1]), each[2:3])


def test_features_condition_it(inputs: tuple[Tensor, Tensor, None, Tensor]) -> None:
    x, log_sigma, _, static = inputs
    torch.manual_seed(2)
    network = DiT(replace(SPEC, features=2))
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    one, other = (network(x, log_sigma, torch.full((4, 2), value), static) for value in (0.0, 1.0))
    assert not torch.allclose(one, other)


def test_it_learns_a_field_from_its_condition(generator: torch.Generator) -> None:
    """x₀ is the condition moved by a quarter of the globe: only attention can bring it; white noise alone scores 1."""

    def batch(index: int) -> Batch:
        random = torch.Generator().manual_seed(index)
        condition = torch.randn(16, 1, 2, 8, generator=random)
        return Batch(condition.roll(2, dims=-1), torch.randn(condition.shape, generator=random), condition)

    torch.manual_seed(3)
    spec = DiTSpec(channels=1, static=1, width=32, depth=2, heads=2)
    recipe = Recipe(steps=150, learning_rate=5e-3, schedule="cosine", average=0.9, levels=LogUniform(0.3, 10.0))
    trainer = Trainer(DiT(spec), asdict(spec), batch, recipe)
    trainer.run()
    trainer.average.copy_to(trainer.network)
    held_out = batch(10_000)
    loss = correction_loss(trainer.network.eval(), held_out, torch.full((16,), 3.0))
    assert loss < 0.3


def test_weights_come_back_from_a_file(
    network: DiT, inputs: tuple[Tensor, Tensor, None, Tensor], tmp_path: Path
) -> None:
    weights.save(tmp_path / "dit.safetensors", network, {"dit": asdict(SPEC)}, {})
    tensors, meaning = weights.load(tmp_path / "dit.safetensors")
    with torch.device("meta"):
        again = DiT(DiTSpec.from_json(json.loads(json.dumps(meaning["dit"]))))
    weights.fill(again, tensors)
    assert torch.equal(again(*inputs), network(*inputs))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("x", (4, 2, 6, 12)),
        ("x", (4, 3, 6, 11)),
        ("x", (3, 6, 12)),
        ("static", (4, 5, 6, 10)),
        ("static", (3, 5, 6, 12)),
    ],
)
def test_shapes_that_do_not_fit_are_named(network: DiT, name: str, wrong: tuple[int, ...]) -> None:
    given = {"x": torch.zeros(4, 3, 6, 12), "static": torch.zeros(4, 5, 6, 12), name: torch.zeros(wrong)}
    with pytest.raises(InvalidInput, match=name):
        network(given["x"], torch.zeros(len(given["x"])), None, given["static"])


def test_what_it_was_not_built_for_is_refused(network: DiT, inputs: tuple[Tensor, Tensor, None, Tensor]) -> None:
    x, log_sigma, _, static = inputs
    with pytest.raises(InvalidInput, match="static"):
        network(x, log_sigma)
    with pytest.raises(InvalidInput, match="features"):
        network(x, log_sigma, torch.zeros(4, 1), static)


@pytest.mark.parametrize(
    "wrong",
    [{"depth": 0}, {"width": 30}, {"heads": 3}, {"channels": True}, {"static": 0}, {"depth": 65}, {"patch": 2.0}],
)
def test_a_spec_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=r"spec\."):
        replace(SPEC, **wrong)


@pytest.mark.parametrize("wrong", [{}, {**asdict(SPEC), "blocks": 1}, [1, 2]])
def test_a_spec_from_elsewhere_names_exactly_its_fields(wrong: object) -> None:
    with pytest.raises(InvalidInput, match="exactly"):
        DiTSpec.from_json(wrong)
