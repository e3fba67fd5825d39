"""`ZonalErrors` against the covariance that brute force finds when samples are turned and mirrored every way."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tellurion_assimilation.background_errors import ZonalErrors, estimate
from tellurion_assimilation.methods.var3d import Var3D
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_assimilation.systems.atmosphere.columns import Columns
from tellurion_assimilation.variational_columns import Gain
from tellurion_core.errors import InvalidInput

LAYOUT = Layout(5, 2)
C, Y, X = LAYOUT.shape
EVERYTHING = {"half_width": 1e9, "count": C * Y // 2}


@pytest.fixture(scope="module")
def samples():
    """[S, C, Y, X] smooth around the circles of latitude, correlated along meridians and between channels."""
    rng = np.random.default_rng(3)
    white = np.fft.irfft(np.fft.rfft(rng.standard_normal((40, C, Y, X)))[..., : LAYOUT.truncation + 1], n=X)
    mixing = np.linalg.cholesky(np.fromfunction(lambda i, j: np.exp(-abs(i - j) / 8), (C * Y, C * Y)))
    scale = np.repeat([1.0, 2.0, 1.0, 2.0, 0.5, 0.7, 100.0], Y)
    return ((scale * mixing.T).T @ white.reshape(40, C * Y, X)).reshape(white.shape)


@pytest.fixture(scope="module")
def errors(samples):
    return estimate(samples, LAYOUT, **EVERYTHING)


def matrix(errors: ZonalErrors) -> np.ndarray:
    """B [n, n]."""
    root = errors.root(np.eye(errors.control_size))
    return root.T @ root


def test_the_covariance_is_that_of_all_turns_and_mirror_images_of_the_samples(samples, errors):
    every = [
        np.roll(image, turn, axis=-1).reshape(len(samples), -1)
        for image in (samples, samples[:, :, ::-1] * LAYOUT.mirror[:, None, None])
        for turn in range(X)
    ]
    expected = sum(image.T @ image for image in every) / (len(samples) * len(every))
    np.testing.assert_allclose(matrix(errors), expected, rtol=1e-8, atol=1e-8 * expected.max())


def test_the_adjoint_is_the_adjoint(errors):
    rng = np.random.default_rng(0)
    v, x = rng.standard_normal((3, errors.control_size)), rng.standard_normal((3, LAYOUT.size))
    np.testing.assert_allclose(np.sum(errors.root(v) * x, -1), np.sum(v * errors.root_adjoint(x), -1), rtol=1e-10)
    assert errors.root(v[0]).shape == (LAYOUT.size,)
    assert errors.root_adjoint(x[0].astype(np.float32)).dtype == np.float32


def test_the_amplitude_multiplies_the_covariance(errors):
    v = np.random.default_rng(0).standard_normal(errors.control_size)
    np.testing.assert_allclose(errors.times(2.25).root(v), 1.5 * errors.root(v), rtol=1e-10)
    np.testing.assert_allclose(errors.times(2.25).variance(), 2.25 * errors.variance(), rtol=1e-12)


def test_the_variance_is_the_diagonal(errors):
    diagonal = np.diag(matrix(errors)).reshape(C, Y, X)
    np.testing.assert_allclose(np.broadcast_to(errors.variance()[..., None], diagonal.shape), diagonal, rtol=1e-10)


def test_the_taper_leaves_the_variance_and_cuts_what_is_far(samples, errors):
    tapered = matrix(estimate(samples, LAYOUT, half_width=15.0, count=C * Y // 2)).reshape(C, Y, X, C, Y, X)
    np.testing.assert_allclose(np.einsum("cyxcyx->cyx", tapered)[..., 0], errors.variance(), rtol=1e-8)
    far = np.abs(np.subtract.outer(LAYOUT.latitude, LAYOUT.latitude)) >= 30.0
    assert far.any()
    of_rows = np.abs(tapered).max(axis=(0, 2, 3, 5))
    assert of_rows[far].max() < 1e-12 * of_rows.max()


def test_fewer_eigenvectors_take_variance_away_and_add_none(samples, errors):
    few = estimate(samples, LAYOUT, half_width=1e9, count=4)
    left = np.linalg.eigvalsh(matrix(errors) - matrix(few))
    assert left[0] > -1e-9 * left[-1]
    assert few.control_size == 2 * 4 * (2 * (LAYOUT.truncation + 1) - 1)
    assert 0 < few.variance().sum() < errors.variance().sum()


def test_covariances_between_columns_are_those_of_the_matrix(errors):
    rows, columns = np.array([0, 3, 7]), np.array([2, 15, 5])
    cells = (rows * X + columns)[:, None] + Y * X * np.arange(C)
    expected = matrix(errors)[np.ix_(cells.ravel(), cells.ravel())]
    np.testing.assert_allclose(errors.between_columns(rows, columns), expected, rtol=1e-5, atol=1e-5)


def test_3dvar_is_the_same_in_both_spaces(errors):
    """By minimisation in control space, and by solution in the space of the observations."""
    rng = np.random.default_rng(1)
    background = np.tile(np.array([0.0] * 4 + [250.0] * 2 + [1e5])[:, None, None], (1, Y, X))
    seen = Columns.of(background + rng.standard_normal((C, Y, X)), LAYOUT, 0.05, rng)
    minimised = Var3D(errors).analyse(background.ravel(), seen.observations()).reshape(C, Y, X)
    np.testing.assert_allclose(Gain.of(seen, errors).analysis(background), minimised, rtol=1e-6, atol=1e-4)


def test_a_file_keeps_the_covariance(errors):
    file = io.BytesIO()
    errors.times(1.7).save(file)
    file.seek(0)
    read, written = matrix(ZonalErrors.load(file)), matrix(errors.times(1.7))
    scale = np.sqrt(np.outer(np.diag(written), np.diag(written)))
    assert np.abs((read - written) / scale).max() < 2e-3  # of float16


def test_what_is_no_sample_of_errors_is_refused(samples):
    for wrong in (samples[:0], samples[0], samples[..., 1:], samples * np.nan):
        with pytest.raises(InvalidInput, match="samples"):
            estimate(wrong, LAYOUT, **EVERYTHING)


def test_impossible_modes_and_amplitudes_are_refused(errors):
    for amplitude in (0.0, -1.0, np.inf):
        with pytest.raises(InvalidInput, match="amplitude"):
            errors.times(amplitude)
    with pytest.raises(InvalidInput, match="background_errors"):
        ZonalErrors(Layout(5, 3), errors.modes)
