"""What the ocean service tells of its methods: which there are, and how well each does."""

from __future__ import annotations

from dataclasses import dataclass

from tellurion.ocean.v1 import ocean_pb2

LONG_SECONDS = 10.0
"""What takes longer is long work."""
USUAL = {"posterior": (8, 12), "reconmost": (2, 1000)}
"""Members and steps of learned methods that their typical time is of."""


@dataclass(frozen=True)
class Method:
    """One method of reconstruction."""

    name: str
    """Name to ask for it by."""
    description: str
    """What it computes, in a sentence."""
    ensemble: bool
    """Whether it answers an ensemble."""
    learned: bool
    """Whether it samples a learned model, and so takes `steps` and `weights`."""
    typical_seconds: float
    """Time that it usually takes on two cores, from 14 000 observations: 8 members, of `reconmost` 2."""

    @classmethod
    def of(cls, wire: ocean_pb2.Method) -> Method:
        """From the wire."""
        return cls(wire.name, wire.description, wire.ensemble, wire.learned, wire.typical_seconds)

    def seconds(self, members: int, steps: int = 0) -> float:
        """Time that it may take for so many members and steps, its own number of them where 0.

        It grows with both. Fewer members than usual save a method nothing that can be counted on.
        """
        usual_members, usual_steps = USUAL.get(self.name, (8, 1))
        return self.typical_seconds * max(members / usual_members, 1.0) * (steps or usual_steps) / usual_steps

    def long(self, members: int, steps: int = 0) -> bool:
        """Whether it is better submitted, and waited for as an operation, than called."""
        return self.seconds(members, steps) > LONG_SECONDS


@dataclass(frozen=True)
class SquaredError:
    """A squared error by where it was taken."""

    guidance: float
    """At observed cells."""
    reconstruction: float
    """At unobserved cells."""
    total: float
    """(1 − r) · reconstruction + r · guidance, r the part observed."""

    @classmethod
    def of(cls, wire: ocean_pb2.SquaredError) -> SquaredError:
        """From the wire."""
        return cls(wire.guidance, wire.reconstruction, wire.total)


@dataclass(frozen=True)
class MethodScores:
    """Scores of one method at the cells that are wet in every month, all levels pooled."""

    masked: SquaredError
    """°C², mean over the selected cells alone."""
    all_cells: SquaredError
    """°C², squared error of the selected cells over the number of all cells."""
    area_weighted: float
    """°C², at unobserved cells, weighted by their area."""
    level_normalised: float
    """At unobserved cells, each level's squared error divided by that level's variance over the year; no unit."""
    spread_skill: float | None
    """√(mean of the stated error variance) over the RMSE of the mean, at unobserved cells; 1 is calibrated."""
    crps: float | None
    """°C, fair continuous ranked probability score at unobserved cells."""
    seconds: float
    """Time the method took."""

    @classmethod
    def of(cls, wire: ocean_pb2.MethodScores) -> MethodScores:
        """From the wire."""
        return cls(
            masked=SquaredError.of(wire.masked),
            all_cells=SquaredError.of(wire.all_cells),
            area_weighted=wire.area_weighted,
            level_normalised=wire.level_normalised,
            spread_skill=wire.spread_skill if wire.HasField("spread_skill") else None,
            crps=wire.crps if wire.HasField("crps") else None,
            seconds=wire.seconds,
        )
