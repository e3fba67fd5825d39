"""Parameters and what they mean: there and back again, and vectors turned as scipy turns them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tellurion_splat.splats import Splats, degree_of, rotated
from tellurion_splatting.gaussians import Gaussians, Reflection


@pytest.fixture
def gaussians() -> Gaussians:
    """Twenty, of degree 2 and with a reflected branch of degree 1; opacities and weights of 0 and 1 among them."""
    rng = np.random.default_rng(0)
    quats = rng.standard_normal((20, 4))
    opacities, weights = rng.random(20), rng.random(20)
    opacities[:2], weights[1:3] = (0, 1), (0, 1)
    return Gaussians(
        rng.standard_normal((20, 3)),
        quats / np.linalg.norm(quats, axis=1, keepdims=True),
        rng.uniform(0.01, 2, (20, 3)),
        opacities,
        rng.standard_normal((20, 9, 3)),
        Reflection(rng.standard_normal((20, 4, 3)), rng.random(20), weights),
    )


def test_gaussians_come_back_from_their_parameters(gaussians: Gaussians) -> None:
    back = Splats.of(gaussians).gaussians()
    assert back.reflection is not None
    assert gaussians.reflection is not None
    for name in ("means", "quats", "scales", "opacities", "sh"):
        np.testing.assert_allclose(getattr(back, name), getattr(gaussians, name), rtol=1e-5, atol=1e-6)
    for name in ("sh", "opacities", "weights"):
        ours, theirs = getattr(back.reflection, name), getattr(gaussians.reflection, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_set_without_reflection_has_none(gaussians: Gaussians) -> None:
    plain = Splats.of(gaussians.transmitted())
    assert not plain.reflective
    assert plain.gaussians().reflection is None
    assert len(plain) == 19  # one has no opacity but in the reflection


def test_branches_stay_apart_where_a_program_has_clamped_their_logits(gaussians: Gaussians) -> None:
    of = Splats.of(gaussians[2:])
    assert not of.apart
    of.parameters["logit_opacities"][0] = -20
    of.parameters["reflected_logit_opacities"][1:3] = -20
    assert of.apart
    assert not Splats.of(gaussians.transmitted()).apart


def test_coefficients_are_used_up_to_a_degree(gaussians: Gaussians) -> None:
    of = Splats.of(gaussians)
    assert [of.sh(degree).shape[1] for degree in (0, 1, 2)] == [1, 4, 9]
    assert torch.equal(of.sh(1), torch.tensor(gaussians.sh[:, :4]))
    assert degree_of(of.reflected_sh()) == 1


def test_vectors_are_turned_as_scipy_turns_them() -> None:
    rng = np.random.default_rng(1)
    quats, vectors = rng.standard_normal((50, 4)), rng.standard_normal((50, 3))
    expected = Rotation.from_quat(quats, scalar_first=True).apply(vectors)
    np.testing.assert_allclose(rotated(torch.tensor(quats), torch.tensor(vectors)).numpy(), expected, atol=1e-12)
