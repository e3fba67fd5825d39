"""Angles have one value, and months their number, in every convention that files use."""

from __future__ import annotations

import warnings

import cftime
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_core.errors import InvalidInput
from tellurion_geo import normalised_longitude
from tellurion_geo.calendars import year_and_month

CALENDARS = ["standard", "proleptic_gregorian", "noleap", "all_leap", "360_day", "julian"]


@given(st.floats(-1e6, 1e6))
def test_a_longitude_is_the_same_point_within_one_turn(longitude: float) -> None:
    turned = float(normalised_longitude(longitude))
    assert 0 <= turned < 360
    np.testing.assert_allclose(np.exp(1j * np.radians(turned)), np.exp(1j * np.radians(longitude)), atol=1e-9)


@given(st.floats(0, 360, exclude_max=True))
def test_a_normalised_longitude_stays_as_it_is(longitude: float) -> None:
    assert normalised_longitude(longitude) == longitude


@given(st.lists(st.integers(-180 * 64, 180 * 64), min_size=1))
def test_both_conventions_of_longitude_give_the_same_numbers(sixty_fourths: list[int]) -> None:
    east = np.array(sixty_fourths) / 64
    np.testing.assert_array_equal(normalised_longitude(east), normalised_longitude(east + 360))


def test_a_hair_west_of_greenwich_is_greenwich_and_nan_stays() -> None:
    np.testing.assert_array_equal(normalised_longitude([-1e-20, 360, np.nan]), [0, 0, np.nan])


@given(
    st.sampled_from(CALENDARS),
    st.sampled_from(["days", "hours", "seconds"]),
    st.lists(
        st.tuples(st.integers(1600, 2200), st.integers(1, 12), st.integers(1, 28), st.integers(0, 23)), min_size=1
    ),
)
def test_year_and_month_of_any_date_in_any_calendar(calendar: str, unit: str, dates: list[tuple[int, ...]]) -> None:
    units = f"{unit} since 1900-01-01"
    values = [cftime.date2num(cftime.datetime(*date, calendar=calendar), units, calendar) for date in dates]
    year, month = year_and_month(np.array(values, float), units, calendar, "time")
    assert list(zip(year, month, strict=True)) == [date[:2] for date in dates]


def test_a_month_begins_at_its_first_instant() -> None:
    year, month = year_and_month(np.array([58.999, 59.0, 365.0]), "days since 2001-01-01", None, "time")
    np.testing.assert_array_equal(month, [2, 3, 1])
    np.testing.assert_array_equal(year, [2001, 2001, 2002])


def test_an_axis_from_year_zero_has_its_twelve_months_and_no_warning() -> None:
    middles = 366 + 730.485 * np.arange(12)  # hours: the axis of the ferret climatologies
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        year, month = year_and_month(middles, "hour since 0000-01-01 00:00:00", None, "time")
    np.testing.assert_array_equal(month, np.arange(1, 13))
    np.testing.assert_array_equal(year, 0)


def test_a_missing_time_has_month_zero() -> None:
    year, month = year_and_month(np.array([np.nan, 31.0]), "days since 2001-01-01", "noleap", "time")
    np.testing.assert_array_equal(month, [0, 2])
    np.testing.assert_array_equal(year, [0, 2001])


@pytest.mark.parametrize(
    ("value", "units", "calendar"),
    [
        (1.0, None, None),
        (1.0, "days", None),
        (1.0, "furlongs since 2000-01-01", None),
        (1.0, "days since yesterday", None),
        (1.0, "days since 2000-01-01", "mayan"),
        (np.inf, "days since 2000-01-01", None),
        (1e30, "days since 2000-01-01", None),
    ],
)
def test_what_is_not_cf_time_is_refused(value: float, units: str | None, calendar: str | None) -> None:
    with pytest.raises(InvalidInput, match="days since"):
        year_and_month(np.array([0.0, value]), units, calendar, "time")
