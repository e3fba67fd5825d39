"""Observations as JSON: columns of one length, checked and turned into points."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tellurion_core.errors import InvalidInput
from tellurion_gateway.options import Month, ReconstructOptions
from tellurion_geo import Points
from tellurion_geo.grid import DEEPEST
from tellurion_geo.longitudes import normalised_longitude
from tellurion_geo.units import celsius

MAX_OBSERVATIONS = 200_000
"""Longest column; more observations come as NetCDF."""

T = TypeVar("T")
# One wrong value of a column is reported, not 200 000 of them.
Column = Annotated[list[T], Field(min_length=1, max_length=MAX_OBSERVATIONS, fail_fast=True)]

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=360, allow_inf_nan=False)]
Depth = Annotated[float, Field(ge=0, le=DEEPEST, allow_inf_nan=False)]
Temperature = Annotated[float, Field(allow_inf_nan=False)]
Uncertainty = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Observations(BaseModel):
    """Sea temperature observed at points: the n-th values of all columns are one observation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latitude: Column[Latitude] = Field(description="Degrees north.")
    longitude: Column[Longitude] = Field(description="Degrees east, −180…360.")
    depth: Column[Depth] = Field(description="Metres, positive down.")
    temperature: Column[Temperature | None] = Field(description="In `units`; null where missing.")
    uncertainty: Column[Uncertainty | None] | None = Field(
        default=None, description="One standard deviation of the temperature's error, K or °C; null where unknown."
    )
    units: Literal["degC", "K"] = Field(description="Units of the temperature.")

    def points(self, month: int) -> Points:
        """The observations that are not missing, all of them of `month`; arrays [N], temperatures in °C.

        Raises:
            InvalidInput: columns of different lengths, or every temperature missing.
        """
        columns = {
            name: np.asarray(values, np.float64)
            for name in ("latitude", "longitude", "depth", "temperature", "uncertainty")
            if (values := getattr(self, name)) is not None
        }
        expected = len(self.latitude)
        for name, column in columns.items():
            if len(column) != expected:
                raise InvalidInput.of(
                    f"observations.{name}", received=f"{len(column)} values", accepted=f"{expected}, as latitude has"
                )
        keep = ~np.isnan(columns["temperature"])
        if not keep.any():
            raise InvalidInput.of(
                "observations.temperature", received=f"{expected} values, all missing", accepted="at least one number"
            )
        columns.setdefault("uncertainty", np.full(expected, np.nan))
        kept: dict[str, NDArray[np.float64]] = {name: column[keep] for name, column in columns.items()}
        kept["longitude"] = normalised_longitude(kept["longitude"])
        kept["temperature"] = celsius(kept["temperature"], self.units, "observations.temperature")
        count = int(keep.sum())
        return Points(
            **kept,
            year=np.zeros(count, np.int32),
            month=np.full(count, month, np.int32),
            quantity="",
            missing=expected - count,
            flagged=0,
        )


class ReconstructRequest(ReconstructOptions):
    """What to compute, and what was observed; the month is required, as these observations carry no time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "method": "eof_oi",
                    "month": 2,
                    "observations": {
                        "latitude": [-20.5, 0.0, 35.25],
                        "longitude": [-30.0, 160.0, 329.5],
                        "depth": [10, 100, 500],
                        "temperature": [25.4, 26.1, None],
                        "uncertainty": [0.01, None, None],
                        "units": "degC",
                    },
                }
            ]
        }
    )

    month: Month = Field(description="Calendar month of all observations, 1 for January.")
    observations: Observations
