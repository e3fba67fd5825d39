"""Twin experiments on a small atmosphere: one truth for all methods, members carried or drawn, a loss reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tellurion_assimilation.atmosphere_twin import atmosphere_twin
from tellurion_assimilation.autoencoder import fit
from tellurion_assimilation.background_errors import ZonalErrors, estimate
from tellurion_assimilation.cycling import Twin
from tellurion_assimilation.judge import Judge
from tellurion_assimilation.prior import Climate, Prior, channels
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.twin import Setting
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_diffusion import DiT, DiTSpec

ATMOSPHERE = Atmosphere(10, 2)  # the coarsest that has weather
LAYOUT = ATMOSPHERE.layout
C, Y, X = LAYOUT.shape
SCALE = np.array([10.0] * 4 + [5.0] * 2 + [500.0])
SETTING = Setting(interval=24, observed=0.1, burn_in=48.0)
CYCLES = 6


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """[S, C, Y, X] errors of 1 m/s, ½ K and 50 Pa without waves that the truncation does not hold."""
    white = np.random.default_rng(0).standard_normal((400, *LAYOUT.shape))
    waves = np.fft.irfft(np.fft.rfft(white)[..., : LAYOUT.truncation + 1], n=X)
    return (waves * np.sqrt(X / (2 * LAYOUT.truncation + 1)) * SCALE[:, None, None] / 10).astype(np.float32)


@pytest.fixture(scope="module")
def errors(samples: np.ndarray) -> ZonalErrors:
    """Their covariance, neither tapered nor cut."""
    return estimate(samples, LAYOUT, half_width=1e9, count=C * Y // 2)


@pytest.fixture(scope="module")
def untrained(samples: np.ndarray) -> Prior:
    """A prior that has learned nothing, with an autoencoder that loses nothing: the Gaussian of these errors."""
    area = torch.from_numpy(LAYOUT.area).float()
    scale, mirror = (torch.from_numpy(each).float() for each in (SCALE, LAYOUT.mirror))
    fitted = fit([torch.from_numpy(samples) / scale[:, None, None]], scale, area, mirror=mirror, rows=Y, columns=X)
    count, static = channels(fitted)
    network = DiT(DiTSpec(channels=count, static=static, width=8, depth=1, heads=2)).eval()
    return Prior(network, fitted, Climate(torch.zeros(C, Y), torch.ones(C, Y)))


@pytest.fixture(scope="module")
def begin() -> np.ndarray:
    """[1, C, Y, X] a state after two hundred days."""
    return ATMOSPHERE.forecast(ATMOSPHERE.start(np.random.default_rng(0))[None], 200 * 24)


@pytest.fixture(scope="module")
def run(errors: ZonalErrors, begin: np.ndarray) -> Any:
    def twin(method: str, options: dict[str, Any] | None = None, **changed: Any) -> Twin:
        usual: dict[str, Any] = {"members": 6, "setting": SETTING, "cycles": CYCLES, "seed": 1}
        known = {"atmosphere": ATMOSPHERE, "errors": errors, "scale": SCALE, "begin": begin}
        return atmosphere_twin(method, options or {}, **known | usual | changed)

    return twin


@pytest.fixture(scope="module")
def variational(run: Any) -> Twin:
    return run("3dvar")


@pytest.mark.slow
def test_a_variational_estimate_follows_the_truth(variational: Twin) -> None:
    assert variational.diverged is None
    assert variational.rmse_analysis < 0.1  # that of the first guess
    assert 0 < variational.crps < variational.rmse_analysis
    assert variational.ranks.sum() == (CYCLES - 2) * LAYOUT.size
    assert variational.ranks.shape == (7,)
    assert 0 < variational.balance.physics <= 1


@pytest.mark.slow
def test_all_members_of_an_ensemble_are_carried(run: Any) -> None:
    result = run("letkf", {"localization": 2000.0})
    assert result.diverged is None
    assert result.rmse_analysis < result.rmse_forecast
    assert result.ranks.shape == (7,)


@pytest.mark.slow
def test_a_prior_that_has_learned_nothing_cycles_as_3dvar(run: Any, untrained: Prior, variational: Twin) -> None:
    learned = run("dps", {"steps": 2}, prior=untrained)
    assert learned.rmse_analysis == pytest.approx(variational.rmse_analysis, rel=1e-2)
    assert learned.rmse_forecast == pytest.approx(variational.rmse_forecast, rel=1e-2)
    assert learned.spread == pytest.approx(variational.spread, rel=0.1)  # of other draws


def test_all_methods_see_the_same_truth_and_another_seed_has_another(run: Any, variational: Twin) -> None:
    again, other, later = run("3dvar"), run("etkf"), run("3dvar", seed=2)
    assert again.rmse_analysis == pytest.approx(variational.rmse_analysis, rel=1e-5)  # threads add in their own order
    assert later.rmse_analysis != pytest.approx(variational.rmse_analysis, rel=1e-3)
    of_truth = variational.balance.departure_of_truth
    assert other.balance.departure_of_truth == pytest.approx(of_truth, rel=1e-5)
    assert later.balance.departure_of_truth != pytest.approx(of_truth, rel=1e-3)


def test_a_factor_of_the_background_errors_changes_the_analysis(run: Any, variational: Twin) -> None:
    assert run("3dvar", {"amplitude": 0.01}).spread < variational.spread / 2


def test_a_filter_that_loses_the_truth_is_reported_and_not_raised(run: Any) -> None:
    assert run("etkf", {"inflation": 1000.0}).diverged is not None


def test_what_cannot_be_cycled_even_once_is_refused(run: Any) -> None:
    with pytest.raises(InvalidInput, match="localization: received -1"):
        run("letkf", {"localization": -1.0})


def test_the_truth_is_what_the_judge_calls_perfect() -> None:
    truth = np.random.default_rng(0).standard_normal(LAYOUT.shape) * SCALE[:, None, None] / 10
    truth[2 * LAYOUT.levels :] += np.array([280.0] * LAYOUT.levels + [1e5])[:, None, None]
    truth[: LAYOUT.levels] += 20
    judge = Judge(LAYOUT, SCALE)
    assert judge.rmse(truth.ravel(), truth.ravel()) == 0
    assert judge.balance(truth.ravel()[None], truth.ravel()).physics == pytest.approx(1)
    # one standard deviation off in every channel and cell
    assert judge.rmse((truth + SCALE[:, None, None]).ravel(), truth.ravel()) == pytest.approx(1)


def test_the_climate_is_what_differs_along_a_circle_of_latitude_and_in_time() -> None:
    waves = np.sin(2 * np.pi * np.arange(X) / X) * SCALE[:, None, None] * np.ones((Y, 1))  # of variance ½
    both = np.stack([waves, waves + SCALE[:, None, None]])  # and ¼ between the two
    zonal = 30 * np.cos(np.radians(LAYOUT.latitude))[:, None] * SCALE[:, None, None]
    assert Judge(LAYOUT, SCALE).climate(both + zonal) == pytest.approx(np.sqrt(0.75))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "kalman"}, "method: received kalman; accepted: .*, 3dvar"),
        ({"method": "extended_kf"}, "method: received extended_kf; accepted: .*, 3dvar"),
        ({"members": 1}, "members: received 1"),
        ({"members": 10**6}, "members: received 1000000, that take"),
        ({"cycles": 2}, "cycles: received 2; accepted: more than the 2 of the burn-in"),
        (
            {"setting": Setting(interval=24, observed=5e-4, burn_in=48.0)},
            "observed: received 0.0005; accepted: at least",
        ),
        ({"setting": Setting(interval=10_000, burn_in=0.0)}, "interval: received 10000; accepted: at most 8784 steps"),
    ],
)
def test_what_cannot_be_run_is_refused(run: Any, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        run(**{"method": "3dvar"} | changed)


def test_it_stops_when_it_is_cancelled_and_says_how_far_it_is(run: Any) -> None:
    told: list[tuple[float, str]] = []
    with pytest.raises(Cancelled):
        run(
            "3dvar",
            cancelled=lambda: len(told) == 3,
            progress=lambda fraction, message: told.append((fraction, message)),
        )
    assert [fraction for fraction, _ in told] == pytest.approx([0, 0, 1 / CYCLES])
    assert told[-1][1] == f"cycle 2 of {CYCLES}"
