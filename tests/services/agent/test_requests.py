"""The black-box requests: their world is as it says, their truths agree with the files, and the grader grades."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

REPORTED = 2
FIELDS = ("means", "trends", "enso", "patterns", "sensitivity", "ocean", "air", "refusals")


@pytest.fixture(scope="session")
def world(examining: ModuleType) -> Any:
    return examining.World(REPORTED)


@pytest.fixture(scope="session")
def folder(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world")
    world.write(path)
    return path


@pytest.fixture(scope="session")
def asked(examining: ModuleType, world: Any) -> list[Any]:
    return examining.examination(world)


@pytest.fixture(scope="session")
def developed(examining: ModuleType) -> list[Any]:
    return examining.examination(examining.World(examining.DEVELOPMENT_SEED))


def read(folder: Path, world: Any, variable: str, source: str, experiment: str) -> xr.DataArray:
    """A file's values in its own units, latitudes ascending, longitudes from 0, and time's year and month."""
    data = next(d for d in world.datasets if (d.variable, d.source, d.experiment) == (variable, source, experiment))
    with xr.open_dataset(folder / data.file, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as opened:
        array = opened[data.style.name or variable].load()
    names = {"latitude": "lat", "longitude": "lon", "depth": "lev", "olevel": "lev", "plev": "lev"}
    array = array.rename({old: new for old, new in names.items() if old in array.dims})
    if "lon" in array.dims:
        array = array.assign_coords(lon=array.lon % 360).sortby("lon")
    return array.sortby("lat") if "lat" in array.dims else array


def globally(array: xr.DataArray) -> xr.DataArray:
    return array.weighted(np.cos(np.radians(array.lat))).mean(("lat", "lon"))


# The world.


def test_a_seed_makes_one_world_and_another_seed_another(examining: ModuleType, world: Any) -> None:
    again, other = examining.World(REPORTED), examining.World(REPORTED + 1)
    assert again.parameters == world.parameters
    assert other.parameters != world.parameters
    for first, second in zip(world.datasets, again.datasets, strict=True):
        np.testing.assert_array_equal(first.field.values, second.field.values)


def test_the_folder_is_small_and_holds_three_layouts_and_a_broken_file(world: Any, folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 30e6
    assert {path.relative_to(folder).parts[0] for path in files} == {"CMIP6", "Tier2", "plain"}
    assert len(files) == len(world.datasets) + 2
    with pytest.raises((OSError, RuntimeError, ValueError)):
        xr.open_dataset(next(folder.rglob("hurs_*.nc")), engine="netcdf4")


WRITTEN = [
    ("tas", "ERA5", "", 1, 273.15),
    ("tas", "UKESM1-0-LL", "ssp585", 1, 273.15),
    ("pr", "GPCP-SG", "", 1, 0),
    ("pr", "CanESM5", "historical", 1 / 86400, 0),
    ("psl", "JRA-55", "", 100, 0),
    ("psl", "20CR", "", 1, 0),
    ("tos", "HadISST", "", 1, 273.15),
    ("tos", "CESM2", "historical", 1, 0),
    ("siconc", "HadISST", "", 0.01, 0),
    ("so", "IAP", "", 1, 0),
    ("ta", "ERA5", "", 1, 273.15),
    ("mrro", "ERA5", "", 1 / 86400, 0),
    ("tasmax", "E-OBS", "", 1, 0),
]
"""Variable, source, experiment, and what its units are to the world's."""


@pytest.mark.parametrize(("variable", "source", "experiment", "factor", "offset"), WRITTEN)
def test_a_file_holds_the_field_under_its_traps(
    world: Any, folder: Path, variable: str, source: str, experiment: str, factor: float, offset: float
) -> None:
    field = world.field(variable, source, experiment)
    array = read(folder, world, variable, source, experiment)
    east = np.argsort(field.lon % 360)
    wanted = field.values[..., east] * factor + offset
    room = np.ptp(wanted[np.isfinite(wanted)]) / 65000 + 1e-6 * np.nanmax(np.abs(wanted))
    np.testing.assert_allclose(array.values, wanted, atol=room, rtol=0)
    np.testing.assert_array_equal(array.time.dt.month, field.month)
    np.testing.assert_array_equal(array.time.dt.year, field.year)
    np.testing.assert_allclose(array.lon, np.sort(field.lon % 360))


def test_calendars_longitudes_and_latitudes_differ_between_files(world: Any) -> None:
    styles = [data.style for data in world.datasets]
    assert {style.calendar for style in styles} >= {"standard", "noleap", "360_day", "proleptic_gregorian"}
    assert {style.west for style in styles} == {0, -180, 20}
    assert {style.descending for style in styles} == {True, False}


# Closed forms against the files.


def test_gregory_on_the_files_gives_the_prescribed_sensitivity(world: Any, folder: Path) -> None:
    p = world.parameters
    model = next(m for m in p.ecs if m not in (p.without_control, p.without_ramp))
    change = {}
    for variable in ("tas", "rsdt", "rsut", "rlut"):
        runs = [globally(read(folder, world, variable, model, e)) for e in ("abrupt-4xCO2", "piControl")]
        change[variable] = np.subtract(*(run.groupby("time.year").mean().values for run in runs))
    slope, intercept = np.polyfit(change["tas"], change["rsdt"] - change["rsut"] - change["rlut"], 1)
    assert -intercept / slope / 2 == pytest.approx(p.ecs[model], rel=0.015)
    assert intercept == pytest.approx(p.forcing[model], rel=0.015)
    ramp = globally(read(folder, world, "tas", model, "1pctCO2")).groupby("time.year").mean().values[60:80]
    control = float(globally(read(folder, world, "tas", model, "piControl")).mean())
    assert ramp.mean() - control == pytest.approx(p.tcr[model], rel=0.03)


def test_the_overturning_of_the_velocities_is_the_prescribed_one(world: Any, folder: Path) -> None:
    velocity = read(folder, world, "vo", "MPI-ESM1-2-LR", "historical").sel(lat=26.5).sel(lon=slice(280, 350))
    edges = np.concatenate([[0], (velocity.lev[1:].values + velocity.lev[:-1].values) / 2, [5100]])
    width = 6.371e6 * np.cos(np.radians(26.5)) * np.radians(10)
    stream = (velocity.sum("lon") * width * np.diff(edges) / 1e6).cumsum("lev")
    np.testing.assert_allclose(stream.max("lev"), world.streamfunction.max(axis=1), rtol=1e-4)
    assert float(stream.isel(lev=-1).max()) == pytest.approx(0, abs=1e-3)
    assert float(stream.max("lev").mean()) == pytest.approx(world.parameters.overturning, abs=1.5)


@pytest.mark.parametrize("depth", [400, 700, 2000])
def test_heat_content_is_the_sum_over_layers_clipped_at_the_depth(
    examining: ModuleType, world: Any, folder: Path, depth: float
) -> None:
    theta = read(folder, world, "thetao", "IAP", "")
    first, last = (theta.isel(time=slice(*months)).mean("time") for months in ((0, 12), (-12, None)))
    edges = [0, 15, 50, 100, 175, 300, 475, 725, 1125, 1750, 2500]
    thick = xr.DataArray(np.diff([min(edge, depth) for edge in edges]), dims="lev")
    area = np.cos(np.radians(theta.lat)) * 6.371e6**2 * np.radians(30) * 2 * np.sin(np.radians(5))
    gained = float(((last - first) * thick * area).sum())
    ours = examining.questions.ocean.heat(world, "IAP", depth)
    assert ours.between(2014, 2014).mean() - ours.between(1980, 1980).mean() == pytest.approx(gained, rel=5e-3)


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 7, 11, 13])
def test_events_shares_and_periods_are_the_prescribed_ones(examining: ModuleType, seed: int) -> None:
    made = examining.World(seed)
    p, enso = made.parameters, examining.questions.enso
    index = enso.nino(made, "3.4")
    assert [len(enso.episodes(index, sign)) for sign in (1, -1)] == [5, 4]
    assert enso.kinds(made) == [(event.year, event.eastern) for event in p.events if event.peak > 0]
    np.testing.assert_allclose(examining.questions.patterns.shares(made)[:3], p.shares, rtol=1e-6)
    for name, series in (("SOI", made.series("soi", "BoM")), ("CESM2", enso.nino(made, "3.4", "CESM2"))):
        values = (series.values - series.values.mean()) * np.hanning(series.values.size)
        power = np.abs(np.fft.rfft(values, 16 * values.size)) ** 2
        found = 16 * values.size / 12 / np.argmax(power)
        assert found == pytest.approx(p.periods[name], rel=0.05)


def test_the_regression_on_forcings_finds_the_prescribed_factors(examining: ModuleType, world: Any) -> None:
    factors, _ = examining.questions.sensitivity.scalings(world)
    np.testing.assert_allclose(factors, world.parameters.scalings, rtol=0.12)


def test_standardised_precipitation_is_standard(examining: ModuleType, world: Any) -> None:
    index = examining.questions.air.standardised(world.series("pr", "Bergheim"), 3).values
    assert np.nanmean(index) == pytest.approx(0, abs=0.02)
    assert np.nanstd(index) == pytest.approx(1, abs=0.05)


def test_terms_of_the_heat_budget_are_products_of_uniform_gradients(examining: ModuleType, world: Any) -> None:
    terms, scale = examining.questions.ocean.budget(world), world.parameters.scale["tropics"]
    assert terms["vertical"] == pytest.approx(-6e-6 * 0.02, rel=1e-9)
    degree = 6.371e6 * np.pi / 180
    assert terms["meridional"] == pytest.approx(-0.06 * 0.03 / degree, rel=1e-9)
    assert terms["zonal"] == pytest.approx(-0.25 * 0.045 * scale / degree, rel=0.01)


# Traps bite: whoever falls into one is outside the tolerance.


def test_the_traps_lead_outside_the_tolerances(examining: ModuleType, world: Any) -> None:
    tas = world.field("tas", "ERA5")
    assert abs(tas.values.mean() - tas.mean().mean()) > 1  # cells counted alike
    east, north = (world.field(name, "ERA5") for name in ("uas", "vas"))
    speed = examining.questions.air.speed(world).mean().mean()
    assert np.hypot(east.climatology(), north.climatology()).mean() < 0.9 * speed
    ocean = examining.questions.ocean
    thin, thick = ocean.heat(world, "IAP", 300), ocean.heat(world, "IAP", 475)
    assert np.ptp(thick.annual()[1]) > 1.1 * np.ptp(thin.annual()[1])  # the layer that straddles not clipped
    image = world.field("psl", "JRA-55").values
    assert np.isnan(image).any()


# The requests.


def test_every_topic_has_ten_requests_and_each_a_name_of_its_own(asked: list[Any], developed: list[Any]) -> None:
    for found in (asked, developed):
        counts = Counter(request.topic for request in found if not request.topic.startswith("refusal"))
        assert len(counts) == 32
        assert min(counts.values()) >= 10
        assert len(found) >= 320
        assert len({request.id for request in found}) == len(found)
        assert len({request.text for request in found}) > 0.97 * len(found)


def test_about_one_request_in_seven_cannot_be_answered(asked: list[Any]) -> None:
    share = np.mean([not request.answerable for request in asked])
    assert 0.12 < share < 0.18


def test_wordings_held_out_are_not_shown_to_development(asked: list[Any], developed: list[Any]) -> None:
    assert not any(request.held_out for request in developed)
    assert sum(request.held_out for request in asked) > 60


def wordings(examining: ModuleType) -> list[tuple[str, ...]]:
    """The wordings of each kind, with their marks."""
    fields = [getattr(examining.questions, name) for name in FIELDS]
    tables = [table for field in fields for table in vars(field).values() if isinstance(table, dict)]
    kinds = [kind for table in tables for kind in table.values() if isinstance(kind, tuple)]
    return [kind for kind in kinds if all(isinstance(text, str) for text in kind) and any(t[0] == "+" for t in kind)]


def test_the_reporting_seeds_were_not_looked_at(examining: ModuleType) -> None:
    seeds = [examining.DEVELOPMENT_SEED, *examining.LOOKED_AT_SEEDS, *examining.REPORTING_SEEDS]
    assert len(seeds) == len(set(seeds))
    hands = examining.wording.HANDS
    assert {hands[seed] for seed in examining.REPORTING_SEEDS} == {"="}
    assert "=" not in {hands.get(seed) for seed in examining.LOOKED_AT_SEEDS}


@pytest.mark.parametrize("seed", [5, 7, 11, 13])
def test_a_seed_of_another_hand_shows_its_wordings_only(
    examining: ModuleType, developed: list[Any], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    shown = []
    made = examining.wording.Ask
    monkeypatch.setattr(examining.wording, "Ask", lambda *args: shown.append(args[2]) or made(*args))
    found = examining.examination(examining.World(seed))
    mark = examining.wording.HANDS[seed]
    assert shown == [text[1:] for kind in wordings(examining) for text in kind if text[0] == mark]
    assert all(request.held_out for request in found)
    assert [request.id for request in found] == [request.id for request in developed]
    assert not {request.text for request in found} & {request.text for request in developed}


def test_a_kind_has_as_many_wordings_of_each_other_hand_as_open_ones(
    examining: ModuleType, developed: list[Any]
) -> None:
    marks = [Counter(text[0] if text[0] in "*+=" else "" for text in kind) for kind in wordings(examining)]
    assert all(count["+"] == count["="] == count[""] for count in marks)
    assert sum(count["="] for count in marks) == len(developed)


def test_no_wording_of_another_hand_equals_another(examining: ModuleType) -> None:
    texts = Counter(plain(text.lstrip("*+=")) for kind in wordings(examining) for text in kind)
    others = [text for kind in wordings(examining) for text in kind if text[0] in "+="]
    assert [text for text in others if texts[plain(text[1:])] > 1] == []


def plain(text: str) -> str:
    """A text's words and slots, without case and punctuation."""
    return " ".join(re.findall(r"[\w{}]+", text.lower()))


def test_requests_follow_from_the_seed(examining: ModuleType, asked: list[Any], developed: list[Any]) -> None:
    refusals = list(examining.questions.refusals.questions(examining.World(REPORTED)))
    assert refusals == [request for request in asked if request.topic.startswith("refusal")]
    assert len({request.text for request in asked} & {request.text for request in developed}) < 0.4 * len(asked)


def leaves(examining: ModuleType, expected: Any) -> list[Any]:
    return [o for o in examining.request.options(expected) if isinstance(o, (examining.Answer, examining.Within))]


def test_the_truth_is_right_and_a_quarter_more_is_wrong(examining: ModuleType, asked: list[Any]) -> None:
    numeric = 0
    for request in asked:
        for option in leaves(examining, request.expected):
            if isinstance(option, examining.Answer) and isinstance(option.value, str):
                continue
            within = isinstance(option, examining.Within)
            value = (option.low + option.high) / 2 if within else option.value
            units = "1" if option.units == "*" else option.units
            answer = {"value": value, "units": units, "label": option.label}
            assert examining.grade({"status": "answered", "answer": answer}, request).grade == "right", request
            if len(leaves(examining, request.expected)) == 1 and abs(value) > 2:
                answer["value"] = 1.25 * value
                assert examining.grade({"status": "answered", "answer": answer}, request).grade == "wrong", request
            numeric += 1
    assert numeric > 320


def test_the_36_topics_stand_at_their_levels(examining: ModuleType, world: Any) -> None:
    found = examining.topics(world)
    assert Counter(topic.level for topic in found) == {1: 23, 2: 6, 3: 6, 4: 1}
    assert len({topic.name for topic in found}) == 36
    held = {data.variable for data in world.datasets} | {data.experiment for data in world.datasets}
    assert all(set(topic.needs) <= held for topic in found)


# The grader, by hand.


def graded(examining: ModuleType, expected: Any, **document: Any) -> str:
    request = examining.Request("r", "t", "?", expected, "by hand")
    return str(examining.grade({"status": "answered", **document}, request).grade)


@pytest.mark.parametrize(
    ("value", "units", "grade"),
    [
        (15.0, "degC", "right"), (288.15, "K", "right"), (59.0, "degF", "right"), (15.0, "°C", "right"),
        (15.0, "K", "wrong"), (15.0, "", "wrong"), (15.0, "hPa", "wrong"), (15.0, "nonsense", "wrong"),
        (15.4, "degC", "wrong"), (float("nan"), "degC", "wrong"), (None, "degC", "wrong"), (True, "degC", "wrong"),
        ("15", "degC", "wrong"),
    ],
)  # fmt: skip
def test_a_temperature_is_graded_with_its_units(examining: ModuleType, value: Any, units: str, grade: str) -> None:
    expected = examining.Answer(15.0, "degC", 0.02)
    assert graded(examining, expected, answer={"value": value, "units": units, "label": ""}) == grade


@pytest.mark.parametrize(
    ("value", "units", "wanted", "to"),
    [
        (3.0, "mm day-1", 3.0 / 86400, "kg m-2 s-1"), (3.0 / 86400, "kg m-2 s-1", 3.0, "mm/day"),
        (0.2, "degC/decade", 2.0, "K (100 year)^-1"), (0.2, "°C per decade", 0.02, "K year-1"),
        (17.0, "Sv", 17e6, "m3 s-1"), (12.0, "10^6 km2", 12.0, "million km²"), (101325.0, "Pa", 1013.25, "hPa"),
        (250.0, "ZJ", 2.5e23, "J"), (42.0, "months", 3.5, "years"), (0.35, "fraction", 35.0, "%"),
        (35.0, "psu", 35.0, "g kg-1"), (-1.2, "W/m²/K", -1.2, "W m-2 degC-1"), (35.0, "percent", 0.35, ""),
        (-2.0, "mm day-1 K-1", -2.0 / 86400, "kg m-2 s-1 K-1"),
    ],
)  # fmt: skip
def test_units_convert(examining: ModuleType, value: float, units: str, wanted: float, to: str) -> None:
    assert examining.grading.converted(value, units, to, difference=True) == pytest.approx(wanted, rel=1e-3)


def test_a_frequency_is_no_period(examining: ModuleType) -> None:
    assert examining.grading.converted(0.25, "year-1", "year") is None


def test_a_difference_of_temperatures_has_no_offset(examining: ModuleType) -> None:
    expected = examining.Answer(2.0, "K", 0.02, difference=True)
    assert graded(examining, expected, answer={"value": 2.0, "units": "degC"}) == "right"
    assert graded(examining, expected, answer={"value": 275.15, "units": "K"}) == "wrong"


def test_the_headline_of_several_values_counts_or_the_one_labelled(examining: ModuleType) -> None:
    plain, labelled = examining.Answer(3.0, "K"), examining.Answer(3.0, "K", label="CESM2")
    first = [{"value": 3.0, "units": "K", "label": "mean"}, {"value": 9.0, "units": "K", "label": "max"}]
    assert graded(examining, plain, answer=first) == "right"
    assert graded(examining, plain, answer=first[::-1]) == "wrong"
    named = [
        {"value": 9.0, "units": "K", "label": "ECS of CESM2-WACCM"},
        {"value": 3.0, "units": "K", "label": "ECS of CESM2 (Gregory)"},
    ]
    assert graded(examining, labelled, answer=named) == "right"
    assert graded(examining, labelled, answer=[]) == "wrong"
    assert graded(examining, labelled, answer="3 K") == "wrong"


def test_a_list_needs_all_its_items_and_a_ranking_their_order(examining: ModuleType) -> None:
    items = (examining.Answer(3.0, "K", label="A"), examining.Answer(2.0, "K", label="B"))
    given = [{"value": 2.0, "units": "K", "label": "B"}, {"value": 3.0, "units": "K", "label": "A"}]
    assert graded(examining, examining.Listed(items), answer=given) == "right"
    assert graded(examining, examining.Listed(items, ordered=True), answer=given) == "wrong"
    assert graded(examining, examining.Listed(items, ordered=True), answer=given[::-1]) == "right"
    assert graded(examining, examining.Listed(items), answer=given[:1]) == "wrong"


def test_a_name_is_right_as_a_value_or_at_the_head_of_a_ranking(examining: ModuleType) -> None:
    expected = examining.Answer("MIROC6")
    assert graded(examining, expected, answer={"value": "MIROC6", "units": ""}) == "right"
    ranking = [{"value": 0.4, "units": "K", "label": "MIROC6"}, {"value": 0.6, "units": "K", "label": "CESM2"}]
    assert graded(examining, expected, answer=ranking) == "right"
    assert graded(examining, expected, answer=ranking[::-1]) == "wrong"
    july = examining.request.month(7)
    for value in (7, "July", "jul"):
        assert graded(examining, july, answer={"value": value, "units": "1"}) == "right"
    assert graded(examining, july, answer={"value": 8, "units": "1"}) == "wrong"


def test_a_question_back_is_right_only_where_expected(examining: ModuleType) -> None:
    either = examining.request.refused("piControl")
    say = {"status": "clarified", "question": "No piControl of CESM2 is here. Another model?"}
    assert graded(examining, either, **say) == "right"
    assert graded(examining, either, status="abstained", reason="piControl is missing") == "right"
    assert graded(examining, either, status="abstained", reason="I do not know") == "abstained"
    assert graded(examining, either, status="abstained", reason="") == "abstained"
    assert graded(examining, either, answer={"value": 3.0, "units": "K"}) == "wrong"
    answer = examining.Answer(3.0, "K")
    assert graded(examining, answer, **say) == "clarified"
    assert graded(examining, answer, status="failed", reason="out of memory") == "failed"
    assert graded(examining, answer, status="") == "failed"
