"""Units as files spell them, and their conversion to the canonical ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from cf_units import Unit

from tellurion_agent.catalogue.variables import Kind, Variable
from tellurion_core.errors import InvalidInput
from tellurion_geo.units import CELSIUS, KELVIN, spelling

LONGEST = 64
"""Characters of units that are looked at."""
WATER = Unit("1000 kg m-3")
"""Between a mass of water for an area and its height; UDUNITS has no densities."""
GRAVITY = Unit("9.80665 m s-2")
"""Standard gravity (WMO): between a geopotential and its height."""
BRIDGES = {Kind.WATER_FLUX: WATER, Kind.GEOPOTENTIAL: GRAVITY}
DIMENSIONLESS = frozenset({"1", "1e-3"})
"""Canonical units of variables that may come without."""
SPELLINGS = {
    "mb": "mbar",
    "ppt": "1e-3",
    "psu": "1e-3",
    "pss": "1e-3",
    "pss-78": "1e-3",
    "g/kg": "g kg-1",
    "grams/kg": "g kg-1",
    "ppm": "1e-6",
    "ppmv": "1e-6",
    "ppb": "1e-9",
    "ppbv": "1e-9",
    "sv": "1e6 m3 s-1",
    "percent": "%",
    "watts/m2": "W m-2",
    "(0 - 1)": "1",
    "fraction": "1",
}
"""What UDUNITS does not know, or takes for something else (a sievert), case aside."""


@dataclass(frozen=True)
class Conversion:
    """value · scale + offset is in `units`."""

    scale: float
    offset: float
    units: str
    for_the_step: bool = False
    """The value is the amount of a whole time step: the result, for a step of one day, is to be divided by its days."""

    @property
    def identity(self) -> bool:
        """Whether nothing changes."""
        return (self.scale, self.offset, self.for_the_step) == (1.0, 0.0, False)


def unit(units: object | None) -> Unit | None:
    """Units as UDUNITS knows them; None where it does not."""
    text = "" if units is None else str(units).strip()
    if len(text) > LONGEST or not text.isprintable():
        return None
    if spelling(text) in CELSIUS | KELVIN:
        return Unit("degC" if spelling(text) in CELSIUS else "K")
    for written in (SPELLINGS.get(text.casefold(), text), text.lower()):
        try:
            known = Unit(written)
        except (ValueError, UnicodeError):
            continue
        if not (known.is_unknown() or known.is_no_unit() or known.is_time_reference()):
            return known
    return None


def conversion(
    units: object | None, variable: Variable | None, *, difference: bool, field: str, monthly: bool = False
) -> Conversion:
    """From a file's units to those of the variable; units of an unknown variable stay, but kelvin, which become °C.

    A difference (an anomaly, a range) has no offset. What is given per month is of that month where values are
    `monthly`, else of UDUNITS' mean month. Raises InvalidInput for `<field>.units` when the units are absent,
    unknown or of something else.
    """
    source = unit(units)
    if variable is None:
        if source == Unit("K"):
            return Conversion(1.0, 0.0 if difference else -273.15, "degC")
        return Conversion(1.0, 0.0, str(units or "1")[:LONGEST])
    if not str(units or "").strip() and variable.units in DIMENSIONLESS:
        source = Unit("1")
    if variable.kind is Kind.SALINITY and str(units or "1").strip() in ("", "1"):
        source = Unit("1e-3")  # practical salinity is a number, 35, not 0.035
    if source is not None:
        target = Unit(variable.units)
        if monthly and "month" in str(units).casefold():
            source = source * Unit("month")
        for route in _routes(source, variable.kind):
            if route.is_convertible(target):
                scale, offset = _coefficients(route, target)
                return Conversion(scale, 0.0 if difference else offset, variable.units)
            if variable.kind is Kind.WATER_FLUX and route.is_convertible(Unit("mm")):
                return Conversion(_coefficients(route, Unit("mm"))[0], 0.0, variable.units, for_the_step=True)
    received = "no units" if units in (None, "") else str(units)
    raise InvalidInput.of(f"{field}.units", received=received, accepted=f"units that convert to {variable.units}")


def _routes(source: Unit, kind: Kind) -> Iterator[Unit]:
    """Units, as they are and by way of a constant that the kind of variable allows."""
    yield source
    if (bridge := BRIDGES.get(kind)) is not None:
        yield source / bridge


def _coefficients(source: Unit, target: Unit) -> tuple[float, float]:
    at_zero, at_one = source.convert(np.array([0.0, 1.0]), target)
    return float(at_one - at_zero), float(at_zero)
