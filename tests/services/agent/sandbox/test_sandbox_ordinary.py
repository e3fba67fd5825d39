"""Ordinary analyses come to the right numbers under the policy that stops everything else."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.results import collected
from tellurion_agent.sandbox.sandbox import Limits, Run

LATITUDES = np.array([-60.0, 0.0, 60.0])
LIMITS = Limits(seconds=300, memory_bytes=1 << 30, disk_bytes=64 << 20, processes=64)


def month_cycle(month: int) -> float:
    """Of the generated field, on top of its latitude: January is 0."""
    return 2.0 * math.sin(2 * math.pi * month / 12)


def write_field(path: Path, year: int) -> None:
    """One year of sea surface temperature, |latitude| plus a cycle."""
    with netCDF4.Dataset(path, "w") as data:
        for name, values, units in (
            ("time", np.arange(12) * 30.0 + 15 + 360 * (year - 2000), "days since 2000-01-01"),
            ("lat", LATITUDES, "degrees_north"),
            ("lon", np.array([0.0, 120.0, 240.0]), "degrees_east"),
        ):
            data.createDimension(name, len(values))
            variable = data.createVariable(name, "f8", (name,))
            variable.units = units
            variable[:] = values
        data["time"].calendar = "360_day"
        field = data.createVariable("tos", "f4", ("time", "lat", "lon"))
        field.standard_name, field.units = "sea_surface_temperature", "degC"
        cycle = np.array([month_cycle(month) for month in range(12)])
        field[:] = cycle[:, None, None] + np.abs(LATITUDES)[:, None]


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory):
    """The run of a script and its output; each is run once."""

    @cache
    def of(script: str) -> tuple[Run, Path]:
        place = tmp_path_factory.mktemp(script)
        (output := place / "output").mkdir()
        inputs = []
        if script == "fields":
            inputs = [place / f"tos_{year}.nc" for year in (2000, 2001)]
            for year, path in zip((2000, 2001), inputs, strict=True):
                write_field(path, year)
        code = Path(__file__).with_name("scripts") / f"{script}.py"
        run = InnerSandbox().run(code, inputs, output, LIMITS, cancelled=lambda: False, log=lambda line: None)
        return run, output

    return of


NUMBERS = {
    "product_of_matrices": sum(n * 401 / 400 for n in range(400)),
    "eigenvalues": [1, 2, 3],
    "pool_of_threads": 99 * 100 * 199 / 6,
    "linear_trend": 0.02,
    "spectrum": 48,
    "spline": 1.3**3,
    "fitted_curve": [3, 0.7],
    "annual_means": [0, 1],
    "copied_files": ["kept"] * 3,
    "event_loop": 7,
    "random_numbers": pytest.approx(0.5, abs=0.01),
}
FIELDS = {
    # cos 60° = ½: (½·60 + 0 + ½·60) / (½ + 1 + ½)
    "weighted_mean": 30,
    "two_files_as_one": 24,
    "seasonal_cycle": [40 + month_cycle(month) for month in range(12)],
    "written_and_read": [10, "K"],
    "written_in_the_classic_form": 4,
    "store_of_chunks": 99 * 100 / 2,
    "larger_than_a_chunk": 1e6,
    "calendars": [60, 61, 60, "2000-12-30T00:00:00"],
    "standard_name": "tos",
    "line": True,
    "map_with_colours": True,
}
LIBRARIES = {
    "leading_pattern": 1,
    "density_of_sea_water": pytest.approx(1026.97, abs=0.05),  # TEOS-10's standard ocean at 10 °C
    "monotonic_trend": "increasing",
    "regions": 1,
    "compiled_loop": 999 * 1000 / 2,
    "fonts_and_programs": True,
}
EXPECTED = {"numbers": NUMBERS, "fields": FIELDS, "libraries": LIBRARIES}


@pytest.mark.parametrize(
    ("script", "analysis"), [(script, analysis) for script, expected in EXPECTED.items() for analysis in expected]
)
def test_an_ordinary_analysis_comes_to_its_number(ordinary, script, analysis):
    run, output = ordinary(script)
    assert run.reason is None, run.stderr
    found, expected = json.loads((output / "answers.json").read_text())[analysis], EXPECTED[script][analysis]
    if isinstance(expected, (int, float)) or (isinstance(expected, list) and isinstance(expected[-1], float)):
        expected = pytest.approx(expected, rel=1e-6)
    assert found == expected


@pytest.mark.parametrize("script", EXPECTED)
def test_nothing_was_taken_for_an_attempt(ordinary, script):
    run, output = ordinary(script)
    assert run.exit_code == 0
    assert set(run.refused) <= {"clone", "fork", "vfork"}  # for programs that libraries ask and can do without
    assert "answers.json" in [result.name for result in collected(output)]
    assert run.peak_memory_bytes > 30 << 20


def test_figures_and_fields_come_back(ordinary):
    names = [result.name for result in collected(ordinary("fields")[1])]
    assert names == ["answers.json", "classic.nc", "line.png", "map.png", "modern.nc"]
