"""What is known of a month's winds before they are observed."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_assimilation.wind_background import SampledErrors, WindBackground

from .small_winds import LASTING, winds


def test_departures_are_from_the_mean_of_the_other_years():
    known = WindBackground(winds(50))
    fields, january = known.winds.fields, known.winds.calendar == 0
    for month in np.flatnonzero(january):
        others = fields[january & (np.arange(50) != month)].mean(axis=0)
        np.testing.assert_allclose(known.departures[month], fields[month] - others, atol=1e-5)


def test_what_lasts_is_found():
    assert WindBackground(winds(600)).lasting == pytest.approx(LASTING, abs=0.1)


def test_what_lasts_is_learned_from_the_climatology_of_earlier_months():
    """By the mean square of its own errors: no other share leaves smaller ones."""
    known = WindBackground(winds(80))
    early, late = known.winds.part(slice(-20)), known.winds.part(slice(-21, None))
    departures = late.anomalies(early.climatology())

    def left(share):
        return (((departures[1:] - share * departures[:-1]) ** 2).mean(axis=(0, 1, 3)) @ known.winds.area).item()

    assert left(known.lasting) < min(left(known.lasting - 0.01), left(known.lasting + 0.01))


def test_errors_are_truth_less_background():
    known = WindBackground(winds(60))
    np.testing.assert_allclose(known.errors(0.0), known.departures[1:])
    np.testing.assert_allclose(known.errors(1.0), np.diff(known.departures, axis=0))
    np.testing.assert_allclose(known.errors(), known.departures[1:] - known.lasting * known.departures[:-1])


def test_the_scale_keeps_the_variance_of_a_row_and_half_of_the_contrast_along_it():
    known = WindBackground(winds(60))
    variance, kept = (known.errors() ** 2).mean(axis=0), known.scale**2
    np.testing.assert_allclose(kept.mean(axis=2), variance.mean(axis=2))
    np.testing.assert_allclose(np.ptp(kept, axis=2), np.ptp(variance, axis=2) / 2)


def test_sampled_errors_have_the_covariance_of_their_samples():
    samples = np.random.default_rng(0).standard_normal((7, 5))
    errors = SampledErrors(samples)
    root = errors.root(np.eye(errors.control_size))
    np.testing.assert_allclose(root.T @ root, samples.T @ samples / 7)
    np.testing.assert_allclose(errors.root_adjoint(np.eye(5)), root.T)
