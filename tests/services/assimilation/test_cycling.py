"""What becomes of an estimate that is cycled: its scores after the burn-in, and the cycle from which it was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import sparse

from tellurion_assimilation import cycling
from tellurion_assimilation.cycling import Verdict, cycled
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.scores import assess, rmse
from tellurion_assimilation.scoring import Balance
from tellurion_core.errors import Cancelled, InvalidInput

NOTHING = Observations(np.zeros(0), np.zeros(0), sparse.csr_array((0, 1)))
CLIMATE = 2.0


@dataclass
class Drifting:
    """Two members a distance of 2 apart around the truth, 0, plus an error that is known for each cycle.

    A forecast is off by half as much again.
    """

    error: Callable[[int], float]
    burn_in: int = 5
    patience: int = 10
    climate: float = CLIMATE
    first: np.ndarray = field(default_factory=lambda: np.array([[-1.0], [1.0]]))
    times: int = -1

    def nature(self) -> Iterator[tuple[np.ndarray, Observations]]:
        while True:
            self.times += 1
            yield np.zeros(1), NOTHING

    def forecast(self, estimate: np.ndarray) -> np.ndarray:
        return self.first + 1.5 * self.error(self.times)

    def analyse(self, background: np.ndarray, observations: Observations) -> np.ndarray:
        return self.first + self.error(self.times)

    def rmse(self, estimate: np.ndarray, truth: np.ndarray) -> float:
        return rmse(estimate, truth)

    def assess(self, analysis: np.ndarray, truth: np.ndarray) -> Verdict:
        return Verdict(self.rmse(analysis, truth), assess(analysis, truth), Balance(0.2, 0.1, 0.5))


def test_scores_are_means_over_the_cycles_after_the_burn_in() -> None:
    # errors of 100 in the burn-in, then of ½ and 3½
    result = cycled(Drifting(lambda cycle: 100 if cycle < 5 else 0.5 + 3 * (cycle % 2)), 25)
    assert result.diverged is None
    assert result.rmse_analysis == pytest.approx(2)
    assert result.rmse_forecast == pytest.approx(3)
    assert result.spread == pytest.approx(np.sqrt(2))  # of −1 and 1, with N − 1
    assert result.spread_skill == pytest.approx(np.sqrt(3 / 2) * np.sqrt(2) / 2.5)  # √((¼ + 12¼)/2) = 2½
    assert result.balance == pytest.approx(Balance(0.2, 0.1, 0.5))
    assert result.ranks.tolist() == [10, 10, 0]  # 0 is below 2½ and 4½, and between −½ and 1½


def test_nature_is_asked_for_no_more_than_is_needed() -> None:
    experiment = Drifting(lambda cycle: 0.5)
    cycled(experiment, 20)
    assert experiment.times == 19


def test_an_estimate_is_lost_where_it_stays_worse_than_the_climate() -> None:
    # with 1.2 of the climate a window of ten is above 1.1 only when all of it is bad
    result = cycled(Drifting(lambda cycle: CLIMATE * (1.2 if cycle >= 17 else 0.2)), 40)
    assert result.diverged == 17
    assert np.isfinite(result.rmse_analysis)


def test_one_that_comes_back_in_time_is_not() -> None:
    assert cycled(Drifting(lambda cycle: CLIMATE * (1.2 if 17 <= cycle < 26 else 0.2)), 40).diverged is None
    assert cycled(Drifting(lambda cycle: CLIMATE * (1.2 if cycle < 5 else 0.2)), 40).diverged is None


OVERFLOW = InvalidInput.of("states", received="inf", accepted="finite values")


@pytest.mark.parametrize("raised", [OVERFLOW, np.linalg.LinAlgError("not positive definite")])
def test_one_that_cannot_be_carried_on_is_reported_with_nothing_made_up(raised: Exception) -> None:
    def error(cycle: int) -> float:
        if cycle == 12:
            raise raised
        return 1.0

    result = cycled(Drifting(error), 20)
    assert result.diverged == 12
    assert np.isnan([result.rmse_analysis, result.rmse_forecast, result.spread, result.spread_skill]).all()
    assert result.balance is None
    assert result.ranks.sum() == 12 - 5


def test_what_is_invalid_from_the_first_is_refused() -> None:
    def error(cycle: int) -> float:
        raise OVERFLOW

    with pytest.raises(InvalidInput, match="states: received inf"):
        cycled(Drifting(error), 20)


def test_one_that_is_not_finite_is_lost() -> None:
    assert cycled(Drifting(lambda cycle: np.inf if cycle == 3 else 0.1), 20).diverged == 3


def test_it_says_how_much_longer_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 60))  # each cycle a minute
    monkeypatch.setattr(cycling.time, "monotonic", lambda: next(clock))
    told = []
    cycled(Drifting(lambda cycle: 0.5), 8, progress=lambda fraction, message: told.append((fraction, message)))
    assert told[0] == (0.0, "cycle 1 of 8")
    # the eighth begins eight minutes after the start: seven cycles in as many, and one to go
    assert told[-1] == (7 / 8, "cycle 8 of 8, about 2 min left")


def test_it_stops_when_it_is_cancelled() -> None:
    experiment = Drifting(lambda cycle: 0.5)
    with pytest.raises(Cancelled):
        cycled(experiment, 20, cancelled=lambda: experiment.times == 3)
    assert experiment.times == 3
