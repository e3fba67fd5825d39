"""Adam as its equations say it, and moments that follow their Gaussian."""

from __future__ import annotations

import pytest
import torch

from tellurion_splat.optimiser import RATES, Optimiser
from tellurion_splat.splats import Splats

NAMES = ("means", "quats", "log_scales", "logit_opacities", "sh0", "sh_rest")
SHAPES = ((3,), (4,), (3,), (), (1, 3), (3, 3))


def splats(count: int = 5) -> Splats:
    generator = torch.Generator().manual_seed(0)
    return Splats({n: torch.randn(count, *s, generator=generator) for n, s in zip(NAMES, SHAPES, strict=True)})


def pull(of: Splats, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for tensor in of.parameters.values():
        tensor.grad = torch.randn(tensor.shape, generator=generator)
    return {name: tensor.grad.clone() for name, tensor in of.parameters.items()}


def test_a_step_is_adams() -> None:
    fitted = splats()
    before = {name: tensor.clone() for name, tensor in fitted.parameters.items()}
    optimiser = Optimiser(fitted)
    first, second = pull(fitted, 1), None
    optimiser.step(1e-3)
    second = pull(fitted, 2)
    optimiser.step(2e-3)
    for name, start in before.items():
        rates = (1e-3, 2e-3) if name == "means" else (RATES[name],) * 2
        expected, m, v = start, torch.zeros_like(start), torch.zeros_like(start)
        for t, (gradient, rate) in enumerate(zip((first[name], second[name]), rates, strict=True), start=1):
            m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
            expected = expected - rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-15)
        torch.testing.assert_close(fitted.parameters[name].detach(), expected, rtol=1e-5, atol=1e-6)


def test_gradients_are_gone_after_a_step() -> None:
    fitted = splats()
    optimiser = Optimiser(fitted)
    pull(fitted, 1)
    optimiser.step(1e-3)
    assert all(tensor.grad is None for tensor in fitted.parameters.values())


def test_rows_keep_their_moments_and_fresh_ones_have_none() -> None:
    one, two = splats(), splats()
    steady, changed = Optimiser(one), Optimiser(two)
    for of, optimiser in ((one, steady), (two, changed)):
        pull(of, 1)
        optimiser.step(1e-3)
    rows = torch.tensor([4, 0, 2, 2])
    changed.take(rows, fresh=1)
    torch.testing.assert_close(two.means, one.means[rows])
    moments = changed.state_dict()["sh0"]
    torch.testing.assert_close(moments["exp_avg"][:3], steady.state_dict()["sh0"]["exp_avg"][rows[:3]])
    assert not moments["exp_avg"][3].any()
    assert not moments["exp_avg_sq"][3].any()
    gradients = pull(one, 2)
    for name, tensor in two.parameters.items():
        tensor.grad = gradients[name][rows]
    steady.step(1e-3)
    changed.step(1e-3)
    for name, tensor in two.parameters.items():
        torch.testing.assert_close(tensor[:3], one.parameters[name][rows[:3]], msg=name)
        assert not torch.equal(tensor[3], one.parameters[name][2]), name


def test_a_state_is_gone_on_from_whatever_the_number_of_rows() -> None:
    one, two = splats(5), splats(3)
    whole, resumed = Optimiser(one), Optimiser(two)
    pull(one, 1)
    whole.step(1e-3)
    resumed.load_state_dict({name: {k: v.clone() for k, v in of.items()} for name, of in whole.state_dict().items()})
    for of, optimiser in ((one, whole), (two, resumed)):
        pull(of, 2)
        optimiser.step(1e-3)
    for name, tensor in one.parameters.items():
        assert torch.equal(tensor, two.parameters[name]), name


def test_a_state_of_other_parameters_is_told_apart() -> None:
    optimiser = Optimiser(splats())
    with pytest.raises(KeyError):
        optimiser.load_state_dict({"means": {"value": torch.zeros(5, 3)}})
