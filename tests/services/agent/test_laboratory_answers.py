"""Answers as scripts write them, and what is believed of them outside."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tellurion_agent.laboratory.answers import Unusable, figure_troubles, read, troubles
from tellurion_agent.laboratory.instruments import ANSWER, DATA, FIGURE, answer
from tellurion_agent.recipes.recipe import Check, NoAnswer, Outcome, Recipe, Value


def mean_of(inputs, slots) -> Outcome:
    field = inputs["field"]
    if not field.notnull().any():
        raise NoAnswer("every value is missing")
    mean = float(field.mean())
    return Outcome(
        (Value("mean", mean, "K", mean - slots["wide"], mean + slots["wide"]),), field.to_dataset(name="t"), ("short",)
    )


def plotted(figure, outcome, slots) -> None:
    axes = figure.subplots()
    axes.plot(outcome.data["t"])
    axes.set(xlabel="month", ylabel="temperature (K)", title="mean")


MEAN = Recipe("mean", "Mean", ("mean",), (), (), "the mean", (), mean_of, plotted, checks=(
    Check("the mean is above absolute zero", lambda outcome, inputs, slots: outcome.values[0].value > 0),
))  # fmt: skip


def written(tmp_path: Path, values, wide: float = 1.0):
    answer(MEAN, {"field": xr.DataArray(np.array(values), dims="time")}, {"wide": wide}, tmp_path)
    return read((tmp_path / ANSWER).read_bytes())


def test_what_a_recipe_computes_comes_back(tmp_path: Path) -> None:
    found = written(tmp_path, [280.0, 290.0])
    assert found.values == (Value("mean", 285.0, "K", 284.0, 286.0),)
    assert found.notes == ("short",)
    assert found.checks == (("the mean is above absolute zero", True),)
    assert xr.load_dataset(tmp_path / DATA)["t"].values.tolist() == [280, 290]
    assert troubles(found, (tmp_path / FIGURE).read_bytes()) == []


def test_no_answer_is_told_with_its_reason(tmp_path: Path) -> None:
    assert written(tmp_path, [np.nan]).no_answer == "every value is missing"
    assert [path.name for path in tmp_path.iterdir()] == [ANSWER]


def test_a_check_that_does_not_hold_is_a_trouble(tmp_path: Path) -> None:
    found = written(tmp_path, [-280.0])
    assert troubles(found, None) == ["the check does not hold: the mean is above absolute zero"]


def test_a_value_outside_its_interval_is_a_trouble(tmp_path: Path) -> None:
    (told,) = troubles(written(tmp_path, [280.0], wide=-1.0), None)
    assert told == "mean: 280 is outside its own interval, 281 to 279"


def test_a_result_that_is_no_number_is_a_trouble(tmp_path: Path) -> None:
    content = {"values": [{"label": "mean", "value": "not a number", "units": "K"}]}
    assert troubles(read(json.dumps(content).encode()), None) == ["mean: the result is not a number"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no JSON"),
        ("[1]", "no object"),
        ("{}", "0 values"),
        ('{"values": 3}', "values is no list"),
        ('{"values": [3]}', r"values\[0\] is no object"),
        ('{"values": [{"label": "a", "value": true, "units": "K"}]}', "no number"),
        ('{"values": [{"label": "a", "value": NaN, "units": "K"}]}', "no number"),
        ('{"values": [{"label": "a", "value": 1, "units": "K", "low": "x"}]}', "bounds"),
        ('{"values": [{"label": 1, "value": 1, "units": "K"}]}', "label is no text"),
        ('{"values": [{"value": 1}], "checks": [{"states": "a"}]}', "whether it holds"),
        ("[" * 100_000, "no JSON"),
        (json.dumps({"values": [{"value": 10**400}]}), "no number"),
        (json.dumps({"values": [{"value": 1, "low": -(10**400)}]}), "bounds"),
        (json.dumps({"values": [{"value": 1}], "notes": ["a"] * 1001}), "1001 notes"),
        (json.dumps({"values": [{"value": 1}], "checks": [{"states": "a", "holds": True}] * 1001}), "1001 checks"),
    ],
)
def test_what_is_no_answer_is_told(content: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        read(content.encode())


def test_labels_cannot_do_more_than_be_read() -> None:
    content = {"values": [{"label": "a\x1b[2J" + "x" * 1000, "value": 1, "units": "K"}]}
    (value,) = read(json.dumps(content).encode()).values
    assert value.label.startswith("a [2Jx")
    assert len(value.label) == 500


def picture(draw) -> bytes:
    figure = Figure()
    draw(figure)
    file = BytesIO()
    FigureCanvasAgg(figure).print_png(file)
    return file.getvalue()


def test_a_blank_figure_is_a_trouble() -> None:
    (told,) = figure_troubles(picture(lambda figure: None), [])
    assert told.startswith("the figure is blank")


def test_axes_that_do_not_say_what_they_are_are_a_trouble() -> None:
    shown = picture(lambda figure: figure.subplots().plot([0, 1]))
    axes = [{"title": "", "x": "month", "y": "", "bar": False, "drawn": 1}, {"x": "", "y": "", "drawn": 0}]
    assert figure_troubles(shown, axes) == ["axes 0 of the figure have no label of y"]


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_picture_is_told(content: bytes) -> None:
    assert figure_troubles(content, []) == ["the figure is no PNG picture"]
