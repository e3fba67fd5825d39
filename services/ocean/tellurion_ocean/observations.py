"""Observations of temperature, and the quality control that comes before every analysis."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo import point_operator
from tellurion_geo.grid import DEEPEST
from tellurion_ocean.prior import Prior

NEAR_DEGREES = 0.01
"""Side of the boxes, in latitude and longitude, within which observations are duplicates; about a kilometre."""
NEAR_METRES = 0.5
"""Height of those boxes."""
LEAST_UNCERTAINTY = 0.001
"""°C; the best laboratory thermometers. Smaller stated uncertainties count as this."""
DEFAULT_UNCERTAINTY = 0.01
"""°C; for an observation that states none: a little above a CTD's or an Argo float's accuracy."""
GREATEST_UNCERTAINTY = 1000.0
"""°C; far above any temperature's, and its inverse square is still a number."""
INNOVATION_LIMIT = 10.0
"""Standard deviations of the innovation beyond which an observation is rejected. True departures have heavier tails
than a normal distribution: of the left-out training months 6 would reject one true value in 770, 10 one in 4000."""

ACCEPTED = {
    "latitude": (-90.0, 90.0, "degrees north in -90…90"),
    "longitude": (-180.0, 360.0, "degrees east in -180…360"),
    "depth": (0.0, DEEPEST, f"metres, positive down, in 0…{DEEPEST:.0f}"),
    "temperature": (-np.inf, np.inf, "finite °C"),
    "uncertainty": (0.0, GREATEST_UNCERTAINTY, f"°C in 0…{GREATEST_UNCERTAINTY:.0f}"),
}


@dataclass(frozen=True, eq=False)
class Observations:
    """Temperatures at places, all arrays [N] float64; longitudes are brought to [0, 360).

    Raises InvalidInput when lengths disagree or a value cannot be: a wild temperature is not refused here, but rejected
    by `quality_control`.
    """

    latitude: NDArray[np.float64]
    """Degrees north."""
    longitude: NDArray[np.float64]
    """Degrees east."""
    depth: NDArray[np.float64]
    """Metres, positive down."""
    temperature: NDArray[np.float64]
    """°C."""
    uncertainty: NDArray[np.float64]
    """°C, one standard deviation of the observation's error; at least LEAST_UNCERTAINTY counts."""

    def __post_init__(self) -> None:
        columns = {f.name: np.asarray(getattr(self, f.name), dtype=np.float64) for f in fields(self)}
        for name, column in columns.items():
            _check(name, column, len(columns["temperature"]) if columns["temperature"].ndim else None)
        columns["longitude"] = columns["longitude"] % 360.0
        columns["uncertainty"] = np.maximum(columns["uncertainty"], LEAST_UNCERTAINTY)
        for name, column in columns.items():
            object.__setattr__(self, name, column)

    @classmethod
    def of(
        cls,
        latitude: ArrayLike,
        longitude: ArrayLike,
        depth: ArrayLike,
        temperature: ArrayLike,
        uncertainty: ArrayLike = DEFAULT_UNCERTAINTY,
    ) -> Observations:
        """Observations from columns that broadcast together."""
        columns = np.broadcast_arrays(latitude, longitude, depth, temperature, uncertainty)
        return cls(*(np.array(column, dtype=np.float64).ravel() for column in columns))

    def __len__(self) -> int:
        return len(self.temperature)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Observations:
        """The chosen ones, by mask or index."""
        return Observations(*(getattr(self, f.name)[chosen] for f in fields(self)))


@dataclass(frozen=True)
class QualityReport:
    """What became of the observations that are not used as they came."""

    outside_ocean: int
    """Rejected: on land, outside the grid, or below the sea floor or the deepest level."""
    failed_background_check: int
    """Rejected: further from the climatology than its error and their own allow."""
    duplicates_merged: int
    """Merged into another one at nearly the same place."""


def quality_control(
    observations: Observations, prior: Prior, month: int, *, limit: float = INNOVATION_LIMIT
) -> tuple[Observations, QualityReport]:
    """Super-observations at places in the ocean that agree with the climatology within `limit`, and a report.

    Background check: |y − Hc| ≤ limit · √(HPHᵀ + R) (Lorenc and Hammon 1988, without its buddy check). It comes before
    duplicates are merged, so that a wild value cannot spoil the mean of its neighbours. The result's order depends on
    the places alone, not on the order received.
    """
    wet = prior.wet.ravel()
    operator, in_ocean = point_operator(
        prior.grid, prior.wet, observations.latitude, observations.longitude, observations.depth
    )
    seen = operator[:, wet]
    innovation = observations.temperature - seen @ prior.climatology(month)
    background_variance = seen @ (prior.std**2 * prior.scaled_variance)
    plausible = innovation**2 <= limit**2 * (background_variance + observations.uncertainty**2)
    merged = merge_duplicates(observations[in_ocean & plausible])
    passed = int(np.count_nonzero(in_ocean & plausible))
    return merged, QualityReport(
        outside_ocean=int(np.count_nonzero(~in_ocean)),
        failed_background_check=int(np.count_nonzero(in_ocean & ~plausible)),
        duplicates_merged=passed - len(merged),
    )


def merge_duplicates(observations: Observations) -> Observations:
    """One super-observation for all observations in one small box: their mean, weighted by the inverse error variance.

    Errors count as independent: 1/σ² = Σ 1/σᵢ². Boxes are NEAR_DEGREES and NEAR_METRES wide; sorted by place.
    """
    rows = np.rint(observations.latitude / NEAR_DEGREES).astype(np.int64)
    turn = round(360 / NEAR_DEGREES)
    columns = np.rint(observations.longitude / NEAR_DEGREES).astype(np.int64) % turn
    levels = np.rint(observations.depth / NEAR_METRES).astype(np.int64)
    box = (rows * turn + columns) * round(2 * DEEPEST / NEAR_METRES) + levels
    _, first, member_of = np.unique(box, return_index=True, return_inverse=True)
    precision = observations.uncertainty**-2
    total = np.bincount(member_of, weights=precision)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(member_of, weights=precision * values) / total

    def within(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high, _ = ACCEPTED[name]
        return np.clip(values, low, high)  # the mean of poles may round to beyond the pole

    anchor = observations.longitude[first]
    eastward = (observations.longitude - anchor[member_of] + 180.0) % 360.0 - 180.0
    return Observations(
        within("latitude", mean(observations.latitude)),
        (anchor + mean(eastward)) % 360.0,
        within("depth", mean(observations.depth)),
        mean(observations.temperature),
        within("uncertainty", total**-0.5),
    )


def _check(name: str, column: NDArray[np.float64], length: int | None) -> None:
    low, high, accepted = ACCEPTED[name]
    if column.ndim != 1 or column.size != length:
        received = f"shape {column.shape}"
        raise InvalidInput.of(f"observations.{name}", received=received, accepted="one value for each temperature, [N]")
    bad = np.flatnonzero(~(np.isfinite(column) & (column >= low) & (column <= high)))
    if bad.size:
        raise InvalidInput.of(f"observations.{name}[{bad[0]}]", received=f"{column[bad[0]]:g}", accepted=accepted)
