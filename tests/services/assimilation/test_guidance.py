"""Analyses by the prior: exact where the truth is Gaussian, indifferent to batches, and stopped when asked to."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

from tellurion_assimilation import guidance
from tellurion_assimilation.guidance import analyse, draws
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.prior import Climate, Prior, channels
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_diffusion import DiT, DiTSpec

from .small_climate import CHANNELS, HEIGHT, STD, WIDTH, autoencoder, errors

SIZE = CHANNELS * HEIGHT * WIDTH
UNIT = STD[:, None, None].numpy()
SCALE = np.repeat(STD.numpy(), HEIGHT * WIDTH).astype(np.float64)


@pytest.fixture(scope="module")
def untrained() -> Prior:
    """A prior that has learned nothing: the Gaussian of its autoencoder."""
    fitted = autoencoder()
    count, static = channels(fitted)
    network = DiT(DiTSpec(channels=count, static=static, width=8, depth=1, heads=2)).eval()
    return Prior(network, fitted, Climate(torch.zeros(CHANNELS, HEIGHT), torch.ones(CHANNELS, HEIGHT)))


@pytest.fixture(scope="module")
def trained(untrained: Prior) -> Prior:
    """One whose network says something."""
    torch.manual_seed(0)
    network = DiT(untrained.network.spec)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return Prior(network.eval(), untrained.autoencoder, untrained.climate)


@pytest.fixture(scope="module")
def background() -> np.ndarray:
    return (STD[:, None, None] * errors(1, 11)[0]).numpy()


@pytest.fixture(scope="module")
def observations(background: np.ndarray) -> Observations:
    """Five points, the mean of two, and one point twice; errors of a tenth to twice the channel's own."""
    random = np.random.default_rng(3)
    cells = random.choice(SIZE, 5, replace=False)
    rows = sparse.lil_array((8, SIZE))
    for row, cell in enumerate([*cells, cells[0], cells[0], cells[1]]):
        rows[row, cell] = 1.0
    rows[5, cells[1]], rows[5, cells[0]] = 0.5, 0.5
    operator = sparse.csr_array(rows)
    units = abs(operator) @ SCALE
    errors_ = units * random.uniform(0.1, 2.0, 8)
    values = operator @ background.ravel().astype(np.float64) + units * random.normal(size=8)
    return Observations(values, errors_, operator)


def posterior(prior: Prior, background: np.ndarray, observed: Observations) -> tuple[np.ndarray, np.ndarray]:
    """Mean [n] and covariance [n, n] of the Gaussian that the latents span, by the Kalman filter's equations."""
    latents = torch.eye(int(np.prod(prior.autoencoder.latent_shape))).unflatten(1, prior.autoencoder.latent_shape)
    root = SCALE[:, None] * prior.autoencoder.decode(latents).flatten(1).numpy().T.astype(np.float64)
    truncated = SCALE * np.repeat(prior.autoencoder.truncated.numpy().ravel(), WIDTH)
    h = observed.operator.toarray()
    r = np.diag(observed.errors**2 + (abs(h) @ truncated) ** 2)
    b = root @ root.T
    gain = b @ h.T @ np.linalg.inv(h @ b @ h.T + r)
    mean = background.ravel() + gain @ (observed.values - h @ background.ravel())
    return mean, b - gain @ h @ b


@pytest.mark.parametrize("steps", [1, 4])
def test_an_untrained_prior_gives_the_ensemble_of_3dvar(
    untrained: Prior, background: np.ndarray, observations: Observations, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(guidance, "BATCH", 2000)
    of_all, members = analyse(untrained, background, observations, members=2000, steps=steps, seed=1)
    mean, covariance = posterior(untrained, background, observations)
    np.testing.assert_allclose(of_all.ravel() / SCALE, mean / SCALE, atol=1e-3)
    drawn = members.reshape(2000, -1).astype(np.float64)
    spread = np.sqrt(covariance.diagonal())
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * spread / np.sqrt(2000) + 1e-3 * SCALE).all()
    np.testing.assert_allclose(drawn.std(axis=0, ddof=1), spread, rtol=0.1)
    seen = np.diag(1 / (observations.operator @ SCALE)) @ observations.operator.toarray()
    np.testing.assert_allclose(np.cov(seen @ drawn.T), seen @ covariance @ seen.T, atol=0.03)


def test_unguided_members_of_an_untrained_prior_are_background_errors(
    untrained: Prior, background: np.ndarray, observations: Observations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guidance, "BATCH", 1000)
    mean, members = analyse(untrained, background, observations, "obsfree", members=1000, steps=5)
    np.testing.assert_allclose(mean, background, atol=1e-5)
    spread = STD[:, None] * untrained.autoencoder.shown
    np.testing.assert_allclose((members - background).std(axis=(0, 3)), spread, rtol=0.1)
    assert np.abs((members - background).mean(axis=(0, 3)) / spread.numpy()).max() < 0.1


@pytest.mark.parametrize("method", ["obsfree", "dps", "repaint"])
def test_a_member_is_the_same_alone_and_in_any_batch(
    trained: Prior, background: np.ndarray, observations: Observations, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    together = analyse(trained, background, observations, method, members=5, steps=6, seed=2)[1]
    monkeypatch.setattr(guidance, "BATCH", 2)
    apart = analyse(trained, background, observations, method, members=3, steps=6, seed=2)[1]
    np.testing.assert_allclose(apart / UNIT, together[:3] / UNIT, atol=1e-4)
    again = analyse(trained, background, observations, method, members=3, steps=6, seed=2)[1]
    np.testing.assert_array_equal(again, apart)
    other = analyse(trained, background, observations, method, members=3, steps=6, seed=3)[1]
    assert np.abs(other - apart).max() > 0.1


@pytest.mark.parametrize("method", ["obsfree", "dps", "repaint"])
def test_the_mean_of_few_is_nearly_that_of_many(
    trained: Prior, background: np.ndarray, observations: Observations, method: str
) -> None:
    """Nearer than the members' own, and in the long run the same: the control variate takes nothing away but noise."""
    many = draws(trained, background, observations, method, members=400, steps=6, seed=4)
    exact, spread = many.members.mean(0), many.members.std(0)
    assert ((many.mean - exact).abs() < 5 * spread / 20 + 1e-3).all()
    few = [draws(trained, background, observations, method, members=4, steps=6, seed=seed) for seed in range(6)]
    own, better = (
        torch.stack([(mean - exact).square().mean() for mean in means]).mean()
        for means in ([each.members.mean(0) for each in few], [each.mean for each in few])
    )
    assert better < 0.8 * own


def test_members_have_the_spread_that_latents_cannot_show(
    untrained: Prior, background: np.ndarray, observations: Observations
) -> None:
    """Of background errors that are white, which the latents can hardly show, members have what is left of these."""

    class White:
        control_size = SIZE

        def root(self, v: np.ndarray, /) -> np.ndarray:
            return v * SCALE

        def root_adjoint(self, x: np.ndarray, /) -> np.ndarray:
            return x * SCALE

    without, having = (
        analyse(untrained, background, observations, errors=errors, members=300, steps=2)[1] / UNIT
        for errors in (None, White())
    )
    added = torch.from_numpy(having - without)
    np.testing.assert_allclose(untrained.autoencoder.encode(added), 0, atol=1e-4)
    basis = torch.eye(SIZE).unflatten(1, (CHANNELS, HEIGHT, WIDTH))
    expected = untrained.autoencoder.rest(basis).square().sum(0)
    np.testing.assert_allclose(added.square().mean(0), expected, rtol=0.5, atol=0.02)


@pytest.mark.parametrize("method", ["dps", "repaint"])
def test_observations_draw_members_to_them(
    trained: Prior, background: np.ndarray, observations: Observations, method: str
) -> None:
    def misfit(method: str) -> float:
        members = analyse(trained, background, observations, method, members=16, steps=8)[1]
        seen = observations.of(members.reshape(16, -1))
        return float((((seen - observations.values) / observations.errors) ** 2).mean())

    assert misfit(method) < 0.8 * misfit("obsfree")


@pytest.mark.slow
def test_repaint_of_an_untrained_prior_tends_to_3dvar(
    untrained: Prior, background: np.ndarray, observations: Observations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guidance, "BATCH", 1000)
    of_all, members = analyse(untrained, background, observations, "repaint", members=1000, steps=60, seed=1)
    mean, covariance = posterior(untrained, background, observations)
    spread = np.sqrt(covariance.diagonal())
    assert (np.abs(of_all.ravel() - mean) < 0.1 * spread + 0.01 * SCALE).all()
    np.testing.assert_allclose(members.reshape(1000, -1).std(axis=0, ddof=1), spread, rtol=0.2)


@pytest.mark.parametrize("method", ["dps", "repaint"])
def test_more_observations_than_latents_say_the_same(trained: Prior, background: np.ndarray, method: str) -> None:
    """Every cell seen 4 times with twice the error is every cell seen once: fewer than 2 latents' worth, or reduced."""
    random = np.random.default_rng(5)
    values = background.ravel() + SCALE * random.normal(size=SIZE)
    once = Observations(values, SCALE, sparse.eye_array(SIZE, format="csr"))
    often = Observations(np.tile(values, 4), np.tile(2 * SCALE, 4), sparse.vstack([once.operator] * 4, format="csr"))
    untruncated = replace(
        trained, autoencoder=replace(trained.autoencoder, truncated=torch.zeros_like(trained.autoencoder.truncated))
    )
    one, other = (
        draws(untruncated, background, seen, method, members=40, steps=6, seed=6).mean for seen in (once, often)
    )
    torch.testing.assert_close(one, other, atol=0.02, rtol=0)


@pytest.mark.parametrize("method", ["dps", "repaint"])
def test_without_observations_it_is_unguided(trained: Prior, background: np.ndarray, method: str) -> None:
    nothing = Observations(np.zeros(0), np.zeros(0), sparse.csr_array((0, SIZE)))
    one, other = (analyse(trained, background, nothing, name, members=2, steps=3)[1] for name in (method, "obsfree"))
    np.testing.assert_array_equal(one, other)


@pytest.mark.cuda
@pytest.mark.parametrize("method", ["obsfree", "dps", "repaint"])
def test_a_gpu_gives_the_same(trained: Prior, background: np.ndarray, observations: Observations, method: str) -> None:
    there = replace(trained, network=deepcopy(trained.network).cuda())
    here, on_gpu = (
        draws(prior, background, observations, method, members=3, steps=6).members for prior in (trained, there)
    )
    torch.testing.assert_close(on_gpu, here, atol=1e-2, rtol=0)


def test_observations_that_know_nothing_change_nothing_much(
    untrained: Prior, background: np.ndarray, observations: Observations
) -> None:
    blind = Observations(observations.values, 1e6 * observations.errors, observations.operator)
    one, other = (analyse(untrained, background, blind, name, members=2, steps=4)[1] for name in ("repaint", "obsfree"))
    np.testing.assert_allclose(one / UNIT, other / UNIT, atol=1e-4)


@pytest.mark.parametrize("method", ["obsfree", "dps", "repaint"])
def test_it_stops_at_the_next_level(
    trained: Prior, background: np.ndarray, observations: Observations, method: str
) -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        analyse(trained, background, observations, method, members=2, steps=10, cancelled=cancelled)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("named", "changed"),
    [
        ("method", {"method": "3dvar"}),
        ("members", {"members": 0}),
        ("background", {"background": np.zeros((CHANNELS, HEIGHT, WIDTH + 2), np.float32)}),
        ("background", {"background": np.full((CHANNELS, HEIGHT, WIDTH), np.nan, np.float32)}),
        ("operator", {"observations": Observations(np.zeros(1), np.ones(1), sparse.csr_array((1, SIZE - 1)))}),
        ("steps", {"steps": 0}),
    ],
)
def test_what_cannot_be_analysed_is_named(
    trained: Prior, background: np.ndarray, observations: Observations, named: str, changed: dict[str, object]
) -> None:
    given = {"background": background, "observations": observations, "members": 2, "steps": 2, **changed}
    with pytest.raises(InvalidInput, match=named):
        analyse(trained, **given)
