"""When what happens: the released times in a long fit, and times that fit into a short one."""

from __future__ import annotations

import pytest

from tellurion_splat.schedule import Schedule


def times(what: str, schedule: Schedule) -> list[int]:
    return [done for done in range(1, schedule.iterations + 1) if getattr(schedule, what)(done)]


def test_a_long_fit_of_plain_splatting_has_kerbls_times() -> None:
    schedule = Schedule.of("3dgs", 30_000)
    assert times("densifies", schedule) == list(range(600, 15_000, 100))
    assert times("resets", schedule) == [3000, 6000, 9000, 12_000]
    assert [schedule.degree(done, 3) for done in (999, 1000, 2000, 3000, 29_999)] == [0, 1, 2, 3, 3]
    assert schedule.means_rate(0) == pytest.approx(1.6e-4)
    assert schedule.means_rate(15_000) == pytest.approx(1.6e-5)
    assert schedule.means_rate(30_000) == pytest.approx(1.6e-6)


def test_a_long_fit_of_ref_unlock_has_its_own() -> None:
    schedule = Schedule.of("ref-unlock", 30_000)
    assert times("densifies", schedule) == list(range(60, 2500, 20))
    assert times("resets", schedule) == [500, 1000, 1500, 2000]
    assert schedule.mse_until == 1000
    assert schedule.degree(5000, 5) == 5
    assert schedule.depth_weight(0) == 1
    assert schedule.depth_weight(15_000) == pytest.approx(0.1)


def test_a_short_fit_densifies_over_its_first_half_and_leaves_time_after_a_reset() -> None:
    schedule = Schedule.of("ref-unlock", 2000)
    assert max(times("densifies", schedule)) == 980
    assert times("resets", schedule) == [500]
    assert [schedule.degree(done, 3) for done in (332, 333, 666, 999)] == [0, 1, 2, 3]
    assert schedule.mse_until == 666
    plain = Schedule.of("3dgs", 2000)
    assert times("densifies", plain) == list(range(340, 1000, 20))
    assert times("resets", plain) == []


@pytest.mark.parametrize("mode", ["3dgs", "ref-unlock"])
@pytest.mark.parametrize("iterations", [1, 5, 60, 300, 3000])
def test_no_reset_is_followed_by_fewer_than_two_intervals(mode: str, iterations: int) -> None:
    schedule = Schedule.of(mode, iterations)
    assert all(iterations - done >= 2 * schedule.reset_every for done in times("resets", schedule))
    assert schedule.depth_weight(iterations) == pytest.approx(0.01)


def test_gaussians_are_pruned_for_their_size_only_after_the_first_reset_was_due() -> None:
    schedule = Schedule.of("ref-unlock", 30_000)
    assert not schedule.prunes_large(500)
    assert schedule.prunes_large(520)
