"""What a request mentions, kind by kind, as tables."""

from __future__ import annotations

import math

import pytest

from tellurion_agent.planning.extraction.boxes import Impossible, boxes, overlap
from tellurion_agent.planning.extraction.choices import chosen
from tellurion_agent.planning.extraction.lexicon import Lexicon
from tellurion_agent.planning.extraction.names import named_experiments, named_members, named_sources
from tellurion_agent.planning.extraction.notations import notations
from tellurion_agent.planning.extraction.numbers import Quantity, levels, quantities
from tellurion_agent.planning.extraction.periods import SaidPeriod, periods
from tellurion_agent.planning.extraction.seasons import LocalSeason, seasons
from tellurion_agent.planning.extraction.text import LONGEST, mended, one_edit, text_of
from tellurion_agent.planning.extraction.units import quantity_of, units
from tellurion_agent.slot_text import text
from tellurion_agent.slots import Kind, Level, Period, Region, Season, Slot
from tellurion_core.errors import InvalidInput

DATA = Period(1950, 2014)


def values(read, request):
    """Of the mentions that a reader finds."""
    return [mention.value for mention in read(text_of(request))]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Niño 3.4 — 30º N, −5 °C", "Nino 3.4 - 30° N, -5 °C"),
        ("CO₂ in m⁻²", "CO2 in m-2"),
        ("normalised behaviour of water vapour in metres", "normalized behavior of water vapor in meters"),
        ("arising rises precisely", "arising rises precisely"),
        ("a\x00b\x1b[31m\r\n c\u200b", "a b [31m c"),
        ("  4×CO2 “run”  ", '4xCO2 "run"'),
    ],
)
def test_one_alphabet_and_one_spelling(said, read):
    assert text_of(said).said == read


@pytest.mark.parametrize("request_", ["", "  \n", "x" * (LONGEST + 1), None, 7])
def test_no_question_and_too_long_a_one_are_refused(request_):
    with pytest.raises(InvalidInput, match=r"question: received .*1 to 4000 characters"):
        text_of(request_)


def test_each_letter_in_lower_case_stands_where_it_stood():
    text = text_of("İSTANBUL SST in May")
    assert len(text.plain) == len(text.said)
    assert text.plain.endswith("sst in may")


@pytest.mark.parametrize(
    ("a", "b", "one"),
    [
        ("salinty", "salinity", True),
        ("salinnity", "salinity", True),
        ("salimity", "salinity", True),
        ("salintiy", "salinity", True),
        ("salinity", "salinity", False),
        ("slainty", "salinity", False),
        ("arctic", "antarctic", False),
    ],
)
def test_one_edit(a, b, one):
    assert one_edit(a, b) is one_edit(b, a) is one


def test_typing_errors_of_long_words_are_mended_and_told():
    words, english = {"temperature", "pacific", "warming", "trend"}, {"warning", "in", "the", "a"}
    text = mended(text_of("Temprature tredn, a warning in the Pacifc, TREN"), words, english.__contains__)
    assert text.said == "temperature trend, a warning in the pacific, TREN"
    assert text.mended == (("Temprature", "temperature"), ("tredn", "trend"), ("Pacifc", "pacific"))


def test_words_of_the_vocabulary_are_no_errors_though_others_are_near():
    assert mended(text_of("salty saltier"), {"salty", "malty", "saltier"}, set().__contains__).mended == ()


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        ("sea-surface temperatures", ["sst"]),
        ("sea level pressure and sea levels", ["psl", "level"]),
        ("seal evelpressure", []),
        ("undersea level", []),
        ("sea level, pressure", ["level"]),
        ("Niño3.4, nino-3.4 and NINO 3.4", ["34"] * 3),
    ],
)
def test_names_are_found_longest_first_whatever_joins_their_words(request_, found):
    names = {"sea surface temperature": "sst", "sea level": "level", "sea-level pressure": "psl", "Niño 3.4": "34"}
    assert [f.value for f in Lexicon(names.items()).find(text_of(request_))] == found


@pytest.mark.parametrize(
    ("request_", "first", "last"),
    [
        ("over 1991–2020", 1991, 2020),
        ("from 1980 to 2010", 1980, 2010),
        ("between 1980 and 2010", 1980, 2010),
        ("for 1980 through 2010", 1980, 2010),
        ("1991-92", 1991, 1992),
        ("January 1980 to December 2010", 1980, 2010),
        ("from 1 January 1980 until 31 December 2010", 1980, 2010),
        ("1980-01 to 2010-12", 1980, 2010),
        ("since 1979", 1979, 2014),
        ("from 1979 onwards", 1979, 2014),
        ("1979 to present", 1979, 2014),
        ("after 1979", 1980, 2014),
        ("until 1999", 1950, 1999),
        ("before 1999", 1950, 1998),
        ("the last 30 years", 1985, 2014),
        ("the past three decades", 1985, 2014),
        ("the last decade", 2005, 2014),
        ("the first twenty years", 1950, 1969),
        ("the final 20-year stretch", 1995, 2014),
        ("the 1990s", 1990, 1999),
        ("1970s to 1990s", 1970, 1999),
        ("the 20th century", 1901, 2000),
        ("second half of the twentieth century", 1951, 2000),
        ("in 1998", 1998, 1998),
        ("the year 1998", 1998, 1998),
        ("pre-industrial times", 1850, 1900),
        ("years 61-80", 61, 80),
        ("2020-1990", 2020, 1990),
        ("at 2000 m", None, None),
        ("1.1990 and 19901", None, None),
        ("recent years", None, None),
    ],
)
def test_periods(request_, first, last):
    found = [said.within(DATA) for said in values(periods, request_)]
    assert found == ([] if first is None else [Period(first, last)])


def test_two_periods_and_a_backwards_one():
    assert [(p.first, p.last) for p in values(periods, "1991-2020 relative to 1961–1990")] == [
        (1991, 2020),
        (1961, 1990),
    ]
    (said,) = values(periods, "from 2010 to 1980")
    assert said.backwards


@pytest.mark.parametrize(
    ("request_", "part"),
    [("March 1980 to May 1990", True), ("since June 1990", True), ("since January 1990", False), ("1991-02", True)],
)
def test_parts_of_years_are_noticed(request_, part):
    assert [said.part_years for said in values(periods, request_)] == [part]


@pytest.mark.parametrize(
    ("request_", "box"),
    [
        ("10S-10N, 160E-120W", (-10, 10, 160, 240)),
        ("160°E–120°W and 10°S–10°N", (-10, 10, 160, 240)),
        ("(5S-5N, 170W-120W)", (-5, 5, 190, 240)),
        ("between 5°S and 5°N, 170°W and 120°W", (-5, 5, 190, 240)),
        ("between 30 and 60°N", (30, 60, 0, 360)),
        ("60 to 30 degrees south", (-60, -30, 0, 360)),
        ("from the equator to 30N", (0, 30, 0, 360)),
        ("latitudes -10 to 10", (-10, 10, 0, 360)),
        ("lat -10 to 10, lon 120 to 150", (-10, 10, 120, 150)),
        ("20W-30E", (-90, 90, 340, 390)),
        ("lon = [-180, 180]", (-90, 90, 0, 360)),
        ("north of 60°N", (60, 90, 0, 360)),
        ("south of 30S", (-90, -30, 0, 360)),
        ("poleward of 60S", (-90, -60, 0, 360)),
        ("within 5° of the equator", (-5, 5, 0, 360)),
        ("55°N 3°W", (55, 55, 357, 357)),
        ("at 55.5 N, 3.25 E", (55.5, 55.5, 3.25, 3.25)),
        ("lat 10, lon -20", (10, 10, 340, 340)),
    ],
)
def test_boxes_bands_and_points(request_, box):
    (region,) = values(boxes, request_)
    assert (region.south, region.north, region.west, region.east) == box


def test_a_box_is_named_as_people_write_it():
    (region,) = values(boxes, "lat -10 to 10, lon 160 to 240")
    assert region.name == "10°S–10°N, 160°E–120°W"


@pytest.mark.parametrize("request_", ["95N-98N", "lat 55, lon 400", "10N-100N, 10E-20E", "120W-160E", "north of 99°N"])
def test_places_that_are_none_are_impossible(request_):
    (region,) = values(boxes, request_)
    assert isinstance(region, Impossible)


@pytest.mark.parametrize("request_", ["30 to 60 days", "in 5 s", "10-20", "5 e", "the north", "26.5°N"])
def test_other_numbers_are_no_boxes(request_):
    assert values(boxes, request_) == []


PACIFIC = Region("Pacific", -60, 60, 120, 290, "ocean")


@pytest.mark.parametrize(
    ("other", "box"),
    [
        (Region("20°N–90°N", 20, 90), (20, 60, 120, 290)),
        (Region("west", -90, 90, 340, 490), (-60, 60, 120, 130)),
        (Region("land", surface="land"), None),
        (Region("Arctic", 66, 90), None),
        (Region("Africa", -35, 37, 340, 412), None),
    ],
)
def test_what_two_regions_have_in_common(other, box):
    common = overlap(PACIFIC, other)
    assert (common.south, common.north, common.west, common.east) == box if box else isinstance(common, Impossible)


def test_land_of_a_region_is_named_so():
    assert overlap(Region("Europe", 35, 70, 350, 400), Region("land", surface="land")).name == "Europe (land)"


@pytest.mark.parametrize(
    ("request_", "level"),
    [
        ("upper 700 m", Level(0, 700, "m")),
        ("top 2 km", Level(0, 2000, "m")),
        ("0–2000 m", Level(0, 2000, "m")),
        ("from 100 m to 300 metres", Level(100, 300, "m")),
        ("surface to 1,000 m", Level(0, 1000, "m")),
        ("at 100 m", Level(100, 100, "m")),
        ("100-m depth", Level(100, 100, "m")),
        ("at a depth of 50 meters", Level(50, 50, "m")),
        ("below 2000 m", Level(2000, math.inf, "m")),
        ("full depth", Level(0, math.inf, "m")),
        ("at 500 hPa", Level(500, 500, "hPa")),
        ("850 mb", Level(850, 850, "hPa")),
        ("1000-200 hPa", Level(200, 1000, "hPa")),
        ("at the surface", Level(0, 0, "m")),
        ("rose by 2 m", None),
        ("pressure below 980 hPa", None),
        ("at 5 m/s", None),
    ],
)
def test_levels(request_, level):
    assert values(levels, request_) == ([] if level is None else [level])


@pytest.mark.parametrize(
    ("request_", "quantity"),
    [
        ("above 25 °C", Quantity(25, "degC")),
        ("more than 1.5 mm/day", Quantity(1.5, "mm day-1")),
        ("2,5 K", Quantity(2.5, "K")),
        ("the 95th percentile", Quantity(95)),
        ("a five-month running mean", Quantity(5, "month")),
        ("at 26.5°N", Quantity(26.5, "degrees_north")),
        ("at 34° S", Quantity(-34, "degrees_north")),
        ("10 percent", Quantity(10, "%")),
        ("below -5 degrees Celsius", Quantity(-5, "degC")),
        ("three modes", Quantity(3, "1")),
        ("below 5 degrees", Quantity(5, "degC")),
        ("at 5 degrees south", Quantity(-5, "degrees_north")),
    ],
)
def test_numbers_with_units(request_, quantity):
    assert values(quantities, request_) == [quantity]


@pytest.mark.parametrize("request_", ["one of two models", "Nino3.4"])
def test_words_and_parts_of_names_are_no_numbers(request_):
    assert values(quantities, request_) == []


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        ("in kelvin", "K"),
        ("in °C", "degC"),
        ("in mm/day please", "mm day-1"),
        ("as W/m2", "W m-2"),
        ("in K per decade", "K decade-1"),
        ("per century", "century-1"),
        ("in ZJ", "ZJ"),
        ("in May", None),
        ("in a month", None),
        ("in south", None),
    ],
)
def test_units_that_are_asked_for(request_, name):
    assert values(units, request_) == ([] if name is None else [name])


@pytest.mark.parametrize(("name", "quantity"), [("K", "temperature"), ("degC decade-1", "temperature"), ("?", "")])
def test_what_units_are_of(name, quantity):
    assert quantity_of(name) == quantity


DJF, JJA = Season("DJF", (12, 1, 2)), Season("JJA", (6, 7, 8))


@pytest.mark.parametrize(
    ("request_", "season"),
    [
        ("DJF mean", DJF),
        ("jja", JJA),
        ("boreal winter", DJF),
        ("austral summer", DJF),
        ("southern hemisphere winter", JJA),
        ("winter", LocalSeason(DJF, JJA)),
        ("autumnal", None),
        ("temperatures fall", None),
        ("in fall", LocalSeason(Season("SON", (9, 10, 11)), Season("MAM", (3, 4, 5)))),
        ("in March", Season("March", (3,))),
        ("for May", Season("May", (5,))),
        ("May 2002", Season("May", (5,))),
        ("this may be", None),
        ("June to September", Season("JJAS", (6, 7, 8, 9))),
        ("Nov-Mar", Season("NDJFM", (11, 12, 1, 2, 3))),
        ("between June and August", JJA),
        ("Dec-Jan-Feb", DJF),
        ("NDJFM", Season("NDJFM", (11, 12, 1, 2, 3))),
        ("annual mean", Season("annual", tuple(range(1, 13)))),
        ("the annual cycle", None),
        ("reason", None),
    ],
)
def test_seasons_and_months(request_, season):
    assert values(seasons, request_) == ([] if season is None else [season])


def test_two_months_are_two():
    assert [s.name for s in values(seasons, "January and July")] == ["January", "July"]


@pytest.mark.parametrize(
    ("request_", "sources"),
    [
        ("with GISTEMP v4", [("GISTEMP v4",)]),
        ("gistemp", [("GISTEMP v4",)]),
        ("MPI ESM1-2-LR", [("MPI-ESM1-2-LR",)]),
        ("MPI-ESM1-2", [("MPI-ESM1-2-HR", "MPI-ESM1-2-LR")]),
        ("ERA5 and HadISST", [("ERA5",), ("HadISST",)]),
        ("the ocean model", []),
        ("in the NEMO data", [("nemo_1m_grid-T",)]),
        ("the World Ocean Atlas", [("ocean_atlas_subset",)]),
        ("the first summer in North America", []),
    ],
)
def test_data_sets_by_name(request_, sources):
    of_files = ["nemo_1m_grid-T", "ocean_atlas_subset", "summer_rain", "north_america"]
    there = ["GISTEMP v4", "MPI-ESM1-2-LR", "MPI-ESM1-2-HR", "ocean reanalysis A", *of_files]
    assert [m.value for m in named_sources(text_of(request_), there, lambda word: word != "nemo")] == sources


@pytest.mark.parametrize(
    ("request_", "experiments"),
    [
        ("SSP5-8.5", ["ssp585"]),
        ("ssp 2 4.5", ["ssp245"]),
        ("RCP8.5", ["rcp85"]),
        ("abrupt 4×CO2", ["abrupt-4xCO2"]),
        ("an abrupt-4xCO2 run", ["abrupt-4xCO2"]),
        ("1% CO2 per year", ["1pctCO2"]),
        ("the preindustrial control", ["piControl"]),
        ("historical simulations", ["historical"]),
        ("the historical record", []),
        ("scenario A1B", ["A1B"]),
    ],
)
def test_experiments(request_, experiments):
    assert [m.value for m in named_experiments(text_of(request_), ["A1B", "ssp585"])] == experiments


def test_members():
    assert list(named_members(text_of("member r1i1p1f2, not r1i1"))) == ["r1i1p1f2"]


@pytest.mark.parametrize(
    ("request_", "choices"),
    [
        ("the average", ("mean",)),
        ("the hottest year", ("maximum",)),
        ("how variable", ("standard deviation",)),
        ("Theil–Sen", ("theil_sen",)),
        ("mean of the maxima", ("mean", "maximum")),
        ("meanwhile", ()),
    ],
)
def test_words_of_a_choice(request_, choices):
    slot = Slot("statistic", Kind.CHOICE, "Which?", choices=("mean", "maximum", "standard deviation", "theil_sen"))
    assert chosen(text_of(request_), slot) == choices


@pytest.mark.parametrize(
    ("request_", "read"),
    [
        ("Z500 over Europe", [("geopotential_height",), Level(500, 500, "hPa")]),
        ("T850 and U_200", [("air_temperature",), Level(850, 850, "hPa"), ("eastward_wind",), Level(200, 200, "hPa")]),
        ("OHC700 of the Atlantic", [Level(0, 700, "m")]),
        ("Z20, the depth of an isotherm; PC1, RX5day, q95", []),
    ],
)
def test_short_notations(request_, read):
    assert values(notations, request_) == read


@pytest.mark.parametrize(
    ("request_", "read"),
    [
        ("the ocean above 300 m", [Level(0, 300, "m")]),
        ("a 50 m layer", [Level(0, 50, "m")]),
        ("salinity 500m the NH", [Level(500, 500, "m")]),
        ("10 m wind and 2 m temperature", []),
        ("on the 500 hPa surface", [Level(500, 500, "hPa")]),
        ("geopotential height above 5500 m", []),
    ],
)
def test_depths_without_many_words(request_, read):
    assert values(levels, request_) == read


def test_a_paper_is_no_year_of_data():
    assert values(periods, "after Gregory et al. (2004), 1979 to 2010") == [SaidPeriod(1979, 2010)]


@pytest.mark.parametrize(
    ("region", "written"),
    [
        (Region("Niño 3.4", -5, 5, 190, 240), "Niño 3.4 (5°S–5°N, 190–240°E)"),
        (Region("Africa", -35, 38, 342, 412), "Africa (35°S–38°N, 18°W–52°E)"),
        (Region("tropics", -23.5, 23.5), "tropics (23.5°S–23.5°N)"),
    ],
)
def test_regions_as_people_write_them(region, written):
    assert text(region) == written
