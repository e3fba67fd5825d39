"""Units that sea temperature and depth come in, and their conversion to °C and metres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

ZERO_CELSIUS = 273.15
"""Kelvin; the zero of the Celsius scale (BIPM, SI brochure, 2.3.1)."""
LOOKS_LIKE_KELVIN = 100.0
"""No sea is this warm in °C, and none this cold in kelvin."""

CELSIUS = frozenset(
    {"c", "°c", "degc", "deg c", "degree c", "degrees c", "celsius", "deg celsius", "degree celsius"}
    | {"degrees celsius", "centigrade", "degree centigrade", "degrees centigrade"}
)
"""Spellings of °C, case and underscores aside; a bare C is coulomb in UDUNITS, but no sea temperature is."""
KELVIN = frozenset(
    {"k", "kelvin", "kelvins", "degk", "deg k", "degree k", "degrees k", "degree kelvin", "degrees kelvin"}
)
"""Spellings of kelvin."""
METRES = frozenset({"m", "meter", "meters", "metre", "metres"})
"""Spellings of metre."""

TEMPERATURE_UNITS = "degC (Celsius) or K (kelvin)"


def spelling(units: object) -> str:
    """Units as the tables of this module spell them."""
    return " ".join(str(units).replace("_", " ").casefold().split())


def celsius(values: NDArray[np.float64], units: object | None, field: str) -> NDArray[np.float64]:
    """Temperatures in °C from °C or kelvin.

    Raises InvalidInput for `<field>.units` when units are absent or not of a temperature: a guess would be silent.
    """
    if units is None:
        middle = float(np.nanmedian(values)) if np.isfinite(values).any() else np.nan
        hint = f"; the values, around {middle:.4g}, look like kelvin" if middle > LOOKS_LIKE_KELVIN else ""
        raise InvalidInput.of(f"{field}.units", received=f"no units{hint}", accepted=TEMPERATURE_UNITS)
    if spelling(units) in CELSIUS:
        return values
    if spelling(units) in KELVIN:
        return values - ZERO_CELSIUS
    raise InvalidInput.of(f"{field}.units", received=str(units), accepted=TEMPERATURE_UNITS)


def check_difference(units: object | None, field: str) -> None:
    """Refuse units in which a temperature difference is not what it is in °C; a kelvin is as large as a degree."""
    if units is not None and spelling(units) not in CELSIUS | KELVIN:
        raise InvalidInput.of(f"{field}.units", received=str(units), accepted=TEMPERATURE_UNITS)


def check_metres(units: object | None, field: str) -> None:
    """Refuse units of depth other than metres; absent units are metres, as the contract says."""
    if units is not None and spelling(units) not in METRES:
        raise InvalidInput.of(f"{field}.units", received=str(units), accepted="m (metres)")


def check_degrees(units: object | None, field: str) -> None:
    """Refuse units of latitude and longitude other than degrees; absent units are degrees."""
    if units is not None and not spelling(units).startswith("deg"):
        raise InvalidInput.of(f"{field}.units", received=str(units), accepted="degrees")
