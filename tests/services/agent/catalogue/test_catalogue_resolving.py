"""Which data a recipe gets, why, and what is said to be missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tellurion_agent.catalogue.dataset import DataSet, File
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.catalogue.record import Box
from tellurion_agent.catalogue.resolving import Missing, Resolved, resolve
from tellurion_agent.recipes.recipe import Input
from tellurion_agent.slots import Level, Period

TAS, TOS, RLUT = "air_temperature", "sea_surface_temperature", "toa_outgoing_longwave_flux"
FIELD = Input("field", (), needs=("time",))


def data(
    source: str, experiment: str = "", variable: str = TAS, years: tuple[int, int] = (1850, 2014), **more: Any
) -> DataSet:
    """Monthly, on a grid, of a model's run where there is an experiment."""
    first, last = years
    file = File(f"/{source}/{experiment}", 1, 1, first * 12, last * 12 + 11, (last - first + 1) * 12)
    known = DataSet(
        variable=variable,
        name="x",
        units="K",
        long_name="",
        statistic="mean",
        dimensions=("time", "lat", "lon"),
        calendar="noleap",
        frequency="mon",
        levels=None,
        box=Box((2, 3)),
        project="",
        source=source,
        experiment=experiment,
        member="r1i1p1f1" if experiment else "",
        grid_label="",
        version="",
        kind="model" if experiment else "observation",
        title="",
        institution="",
        files=(file,),
    )
    return replace(known, **more)


def resolved(inputs: list[Input], slots: dict[str, Any], *datasets: DataSet) -> Resolved:
    found = resolve(inputs, slots, Catalogue(datasets, {}))
    assert isinstance(found, Resolved), found
    return found


def missing(inputs: list[Input], slots: dict[str, Any], *datasets: DataSet) -> str:
    found = resolve(inputs, slots, Catalogue(datasets, {}))
    assert isinstance(found, Missing), found
    return " | ".join(found.reasons)


def test_the_only_one_that_fits_is_taken_with_a_reason() -> None:
    found = resolved([FIELD], {"variable": TAS, "period": Period(1990, 2014)}, data("A"), data("B", variable=TOS))
    assert (found.by_role["field"].source, found.alternatives) == ("A", {})
    assert found.reasons == ("field: air temperature of A, mon, 1850–2014, which covers 100% of the period",)


@pytest.mark.parametrize(
    ("better", "worse", "slots"),
    [
        (data("A"), data("B", years=(2000, 2014)), {"period": Period(1990, 2014)}),
        (data("A"), data("B", frequency="day"), {}),
        (data("A"), data("B", "historical"), {}),
        (data("A", "historical"), data("A", "ssp585"), {}),
        (data("A", "historical"), data("A", "historical", member="r10i1p1f1"), {}),
        (data("A", "historical", member="r2i1p1f1"), data("A", "historical", member="r10i1p1f1"), {}),
        (data("A"), data("B", statistic="maximum"), {}),
        (data("A"), data("B", dimensions=("time", "level", "lat", "lon")), {}),
        (data("B", dimensions=("time", "level", "lat", "lon")), data("A"), {"level": Level(500, 500, "hPa")}),
        (data("B", "historical"), data("A"), {"source": "models"}),
        (data("B"), data("A", "historical"), {"source": "observations"}),
        (data("B"), data("A"), {"source": "b"}),
        (data("A", "ssp585", years=(2015, 2100)), data("A", "historical"), {"experiment": "SSP585"}),
        (data("A", "historical"), data("A", "historical", refused="unstructured"), {}),
    ],
)
def test_the_better_one_is_taken(better: DataSet, worse: DataSet, slots: dict[str, Any]) -> None:
    for order in ((better, worse), (worse, better)):
        assert resolved([FIELD], {"variable": TAS, **slots}, *order).by_role["field"] is better


def test_between_equals_the_choice_is_shown() -> None:
    found = resolved([FIELD], {"variable": TAS}, data("A"), data("B"), data("C", "historical"))
    assert [other.source for other in found.alternatives["field"]] == ["B"]
    assert "B would do as well" in found.reasons[0]
    assert not resolved([FIELD], {"variable": TAS, "source": "A", "experiment": ""}, data("A"), data("B")).alternatives


def test_variables_that_will_do_are_tried_in_their_order() -> None:
    either = [Input("sst", (TOS, "surface_temperature"))]
    skin, sea = data("A", variable="surface_temperature"), data("B", variable=TOS)
    assert resolved(either, {}, skin, sea).by_role["sst"] is sea
    assert resolved(either, {}, skin).by_role["sst"] is skin


def test_one_model_is_read_throughout() -> None:
    """A has the longer records, and B alone has all."""
    inputs = [Input("control", (TAS,), experiment="piControl"), Input("forced", (TAS,), experiment="abrupt-4xCO2")]
    found = resolved(
        inputs,
        {"period": Period(1990, 2014)},  # not of the years of such runs
        data("A", "piControl", years=(1, 1000)),
        data("B", "piControl", years=(1, 500)),
        data("B", "abrupt-4xCO2", years=(1, 150), member="r3i1p1f1"),
        data("C", "abrupt-4xCO2", years=(1, 150)),
    )
    assert {role: chosen.source for role, chosen in found.by_role.items()} == {"control": "B", "forced": "B"}


def test_what_is_read_together_is_of_one_experiment() -> None:
    inputs = [Input("down", (TAS,), optional=True), Input("up", (TOS,), optional=True)]
    some = [data("A", "historical", variable=TOS), data("A", "piControl"), data("A", "piControl", variable=TOS)]
    found = resolved(inputs, {}, *some)
    assert {role: chosen.experiment for role, chosen in found.by_role.items()} == {
        "down": "piControl",
        "up": "piControl",
    }
    mask = data("A", "piControl", variable="land_area_fraction", dimensions=("lat", "lon"))
    inputs = [Input("field", (TOS,)), Input("mask", ("land_area_fraction",), optional=True)]
    found = resolved(inputs, {}, *some, mask)
    assert {role: chosen.experiment for role, chosen in found.by_role.items()} == {
        "field": "historical",
        "mask": "piControl",
    }


def test_a_model_without_an_experiment_is_named() -> None:
    inputs = [Input("control", (TAS,), experiment="piControl"), Input("forced", (TAS,), experiment="abrupt-4xCO2")]
    assert missing(inputs, {}, data("A", "piControl"), data("B", "abrupt-4xCO2")) == (
        "no model has all that is needed: A lacks air temperature of abrupt-4xCO2; B lacks air temperature of piControl"
    )


def test_observed_products_may_differ_between_roles() -> None:
    found = resolved([Input("a", (TAS,)), Input("b", (TOS,))], {}, data("A"), data("B", variable=TOS))
    assert {role: chosen.source for role, chosen in found.by_role.items()} == {"a": "A", "b": "B"}
    assert "no source has all that is read: the sources differ" in found.reasons


def test_a_role_may_have_its_own_source_and_variable() -> None:
    slots = {"first_source": "A", "second_source": "B", "first_variable": TAS, "second_variable": TOS}
    both = [data("A"), data("B"), data("A", variable=TOS), data("B", variable=TOS)]
    found = resolved([Input("first", ()), Input("second", ())], slots, *both)
    chosen = {role: (each.source, each.variable) for role, each in found.by_role.items()}
    assert chosen == {"first": ("A", TAS), "second": ("B", TOS)}


def test_what_is_optional_may_be_absent() -> None:
    found = resolved([Input("a", (TAS,)), Input("mask", ("land_area_fraction",), optional=True)], {}, data("A"))
    assert found.by_role.keys() == {"a"}
    assert "mask: no data set fits, and it is not needed" in found.reasons


@pytest.mark.parametrize(
    ("slots", "needs", "reason"),
    [
        ({"variable": TOS}, (), "no data set has sea surface temperature; there are: air temperature"),
        ({"source": "X"}, (), "no data set of air temperature is from X; there are: A"),
        (
            {"experiment": "abrupt-4xCO2", "source": "A"},
            (),
            "no data set of air temperature from A has experiment abrupt-4xCO2; there are: historical of A",
        ),
        ({"member": "r9i1p1f1"}, (), "no data set of air temperature has member r9i1p1f1; there are: r1i1p1f1"),
        ({}, ("level",), "no data set of air temperature has level; there are: A (time, lat, lon)"),
        (
            {"period": Period(2050, 2060)},
            (),
            "no data set of air temperature has years of 2050–2060; there are: 1850–2014 of A",
        ),
    ],
)
def test_what_is_missing_is_named_and_what_there_is(slots: dict[str, Any], needs: tuple[str, ...], reason: str) -> None:
    assert missing([Input("field", (), needs=needs)], {"variable": TAS, **slots}, data("A", "historical")) == reason


def test_an_empty_library_has_nothing() -> None:
    assert missing([FIELD], {"variable": TAS}) == "no data set has air temperature; there are no data at all"


def test_what_cannot_be_read_is_missing_with_its_reason() -> None:
    assert "A (an unstructured grid)" in missing([FIELD], {"variable": TAS}, data("A", refused="an unstructured grid"))


class TestMany:
    """An input that takes every data set that fits."""

    MANY = Input("models", (TAS,), many=True)
    PAST = Input("past", (TAS,), experiment="historical", many=True)
    FUTURE = Input("future", (TAS,), experiment="ssp585", many=True)

    def test_each_source_is_a_label(self) -> None:
        found = resolved(
            [self.MANY], {}, data("B", "historical"), data("A", "historical"), data("A", "historical", frequency="day")
        )
        assert {label: chosen.frequency for label, chosen in found.by_role.items()} == {
            "models:A": "mon",
            "models:B": "mon",
        }

    def test_members_and_experiments_tell_runs_apart_only_where_there_are_several(self) -> None:
        runs = [data("A", "historical", member=f"r{n}i1p1f1") for n in (1, 2, 10)]
        found = resolved([self.MANY], {}, *runs, data("B", "historical"), data("C", "historical"), data("C", "ssp585"))
        assert list(found.by_role) == [
            "models:A r1i1p1f1",
            "models:A r2i1p1f1",
            "models:A r10i1p1f1",
            "models:B",
            "models:C historical",
            "models:C ssp585",
        ]

    def test_labels_are_the_same_in_every_role_and_who_lacks_one_is_named(self) -> None:
        runs = [data(source, "historical") for source in "ABC"] + [data(source, "ssp585") for source in "AB"]
        found = resolved([self.PAST, self.FUTURE], {}, *runs)
        assert found.by_role.keys() == {"past:A", "past:B", "future:A", "future:B"}
        assert "C r1i1p1f1 is left out: it lacks air temperature of ssp585" in found.reasons

    def test_where_none_has_all_nothing_is_made_up(self) -> None:
        assert "B r1i1p1f1 is left out" in missing(
            [self.PAST, self.FUTURE], {}, data("A", "historical"), data("B", "ssp585")
        )
