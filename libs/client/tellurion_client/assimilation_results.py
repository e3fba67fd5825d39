"""What the assimilation service tells: its methods and systems, twin experiments, scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tellurion.assimilation.v1 import assimilation_pb2

OPTIONAL = ("spread", "crps", "spread_skill", "geostrophic_departure", "geostrophic_departure_truth", "physics")
"""Figures that not every twin experiment has."""


@dataclass(frozen=True)
class AssimilationMethod:
    """One method of assimilation."""

    name: str
    """Name to ask for it by."""
    description: str
    """What it computes, in a few words."""
    ensemble: bool
    """Whether it needs an ensemble of forecasts."""
    learned: bool
    """Whether it samples a learned model."""
    options: tuple[str, ...]
    """Options that it takes."""
    analyses: bool
    """Whether it analyses states of the atmosphere."""
    systems: tuple[str, ...]
    """Systems on which it is cycled."""

    @classmethod
    def of(cls, wire: assimilation_pb2.Method) -> AssimilationMethod:
        """From the wire."""
        return cls(
            wire.name,
            wire.description,
            wire.ensemble,
            wire.learned,
            tuple(wire.options),
            wire.analyses,
            tuple(wire.systems),
        )


@dataclass(frozen=True)
class AssimilationSystem:
    """One dynamical system."""

    name: str
    """Name to ask for it by."""
    description: str
    """What it is, in a few words."""
    size: int
    """Variables of its state."""
    step: float
    """Units of time of one step."""

    @classmethod
    def of(cls, wire: assimilation_pb2.System) -> AssimilationSystem:
        """From the wire."""
        return cls(wire.name, wire.description, wire.size, wire.step)


@dataclass(frozen=True)
class TwinReport:
    """What came of a twin experiment: means over its cycles after the burn-in, None where they are not finite.

    On the atmosphere errors are weighted by area, in standard deviations of each channel.
    """

    rmse_analysis: float | None
    """Spatial root mean square error of the analysis."""
    rmse_forecast: float | None
    """Of the forecast that it was made from, one interval after the analysis before."""
    spread: float | None
    """Standard deviation that the method states of its analysis."""
    crps: float | None
    """Continuous ranked probability score of the analysis; fair."""
    spread_skill: float | None
    """Spread over the error of the members' mean, corrected for the size of the ensemble: 1 is calibrated."""
    geostrophic_departure: float | None
    """Mean of |v − v_g| / |v| in the members of the analysis; None but for the atmosphere."""
    geostrophic_departure_truth: float | None
    """The same in the truth."""
    physics: float | None
    """How close the two are, 1 for the truth itself."""
    seconds: float
    """Time the cycles took."""
    diverged: int | None
    """Cycle from which the estimate was lost; None where it was not."""
    rank_histogram: tuple[int, ...]
    """How often the truth had so many members below it, none to all; empty for a method without members."""
    spec: assimilation_pb2.CycleSpec
    """What was computed, with the system's own values where none were given."""

    @classmethod
    def of(cls, wire: assimilation_pb2.CycleReport) -> TwinReport:
        """From the wire."""
        told = {field.name for field, _ in wire.ListFields()}
        return cls(
            rmse_analysis=_finite(wire.rmse_analysis),
            rmse_forecast=_finite(wire.rmse_forecast),
            **{name: _finite(getattr(wire, name)) if name in told else None for name in OPTIONAL},
            seconds=wire.seconds,
            diverged=wire.diverged if "diverged" in told else None,
            rank_histogram=tuple(wire.rank_histogram),
            spec=wire.spec,
        )


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, wire: assimilation_pb2.Figure | assimilation_pb2.Difference) -> Interval:
        """From the wire."""
        return cls(wire.value, wire.low, wire.high)


@dataclass(frozen=True)
class ComparedMethod:
    """One method over all cases; errors are in standard deviations of each channel, of winds in m/s."""

    figures: dict[str, Interval]
    """`mse_analysis`, `mse_member` (of a single one), `rmse_analysis`, `rmse_forecast` (48 h later), `crps`,
    `spread_skill`, `physics`; of winds no forecast and no physics, but `rmse_eastward` and `rmse_northward`."""
    differences: dict[str, Interval]
    """The same, less those of the reference on the same cases; empty for the reference."""
    seconds: float
    """Time of one analysis."""

    @classmethod
    def of(cls, wire: assimilation_pb2.MethodComparison) -> ComparedMethod:
        """From the wire."""
        named = sorted(wire.figures.items())
        return cls(
            {name: Interval.of(figure) for name, figure in named},
            {name: Interval.of(figure.difference) for name, figure in named if figure.HasField("difference")},
            wire.seconds,
        )


@dataclass(frozen=True)
class ComparisonReport:
    """What came of a comparison."""

    methods: dict[str, ComparedMethod]
    """By method, in the order asked."""
    reference: str
    """Method whose figures the differences are less."""
    seconds: float
    """Time the comparison took."""
    spec: assimilation_pb2.CompareSpec
    """What was compared."""

    @classmethod
    def of(cls, wire: assimilation_pb2.CompareReport) -> ComparisonReport:
        """From the wire."""
        methods = {each.method: ComparedMethod.of(each) for each in wire.methods}
        return cls(methods, wire.reference, wire.seconds, wire.spec)


@dataclass(frozen=True)
class ChannelScores:
    """Scores of one channel in its units, or of all in units of the scale; weighted by area."""

    rmse: float
    """Root mean square error of the analysis, or of the ensemble's mean."""
    crps: float | None
    """Continuous ranked probability score; None for a single state."""
    spread: float | None
    """Root of the mean variance of the ensemble; None for a single state."""
    spread_skill: float | None
    """Spread over RMSE, corrected for the size of the ensemble: 1 is calibrated; None for a single state."""
    rank_histogram: tuple[int, ...]
    """How often, over cells, the truth had so many members below it; empty for a single state."""

    @classmethod
    def of(cls, wire: assimilation_pb2.ChannelScores) -> ChannelScores:
        """From the wire."""
        return cls(
            wire.rmse,
            wire.crps if wire.HasField("crps") else None,
            wire.spread if wire.HasField("spread") else None,
            wire.spread_skill if wire.HasField("spread_skill") else None,
            tuple(wire.rank_histogram),
        )


@dataclass(frozen=True)
class StateScores:
    """Scores of a state or an ensemble of the atmosphere."""

    channels: dict[str, ChannelScores]
    """By channel: u1…, v1…, t1…, ps."""
    total: ChannelScores
    """Over all channels, in units of the scale."""
    geostrophic_departure: float | None
    """Mean of |v − v_g| / |v| in the analysis; None for a grid that is none of the model's."""
    geostrophic_departure_truth: float | None
    """The same in the truth."""
    physics: float | None
    """How close the two are, 1 for the truth itself."""

    @classmethod
    def of(cls, wire: assimilation_pb2.ScoreResponse) -> StateScores:
        """From the wire."""
        known = wire.HasField("physics")
        return cls(
            {each.channel: ChannelScores.of(each) for each in wire.channels},
            ChannelScores.of(wire.total),
            wire.geostrophic_departure if known else None,
            wire.geostrophic_departure_truth if known else None,
            wire.physics if known else None,
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
