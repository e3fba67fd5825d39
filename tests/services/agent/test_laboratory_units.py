"""Answers come in the units that were asked for; a difference of temperatures gets no offset."""

from __future__ import annotations

import pytest

from tellurion_agent.laboratory.units import asked_first, in_units, of_other_quantities
from tellurion_agent.recipes.recipe import Value


@pytest.mark.parametrize(
    ("value", "units", "asked", "becomes", "now"),
    [
        (26.85, "degC", "K", 300.0, "K"),
        (10.0, "degC", "degF", 50.0, "degF"),
        (2.0, "K", "degC", 2.0, "K"),
        (1.0, "mm day-1", "mm year-1", 365.2422, "mm year-1"),
        (86.4, "mm day-1", "kg m-2 s-1", 0.001, "kg m-2 s-1"),
        (1013.25, "hPa", "Pa", 101325.0, "Pa"),
        (0.2, "K decade-1", "century-1", 2.0, "K century-1"),
        (0.2, "K decade-1", "K year-1", 0.02, "K year-1"),
        (0.5, "mm day-1 decade-1", "year-1", 0.05, "mm day-1 year-1"),
        (35.0, "1e-3", "g kg-1", 35.0, "g kg-1"),
        (3.5, "years", "month", 42.0, "month"),
    ],
)
def test_a_value_is_converted(value: float, units: str, asked: str, becomes: float, now: str) -> None:
    found = in_units(Value("it", value, units, low=value, high=value), asked)
    assert (found.value, found.units) == (pytest.approx(becomes, rel=1e-5), now)
    assert found.low == pytest.approx(becomes, rel=1e-5)


@pytest.mark.parametrize(
    ("value", "units", "asked"),
    [(3.0, "1", "K"), (3.0, "degC", "hPa"), (0.9, "1", "%%"), ("August", "1", "degC"), (3.5, "years", "s-1")],
)
def test_what_is_of_another_quantity_stays_as_it_is(value: float | str, units: str, asked: str) -> None:
    assert in_units(Value("it", value, units), asked) == Value("it", value, units)


def test_an_interval_that_is_not_there_stays_away() -> None:
    found = in_units(Value("it", 0.0, "degC"), "K")
    assert (found.value, found.low, found.high) == (pytest.approx(273.15), None, None)


def test_values_none_of_which_can_be_in_the_units_answer_another_question() -> None:
    heat, salinity, month = Value("heat", 1e22, "J"), Value("salinity", 35.0, "1e-3"), Value("month", "August", "1")
    assert of_other_quantities([heat], "1e-3")
    assert not of_other_quantities([heat, salinity], "1e-3")
    assert not of_other_quantities([month], "degC")
    assert not of_other_quantities([Value("warming", 2.0, "K")], "degC")
    assert not of_other_quantities([heat], "year")
    assert not of_other_quantities([Value("slope", 0.3, "mm day-1 K-1")], "mm day-1")


def test_what_is_in_the_units_that_were_asked_for_comes_first() -> None:
    strength, depth, month = Value("strength", 17.0, "Sv"), Value("depth", 1000.0, "m"), Value("month", "May", "1")
    slope = Value("slope", 0.3, "mm day-1 K-1")
    assert asked_first([strength, depth, month], "km") == [depth, strength, month]
    assert asked_first([strength, slope, depth], "mm day-1") == [slope, strength, depth]
    assert asked_first([strength, depth], "Sv") == [strength, depth]
    assert asked_first([strength, depth], "year") == [strength, depth]
