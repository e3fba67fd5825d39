"""Recipes of ESMValTool as files: what is read of one, and what no file can do to its reader."""

from __future__ import annotations

import time

import pytest

from tellurion_agent.esmvaltool import recipe_file
from tellurion_agent.esmvaltool.knowledge import knowledge
from tellurion_agent.esmvaltool.recipe_file import read, word
from tellurion_core.errors import InvalidInput

RECIPE = b"""
documentation: {title: "Sea surface\\n temperature", authors: [somebody]}
datasets:
  - {dataset: CanESM5, project: CMIP6, exp: historical}
preprocessors:
  whole: &whole
    regrid: {target_grid: 1x1, scheme: linear}
    area_statistics: {operator: mean}
  unmapped:
    <<: *whole
    regrid: false
diagnostics:
  mean:
    additional_datasets: [{dataset: HadISST, project: OBS, start_year: 1900}]
    variables:
      tos: {mip: Omon, preprocessor: unmapped, start_year: 1981, end_year: 2010}
      warm:
        short_name: tos
        additional_datasets: [{dataset: ERA5}]
    scripts: {plot: {script: examples/diagnostic.py}, ancestors: null}
  nothing:
    scripts: null
"""


def test_variables_have_their_steps_and_the_data_sets_of_all_three_places() -> None:
    file = read("folder/recipe_sst.yml", RECIPE)
    assert (file.name, file.title) == ("recipe_sst", "Sea surface temperature")
    tos, warm = file.variables
    assert (tos.diagnostic, tos.group, tos.short_name, tos.mip) == ("mean", "tos", "tos", "Omon")
    assert tos.steps == {"area_statistics": {"operator": "mean"}}, "false takes a step out of what was merged in"
    assert [each["dataset"] for each in tos.datasets] == ["CanESM5", "HadISST"]
    assert [each["start_year"] for each in tos.datasets] == [1981, 1900], "a data set's own facets go first"
    assert (warm.group, warm.short_name, warm.steps) == ("warm", "tos", {})
    assert [each["dataset"] for each in warm.datasets] == ["CanESM5", "HadISST", "ERA5"]
    assert [script.get("script") for script in tos.scripts] == ["examples/diagnostic.py", None]


MERGED = "\n".join(["m0: &m0 {a: 1, b: 2}", *(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, 40))])
NESTED = "\n".join(["l0: &l0 [x]", *(f"l{n}: &l{n} [{', '.join(9 * [f'*l{n - 1}'])}]" for n in range(1, 30))])
ENDLESS = f"""{NESTED}
documentation: {{title: *l29}}
diagnostics: {{d: {{variables: {{v: {{short_name: *l29, preprocessor: *l29, timerange: *l29}}}}, scripts: *l29}}}}"""
MANY = "datasets: [" + 501 * "{}," + "]\ndiagnostics: {d: {variables: {tas: {}}}}"


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (b"", "no diagnostics"),
        (b"- a\n- list", "no diagnostics"),
        (b"diagnostics: []", "no diagnostics"),
        (b"\xff\xfe\x00", "no YAML"),
        (b"a: [", "no YAML, at line 1"),
        (b"!!python/object/apply:os.system [ls]", "no YAML, at line 1"),
        (100_000 * b"[", "no YAML"),
        (b"a: " + 6000 * b"9", "no YAML"),
        (b"a: 2001-99-99", "no YAML"),
        (MERGED.encode(), "no YAML"),
        (MANY.encode(), "501 data sets of one variable"),
        (b"x" * (recipe_file.MOST_BYTES + 1), f"{recipe_file.MOST_BYTES + 1} bytes"),
        (b"diagnostics: {d: {variables: {" + b",".join(b"v%d: {}" % n for n in range(1001)) + b"}}}", "more than 1000"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_recipe_is_refused_in_a_line_and_soon(content: bytes, received: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidInput, match=received):
        read("recipe.yml", content)
    assert time.process_time() - began < 20


def test_lists_that_are_endless_by_reference_are_never_written_out() -> None:
    file = read("recipe.yml", ENDLESS.encode())
    (variable,) = file.variables
    assert (file.title, variable.short_name) == ("", "")
    assert [type(each).__name__ for each in knowledge(file)] == ["Unknown"]


def test_texts_are_one_printable_line_of_bounded_length() -> None:
    assert word("two\nlines\t\x1b[2J") == "two lines ?[2J"
    assert len(word(10_000 * "x")) == recipe_file.WORDS
    assert (word(1850), word(None), word({"a": 1}), word(10**30)) == ("1850", "", "", "")
