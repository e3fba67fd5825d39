"""What one input of a recipe asks for, and how well a data set is that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.library import is_source, is_variable
from tellurion_agent.recipes.recipe import Input
from tellurion_agent.slots import Level, Period

FREQUENCIES = ("mon", "day", "6hr", "3hr", "1hr", "yr", "clim")
"""The preferred first."""
TIMELESS_EXPERIMENTS = re.compile(r"piControl|esm-piControl|abrupt-.*|1pctCO2.*|lgm|midHolocene", re.IGNORECASE)
"""Their years are not those of a calendar."""
OBSERVED = frozenset({"observation", "observations", "observed", "obs", "reanalysis", "reanalyses", "measurements"})
MODELLED = frozenset({"model", "models", "simulation", "simulations", "simulated", "cmip6", "cmip5"})


@dataclass(frozen=True)
class Wanted:
    """What one input asks for, after the slots."""

    role: str
    variables: tuple[str, ...]
    source: str
    experiment: str
    member: str
    periods: tuple[Period, ...]
    needs: frozenset[str]
    level: bool

    @classmethod
    def by(cls, needed: Input, slots: Mapping[str, Any]) -> Wanted:
        """A slot for the role alone goes before the one for all."""

        def slot(name: str) -> str:
            value = slots.get(f"{needed.role}_{name}") or slots.get(name) or ""
            return "" if isinstance(value, tuple) else str(value)

        variable = slot("variable")
        variables = needed.variables or ((variable,) if variable else ())
        return cls(
            role=needed.role,
            variables=(*variables, *(f"{name}_anomaly" for name in variables if needed.anomalies)),
            source=slot("source"),
            experiment=needed.experiment or slot("experiment"),
            member=slot("member"),
            periods=tuple(
                value
                for name, value in slots.items()
                if isinstance(value, Period) and not (name == "base" and needed.role == "scenario")
            ),
            needs=frozenset(needed.needs),
            level=any(isinstance(value, Level) for value in slots.values()) or "level" in needed.needs,
        )

    def fits(self, data: DataSet) -> bool:
        """Whether a data set is what is asked for."""
        return (
            not data.refused
            and any(is_variable(data, name) for name in self.variables)
            and self.needs <= set(data.dimensions)
            and self.of_source(data)
            and (not self.experiment or self.experiment.casefold() == data.experiment.casefold())
            and (not self.member or self.member.casefold() == data.member.casefold())
            and (not self.periods or not dated(data) or self.coverage(data) > 0)
        )

    def of_source(self, data: DataSet) -> bool:
        """Whether the data set is of the source asked for, or of the kind."""
        asked = self.source.casefold()
        if not asked:
            return True
        if asked in OBSERVED or asked in MODELLED:
            return data.kind == ("observation" if asked in OBSERVED else "model")
        return is_source(data, self.source)

    def coverage(self, data: DataSet) -> float:
        """The share of the periods asked for that the data cover; all where they have no dates."""
        if not self.periods or not dated(data):
            return 1.0
        return sum(data.covered(period) for period in self.periods) / len(self.periods)

    def rank(self, data: DataSet) -> tuple[Any, ...]:
        """The lower the better; equal for data sets between which there is no reason to choose."""
        return (
            next(nth for nth, name in enumerate(self.variables) if is_variable(data, name)),
            self.level != ("level" in data.dimensions),
            -round(self.coverage(data), 2),
            data.statistic not in ("mean", "", "point", "sum"),
            FREQUENCIES.index(data.frequency) if data.frequency in FREQUENCIES else len(FREQUENCIES),
            ("observation", "", "model").index(data.kind) if not self.experiment else 0,
            data.experiment.casefold() not in ("", "historical") if not self.experiment else False,
        )

    def order(self, data: DataSet) -> tuple[Any, ...]:
        """`rank`, and what decides between equals: the longer record, the first member, the name."""
        steps = sum(file.steps for file in data.files)
        return *self.rank(data), natural(data.member), -steps, natural(data.source), data.name, data.key


def dated(data: DataSet) -> bool:
    """Whether its years are those of a calendar."""
    return data.period is not None and TIMELESS_EXPERIMENTS.fullmatch(data.experiment) is None


def what(want: Wanted) -> str:
    """Its variable, and the experiment where one is asked for."""
    variable = want.variables[0].replace("_", " ") if want.variables else want.role
    return f"{variable} of {want.experiment}" if want.experiment else variable


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """r2 before r10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.casefold()))
