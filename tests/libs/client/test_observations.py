"""Observations in every form a caller may have them, and the month that they are of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tellurion_client.observations import by_month, of_one_month, points_of, together
from tellurion_core.errors import InvalidInput

ARRAYS = {
    "latitude": [10.0, -20.0, 30.0],
    "longitude": [-170.0, 0.5, 359.0],
    "depth": [0.0, 10.0, 900.0],
    "temperature": [27.5, 20.25, 4.0],
}
TIMES = np.array(["2015-02-28T23:59", "2015-03-01T00:00", "2016-02-01"], "datetime64[ns]")


def violation(call: Callable[[], object]) -> tuple[str, str]:
    """Field and received of the one violation that a call is refused for."""
    with pytest.raises(InvalidInput) as error:
        call()
    (only,) = error.value.violations
    return only.field, only.received


def test_a_file_a_dataset_points_and_arrays_mean_the_same(observed: Callable[..., Path]) -> None:
    path = observed()
    with xr.open_dataset(path) as dataset:
        dataset.load()
    arrays = {str(name): variable.values for name, variable in dataset.variables.items()}
    from_file = points_of(path)
    for form in (str(path), from_file, dataset, arrays):
        points = points_of(form)
        for name in ("latitude", "longitude", "depth", "temperature", "uncertainty", "year", "month"):
            np.testing.assert_array_equal(getattr(points, name), getattr(from_file, name))


def test_arrays_become_points_as_files_do() -> None:
    points = points_of({**ARRAYS, "time": TIMES, "temperature_uncertainty": [0.1, np.nan, 0.0]})
    np.testing.assert_array_equal(points.longitude, [190.0, 0.5, 359.0])
    np.testing.assert_array_equal(points.month, [2, 3, 2])
    np.testing.assert_array_equal(points.uncertainty, [0.1, np.nan, 0.0])


@pytest.mark.parametrize(
    ("change", "field", "received"),
    [
        ({"salinity": [35.0] * 3}, "observations.salinity", "an array"),
        ({"depth": [0.0, 1.0]}, "observations.depth", "shape [2]"),
        ({"latitude": [[1.0, 2.0, 3.0]]}, "observations.latitude", "shape [1, 3]"),
        ({"temperature": ["a", "b", "c"]}, "observations.temperature", "dtype <U1"),
        ({"time": [1, 2, 3]}, "observations.time", "dtype int64"),
        ({"latitude": [0.0, 91.0, 0.0]}, "observations.latitude[1]", "91"),
        ({"depth": [0.0, 0.0, -5.0]}, "observations.depth[2]", "-5"),
        ({"temperature": [np.inf, 0.0, 0.0]}, "observations.temperature[0]", "inf"),
        ({"temperature_uncertainty": [0.1, -0.1, 0.1]}, "observations.temperature_uncertainty[1]", "-0.1"),
    ],
)
def test_arrays_that_cannot_be_used(change: dict[str, list[float]], field: str, received: str) -> None:
    assert violation(lambda: points_of({**ARRAYS, **change})) == (field, received)


@pytest.mark.parametrize("missing", ["latitude", "longitude", "depth", "temperature"])
def test_each_array_is_needed(missing: str) -> None:
    arrays = {name: values for name, values in ARRAYS.items() if name != missing}
    assert violation(lambda: points_of(arrays)) == (f"observations.{missing}", "nothing")


def test_something_else_is_refused() -> None:
    assert violation(lambda: points_of(3)) == ("observations", "int")  # type: ignore[arg-type]


def test_the_month_comes_from_the_time() -> None:
    month, points = of_one_month(points_of({**ARRAYS, "time": np.repeat(TIMES[2], 3)}))
    assert (month, len(points)) == (2, 3)


def test_several_months_need_the_option() -> None:
    points = points_of({**ARRAYS, "time": TIMES})
    assert violation(lambda: of_one_month(points)) == ("observations.time", "months 2, 3")


def test_the_option_chooses_the_month_of_every_year() -> None:
    month, points = of_one_month(points_of({**ARRAYS, "time": TIMES}), 2)
    assert month == 2
    np.testing.assert_array_equal(points.temperature, [27.5, 4.0])


def test_no_time_needs_the_option() -> None:
    points = points_of(ARRAYS)
    assert violation(lambda: of_one_month(points)) == ("observations.time", "no time for 3 of 3 observations")
    assert of_one_month(points, 8)[1].temperature.tolist() == ARRAYS["temperature"]


def test_a_month_without_observations_is_refused() -> None:
    points = points_of({**ARRAYS, "time": TIMES})
    assert violation(lambda: of_one_month(points, 8)) == ("observations.time", "observations of months 2, 3 only")


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_month_that_is_none_is_refused(month: int) -> None:
    points = points_of(ARRAYS)
    assert violation(lambda: by_month(points, month)) == ("month", str(month))


def test_points_together_keep_their_order_and_their_counts() -> None:
    first = points_of({**ARRAYS, "time": TIMES})
    second = points_of({name: [*values, np.nan] for name, values in ARRAYS.items()})
    both = together([first, second])
    assert both.temperature.tolist() == ARRAYS["temperature"] * 2
    assert both.month.tolist() == [2, 3, 2, 0, 0, 0]
    assert (both.missing, first.missing) == (1, 0)
