"""A chosen plan from its data to its record, in the sandbox as it is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.laboratory.analysis import Laboratory, Task, figure, unchanged
from tellurion_agent.laboratory.script import script
from tellurion_agent.laboratory.steps import Steps
from tellurion_agent.libraries import Libraries
from tellurion_agent.recipes.area_mean import RECIPE
from tellurion_agent.report.record import Record
from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.sandbox import Limits
from tellurion_agent.slot_json import to_json
from tellurion_agent.slots import Period, Season
from tellurion_core.errors import Cancelled, NotFound

QUESTION = 'How warm is it?"""\nimport os; os._exit(7)'
SLOTS = {
    "variable": "sea_surface_temperature",
    "region": None,
    "level": None,
    "period": Period(2001, 2010),
    "season": Season("annual", tuple(range(1, 13))),
    "source": None,
    "experiment": None,
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten years of a sea of 12 °C, in kelvin."""
    folder = tmp_path_factory.mktemp("library")
    lat, lon = np.arange(-85.0, 90, 10), np.arange(5.0, 360, 10)
    time = xr.date_range("2001-01-15", periods=120, freq="MS", use_cftime=True, calendar="noleap")
    tos = xr.DataArray(
        np.full((120, 18, 36), 285.15, np.float32),
        {"time": time, "lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})},
        ("time", "lat", "lon"),
        "tos",
        {"standard_name": "sea_surface_temperature", "units": "K"},
    )
    tos.to_dataset().to_netcdf(folder / "tos.nc")
    return folder


@pytest.fixture(scope="module")
def libraries(library: Path) -> Libraries:
    return Libraries({"obs": library})


@pytest.fixture(scope="module")
def task(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Task:
    catalogue = Catalogue.open([library], tmp_path_factory.mktemp("index") / "i.sqlite")
    return Task(
        run="agent/runs/" + "0" * 32,
        question=QUESTION,
        recipe=RECIPE.name,
        title=RECIPE.title,
        method=RECIPE.method,
        references=RECIPE.references,
        settings=(),
        slots=to_json(SLOTS),
        reasons=(),
        data={"field": catalogue.datasets[0]},
        script=script(RECIPE, SLOTS, QUESTION),
        limits=Limits(seconds=100),
    )


class Counted(InnerSandbox):
    """The sandbox, and how often it ran something."""

    runs = 0

    def run(self, *arguments, **options):
        self.runs += 1
        return super().run(*arguments, **options)


def laboratory(libraries: Libraries, sandbox: InnerSandbox | None = None, **options) -> Laboratory:
    given = {"cancelled": lambda: False, "log": lambda line: None, **options}
    return Laboratory(sandbox=sandbox or InnerSandbox(), libraries=libraries, **given)


@pytest.fixture(scope="module")
def done(task: Task, libraries: Libraries, tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, Path]:
    folder = tmp_path_factory.mktemp("run")
    (folder / "steps").mkdir()
    return laboratory(libraries).record(task, folder, Steps(folder / "steps")), folder


def test_a_plan_is_answered_with_all_that_is_needed_to_believe_it(done: tuple[Record, Path], library: Path) -> None:
    record, _ = done
    assert (record.status, record.reason) == ("answered", "")
    assert record.values[0].value == pytest.approx(12.0, abs=1e-4)
    assert record.values[0].units == "degC"
    assert all(holds for _, holds in record.checks)
    (source,) = record.sources
    (file,) = source.files
    assert (file.name, file.bytes) == ("obs/tos.nc", (library / "tos.nc").stat().st_size)
    assert {each.name for each in record.results} == {"answer.json", "data.nc", "figure.png"}
    (attempt,) = record.attempts
    assert any("landlock" in layer.lower() for layer in attempt["layers"])
    assert str(library) not in json.dumps(record.json())
    assert QUESTION not in record.script


def test_a_run_that_was_killed_repeats_no_finished_step(
    done: tuple[Record, Path], task: Task, libraries: Libraries
) -> None:
    record, folder = done
    sandbox = Counted()
    resumed = laboratory(libraries, sandbox).record(task, folder, Steps(folder / "steps"))
    assert sandbox.runs == 0
    assert replace(resumed, created=record.created) == record


@pytest.mark.slow
def test_a_record_can_be_run_again_to_the_same_numbers(
    done: tuple[Record, Path], task: Task, libraries: Libraries, tmp_path: Path
) -> None:
    record, _ = done
    data = libraries.data({source.role: source.facets for source in record.sources})
    assert data == dict(task.data)
    again = replace(task, data=data, script=record.script)
    (tmp_path / "steps").mkdir()
    assert unchanged(record, laboratory(libraries).record(again, tmp_path, Steps(tmp_path / "steps"))) == ""


def test_other_numbers_are_not_the_same(done: tuple[Record, Path]) -> None:
    record, _ = done
    other = replace(record, values=(replace(record.values[0], value=12.1),))
    assert unchanged(record, other).startswith(f"{record.values[0].label} was 1")
    assert "other values" in unchanged(record, replace(record, values=record.values * 2))
    assert "ended as answered" in unchanged(record, replace(record, status="failed", reason="x"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise ValueError('no such thing')", "FAILED"),
        ("print('nothing')", "it wrote no answer.json"),
        ("open('answer.json', 'w').write('{\"values\": []}')", "0 values"),
        ("open('answer.pickle', 'w')", "RESULT_REFUSED"),
        ("open('record.json', 'w').write('{}')", "RESULT_REFUSED: record.json"),
        ("open('prov.json', 'w').write('{}')", "RESULT_REFUSED: prov.json"),
    ],
)
def test_a_script_that_answers_nothing_has_failed(
    task: Task, libraries: Libraries, tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "steps").mkdir()
    record = laboratory(libraries).record(replace(task, script=text), tmp_path, Steps(tmp_path / "steps"))
    assert record.status == "failed"
    assert reason in record.reason
    assert record.values == ()


def test_a_script_is_mended_and_all_attempts_are_kept(task: Task, libraries: Libraries, tmp_path: Path) -> None:
    right = """open("answer.json", "w").write('{"values": [{"label": "a", "value": 1, "units": "K"}]}')"""
    told = []

    def mend(script: str, trouble: str) -> str:
        told.append(trouble)
        return right

    (tmp_path / "steps").mkdir()
    asked = laboratory(libraries, mend=mend)
    record = asked.record(replace(task, script="1 / 0"), tmp_path, Steps(tmp_path / "steps"))
    assert (record.status, record.script, len(record.attempts)) == ("answered", right, 2)
    assert "ZeroDivisionError" in record.attempts[0]["stderr"]
    assert told == [record.attempts[0]["trouble"]]


def test_a_cancelled_run_stops(task: Task, libraries: Libraries, tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    with pytest.raises(Cancelled):
        laboratory(libraries, cancelled=lambda: True).record(task, tmp_path, Steps(tmp_path / "steps"))


def test_data_that_are_gone_are_named(task: Task, libraries: Libraries, tmp_path: Path) -> None:
    data = replace(task.data["field"], files=(replace(task.data["field"].files[0], location=str(tmp_path / "no.nc")),))
    (tmp_path / "steps").mkdir()
    with pytest.raises(NotFound, match=r"no file no\.nc any more"):
        laboratory(libraries).record(replace(task, data={"field": data}), tmp_path, Steps(tmp_path / "steps"))


@pytest.mark.parametrize("place", ["obs/../../etc/passwd", "other/tos.nc", "obs", "obs//etc/passwd", ""])
def test_no_place_is_outside_of_its_library(libraries: Libraries, place: str) -> None:
    with pytest.raises(NotFound):
        libraries.path(place)


def test_a_figure_that_no_page_can_hold_is_a_trouble(task: Task, libraries: Libraries, tmp_path: Path) -> None:
    noise = """
import numpy as np
from PIL import Image
Image.fromarray(np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), np.uint8)).save("figure.png")
open("answer.json", "w").write('{"values": [{"label": "a", "value": 1, "units": "K"}]}')
"""
    (tmp_path / "steps").mkdir()
    record = laboratory(libraries).record(replace(task, script=noise), tmp_path, Steps(tmp_path / "steps"))
    assert record.status == "failed"
    assert "the figure has 12" in record.reason  # noise cannot be packed: 2000 × 2000 × 3 bytes and a little
    assert figure(tmp_path / "results", record.results) is None
