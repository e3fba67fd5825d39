"""OmniEarth-Bench's boxes: what is read, in which unit it is taken, and how far it overlaps."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.scorers.omniearth_grounding import best_iou, box_in, reference_box

RELEASED = [
    r"\[\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?)\s*\]",
    r"\(\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?)\s*\)",
    r"\(\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?)\),\s*\(\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?)\)",
]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[1,2,3,4]", (1, 2, 3, 4)),
        ("The box is [ 0.25, 0.25,\n0.75, 0.75 ].", (0.25, 0.25, 0.75, 0.75)),
        ("(1, 2, 3, 4)", (1, 2, 3, 4)),
        ("(1,2),(3,4)", (1, 2, 3, 4)),
        ("(1, 2), (3, 4)", (1, 2, 3, 4)),
        ("(5,6,7,8) or [1,2,3,4]", (1, 2, 3, 4)),  # brackets go first
        ("(1,2),(3,4) or (5,6,7,8)", (5, 6, 7, 8)),
        ("[1,2,3,4] or [5,6,7,8]", (1, 2, 3, 4)),
        ("[[1,2,3,4]]", (1, 2, 3, 4)),
        ("[-1,-2,3,4.5]", (-1, -2, 3, 4.5)),
        ("[1,2,3]", None),
        ("[1,2,3,4,5]", None),
        ("[1 ,2,3,4]", None),  # no space before a comma
        ("[.5,.5,1,1]", None),
        ("[1e2,2,3,4]", None),
        ("[nan,inf,1,1]", None),
        ("[1e400,0,1,1]", None),
        ("<1><2><3><4>", None),
        ("1,2,3,4", None),
        ("", None),
    ],
)
def test_the_box_in_an_answer(answer, expected):
    assert box_in(answer) == expected


@given(st.text(alphabet="[](),.- 012", max_size=24) | st.from_regex("|".join(RELEASED)))
def test_a_box_is_read_as_the_release_reads_it(answer):
    match = next((found for form in RELEASED if (found := re.search(form, answer))), None)
    assert box_in(answer) == (tuple(map(float, match.groups())) if match else None)


def test_the_reference_is_a_share_of_the_images_size():
    assert reference_box("<16><12><48><36>", 64, 48) == (0.25, 0.25, 0.75, 0.75)
    assert reference_box("the eddy <0><4.5>, <8><9.0>", 16, 9) == (0, 0.5, 0.5, 1)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0.25, 0.25, 0.75, 0.75), 1),  # shares
        ((50, 25, 150, 75), 1),  # pixels of 200 × 100
        ((250, 250, 750, 750), 1),  # thousandths
        ((25, 25, 75, 75), 1),  # percent
        ((0.25, 0.25, 0.75, 0.5), 1 / 2),
        ((0.25, 0.25, 1, 0.75), 2 / 3),
        ((0, 0, 1, 1), 1 / 4),
        ((0, 0, 100, 100), 1 / 4),  # in percent the whole image; in pixels its left half, which overlaps 1/8 of 5/8
        ((0, 0, 0, 0), 0),
        ((0.75, 0.75, 0.25, 0.25), 0),  # turned over
        ((-0.5, -0.5, -0.1, -0.1), 0),
        ((float("inf"),) * 4, 0),
    ],
)
def test_the_overlap_is_the_largest_of_four_units(box, expected):
    assert best_iou(box, (0.25, 0.25, 0.75, 0.75), 200, 100) == pytest.approx(expected)


@given(st.tuples(*[st.floats()] * 4), st.integers(1, 10_000), st.integers(1, 10_000))
def test_an_overlap_is_a_share_whatever_the_numbers(box, width, height):
    assert 0 <= best_iou(box, (0.1, 0.2, 0.6, 0.9), width, height) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[" + "1" * 1_000_000,
        "[1," * 330_000,
        "(1,2)," * 160_000,
        "[" + " " * 1_000_000,
        "[1.1" * 250_000,
    ],
    ids=["brackets", "digits", "numbers", "pairs", "spaces", "decimals"],
)
def test_a_hostile_megabyte_is_read_in_linear_time(text):
    started = time.process_time()
    box_in(text)
    assert time.process_time() - started < 2
