"""Small sets of Gaussians, and what makes two of them the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tellurion_splatting.gaussians import Gaussians, Reflection


@pytest.fixture
def some() -> Callable[..., Gaussians]:
    """Random Gaussians within a few metres, centimetres to decimetres wide."""

    def drawn(count: int = 50, degree: int = 3, *, reflected: int | None = None, seed: int = 0) -> Gaussians:
        rng = np.random.default_rng(seed)
        reflection = None
        if reflected is not None:
            reflection = Reflection(
                rng.normal(size=(count, (reflected + 1) ** 2, 3)), rng.uniform(size=count), rng.uniform(size=count)
            )
        return Gaussians(
            means=rng.uniform(-5, 5, (count, 3)),
            quats=rng.normal(size=(count, 4)),
            scales=np.exp(rng.uniform(-5, -1, (count, 3))),
            opacities=rng.uniform(0.01, 0.99, count),
            sh=rng.uniform(-0.4, 0.4, (count, (degree + 1) ** 2, 3)),
            reflection=reflection,
        )

    return drawn


@pytest.fixture
def assert_same() -> Callable[..., None]:
    """Compares two sets; q and −q are one rotation."""

    def compare(one: Gaussians, other: Gaussians, **tolerances: float) -> None:
        for name in ("means", "scales", "opacities", "sh"):
            got, want = getattr(one, name), getattr(other, name)
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=tolerances.get(name, 1e-6), err_msg=name)
        turns = np.abs(np.sum(one.quats.astype(float) * other.quats, axis=1))
        np.testing.assert_allclose(turns, 1, atol=tolerances.get("quats", 1e-6), err_msg="quats")

    return compare
